"""Losses that compare a frame with the last one, moved along: of a render, and of training."""

import keras
from keras import ops

from tfstyle.layers import warp
from tfstyle.losses.relative import mean_but_batch

_FLAT = 1e-3  # variance of a picture with hardly any contrast: a deviation of 8 grey levels


@keras.saving.register_keras_serializable(package="tfstyle")
class TemporalLoss(keras.losses.Loss):
    """Squared difference to what earlier frames' results show, moved along, where that is known.

    Equation 7 of Ruder, Dosovitskiy and Brox, "Artistic Style Transfer for Videos", GCPR 2016,
    https://arxiv.org/abs/1604.08610: the mean, over all pixels and colours, of c (x - ω)².

    Call arguments:
        target: ω, `(batch, h, w, 3)` in [0, 1], and c, `(batch, h, w, 1)` weights in [0, 1].
        image: x, like ω.
    Returns: `(batch,)` before Keras' reduction.
    """

    def __init__(self, reduction="sum_over_batch_size", name="temporal_loss", **kwargs):
        super().__init__(reduction=reduction, name=name, **kwargs)

    def call(self, target, image):
        warped, weights = target
        return mean_but_batch(weights * ops.square(image - warped))


@keras.saving.register_keras_serializable(package="tfstyle")
class TemporalConsistencyLoss(keras.losses.Loss):
    """Squared error of a stylized frame to the last one, relative, for training.

    As `TemporalLoss`, but this moves the last frame itself, takes the mean over what is known, and
    divides it by the variance of the moved frame: 0 for a picture that moves along as a whole,
    about 2 for one that is painted anew. The last frame is a constant: it has no gradient.

    Call arguments:
        last: `{"image": (batch, h, w, c), "places": (batch, h, w, 2)}`: the last stylized frame in
            [0, 1], and where in it each pixel of `image` was, x and y in pixels. Places outside of
            it are unknown.
        image: `(batch, h, w, c)` in [0, 1].
    Returns: `(batch,)` before Keras' reduction.
    """

    def __init__(self, reduction="sum_over_batch_size", name="temporal_consistency_loss", **kwargs):
        super().__init__(reduction=reduction, name=name, **kwargs)

    def call(self, last, image):
        places = last["places"]
        moved = ops.stop_gradient(ops.clip(warp(last["image"], places), 0.0, 1.0))
        height, width = ops.shape(last["image"])[1:3]
        x, y = places[..., :1], places[..., 1:]
        known = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
        weights = ops.cast(known, image.dtype)
        weights = weights / ops.maximum(ops.sum(weights, axis=(1, 2), keepdims=True), 1.0)

        def mean(values):  # (batch, c), over what is known
            return ops.sum(weights * values, axis=(1, 2))

        error = ops.mean(mean(ops.square(image - moved)), axis=-1)
        variance = ops.mean(mean(ops.square(moved)) - ops.square(mean(moved)), axis=-1)
        return error / (variance + _FLAT)
