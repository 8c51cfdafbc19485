"""A loss that makes codes of styles differ from each other."""

import keras
from keras import ops

from tfstyle.losses.relative import EPSILON


@keras.saving.register_keras_serializable(package="tfstyle")
class ContrastiveLoss(keras.losses.Loss):
    """Distance of each code to its own target over the sum of its distances to the others'.

    Equation 8 of Wang et al., "MicroAST: Towards Super-Fast Ultra-Resolution Arbitrary Style
    Transfer", AAAI 2023, https://arxiv.org/abs/2211.15313, with mean squared differences. Each
    replica compares within its own share of a batch; for a batch of one, the loss is 0.

    Call arguments: target and codes, `(batch, n)` each.
    Returns: `(batch,)` before Keras' reduction.
    """

    def __init__(self, reduction="sum_over_batch_size", name="contrastive_loss", **kwargs):
        super().__init__(reduction=reduction, name=name, **kwargs)

    def call(self, target, codes):
        distances = ops.mean(ops.square(codes[:, None] - target[None]), axis=-1)
        own = ops.mean(ops.square(codes - target), axis=-1)
        others = ops.sum(distances, axis=-1) - own
        ratio = own / ops.maximum(others, EPSILON)
        return ops.where(others > EPSILON, ratio, ops.zeros_like(ratio))
