"""Sizes and resampling, by Pillow, of float32 pictures of any range."""

import numpy as np
from PIL import Image


def fit(shape: tuple[int, int], size: int) -> tuple[int, int]:
    """`(height, width)` of the same aspect as `shape`, with `size` pixels on the longest side."""
    scale = size / max(shape)
    height, width = (max(1, round(side * scale)) for side in shape)
    return height, width


def reduce(image: np.ndarray, size: int) -> np.ndarray:
    """`(1, h, w, c)` with at most `size` pixels on the longest side."""
    return resize(image, fit(image.shape[1:3], min(size, max(image.shape[1:3]))))


def resize(
    image: np.ndarray,
    shape: tuple[int, int],
    clip: bool = True,
    box: tuple[float, float] | None = None,
) -> np.ndarray:
    """Resamples `(1, h, w, c)` float32 to `(1, *shape, c)` by Lanczos' filter, antialiased.

    `clip` cuts the filter's overshoot at 0 and 1; without it, values may have any range. `box` is
    the part to resample, `(height, width)` from the top left; by default, all.
    """
    if tuple(image.shape[1:3]) == tuple(shape):
        return image
    resized = resample(image[0], shape, Image.Resampling.LANCZOS, box)[None]
    return np.clip(resized, 0.0, 1.0) if clip else resized


def cover(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The largest centre crop of `(1, h, w, c)` with the aspect of `shape`, resized to `shape`."""
    height, width = image.shape[1:3]
    scale = min(height / shape[0], width / shape[1])
    part_height, part_width = (max(1, round(side * scale)) for side in shape)
    top, left = (height - part_height) // 2, (width - part_width) // 2
    return resize(image[:, top : top + part_height, left : left + part_width], shape)


def resample(
    pixels: np.ndarray,
    shape: tuple[int, int],
    resampling: Image.Resampling,
    box: tuple[float, float] | None = None,
) -> np.ndarray:
    """`(h, w, c)`, or its top left part `box`, to `(*shape, c)` float32, each channel by Pillow."""
    height, width = box or pixels.shape[:2]
    part = (0, 0, width, height)
    channels = [
        np.asarray(Image.fromarray(channel).resize((shape[1], shape[0]), resampling, part))
        for channel in np.ascontiguousarray(np.moveaxis(pixels, -1, 0), np.float32)
    ]
    return np.stack(channels, axis=-1)
