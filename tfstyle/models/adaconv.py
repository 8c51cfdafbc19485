"""Arbitrary style transfer by convolutions whose kernels are predicted from the style.

Chandran et al., "Adaptive Convolutions for Structure-Aware Style Transfer", CVPR 2021,
https://doi.org/10.1109/CVPR46437.2021.00788.
"""

import keras
import numpy as np
from keras import ops

from tfstyle import encoders, layers, losses
from tfstyle.models import attention
from tfstyle.models.adain import CODE_LAYER, MARGIN, STRIDE, STYLE_LAYERS
from tfstyle.models.base import faded
from tfstyle.models.capabilities import MixableCodes
from tfstyle.models.encoder_decoder import FrozenEncoderModel, normalized

SIZE = 3  # of predicted kernels, and of the descriptor, in positions
_MOST_CHANNELS = 16  # that a predicted pointwise kernel mixes
_LEAK = 0.2


@keras.saving.register_keras_serializable(package="tfstyle")
class AdaptiveConvolution(keras.layers.Layer):
    """Normalization, then a depthwise and a grouped pointwise convolution predicted from a style.

    Equations 3 to 5: means and deviations are removed as in AdaIN, and kernels and a bias from the
    style's descriptor are applied. Each picture of a batch has kernels of its own. The depthwise
    one is a sum of nine shifted products, and the groups of the pointwise one are blocks of a
    matrix, so that exported files need no convolution whose kernel is an input. Kernels are
    predicted as differences from the identity, so that an untrained layer only normalizes.

    Args:
        depth: channels of the descriptor.

    Call arguments:
        features: `(batch, h, w, c)`.
        descriptor: `(batch or 1, 3, 3, depth)`.
    Returns: `(batch, h, w, c)` in the compute dtype.
    """

    def __init__(self, depth, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.depth = depth
        self._normalization = layers.AdaIN(dtype="float32")

    def build(self, features_shape, *_):
        channels = features_shape[-1]
        self._group = max(n for n in range(1, _MOST_CHANNELS + 1) if channels % n == 0)
        small = keras.initializers.RandomNormal(stddev=0.1 * self.depth**-0.5)
        self._to_depthwise = keras.layers.Conv2D(
            channels, SIZE, padding="same", data_format="channels_last", kernel_initializer=small,
            dtype="float32", name="to_depthwise",
        )  # fmt: skip
        self._to_depthwise.build((None, SIZE, SIZE, self.depth))
        self._to_pointwise, self._to_bias = (
            keras.layers.Dense(units, kernel_initializer=small, dtype="float32", name=name)
            for units, name in ((channels * self._group, "to_pointwise"), (channels, "to_bias"))
        )
        for layer in (self._to_pointwise, self._to_bias):
            layer.build((None, self.depth))
        index = np.arange(channels)
        block = index[:, None] // self._group == index // self._group
        self._block, self._identity = block.astype(np.float32), np.eye(channels, dtype=np.float32)
        self.built = True

    def call(self, features, descriptor):
        x = normalized(self._normalization, ops.cast(features, "float32"))
        x = self.convolve(x, *self.kernels(descriptor))
        return ops.cast(x, self.compute_dtype)

    def kernels(self, descriptor):
        """Depthwise `(batch, 9, c)` and pointwise `(batch, c, c)` kernels, `(batch, c)` bias."""
        channels = len(self._identity)
        # Added to the convolution itself, TensorFlow's optimizer takes the constant for a bias.
        depthwise = ops.reshape(self._to_depthwise(descriptor), (-1, SIZE**2, channels))
        delta = np.eye(SIZE**2, dtype=np.float32)[:, SIZE**2 // 2, None]
        pooled = ops.mean(descriptor, axis=(1, 2))
        rows = ops.reshape(self._to_pointwise(pooled), (-1, channels, self._group))
        blocks = ops.concatenate([rows] * (channels // self._group), axis=-1) * self._block
        return depthwise + delta, blocks + self._identity, self._to_bias(pooled)

    @staticmethod
    def convolve(x, depthwise, pointwise, bias):
        """Equation 5 for float32 `(batch, h, w, c)`; channel j of the result is row j's sum."""
        height, width = ops.shape(x)[1:3]
        padded = ops.pad(x, [(0, 0), (SIZE // 2,) * 2, (SIZE // 2,) * 2, (0, 0)])
        found = sum(
            padded[:, i : i + height, j : j + width]
            * layers.per_channel(depthwise[:, SIZE * i + j])
            for i in range(SIZE)
            for j in range(SIZE)
        )
        mixed = ops.matmul(attention.as_positions(found), ops.transpose(pointwise, (0, 2, 1)))
        return attention.as_map(mixed + ops.expand_dims(bias, 1), found)

    def compute_output_shape(self, features_shape, *_):
        return features_shape

    def get_config(self):
        return {**super().get_config(), "depth": self.depth}


@keras.saving.register_keras_serializable(package="tfstyle")
class AdaptiveDecoder(keras.Model):
    """From features at relu4_1 and a style's descriptor to an image.

    Four blocks, from the deepest, each an adaptive convolution and ordinary ones, with upsampling
    between them.

    Args:
        widths: channels of the encoder's first four blocks.
        depth: of `AdaptiveConvolution`.

    Call arguments:
        features: `(batch, h, w, widths[3])`.
        descriptor: `(batch or 1, 3, 3, depth)`.
    Returns: `(batch, 8·h, 8·w, 3)` float32 in [0, 1].
    """

    def __init__(self, widths, depth, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.widths = tuple(widths)
        self.depth = depth
        below = (self.widths[0], *self.widths[:3])
        self._blocks = {
            block: (
                AdaptiveConvolution(depth, dtype=self.dtype_policy, name=f"adaptive{block}"),
                [
                    self._convolution(width, f"conv{block}_{number}")
                    for number, width in enumerate(
                        (below[3],) if block == 4 else (self.widths[block - 1], below[block - 1]), 1
                    )
                ],
            )
            for block in (4, 3, 2, 1)
        }
        self._to_image = self._convolution(3, "image", "glorot_normal", None)
        self._upsampling = layers.Upsampling2D(dtype=self.dtype_policy)

    def _convolution(self, width, name, initializer="he_normal", activation="relu"):
        return keras.layers.Conv2D(
            width, 3, padding="same", data_format="channels_last", activation=activation,
            kernel_initializer=initializer, dtype=self.dtype_policy, name=name,
        )  # fmt: skip

    def build(self, input_shape=None):
        channels = self.widths[3]
        for adaptive, convolutions in self._blocks.values():
            adaptive.build((None, None, None, channels))
            for convolution in convolutions:
                convolution.build((None, None, None, channels))
                channels = convolution.filters
        self._to_image.build((None, None, None, channels))
        self.built = True

    def call(self, features, descriptor):
        x = features
        for block, (adaptive, convolutions) in self._blocks.items():
            x = adaptive(x, descriptor)
            for convolution in convolutions:
                x = convolution(x)
            if block > 1:
                x = self._upsampling(x)
        return ops.sigmoid(ops.cast(self._to_image(x), "float32"))

    def get_config(self):
        return {**super().get_config(), "widths": self.widths, "depth": self.depth}


@keras.saving.register_keras_serializable(package="tfstyle")
class AdaConvModel(FrozenEncoderModel, MixableCodes):
    """A frozen encoder to relu4_1, and a decoder with adaptive convolutions at four resolutions.

    A style code is the descriptor that a trained style encoder computes from the style's features
    at relu4_1; all kernels are predicted from it. The training loss is that of AdaIN with the
    content's own features as targets (section 3.3).

    Departures: the style encoder ends in a mean over positions and a dense layer, so that styles of
    any size have a descriptor, where the paper's fully connected layer reads 256 pixels;
    `AdaptiveConvolution` lists its own. With a strength below 1, the descriptor is a mixture with
    the content's. Each resolution of the decoder is normalized by the statistics of the whole
    photo, so that it cannot be painted in tiles.

    Args:
        encoder: `encoders.VGG19` with the taps `TAPS`; frozen.
        margin: pixels of reflection around a picture, a multiple of 8.
        depth: channels of the descriptor.
        scale: divisor of the features; None for their root mean square.
    Raises: ValueError for an encoder with other taps.
    """

    TAPS = STYLE_LAYERS
    STYLE_LOSS = "mean_std"
    PREFERRED_ENCODER = "lite"

    def __init__(self, encoder, margin=MARGIN, depth=128, scale=None, **kwargs):
        super().__init__(encoder, margin, STRIDE, **kwargs)
        if encoder.taps != self.TAPS:
            raise ValueError(f"`encoder` must tap {self.TAPS}. Received: taps={encoder.taps}")
        self.depth = depth
        self.scale = encoders.feature_scales(encoder)[CODE_LAYER] if scale is None else scale
        self.style_encoder = [
            keras.layers.Conv2D(
                depth, SIZE, padding="same", data_format="channels_last",
                kernel_initializer="he_normal", dtype=self.dtype_policy, name=f"style{number}",
            )
            for number in (1, 2)
        ]  # fmt: skip
        self.to_descriptor = keras.layers.Dense(SIZE**2 * depth, dtype="float32", name="descriptor")
        self.decoder = AdaptiveDecoder(
            encoder.widths[:4], depth, dtype=kwargs.get("dtype"), name="decoder"
        )
        weight = self.style_weight / len(self.TAPS)
        self._loss = losses.PerceptualLoss(
            {CODE_LAYER: (losses.ContentLoss(), self.content_weight)},
            {name: self.make_style_losses(weight) for name in self.TAPS},
            self.tv_weight,
        )

    def build(self, input_shape=None):
        if not self.decoder.built:
            self.decoder.build(None)
        super().build(input_shape)

    def encode_style(self, style):
        return {"descriptor": self._descriptor(self._features(style))}

    def _features(self, picture):
        """Of a picture and its margin, divided by `scale`."""
        return self._scaled(self.encoder(self.padding(picture)))

    def _scaled(self, found):
        return ops.cast(found[CODE_LAYER], "float32") / self.scale

    def _descriptor(self, features):
        """`(batch, 9·depth)` of scaled features."""
        x = features
        for convolution in self.style_encoder:
            x = ops.leaky_relu(convolution(x), _LEAK)
        return self.to_descriptor(ops.mean(ops.cast(x, "float32"), axis=(1, 2)))

    def _decode(self, features, descriptor):
        return self.decoder(features, ops.reshape(descriptor, (-1, SIZE, SIZE, self.depth)))

    def stylize(self, content, code, strength=1.0):
        features = self._features(content)
        descriptor = ops.convert_to_tensor(code["descriptor"])
        if not (isinstance(strength, (int, float)) and strength == 1.0):
            share = ops.reshape(ops.convert_to_tensor(strength, "float32"), (-1, 1))
            own = self._descriptor(features)
            descriptor = own + share * (descriptor - own)
        image = self._decode(features, descriptor)
        return faded(content, layers.without_margin(image, content, self.margin), strength)

    def loss_terms(self, inputs):
        content, style = (self.encoder(inputs[name]) for name in ("content", "style"))
        image = self._decode(self._scaled(content), self._descriptor(self._scaled(style)))
        targets = self._loss.targets(content, [style])
        return self._loss(targets, self.encoder(image), image)

    def get_config(self):
        return {**super().get_config(), "depth": self.depth, "scale": self.scale}
