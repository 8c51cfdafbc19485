"""Losses that keep what is in a photo, whatever its colours: self-similarity and the Laplacian."""

import math

import keras
from keras import ops

from tfstyle.losses.relative import EPSILON, FeatureLoss, mean_but_batch


@keras.saving.register_keras_serializable(package="tfstyle")
class SelfSimilarityLoss(keras.losses.Loss):
    """Difference of the features' cosine distances to each other.

    The content loss of Kolkin, Salavon and Shakhnarovich, "Style Transfer by Relaxed Optimal
    Transport and Self-Similarity", CVPR 2019, section 2.3, https://arxiv.org/abs/1904.12785. Of the
    matrices D of distances of n positions, with columns divided by their sums,

        Σᵢⱼ |Dᵢⱼ / Σᵢ Dᵢⱼ - D'ᵢⱼ / Σᵢ D'ᵢⱼ| / n,

    n times the paper's value, as in the authors' code, so that it is from 0 to 2 for any n. The
    paper draws positions at random and concatenates the features of several layers; here positions
    are a grid, and a layer has a loss of its own. Each position is compared with all others, so it
    is no sum over the parts of a picture.

    Args:
        positions: of the grid at most. Defaults to the paper's 1024.

    Call arguments: target and features, `(batch, h, w, c)` each.
    Returns: `(batch,)` before Keras' reduction.
    Raises: ValueError for less than two positions.
    """

    def __init__(
        self,
        positions=1024,
        reduction="sum_over_batch_size",
        name="self_similarity_loss",
        **kwargs,
    ):
        super().__init__(reduction=reduction, name=name, **kwargs)
        if positions < 2:
            raise ValueError(f"`positions` must be at least 2. Received: positions={positions}")
        self.positions = positions

    def call(self, target, features):
        difference = ops.abs(self._distances(features) - self._distances(target))
        return ops.mean(ops.sum(difference, axis=1), axis=-1)

    def _distances(self, features):
        """`(batch, n, n)` cosine distances; each column has the sum 1."""
        height, width = ops.shape(features)[1:3]
        step = self._step(height, width)
        sampled = features[:, step // 2 :: step, step // 2 :: step]
        sampled = ops.reshape(sampled, (ops.shape(features)[0], -1, features.shape[-1]))
        squares = ops.sum(ops.square(sampled), axis=-1, keepdims=True)
        units = sampled * ops.rsqrt(squares + EPSILON)
        distances = 1.0 - ops.matmul(units, ops.transpose(units, (0, 2, 1)))
        # The constant is beyond rounding, for features that are all alike.
        distances = ops.maximum(distances, 0.0) + 1e-5
        return distances / ops.sum(distances, axis=1, keepdims=True)

    def _step(self, height, width):
        if isinstance(height, int) and isinstance(width, int):
            return math.ceil(math.sqrt(height * width / self.positions))
        ratio = ops.cast(height * width, "float32") / self.positions
        return ops.cast(ops.ceil(ops.sqrt(ratio)), "int32")

    def get_config(self):
        return {**super().get_config(), "positions": self.positions}


@keras.saving.register_keras_serializable(package="tfstyle")
class LaplacianLoss(FeatureLoss):
    """Squared error of the Laplacians of reduced pictures.

    The Laplacian loss of Li et al., "Laplacian-Steered Neural Style Transfer", ACM MM 2017,
    https://arxiv.org/abs/1707.01253, as a mean: a picture's means over cells of p × p pixels are
    summed over the colours and filtered by [0 1 0; 1 -4 1; 0 1 0], without padding, as in the
    authors' code.

    Args:
        factors: p, powers of two up to 16; the loss is the mean over them. Defaults to 4, the
            paper's.
        normalize: whether to divide each by the target's mean square.

    Call arguments:
        target: `target` of the photo.
        image: `(batch, h, w, 3)`, sides of at least three times the factors.
    Returns: `(batch,)` before Keras' reduction.
    Raises: ValueError for another factor.
    """

    def __init__(self, factors=(4,), normalize=True, name="laplacian_loss", **kwargs):
        super().__init__(normalize=normalize, name=name, **kwargs)
        self.factors = tuple(factors)
        if not self.factors or not set(self.factors) <= {1, 2, 4, 8, 16}:
            raise ValueError(f"`factors` must be powers of two up to 16. Received: {factors}")

    def target(self, picture):
        """The Laplacians of a `(batch, h, w, 3)` picture, `(batch, h // p - 2, w // p - 2, 1)`."""
        return tuple(laplacian(picture, factor) for factor in self.factors)

    def call(self, target, image):
        return self.of_errors(
            [
                mean_but_batch(ops.square(laplacian(image, factor) - part))
                for factor, part in zip(self.factors, target, strict=True)
            ],
            self.units(target),
        )

    def units(self, target):
        """What the errors are divided by: `(batch,)` each, or 1."""
        if not self.normalize:
            return (1.0,) * len(self.factors)
        return tuple(mean_but_batch(ops.square(part)) + EPSILON for part in target)

    def of_errors(self, errors, units):
        """`(batch,)` losses, of the mean squared errors for each factor."""
        parts = [error / unit for error, unit in zip(errors, units, strict=True)]
        return sum(parts) / len(parts)

    def get_config(self):
        return {**super().get_config(), "factors": self.factors}


def laplacian(picture, factor):
    """`(batch, h // factor - 2, w // factor - 2, 1)` of a `(batch, h, w, c)` picture."""
    cells = ops.average_pool(picture, factor, factor, data_format="channels_last")
    cells = ops.sum(cells, axis=-1, keepdims=True)
    around = cells[:, :-2, 1:-1] + cells[:, 2:, 1:-1] + cells[:, 1:-1, :-2] + cells[:, 1:-1, 2:]
    return around - 4.0 * cells[:, 1:-1, 1:-1]
