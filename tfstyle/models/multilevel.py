"""Arbitrary style transfer with AdaIN at several depths and a decoder conditioned on the style.

AdaIN (Huang and Belongie, ICCV 2017, https://arxiv.org/abs/1703.06868) at one depth leaves what a
picture has at finer resolutions behind. Here it is applied at each depth of the encoder, and the
decoder takes the results in as it goes up, as Avatar-Net does (Sheng et al., CVPR 2018,
https://arxiv.org/abs/1805.03857). The decoder's own channels are scaled and shifted by what a small
network makes of the style code (Perez et al., "FiLM", AAAI 2018, https://arxiv.org/abs/1709.07871).
Unlike those of Ghiasi et al. 2017 they are not normalized: a network that normalizes its own maps
learns to paint a blob into each picture, which sways the statistics of the rest (Karras et al.,
"Analyzing and Improving the Image Quality of StyleGAN", CVPR 2020,
https://arxiv.org/abs/1912.04958; seen here, too).
"""

import keras
from keras import ops

from tfstyle import encoders, layers, losses, palette
from tfstyle.models.base import EncoderDecoderModel
from tfstyle.weights import HEAD_LAYERS

CONTENT_LAYER = "relu4_1"
# Where lite's own features are as good as its heads for the loss, and quicker: of trained pictures,
# Gram matrices are about as far from the style's in both, but twice as far in the head at relu3_1.
SHALLOW_LAYERS = HEAD_LAYERS[:2]
# Without a term of its own the palette came across too weakly.
COLORS = "colors"
COLOR_SHARE = 0.5
DEPTH = 4  # blocks of the encoder that the decoder mirrors
STRIDE = 2 ** (DEPTH - 1)  # pixels under one position of relu4_1
# Positions around the picture that the decoder keeps at each level, of those that the reflected
# margin has there: they keep the zero padding of the convolutions to come outside of the picture.
KEPT_MARGIN = 4
# Slope of leaky ReLU below 0. With none, up to a third of a deep layer's channels were dead after
# 500 steps and nine of ten in the end: nothing normalizes them, and the style's shifts sank them.
LEAK = 0.2

# Two architectures of these sizes: arguments of `MultiLevelModel.create`. With a margin of 16 the
# zero padding of three deep convolutions leaves a frame, with 32 none that is seen. (The packaged
# ones, whose deep channels are dead, were trained with 16.)
MOBILE = {
    "code_layers": HEAD_LAYERS[1:4],
    "widths": ((16,), (32, 16), (64, 32), (64, 64, 64)),
    "hidden": 128,
    "bounded": True,
    "leak": LEAK,
    "margin": 32,
}
QUALITY = {
    "code_layers": HEAD_LAYERS,
    "widths": ((24,), (48, 48), (96, 96, 96), (160, 160, 160, 160)),
    "hidden": 256,
    "bounded": False,
    "leak": LEAK,
    "margin": 16,
}


@keras.saving.register_keras_serializable(package="tfstyle")
class ConditionedDecoder(keras.Model):
    """From features at several depths and a style code to an image.

    At each block of the encoder, the deepest first: the picture so far is doubled and joined by the
    features of that block, if there are any; convolutions with ReLU follow. Where there are
    features, a network of one hidden layer computes a scale, of 0 to 2, and a shift for the
    channels of each convolution from the codes of style and content, and the ReLU is leaky.

    Args:
        code_layers: names of the features whose statistics the code has, the shallowest first;
            those of blocks 1 to 4 come in as features too.
        channels: of these features.
        widths: for blocks 1 to 4, the channels of each convolution.
        hidden: units of the layer between the code and the scales and shifts.
        bounded: whether the features that come in are cut at 0 and 6, and those after each
            convolution at 6, so that eight bits hold them.
        leak: slope of leaky ReLU below 0.

    Call arguments:
        features: dict of `(batch, h_k, w_k, c_k)`; relu4_1 has `(h, w)`.
        code: `(batch or 1, n)`, of the style.
        content_code: `(batch, n)`, of the content.
        margin: pixels around the picture, a multiple of 8, that are there to be cropped.
    Returns: `(batch, 8·h - 2·margin, 8·w - 2·margin, 3)` float32 in [0, 1].
    Raises: ValueError if relu4_1, where it begins, is not among the code's layers.
    """

    def __init__(self, code_layers, channels, widths, hidden, bounded=False, leak=0.0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if CONTENT_LAYER not in code_layers:
            raise ValueError(
                f"`code_layers` must have {CONTENT_LAYER}. Received: code_layers={code_layers}"
            )
        self.code_layers = tuple(code_layers)
        self.channels = tuple(channels)
        self.widths = tuple(tuple(block) for block in widths)
        self.hidden = hidden
        self.bounded = bounded
        self.leak = leak
        self._skips = {int(name[4]): name for name in self.code_layers if int(name[4]) <= DEPTH}
        names = {
            block: [f"{block}_{k}" for k in range(1, 1 + len(self.widths[block - 1]))]
            for block in range(DEPTH, 0, -1)
        }
        self._blocks = {
            block: {
                name: self._convolution(width, f"conv{name}")
                for name, width in zip(names[block], self.widths[block - 1], strict=True)
            }
            for block in names
        }
        self.gains = {}  # `(c,)` by names of `modulated`: what exporters divided these by
        self._to_hidden = self._dense(hidden, "hidden", "glorot_uniform", "relu")
        # Small at first: a scale of about 1, a shift of about 0.
        small = keras.initializers.RandomNormal(stddev=0.01)
        self._to_affine = {
            name: self._dense(2 * width, f"affine{name}", small)
            for block in self._skips
            for name, width in zip(names[block], self.widths[block - 1], strict=True)
        }
        self._to_image = self._convolution(3, "image", "glorot_normal")
        self._upsampling = layers.Upsampling2D(dtype=self.dtype_policy)

    @property
    def modulated(self):
        """`{name: layer}` of the convolutions whose channels are scaled and shifted."""
        layers_by_name = {k: v for block in self._blocks.values() for k, v in block.items()}
        return {name: layers_by_name[name] for name in self._to_affine}

    def _activation(self, x, leak):
        if not leak:
            return ops.relu6(x) if self.bounded else ops.relu(x)
        x = ops.leaky_relu(x, leak)
        return ops.minimum(x, 6.0) if self.bounded else x

    def _convolution(self, width, name, initializer="he_normal"):
        return keras.layers.Conv2D(
            width,
            3,
            padding="same",
            data_format="channels_last",
            kernel_initializer=initializer,
            dtype=self.dtype_policy,
            name=name,
        )

    def _dense(self, units, name, initializer, activation=None):
        return keras.layers.Dense(
            units, activation, kernel_initializer=initializer, dtype="float32", name=name
        )

    def build(self, input_shape=None):
        channels = dict(zip(self.code_layers, self.channels, strict=True))
        self._to_hidden.build((None, 4 * sum(self.channels)))
        width = 0
        for block, convolutions in self._blocks.items():
            width += channels.get(self._skips.get(block), 0)
            for name, convolution in convolutions.items():
                convolution.build((None, None, None, width))
                if name in self._to_affine:
                    self._to_affine[name].build((None, self.hidden))
                width = convolution.filters
        self._to_image.build((None, None, None, width))
        self.built = True

    def call(self, features, code, content_code, margin=0):
        code = ops.broadcast_to(code, ops.shape(content_code))
        hidden = self._to_hidden(ops.concatenate([code, content_code], axis=-1))
        x = None
        for block, convolutions in self._blocks.items():
            kept = _kept_margin(margin, block)
            if x is not None:
                x = layers.crop(self._upsampling(x), 2 * _kept_margin(margin, block + 1) - kept)
            if block in self._skips:
                skip = ops.cast(features[self._skips[block]], self.compute_dtype)
                skip = layers.crop(skip, margin // 2 ** (block - 1) - kept)
                skip = ops.relu6(skip) if self.bounded else skip
                x = skip if x is None else ops.concatenate([x, skip], axis=-1)
            for name, convolution in convolutions.items():
                x = convolution(x)
                if name in self._to_affine:
                    affine = ops.cast(self._to_affine[name](hidden), self.compute_dtype)
                    shift, scale = ops.split(layers.per_channel(affine), 2, axis=-1)
                    scale = ops.sigmoid(scale) * (2.0 * self.gains.get(name, 1.0))
                    x = x * scale + shift
                x = self._activation(x, self.leak if name in self._to_affine else 0.0)
        image = ops.sigmoid(ops.cast(self._to_image(x), "float32"))
        return layers.crop(image, kept)

    def compute_output_shape(
        self, features_shape, code_shape=None, content_code_shape=None, margin=0
    ):
        batch, *sides, _ = features_shape[CONTENT_LAYER]
        return (batch, *(side and STRIDE * side - 2 * margin for side in sides), 3)

    def get_config(self):
        if self.gains:
            raise ValueError("A decoder whose channels were equalized cannot be saved or copied")
        return {
            **super().get_config(),
            "code_layers": self.code_layers,
            "channels": self.channels,
            "widths": self.widths,
            "hidden": self.hidden,
            "bounded": self.bounded,
            "leak": self.leak,
        }


@keras.saving.register_keras_serializable(package="tfstyle")
class MultiLevelModel(EncoderDecoderModel):
    """AdaIN at several depths of a frozen encoder, and a `ConditionedDecoder` that is trained.

    A style code is the channel means and deviations at the decoder's `code_layers`, in units of
    `scales`: numbers of one size, which eight bits can hold side by side. The training
    loss is the sum, each relative to its target, of the content's error at relu4_1 and, for each
    tap of the encoder, of the errors of means and deviations and of Gram matrices, half and half;
    and `COLOR_SHARE` as much for the distance of the pixels' means and covariances. Deeper than
    `SHALLOW_LAYERS` it looks at the heads' features; codes and decoder never do.

    Args:
        encoder: `encoders.VGG19` that taps the decoder's `code_layers`; frozen. Other taps serve
            the loss alone.
        decoder: a `ConditionedDecoder`.
        scales: about the root mean squares of the features at `code_layers`.
        margin: pixels of reflection around a picture, a multiple of 16, which keep zero padding
            outside of it; in training too.
        content_weight: of the content term.
        style_weight: of the style terms, in sum.
        tv_weight: of the total variation.
    Raises: ValueError for an encoder that lacks a tap, or another margin.
    """

    TAPS = HEAD_LAYERS
    HEADS = True

    def __init__(self, encoder, decoder, scales, margin, **kwargs):
        super().__init__(encoder, decoder, margin, STRIDE, **kwargs)
        self.scales = tuple(scales)
        if margin % encoders.STRIDE:
            raise ValueError(
                f"`margin` must be a multiple of {encoders.STRIDE}. Received: margin={margin}"
            )
        missing = [name for name in decoder.code_layers if name not in encoder.taps]
        if missing:
            raise ValueError(f"`encoder` must tap {missing} too. Received: taps={encoder.taps}")
        self.adain = layers.AdaIN(dtype="float32")
        weight = 0.5 * self.style_weight / len(encoder.taps)
        self._loss = losses.PerceptualLoss(
            {CONTENT_LAYER: (losses.ContentLoss(), self.content_weight)},
            {
                name: [(losses.MeanStdLoss(), weight), (losses.GramLoss(), weight)]
                for name in encoder.taps
            }
            | {COLORS: [(losses.WassersteinLoss(), COLOR_SHARE * self.style_weight)]},
            self.tv_weight,
        )

    @classmethod
    def on_encoder(
        cls, encoder, *, code_layers, widths, hidden, bounded, leak, margin, dtype=None, **arguments
    ):
        """As in the base class.

        Args:
            encoder: of the class, built.
            code_layers: of the decoder; see `MOBILE` and `QUALITY`.
            widths: of the decoder.
            hidden: of the decoder.
            bounded: of the decoder.
            leak: of the decoder.
            margin: of the class.
            dtype: Keras dtype policy.
            **arguments: others of the class.
        """
        scales = encoders.feature_scales(encoder)
        decoder = ConditionedDecoder(
            code_layers,
            [encoder.widths[int(name[4]) - 1] for name in code_layers],
            widths,
            hidden,
            bounded,
            leak,
            dtype=dtype,
            name="decoder",
        )
        scales = [scales[name] for name in code_layers]
        model = cls(encoder, decoder, scales, margin, dtype=dtype, **arguments)
        model.build()
        return model

    def for_inference(self):
        encoder = self.encoder.cut(self.decoder.code_layers)  # the loss may look deeper
        config = keras.saving.serialize_keras_object(encoder)
        copy = type(self).from_config({**self.get_config(), "encoder": config})
        copy.build()
        for part, own in ((copy.encoder, encoder), (copy.decoder, self.decoder)):
            for variable, value in zip(part.weights, own.weights, strict=True):
                variable.assign(value)
        return copy

    def _features(self, picture):
        """The encoder's features of a picture and of the margin around it."""
        return self.encoder.trunk(self.padding(picture))

    def _recolored_features(self, content, own_palette, wanted):
        return self._features(palette.recolor(content, own_palette, wanted))

    def _inner(self, features):
        """Features of the picture, and of what pads its sides to multiples of 8."""
        return {k: layers.crop(v, self.margin // _stride(k)) for k, v in features.items()}

    def _seen(self, features, *names):
        """What the loss looks at of the picture alone: all layers, or those by names."""
        inner = self._inner(features)
        seen = {name: inner[name] for name in names or inner}
        deep = {name: feature for name, feature in seen.items() if name not in SHALLOW_LAYERS}
        return {**seen, **self.encoder.heads(deep)}

    def _encode(self, features):
        """The code's parts by layer."""
        inner = self._inner(features)
        return {
            name: self.adain.encode(inner[name]) / scale
            for name, scale in zip(self.decoder.code_layers, self.scales, strict=True)
        }

    def _split(self, code):
        return split_code(code, self.decoder.code_layers, self.decoder.channels)

    def _decode(self, features, code, own):
        """The picture of features with own statistics, in the style of a code."""
        scales = dict(zip(self.decoder.code_layers, self.scales, strict=True))
        stylized = {
            name: self.adain(features[name], part, own[name] * scales[name])
            for name, part in self._split(code).items()
            if int(name[4]) <= DEPTH
        }
        return self.decoder(stylized, code, _join(own), margin=self.margin)

    def encode_style(self, style):
        return _with_palette(self._encode(self._features(style)), palette.encode(style))

    def encode_content(self, content, code, strength=1.0, own_palette=None):
        own = palette.encode(content) if own_palette is None else own_palette
        features = self._recolored_features(content, own, _mixed(own, _palette(code), strength))
        return _with_palette(self._encode(features), own)

    def stylize(self, content, code, strength=1.0, content_code=None):
        batch, height, width = ops.shape(content)[:3]
        given = content_code is not None
        own_palette = _palette(content_code) if given else palette.encode(content)
        wanted = _mixed(own_palette, _palette(code), strength)
        features = self._recolored_features(content, own_palette, wanted)
        if given:
            own = self._split(ops.broadcast_to(content_code, (batch, content_code.shape[1])))
        else:
            own = self._encode(features)
        code = _mixed(_join(own), code[:, : -palette.SIZE], strength)
        return self._decode(features, code, own)[:, :height, :width]

    def pool_codes(self, codes, areas):
        codes = ops.convert_to_tensor(codes)
        parts = {k: self.adain.pool(part, areas) for k, part in self._split(codes).items()}
        return _with_palette(parts, palette.pool(_palette(codes), areas))

    def loss_terms(self, inputs):
        content = self._features(inputs["content"])
        style = self._features(inputs["style"])
        palettes = (palette.encode(inputs[name]) for name in ("content", "style"))
        recolored = self._recolored_features(inputs["content"], *palettes)
        image = self._decode(recolored, _join(self._encode(style)), self._encode(recolored))
        wanted = {**self._seen(style), COLORS: inputs["style"]}
        targets = self._loss.targets(self._seen(content, CONTENT_LAYER), [wanted])
        found = {**self._seen(self._features(image)), COLORS: image}
        return self._loss(targets, found, image)

    def _reconstruct(self, content):
        features = self._features(content)
        own = self._encode(features)
        return self._decode(features, _join(own), own)

    def style_encoder_state(self):
        config = {
            "layers": self.decoder.code_layers,
            "widths": self.encoder.widths,
            "pooling": self.encoder.pooling,
            "scales": self.scales,
            "margin": self.margin,
            "palette": palette.SIZE,
        }
        return config, self.encoder.cut(self.decoder.code_layers).weights

    def get_config(self):
        return {**super().get_config(), "scales": self.scales}


def _join(parts):
    return ops.concatenate(list(parts.values()), axis=-1)


def _with_palette(parts, own_palette):
    """A code."""
    return ops.concatenate([_join(parts), own_palette], axis=-1)


def _palette(code):
    return code[:, -palette.SIZE :]


def _mixed(own, wanted, strength):
    """What is wanted at a strength of 1, and the content's own at 0."""
    if isinstance(strength, (int, float)) and strength == 1.0:
        return wanted
    strength = ops.reshape(ops.convert_to_tensor(strength, "float32"), (-1, 1))
    return own + strength * (wanted - own)


def split_code(code, code_layers, channels):
    """`{layer: (batch, 2·c)}`, means and then deviations, of a code `(batch, n)`."""
    parts, start = {}, 0
    for name, width in zip(code_layers, channels, strict=True):
        parts[name] = code[:, start : start + 2 * width]
        start += 2 * width
    return parts


def _stride(name):
    """Pixels from one position of features to the next."""
    return 2 ** (int(name[4]) - 1)


def _kept_margin(margin, block):
    """Positions of the margin, in pixels, that the decoder keeps while it is at a block."""
    return min(margin // 2 ** (block - 1), KEPT_MARGIN)
