"""`tfstyle optimize`: stylizes a photo by optimizing its pixels."""

import dataclasses
import json
import math
import os
import pathlib
import platform
from collections.abc import Collection
from typing import Any

from absl import logging

from tfstyle import __version__
from tfstyle.config import DEFAULT_MODEL, START_IMAGES, OptimizeCommand, OptimizeConfig
from tfstyle.errors import InputError, brief, of_flag
from tfstyle.runtime import process, terminal

FLAGS = OptimizeCommand
_FAST_SIZE = 1024  # pixels; a feed-forward model's strokes have one width in pixels at any size
_PIXEL_BYTES = 12  # of a picture in memory
_PLOT_SUFFIXES = (".png", ".pdf", ".svg")
_READ = ("content", "style", "init", "vgg_weights")
_WRITTEN = ("output", "history", "plot", "checkpoint", "preview_every", "from_picture")


def main(config: OptimizeCommand) -> int | None:
    """Reads the pictures, renders and writes; 128 + signal number if it was stopped."""
    from tfstyle import images
    from tfstyle.encoders import layer_names, weight_files
    from tfstyle.optimization import scales
    from tfstyle.runtime import devices

    _check_outputs(config)
    _check_pictures(config)
    largest = max(config.size, config.style_size)
    with of_flag("content"):
        content = images.read_ample(config.content, largest)
    with of_flag("style"):
        styles = [images.read_ample(path, largest) for path in config.style]
    with of_flag("init"):
        given = config.init not in START_IMAGES
        init = images.read_ample(config.init, largest) if given else None
    weight_files.check_encoder(config.encoder, config.vgg_weights)
    for stage in scales.plan_stages(config, config.encoder, content.shape[1:3]):
        for flag in ("content_layers", "style_layers"):
            layer_names.parse_layers(flag, getattr(config, flag), stage.encoder)

    terminal.show_progress(None, "loading TensorFlow")
    devices.start_tensorflow()
    from tfstyle import optimization

    if config.precision == "bfloat16" and not devices.computes_bfloat16():
        logging.warning(
            "--precision=bfloat16: this CPU has no bfloat16 arithmetic; float32 is several times "
            "as fast"
        )
    # The picture's parameters name the encoder used, since "auto" depends on the machine.
    config = dataclasses.replace(config, encoder=optimization.choose_encoder(config))
    optimization.plan(config, content.shape[1:3], [style.shape[1:3] for style in styles])
    alpha = images.read_alpha(config.content, config.size)
    if config.init == "fast" and not os.path.exists(config.checkpoint):
        terminal.show_progress(None, "painting the start image")
        init = _fast_image(config, content, styles)
    terminal.show_progress(None, "preparing")
    parameters = {"program": f"tfstyle optimize {__version__}", **dataclasses.asdict(config)}

    def write(image):
        images.write_image(
            config.output, image, alpha=alpha, bits=config.bits, parameters=parameters
        )

    with process.StopSignal() as stop:
        result = _render(config, content, styles, init, write, stop.requested)
        write(result.image)
    if result.complete and config.checkpoint:
        pathlib.Path(config.checkpoint).unlink(missing_ok=True)
    if config.history:
        _write_history(config.history, result.history, parameters)
    if config.plot:
        _plot(result.history, config.plot)
    if not result.complete:
        terminal.end_progress()
        rest = ". With --checkpoint FILE.npz a render can be continued"
        if os.path.exists(config.checkpoint):
            rest = f"; the same command goes on from {config.checkpoint}"
        logging.info("Stopped: %s holds the picture so far%s.", config.output, rest)
        return 128 + stop.number
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
    found = {name: value for name, value in found.items() if name not in _WRITTEN}
    if {"style_size", "style_scale"} & set(given):  # one replaces the other
        found = {k: v for k, v in found.items() if k not in ("style_size", "style_scale")}
    for flag in _READ:
        if flag not in given and flag in found:
            found[flag] = _located(flag, found[flag], path)
    return found


def _located(flag, value, picture):
    """The path, or list of paths, that a picture holds for a flag, where the files are now."""
    if isinstance(value, (list, tuple)):
        return [_located(flag, one, picture) for one in value]
    if not isinstance(value, str) or not value or flag == "init" and value in START_IMAGES:
        return value
    beside = pathlib.Path(picture).parent
    for place in (value, beside / value, beside / pathlib.PurePath(value).name):
        if os.path.isfile(place):
            return str(place)
    raise InputError(
        f"--from_picture: {brief(value)}, which {picture} was made with, is neither there nor "
        f"beside it; give --{flag}"
    )


def _render(config, content, styles, init, write, should_stop):
    """The render's result, with progress on the terminal and previews by `write`."""
    from tfstyle import images, optimization

    options = OptimizeConfig(
        **{field.name: getattr(config, field.name) for field in dataclasses.fields(OptimizeConfig)}
    )
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
            options,
            init=init,
            on_progress=report,
            should_stop=should_stop,
            checkpoint=config.checkpoint or None,
            report_every=math.gcd(every, optimization.CHUNK),
        )
    except KeyboardInterrupt as error:
        if os.path.exists(config.checkpoint):
            error.add_note(f"the same command goes on from {config.checkpoint}")
        raise


def _fast_image(config, content, styles):
    """The packaged feed-forward model's picture, to start from."""
    from tfstyle import colors, images
    from tfstyle.stylization import Stylizer

    content, styles = colors.prepare(content, styles, config.preserve_color)
    stylizer = Stylizer(DEFAULT_MODEL, tile_size=_FAST_SIZE)
    content = images.resize(content, images.fit(content.shape[1:3], min(config.size, _FAST_SIZE)))
    styles = [images.reduce(style, _FAST_SIZE // 2) for style in styles]
    for picture in (content, *styles):
        stylizer.model.check_picture(picture, "--init=fast")
    codes = [stylizer.encode_style(style) for style in styles]
    return stylizer.paint(content, stylizer.mix(codes, config.style_weights), wrap=config.wrap)


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
    if config.plot and not config.plot.lower().endswith(_PLOT_SUFFIXES):
        raise InputError(
            f"--plot: {config.plot}: the suffix must be one of {', '.join(_PLOT_SUFFIXES)}"
        )
    taken = [config.content, *config.style, config.init, config.from_picture, config.vgg_weights]
    read = {os.path.realpath(path) for path in taken if path}
    written: set[str] = set()
    for flag in ("output", "history", "plot", "checkpoint"):
        path = getattr(config, flag)
        if not path:
            continue
        with of_flag(flag):
            files.check_writable(path)
        for others, use in ((read, "read"), (written, "written for another flag")):
            if os.path.realpath(path) in others:
                raise InputError(f"--{flag}: {path} is also {use}; give it another name")
        written.add(os.path.realpath(path))


def _check_pictures(config):
    """Raises InputError if there is no memory for the pictures that are read."""
    from tfstyle import images
    from tfstyle.runtime import memory

    paths = [("content", config.content), *(("style", path) for path in config.style)]
    if config.init not in START_IMAGES:
        paths.append(("init", config.init))
    pixels = []
    for flag, path in paths:
        with of_flag(flag):
            pixels.append(min(math.prod(images.image_size(path)), images.MAX_PIXELS))
    needed = _PIXEL_BYTES * (sum(pixels) + 2 * max(pixels))  # two copies while one is read
    memory.check(needed, f"the {len(paths)} pictures", "reduce them first, or take fewer")


def _plot(history, path):
    """Total loss over iterations, a curve for each stage."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    from tfstyle import files

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    start = 0
    for stage in history:
        axes.plot(
            range(start + 1, start + 1 + len(stage["loss"])),
            stage["loss"],
            label=f"{stage['width']} × {stage['height']}, {stage['encoder']}",
        )
        start += len(stage["loss"])
    axes.set(xlabel="iteration", ylabel="total loss", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    with files.replacing(path) as temporary:
        try:
            figure.savefig(temporary, dpi=120)
        except ValueError as error:
            raise InputError(f"{path}: {error}") from error
    pyplot.close(figure)
