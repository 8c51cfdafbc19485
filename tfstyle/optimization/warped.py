"""What a frame of a clip has from those before it."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Warped:
    """Results of earlier frames, moved to where a frame shows the same.

    Attributes:
        image: `(1, h, w, 3)` float32 in [0, 1].
        weights: `(1, h, w, 1)` float32 in [0, 1], how far it holds; 0 where nothing is known.
        start: like `image`, for the frame's render to start from.
    """

    image: np.ndarray
    weights: np.ndarray
    start: np.ndarray
