"""Arbitrary style transfer with several sizes of strokes, chosen by an attention map.

Yao et al., "Attention-aware Multi-stroke Style Transfer", CVPR 2019,
https://arxiv.org/abs/1901.05127.
"""

import keras
from keras import ops

from tfstyle import encoders, layers, losses
from tfstyle.models.adain import CODE_LAYER, MARGIN, STRIDE, STYLE_LAYERS, Decoder
from tfstyle.models.attention import StyleAttention, as_map, as_positions, attend
from tfstyle.models.base import faded, per_image
from tfstyle.models.encoder_decoder import FrozenEncoderModel, normalized

PATCH = 3  # positions
# Of the softmax over cosines that stands for the nearest patch: a difference of 0.01 counts e.
SHARPNESS = 100.0
THETA = 50.0  # of the fusion, as in the authors' code
_ITERATIONS = 5  # of the clustering
_EPSILON = 1e-3
# Of the authors' code, there beside perceptual errors that are not relative.
PIXELS, SPARSITY = 10.0, 6.0


@keras.saving.register_keras_serializable(package="tfstyle")
class MultiStrokeModel(FrozenEncoderModel):
    """A self-attention autoencoder at relu4_1, and a swap of patches at several scales.

    Trained to reconstruct pictures alone (section 3.1): the error of pixels and of features, and a
    mean absolute attention residual, so that only salient places have one. `style_weight` and
    `style_loss` have no effect. To stylize, features of content and style are normalized; patches
    of the content are replaced by the style's nearest, for a style map of full, half and quarter
    size (section 3.3); the results and the content itself, from the coarsest strokes to the finest,
    are fused by the attention's distance to cluster centres (equations 9 and 10), the finest where
    attention is greatest.

    A style code is the style's normalized map, `(batch, h, w, c)`, and its means and deviations, so
    that codes cannot be mixed. Larger strokes come with a larger `--style_size`, as for all models;
    `scales` says how many sizes there are. Clusters are of the whole photo, and each position
    attends to all, so that it cannot be painted in tiles; both kinds of attention are computed in
    chunks, in bounded memory.

    Departures: channels are normalized by their deviations, where the paper whitens; patches are of
    3 × 3 instead of 5 × 5 positions, and the nearest is a sharp softmax's mean; scales are by
    factors of two; clustering is soft, in a fixed number of steps; decoder of `adain`.

    Args:
        encoder: `encoders.VGG19` with the taps `TAPS`; frozen.
        margin: pixels of reflection around a picture, a multiple of 8.
        scales: number of style maps, of which each is half as large as the one before; from 1.
        scale: divisor of the features; None for their root mean square.
    Raises: ValueError for an encoder with other taps, or no scale.
    """

    TAPS = STYLE_LAYERS
    PREFERRED_ENCODER = "lite"

    def __init__(self, encoder, margin=MARGIN, scales=3, scale=None, **kwargs):
        super().__init__(encoder, margin, STRIDE, **kwargs)
        if encoder.taps != self.TAPS:
            raise ValueError(f"`encoder` must tap {self.TAPS}. Received: taps={encoder.taps}")
        if scales < 1:
            raise ValueError(f"`scales` must be at least 1. Received: scales={scales}")
        self.scales = scales
        self.scale = encoders.feature_scales(encoder)[CODE_LAYER] if scale is None else scale
        self.attention = StyleAttention(encoder.widths[3], dtype=self.dtype_policy)
        self.adain = layers.AdaIN(dtype="float32")
        self.decoder = Decoder(encoder.widths[:4], dtype=kwargs.get("dtype"), name="decoder")
        self._error = losses.ContentLoss()
        self._pixel_error = losses.ContentLoss(normalize=False)
        self._total_variation = losses.TotalVariationLoss()
        # Of Keras, whose losses are divided by the number of replicas.
        self._magnitude = keras.losses.MeanAbsoluteError()

    def build(self, input_shape=None):
        if not self.decoder.built:
            self.decoder.build(None)
        super().build(input_shape)

    def _scaled(self, found):
        return ops.cast(found[CODE_LAYER], "float32") / self.scale

    def _attended(self, features):
        """Features with their attention residual, and the residual."""
        residual = self.attention(features, *self.attention.encode(features, features))
        return features + residual, residual

    def encode_style(self, style):
        features, _ = self._attended(self._scaled(self.encoder(self.padding(style))))
        features = layers.without_margin(features, style, self.margin, STRIDE)
        return {
            "map": normalized(self.adain, features),
            "statistics": self.adain.encode(features),
        }

    def stylize(self, content, code, strength=1.0):
        features, residual = self._attended(self._scaled(self.encoder(self.padding(content))))
        inner = layers.without_margin(features, content, self.margin, STRIDE)
        own = self.adain.encode(inner)
        plain = normalized(self.adain, features, own)
        strokes, style = [plain], ops.convert_to_tensor(code["map"])
        for number in range(self.scales):
            if number:
                style = normalized(
                    self.adain, ops.average_pool(style, 2, 2, data_format="channels_last")
                )
            strokes.insert(1, swapped(plain, style))  # small maps, whose strokes are fine, first
        shares = fusion_shares(attention_map(residual), len(strokes))
        fused = sum(shares[..., k : k + 1] * stroke for k, stroke in enumerate(strokes))
        stylized = self.adain(fused, ops.convert_to_tensor(code["statistics"]))
        if not (isinstance(strength, (int, float)) and strength == 1.0):
            share = per_image(strength)
            stylized = share * stylized + (1.0 - share) * features
        image = self.decoder.decode(stylized)
        return faded(content, layers.without_margin(image, content, self.margin), strength)

    def loss_terms(self, inputs):
        terms = dict.fromkeys(("pixels", *(f"content/{n}" for n in self.TAPS), "attention"), 0.0)
        if self.tv_weight:
            terms["tv"] = 0.0
        for picture in (inputs["content"], inputs["style"]):
            targets = self.encoder(picture)
            features, residual = self._attended(self._scaled(targets))
            image = self.decoder.decode(features)
            found = {
                "pixels": PIXELS * self._pixel_error(picture, image),
                "attention": SPARSITY * self._magnitude(ops.zeros_like(residual), residual),
            }
            again = self.encoder(image)
            for name in self.TAPS:
                found[f"content/{name}"] = self._error(targets[name], again[name])
            if self.tv_weight:
                found["tv"] = self._total_variation(image, image) * self.tv_weight
            for name, value in found.items():
                factor = 1.0 if name == "tv" else self.content_weight
                terms[name] = terms[name] + 0.5 * factor * value
        return {**terms, "total": sum(terms.values())}

    def get_config(self):
        return {**super().get_config(), "scales": self.scales, "scale": self.scale}


def patches(features):
    """The 3 × 3 positions around each, `(batch, h, w, 9·c)`; zeros outside of the map."""
    height, width = ops.shape(features)[1:3]
    border = (PATCH // 2,) * 2
    padded = ops.pad(features, [(0, 0), border, border, (0, 0)])
    parts = [padded[:, i : i + height, j : j + width] for i in range(PATCH) for j in range(PATCH)]
    return ops.concatenate(parts, axis=-1)


def swapped(content, style):
    """A content's map of which each patch is replaced by the style's nearest, in cosine.

    Chen and Schmidt, "Fast Patch-based Style Transfer of Arbitrary Style", 2016,
    https://arxiv.org/abs/1612.04337, equations 2 and 3: overlapping patches are averaged.

    Args:
        content: `(batch, h, w, c)` float32.
        style: `(batch or 1, h2, w2, c)` float32.
    Returns: `(batch, h, w, c)`.
    """
    height, width = ops.shape(content)[1:3]
    found = patches(style)
    queries = as_positions(_unit(patches(content))) * SHARPNESS
    nearest = as_map(attend(queries, as_positions(_unit(found)), as_positions(found)), content)
    border = (PATCH // 2,) * 2
    padded = ops.pad(nearest, [(0, 0), border, border, (0, 0)])
    channels = content.shape[-1]
    parts = [
        # What the neighbour at (i, j) of a position says about that position.
        padded[
            :, i : i + height, j : j + width,
            (PATCH**2 - 1 - i * PATCH - j) * channels : (PATCH**2 - i * PATCH - j) * channels,
        ]
        for i in range(PATCH)
        for j in range(PATCH)
    ]  # fmt: skip
    return sum(parts) / PATCH**2


def _unit(vectors):
    """Vectors along the last axis of length 1, or shorter if they are about 0."""
    squares = ops.mean(vectors * vectors, axis=-1, keepdims=True)
    return vectors * ops.rsqrt(squares + _EPSILON) * vectors.shape[-1] ** -0.5


def attention_map(residual):
    """`(batch, h, w, 1)` in [0, 1]: the mean magnitude of a residual, smoothed (section 3.2)."""
    magnitude = ops.mean(ops.abs(residual), axis=-1, keepdims=True)
    smooth = ops.average_pool(magnitude, 3, 1, padding="same", data_format="channels_last")
    least = ops.min(smooth, axis=(1, 2), keepdims=True)
    most = ops.max(smooth, axis=(1, 2), keepdims=True)
    return (smooth - least) / (most - least + _EPSILON)


def fusion_shares(attention, count):
    """`(batch, h, w, count)` shares of strokes, from the finest, where attention is greatest.

    Equations 9 and 10: a softmax of the distances to cluster centres of the attention's values.
    """
    centres = ops.reshape(
        ops.convert_to_tensor([(count - k - 0.5) / count for k in range(count)], "float32"),
        (1, 1, 1, count),
    )
    for _ in range(_ITERATIONS):
        shares = ops.softmax(-THETA * ops.abs(attention - centres), axis=-1)
        total = ops.mean(shares, axis=(1, 2), keepdims=True)
        found = ops.mean(shares * attention, axis=(1, 2), keepdims=True)
        # An empty cluster stays where it is.
        centres = (found + _EPSILON * centres) / (total + _EPSILON)
    return ops.softmax(-THETA * ops.abs(attention - centres), axis=-1)
