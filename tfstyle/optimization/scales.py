"""Stages of a render, from coarse to fine, and sizes of the style images."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from tfstyle import images
from tfstyle.config import OptimizeConfig
from tfstyle.config.options import LARGEST_SIZE
from tfstyle.errors import InputError

SHORTEST = 32  # pixels on the short side of the smallest scale
MIXED_SHARE = 0.5  # of the iterations, at each scale of a mixed render
POLISH_SHARE = 0.15  # of the iterations, in addition, where VGG-19 polishes


# Memory in bytes, as benchmarks/RESULTS.md has it: of a render of a small picture, and for each
# pixel that an encoder optimizes; the features of a style image take a share of that.
_BASE_BYTES = 1.1e9
_PIXEL_BYTES = {"lite": 1000.0, "vgg19": 3700.0}
_STYLE_SHARE = 0.3
_HOST_PIXEL_BYTES = 100.0  # with a GPU, which has the rest: eight copies of the picture


class Stage(NamedTuple):
    """Iterations at one scale with one encoder.

    Attributes:
        shape: `(height, width)` of the picture.
        encoder: "lite" or "vgg19".
        iterations: how many.
    """

    shape: tuple[int, int]
    encoder: str
    iterations: int


def plan_stages(config: OptimizeConfig, encoder: str, shape: tuple[int, int]) -> list[Stage]:
    """The stages of a render of a photo of `shape`, `(height, width)`, with `encoder`.

    A "mixed" render uses VGG-19 at the coarse scales, which determine forms and long strokes and
    cost little, lite above them, and VGG-19 again for a few iterations at the finest scale that
    `config.polish_size` allows: few are enough to correct what lite missed. Both limits are on the
    number of pixels, that of a square of that side, so that a wide picture's first scale uses
    VGG-19, too.

    Raises: InputError of `scale_shapes`.
    """
    stages = []
    shapes = scale_shapes(shape, config.size, config.min_size)
    polished = [scale for scale in shapes if math.prod(scale) <= config.polish_size**2][-1:]
    for scale in shapes:
        iterations = config.iterations * math.sqrt(config.size / max(scale))
        if encoder != "mixed":
            stages.append(Stage(scale, encoder, round(iterations)))
        elif math.prod(scale) <= config.coarse_size**2:
            stages.append(Stage(scale, "vgg19", math.ceil(MIXED_SHARE * iterations)))
        else:
            stages.append(Stage(scale, "lite", math.ceil(MIXED_SHARE * iterations)))
            if scale in polished:
                stages.append(Stage(scale, "vgg19", math.ceil(POLISH_SHARE * iterations)))
    return stages


def memory_needed(
    config: OptimizeConfig,
    stages: Sequence[Stage],
    styles: Sequence[tuple[int, int]],
    on_gpu: bool = False,
) -> float:
    """Bytes that a render takes at most, roughly; with a GPU, of the computer's own memory.

    Args:
        config: of the render.
        stages: of `plan_stages`.
        styles: `(height, width)` of the style images.
        on_gpu: whether there is a GPU.
    """
    most = 0.0
    for stage in stages:
        per_pixel = _HOST_PIXEL_BYTES if on_gpu else _PIXEL_BYTES[stage.encoder]
        size = style_size(config, stage.shape)
        pixels = [math.prod(style_shape(shape, size)) for shape in styles]
        style_bytes = _STYLE_SHARE * per_pixel * max(pixels, default=0)
        most = max(most, per_pixel * math.prod(stage.shape), style_bytes)
    return _BASE_BYTES + most


def style_size(config: OptimizeConfig, shape: tuple[int, int]) -> float:
    """Longest side of the style images, in pixels, for a scale of `shape`, `(height, width)`."""
    size = config.style_size or config.size * config.style_scale
    return size * max(shape) / config.size


def scale_shapes(shape: tuple[int, int], size: int, min_size: int) -> list[tuple[int, int]]:
    """`(height, width)` of each scale, √2 apart, from about `min_size` up to exactly `size`.

    Raises: InputError if the short side would be under `SHORTEST` pixels.
    """
    shapes = [images.fit(shape, size)]
    if min(shapes[0]) < SHORTEST:
        needed = math.ceil(SHORTEST * max(shape) / min(shape))
        remedy = f"at least {needed} would leave {SHORTEST}"
        if needed > LARGEST_SIZE:
            remedy = "the photo is too narrow; crop it"
        raise InputError(
            f"--size: {size} leaves {min(shapes[0])} pixels on the short side; {remedy}"
        )
    while True:
        smaller = images.fit(shape, round(size / math.sqrt(2) ** len(shapes)))
        if max(smaller) < min_size or min(smaller) < SHORTEST:
            return shapes[::-1]
        shapes.append(smaller)


def style_shape(shape: tuple[int, int], size: float) -> tuple[int, int]:
    """`(height, width)` of a style image of `shape`, reduced to `size` on its longest side.

    It is enlarged only if its short side would be under `SHORTEST` pixels.
    """
    target = images.fit(shape, max(1, min(max(shape), round(size))))
    if min(target) < SHORTEST:
        target = images.fit(shape, math.ceil(SHORTEST * max(shape) / min(shape)))
    return target
