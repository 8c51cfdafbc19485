"""Palettes: the means and covariances of pictures' colours, and recolouring by them.

After Reinhard et al., "Color Transfer between Images", IEEE CG&A 2001, with covariances in the
place of deviations. Of the maps from one Gaussian to another it is that of Cholesky factors with
brightness first, as in section 5.2 of Gatys et al., "Preserving Color in Neural Artistic Style
Transfer", 2016, https://arxiv.org/abs/1606.05897: any runtime can compute it, and brightness
depends on brightness alone, so that light stays light.

Pictures are `(batch, h, w, 3)` float32 RGB in [0, 1]. A palette `(batch, 9)` is the mean of their
colours and, row by row, the lower triangle of their covariance's factor, on the axes of Ohta et
al. ("Color Information for Region Segmentation", 1980): brightness, red to blue, green to magenta.
Weighted means of palettes are palettes.
"""

import numpy as np
from keras import ops

SIZE = 9
# Of a picture of one colour; what a photo has less of is not blown up.
_LEAST_VARIANCE = 1e-3
_AXES = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]], np.float32)
_AXES /= np.linalg.norm(_AXES, axis=1, keepdims=True)


def encode(picture):
    """`(batch, 9)` palettes of pictures."""
    pixels = _pixels(picture)
    mean = ops.mean(pixels, axis=1)
    centred = pixels - ops.expand_dims(mean, 1)
    covariance = ops.matmul(ops.transpose(centred, (0, 2, 1)), centred) / ops.cast(
        ops.shape(pixels)[1], "float32"
    )
    covariance = _times(ops.transpose(_times(covariance, _AXES.T), (0, 2, 1)), _AXES.T)
    covariance = covariance + _LEAST_VARIANCE * np.eye(3, dtype=np.float32)
    return _join(_times(mean, _AXES.T), covariance)


def pool(palettes, areas):
    """`(1, 9)` palette of a whole from those of its parts, `(k, 9)`, of such areas."""
    areas = ops.reshape(ops.convert_to_tensor(areas, "float32"), (-1, 1))
    weights = areas / ops.sum(areas)
    mean = ops.sum(weights * palettes[:, :3], axis=0, keepdims=True)
    factor = _factor(palettes)
    apart = (palettes[:, :3] - mean)[:, :, None]
    covariance = ops.matmul(factor, ops.transpose(factor, (0, 2, 1)))
    covariance = covariance + apart * ops.transpose(apart, (0, 2, 1))
    return _join(mean, ops.sum(weights[:, :, None] * covariance, axis=0, keepdims=True))


def recolor(picture, own, palette):
    """Pictures that have one palette in the colours of another.

    Args:
        picture: `(batch, h, w, 3)`.
        own: `(batch or 1, 9)` that it is taken to have.
        palette: `(batch or 1, 9)` that it gets.
    Returns: `(batch, h, w, 3)` in [0, 1].
    """
    matrix = ops.matmul(_factor(palette), _inverse(own))  # on the axes
    matrix = _times(ops.transpose(_times(matrix, _AXES), (0, 2, 1)), _AXES)  # for rows of pixels
    mean, wanted = (ops.expand_dims(_times(p[:, :3], _AXES), 1) for p in (own, palette))
    recolored = ops.matmul(_pixels(picture) - mean, matrix) + wanted
    return ops.reshape(ops.clip(recolored, 0.0, 1.0), ops.shape(picture))


def _times(rows, matrix):
    """The product with a constant, which converters would take for a layer to be quantized."""
    return sum(rows[..., k : k + 1] * matrix[k] for k in range(3))


def _pixels(picture):
    height, width = ops.shape(picture)[1:3]
    return ops.reshape(picture, (-1, height * width, 3))


def _join(mean, covariance):
    """Palettes of means `(batch, 3)` and covariances `(batch, 3, 3)`: Cholesky's algorithm."""
    c = _columns(ops.reshape(covariance, (-1, 9)))
    a = ops.sqrt(c[0])
    b, d = c[3] / a, c[6] / a
    e = _root(c[4] - b * b)
    f = (c[7] - b * d) / e
    g = _root(c[8] - d * d - f * f)
    return _beside(mean, _beside(a, b, e), _beside(d, f, g))


def _root(x):
    return ops.sqrt(ops.maximum(x, 0.5 * _LEAST_VARIANCE))  # rounding may leave less


def _factor(palette):
    a, b, e, d, f, g = _columns(palette[:, 3:])
    zero = ops.zeros_like(a)
    return _matrix((a, zero, zero), (b, e, zero), (d, f, g))


def _inverse(palette):
    """Of the factor."""
    a, b, e, d, f, g = _columns(palette[:, 3:])
    zero = ops.zeros_like(a)
    corner = (b * f - d * e) / (a * e * g)
    return _matrix((1 / a, zero, zero), (-b / (a * e), 1 / e, zero), (corner, -f / (e * g), 1 / g))


# Slices, not items, and no more than five parts beside each other: what XNNPACK computes.
def _columns(rows):
    return [rows[:, i : i + 1] for i in range(rows.shape[1])]


def _beside(*columns):
    return ops.concatenate(columns, axis=-1)


def _matrix(*rows):
    return ops.reshape(_beside(*(_beside(*row) for row in rows)), (-1, 3, 3))
