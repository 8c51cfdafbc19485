"""Any style by one learned matrix, from two small networks on content and style.

Li et al., "Learning Linear Transformations for Fast Image and Video Style Transfer", CVPR 2019,
https://arxiv.org/abs/1808.04537.
"""

import keras
import numpy as np
from keras import ops

from tfstyle import covariances, encoders, layers, losses, statistics
from tfstyle.encoders.layer_names import block_of
from tfstyle.models.base import faded, per_image
from tfstyle.models.encoder_decoder import EncoderDecoderModel
from tfstyle.models.inverting_decoder import InvertingDecoder

CONTENT_LAYER = "relu4_1"
LAYERS = ("relu3_1", CONTENT_LAYER)
MARGIN = 32  # pixels


@keras.saving.register_keras_serializable(package="tfstyle")
class MatrixNetwork(keras.Model):
    """From features to a matrix: three convolutions, the mean products of their output, one layer.

    Figure 3 of the paper.

    Args:
        channels: of the features.
        size: of the matrix.

    Call arguments: `(batch, h, w, channels)`, whose mean is 0.
    Returns: `(batch, size, size)` float32.
    """

    def __init__(self, channels, size, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.channels = channels
        self.size = size
        self._convolutions = [
            keras.layers.Conv2D(
                width,
                3,
                padding="same",
                data_format="channels_last",
                activation=activation,
                dtype=self.dtype_policy,
                name=f"conv{number}",
            )
            for number, (width, activation) in enumerate(
                [(channels // 2, "relu"), (channels // 4, "relu"), (size, None)], 1
            )
        ]
        self._dense = keras.layers.Dense(size * size, dtype="float32", name="matrix")

    def build(self, input_shape=None):
        channels = self.channels
        for convolution in self._convolutions:
            convolution.build((None, None, None, channels))
            channels = convolution.filters
        self._dense.build((None, self.size**2))
        self.built = True

    def call(self, features):
        return self.matrix(self.products(features))

    def products(self, features, margin=0):
        """`(batch, size, size)` of features, or of them without the margin; they can be pooled."""
        x = ops.cast(features, self.compute_dtype)
        for convolution in self._convolutions:
            x = convolution(x)
        return statistics.gram_matrix(layers.crop(x, margin))

    def matrix(self, products):
        """The matrix from `products`. The identity is added, so that untrained ones are near it."""
        flat = self._dense(ops.reshape(products, (-1, self.size**2)))
        return ops.reshape(flat, (-1, self.size, self.size)) + np.eye(self.size, dtype="float32")

    def get_config(self):
        return {**super().get_config(), "channels": self.channels, "size": self.size}


@keras.saving.register_keras_serializable(package="tfstyle")
class LinearModel(EncoderDecoderModel):
    """Compressed features, multiplied by a matrix of the content and one of the style.

    Section 3 of the paper.
    A style code has the `mean` of the features and the style's `matrix`. Mixtures are those of the
    products, which are linear in it.

    The training loss is the paper's: content at relu4_1, style at relu1_1 to relu4_1. Departures:
    the decoder is trained along with the matrices, not before (`--pretrain_steps` starts with it,
    on pictures in their own style); the networks' matrices start near the identity.

    Args:
        encoder: `encoders.VGG19` with the taps relu1_1 to relu4_1; frozen.
        decoder: None for a new `InvertingDecoder`.
        layer: of the features that are transformed, "relu4_1" or, faster and closer to the photo,
            "relu3_1".
        size: channels that they are compressed to.
        scale: divisor of the features; None for `encoders.feature_scales`.
        margin: pixels of reflection around a picture, a multiple of 8, or 4 for relu3_1.
    Raises: ValueError for another encoder or layer.
    """

    TAPS = encoders.HEAD_LAYERS[:4]
    STYLE_LOSS = "gram"
    PREFERRED_ENCODER = "lite"

    def __init__(
        self,
        encoder,
        decoder=None,
        layer=CONTENT_LAYER,
        size=32,
        scale=None,
        margin=MARGIN,
        **kwargs,
    ):
        if encoder.taps != self.TAPS:
            raise ValueError(f"`encoder` must tap {self.TAPS}. Received: taps={encoder.taps}")
        if layer not in LAYERS:
            raise ValueError(f"`layer` must be one of {LAYERS}. Received: layer={layer}")
        depth = block_of(layer)
        dtype = kwargs.get("dtype")
        if decoder is None:
            decoder = InvertingDecoder(encoder.widths[:depth], dtype=dtype, name="decoder")
        super().__init__(encoder, decoder, margin, 2 ** (depth - 1), **kwargs)
        self.layer = layer
        self.size = size
        self.scale = scale or encoders.feature_scales(encoder)[layer]
        channels = encoder.widths[depth - 1]
        self.networks = {
            name: MatrixNetwork(channels, size, dtype=dtype, name=f"{name}_matrix")
            for name in ("content", "style")
        }
        self._compress, self._expand = (
            keras.layers.Dense(width, dtype="float32", name=name)
            for width, name in ((size, "compress"), (channels, "expand"))
        )
        self._loss = losses.PerceptualLoss(
            {CONTENT_LAYER: (losses.ContentLoss(), self.content_weight)},
            {name: self.make_style_losses(self.style_weight / 4) for name in self.TAPS},
            self.tv_weight,
        )

    def build(self, input_shape=None):
        channels = self.encoder.widths[block_of(self.layer) - 1]
        for network in self.networks.values():
            if not network.built:
                network.build()
        for dense, width in ((self._compress, channels), (self._expand, self.size)):
            if not dense.built:
                dense.build((None, None, None, width))
        super().build(input_shape)

    @property
    def _inner(self):
        """Positions of the margin."""
        return self.margin // 2 ** (block_of(self.layer) - 1)

    def _features(self, picture):
        return self._of_layer(self.encoder(self.padding(picture)))

    def _of_layer(self, features):
        return ops.cast(features[self.layer], "float32") / self.scale

    def _mean(self, features, margin):
        return ops.mean(layers.crop(features, margin), axis=(1, 2))

    def _encode(self, features, margin):
        mean = self._mean(features, margin)
        centred = features - layers.per_channel(mean)
        network = self.networks["style"]
        return {"mean": mean, "matrix": network.matrix(network.products(centred, margin))}

    def encode_style(self, style):
        return self._encode(self._features(style), self._inner)

    def _transform(self, features, code, margin=0, summary=None):
        network = self.networks["content"]
        mean = summary["mean"] if summary else self._mean(features, margin)
        centred = features - layers.per_channel(ops.convert_to_tensor(mean))
        products = summary["products"] if summary else network.products(centred, margin)
        matrix = ops.matmul(ops.convert_to_tensor(code["matrix"]), network.matrix(products))
        compressed = self._compress(centred)
        zero = ops.zeros((1, self.size))
        changed = self._expand(covariances.transform(compressed, zero, matrix, zero))
        return changed + layers.per_channel(ops.convert_to_tensor(code["mean"]))

    def _decode(self, features):
        for block in self.decoder.blocks:
            features = self.decoder.invert(block, features, {}, 0.0)
        return ops.sigmoid(features)

    def _stylize(self, content, code, strength, summary=None):
        features = self._features(content)
        changed = self._transform(features, code, self._inner, summary)
        if not isinstance(strength, (int, float)) or strength != 1.0:
            share = per_image(strength)
            changed = share * changed + (1.0 - share) * features
        image = layers.without_margin(self._decode(changed), content, self.margin)
        return faded(content, image, strength)

    def summarize(self, parts, areas, code, strength=1.0):
        """The features' mean, and the mean products of the content's network, over all parts."""
        weights = ops.convert_to_tensor(areas, "float32")
        weights = ops.unstack(weights / ops.sum(weights), len(areas))
        mean = sum(
            weight * self._mean(self._features(part), self._inner)
            for weight, part in zip(weights, parts, strict=True)
        )
        products = 0.0
        for weight, part in zip(weights, parts, strict=True):
            centred = self._features(part) - layers.per_channel(mean)
            products += weight * self.networks["content"].products(centred, self._inner)
        return {"mean": mean, "products": products}

    def loss_terms(self, inputs):
        content, style = (self.encoder(inputs[name]) for name in ("content", "style"))
        code = self._encode(self._of_layer(style), 0)
        image = self._decode(self._transform(self._of_layer(content), code))
        return self._loss(self._loss.targets(content, [style]), self.encoder(image), image)

    def _reconstruct(self, content):
        """In its own style, so that all that is trained has a part in it."""
        features = self._of_layer(self.encoder(content))
        return self._decode(self._transform(features, self._encode(features, 0)))

    def style_encoder_state(self):
        config = {
            "layer": self.layer,
            "widths": self.encoder.widths,
            "pooling": self.encoder.pooling,
            "scale": self.scale,
            "margin": self.margin,
            "size": self.size,
        }
        return config, [*self.encoder.weights, *self.networks["style"].weights]

    def get_config(self):
        return {
            **super().get_config(),
            "layer": self.layer,
            "size": self.size,
            "scale": self.scale,
        }
