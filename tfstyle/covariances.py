"""Matrix functions of covariances, and the linear maps that give features another covariance.

Matrices are `(batch, c, c)` float32, symmetric and positive semi-definite. Those of features are
often singular: a channel may be dead, and a map may have fewer positions than channels. So
`epsilon` times the trace is added to each eigenvalue: directions that a picture lacks are not
amplified without bound. Values are meant to be of about 1: features divided by their root mean
square. Float32 is needed: half precision does not resolve the small eigenvalues.
"""

import math
from collections.abc import Sequence

import numpy as np
from keras import ops

from tfstyle import statistics
from tfstyle.statistics import Tensor

EPSILON = 5e-7  # four times the rounding of the largest eigenvalue in float32
_LEAST = 1e-8  # added to eigenvalues, for pictures of one colour
_MOST_GAIN = 100.0  # whose square is a number in half precision, times 2.25 or so
_CONVERGED = 1e-4  # distance of singular values from 1; the iteration is quadratic


def roots(matrix: Tensor, epsilon: float = EPSILON) -> tuple[Tensor, Tensor]:
    """Square roots and inverse square roots, by matrix products alone.

    Any runtime computes them, and they can be differentiated. By the coupled iteration of Newton
    and Schulz (Higham, "Functions of Matrices", 2008, equation 6.35) with the scaling of Chen and
    Chow ("A Stable Scaling of Newton-Schulz for Improving the Sign Function Computation of a
    Hermitian Matrix", 2014), which halves the number of steps, 12 by default.

    Args:
        matrix: `(batch, c, c)`.
        epsilon: of the trace, added to eigenvalues.
    """
    matrix = _regularized(matrix, epsilon)
    # The trace of the square is at least the largest eigenvalue's square.
    norm = ops.sqrt(ops.sum(matrix * matrix, axis=(1, 2), keepdims=True))
    # With g = 1.5·s and l = 0.5·s³, a step is root ← g·root - l·root·inverse·root, and likewise the
    # inverse. Both are divided by the product of the g so far, which saves files an operation each,
    # and multiplied by it before it is too large for files of float16.
    first, *factors = _factors(epsilon)
    scaled = matrix / norm
    inverse = _identity(matrix) - first**2 / 3.0 * scaled
    root = ops.matmul(scaled, inverse)
    gains = 1.5 * first
    for factor in factors:
        if gains > _MOST_GAIN:
            root, inverse, gains = gains * root, gains * inverse, 1.0
        product = (gains * factor) ** 2 / 3.0 * ops.matmul(inverse, root)
        root = root - ops.matmul(root, product)
        inverse = inverse - ops.matmul(product, inverse)
        gains *= 1.5 * factor
    scale = ops.sqrt(norm)
    return root * (gains * scale), inverse * (gains / scale)


def roots_by_eigenvalues(matrix: Tensor, epsilon: float = EPSILON) -> tuple[Tensor, Tensor]:
    """As `roots`, by eigendecomposition, which no exported file can compute.

    Eigenvalues that rounding made negative count as 0. The roots of a matrix that is not finite are
    NaN, where the decomposition alone would raise an exception of the backend.
    """
    finite = ops.all(ops.isfinite(matrix), axis=(1, 2), keepdims=True)
    known = ops.where(finite, matrix, ops.eye(matrix.shape[-1])[None])
    values, vectors = ops.linalg.eigh(_regularized(known, epsilon))
    values = ops.maximum(values, 0.0)[:, None]
    values = ops.where(finite, values, math.nan)
    transposed = ops.transpose(vectors, (0, 2, 1))
    root = ops.matmul(vectors * ops.sqrt(values), transposed)
    return root, ops.matmul(vectors * ops.rsqrt(values), transposed)


def whitening_coloring(covariance: Tensor, style_root: Tensor, epsilon: float = EPSILON) -> Tensor:
    """Matrices that give features of a covariance the style's: whitened, then coloured.

    Sections 3.1 and 3.2 of Li et al., "Universal Style Transfer via Feature Transforms", NIPS 2017,
    https://arxiv.org/abs/1705.08086.

    Args:
        covariance: of the content.
        style_root: square root of the style's.
        epsilon: of the content's, as in `roots`.
    """
    return ops.matmul(style_root, roots(covariance, epsilon)[1])


def transport(covariance: Tensor, style_root: Tensor, epsilon: float = EPSILON) -> Tensor:
    """As `whitening_coloring`: of all such maps, the one that moves features least.

    Lu et al., "A Closed-Form Solution to Universal Style Transfer", ICCV 2019,
    https://arxiv.org/abs/1906.00668, the optimal transport between Gaussians, in the form
    S^½ (S^½ C S^½)^-½ S^½, which needs only one root of a matrix that depends on the content.
    """
    inner = ops.matmul(ops.matmul(style_root, covariance), style_root)
    return ops.matmul(ops.matmul(style_root, roots(inner, epsilon)[1]), style_root)


def transform(features: Tensor, mean: Tensor, matrix: Tensor, target_mean: Tensor) -> Tensor:
    """Features of one mean, multiplied by a matrix, around another mean.

    Args:
        features: `(batch, h, w, c)`.
        mean: `(batch or 1, c)`, subtracted.
        matrix: `(batch or 1, d, c)`.
        target_mean: `(batch or 1, d)`, added.
    Returns: `(batch, h, w, d)` float32.
    """
    flat = statistics.flatten(features) - ops.expand_dims(mean, 1)
    flat = ops.matmul(flat, ops.transpose(matrix, (0, 2, 1)))
    flat = flat + ops.expand_dims(target_mean, 1)
    return ops.reshape(flat, (*ops.shape(features)[:3], matrix.shape[1]))


def blended(
    share: Tensor, mean: Tensor, matrix: Tensor, target_mean: Tensor
) -> tuple[Tensor, Tensor]:
    """Matrix and target of `transform` for a share of its result, the rest being the features.

    Args:
        share: `(batch or 1,)`.
        mean: of `transform`.
        matrix: likewise, square.
        target_mean: likewise.
    """
    share = ops.reshape(share, (-1, 1))
    target = share * target_mean + (1.0 - share) * mean
    share = ops.expand_dims(share, 2)
    return share * matrix + (1.0 - share) * _identity(matrix), target


def pool(
    means: Sequence[Tensor], covariances: Sequence[Tensor], areas: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """Mean `(1, c)` and covariance `(1, c, c)` of a whole from those of its parts.

    Args:
        means: of the k parts, each `(1, c)`.
        covariances: of the parts, biased.
        areas: k numbers, the parts' sizes.
    """
    areas = ops.reshape(ops.convert_to_tensor(areas, "float32"), (-1, 1))
    weights = areas / ops.sum(areas)
    means = ops.concatenate(means, axis=0)
    mean = ops.sum(weights * means, axis=0, keepdims=True)
    apart = means - mean
    between = ops.matmul(ops.transpose(weights * apart), apart)
    within = ops.sum(weights[:, :, None] * ops.concatenate(covariances, axis=0), axis=0)
    return mean, (within + between)[None]


def _identity(matrix):
    return np.eye(matrix.shape[-1], dtype="float32")[None]


def _regularized(matrix, epsilon):
    identity = _identity(matrix)
    trace = ops.sum(matrix * identity, axis=(1, 2), keepdims=True)
    return matrix + identity * (epsilon * trace + _LEAST)


def _factors(least: float) -> list[float]:
    """Scales of the steps for eigenvalues from `least` to 1, until all are about 1.

    A step maps a singular value x, a root of an eigenvalue, to s·x·(3 - s²x²) / 2. Each s is such
    that the least and the largest value become equal, and all others larger.
    """
    low, factors = math.sqrt(least), []
    while low < 1.0 - _CONVERGED:
        factor = math.sqrt(3.0 / (1.0 + low + low * low))
        low = 0.5 * factor * low * (3.0 - (factor * low) ** 2)
        factors.append(factor)
    return [*factors, 1.0]
