"""Style losses on whole distributions of features: sliced Wasserstein, MMD, histograms."""

import functools
import math

import keras
import numpy as np
from keras import ops

from tfstyle import statistics
from tfstyle.losses.relative import EPSILON, MomentLoss, StyleLoss, relative_error


def _normal(shape, seed):
    """Normally distributed numbers, with every backend the same, unlike `keras.random`'s."""
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@keras.saving.register_keras_serializable(package="tfstyle")
class SlicedWassersteinLoss(StyleLoss):
    """Mean squared difference of sorted projections of the features.

    Heitz et al., "A Sliced Wasserstein Loss for Neural Texture Synthesis", CVPR 2021,
    https://arxiv.org/abs/2006.07229, with fixed directions, as L-BFGS needs a deterministic loss.
    Without projections it sorts the channels themselves: exact feature distribution matching (Zhang
    et al., CVPR 2022) as a loss.

    Args:
        projections: number of random unit directions; 0 for the channels.
        levels: quantiles stored of each target, interpolated for maps of other sizes.
        seed: int, of the directions.
        normalize: whether to divide by the target's mean square.

    Call arguments:
        target: `(batch, levels, directions)` from `target`.
        features: `(batch, h, w, c)`.
    Returns: `(batch,)` before Keras' reduction.
    """

    def __init__(
        self, projections=32, levels=1024, seed=0, normalize=True, name="sliced_loss", **kwargs
    ):
        super().__init__(normalize=normalize, name=name, **kwargs)
        self.projections = projections
        self.levels = levels
        self.seed = seed

    def _project(self, features):
        flat = statistics.flatten(features)
        if not self.projections:
            return flat
        shape = (flat.shape[-1], self.projections)
        directions = _normal(shape, self.seed)
        norms = np.linalg.norm(directions, axis=0)
        return ops.matmul(flat, directions / norms)

    def statistic(self, features, guide=None):
        return statistics.quantiles(self._project(features), self.levels, guide)

    def call(self, target, features, guide=None):
        if guide is not None:
            ordered, levels, weights = statistics.ordered_with_levels(
                self._project(features), guide
            )
            matched = statistics.at_levels(target, levels)
            return relative_error(matched, ordered, self.normalize, weights)
        ordered = ops.sort(self._project(features), axis=1)
        return relative_error(
            statistics.quantiles(target, ops.shape(ordered)[1]), ordered, self.normalize
        )

    def get_config(self):
        return {
            **super().get_config(),
            "projections": self.projections,
            "levels": self.levels,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(package="tfstyle")
class MMDLoss(MomentLoss):
    """Squared maximum mean discrepancy of features: the distance of their mean embeddings.

    Li et al., "Demystifying Neural Style Transfer", IJCAI 2017, https://arxiv.org/abs/1701.01036.
    The linear kernel compares means and the polynomial one, (xᵀy)², Gram matrices; the Gaussian
    one, exp(-|x - y|² / 2σ²), is embedded by random Fourier features (Rahimi and Recht, 2007), so
    that every position counts and the loss is deterministic. As in the paper, σ² is the mean
    squared distance of two positions of the style.

    Args:
        kernel: "linear", "polynomial" or "gaussian".
        frequencies: random features of the Gaussian kernel.
        seed: int, of the random features.
        normalize: whether to divide by the target embedding's squared norm.

    Call arguments:
        target: the embedding and σ, `(batch, 1, 1)`, from `target`.
        features: `(batch, h, w, c)`.
    Returns: `(batch,)` before Keras' reduction.
    Raises: ValueError for an unknown kernel.
    """

    pools_targets = False  # since the Gaussian kernel's σ depends on the whole style image

    def __init__(
        self,
        kernel="gaussian",
        frequencies=512,
        seed=0,
        normalize=True,
        name="mmd_loss",
        **kwargs,
    ):
        super().__init__(normalize=normalize, name=name, **kwargs)
        if kernel not in ("linear", "polynomial", "gaussian"):
            raise ValueError(
                f'`kernel` must be "linear", "polynomial" or "gaussian". Received: kernel={kernel}'
            )
        self.kernel = kernel
        self.frequencies = frequencies
        self.seed = seed

    def moments(self, features, anchor=None, guide=None):
        """Mean embeddings with `anchor` as σ."""
        flat = statistics.flatten(features)
        if self.kernel == "polynomial":
            return statistics.gram_matrix(features, guide)
        if self.kernel == "linear":
            return statistics.mean_of(flat, guide)
        shape = (flat.shape[-1], self.frequencies)
        angles = ops.matmul(flat / anchor, _normal(shape, self.seed))
        waves = [statistics.mean_of(wave(angles), guide) for wave in (ops.cos, ops.sin)]
        return ops.concatenate(waves, -1) / math.sqrt(self.frequencies)

    def target(self, styles, weights=(1.0,), guides=None):
        # Mean over the mixed pictures first: their embeddings share one bandwidth.
        guides = guides or [None] * len(styles)
        variance = sum(
            w * 2.0 * ops.sum(_variances(features, guide), -1)[:, None, None]
            for w, features, guide in zip(weights, styles, guides, strict=True)
        )
        sigma = ops.sqrt(variance + EPSILON)
        embeddings = [
            self.moments(features, sigma, guide)
            for features, guide in zip(styles, guides, strict=True)
        ]
        return sum(w * part for w, part in zip(weights, embeddings, strict=True)), sigma

    def anchor(self, target):
        return target[1]

    def compare(self, target, moments):
        embedding_target, _ = target
        difference = moments - embedding_target
        axes = tuple(range(1, len(difference.shape)))
        distance = ops.sum(ops.square(difference), axis=axes)
        if not self.normalize:
            return distance
        return distance / (ops.sum(ops.square(embedding_target), axis=axes) + EPSILON)

    def get_config(self):
        return {
            **super().get_config(),
            "kernel": self.kernel,
            "frequencies": self.frequencies,
            "seed": self.seed,
        }


def _variances(features, guide):
    """`(batch, c)`, of channels."""
    flat = statistics.flatten(features)
    if guide is None:
        return ops.var(flat, axis=1)
    return statistics.mean_of(ops.square(flat - statistics.mean_of(flat, guide)[:, None]), guide)


@keras.saving.register_keras_serializable(package="tfstyle")
class HistogramLoss(StyleLoss):
    """Squared distance of features to themselves with each channel's histogram matched.

    Risser, Wilmot and Barnes, "Stable and Controllable Neural Texture Synthesis and Style Transfer
    Using Histogram Losses", 2017, https://arxiv.org/abs/1701.08893. The matched features are
    constants in the gradient.

    Args:
        bins: of the histograms, and quantiles stored of the target.
        normalize: whether to divide by the mean square of the matched features.

    Call arguments:
        target: `(batch, bins, c)` quantiles from `target`.
        features: `(batch, h, w, c)`.
    Returns: `(batch,)` before Keras' reduction.
    """

    def __init__(self, bins=256, normalize=True, name="histogram_loss", **kwargs):
        super().__init__(normalize=normalize, name=name, **kwargs)
        self.bins = bins

    def statistic(self, features, guide=None):
        return statistics.quantiles(statistics.flatten(features), self.bins, guide)

    def call(self, target, features, guide=None):
        flat = statistics.flatten(features)
        weights = None if guide is None else statistics.position_weights(guide)
        matched = ops.stop_gradient(self._match(ops.stop_gradient(flat), target, weights))
        return relative_error(matched, flat, self.normalize, weights)

    def _match(self, flat, target, weights):
        batch, size, channels = ops.shape(flat)
        counted = flat
        if weights is not None:  # the range is that of the region
            inside = ops.sum(weights * flat, axis=1, keepdims=True)
            counted = ops.where(weights > 0.0, flat, inside)
            flat = ops.clip(flat, *(f(counted, 1, keepdims=True) for f in (ops.min, ops.max)))
        low, high = ops.min(counted, 1, keepdims=True), ops.max(counted, 1, keepdims=True)
        position = (flat - low) / (high - low + EPSILON) * self.bins
        index = ops.clip(ops.cast(position, "int32"), 0, self.bins - 1)  # NaN may be any integer
        fraction = position - ops.cast(index, "float32")
        # One table for all images and channels; its rows are (batch, channel), `bins` entries each.
        row = ops.reshape(ops.arange(batch * channels), (batch, 1, channels))
        entry = ops.reshape(row * self.bins + index, (-1,))
        each = ops.ones_like(flat) if weights is None else weights * ops.ones_like(flat)
        whole = ops.cast(size, "float32") if weights is None else 1.0
        counts = ops.segment_sum(ops.reshape(each, (-1,)), entry, batch * channels * self.bins)
        share = ops.reshape(counts, (batch * channels, self.bins)) / whole
        below = ops.reshape(ops.cumsum(share, axis=-1) - share, (-1,))
        share = ops.reshape(share, (-1,))
        rank = ops.take(below, entry) + ops.take(share, entry) * ops.reshape(fraction, (-1,))
        position = ops.clip(rank * self.bins - 0.5, 0.0, self.bins - 1.0)
        lower = ops.clip(ops.cast(position, "int32"), 0, self.bins - 1)
        fraction = position - ops.cast(lower, "float32")
        base = ops.reshape(ops.broadcast_to(row, (batch, size, channels)), (-1,)) * self.bins
        table = ops.reshape(ops.transpose(ops.cast(target, "float32"), (0, 2, 1)), (-1,))
        if target.shape[0] == 1:
            base = base % (channels * self.bins)  # one target for the whole batch
        left = ops.take(table, base + lower)
        right = ops.take(table, base + ops.minimum(lower + 1, self.bins - 1))
        return ops.reshape(left + fraction * (right - left), (batch, size, channels))

    def get_config(self):
        return {**super().get_config(), "bins": self.bins}


sorted_loss = functools.partial(SlicedWassersteinLoss, projections=0)
linear_mmd_loss = functools.partial(MMDLoss, kernel="linear")
polynomial_mmd_loss = functools.partial(MMDLoss, kernel="polynomial")
