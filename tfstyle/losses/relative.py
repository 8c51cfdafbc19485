"""Common parts of the feature losses: normalization, distances, and targets of several styles."""

import keras
from keras import ops

from tfstyle.statistics import Tensor

EPSILON = 1e-8  # keeps a relative error finite where the target is zero: a black or blank picture


def mean_but_batch(values: Tensor) -> Tensor:
    """`(batch,)` means over all other axes."""
    return ops.mean(values, axis=tuple(range(1, len(values.shape))))


def relative_error(
    target: Tensor, value: Tensor, normalize: bool, weights: Tensor | None = None
) -> Tensor:
    """`(batch,)` mean squared difference, over the target's mean square if `normalize`.

    `weights` are those of positions, `(batch or 1, n, 1 or c)` of sum 1 over n, or None for equal
    ones.
    """

    def mean(values):
        if weights is None:
            return mean_but_batch(values)
        return ops.mean(ops.sum(weights * values, axis=1), axis=-1)

    error = mean(ops.square(value - target))
    if not normalize:
        return error
    return error / (mean(ops.square(target)) + EPSILON)


def cosine_distance(target: Tensor, value: Tensor, weights: Tensor | None = None) -> Tensor:
    """`(batch,)` mean of 1 - cosine of the angle between vectors along the last axis.

    `weights`, `(1, …, 1)`, are factors of the vectors' distances before the mean.
    """
    product = ops.sum(value * target, axis=-1)
    norms = ops.sum(ops.square(value), axis=-1) * ops.sum(ops.square(target), axis=-1)
    distance = 1.0 - product * ops.rsqrt(norms + EPSILON)
    return mean_but_batch(distance if weights is None else weights[..., 0] * distance)


class FeatureLoss(keras.losses.Loss):
    """A loss on features, with the two arguments that all of them share."""

    def __init__(self, normalize=True, reduction="sum_over_batch_size", name=None, **kwargs):
        super().__init__(reduction=reduction, name=name, **kwargs)
        self.normalize = normalize

    def get_config(self):
        return {**super().get_config(), "normalize": self.normalize}


def check_distance(distance: str, known: tuple[str, ...] = ("squared", "cosine")) -> str:
    """The argument, unchanged; ValueError for an unknown distance."""
    if distance not in known:
        raise ValueError(f"`distance` must be one of {known}. Received: distance={distance}")
    return distance


class StyleLoss(FeatureLoss):
    """Base of the style losses: how a target is made, for one style image or several.

    A subclass has `statistic(features, guide)`, one tensor or a tuple of tensors that can be
    averaged, and `call(target, features, guide=None)`. A guide, of `tfstyle.statistics`, is given
    for a region.
    """

    def statistic(self, features, guide=None):
        raise NotImplementedError

    def target(self, styles, weights=(1.0,), guides=None):
        """The target for the features of one or several style images.

        Args:
            styles: sequence of `(batch, h_i, w_i, c)` features.
            weights: their shares, of sum 1. The weighted sum of the squared distances to each has
                the same gradient as the squared distance to the weighted mean.
            guides: of each style image, or None.
        Returns: the argument `target` of a call.
        """
        guides = guides or [None] * len(styles)
        return self.target_of(list(map(self.statistic, styles, guides)), weights)

    def target_of(self, statistics, weights=(1.0,)):
        """The same from what `statistic` returned for each style image."""
        return keras.tree.map_structure(
            lambda *parts: sum(w * part for w, part in zip(weights, parts, strict=True)),
            *statistics,
        )


class MomentLoss(StyleLoss):
    """A style loss of means over positions: averages of parts' moments are those of the whole.

    A subclass has `moments` and `compare`, and, for targets of parts, `pooled`.

    Attributes:
        pools_targets: whether targets, too, can be made of the moments of parts.
    """

    pools_targets = True

    def statistic(self, features, guide=None):
        return self.pooled(self.moments(features, guide=guide))

    def moments(self, features, anchor=None, guide=None):
        """Means over positions of functions of the features at each, a tensor or a tuple of them.

        Args:
            features: `(batch, h, w, c)`, of a picture or a part of it.
            anchor: of the method `anchor`; or `(batch or 1, c)` values, near the features' means
                for accuracy, the same for all parts; or None for 0.
            guide: of the picture or the part. Those of parts have the sum 1 together, and their
                moments are added.
        """
        raise NotImplementedError

    def anchor(self, target):
        """What the moments of pictures are taken about."""
        return None

    def pooled(self, moments, anchor=None):
        """What `statistic` returns for a whole picture with these moments."""
        raise NotImplementedError

    def compare(self, target, moments):
        """`(batch,)` losses of pictures whose moments, about `anchor(target)`, these are."""
        raise NotImplementedError

    def call(self, target, features, guide=None):
        return self.compare(target, self.moments(features, self.anchor(target), guide))
