"""Filters of arrays."""

import numpy as np


def box_mean(values: np.ndarray, radius: int) -> np.ndarray:
    """Means over the part of each window that is inside of the picture.

    Args:
        values: `(h, w, …)` floats; float64 for accuracy, as running sums are taken.
        radius: pixels to each side of a window's centre.
    Returns: the same shape.
    """
    for axis in (0, 1):
        values = np.moveaxis(values, axis, 0)
        length = len(values)
        sums = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
        first = np.maximum(np.arange(length) - radius, 0)
        last = np.minimum(np.arange(length) + radius + 1, length)
        counts = (last - first).reshape(-1, *[1] * (values.ndim - 1))
        values = np.moveaxis((sums[last] - sums[first]) / counts, 0, axis)
    return values
