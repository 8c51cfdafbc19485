"""`optimize.py` for many pictures: every photo in every style."""

import json
import os
import pathlib
import time
from typing import Any

from absl import logging

from tfstyle.commands import optimize_job as job
from tfstyle.commands import written_files
from tfstyle.config import OptimizeCommand
from tfstyle.errors import InputError, of_flag
from tfstyle.runtime import process, terminal

_OF_ONE = {  # flags for a single picture, and why
    "preview_every": "it would leave pictures that are not finished",
    "history": "--json has sizes, seconds and losses of all",
    "plot": "--json has sizes, seconds and losses of all",
    "content_mask": "its regions are those of one photo",
    "strength_map": "it is of one photo",
    "save_masks": "those of several photos would have the same names",
}


def main(config: OptimizeCommand) -> int:
    """Paints all pictures; 128 + signal number if it was stopped.

    Raises: InputError, at the end, if some could not be painted.
    """
    from tfstyle.encoders import weight_files

    for flag, reason in _OF_ONE.items():
        if getattr(config, flag):
            raise InputError(f"--{flag}: is for one photo and a file as --output; {reason}")
    batch = _Batch(config)
    weight_files.check_encoder(config.encoder, config.vgg_weights)
    batch.check_pictures()
    if batch.todo:
        status = batch.paint()
        if status:
            return status
    total = len(batch.outputs)
    if config.sheet and len(batch.failed) < total:
        batch.write_sheet()
    if batch.failed:
        others = f"; the others are in {config.output}" if len(batch.failed) < total else ""
        raise InputError(f"{len(batch.failed)} of {total} pictures could not be painted{others}")
    logging.info("Wrote %s.", config.output)
    return 0


class _Batch:
    """The pictures of a command.

    Attributes:
        contents: paths of the photos.
        styles: paths of the paintings by name of the style; a mixture has several.
        outputs: paths of the pictures by pair of a photo and a style's name.
        todo: pairs that are neither there nor failed, style by style.
        failed: pairs that cannot be painted.
    """

    def __init__(self, config):
        from tfstyle import images

        self.config = config
        self.contents = images.find_pictures("content", config.content)
        paintings = images.find_pictures("style", config.style)
        names = images.distinct_names(paintings)
        groups = [[path] for path in paintings]
        one = images.is_file_name(config.output, len(self.contents))
        shares = config.style_weights
        if one and len(paintings) > 1 and not any(map(os.path.isdir, config.style)):
            shares = shares or (1.0,) * len(paintings)
        if shares:
            names, groups = images.style_names("style", names, shares), [paintings]
        read = [*job.inputs(config, *self.contents, *paintings), config.from_picture]
        self.outputs = images.pair_outputs(
            config.output, self.contents, names, read, config.bits, config.size
        )
        self.styles = dict(zip(names, groups, strict=True))
        written_files.check_written(config, ("checkpoint", "sheet"), read, self.outputs.values())
        written_files.check_sheet(config.sheet, len(self.contents), len(names))
        self.todo = [(content, name) for name in names for content in self.contents]
        self.failed = set()
        self._said = set()  # errors
        self._init = job.read_init(config)
        self._fast = None  # the model of --init=fast, once loaded
        self._progress: Any = None  # once painting begins

    def _report(self, pair, **found):
        content, name = pair
        job.print_json(self.config, content, self.styles[name], self.outputs[pair], **found)

    def _fail(self, error, content=None, name=None):
        """Of the pairs that are left, those of a photo and of a style cannot be painted."""
        pairs = [
            pair for pair in self.todo if content in (None, pair[0]) and name in (None, pair[1])
        ]
        if content and str(content) not in str(error):  # it is of the flags, such as --size
            error = InputError(f"--content: {content}: {error}")
        for pair in pairs:
            self.todo.remove(pair)
            self.failed.add(pair)
            self._report(pair, error=str(error))
        if len(self.outputs) == 1:
            raise error
        if str(error) not in self._said:  # once, though a photo fails in each style
            logging.error("error: %s", error)
        self._said.add(str(error))
        if self._progress:
            self._progress.passed(len(pairs))

    def check_pictures(self):
        """Fails, before TensorFlow is loaded, what can be seen not to be usable."""
        from tfstyle import images
        from tfstyle.optimization import scales

        for content in self.contents:
            try:
                with of_flag("content"):
                    shape = images.image_size(content)
                    scales.plan_stages(self.config, self.config.encoder, shape)
            except InputError as error:
                self._fail(error, content=content)
            else:
                job.check_layers(self.config, shape)
        for name, paintings in self.styles.items():
            try:
                for path in paintings:
                    with of_flag("style"):
                        images.image_size(path)
            except InputError as error:
                self._fail(error, name=name)

    def paint(self):
        """Paints what is to do; returns 128 + signal number if it was stopped, else 0."""
        self.config = job.start(self.config)
        for pair in [pair for pair in self.todo if self._is_there(pair)]:
            self._skip(pair)
        if not self.todo:
            return 0
        from tfstyle import optimization

        self.outputs[self.todo[0]].parent.mkdir(parents=True, exist_ok=True)
        renderer = optimization.Renderer(self.config.render_config())
        self._progress = terminal.PictureProgress(len(self.todo))
        with process.StopSignal() as stop:
            try:
                self._paint(renderer, stop.requested)
            except KeyboardInterrupt as error:
                error.add_note(f"{self._kept()}; the same command goes on")
                raise
        if not self.todo:
            return 0
        terminal.end_progress()
        logging.info("Stopped: %s; the same command goes on.", self._kept())
        return 128 + stop.number

    def _kept(self):
        count = len(self.outputs) - len(self.todo) - len(self.failed)
        return f"{count} of {len(self.outputs)} pictures are in {self.config.output}"

    def _paint(self, renderer, should_stop):
        """Paints until all is done or stopped. Each style's paintings are read once."""
        for name, paintings in self.styles.items():
            contents = [content for content, style in self.todo if style == name]
            try:
                styles = [job.read(self.config, "style", path) for path in paintings if contents]
            except InputError as error:
                self._fail(error, name=name)
                continue
            for content in contents:
                if should_stop():
                    return
                if (content, name) in self.todo:
                    self._paint_pair(renderer, (content, name), styles, should_stop)

    def _paint_pair(self, renderer, pair, styles, should_stop):
        from tfstyle import images, optimization

        config, (content, name) = self.config, pair
        try:
            job.check_memory(config, content, self.styles[name])
            photo = job.read(config, "content", content)
            alpha = images.read_alpha(content, config.size)
            shapes = [style.shape[1:3] for style in styles]
            optimization.plan(config, photo.shape[1:3], shapes, config.auto_regions)
            regions = job.with_auto_regions(config, photo, styles)
            init = self._start_image(photo, styles)
        except InputError as error:
            self._fail(error, content=content, name=name)
            return

        def show(progress):
            self._progress.show(
                progress.done,
                f"{progress.width} × {progress.height} by {progress.encoder}",
                f"iteration {progress.iteration} of {progress.iterations}",
                always=should_stop(),
            )

        started = time.monotonic()
        result = renderer.render(
            photo, styles, init=init, regions=regions, on_progress=show, should_stop=should_stop,
            checkpoint=config.checkpoint or None,
        )  # fmt: skip
        seconds = time.monotonic() - started
        if not result.complete:
            return
        images.write_image(
            self.outputs[pair], result.image, alpha=alpha, bits=config.bits,
            parameters=self._parameters(pair),
        )  # fmt: skip
        if config.checkpoint:
            pathlib.Path(config.checkpoint).unlink(missing_ok=True)
        self.todo.remove(pair)
        self._report(pair, **job.result_of(result.image, result.history, seconds))
        self._progress.passed()

    def _start_image(self, photo, styles):
        if self.config.init != "fast" or os.path.exists(self.config.checkpoint):
            return self._init
        self._fast = self._fast or job.load_fast()
        return job.fast_image(self.config, self._fast, photo, styles)

    def _parameters(self, pair):
        content, name = pair
        return job.stored(self.config, content, self.styles[name], self.outputs[pair])

    def _is_there(self, pair):
        """Whether a picture is whole, of these parameters, and no older than what it is of."""
        from tfstyle import images

        output = self.outputs[pair]
        if not output.is_file():
            return False
        wanted = json.loads(json.dumps(self._parameters(pair)))
        read = job.inputs(self.config, pair[0], *self.styles[pair[1]])
        try:
            found = images.read_parameters(output)
            images.read_image(output)
        except InputError:
            return False
        for name in job.WRITTEN:
            found.pop(name, None), wanted.pop(name)
        return found == wanted and output.stat().st_mtime_ns >= max(
            os.stat(path).st_mtime_ns for path in read
        )

    def _skip(self, pair):
        from tfstyle import images

        height, width = images.image_size(self.outputs[pair])
        logging.info("%s: is there already; skipped.", self.outputs[pair])
        self.todo.remove(pair)
        self._report(pair, width=width, height=height, skipped=True)

    def write_sheet(self):
        """The contact sheet of all pictures, with grey in place of those that failed."""
        rows = [
            [
                None if (content, name) in self.failed else self.outputs[content, name]
                for name in self.styles
            ]
            for content in self.contents
        ]
        written_files.write_sheet(self.config.sheet, self.contents, [*self.styles.items()], rows)
