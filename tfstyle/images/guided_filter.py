"""The guided filter: a picture whose edges are another's.

He, Sun and Tang, "Guided Image Filtering", IEEE TPAMI 2013: within a window the result is a linear
function of the guide's colours, so it has edges only where the guide has. Its time does not depend
on the radius; rows are filtered in strips, so that memory beside that of the pictures is bounded.
"""

import numpy as np

from tfstyle.images.filters import box_mean

EPSILON = 1e-4  # a squared deviation of colours, below which a window counts as flat
_STRIP = 256  # rows


def guided_filter(
    image: np.ndarray, guide: np.ndarray, radius: int, epsilon: float = EPSILON
) -> np.ndarray:
    """The guided filter for a guide in colour (equations 14 to 16 of the paper).

    Args:
        image: `(h, w, c)` floats of any range.
        guide: `(h, w, g)` floats in [0, 1].
        radius: pixels to each side of a window's centre; 0 returns the image.
        epsilon: > 0; see `EPSILON`.
    Returns: `(h, w, c)` float32.
    """
    result = np.empty(image.shape, np.float32)
    height = len(image)
    for start in range(0, height, _STRIP):
        stop = min(start + _STRIP, height)
        rows = slice(max(start - 2 * radius, 0), stop + 2 * radius)
        filtered = _filtered(image[rows], guide[rows], radius, epsilon)
        result[start:stop] = filtered[start - rows.start : stop - rows.start]
    return result


def _filtered(image, guide, radius, epsilon):
    image, guide = image.astype(np.float64), guide.astype(np.float64)
    mean, guide_mean = (box_mean(one, radius) for one in (image, guide))
    products = box_mean(guide[..., :, None] * image[..., None, :], radius)
    products -= guide_mean[..., :, None] * mean[..., None, :]
    covariance = box_mean(guide[..., :, None] * guide[..., None, :], radius)
    covariance -= guide_mean[..., :, None] * guide_mean[..., None, :]
    covariance += epsilon * np.eye(guide.shape[-1])
    slopes = np.linalg.solve(covariance, products)
    offsets = mean - np.einsum("hwg,hwgc->hwc", guide_mean, slopes)
    slopes, offsets = box_mean(slopes, radius), box_mean(offsets, radius)
    return np.einsum("hwg,hwgc->hwc", guide, slopes) + offsets
