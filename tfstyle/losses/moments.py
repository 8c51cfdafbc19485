"""Style losses on the first two moments of features: Gram, mean and deviation, Wasserstein-2."""

import functools

import keras
from keras import ops

from tfstyle import covariances, statistics
from tfstyle.losses.relative import (
    EPSILON,
    MomentLoss,
    check_distance,
    cosine_distance,
    mean_but_batch,
    relative_error,
)


@keras.saving.register_keras_serializable(package="tfstyle")
class GramLoss(MomentLoss):
    """Squared error, or cosine distance of the rows, of Gram matrices.

    Gatys, Ecker and Bethge, CVPR 2016, equations 3 to 5. With the polynomial kernel of degree 2 it
    is the maximum mean discrepancy of Li et al. 2017.

    Args:
        distance: "squared" or "cosine".
        normalize: whether to divide a squared error by the target's mean square.

    Call arguments:
        target: `(batch, c, c)` from `target`.
        features: `(batch, h, w, c)`.
    Returns: `(batch,)` before Keras' reduction.
    Raises: ValueError for an unknown distance.
    """

    def __init__(self, distance="squared", normalize=True, name="gram_loss", **kwargs):
        super().__init__(normalize=normalize, name=name, **kwargs)
        self.distance = check_distance(distance)

    def moments(self, features, anchor=None, guide=None):
        return statistics.gram_matrix(features, guide)

    def pooled(self, moments, anchor=None):
        return moments

    def compare(self, target, moments):
        if self.distance == "cosine":
            return cosine_distance(target, moments)
        return relative_error(target, moments, self.normalize)

    def get_config(self):
        return {**super().get_config(), "distance": self.distance}


@keras.saving.register_keras_serializable(package="tfstyle")
class MeanStdLoss(MomentLoss):
    """Squared errors of channel means and of deviations, added.

    Huang and Belongie, ICCV 2017, equation 13, https://arxiv.org/abs/1703.06868.

    Args:
        normalize: whether to divide by the mean square of the target's means and deviations.

    Call arguments:
        target: two `(batch, c)` from `target`.
        features: `(batch, h, w, c)`.
    Returns: `(batch,)` before Keras' reduction.
    """

    def __init__(self, normalize=True, name="mean_std_loss", **kwargs):
        super().__init__(normalize=normalize, name=name, **kwargs)

    def statistic(self, features, guide=None):
        return statistics.mean_and_std(features, guide=guide)

    def moments(self, features, anchor=None, guide=None):
        flat = statistics.centered(features, anchor)
        return statistics.mean_of(flat, guide), statistics.mean_of(ops.square(flat), guide)

    def anchor(self, target):
        return target[0]

    def pooled(self, moments, anchor=None):
        mean, square = moments
        variance = ops.maximum(square - ops.square(mean), 0.0)
        return mean if anchor is None else mean + anchor, ops.sqrt(variance + statistics.EPSILON)

    def compare(self, target, moments):
        error = sum(
            relative_error(part, value, normalize=False)
            for part, value in zip(target, self.pooled(moments, self.anchor(target)), strict=True)
        )
        if not self.normalize:
            return error
        return error / (sum(mean_but_batch(ops.square(part)) for part in target) + EPSILON)


@keras.saving.register_keras_serializable(package="tfstyle")
class WassersteinLoss(MomentLoss):
    """Squared Wasserstein-2 distance of the Gaussians with the features' means and covariances.

    |m₁ - m₂|² + tr(C₁ + C₂ - 2 (C₁^½ C₂ C₁^½)^½), as in crowsonkb/style-transfer-pytorch, which
    credits Vincent Adam. The eigenvectors of the inner matrix are constants in the gradient: to
    first order, its root's trace depends on the eigenvalues alone.

    Args:
        normalize: whether to divide by the target's second moment, |m₁|² + tr C₁.

    Call arguments:
        target: mean `(batch, c)`, covariance and its root, both `(batch, c, c)`, from `target`.
        features: `(batch, h, w, c)`.
    Returns: `(batch,)` before Keras' reduction.
    """

    def __init__(self, normalize=True, name="wasserstein_loss", **kwargs):
        super().__init__(normalize=normalize, name=name, **kwargs)

    def statistic(self, features, guide=None):
        return statistics.covariance(features, guide)

    def moments(self, features, anchor=None, guide=None):
        flat = statistics.centered(features, anchor)
        return statistics.mean_of(flat, guide), statistics.mean_products(flat, guide)

    def anchor(self, target):
        return target[0]

    def pooled(self, moments, anchor=None):
        mean, products = moments
        covariance = products - mean[:, :, None] * mean[:, None, :]
        return mean if anchor is None else mean + anchor, covariance

    def target_of(self, statistics, weights=(1.0,)):
        mean, covariance = super().target_of(statistics, weights)
        root, _ = covariances.roots_by_eigenvalues(covariance, epsilon=0.0)
        return mean, covariance, root

    def compare(self, target, moments):
        mean_target, covariance_target, root = target
        mean, covariance = self.pooled(moments, mean_target)
        trace = functools.partial(ops.trace, axis1=-2, axis2=-1)
        inner = ops.matmul(ops.matmul(root, covariance), root)
        # The floor keeps the root's slope finite in directions that a picture lacks.
        floor = 1e-8 * ops.square(trace(covariance_target) / mean_target.shape[-1]) + 1e-12
        # Features that are not finite give such a loss; an exception would end a line search.
        known = ops.where(ops.all(ops.isfinite(inner)), inner, ops.eye(inner.shape[-1]))
        _, vectors = ops.linalg.eigh(ops.stop_gradient(known))
        vectors = ops.stop_gradient(vectors)
        values = ops.sum(vectors * ops.matmul(inner, vectors), axis=-2)
        fidelity = ops.sum(ops.sqrt(ops.maximum(values, 0.0) + floor[..., None]), axis=-1)
        distance = ops.sum(ops.square(mean - mean_target), axis=-1)
        distance = distance + trace(covariance_target) + trace(covariance) - 2.0 * fidelity
        if not self.normalize:
            return distance
        moment = ops.sum(ops.square(mean_target), axis=-1) + trace(covariance_target)
        return distance / (moment + EPSILON)


cosine_gram_loss = functools.partial(GramLoss, distance="cosine")
