"""Photos whose opposite edges meet: 360° panoramas and textures."""

from collections.abc import Callable, Sequence

import numpy as np

FADE = 32  # pixels


def paint_wrapped(
    content: np.ndarray,
    axes: Sequence[int],
    margin: int,
    paint: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """A painted photo whose opposite edges meet, as the photo's do.

    The photo is continued on all sides with what is at the opposite one, painted and cropped. The
    first pixels are those that were painted after the last ones, and fade to their own: models
    that work in blocks do not paint the two quite alike.

    Args:
        content: `(1, h, w, 3)`.
        axes: along which the edges meet: 1 for top and bottom, 2 for left and right.
        margin: pixels at each end, the model's receptive field.
        paint: returns a painted picture of the same size; with statistics of the photo alone.
    """
    pads = [(margin, margin + FADE) if axis in axes else (0, 0) for axis in range(4)]
    image = paint(np.pad(content, pads, mode="wrap"))
    for axis in axes:
        image = _join(image, axis, margin, content.shape[axis])
    return image


def _join(image, axis, margin, length):
    image = np.moveaxis(image, axis, 0)
    inside, fade = image[margin : margin + length].copy(), min(FADE, length)
    share = np.linspace(0.0, 1.0, fade, endpoint=False, dtype=np.float32).reshape(-1, 1, 1, 1)
    following = image[margin + length : margin + length + fade]
    inside[:fade] = share * inside[:fade] + (1.0 - share) * following
    return np.moveaxis(inside, 0, axis)
