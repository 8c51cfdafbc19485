"""Stages of a render, from coarse to fine, and sizes of the style images."""

import math
from typing import NamedTuple

from tfstyle import images
from tfstyle.config import OptimizeConfig
from tfstyle.config.options import LARGEST_SIZE
from tfstyle.errors import InputError
from tfstyle.optimization.brushes import BRUSHES

SHORTEST = 32  # pixels on the short side of the smallest scale
MIXED_SHARE = 0.5  # of the iterations, at each scale of a mixed render
POLISH_SHARE = 0.15  # of the iterations, in addition, where VGG-19 polishes


class Stage(NamedTuple):
    """Iterations at one scale with one encoder.

    Attributes:
        shape: `(height, width)` of the picture.
        encoder: "lite" or "vgg19".
        iterations: how many.
        tile: side in pixels of the tiles that it is computed in; 0 for the whole picture at once.
        history: with tiles, pairs that L-BFGS stores.
        regions: that the losses distinguish; 0 for the whole picture without guides.
        devices: that share the tiles.
    """

    shape: tuple[int, int]
    encoder: str
    iterations: int
    tile: int = 0
    history: int = 0
    regions: int = 0
    devices: int = 1

    @property
    def kind(self) -> tuple[str, int, int, int]:
        """What its objective and its optimizer depend on."""
        return self.encoder, self.tile, self.history, self.regions


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


def style_size(config: OptimizeConfig, shape: tuple[int, int]) -> float:
    """Longest side of the style images, in pixels, for a scale of `shape`, `(height, width)`."""
    scale = config.style_scale * BRUSHES[config.brush].style_scale
    size = config.style_size or config.size * scale
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
