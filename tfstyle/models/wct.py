"""Any style by whitening and colouring features at each level, coarse to fine.

Li et al., "Universal Style Transfer via Feature Transforms", NIPS 2017,
https://arxiv.org/abs/1705.08086. The decoder is trained to reconstruct pictures and never sees a
style.
"""

import keras
from keras import ops

from tfstyle import covariances, encoders, layers, losses, statistics
from tfstyle.models.base import faded
from tfstyle.models.encoder_decoder import EncoderDecoderModel
from tfstyle.models.inverting_decoder import InvertingDecoder, level, taps_of

MAPS = {"transport": covariances.transport, "whitening": covariances.whitening_coloring}
MARGIN = 32  # pixels
# Of the trace, of features; pixels have that of `covariances`. With the least that float32 allows,
# directions in which the photo hardly varies were amplified until edges had coloured fringes.
EPSILON = 1e-4


@keras.saving.register_keras_serializable(package="tfstyle")
class WCTModel(EncoderDecoderModel):
    """Features take the style's mean and covariance at relu{depth}_1, …, relu1_1, and so do pixels.

    A style code has, for each level k, 0 for pixels, `mean{k}` and `root{k}`, the square root of
    the covariance. `strength` is the paper's α, at each level. Mixtures of codes are as its
    interpolation: a weighted mean of roots gives that of the coloured features.

    Departures from the paper: one decoder goes from level to level, instead of one to a picture for
    each, whose picture is encoded again; the decoder gets details of the photo from the encoder
    (both as in PhotoWCT2, see `InvertingDecoder`); the map is by default the optimal transport
    between the Gaussians (Lu et al., ICCV 2019), which keeps the content better; relu4_1 is the
    deepest level by default, since the layers to relu5_1 have three quarters of the weights;
    matrix roots are computed by products (see `covariances`), with a larger epsilon; the last level
    is the pixels, without which a picture had more contrast than the style.

    Training minimizes errors of each block and of the whole chain, of both photos and paintings;
    the weights of content and style are not used.

    Args:
        encoder: `encoders.VGG19` with the taps `taps_of(depth)`, or of a larger depth; frozen.
        decoder: None for a new `InvertingDecoder`.
        scales: divisors of the features by layer; None for `encoders.feature_scales`.
        depth: of the deepest level, 2 to 5.
        mapping: "transport" or "whitening".
        shares: of transformed features at each level at full strength, the deepest first and pixels
            last; () for 1 at all.
        detail: share of the photo's details, from 0 to 1, that the decoder gets.
        epsilon: of `covariances`, of features; more leaves weak directions weak, which are noise.
        margin: pixels of reflection around a picture, a multiple of 2^(depth - 1).
    Raises: ValueError for another encoder, depth, mapping or detail.
    """

    POOLING = "max"
    INTERPOLATION = "bilinear"
    LEAST_STRIDE = 1  # pixels that sides of padded pictures are multiples of, at least
    PREFERRED_ENCODER = "lite"

    def __init__(
        self,
        encoder,
        decoder=None,
        scales=None,
        depth=4,
        mapping="transport",
        shares=(),
        detail=0.5,
        epsilon=EPSILON,
        margin=MARGIN,
        **kwargs,
    ):
        check_depth(depth)
        if mapping not in MAPS:
            raise ValueError(f"`mapping` must be one of {[*MAPS]}. Received: mapping={mapping}")
        if not 0.0 <= detail <= 1.0:
            raise ValueError(f"`detail` must be from 0 to 1. Received: detail={detail}")
        if not {*taps_of(depth)} <= {*encoder.taps}:
            raise ValueError(f"`encoder` must tap {taps_of(depth)}. Received: taps={encoder.taps}")
        if decoder is None:
            decoder = InvertingDecoder(
                encoder.widths[:depth],
                self.INTERPOLATION,
                dtype=kwargs.get("dtype"),
                name="decoder",
            )
        stride = max(self.LEAST_STRIDE, 2 ** (depth - 1))
        super().__init__(encoder, decoder, margin, stride, **kwargs)
        self.depth = depth
        self.mapping = mapping
        self.shares = tuple(shares)
        self.detail = detail
        self.epsilon = epsilon
        if depth == 5:
            self.receptive_field *= 2
        self.scales = dict(scales or encoders.feature_scales(encoder))

    @classmethod
    def create(cls, encoder="auto", vgg_weights="", dtype=None, depth=4, **arguments):
        check_depth(depth)
        trunk = encoders.load_encoder(
            encoder,
            taps_of(depth),
            heads=False,
            vgg_weights=vgg_weights,
            pooling=cls.POOLING,
            dtype=dtype,
        )
        return cls.on_encoder(trunk, dtype=dtype, depth=depth, **arguments)

    def _features(self, picture):
        """The features of a picture and of the margin around it, divided by their scales."""
        return self._divided(self.encoder(self.padding(picture)))

    def _divided(self, features):
        return {k: ops.cast(v, "float32") / self.scales[k] for k, v in features.items()}

    @property
    def _numbers(self):
        """Of the levels: the decoder's blocks and, last, 0 for pixels."""
        return [*self.decoder.blocks, 0]

    def _share_of(self, number):
        return self.shares[self._numbers.index(number)] if self.shares else 1.0

    def _epsilon_of(self, number):
        return self.epsilon if number else covariances.EPSILON

    def _statistics(self, block, features):
        """Mean and covariance at a level, without the margin."""
        return statistics.covariance(layers.crop(features, self.margin // 2 ** max(block - 1, 0)))

    def encode_style(self, style):
        features, code = self._features(style), {}
        for block in self._numbers:
            if block:
                mean, covariance = self._statistics(block, features[level(block)])
            else:
                mean, covariance = statistics.covariance(style)
            code[f"mean{block}"] = mean
            code[f"root{block}"], _ = covariances.roots(covariance)
        return code

    def _levels(self, picture, code, strength, summary):
        """For each level, its number and its features, not yet the style's; last None, the picture.

        Args:
            picture: of the content, with its margin.
            code: of the style.
            strength: of `stylize`.
            summary: `mean{k}` and `covariance{k}` of the features that are yielded; read only after
                they are, and computed where missing.
        """
        features = self._divided(self.encoder(picture))
        x = features[level(self.depth)]
        for block in self._numbers:
            yield block, x
            x = self._colored(block, x, code, strength, summary)
            if block:
                x = self.decoder.invert(block, x, features, self.detail)
        yield None, x

    def _colored(self, block, x, code, strength, summary):
        """Features of a level with the style's mean and covariance; arguments as of `_levels`."""
        if f"mean{block}" in summary:
            mean, covariance = (summary[f"{k}{block}"] for k in ("mean", "covariance"))
        else:
            mean, covariance = self._statistics(block, x)
        root = ops.convert_to_tensor(code[f"root{block}"])
        target = ops.convert_to_tensor(code[f"mean{block}"])
        epsilon = self._epsilon_of(block)
        matrix = MAPS[self.mapping](covariance, root, epsilon)
        share = strength * self._share_of(block)
        if not isinstance(share, (int, float)) or share != 1.0:
            share = ops.convert_to_tensor(share, "float32")
            matrix, target = covariances.blended(share, mean, matrix, target)
        return covariances.transform(x, mean, matrix, target)

    def paint_padded(self, picture, code, strength=1.0, summary=None):
        """As `stylize`, of any range, and of a picture with its margin, which remains."""
        *_, (_, image) = self._levels(picture, code, strength, summary or {})
        return image

    def _stylize(self, content, code, strength, summary=None):
        image = self.paint_padded(self.padding(content), code, strength, summary)
        image = layers.without_margin(image, content, self.margin)
        return faded(content, ops.clip(image, 0.0, 1.0), strength)

    def summarize(self, parts, areas, code, strength=1.0, prepare=None):
        """Means and covariances by level; each depends on those of deeper levels, of all parts.

        Args:
            parts: as in the base class.
            areas: likewise.
            code: likewise.
            strength: likewise.
            prepare: None for `padding`, or what else gives parts their margin.
        """
        prepare = prepare or self.padding
        summary: dict = {}
        if len(parts) == 1:  # in one pass, since statistics are read only after their level
            for block, x in self._levels(prepare(parts[0]), code, strength, summary):
                if block is not None:
                    summary |= _named(block, *self._statistics(block, x))
            return summary
        for block in self._numbers:
            found = [self._at(block, prepare(part), code, strength, summary) for part in parts]
            means, spreads = zip(*found, strict=True)
            summary |= _named(block, *covariances.pool(means, spreads, areas))
        return summary

    def _at(self, block, picture, code, strength, summary):
        """Mean and covariance of a picture, with its margin, at a level."""
        levels = self._levels(picture, code, strength, summary)
        return next(self._statistics(block, x) for number, x in levels if number == block)

    def loss_terms(self, inputs):
        both = [self.reconstruction_terms(inputs[name]) for name in ("content", "style")]
        return {name: 0.5 * (both[0][name] + both[1][name]) for name in both[0]}

    def reconstruction_terms(self, content):
        """The paper's equation 1, and the errors of each block for the encoder's own features."""
        terms = super().reconstruction_terms(content)
        features, error = self._divided(self.encoder(content)), losses.ContentLoss()
        for block in self.decoder.blocks:
            found = self.decoder.invert(block, features[level(block)], features, self.detail)
            target = content if block == 1 else features[level(block - 1)]
            terms[f"block/{level(block)}"] = error(target, found)
        total = sum(value for name, value in terms.items() if name != "total")
        return {**terms, "total": total}

    def _reconstruct(self, content):
        features = self._divided(self.encoder(content))
        x = features[level(self.depth)]
        for block in self.decoder.blocks:
            x = self.decoder.invert(block, x, features, self.detail)
        return x

    def style_encoder_state(self):
        config = {
            "widths": self.encoder.widths,
            "depth": self.depth,
            "pooling": self.encoder.pooling,
            "scales": self.scales,
            "margin": self.margin,
        }
        return config, self.encoder.weights

    def get_config(self):
        return {
            **super().get_config(),
            "scales": self.scales,
            "depth": self.depth,
            "mapping": self.mapping,
            "shares": self.shares,
            "detail": self.detail,
            "epsilon": self.epsilon,
        }


def _named(block, mean, covariance):
    return {f"mean{block}": mean, f"covariance{block}": covariance}


def check_depth(depth):
    """Raises ValueError for a depth that has no decoder."""
    if depth not in range(2, 6):
        raise ValueError(f"`depth` must be from 2 to 5. Received: depth={depth}")
