"""What `optimize.py` does for a picture, be it one or one of many."""

import dataclasses
import json
import math
import os
from collections.abc import Sequence
from typing import Any

from absl import logging

from tfstyle import __version__
from tfstyle.config import DEFAULT_MODEL, START_IMAGES, OptimizeCommand
from tfstyle.config.options import stored_flags
from tfstyle.config.regions import region_files
from tfstyle.errors import of_flag
from tfstyle.runtime import terminal

# Flags that do not change the picture, as a picture stores them.
WRITTEN = (
    "output", "history", "plot", "checkpoint", "preview_every", "from_picture", "max_memory",
    "strategy", "save_masks",
)  # fmt: skip
_FAST_SIZE = 1024  # pixels; a feed-forward model's strokes have one width in pixels at any size
_PIXEL_BYTES = 12  # of a picture in memory


def inputs(config: OptimizeCommand, *paths: str | os.PathLike) -> list[str | os.PathLike]:
    """The files that a picture is made from: `paths`, of photos and paintings, and the others."""
    init = "" if config.init in START_IMAGES else config.init
    return [path for path in (*paths, init, config.vgg_weights, *region_files(config)) if path]


def check_layers(config: OptimizeCommand, shape: tuple[int, int]) -> None:
    """Raises InputError for a layer that an encoder lacks, or a photo too narrow for the size."""
    from tfstyle.encoders import layer_names
    from tfstyle.optimization import scales

    for stage in scales.plan_stages(config, config.encoder, shape):
        for flag, layers in (
            ("content_layers", config.content_layers),
            ("style_layers", config.named_style_layers),
        ):
            layer_names.parse_layers(flag, layers, stage.encoder)


def check_memory(
    config: OptimizeCommand, content: str | os.PathLike, styles: Sequence[str | os.PathLike]
) -> None:
    """Raises InputError if there is no memory for the pictures that are read."""
    from tfstyle import images
    from tfstyle.runtime import memory

    paths = [("content", content), *(("style", path) for path in styles)]
    if config.init not in START_IMAGES:
        paths.append(("init", config.init))
    pixels = []
    for flag, path in paths:
        with of_flag(flag):
            pixels.append(min(math.prod(images.image_size(path)), images.MAX_PIXELS))
    needed = _PIXEL_BYTES * (sum(pixels) + 2 * max(pixels))  # two copies while one is read
    memory.check(needed, f"the {len(paths)} pictures", "reduce them first, or take fewer")


def read(config: OptimizeCommand, flag: str, path: str | os.PathLike) -> Any:
    """A picture of a flag, as large as the render needs it."""
    from tfstyle import images

    with of_flag(flag):
        return images.read_ample(path, max(config.size, config.style_size))


def read_init(config: OptimizeCommand) -> Any:
    """The picture of --init, or None if that is no file."""
    return None if config.init in START_IMAGES else read(config, "init", config.init)


def start(config: OptimizeCommand) -> OptimizeCommand:
    """Loads TensorFlow; returns the config with the encoder that this machine uses.

    A picture's parameters name it, since "auto" depends on the machine.
    """
    from tfstyle.runtime import devices

    terminal.show_progress(None, "loading TensorFlow")
    devices.start_tensorflow()
    from tfstyle import optimization

    if config.precision == "bfloat16" and not devices.computes_bfloat16():
        logging.warning(
            "--precision=bfloat16: this CPU has no bfloat16 arithmetic; float32 is several times "
            "as fast"
        )
    if config.strategy == "mirrored" and len(devices.names()) == 1:
        logging.info("--strategy=mirrored: there is one device, which computes all.")
    return dataclasses.replace(config, encoder=optimization.choose_encoder(config))


def with_auto_regions(
    config: OptimizeCommand, content: Any, styles: Sequence[Any], regions: Any = None
) -> Any:
    """The regions that --auto_regions finds, with the strength of those given; else the latter."""
    from tfstyle import optimization

    if not config.auto_regions:
        return regions
    terminal.show_progress(None, "finding regions")
    found = optimization.find_regions(content, styles, config.auto_regions, config.style_weights)
    return found if regions is None else dataclasses.replace(found, strength=regions.strength)


def load_fast() -> Any:
    """The packaged feed-forward model, for `fast_image`."""
    from tfstyle.stylization import Stylizer

    return Stylizer(DEFAULT_MODEL, tile_size=_FAST_SIZE)


def fast_image(config: OptimizeCommand, stylizer: Any, content: Any, styles: Sequence[Any]) -> Any:
    """The feed-forward model's picture, to start from."""
    from tfstyle import colors, images

    content = colors.adjust_contrast(content, styles, config.prepare, config.style_weights)
    content, styles = colors.prepare(content, styles, config.preserve_color)
    content = images.resize(content, images.fit(content.shape[1:3], min(config.size, _FAST_SIZE)))
    styles = [images.reduce(style, _FAST_SIZE // 2) for style in styles]
    for picture in (content, *styles):
        stylizer.model.check_picture(picture, "--init=fast")
    codes = [stylizer.encode_style(style) for style in styles]
    return stylizer.paint(content, stylizer.mix(codes, config.style_weights), wrap=config.wrap)


def stored(
    config: OptimizeCommand,
    content: str | os.PathLike,
    styles: Sequence[str | os.PathLike],
    output: str | os.PathLike,
) -> dict[str, Any]:
    """The parameters that a picture stores: those of the command that makes it alone."""
    found = {"program": f"tfstyle optimize {__version__}", **stored_flags(config)}
    return found | {"content": str(content), "style": [*map(str, styles)], "output": str(output)}


def print_json(
    config: OptimizeCommand,
    content: str | os.PathLike,
    styles: Sequence[str | os.PathLike],
    output: str | os.PathLike,
    **found: Any,
) -> None:
    """With --json, prints the line of a picture: its files, and what is `found`."""
    if config.json:
        names = {"content": str(content), "styles": [*map(str, styles)], "output": str(output)}
        print(json.dumps(names | found), flush=True)


def result_of(image: Any, history: Sequence[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """What --json says of a picture that was painted: size, seconds and last total loss."""
    height, width = image.shape[1:3]
    losses = [loss for stage in history for loss in stage["loss"]]
    loss = losses[-1] if losses else None
    return {"width": width, "height": height, "seconds": round(seconds, 3), "loss": loss}
