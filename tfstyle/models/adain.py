"""Arbitrary style transfer by adaptive instance normalization.

Huang and Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization",
ICCV 2017, https://arxiv.org/abs/1703.06868; code: https://github.com/xunhuang1995/AdaIN-style.
"""

import keras
from keras import ops

from tfstyle import encoders, layers, losses
from tfstyle.encoders.layer_names import BLOCKS
from tfstyle.models.base import faded, per_image
from tfstyle.models.encoder_decoder import EncoderDecoderModel, adain_divisor, pooled

CODE_LAYER = "relu4_1"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", CODE_LAYER)
STRIDE = 8  # pixels under one position of relu4_1
# Pixels of reflection around a picture, which keep zero padding outside of it: 16 leave lines along
# the borders of skies, 64 make no visible difference.
MARGIN = 32


@keras.saving.register_keras_serializable(package="tfstyle")
class Decoder(keras.Model):
    """From features at relu4_1 to an image: the encoder mirrored, with resize and convolution.

    As in the paper there is no normalization. Convolutions are zero-padded, upsampling is bilinear
    and the output a sigmoid; the authors' decoder uses reflection padding, nearest-neighbour
    upsampling and a linear output.

    Args:
        widths: channels of the encoder's first four blocks.
        feature_scale: divisor of the features, about their root mean square.

    Call arguments: `(batch, h, w, widths[3])` features.
    Returns: `(batch, 8·h, 8·w, 3)` float32 in [0, 1].
    """

    def __init__(self, widths=encoders.VGG_WIDTHS[:4], feature_scale=1.0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.widths = tuple(widths)
        self.feature_scale = feature_scale
        # The encoder's convolutions up to relu4_1, last to first: conv4_1, conv3_4 … conv1_1.
        names = ["4_1"] + [f"{b}_{k}" for b in (3, 2, 1) for k in range(BLOCKS[b - 1], 0, -1)]
        inputs = {name: self._width_below(name) for name in names}
        self._convolutions = {
            name: keras.layers.Conv2D(
                width,
                3,
                padding="same",
                data_format="channels_last",
                activation=None if name == "1_1" else "relu",
                kernel_initializer="glorot_normal" if name == "1_1" else "he_normal",
                dtype=self.dtype_policy,
                name=f"conv{name}",
            )
            for name, width in inputs.items()
        }
        self._upsampling = layers.Upsampling2D(dtype=self.dtype_policy)

    def _width_below(self, name):
        """Input channels of the encoder's convolution of that name."""
        block, index = (int(part) for part in name.split("_"))
        if name == "1_1":
            return 3
        return self.widths[block - 1 if index > 1 else block - 2]

    def build(self, input_shape=None):
        channels = self.widths[3]
        for convolution in self._convolutions.values():
            convolution.build((None, None, None, channels))
            channels = convolution.filters
        self.built = True

    def call(self, features):
        return self.decode(features / self.feature_scale)

    def decode(self, features):
        """As `call`, for features that are divided by `feature_scale`.

        With a large divisor in the same graph, converters divide the first kernel by it, whose
        numbers are then too small for half precision.
        """
        x = ops.cast(features, self.compute_dtype)
        for name, convolution in self._convolutions.items():
            x = convolution(x)
            if name.endswith("_1") and name != "1_1":
                x = self._upsampling(x)
        return ops.sigmoid(ops.cast(x, "float32"))

    def get_config(self):
        return {
            **super().get_config(),
            "widths": self.widths,
            "feature_scale": self.feature_scale,
        }


@keras.saving.register_keras_serializable(package="tfstyle")
class AdaINModel(EncoderDecoderModel):
    """AdaIN between a frozen encoder, up to relu4_1, and a decoder that is trained.

    The training loss is the paper's (equations 11 to 13): the targets of the decoder's picture are
    the AdaIN output at relu4_1 and the style's channel means and deviations at relu1_1 to relu4_1.
    Each term is divided by its target's mean square, as in `losses`.

    Args:
        encoder: `encoders.VGG19` with the taps `STYLE_LAYERS`; frozen.
        decoder: None for a new `Decoder`.
        margin: pixels of reflection around a picture, a multiple of 8.
        content_weight: of the content term.
        style_weight: of the style terms, in sum.
        tv_weight: of the total variation.
    Raises: ValueError for an encoder with other taps.
    """

    TAPS = STYLE_LAYERS
    STYLE_LOSS = "mean_std"

    def __init__(self, encoder, decoder=None, margin=MARGIN, **kwargs):
        if encoder.taps != STYLE_LAYERS:
            raise ValueError(f"`encoder` must tap {STYLE_LAYERS}. Received: taps={encoder.taps}")
        if decoder is None:
            scale = encoders.feature_scales(encoder)[CODE_LAYER]
            decoder = Decoder(encoder.widths[:4], scale, dtype=kwargs.get("dtype"), name="decoder")
        super().__init__(encoder, decoder, margin, STRIDE, **kwargs)
        divisor = adain_divisor(decoder.feature_scale)
        self.adain = layers.AdaIN(divisor=divisor, dtype=self.dtype_policy)
        weight = self.style_weight / len(STYLE_LAYERS)
        self._loss = losses.PerceptualLoss(
            {CODE_LAYER: (losses.ContentLoss(), self.content_weight)},
            {name: self.make_style_losses(weight) for name in STYLE_LAYERS},
            self.tv_weight,
        )

    def encode_style(self, style):
        return {"statistics": self._statistics(self._features(style), style)}

    def _features(self, picture):
        return self.encoder(self.padding(picture))[CODE_LAYER]

    def _statistics(self, features, picture):
        """Means and deviations of a picture's features, from which the margin is cropped."""
        return self.adain.encode(layers.without_margin(features, picture, self.margin, STRIDE))

    def summarize(self, parts, areas, code, strength=1.0):
        found = [self._statistics(self._features(part), part) for part in parts]
        return {"statistics": pooled(self.adain.pool, found, areas)}

    def _stylize(self, content, code, strength, summary=None):
        features = self._features(content)
        own = summary["statistics"] if summary else self._statistics(features, content)
        scale = self.decoder.feature_scale
        stylized = self.adain(features, ops.convert_to_tensor(code["statistics"]) / scale, own)
        image = self.decoder.decode(self._blend(features / scale, stylized, strength))
        return faded(content, layers.without_margin(image, content, self.margin), strength)

    def loss_terms(self, inputs):
        content = self.encoder(inputs["content"])[CODE_LAYER]
        style = self.encoder(inputs["style"])
        target = self.adain(content, style[CODE_LAYER])
        image = self.decoder(target)
        targets = self._loss.targets({CODE_LAYER: target}, [style])
        return self._loss(targets, self.encoder(image), image)

    def _reconstruct(self, content):
        return self.decoder(self.encoder(content)[CODE_LAYER])

    def style_encoder_state(self):
        config = {
            "layer": CODE_LAYER,
            "widths": self.encoder.widths,
            "pooling": self.encoder.pooling,
            "margin": self.margin,
        }
        return config, self.encoder.weights

    @staticmethod
    def _blend(features, stylized, strength):
        """Equation 14: between the content's features and the stylized ones."""
        if isinstance(strength, (int, float)) and strength == 1.0:
            return stylized
        strength = ops.cast(per_image(strength), stylized.dtype)
        return strength * stylized + (1.0 - strength) * features
