"""Arbitrary style transfer with AdaIN at several depths and a decoder conditioned on the style.

AdaIN (Huang and Belongie, ICCV 2017, https://arxiv.org/abs/1703.06868) at one depth loses the finer
resolutions of a picture. Here it is applied at each depth of the encoder, and the decoder reads all
results. Means and deviations of single channels hardly capture combinations of colours, so the
photo's pixels are first mapped to the style's palette (see `palette`).
"""

import functools

import keras
import numpy as np
from keras import ops

from tfstyle import encoders, layers, losses
from tfstyle.encoders.layer_names import HEAD_LAYERS, block_of, stride_of
from tfstyle.models import palette
from tfstyle.models.base import faded
from tfstyle.models.capabilities import Int8Preparation
from tfstyle.models.conditioned_decoder import CONTENT_LAYER, DEPTH, STRIDE, ConditionedDecoder
from tfstyle.models.encoder_decoder import EncoderDecoderModel, adain_divisor, pooled

# Layers where lite's own features are as good as its heads for the loss, and faster: trained with
# either, pictures have Gram matrices about as far from the style's; at relu3_1, twice as far.
SHALLOW_LAYERS = HEAD_LAYERS[:2]
# Without a term of its own, the palette was transferred too weakly.
COLOR_SHARE = 0.5

# Sizes of two architectures: arguments of `MultiLevelModel.create`. With a margin of 16 the zero
# padding of three deep convolutions leaves a visible frame, with 32 none.
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
class MultiLevelModel(EncoderDecoderModel, Int8Preparation):
    """AdaIN at several depths of a frozen encoder, and a trained `ConditionedDecoder`.

    A style code has as `statistics` the channel means and deviations at the decoder's
    `code_layers`, divided by `scales`, so that one 8-bit scale suits all; and as `palette` the
    picture's. A photo's summary has the statistics of the photo in the style's palette, and the
    palette that it had before.

    The training loss is the sum, each relative to its target, of the content's error at relu4_1
    and, for each tap of the encoder, of the errors of means and deviations and of Gram matrices,
    half and half; plus, weighted by `COLOR_SHARE`, the distance of the pixels' means and
    covariances. Deeper than `SHALLOW_LAYERS`, the loss uses the heads' features; codes and decoder
    never do.

    Args:
        encoder: `encoders.VGG19` that taps the decoder's `code_layers`; frozen. Other taps are for
            the loss only.
        decoder: a `ConditionedDecoder`.
        scales: approximate root mean squares of the features at `code_layers`.
        margin: pixels of reflection around a picture, a multiple of 16, which keep zero padding
            outside of it; in training too.
        content_weight: of the content term.
        style_weight: of the style terms, in sum.
        tv_weight: of the total variation.
    Raises: ValueError for an encoder that lacks a tap, or another margin.
    """

    TAPS = HEAD_LAYERS
    HEADS = True
    STYLE_LOSS = "mean_std:0.5,gram:0.5"
    PREFERRED_ENCODER = "lite"  # the sizes are made for it

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
        self.adain = {
            name: layers.AdaIN(divisor=adain_divisor(scale), dtype="float32")
            for name, scale in zip(decoder.code_layers, self.scales, strict=True)
        }
        weight = self.style_weight / len(encoder.taps)
        self._loss = losses.PerceptualLoss(
            {CONTENT_LAYER: (losses.ContentLoss(), self.content_weight)},
            {name: self.make_style_losses(weight) for name in encoder.taps},
            self.tv_weight,
        )
        self._color_loss = losses.WassersteinLoss()

    @classmethod
    def on_encoder(  # type: ignore[override]  # with arguments of its own
        cls, encoder, *, code_layers, widths, hidden, margin, dtype=None, **arguments
    ):
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
            [encoder.widths[block_of(name) - 1] for name in code_layers],
            widths,
            hidden,
            dtype=dtype,
            name="decoder",
        )
        model = cls(
            encoder,
            decoder,
            [scales[name] for name in code_layers],
            margin,
            dtype=dtype,
            **arguments,
        )
        model.build()
        return model

    def for_inference(self):
        encoder = self.encoder.cut(self.decoder.code_layers)  # the loss may need more taps
        return self._with_parts(encoder, self.decoder)

    def _with_parts(self, encoder, decoder):
        """A copy of the model with copies of these parts."""
        parts = {"encoder": encoder, "decoder": decoder}
        configs = {k: keras.saving.serialize_keras_object(part) for k, part in parts.items()}
        copy = type(self).from_config({**self.get_config(), **configs})
        copy.build()
        for name, part in parts.items():
            for variable, value in zip(getattr(copy, name).weights, part.weights, strict=True):
                variable.assign(value)
        return copy

    def _features(self, picture):
        """The encoder's features of a picture and of the margin around it."""
        return self.encoder.trunk(self.padding(picture))

    def _recolored_features(self, content, own_palette, target_palette):
        return self._features(palette.recolor(content, own_palette, target_palette))

    def _inner(self, features):
        """Features without the margin; the padding of sides to multiples of 8 remains."""
        return {k: layers.crop(v, self.margin // stride_of(k)) for k, v in features.items()}

    def _loss_features(self, features, *names):
        """The loss's features, without the margin: of all layers, or of those named."""
        inner = self._inner(features)
        chosen = {name: inner[name] for name in names or inner}
        deep = {name: feature for name, feature in chosen.items() if name not in SHALLOW_LAYERS}
        return {**chosen, **self.encoder.heads(deep)}

    def _encode(self, features):
        """Means and deviations by layer, in units of `scales`."""
        inner = self._inner(features)
        return {
            name: self.adain[name].encode(inner[name]) / scale
            for name, scale in zip(self.decoder.code_layers, self.scales, strict=True)
        }

    def _split(self, code):
        """Means and deviations by layer, each `(batch, 2·c)`, of `(batch, n)` statistics."""
        parts, start = {}, 0
        for name, width in zip(self.decoder.code_layers, self.decoder.channels, strict=True):
            parts[name] = code[:, start : start + 2 * width]
            start += 2 * width
        return parts

    def _decode(self, features, statistics, own, observe=None):
        """The picture from features with `own` statistics by layer, in another style's."""
        scales = dict(zip(self.decoder.code_layers, self.scales, strict=True))
        stylized = {
            name: self.adain[name](features[name], part, own[name] * scales[name])
            for name, part in self._split(statistics).items()
            if block_of(name) <= DEPTH
        }
        return self.decoder(stylized, statistics, _join(own), margin=self.margin, observe=observe)

    def encode_style(self, style):
        statistics = _join(self._encode(self._features(style)))
        return {"statistics": statistics, "palette": palette.encode(style)}

    def summarize(self, parts, areas, code, strength=1.0):
        own = pooled(palette.pool, [palette.encode(part) for part in parts], areas)
        target = _mixed(own, code["palette"], strength)
        statistics = []
        for part in parts:
            batch = ops.shape(part)[0]
            palettes = (ops.broadcast_to(one, (batch, palette.SIZE)) for one in (own, target))
            statistics.append(_join(self._encode(self._recolored_features(part, *palettes))))
        return {"statistics": pooled(self._pool, statistics, areas), "palette": own}

    def _pool(self, statistics, areas):
        parts = self._split(statistics)
        return _join({name: layers.AdaIN.pool(part, areas) for name, part in parts.items()})

    def _stylize(self, content, code, strength, summary=None, observe=None):
        batch, height, width = ops.shape(content)[:3]
        code = {name: ops.convert_to_tensor(part) for name, part in code.items()}
        own_palette = summary["palette"] if summary else palette.encode(content)
        target_palette = _mixed(own_palette, code["palette"], strength)
        features = self._recolored_features(content, own_palette, target_palette)
        if summary:
            own = summary["statistics"]
            own = self._split(ops.broadcast_to(own, (batch, own.shape[1])))
        else:
            own = self._encode(features)
        statistics = _mixed(_join(own), code["statistics"], strength)
        image = self._decode(features, statistics, own, observe)[:, :height, :width]
        return faded(content, image, strength)

    def for_int8(self, samples):
        model = self.for_inference()
        largest: dict[str, np.ndarray] = {}

        def observe(name, maps):
            magnitudes = np.abs(ops.convert_to_numpy(maps)).max((0, 1, 2))
            largest[name] = np.maximum(largest.get(name, 0.0), magnitudes)

        for one in samples:
            model._stylize(one["content"], one["code"], one["strength"], observe=observe)
        return model._with_parts(model.encoder, model.decoder.equalized(largest))

    def loss_terms(self, inputs):
        content = self._features(inputs["content"])
        style = self._features(inputs["style"])
        palettes = (palette.encode(inputs[name]) for name in ("content", "style"))
        recolored = self._recolored_features(inputs["content"], *palettes)
        image = self._decode(recolored, _join(self._encode(style)), self._encode(recolored))
        targets = self._loss.targets(
            self._loss_features(content, CONTENT_LAYER), [self._loss_features(style)]
        )
        terms = self._loss(targets, self._loss_features(self._features(image)), image)
        colors = self._color_loss(self._color_loss.target([inputs["style"]]), image)
        terms["style/colors"] = COLOR_SHARE * self.style_weight * colors
        return {**terms, "total": terms["total"] + terms["style/colors"]}

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


def _mixed(own, target, strength):
    """Linear interpolation from `own` at strength 0 to `target` at 1."""
    if isinstance(strength, (int, float)) and strength == 1.0:
        return target
    strength = ops.reshape(ops.convert_to_tensor(strength, "float32"), (-1, 1))
    return own + strength * (target - own)


create_mobile = functools.partial(MultiLevelModel.create, **MOBILE)
create_quality = functools.partial(MultiLevelModel.create, **QUALITY)
