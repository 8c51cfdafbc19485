"""Layers in float64 NumPy, of one image `(h, w, c)`, and a network's weights for them."""

import numpy as np


def named_weights(part):
    return {"/".join(v.path.split("/")[-2:]): np.asarray(v, np.float64) for v in part.weights}


def convolve(x, kernel):
    """A zero-padded 3 × 3 convolution."""
    height, width = x.shape[:2]
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    return sum(
        padded[i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3)
    )


def double(x):
    """Bilinear, with half-pixel centres and the edge repeated."""
    for axis in (0, 1):
        edges = [(1, 1) if i == axis else (0, 0) for i in range(3)]
        padded = np.moveaxis(np.pad(x, edges, mode="edge"), axis, 0)
        pairs = [
            0.75 * padded[1:-1] + 0.25 * padded[:-2],
            0.75 * padded[1:-1] + 0.25 * padded[2:],
        ]
        x = np.moveaxis(np.stack(pairs, 1).reshape(-1, *padded.shape[1:]), 0, axis)
    return x
