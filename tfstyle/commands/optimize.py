"""`tfstyle optimize`: stylizes a photo by optimizing its pixels."""

import json
import math
import os
import pathlib
import platform
import time
from collections.abc import Collection
from typing import Any

from absl import logging

from tfstyle import __version__
from tfstyle.commands import optimize_job as job
from tfstyle.commands import written_files
from tfstyle.commands.plots import plot
from tfstyle.commands.regions import mask_files, read_regions, write_masks
from tfstyle.config import START_IMAGES, OptimizeCommand
from tfstyle.config.regions import PAGE_REGION
from tfstyle.errors import InputError, brief, of_flag
from tfstyle.runtime import process, terminal

FLAGS = OptimizeCommand
_PLOT_SUFFIXES = (".png", ".pdf", ".svg")
_READ = (
    "content", "style", "init", "vgg_weights", "content_mask", "style_mask", "strength_map"
)  # fmt: skip
_SIZES = ("brush", "style_size", "style_scale")
# Flags, and those of a picture that they replace or that make no sense with them.
_REPLACED = (
    (_SIZES, _SIZES),
    (("auto_regions",), ("content_mask", "style_mask", "region")),
    (("content_mask",), ("auto_regions",)),
    (("style",), ("style_mask",)),
)
_WORDS = {"init": START_IMAGES, "style_mask": ("none",)}  # of flags that may name a file


def main(config: OptimizeCommand) -> int | None:
    """Reads the pictures, renders and writes; 128 + signal number if it was stopped."""
    from tfstyle import images

    folders = any(map(os.path.isdir, (*config.content, *config.style)))
    if folders or len(config.content) > 1 or not images.is_file_name(config.output, 1):
        from tfstyle.commands import optimize_many

        return optimize_many.main(config)
    (path,) = config.content
    try:
        return _paint_one(config, path)
    except InputError as error:
        job.print_json(config, path, config.style, config.output, error=str(error))
        raise


def _paint_one(config, path):
    """Paints one photo, in one style or several mixed, to a file."""
    from tfstyle import images
    from tfstyle.encoders import weight_files

    _check_outputs(config)
    job.check_memory(config, path, config.style)
    content = job.read(config, "content", path)
    styles = [job.read(config, "style", style) for style in config.style]
    init = job.read_init(config)
    weight_files.check_encoder(config.encoder, config.vgg_weights)
    job.check_layers(config, content.shape[1:3])
    shapes = [style.shape[1:3] for style in styles]
    regions = read_regions(
        config,
        content.shape[1:3],
        shapes,
        config.style_weights,
        max(config.size, config.style_size),
    )

    config = job.start(config)
    from tfstyle import optimization

    count = regions.content.shape[-1] if regions else 0
    optimization.plan(config, content.shape[1:3], shapes, config.auto_regions or count)
    regions = job.with_auto_regions(config, content, styles, regions)
    if config.save_masks and regions:
        write_masks(config.save_masks, regions)
    alpha = images.read_alpha(path, config.size)
    if config.init == "fast" and not os.path.exists(config.checkpoint):
        terminal.show_progress(None, "painting the start image")
        init = job.fast_image(config, job.load_fast(), content, styles)
    terminal.show_progress(None, "preparing")
    parameters = job.stored(config, path, config.style, config.output)

    def write(image):
        images.write_image(
            config.output, image, alpha=alpha, bits=config.bits, parameters=parameters
        )

    with process.StopSignal() as stop:
        started = time.monotonic()
        result = _render(config, content, styles, init, regions, write, stop.requested)
        seconds = time.monotonic() - started
        write(result.image)
    if result.complete and config.checkpoint:
        pathlib.Path(config.checkpoint).unlink(missing_ok=True)
    if config.history:
        _write_history(config.history, result.history, parameters)
    if config.plot:
        plot(config.plot, result.history, [content, *styles], regions)
    if not result.complete:
        terminal.end_progress()
        rest = ". With --checkpoint FILE.npz a render can be continued"
        if os.path.exists(config.checkpoint):
            rest = f"; the same command goes on from {config.checkpoint}"
        logging.info("Stopped: %s holds the picture so far%s.", config.output, rest)
        return 128 + stop.number
    found = job.result_of(result.image, result.history, seconds)
    job.print_json(config, path, config.style, config.output, **found)
    if config.sheet:
        names = "+".join(pathlib.Path(style).stem for style in config.style)
        written_files.write_sheet(config.sheet, [path], [(names, config.style)], [[config.output]])
    logging.info("Wrote %s.", config.output)
    return 0


def read_parameters(path: str, given: Collection[str]) -> dict[str, Any]:
    """The parameters stored in a picture, without the paths of output files.

    Input files are looked for by their stored path and beside the picture.

    Args:
        path: of the picture.
        given: names of flags that take precedence.
    Raises: InputError if it holds none, was made by another program, or names a missing file.
    """
    from tfstyle import images

    with of_flag("from_picture"):
        found = images.read_parameters(path)
    program = str(found.get("program", "")).removeprefix("tfstyle ").partition(" ")[0]
    if program == "stylize":
        raise InputError(
            f"--from_picture: {path} was made by {program}.py, whose flags are others; give a "
            "picture made by optimize.py"
        )
    if PAGE_REGION in found and not {"content_mask", "strength_map"} & set(given):
        logging.warning(
            "%s: the region that was drawn on the page is painted, too; to keep the photo there, "
            "give --strength_map", path,
        )  # fmt: skip
    found = {name: value for name, value in found.items() if name not in job.WRITTEN}
    if isinstance(found.get("content"), str):
        found["content"] = [found["content"]]
    styles = found.get("style")
    if "style" not in given and isinstance(styles, list) and len(styles) > 1:
        # It is of their mixture, also where the output is a folder now.
        found["style_weights"] = found.get("style_weights") or [1.0] * len(styles)
    for flags, replaced in _REPLACED:
        if {*flags} & set(given):
            found = {k: v for k, v in found.items() if k not in replaced}
    for flag in _READ:
        if flag not in given and flag in found:
            found[flag] = _located(flag, found[flag], path)
    return found


def _located(flag, value, picture):
    """The path, or list of paths, that a picture holds for a flag, where the files are now."""
    if isinstance(value, (list, tuple)):
        return [_located(flag, one, picture) for one in value]
    if not isinstance(value, str) or not value or value in _WORDS.get(flag, ()):
        return value
    beside = pathlib.Path(picture).parent
    for place in (value, beside / value, beside / pathlib.PurePath(value).name):
        if os.path.isfile(place):
            return str(place)
    raise InputError(
        f"--from_picture: {brief(value)}, which {picture} was made with, is neither there nor "
        f"beside it; give --{flag}"
    )


def _render(config, content, styles, init, regions, write, should_stop):
    """The render's result, with progress on the terminal and previews by `write`."""
    from tfstyle import images, optimization

    every = config.preview_every
    failures: set[str] = set()

    def report(progress):
        terminal.show_progress(
            progress.done,
            f"{progress.width} × {progress.height} by {progress.encoder}",
            f"iteration {progress.iteration} of {progress.iterations}",
            f"loss {progress.losses['total']:.4f}",
            remaining=progress.remaining,
            always=should_stop(),
        )
        if every and progress.iteration % every == 0 and progress.done < 1.0:
            try:
                write(images.resize(progress.image, images.fit(content.shape[1:3], config.size)))
            except InputError as error:
                if str(error) not in failures:  # once each
                    logging.warning("%s; the render continues", error)
                failures.add(str(error))

    try:
        return optimization.render(
            content,
            styles,
            config.render_config(),
            init=init,
            regions=regions,
            on_progress=report,
            should_stop=should_stop,
            checkpoint=config.checkpoint or None,
            report_every=math.gcd(every, optimization.CHUNK),
        )
    except KeyboardInterrupt as error:
        if os.path.exists(config.checkpoint):
            error.add_note(f"the same command goes on from {config.checkpoint}")
        raise


def _write_history(path, stages, parameters):
    import keras
    import tensorflow as tf

    from tfstyle import files

    record = {
        "stages": stages,
        "iterations": sum(stage["iterations"] for stage in stages),
        "evaluations": sum(stage["evaluations"] for stage in stages),
        "seconds": sum(stage["seconds"] for stage in stages),
        "versions": {
            "tfstyle": __version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "python": platform.python_version(),
        },
        "arguments": parameters,
    }
    with files.replacing(path) as temporary:
        temporary.write_text(json.dumps(record, indent=1), encoding="utf-8")


def _check_outputs(config):
    """Raises InputError for an output that cannot be written, is an input or is given twice."""
    from tfstyle import files, images

    with of_flag("output"):
        images.check_output(config.output, config.bits, config.size)
    read = [*job.inputs(config, *config.content, *config.style), config.from_picture]
    masks = []
    if config.save_masks:
        files.check_folder("save_masks", config.save_masks)
        if not (config.content_mask or config.auto_regions):
            raise InputError("--save_masks: is of --auto_regions or --content_mask")
        masks = mask_files(config.save_masks, len(config.style))
        taken = {os.path.realpath(path) for path in read if path}
        for path in masks:
            if os.path.realpath(path) in taken:
                raise InputError(f"--save_masks: {path} is also read; give another folder")
    if config.plot and not config.plot.lower().endswith(_PLOT_SUFFIXES):
        raise InputError(
            f"--plot: {config.plot}: the suffix must be one of {', '.join(_PLOT_SUFFIXES)}"
        )
    flags = ("output", "history", "plot", "checkpoint", "sheet")
    written_files.check_written(config, flags, read, masks)
    written_files.check_sheet(config.sheet, 1, 1)
