"""Losses that compare positions: content features, and neighbouring pixels."""

import keras
from keras import ops

from tfstyle.losses.relative import (
    FeatureLoss,
    check_distance,
    cosine_distance,
    mean_but_batch,
    relative_error,
)


@keras.saving.register_keras_serializable(package="tfstyle")
class ContentLoss(FeatureLoss):
    """Squared error of features, or their cosine distance.

    Gatys, Ecker and Bethge, CVPR 2016, equation 1, as a mean.

    Args:
        distance: "squared", or "cosine" of the channel vectors, which ignores contrast.
        normalize: whether to divide a squared error by the target's mean square.

    Call arguments: target and features, `(batch, h, w, c)` each.
    Returns: `(batch,)` before Keras' reduction.
    Raises: ValueError for an unknown distance.
    """

    def __init__(self, distance="squared", normalize=True, name="content_loss", **kwargs):
        super().__init__(normalize=normalize, name=name, **kwargs)
        self.distance = check_distance(distance)

    def call(self, target, features):
        if self.distance == "cosine":
            return cosine_distance(target, features)
        return relative_error(target, features, self.normalize)

    def get_config(self):
        return {**super().get_config(), "distance": self.distance}


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
