"""Sizes of the picture and of the style images, from coarse to fine."""

import math

from tfstyle import images
from tfstyle.errors import InputError

SHORTEST = 32  # pixels on the short side of the smallest scale


def scale_shapes(shape: tuple[int, int], size: int, min_size: int) -> list[tuple[int, int]]:
    """`(height, width)` of each scale, √2 apart, from about `min_size` up to exactly `size`.

    Raises: InputError if the short side would be under `SHORTEST` pixels.
    """
    shapes = [images.fit(shape, size)]
    if min(shapes[0]) < SHORTEST:
        needed = math.ceil(SHORTEST * max(shape) / min(shape))
        raise InputError(
            f"--size: {size} leaves {min(shapes[0])} pixels on the short side; "
            f"at least {needed} would leave {SHORTEST}"
        )
    while True:
        smaller = images.fit(shape, round(size / math.sqrt(2) ** len(shapes)))
        if max(smaller) < min_size or min(smaller) < SHORTEST:
            return shapes[::-1]
        shapes.append(smaller)


def style_shape(shape: tuple[int, int], size: float) -> tuple[int, int]:
    """`(height, width)` of a style image of `shape` that is asked to be `size` on its longest side.

    It is not enlarged, unless its short side would be under `SHORTEST` pixels.
    """
    target = images.fit(shape, max(1, min(max(shape), round(size))))
    if min(target) < SHORTEST:
        target = images.fit(shape, math.ceil(SHORTEST * max(shape) / min(shape)))
    return target
