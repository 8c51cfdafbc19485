"""The small encoder and the decoder of `microast`.

Wang et al., "MicroAST: Towards Super-Fast Ultra-Resolution Arbitrary Style Transfer", AAAI 2023,
https://arxiv.org/abs/2211.15313, section 3.1 and figure 3.
"""

import keras
from keras import ops

from tfstyle import layers

STRIDE = 4  # pixels under one position of the encoders' features
LEVELS = 2  # residual blocks of an encoder, and of the decoder, each modulated by one of the style
# He's, of 3 × 3 inputs; Keras takes all channels for inputs of each.
_DEPTHWISE = keras.initializers.RandomNormal(stddev=(2.0 / 9.0) ** 0.5)


def _convolution(width, size, dtype, name, activation=None):
    return keras.layers.Conv2D(
        width, size, padding="same", data_format="channels_last", activation=activation,
        kernel_initializer="he_normal", dtype=dtype, name=name,
    )  # fmt: skip


class _Separable(keras.layers.Layer):
    """A depthwise 3×3 convolution and a pointwise one, both with ReLU."""

    def __init__(self, width, strides=1, multiplier=1, **kwargs):
        super().__init__(**kwargs)
        self._depthwise = keras.layers.DepthwiseConv2D(
            3, strides, "same", multiplier, data_format="channels_last", activation="relu",
            depthwise_initializer=_DEPTHWISE, dtype=self.dtype_policy, name="depthwise",
        )  # fmt: skip
        self._pointwise = _convolution(width, 1, self.dtype_policy, "pointwise", "relu")

    def build(self, input_shape):
        self._depthwise.build(input_shape)
        channels = input_shape[-1] * self._depthwise.depth_multiplier
        self._pointwise.build((None, None, None, channels))
        self.built = True

    def call(self, features):
        return self._pointwise(self._depthwise(features))


class _Residual(keras.layers.Layer):
    """Two 3×3 convolutions with ReLU between them, added to their input.

    With factors and shares of a style, `(batch or 1, c)`, their filters are modulated (equation 5):
    each output is multiplied by the factor, and the input is added, multiplied by the share.
    """

    def __init__(self, width, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.width = width
        self._first, self._second = (
            _convolution(width, 3, self.dtype_policy, name) for name in ("first", "second")
        )

    def build(self, *_):
        for convolution in (self._first, self._second):
            convolution.build((None, None, None, self.width))
        self.built = True

    def call(self, features, factor=None, share=None):
        features = ops.cast(features, self.compute_dtype)
        if factor is None:
            return features + self._second(ops.relu(self._first(features)))
        factor, share = (
            ops.cast(layers.per_channel(one), self.compute_dtype) for one in (factor, share)
        )
        x = ops.relu(factor * self._first(features) + share * features)
        return features + factor * self._second(x) + share * x


@keras.saving.register_keras_serializable(package="tfstyle")
class MicroEncoder(keras.Model):
    """From a picture to features at a quarter of its size, after each of two residual blocks.

    Args:
        widths: channels at full, half and quarter size.

    Call arguments: `(batch, h, w, 3)` float32 in [0, 1], sides of multiples of 4.
    Returns: list of two `(batch, h/4, w/4, widths[2])`.
    """

    def __init__(self, widths, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.widths = tuple(widths)
        dtype, (full, half, quarter) = self.dtype_policy, self.widths
        self._start = [
            _convolution(full, 9, dtype, "full", "relu"),
            _Separable(half, 2, 2, dtype=dtype, name="half"),
            _Separable(quarter, 2, 2, dtype=dtype, name="quarter"),
        ]
        self._blocks = [
            _Residual(quarter, dtype=dtype, name=f"block{number}")
            for number in range(1, LEVELS + 1)
        ]

    def build(self, input_shape=None):
        for layer, channels in zip(self._start, (3, *self.widths[:2]), strict=True):
            layer.build((None, None, None, channels))
        for block in self._blocks:
            block.build(None)
        self.built = True

    def call(self, picture):
        x = ops.cast(picture, self.compute_dtype)
        for layer in self._start:
            x = layer(x)
        found = []
        for block in self._blocks:
            x = block(x)
            found.append(x)
        return found

    def get_config(self):
        return {**super().get_config(), "widths": self.widths}


@keras.saving.register_keras_serializable(package="tfstyle")
class MicroDecoder(keras.Model):
    """Dual modulation: two residual blocks of modulated features and filters, then upsampling.

    Args:
        widths: of `MicroEncoder`.
    """

    def __init__(self, widths, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.widths = tuple(widths)
        dtype, (full, half, quarter) = self.dtype_policy, self.widths
        self._blocks = [
            _Residual(quarter, dtype=dtype, name=f"block{number}")
            for number in range(1, LEVELS + 1)
        ]
        self._half = _Separable(half, dtype=dtype, name="half")
        self._full = _Separable(full, dtype=dtype, name="full")
        self._to_image = _convolution(3, 9, dtype, "image")
        self._upsampling = layers.Upsampling2D(dtype=dtype)

    def build(self, input_shape=None):
        for number, block in enumerate(self._blocks, 1):
            block.build(None)
            for kind, initializer in (("factor", "ones"), ("share", "zeros")):
                for part, start in (("slope", "zeros"), ("start", initializer)):
                    name = f"{kind}{number}_{part}"
                    weight = self.add_weight((self.widths[2],), start, autocast=False, name=name)
                    setattr(self, f"_{name}", weight)
        for layer, channels in zip(
            (self._half, self._full, self._to_image), self.widths[::-1], strict=True
        ):
            layer.build((None, None, None, channels))
        self.built = True

    def filters(self, means, number):
        """Factor and share of a block's filters, each `(batch, c)`, from the style's means."""
        return tuple(
            means * getattr(self, f"_{kind}{number}_slope")
            + getattr(self, f"_{kind}{number}_start")
            for kind in ("factor", "share")
        )

    def block(self, features, means, number):
        """One of the blocks, from 1, with filters modulated by the style's means."""
        return self._blocks[number - 1](features, *self.filters(means, number))

    def call(self, features, margin=0):
        """The picture from the last block's features.

        Args:
            features: `(batch, h, w, widths[2])`.
            margin: positions of them around the picture, to be cropped.
        Returns: `(batch, 4·(h - 2·margin), 4·(w - 2·margin), 3)` float32 in [0, 1].
        """
        x = features
        for layer in (self._half, self._full):
            x = layers.crop(self._upsampling(x), margin)  # of twice the margin
            x = layer(x)
        return layers.crop(ops.sigmoid(ops.cast(self._to_image(x), "float32")), margin)

    def get_config(self):
        return {**super().get_config(), "widths": self.widths}
