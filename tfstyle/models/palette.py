"""Palettes: the means and covariances of pictures' colours, and recolouring by them.

After Reinhard et al., "Color Transfer between Images", IEEE CG&A 2001, with covariances instead of
deviations. The map from one Gaussian to the other is that of Cholesky factors with brightness
first, as in section 5.2 of Gatys et al., "Preserving Color in Neural Artistic Style Transfer",
2016, https://arxiv.org/abs/1606.05897: any runtime can compute it, and output brightness depends on
input brightness only, so that bright areas stay bright.

Pictures are `(batch, h, w, 3)` float32 RGB in [0, 1]. A palette `(batch, 12)` is the mean of their
colours and, row by row, their covariance's lower triangular factor on the axes of Ohta et al.
("Color Information for Region Segmentation", 1980): brightness, red to blue, green to magenta.
Weighted means of palettes are palettes.

All uses few operations, known to mobile runtimes: each adds 200 bytes to a file.
"""

from collections.abc import Sequence

import numpy as np
from keras import ops

from tfstyle import statistics
from tfstyle.statistics import Tensor

SIZE = 12
_MIN_VARIANCE = 1e-3  # added for pictures of one colour; limits the amplification of grain to 10
_EYE = np.eye(3, dtype=np.float32)
_AXES = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]], np.float32)
_AXES /= np.linalg.norm(_AXES, axis=1, keepdims=True)


def encode(picture: Tensor) -> Tensor:
    """`(batch, 12)` palettes of pictures."""
    mean, covariance = statistics.covariance(picture)
    covariance = ops.add(_rotated(covariance, _AXES), _MIN_VARIANCE * _EYE)
    return _join(ops.expand_dims(mean, 1), covariance)


def pool(palettes: Tensor, areas: Sequence[float]) -> Tensor:
    """`(1, 12)` palette of a whole from those of its parts, `(k, 12)`, and their areas."""
    areas = ops.reshape(ops.convert_to_tensor(areas, "float32"), (-1, 1, 1))
    weights = areas / ops.sum(areas)
    means, factors = _split(palettes)
    mean = ops.sum(weights * means, axis=0, keepdims=True)
    apart = means - mean
    between = _rotated(ops.transpose(apart, (0, 2, 1)) * apart, _AXES)
    covariances = ops.matmul(factors, ops.transpose(factors, (0, 2, 1))) + between
    return _join(mean, ops.sum(weights * covariances, axis=0, keepdims=True))


def recolor(picture: Tensor, own: Tensor, palette: Tensor) -> Tensor:
    """Pictures of one palette, mapped to another.

    Args:
        picture: `(batch, h, w, 3)`.
        own: `(batch or 1, 12)`, the palette assumed for `picture`.
        palette: `(batch or 1, 12)`, the palette of the result.
    Returns: `(batch, h, w, 3)` in [0, 1].
    """
    (own_mean, own_factor), (mean, factor) = _split(own), _split(palette)
    matrix = _rotated(ops.matmul(factor, _inverse(own_factor)), _AXES.T)
    matrix = ops.transpose(matrix, (0, 2, 1))  # for rows of pixels
    shift = mean - ops.matmul(own_mean, matrix)
    recolored = ops.matmul(statistics.flatten(picture), matrix) + shift
    return ops.reshape(ops.clip(recolored, 0.0, 1.0), ops.shape(picture))


def _rotated(matrix, basis):
    """B·M·Bᵀ for a constant B; `matmul` would become a dense layer, which exporters quantize."""
    products = ops.multiply(ops.reshape(matrix, (-1, 1, 9)), 9.0 * np.kron(basis, basis))
    return ops.reshape(ops.mean(products, axis=-1), (-1, 3, 3))


def _join(mean, covariance):
    """Palettes from means `(batch, 1, 3)` and covariances on the axes, by Cholesky's algorithm."""
    columns = []
    for k in range(3):
        column = covariance[:, :, k : k + 1]
        pivot = ops.maximum(column[:, k : k + 1], 0.5 * _MIN_VARIANCE)  # less by rounding only
        columns.append(column / ops.sqrt(pivot))
        covariance = covariance - columns[k] * ops.transpose(columns[k], (0, 2, 1))
    factor = ops.concatenate(columns, axis=2)
    return ops.reshape(ops.concatenate([mean, factor], axis=1), (-1, SIZE))


def _split(palettes):
    """Means `(batch, 1, 3)` and factors `(batch, 3, 3)`."""
    rows = ops.reshape(palettes, (-1, 4, 3))
    return rows[:, :1], rows[:, 1:]


def _inverse(factor):
    """Inverses of lower triangular matrices, by (K - 1)³ = 0 for a unit diagonal."""
    diagonal = ops.mean(ops.multiply(factor, 3.0 * _EYE), axis=-1, keepdims=True)
    unit = factor / diagonal
    inverse = ops.add(ops.matmul(unit, unit) - 3.0 * unit, 3.0 * _EYE)
    return inverse / ops.transpose(diagonal, (0, 2, 1))
