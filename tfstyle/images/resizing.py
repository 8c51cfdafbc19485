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


def fill_transparent(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Fills transparent pixels with the colours of the visible ones around them (pull-push).

    A style transfer sees every pixel: without this, the hidden colours of transparent parts would
    cause edges and be painted.
    """
    weight = alpha[..., None]
    if min(rgb.shape[:2]) == 1 or not weight.any():
        coarse = (rgb * weight).sum((0, 1)) / weight.sum() if weight.any() else np.ones(3)
    else:
        linear = Image.Resampling.BILINEAR
        half = ((rgb.shape[0] + 1) // 2, (rgb.shape[1] + 1) // 2)
        small = resample(np.concatenate([rgb * weight, weight], axis=-1), half, linear)
        small_alpha = small[..., 3]
        small_rgb = small[..., :3] / np.maximum(small[..., 3:], 1e-6)
        filled = fill_transparent(small_rgb, np.minimum(1.0, small_alpha * 2))
        coarse = resample(filled, (rgb.shape[0], rgb.shape[1]), linear)
    return (rgb * weight + coarse * (1.0 - weight)).astype(np.float32)
