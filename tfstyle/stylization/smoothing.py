"""Pictures of any model made photorealistic: their changes follow the photograph's edges.

The guided filter of He, Sun and Tang, "Guided Image Filtering", IEEE TPAMI 2013: within a window
the result is a linear function of the guide's colours, so it has edges only where the guide has.
Its time does not depend on the radius; rows are filtered in strips, so that memory beside that of
the pictures is bounded.
"""

import numpy as np

RADIUS_SHARE = 1 / 16  # of the longest side
EPSILON = 1e-4  # a squared deviation of colours, below which a window counts as flat
_STRIP = 256  # rows


def photorealistic(image: np.ndarray, content: np.ndarray) -> np.ndarray:
    """A stylized picture without painted structure: the photograph in its colours and light.

    What is filtered is the difference to the photograph, so that all of its detail is kept, even
    in windows that count as flat.

    Args:
        image: `(batch, h, w, 3)` in [0, 1], the model's.
        content: `(batch, h, w, 3)` in [0, 1], the photographs.
    Returns: `(batch, h, w, 3)` float32 in [0, 1]; the photograph itself where that is `image`.
    """
    radius = round(RADIUS_SHARE * max(image.shape[1:3]))
    changes = [
        guided_filter(one - guide, guide, radius) for one, guide in zip(image, content, strict=True)
    ]
    return np.clip(content + np.stack(changes), 0.0, 1.0).astype(np.float32)


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
    mean, guide_mean = (_box_mean(one, radius) for one in (image, guide))
    products = _box_mean(guide[..., :, None] * image[..., None, :], radius)
    products -= guide_mean[..., :, None] * mean[..., None, :]
    covariance = _box_mean(guide[..., :, None] * guide[..., None, :], radius)
    covariance -= guide_mean[..., :, None] * guide_mean[..., None, :]
    covariance += epsilon * np.eye(guide.shape[-1])
    slopes = np.linalg.solve(covariance, products)
    offsets = mean - np.einsum("hwg,hwgc->hwc", guide_mean, slopes)
    slopes, offsets = _box_mean(slopes, radius), _box_mean(offsets, radius)
    return np.einsum("hwg,hwgc->hwc", guide, slopes) + offsets


def _box_mean(values, radius):
    """Means over the part of each window that is inside of the picture."""
    for axis in (0, 1):
        values = np.moveaxis(values, axis, 0)
        length = len(values)
        sums = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
        first = np.maximum(np.arange(length) - radius, 0)
        last = np.minimum(np.arange(length) + radius + 1, length)
        counts = (last - first).reshape(-1, *[1] * (values.ndim - 1))
        values = np.moveaxis((sums[last] - sums[first]) / counts, 0, axis)
    return values
