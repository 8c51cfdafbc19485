"""Losses that compare positions: features, edges, smoothness, and neighbouring pixels."""

import keras
from keras import ops

from tfstyle.colors import LUMA
from tfstyle.losses.relative import (
    EPSILON,
    FeatureLoss,
    check_distance,
    cosine_distance,
    mean_but_batch,
    relative_error,
)
from tfstyle.statistics import Tensor

DISTANCES = ("squared", "cosine", "normalized")


@keras.saving.register_keras_serializable(package="tfstyle")
class ContentLoss(FeatureLoss):
    """Squared error of features, or another distance.

    Gatys, Ecker and Bethge, CVPR 2016, equation 1, as a mean.

    Args:
        distance: "squared", or "cosine" of the channel vectors, which ignores contrast, or
            "normalized", the squared error of channels of mean 0 and variance 1, which ignores each
            channel's own mean and contrast: the style (Park and Lee, "Arbitrary Style Transfer with
            Style-Attentional Networks", CVPR 2019, section 3.3).
        normalize: whether to divide a squared error by the target's mean square.

    Call arguments: target and features, `(batch, h, w, c)` each.
    Returns: `(batch,)` before Keras' reduction.
    Raises: ValueError for an unknown distance.
    """

    def __init__(self, distance="squared", normalize=True, name="content_loss", **kwargs):
        super().__init__(normalize=normalize, name=name, **kwargs)
        self.distance = check_distance(distance, DISTANCES)

    def call(self, target, features, weights=None):
        if self.distance == "normalized":
            return mean_but_batch(ops.square(_normalized(features) - _normalized(target)))
        return self.error(target, features, weights) / self.unit(target)

    def error(self, target, features, weights=None):
        """`(batch,)` means over positions, of a picture or a part, unless it is "normalized".

        Errors are multiplied by `weights`, `(1, h, w, 1)`, if given.
        """
        if self.distance == "cosine":
            return cosine_distance(target, features, weights)
        if weights is not None:
            target, features = (ops.sqrt(weights) * one for one in (target, features))
        return relative_error(target, features, normalize=False)

    def unit(self, target):
        """`(batch,)` or 1, what errors are divided by, from the target of the whole picture."""
        if self.distance == "cosine" or not self.normalize:
            return 1.0
        return mean_but_batch(ops.square(target)) + EPSILON

    def get_config(self):
        return {**super().get_config(), "distance": self.distance}


def _normalized(features):
    """Channels of mean 0 and, if not nearly constant beside others, variance 1."""
    features = ops.cast(features, "float32")
    centred = features - ops.mean(features, axis=(1, 2), keepdims=True)
    variance = ops.mean(ops.square(centred), axis=(1, 2), keepdims=True)
    floor = 1e-3 * ops.mean(variance, axis=-1, keepdims=True)
    return centred * ops.rsqrt(variance + floor + EPSILON)


@keras.saving.register_keras_serializable(package="tfstyle")
class EdgeLoss(keras.losses.Loss):
    """1 - correlation of the gradients' magnitudes of the luminance, of reduced pictures.

    Our own, for where edges are: not how strong they are, nor whether they are light or dark, which
    is the style's; and not what is finer than the reduction, such as strokes. After the Laplacian
    loss of Li et al., "Laplacian-Steered Neural Style Transfer", ACM MM 2017,
    https://arxiv.org/abs/1707.01253, which compares values. 0 for the same picture in another
    brightness and contrast.

    Args:
        factors: of reduction; the loss is the mean over them.

    Call arguments: target and image, `(batch, h, w, 3)` in [0, 1] each, sides of at least three
        times the factors.
    Returns: `(batch,)` before Keras' reduction.
    """

    def __init__(self, factors=(2, 4), reduction="sum_over_batch_size", name="edge_loss", **kwargs):
        super().__init__(reduction=reduction, name=name, **kwargs)
        self.factors = tuple(factors)

    def call(self, target, image):
        losses = [1.0 - self._correlation(target, image, factor) for factor in self.factors]
        return sum(losses) / len(losses)

    @staticmethod
    def _correlation(target, image, factor):
        first, second = (_edges(picture, factor) for picture in (target, image))
        norms = mean_but_batch(ops.square(first)) * mean_but_batch(ops.square(second))
        return mean_but_batch(first * second) * ops.rsqrt(norms + EPSILON**2)

    def get_config(self):
        return {**super().get_config(), "factors": self.factors}


def luminance(picture: Tensor) -> Tensor:
    """`(batch, h, w, 1)` luma of pictures."""
    return ops.matmul(picture, ops.array(LUMA, "float32")[:, None])


def _differences(picture, factor):
    """Of a reduced picture's neighbours below, and on the right: `(batch, h, w, c)` each."""
    cells = ops.average_pool(picture, factor, factor, data_format="channels_last")
    return cells[:, 1:, :-1] - cells[:, :-1, :-1], cells[:, :-1, 1:] - cells[:, :-1, :-1]


def _edges(picture, factor):
    """Magnitudes of gradients, less their mean."""
    down, across = _differences(luminance(picture), factor)
    # The constant is small beside one of 255 levels and keeps the root's gradient finite.
    magnitude = ops.sqrt(ops.square(down) + ops.square(across) + 1e-5)
    return magnitude - ops.mean(magnitude, axis=(1, 2, 3), keepdims=True)


@keras.saving.register_keras_serializable(package="tfstyle")
class SmoothnessLoss(keras.losses.Loss):
    """Share of a picture's coarse changes of colour that are where the photo has none.

    The edge-aware smoothness of Godard, Mac Aodha and Brostow, "Unsupervised Monocular Depth
    Estimation with Left-Right Consistency", CVPR 2017, section 3.3,
    https://arxiv.org/abs/1609.03677, which weights changes ∂d of depth by exp(-|∂I|), where I is
    the photo. Here, for pictures d reduced by a factor,

        Σ |∂d|² exp(-|∂I|² / (0.3 m)) / Σ |∂d|²,    m: mean of |∂I|²,

    with sums over positions and both directions, and norms over colours: from 0 to 1, whatever the
    contrasts of both. It is high for halos around objects and clouds over what is flat, and as low
    for a recoloured photo as for the photo; what is finer than the reduction, such as strokes, does
    not count.

    Args:
        factors: of reduction; the loss is the mean over them.

    Call arguments: target and image, `(batch, h, w, c)` in [0, 1] each, sides of at least twice the
        factors.
    Returns: `(batch,)` before Keras' reduction.
    """

    def __init__(
        self, factors=(8, 16), reduction="sum_over_batch_size", name="smoothness_loss", **kwargs
    ):
        super().__init__(reduction=reduction, name=name, **kwargs)
        self.factors = tuple(factors)

    def call(self, target, image):
        losses = [self._share(target, image, factor) for factor in self.factors]
        return sum(losses) / len(losses)

    @staticmethod
    def _share(target, image, factor):
        edges, changes = (
            ops.stack([ops.sum(ops.square(d), -1) for d in _differences(picture, factor)], axis=-1)
            for picture in (target, image)
        )
        # The constants are squared differences below one of 255 levels: flat pictures have no edge.
        typical = 0.3 * ops.mean(edges, axis=(1, 2, 3), keepdims=True) + 1e-5
        flat = mean_but_batch(changes * ops.exp(-edges / typical))
        return flat / (mean_but_batch(changes) + 1e-6)

    def get_config(self):
        return {**super().get_config(), "factors": self.factors}


@keras.saving.register_keras_serializable(package="tfstyle")
class TotalVariationLoss(keras.losses.Loss):
    """Mean squared difference of vertical neighbours plus that of horizontal ones.

    Mahendran and Vedaldi, "Understanding Deep Image Representations by Inverting Them", CVPR 2015,
    with β = 2; a mean over pairs, so that it does not grow with the picture.

    Call arguments:
        target: ignored; pass the image.
        image: `(batch, h, w, 3)` of at least 2 × 2 pixels.
    Returns: `(batch,)` before Keras' reduction.
    """

    def __init__(self, reduction="sum_over_batch_size", name="total_variation_loss", **kwargs):
        super().__init__(reduction=reduction, name=name, **kwargs)

    def call(self, target, image):
        down = image[:, 1:] - image[:, :-1]
        across = image[:, :, 1:] - image[:, :, :-1]
        return mean_but_batch(ops.square(down)) + mean_but_batch(ops.square(across))


@keras.saving.register_keras_serializable(package="tfstyle")
class GridLoss(keras.losses.Loss):
    """Mean square of the pattern that a picture repeats at the period of a network's strides.

    A network with strides and upsampling tends to paint a weave that is locked to its grid: Odena,
    Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016. This averages the
    grid's cells in each window of a picture, where strokes cancel out, and takes the mean square of
    the average cell's deviations from its mean.

    Args:
        period: pixels of a cell's side.
        cells: a window's side; fewer in a smaller picture.

    Call arguments:
        target: ignored; pass the image.
        image: `(batch, h, w, c)`, of at least one cell; what is beyond whole windows, to the right
            and below, does not count.
    Returns: `(batch,)` before Keras' reduction.
    """

    def __init__(
        self, period=4, cells=10, reduction="sum_over_batch_size", name="grid_loss", **kwargs
    ):
        super().__init__(reduction=reduction, name=name, **kwargs)
        self.period, self.cells = period, cells

    def call(self, target, image):
        height, width, channels = ops.shape(image)[1:]
        cells = min(self.cells, height // self.period, width // self.period)
        side = self.period * cells
        rows, columns = height // side, width // side
        whole = image[:, : rows * side, : columns * side]
        parts = (rows, cells, self.period, columns, cells, self.period, channels)
        cell = ops.mean(ops.reshape(whole, (-1, *parts)), axis=(2, 5))
        return mean_but_batch(ops.square(cell - ops.mean(cell, axis=(2, 4), keepdims=True)))

    def get_config(self):
        return {**super().get_config(), "period": self.period, "cells": self.cells}
