"""Arbitrary style transfer by attention: a place of the photo takes what is alike.

Park and Lee, "Arbitrary Style Transfer with Style-Attentional Networks", CVPR 2019,
https://arxiv.org/abs/1812.02342.
"""

import keras
from keras import ops

from tfstyle import encoders, layers, losses
from tfstyle.encoders.layer_names import HEAD_LAYERS, stride_of
from tfstyle.models.adain import MARGIN, Decoder
from tfstyle.models.attention import StyleAttention
from tfstyle.models.base import faded, per_image
from tfstyle.models.capabilities import Tileable
from tfstyle.models.encoder_decoder import FrozenEncoderModel, normalized, pooled

LAYERS = ("relu4_1", "relu5_1")
STRIDE = stride_of(LAYERS[-1])
# Equation 8 has 50 for pixels and 1 for features, beside 1 for the content and 3 for the style.
PIXEL_IDENTITY, FEATURE_IDENTITY = 50.0, 1.0


@keras.saving.register_keras_serializable(package="tfstyle")
class SANetModel(FrozenEncoderModel, Tileable):
    """Attention at relu4_1 and relu5_1 of a frozen encoder, merged and decoded.

    A style code has keys and values of each layer, `(batch, n, c)` for a painting of n positions,
    so that codes cannot be mixed. Given the content's channel means and deviations, each position
    of the photo is computed by itself. The training loss is the paper's (section 3.3): the
    normalized content features at both layers, means and deviations of the style at relu1_1 to
    relu5_1, and the identity losses, for a photo in its own style and a painting in its own.

    Departures: each term but the identity's pixels is relative to its target, as in `losses`;
    decoder and upsampling are those of `adain`; with a strength below 1, each position attends in
    part to itself.

    Args:
        encoder: `encoders.VGG19` with the taps `TAPS`; frozen.
        margin: pixels of reflection around a picture, a multiple of 16.
        identity: factor of both identity losses.
        scales: divisors of the features at `LAYERS`; None for their root mean squares.
    Raises: ValueError for an encoder with other taps.
    """

    TAPS = HEAD_LAYERS
    STYLE_LOSS = "mean_std"
    PREFERRED_ENCODER = "lite"
    receptive_field = 10 * STRIDE  # pixels; a test measures 125
    tile_stride = STRIDE

    def __init__(self, encoder, margin=MARGIN, identity=1.0, scales=None, **kwargs):
        super().__init__(encoder, margin, STRIDE, **kwargs)
        if encoder.taps != self.TAPS:
            raise ValueError(f"`encoder` must tap {self.TAPS}. Received: taps={encoder.taps}")
        self.identity = identity
        if scales is None:
            found = encoders.feature_scales(encoder)
            scales = [found[name] for name in LAYERS]
        self.scales = tuple(scales)
        self._normalization = layers.AdaIN(dtype="float32")
        widths = encoder.widths
        self.attention4, self.attention5 = (
            StyleAttention(width, dtype=self.dtype_policy) for width in widths[3:5]
        )
        self.shrink = self._convolution(widths[3], 1, "shrink")
        self.merge = self._convolution(widths[3], 3, "merge")
        self.upsampling = layers.Upsampling2D(dtype=self.dtype_policy)
        self.decoder = Decoder(widths[:4], dtype=kwargs.get("dtype"), name="decoder")
        self.filling = layers.ReflectionPadding2D(0, STRIDE, dtype="float32")
        weight = self.style_weight / len(self.TAPS)
        self._loss = losses.PerceptualLoss(
            {},
            {name: self.make_style_losses(weight) for name in self.TAPS},
            self.tv_weight,
        )
        self._pixel_error = losses.ContentLoss(normalize=False)
        self._feature_error = losses.ContentLoss()

    def build(self, input_shape=None):
        if not self.decoder.built:
            self.decoder.build(None)
        super().build(input_shape)

    def _convolution(self, width, size, name):
        return keras.layers.Conv2D(
            width,
            size,
            padding="same",
            data_format="channels_last",
            dtype=self.dtype_policy,
            name=name,
        )

    def _attention(self, name):
        return self.attention4 if name == LAYERS[0] else self.attention5

    def _features(self, picture):
        """Of a picture and its margin, by layer."""
        return self._deep(self.encoder(self.padding(picture)))

    def _deep(self, features):
        """Those at `LAYERS`, float32, divided by `scales`."""
        return {
            name: ops.cast(features[name], "float32") / scale
            for name, scale in zip(LAYERS, self.scales, strict=True)
        }

    def _inner(self, features, picture):
        """Features of the picture itself, without its margin."""
        return {
            name: layers.without_margin(whole, picture, self.margin, stride_of(name))
            for name, whole in features.items()
        }

    def _statistics(self, features):
        return {name: self._normalization.encode(features[name]) for name in LAYERS}

    def _normalized(self, features, statistics):
        """Features of mean 0 and variance 1 by layer."""
        return {
            name: normalized(self._normalization, features[name], statistics[name])
            for name in LAYERS
        }

    def _code(self, features):
        unit = self._normalized(features, self._statistics(features))
        code = {}
        for name in LAYERS:
            keys, values = self._attention(name).encode(unit[name], features[name])
            code[f"{name}_keys"], code[f"{name}_values"] = keys, values
        return code

    def encode_style(self, style):
        return self._code(self._inner(self._features(style), style))

    def summarize(self, parts, areas, code, strength=1.0):
        found = [self._statistics(self._inner(self._features(part), part)) for part in parts]
        return {
            name: pooled(self._normalization.pool, [one[name] for one in found], areas)
            for name in LAYERS
        }

    def stylize(self, content, code, strength=1.0):
        return self._stylize(content, code, strength)

    def stylize_tile(self, tile, code, strength, summary):
        return self._stylize(tile, code, strength, summary)

    def _stylize(self, content, code, strength, summary=None):
        features = self._features(content)
        summary = summary or self._statistics(self._inner(features, content))
        image = self._decode(features, code, summary, strength)
        return faded(content, layers.without_margin(image, content, self.margin), strength)

    def _decode(self, features, code, statistics, strength=1.0):
        """The picture from the content's features, their statistics, and a style code."""
        unit = self._normalized(features, statistics)
        found = []
        for name in LAYERS:
            layer, own = self._attention(name), features[name]
            keys, values = (
                ops.convert_to_tensor(code[f"{name}_{part}"]) for part in ("keys", "values")
            )
            attended = layer(unit[name], keys, values)
            if not (isinstance(strength, (int, float)) and strength == 1.0):
                share = per_image(strength)
                attended = share * attended + (1.0 - share) * layer.at_itself(own)
            found.append(own + attended)
        deep = self.upsampling(self.shrink(found[1]))
        merged = self.merge(ops.cast(found[0], self.compute_dtype) + deep)
        return self.decoder.decode(merged)

    def _transferred(self, content, style):
        """The picture from all features of a content and of a style."""
        content = self._deep(content)
        return self._decode(content, self._code(self._deep(style)), self._statistics(content))

    def loss_terms(self, inputs):
        content, style = (self.filling(inputs[name]) for name in ("content", "style"))
        features = [self.encoder(picture) for picture in (content, style)]
        image = self._transferred(*features)
        found = self.encoder(image)
        terms = self._loss(self._loss.targets({}, [features[1]]), found, image)
        del terms["total"]
        targets, outcomes = (
            self._normalized(one, self._statistics(one))
            for one in map(self._deep, (features[0], found))
        )
        for name in LAYERS:
            error = self._feature_error(targets[name], outcomes[name])
            terms[f"content/{name}"] = self.content_weight / len(LAYERS) * error
        pixels, levels = 0.0, 0.0
        for picture, own in zip((content, style), features, strict=True):
            same = self._transferred(own, own)
            pixels = pixels + self._pixel_error(picture, same)
            again = self.encoder(same)
            levels = levels + sum(self._feature_error(own[name], again[name]) for name in own)
        terms["identity/pixels"] = self.identity * PIXEL_IDENTITY * pixels
        terms["identity/features"] = self.identity * FEATURE_IDENTITY * levels
        return {**terms, "total": sum(terms.values())}

    def get_config(self):
        return {**super().get_config(), "identity": self.identity, "scales": self.scales}
