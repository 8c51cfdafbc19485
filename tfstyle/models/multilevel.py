"""Arbitrary style transfer with AdaIN at several depths and a decoder conditioned on the style.

AdaIN (Huang and Belongie, ICCV 2017, https://arxiv.org/abs/1703.06868) at one depth leaves what a
picture has at finer resolutions behind. Here it is applied at each depth of the encoder, and the
decoder takes the results in. Means and deviations of single channels say little of how colours go
together, so the photo first gets the style's palette (see `palette`), by a map of its pixels.
"""

import keras
from keras import ops

from tfstyle import encoders, layers, losses, palette
from tfstyle.models.base import EncoderDecoderModel
from tfstyle.models.conditioned_decoder import CONTENT_LAYER, DEPTH, STRIDE, ConditionedDecoder
from tfstyle.weights import HEAD_LAYERS

# Where lite's own features are as good as its heads for the loss, and quicker: of trained pictures,
# Gram matrices are about as far from the style's in both, but twice as far in the head at relu3_1.
SHALLOW_LAYERS = HEAD_LAYERS[:2]
# Without a term of its own the palette came across too weakly.
COLORS = "colors"
COLOR_SHARE = 0.5

# Two architectures of these sizes: arguments of `MultiLevelModel.create`. With a margin of 16 the
# zero padding of three deep convolutions leaves a frame, with 32 none that is seen.
MOBILE = {
    "code_layers": HEAD_LAYERS[1:4],
    "widths": ((16,), (32, 16), (64, 32), (64, 64, 64)),
    "hidden": 128,
    "margin": 32,
}
QUALITY = {
    "code_layers": HEAD_LAYERS,
    "widths": ((32,), (64, 32), (128, 64), (160, 160, 160)),
    "hidden": 256,
    "margin": 32,
}


@keras.saving.register_keras_serializable(package="tfstyle")
class MultiLevelModel(EncoderDecoderModel):
    """AdaIN at several depths of a frozen encoder, and a `ConditionedDecoder` that is trained.

    A style code is the channel means and deviations at the decoder's `code_layers`, in units of
    `scales`: numbers of one size, which eight bits can hold side by side; and the picture's
    palette. A content code has the features of the photo in the style's palette, and the palette
    that it had before.

    The training loss is the sum, each relative to its target, of the content's error at relu4_1
    and, for each tap of the encoder, of the errors of means and deviations and of Gram matrices,
    half and half; and `COLOR_SHARE` as much for the distance of the pixels' means and covariances.
    Deeper than `SHALLOW_LAYERS` it looks at the heads' features; codes and decoder never do.

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
    def on_encoder(cls, encoder, *, code_layers, widths, hidden, margin, dtype=None, **arguments):
        """As in the base class.

        Args:
            encoder: of the class, built.
            code_layers: of the decoder; see `MOBILE` and `QUALITY`.
            widths: of the decoder.
            hidden: of the decoder.
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
        """Means and deviations by layer, in units of `scales`."""
        inner = self._inner(features)
        return {
            name: self.adain.encode(inner[name]) / scale
            for name, scale in zip(self.decoder.code_layers, self.scales, strict=True)
        }

    def _split(self, code):
        """A code's means and deviations by layer, each `(batch, 2·c)`, without its palette."""
        parts, start = {}, 0
        for name, width in zip(self.decoder.code_layers, self.decoder.channels, strict=True):
            parts[name] = code[:, start : start + 2 * width]
            start += 2 * width
        return parts

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
        if own_palette is None:
            own = palette.encode(content)
        else:
            own = ops.broadcast_to(own_palette, (ops.shape(content)[0], palette.SIZE))
        wanted = _mixed(own, _palette(ops.convert_to_tensor(code)), strength)
        features = self._recolored_features(content, own, wanted)
        return _with_palette(self._encode(features), own)

    def stylize(self, content, code, strength=1.0, content_code=None):
        batch, height, width = ops.shape(content)[:3]
        code = ops.convert_to_tensor(code)
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

    def _start_decoder(self, trained):
        self.decoder.grow_from(trained)

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
    return ops.concatenate([_join(parts), own_palette], axis=-1)


def _palette(code):
    return code[:, -palette.SIZE :]


def _mixed(own, wanted, strength):
    """What is wanted at a strength of 1, and the content's own at 0."""
    if isinstance(strength, (int, float)) and strength == 1.0:
        return wanted
    strength = ops.reshape(ops.convert_to_tensor(strength, "float32"), (-1, 1))
    return own + strength * (wanted - own)


def _stride(name):
    """Pixels from one position of features to the next."""
    return 2 ** (int(name[4]) - 1)
