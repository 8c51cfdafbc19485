"""Any style: a network predicts the scales and shifts of a transformation network.

Ghiasi, Lee, Kudlur, Dumoulin and Shlens, "Exploring the Structure of a Real-time, Arbitrary Neural
Artistic Stylization Network", BMVC 2017, https://arxiv.org/abs/1705.06830.
"""

import keras
from keras import ops

from tfstyle import encoders, layers
from tfstyle.models.capabilities import Growable, MixableCodes, StylePictures
from tfstyle.models.encoder_decoder import adain_divisor, pooled
from tfstyle.models.transform_model import STYLE_LAYERS, TransformModel
from tfstyle.models.transform_network import MARGIN, neutral, split

CODE_LAYERS = STYLE_LAYERS[:4]  # whose statistics describe a style
CODE_SIZE = 100  # numbers of a code, as in the paper
_MOBILE_WIDTHS = (16, 32, 64, 128, 256)


@keras.saving.register_keras_serializable(package="tfstyle")
class MobileStyleEncoder(keras.Model):
    """A small convolutional network from a picture to the means of its last channels.

    A strided convolution and strided pairs of a depthwise and a 1×1 convolution, as in Howard et
    al., "MobileNets", 2017, https://arxiv.org/abs/1704.04861, without normalization, which would
    hide what tells styles apart.

    Args:
        widths: channels, each at half the resolution of the one before.

    Call arguments: `(batch, h, w, 3)` in [0, 1].
    Returns: `(batch, widths[-1])` float32.
    """

    def __init__(self, widths=_MOBILE_WIDTHS, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.widths = tuple(widths)
        common = {
            "padding": "same",
            "data_format": "channels_last",
            "dtype": self.dtype_policy,
        }
        self._first = keras.layers.Conv2D(
            self.widths[0], 3, 2, activation="relu", kernel_initializer="he_normal", **common
        )
        self._pairs = [
            (
                keras.layers.DepthwiseConv2D(3, 2, depthwise_initializer="he_normal", **common),
                keras.layers.Conv2D(
                    width, 1, activation="relu", kernel_initializer="he_normal", **common
                ),
            )
            for width in self.widths[1:]
        ]
        self._layers_in_order = [self._first, *(one for pair in self._pairs for one in pair)]

    def build(self, input_shape=None):
        shape = (None, None, None, 3)
        for layer in self._layers_in_order:
            layer.build(shape)
            shape = (*shape[:3], getattr(layer, "filters", None) or shape[-1])
        self.built = True

    def call(self, picture):
        x = ops.cast(picture * 2.0 - 1.0, self.compute_dtype)
        for layer in self._layers_in_order:
            x = layer(x)
        return ops.mean(ops.cast(x, "float32"), axis=(1, 2))

    def get_config(self):
        return {**super().get_config(), "widths": self.widths}


@keras.saving.register_keras_serializable(package="tfstyle")
class GhiasiModel(TransformModel, StylePictures, MixableCodes, Growable):
    """A style predictor, and a transformation network that is normalized by what it predicts.

    A description of a picture goes through a linear layer of `CODE_SIZE` numbers, the code, and
    another one to all scales and shifts (section 2.1). The paper's description is the output of
    Inception-v3; here it is, by `style_encoder`:

    - "statistics": means and deviations of the frozen encoder's features at `CODE_LAYERS`;
    - "mobilenet": the outputs of a `MobileStyleEncoder`, which is trained with the rest.

    At a strength below 1, the code is mixed with that of the photo itself (section 3.5), and the
    picture fades to the photo. The loss is that of `JohnsonModel`, with the batch's paintings.

    Args:
        encoder: `encoders.VGG19` with the taps `STYLE_LAYERS`, frozen; for a model that is not
            trained any more those of `CODE_LAYERS`, or None with "mobilenet".
        style_encoder: "statistics" or "mobilenet".
        widths: of the base.
        blocks: likewise.
        kernel: likewise.
        margin: likewise.
        scales: approximate root mean squares of the features at `CODE_LAYERS`; the encoder's if
            None.
    Raises: ValueError for another `style_encoder`.
    """

    def __init__(
        self,
        encoder,
        style_encoder="statistics",
        widths=(16, 32, 64),
        blocks=5,
        kernel=9,
        margin=MARGIN,
        scales=None,
        **kwargs,
    ):
        super().__init__(encoder, widths, blocks, kernel, margin, **kwargs)
        if style_encoder not in ("statistics", "mobilenet"):
            raise ValueError(
                '`style_encoder` must be "statistics" or "mobilenet". Received: '
                f"style_encoder={style_encoder}"
            )
        self.style_encoder = style_encoder
        self.scales = tuple(scales or ())
        self.min_size = max(self.min_size, 2 * encoders.STRIDE)
        self.mobile = None
        if style_encoder == "mobilenet":
            self.mobile = MobileStyleEncoder(dtype=self.dtype_policy, name="mobile")
        elif not self.scales:
            found = encoders.feature_scales(encoder)
            self.scales = tuple(found[name] for name in CODE_LAYERS)
        self._moments = [layers.AdaIN(divisor=adain_divisor(one)) for one in self.scales]
        self.to_code = keras.layers.Dense(CODE_SIZE, dtype="float32", name="to_code")
        self.to_affine = keras.layers.Dense(
            2 * sum(self.network.normalized.values()),
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
            bias_initializer=keras.initializers.Constant(neutral(self.network.normalized)),
            dtype="float32",
            name="to_affine",
        )

    def encode_style(self, style):
        return {"style": self.to_code(self._describe(style))}

    def _describe(self, picture):
        """`(batch, n)` descriptions of pictures, which `_pool` can combine."""
        if self.mobile:
            return self.mobile(picture)
        features = self.encoder.trunk(picture)
        return ops.concatenate(
            [
                moments.encode(features[name]) / scale
                for moments, name, scale in zip(
                    self._moments, CODE_LAYERS, self.scales, strict=True
                )
            ],
            axis=-1,
        )

    def _pool(self, descriptions, areas):
        if self.mobile:
            shares = ops.convert_to_tensor([list(areas)], "float32")
            return ops.matmul(shares / ops.sum(shares), descriptions)
        widths = {name: self.encoder.widths[number] for number, name in enumerate(CODE_LAYERS)}
        parts = split(descriptions, widths)
        return ops.concatenate([layers.AdaIN.pool(one, areas) for one in parts.values()], axis=-1)

    def _affine(self, code):
        vectors = self.to_affine(ops.convert_to_tensor(code["style"]))
        return split(vectors, self.network.normalized)

    def stylize(self, content, code, strength=1.0):
        if not (isinstance(strength, (int, float)) and strength == 1.0):
            code = self._mixed(self.encode_style(content)["style"], code, strength)
        return self._painted(content, code, strength)

    @staticmethod
    def _mixed(own, code, strength):
        strength = ops.reshape(ops.convert_to_tensor(strength, "float32"), (-1, 1))
        return {"style": own + strength * (code["style"] - own)}

    def summarize(self, parts, areas, code, strength=1.0):
        found = [self._describe(part) for part in parts]
        own = self.to_code(pooled(self._pool, found, areas))
        mixed = self._mixed(own, code, strength)
        return {"moments": self._measure(parts, areas, mixed, strength), "own": own}

    def stylize_tile(self, tile, code, strength, summary):
        mixed = self._mixed(ops.convert_to_tensor(summary["own"]), code, strength)
        return self._painted(tile, mixed, strength, summary["moments"])

    def loss_terms(self, inputs):
        content, style = inputs["content"], inputs["style"]
        image = self.stylize(content, self.encode_style(style))
        targets = self._loss.targets(self.encoder(content), [self.encoder(style)])
        return self._terms(targets, image)

    def start_from(self, trained):
        own, others = (
            [tuple(weight.shape) for weight in getattr(one, "_trained_weights", ())]
            for one in (self, trained)
        )
        if type(trained) is not type(self) or own != others:
            raise ValueError(
                f"`trained` must be a {type(self).__name__} of the same sizes. Received: another"
            )
        self._copy(trained)

    @property
    def _code_weights(self):
        """The trained weights that codes depend on."""
        return [*(self.mobile.weights if self.mobile else ()), *self.to_code.weights]

    @property
    def _trained_weights(self):
        return [*self._code_weights, *self.to_affine.weights, *self.network.weights]

    def _copy(self, trained):
        for weight, value in zip(self._trained_weights, trained._trained_weights, strict=True):
            weight.assign(value)

    def for_inference(self):
        """A copy whose encoder is cut, or left out."""
        encoder = None if self.mobile else self.encoder.cut(CODE_LAYERS)
        serialized = encoder and keras.saving.serialize_keras_object(encoder)
        copy = type(self).from_config({**self.get_config(), "encoder": serialized})
        copy.build()
        copy._copy(self)
        for weight, value in zip(
            *(e.weights if e else () for e in (copy.encoder, encoder)), strict=True
        ):
            weight.assign(value)
        return copy

    def style_encoder_state(self):
        config = {"style_encoder": self.style_encoder, "scales": self.scales}
        cut = [] if self.mobile else self.encoder.cut(CODE_LAYERS).weights
        return config, [*cut, *self._code_weights]

    def frozen_identity(self):
        encoder = self.encoder.weights if self.encoder else []
        return self._identity({"style_encoder": self.style_encoder}, encoder)

    def get_config(self):
        return {
            **super().get_config(),
            "style_encoder": self.style_encoder,
            "scales": self.scales,
        }
