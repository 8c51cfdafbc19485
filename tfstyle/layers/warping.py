"""Pictures moved along by a field of motion."""

from keras import ops

from tfstyle.statistics import Tensor


def warp(picture: Tensor, places: Tensor) -> Tensor:
    """A picture's values at places between its pixels.

    By the cubic convolution of Keys, "Cubic Convolution Interpolation for Digital Image
    Processing", IEEE TASSP 1981, with a = -1/2: linear interpolation would blur. Beyond the edges,
    the nearest pixel's value counts.

    Args:
        picture: `(batch, h, w, c)`.
        places: `(batch, h2, w2, 2)` float32, x and y in pixels; (0, 0) is the first pixel's centre.
    Returns: `(batch, h2, w2, c)`, which may leave the picture's range beside edges.
    """
    batch, height, width, channels = ops.shape(picture)
    pixels = ops.reshape(picture, (-1, channels))
    start = ops.floor(places)
    weights = _cubic(places - start)
    start = ops.cast(start, "int32")
    first = ops.reshape(ops.arange(batch, dtype="int32") * (height * width), (-1, 1, 1))
    columns = [ops.clip(start[..., 0] + k, 0, width - 1) for k in range(-1, 3)]
    rows = [first + width * ops.clip(start[..., 1] + k, 0, height - 1) for k in range(-1, 3)]
    found = 0.0
    for row, of_row in zip(rows, weights, strict=True):
        line = sum(
            of_column[..., :1] * ops.take(pixels, row + column, axis=0)
            for column, of_column in zip(columns, weights, strict=True)
        )
        found = found + of_row[..., 1:] * line
    return found


def _cubic(t):
    """Weights of the pixels at -1, 0, 1 and 2 for a place at `t` in [0, 1)."""
    return (
        t * (-0.5 + t * (1.0 - 0.5 * t)),
        1.0 + t * t * (1.5 * t - 2.5),
        t * (0.5 + t * (2.0 - 1.5 * t)),
        t * t * (0.5 * t - 0.5),
    )
