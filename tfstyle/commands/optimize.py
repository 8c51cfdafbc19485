"""`tfstyle optimize`: stylizes a photo by optimizing its pixels."""

import dataclasses
import json
import pathlib
import platform
import sys
from collections.abc import Sequence

from absl import logging

from tfstyle import __version__, cli
from tfstyle.config import OptimizeCommand, OptimizeConfig, parse_weights
from tfstyle.errors import InputError

_PLOT_SUFFIXES = (".png", ".pdf", ".svg")
_WRITTEN = ("output", "history", "plot", "checkpoint", "preview_every", "from_picture")


def main(argv: Sequence[str]) -> int | None:
    """Reads the pictures, renders and writes; 128 + signal number if it was stopped."""
    program = "optimize.py" if sys.argv[0].endswith("optimize.py") else "tfstyle optimize"
    config = cli.parse(OptimizeCommand, argv, program, _read_parameters)
    if config is None:
        return 0
    from tfstyle import files, images, weights

    for path in (config.history, config.plot, config.checkpoint):
        if path:
            files.check_writable(path)
    if config.plot and not config.plot.lower().endswith(_PLOT_SUFFIXES):
        raise InputError(f"{config.plot}: the suffix must be one of {', '.join(_PLOT_SUFFIXES)}")
    images.check_output(config.output, config.bits, config.size)
    _check_not_read(config)
    content = images.read_image(config.content)
    alpha = images.read_alpha(config.content, config.size)
    styles = [images.read_image(path) for path in config.style]
    init = None
    if config.init not in ("content", "style", "noise"):
        init = images.read_image(config.init)
    # The picture's parameters name the encoder that painted it, whatever is on disk later.
    config = dataclasses.replace(
        config, encoder=weights.choose_encoder(config.encoder, config.vgg_weights)
    )
    for flag in ("content_layers", "style_layers"):
        parse_weights(flag, getattr(config, flag), weights.encoder_layers(config.encoder))

    with cli.quiet_import():
        import keras
        import tensorflow as tf

        from tfstyle import optimization

        tf.config.experimental.enable_op_determinism()
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)
        tf.config.list_logical_devices()  # starts the GPUs, or says that there are none
    parameters = {"program": f"tfstyle optimize {__version__}", **dataclasses.asdict(config)}
    shown = {"chunks": 0}

    def write(image):
        images.write_image(
            config.output, image, alpha=alpha, bits=config.bits, parameters=parameters
        )

    def report(progress):
        terms = progress.losses
        cli.show_progress(
            progress.done,
            f"{progress.width} × {progress.height}, iteration {progress.iteration} of "
            f"{progress.iterations}, loss {terms['total']:.4f}, "
            f"{progress.seconds:.0f} s, {progress.remaining:.0f} s left",
            final=progress.done >= 1.0,
        )
        shown["chunks"] += 1
        every = config.preview_every // optimization.CHUNK or 1
        if config.preview_every and shown["chunks"] % every == 0:
            write(images.resize(progress.image, images.fit(content.shape[1:3], config.size)))

    options = {
        field.name: getattr(config, field.name) for field in dataclasses.fields(OptimizeConfig)
    }
    with cli.StopSignal() as stop:
        result = optimization.stylize(
            content,
            styles,
            OptimizeConfig(**options),
            init=init,
            on_progress=report,
            should_stop=lambda: bool(stop.number),
            checkpoint=config.checkpoint or None,
        )
        write(result.image)
    versions = {
        "tfstyle": __version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "python": platform.python_version(),
    }
    if config.history:
        record = {
            "scales": result.history,
            "iterations": sum(scale["iterations"] for scale in result.history),
            "evaluations": sum(scale["evaluations"] for scale in result.history),
            "seconds": sum(scale["seconds"] for scale in result.history),
            "versions": versions,
            "arguments": parameters,
        }
        with files.replacing(config.history) as temporary:
            temporary.write_text(json.dumps(record, indent=1), encoding="utf-8")
    if config.plot:
        _plot(result.history, config.plot)
    if not result.complete:
        logging.info("Stopped: %s holds the picture so far.", config.output)
        return 128 + stop.number
    logging.info("Wrote %s.", config.output)
    return 0


def _read_parameters(path):
    """What made a picture, without the files that were written beside it."""
    from tfstyle import images

    found = images.read_parameters(path)
    return {name: value for name, value in found.items() if name not in _WRITTEN}


def _check_not_read(config):
    """Raises InputError if the output would replace a picture that is read."""
    for path in (config.content, *config.style, config.init):
        source = pathlib.Path(path)
        if source.exists() and source.resolve() == pathlib.Path(config.output).resolve():
            raise InputError(f"--output: {config.output} is also read; give it another name")


def _plot(history, path):
    """Total loss over iterations, a curve for each scale."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    from tfstyle import files

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    start = 0
    for scale in history:
        axes.plot(
            range(start + 1, start + 1 + len(scale["loss"])),
            scale["loss"],
            label=f"{scale['width']} × {scale['height']}",
        )
        start += len(scale["loss"])
    axes.set(xlabel="iteration", ylabel="total loss", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend(title="scale")
    with files.replacing(path) as temporary:
        try:
            figure.savefig(temporary, dpi=120)
        except ValueError as error:
            raise InputError(f"{path}: {error}") from error
    pyplot.close(figure)
