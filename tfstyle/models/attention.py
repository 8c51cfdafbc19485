"""Attention of one feature map's positions to another's, exact and in bounded memory."""

import keras
from keras import ops

from tfstyle.statistics import Tensor

# Most likenesses of queries and keys computed at once: 64 MB of float32.
MOST_LIKENESSES = 2**24


def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """For each query the mean of values, weighted by the softmax of its products with their keys.

    Queries are independent, so that they are computed in chunks where there are many. A graph of
    unknown size computes all at once.

    Args:
        queries: `(batch, n, c)` float32.
        keys: `(batch or 1, m, c)` float32.
        values: `(batch or 1, m, d)` float32.
    Returns: `(batch, n, d)`.
    """
    batch, count = ops.shape(queries)[:2]
    others = ops.shape(keys)[1]
    if not all(isinstance(number, int) for number in (batch, count, others)):
        return _attend(queries, keys, values)
    chunk = max(1, MOST_LIKENESSES // (batch * others))
    parts = [
        _attend(queries[:, start : start + chunk], keys, values) for start in range(0, count, chunk)
    ]
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)


def _attend(queries, keys, values):
    likeness = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))
    return ops.matmul(ops.softmax(likeness, axis=-1), values)


def as_positions(features: Tensor) -> Tensor:
    """`(batch, h·w, c)` float32 from `(batch, h, w, c)` features."""
    shape = ops.shape(features)
    flat = ops.reshape(features, (shape[0], -1, features.shape[-1]))
    return ops.cast(flat, "float32")


def as_map(positions: Tensor, features: Tensor) -> Tensor:
    """`(batch, h, w, d)` from `(batch, h·w, d)` values and the features that they belong to."""
    shape = ops.shape(features)
    return ops.reshape(positions, (*shape[:3], positions.shape[-1]))


@keras.saving.register_keras_serializable(package="tfstyle")
class StyleAttention(keras.layers.Layer):
    """Attention of a content's positions to a style's, between 1×1 convolutions of both.

    The style-attentional network of Park and Lee, "Arbitrary Style Transfer with Style-Attentional
    Networks", CVPR 2019, https://arxiv.org/abs/1812.02342, equation 1; with a picture for its own
    style, the self-attention of Zhang et al., "Self-Attention Generative Adversarial Networks",
    ICML 2019, https://arxiv.org/abs/1805.08318.

    Args:
        channels: of the features.

    Call arguments:
        normalized: `(batch, h, w, channels)` features of the content.
        keys: `(batch or 1, n, channels)` of the style, from `encode`.
        values: likewise.
    Returns: `(batch, h, w, channels)` float32, to be added to the content's features.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.channels = channels
        self._query, self._key, self._value, self._output = (
            keras.layers.Conv2D(
                channels, 1, data_format="channels_last", dtype=self.dtype_policy, name=name
            )
            for name in ("query", "key", "value", "output")
        )

    def build(self, *_):
        for convolution in (self._query, self._key, self._value, self._output):
            if not convolution.built:
                convolution.build((None, None, None, self.channels))
        self.built = True

    def encode(self, normalized, features):
        """Keys and values of a style, each `(batch, h·w, channels)` float32.

        Args:
            normalized: `(batch, h, w, channels)`, for the keys.
            features: of the same shape, for the values.
        """
        found = self._key(normalized), self._value(features)
        return tuple(as_positions(one) for one in found)

    def call(self, normalized, keys, values):
        queries = as_positions(self._query(normalized))
        found = attend(queries, keys, values)
        return ops.cast(self._output(as_map(found, normalized)), "float32")

    def at_itself(self, features):
        """The call's result for attention of each position to itself alone."""
        return ops.cast(self._output(self._value(features)), "float32")

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}
