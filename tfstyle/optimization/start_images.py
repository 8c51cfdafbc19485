"""The picture that a render starts from."""

import numpy as np
from absl import logging

from tfstyle import images


def start_image(
    kind: str,
    shape: tuple[int, int],
    content: np.ndarray,
    style: np.ndarray,
    given: np.ndarray | None,
    seed: int,
) -> np.ndarray:
    """`(1, h, w, 3)` float32.

    Args:
        kind: of `config.START_IMAGES`; ignored if `given`.
        shape: `(height, width)` of the result.
        content: the photo.
        style: the first style image.
        given: a picture to use instead, or None.
        seed: of noise.
    """
    if given is not None:
        height, width = given.shape[1:3]
        if abs(height / width * shape[1] / shape[0] - 1.0) < 0.02:  # equal up to rounding
            return images.resize(given, shape)
        logging.info("--init: its aspect ratio differs from the photo's; using its centre.")
        return images.cover(given, shape)
    if kind == "noise":
        noise = np.random.default_rng(seed).normal(0.5, 0.15, (1, *shape, 3))
        return np.clip(noise, 0.0, 1.0).astype(np.float32)
    if kind == "style":
        return images.cover(style, shape)
    return images.resize(content, shape)
