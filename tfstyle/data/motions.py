"""Random motions of pictures, the k-th of which is a pure function of the seed and k."""

import math
from typing import Any

import numpy as np

# Largest motions, as shares of a crop's side: of all of it; by slopes, which turn, zoom and shear
# it; and by each smooth wave. Together they do not fold the picture.
_SHIFT = 0.04
_SLOPE = 0.04
_WAVE = 0.01
_WAVES = 4  # in each direction, the constant included
NOISE = 0.03  # largest standard deviation, of pictures in [0, 1]: 8 grey levels
UNITS = (2, 2 + _WAVES**2)  # shape of the random numbers of a motion


class Motions:
    """Motions by number, each with noise for the moved picture.

    Args:
        size: side of the pictures in pixels.
        seed: a sequence of int.
    """

    def __init__(self, size: int, seed: tuple[int, ...] = (0,)):
        self.size = size
        self.seed = seed

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        """`{"places": (size, size, 2), "noise": (size, size, 3)}` float32.

        Of `places`, and noise to add to a picture in [0, 1]; its strength is random, too.
        """
        random = np.random.default_rng((*self.seed, number))
        unit = random.random() * random.uniform(-1.0, 1.0, UNITS)
        noise = random.standard_normal((self.size, self.size, 3), np.float32)
        return {
            "places": places(unit, self.size).astype(np.float32),
            "noise": np.float32(NOISE * random.random()) * noise,
        }


def places(unit: Any, size: int) -> Any:
    """Where in a square picture each pixel of the moved one comes from.

    Smooth: an affine motion, and cosine waves of up to three half periods.

    Args:
        unit: `(…, *UNITS)` random numbers in [-1, 1], an array of NumPy or JAX; smaller ones move
            the picture less.
        size: of both pictures, in pixels.
    Returns: `(…, size, size, 2)`, x and y in pixels, which may be outside of the picture.
    """
    at = np.arange(size, dtype=np.float32)
    middle = at - (size - 1) / 2
    order = np.arange(_WAVES)
    waves = np.cos(math.pi / size * order * (at[:, None] + 0.5)).astype(np.float32)
    most = size * _WAVE / np.maximum(order + order[:, None], 1)
    most[0, 0] = size * _SHIFT
    heights = most.astype(np.float32) * unit[..., 2:].reshape(*unit.shape[:-1], _WAVES, _WAVES)
    slopes = _SLOPE * unit[..., :2, None, None]
    moved = waves @ heights @ waves.T
    moved = moved + slopes[..., 0, :, :] * middle + slopes[..., 1, :, :] * middle[:, None]
    grid = np.stack(np.broadcast_arrays(at, at[:, None]))  # x and y, (2, size, size)
    return (grid + moved).swapaxes(-3, -2).swapaxes(-2, -1)
