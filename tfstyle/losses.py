"""Content, style and total variation losses, and `PerceptualLoss`, which adds them up.

A style loss compares a `statistic` of features: its `target` is that statistic of the style
images' features, computed once. Every term is divided by its target's mean square (`normalize`), so
that a weight means the same at any size, for any layer and for any encoder.
"""

import functools
import math
from collections.abc import Callable

import keras
from keras import ops

from tfstyle import statistics

_EPSILON = 1e-8  # keeps a relative error finite where the target is zero: a black or blank picture


def _mean_but_batch(values):
    return ops.mean(values, axis=tuple(range(1, len(values.shape))))


def _relative_error(target, value, normalize):
    """`(batch,)` mean squared difference, over the target's mean square if `normalize`."""
    error = _mean_but_batch(ops.square(value - target))
    if not normalize:
        return error
    return error / (_mean_but_batch(ops.square(target)) + _EPSILON)


def _cosine_distance(target, value):
    """`(batch,)` mean of 1 - cosine of the angle between vectors along the last axis."""
    product = ops.sum(value * target, axis=-1)
    norms = ops.sum(ops.square(value), axis=-1) * ops.sum(ops.square(target), axis=-1)
    return _mean_but_batch(1.0 - product * ops.rsqrt(norms + _EPSILON))


class _FeatureLoss(keras.losses.Loss):
    """A loss on features, with the two arguments that all of them share."""

    def __init__(self, normalize=True, reduction="sum_over_batch_size", name=None, **kwargs):
        super().__init__(reduction=reduction, name=name, **kwargs)
        self.normalize = normalize

    def get_config(self):
        return {**super().get_config(), "normalize": self.normalize}


def _check_distance(distance):
    if distance not in ("squared", "cosine"):
        raise ValueError(f'`distance` must be "squared" or "cosine". Received: distance={distance}')
    return distance


@keras.saving.register_keras_serializable(package="tfstyle")
class ContentLoss(_FeatureLoss):
    """Squared error of features, or their cosine distance.

    Gatys, Ecker and Bethge, CVPR 2016, equation 1, as a mean.

    Args:
        distance: "squared", or "cosine" of the channel vectors, which leaves contrast free.
        normalize: whether to divide a squared error by the target's mean square.

    Call arguments: target and features, `(batch, h, w, c)` each.
    Returns: `(batch,)` before Keras' reduction.
    Raises: ValueError for an unknown distance.
    """

    def __init__(self, distance="squared", normalize=True, name="content_loss", **kwargs):
        super().__init__(normalize=normalize, name=name, **kwargs)
        self.distance = _check_distance(distance)

    def call(self, target, features):
        if self.distance == "cosine":
            return _cosine_distance(target, features)
        return _relative_error(target, features, self.normalize)

    def get_config(self):
        return {**super().get_config(), "distance": self.distance}


class StyleLoss(_FeatureLoss):
    """Base of the style losses: how a target is made, for one style image or several.

    A subclass has `statistic(features)`, one tensor or a tuple of tensors of which weighted means
    make sense, and `call(target, features)`.
    """

    def statistic(self, features):
        raise NotImplementedError

    def target(self, styles, weights=(1.0,)):
        """The target made of the features of several style images.

        Args:
            styles: sequence of `(batch, h_i, w_i, c)` features.
            weights: their shares, of sum 1. The sum of squared distances to each, so weighted, has
                the same gradient as the squared distance to the weighted mean.
        Returns: the argument `target` of a call.
        """
        means = [self.statistic(features) for features in styles]
        return keras.tree.map_structure(
            lambda *parts: sum(w * part for w, part in zip(weights, parts, strict=True)), *means
        )


@keras.saving.register_keras_serializable(package="tfstyle")
class GramLoss(StyleLoss):
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
        self.distance = _check_distance(distance)

    def statistic(self, features):
        return statistics.gram_matrix(features)

    def call(self, target, features):
        gram = self.statistic(features)
        if self.distance == "cosine":
            return _cosine_distance(target, gram)
        return _relative_error(target, gram, self.normalize)

    def get_config(self):
        return {**super().get_config(), "distance": self.distance}


@keras.saving.register_keras_serializable(package="tfstyle")
class MeanStdLoss(StyleLoss):
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

    def statistic(self, features):
        return statistics.mean_and_std(features)

    def call(self, target, features):
        error = sum(
            _relative_error(part, value, normalize=False)
            for part, value in zip(target, self.statistic(features), strict=True)
        )
        if not self.normalize:
            return error
        return error / (sum(_mean_but_batch(ops.square(part)) for part in target) + _EPSILON)


@keras.saving.register_keras_serializable(package="tfstyle")
class WassersteinLoss(StyleLoss):
    """Squared Wasserstein-2 distance of the Gaussians with the features' means and covariances.

    |m₁ - m₂|² + tr(C₁ + C₂ - 2 (C₁^½ C₂ C₁^½)^½), as in crowsonkb/style-transfer-pytorch, there
    after Vincent Adam. The eigenvectors of the inner matrix are held constant in the gradient: to
    first order its root's trace depends on the eigenvalues alone.

    Args:
        normalize: whether to divide by the target's second moment, |m₁|² + tr C₁.

    Call arguments:
        target: mean `(batch, c)`, covariance and its root, both `(batch, c, c)`, from `target`.
        features: `(batch, h, w, c)`.
    Returns: `(batch,)` before Keras' reduction.
    """

    def __init__(self, normalize=True, name="wasserstein_loss", **kwargs):
        super().__init__(normalize=normalize, name=name, **kwargs)

    def statistic(self, features):
        return statistics.covariance(features)

    def target(self, styles, weights=(1.0,)):
        mean, covariance = super().target(styles, weights)
        values, vectors = ops.linalg.eigh(covariance)
        scaled = vectors * ops.sqrt(ops.maximum(values, 0.0))[..., None, :]
        return mean, covariance, ops.matmul(scaled, ops.swapaxes(vectors, -1, -2))

    def call(self, target, features):
        mean_target, covariance_target, root = target
        mean, covariance = self.statistic(features)
        trace = functools.partial(ops.trace, axis1=-2, axis2=-1)
        inner = ops.matmul(ops.matmul(root, covariance), root)
        # The floor keeps the root's slope finite in directions that a picture lacks.
        floor = 1e-8 * ops.square(trace(covariance_target) / mean_target.shape[-1]) + 1e-12
        _, vectors = ops.linalg.eigh(ops.stop_gradient(inner))
        vectors = ops.stop_gradient(vectors)
        values = ops.sum(vectors * ops.matmul(inner, vectors), axis=-2)
        fidelity = ops.sum(ops.sqrt(ops.maximum(values, 0.0) + floor[..., None]), axis=-1)
        distance = ops.sum(ops.square(mean - mean_target), axis=-1)
        distance = distance + trace(covariance_target) + trace(covariance) - 2.0 * fidelity
        if not self.normalize:
            return distance
        moment = ops.sum(ops.square(mean_target), axis=-1) + trace(covariance_target)
        return distance / (moment + _EPSILON)


@keras.saving.register_keras_serializable(package="tfstyle")
class SlicedWassersteinLoss(StyleLoss):
    """Mean squared difference of sorted projections of the features.

    Heitz et al., "A Sliced Wasserstein Loss for Neural Texture Synthesis", CVPR 2021,
    https://arxiv.org/abs/2006.07229, with fixed directions, because L-BFGS needs a function.
    Without projections it sorts the channels themselves: exact feature distribution matching (Zhang
    et al., CVPR 2022) as a loss.

    Args:
        projections: number of random unit directions; 0 for the channels.
        levels: quantiles kept of each target; maps of other sizes interpolate them.
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
        directions = keras.random.normal(shape, seed=self.seed)
        norms = ops.sqrt(ops.sum(ops.square(directions), axis=0))
        return ops.matmul(flat, directions / norms)

    def statistic(self, features):
        return statistics.quantiles(self._project(features), self.levels)

    def call(self, target, features):
        ordered = ops.sort(self._project(features), axis=1)
        return _relative_error(
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
class MMDLoss(StyleLoss):
    """Squared maximum mean discrepancy of features: the distance of their mean embeddings.

    Li et al., "Demystifying Neural Style Transfer", IJCAI 2017, https://arxiv.org/abs/1701.01036.
    The linear kernel compares means and the polynomial one, (xᵀy)², Gram matrices; the Gaussian
    one, exp(-|x - y|² / 2σ²), is embedded by random Fourier features (Rahimi and Recht, 2007), so
    that every position counts and the loss is a fixed function. As in the paper, σ² is the mean
    squared distance of two positions of the style.

    Args:
        kernel: "linear", "polynomial" or "gaussian".
        frequencies: random features of the Gaussian kernel.
        seed: int, of the random features.
        normalize: whether to divide by the target embedding's squared norm.

    Call arguments:
        target: the embedding and σ from `target`.
        features: `(batch, h, w, c)`.
    Returns: `(batch,)` before Keras' reduction.
    Raises: ValueError for an unknown kernel.
    """

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

    def _embedding(self, features, sigma):
        flat = statistics.flatten(features)
        if self.kernel == "polynomial":
            return statistics.gram_matrix(features)
        if self.kernel == "linear":
            return ops.mean(flat, axis=1)
        shape = (flat.shape[-1], self.frequencies)
        angles = ops.matmul(flat / sigma, keras.random.normal(shape, seed=self.seed))
        waves = ops.concatenate([ops.mean(ops.cos(angles), 1), ops.mean(ops.sin(angles), 1)], -1)
        return waves / math.sqrt(self.frequencies)

    def target(self, styles, weights=(1.0,)):
        # Means over pictures first: one bandwidth must serve the embeddings of all.
        variance = sum(
            w * 2.0 * ops.mean(ops.sum(ops.var(statistics.flatten(features), axis=1), -1))
            for w, features in zip(weights, styles, strict=True)
        )
        sigma = ops.sqrt(variance + _EPSILON)
        embeddings = [self._embedding(features, sigma) for features in styles]
        return sum(w * part for w, part in zip(weights, embeddings, strict=True)), sigma

    def call(self, target, features):
        embedding_target, sigma = target
        difference = self._embedding(features, sigma) - embedding_target
        axes = tuple(range(1, len(difference.shape)))
        distance = ops.sum(ops.square(difference), axis=axes)
        if not self.normalize:
            return distance
        return distance / (ops.sum(ops.square(embedding_target), axis=axes) + _EPSILON)

    def get_config(self):
        return {
            **super().get_config(),
            "kernel": self.kernel,
            "frequencies": self.frequencies,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(package="tfstyle")
class HistogramLoss(StyleLoss):
    """Squared distance of features to themselves with each channel's histogram matched.

    Risser, Wilmot and Barnes, "Stable and Controllable Neural Texture Synthesis and Style Transfer
    Using Histogram Losses", 2017, https://arxiv.org/abs/1701.08893. The matched features are
    constants in the gradient.

    Args:
        bins: of the histograms, and quantiles kept of the target.
        normalize: whether to divide by the mean square of the matched features.

    Call arguments:
        target: `(batch, bins, c)` quantiles from `target`.
        features: `(batch, h, w, c)`.
    Returns: `(batch,)` before Keras' reduction.
    """

    def __init__(self, bins=256, normalize=True, name="histogram_loss", **kwargs):
        super().__init__(normalize=normalize, name=name, **kwargs)
        self.bins = bins

    def statistic(self, features):
        return statistics.quantiles(statistics.flatten(features), self.bins)

    def call(self, target, features):
        flat = statistics.flatten(features)
        matched = ops.stop_gradient(self._match(ops.stop_gradient(flat), target))
        return _relative_error(matched, flat, self.normalize)

    def _match(self, flat, target):
        batch, size, channels = ops.shape(flat)
        low, high = ops.min(flat, 1, keepdims=True), ops.max(flat, 1, keepdims=True)
        position = (flat - low) / (high - low + _EPSILON) * self.bins
        index = ops.minimum(ops.cast(position, "int32"), self.bins - 1)
        fraction = position - ops.cast(index, "float32")
        # One table for all images and channels; its rows are (batch, channel), `bins` entries each.
        row = ops.reshape(ops.arange(batch * channels), (batch, 1, channels))
        entry = ops.reshape(row * self.bins + index, (-1,))
        counts = ops.segment_sum(
            ops.ones_like(ops.reshape(flat, (-1,))), entry, batch * channels * self.bins
        )
        share = ops.reshape(counts, (batch * channels, self.bins)) / ops.cast(size, "float32")
        below = ops.reshape(ops.cumsum(share, axis=-1) - share, (-1,))
        share = ops.reshape(share, (-1,))
        rank = ops.take(below, entry) + ops.take(share, entry) * ops.reshape(fraction, (-1,))
        position = ops.clip(rank * self.bins - 0.5, 0.0, self.bins - 1.0)
        lower = ops.cast(position, "int32")
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


@keras.saving.register_keras_serializable(package="tfstyle")
class TotalVariationLoss(keras.losses.Loss):
    """Mean squared difference of neighbouring pixels, down and across added.

    Mahendran and Vedaldi, "Understanding Deep Image Representations by Inverting Them", CVPR 2015,
    with β = 2; a mean over pairs, so that it does not grow with the picture.

    Call arguments:
        target: not read; pass the image.
        image: `(batch, h, w, 3)` of at least 2 × 2 pixels.
    Returns: `(batch,)` before Keras' reduction.
    """

    def __init__(self, reduction="sum_over_batch_size", name="total_variation_loss", **kwargs):
        super().__init__(reduction=reduction, name=name, **kwargs)

    def call(self, target, image):
        down = image[:, 1:] - image[:, :-1]
        across = image[:, :, 1:] - image[:, :, :-1]
        return _mean_but_batch(ops.square(down)) + _mean_but_batch(ops.square(across))


STYLE_LOSSES: dict[str, Callable[..., StyleLoss]] = {
    "gram": GramLoss,
    "gram_cosine": functools.partial(GramLoss, distance="cosine"),
    "mean_std": MeanStdLoss,
    "wasserstein": WassersteinLoss,
    "sliced": SlicedWassersteinLoss,
    "sorted": functools.partial(SlicedWassersteinLoss, projections=0),
    "mmd_linear": functools.partial(MMDLoss, kernel="linear"),
    "mmd_polynomial": functools.partial(MMDLoss, kernel="polynomial"),
    "mmd_gaussian": MMDLoss,
    "histogram": HistogramLoss,
}


class PerceptualLoss:
    """Weighted sum of content, style and total variation terms.

    Args:
        content: `{layer: (loss, weight)}`, with a `ContentLoss`.
        style: `{layer: [(loss, weight), …]}`, with `StyleLoss`es.
        tv_weight: weight of the total variation.

    A layer's terms are logged together as `content/relu4_1` or `style/relu1_1`, already weighted.
    """

    def __init__(self, content, style, tv_weight=0.0):
        self.content = dict(content)
        self.style = dict(style)
        self.tv_weight = tv_weight
        self._total_variation = TotalVariationLoss()

    @property
    def layers(self):
        """Names of the features it reads, in the network's order."""
        return tuple(sorted({*self.content, *self.style}))

    def targets(self, content_features, style_features, style_weights=(1.0,)):
        """What calls compare with, computed once.

        Args:
            content_features: dict of the content image's features.
            style_features: sequence of such dicts, one for each style image.
            style_weights: shares of the style images, of sum 1.
        Returns: a nested dict of tensors.
        """
        return {
            "content": {
                layer: ops.cast(content_features[layer], "float32") for layer in self.content
            },
            "style": {
                layer: [
                    loss.target([features[layer] for features in style_features], style_weights)
                    for loss, _ in terms
                ]
                for layer, terms in self.style.items()
            },
        }

    def __call__(self, targets, features, image):
        """Scalar float32 losses by name, weighted, with their sum as `total`."""
        losses = {}
        for layer, (loss, weight) in self.content.items():
            losses[f"content/{layer}"] = weight * loss(targets["content"][layer], features[layer])
        for layer, terms in self.style.items():
            losses[f"style/{layer}"] = sum(
                weight * loss(target, features[layer])
                for (loss, weight), target in zip(terms, targets["style"][layer], strict=True)
            )
        if self.tv_weight:
            losses["tv"] = self.tv_weight * self._total_variation(image, image)
        losses["total"] = sum(losses.values())
        return losses
