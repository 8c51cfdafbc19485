"""Arbitrary style transfer by two small trained encoders and dual modulation.

Wang et al., "MicroAST: Towards Super-Fast Ultra-Resolution Arbitrary Style Transfer", AAAI 2023,
https://arxiv.org/abs/2211.15313.
"""

import keras
from keras import ops

from tfstyle import encoders, layers, losses
from tfstyle.encoders.layer_names import HEAD_LAYERS
from tfstyle.models.base import StyleTransferModel, faded, per_image
from tfstyle.models.capabilities import MixableCodes, StylePictures, Tileable
from tfstyle.models.encoder_decoder import pooled
from tfstyle.models.micro_networks import LEVELS, STRIDE, MicroDecoder, MicroEncoder

LOSS_LAYERS = HEAD_LAYERS[:4]
CONTENT_LAYER = LOSS_LAYERS[-1]
MARGIN = 32  # pixels of reflection around a picture
# Positions of the margin that the decoder keeps at each resolution, so that the zero padding of
# later convolutions stays outside of the picture.
KEPT_MARGIN = 4


@keras.saving.register_keras_serializable(package="tfstyle")
class MicroASTModel(StyleTransferModel, StylePictures, MixableCodes, Tileable):
    """Two trained encoders, of content and style, and a decoder modulated by the style.

    A style code is the channel means and deviations after each block of the style's encoder. They
    modulate the decoder's features as in AdaIN, and, by the means, its filters (section 3.2). The
    training loss has the content's error at relu4_1, means and deviations at relu1_1 to relu4_1 and
    the contrastive term on the style's signals (equations 6 to 9), of a frozen encoder that the
    model itself does not need.

    Departures: each error is relative to its target, as in `losses`; the output is a sigmoid;
    padding is one reflection around the picture; the averages of depthwise convolutions, which give
    the filters' factors, are factors of averages; the decoder's grouped convolutions are depthwise,
    for which phones have kernels.

    Args:
        loss_encoder: `encoders.VGG19` with the taps `LOSS_LAYERS`, frozen; None for inference.
        widths: channels at full, half and quarter size.
        margin: pixels of reflection around a picture, a multiple of 4.
        contrastive_weight: of the contrastive term.
    Raises: ValueError for another margin or an encoder with other taps.
    """

    STYLE_LOSS = "mean_std"
    PREFERRED_ENCODER = "lite"
    receptive_field = 16 * STRIDE  # pixels; a test measures 50
    tile_stride = STRIDE

    def __init__(
        self,
        loss_encoder=None,
        widths=(16, 32, 64),
        margin=MARGIN,
        contrastive_weight=3.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(margin, int) or margin < 0 or margin % STRIDE:
            raise ValueError(
                f"`margin` must be a multiple of {STRIDE}, at least 0. Received: margin={margin}"
            )
        if loss_encoder is not None and loss_encoder.taps != LOSS_LAYERS:
            raise ValueError(
                f"`loss_encoder` must tap {LOSS_LAYERS}. Received: taps={loss_encoder.taps}"
            )
        self.loss_encoder = loss_encoder
        self.widths = tuple(widths)
        self.margin = margin
        self.contrastive_weight = contrastive_weight
        self.min_size = max(margin + STRIDE, 32)
        dtype = kwargs.get("dtype")
        self.padding = layers.ReflectionPadding2D(margin, STRIDE, dtype="float32")
        self.content_encoder = MicroEncoder(self.widths, dtype=dtype, name="content_encoder")
        self.style_encoder = MicroEncoder(self.widths, dtype=dtype, name="style_encoder")
        self.decoder = MicroDecoder(self.widths, dtype=dtype, name="decoder")
        self.adain = layers.AdaIN(dtype="float32")
        weight = self.style_weight / len(LOSS_LAYERS)
        self._loss = losses.PerceptualLoss(
            {CONTENT_LAYER: (losses.ContentLoss(), self.content_weight)},
            {name: self.make_style_losses(weight) for name in LOSS_LAYERS},
            self.tv_weight,
        )
        self._contrast = losses.ContrastiveLoss()

    @classmethod
    def create(cls, encoder="auto", vgg_weights="", dtype=None, **arguments):
        """An untrained model; see `models.create_model`."""
        frozen = encoders.load_encoder(encoder, LOSS_LAYERS, vgg_weights=vgg_weights, dtype=dtype)
        return cls.on_encoder(frozen, dtype=dtype, **arguments)

    @classmethod
    def on_encoder(cls, loss_encoder, **arguments):
        """An untrained model with a frozen encoder for its loss; arguments of the class."""
        model = cls(loss_encoder, **arguments)
        model.build()
        return model

    def build(self, input_shape=None):
        if self.loss_encoder is not None:
            if not self.loss_encoder.built:
                self.loss_encoder.build((None, None, None, 3))
            self.loss_encoder.freeze()
        for part in (self.content_encoder, self.style_encoder, self.decoder):
            if not part.built:
                part.build(None)
        self.built = True

    def for_inference(self):
        copy = type(self).from_config({**self.get_config(), "loss_encoder": None})
        copy.build()
        for name in ("content_encoder", "style_encoder", "decoder"):
            getattr(copy, name).set_weights(getattr(self, name).get_weights())
        return copy

    def encode_style(self, style):
        return {"statistics": self._statistics(style)}

    def _statistics(self, style):
        """Means and deviations of both levels, `(batch, 2·2·c)`."""
        parts = [
            self.adain.encode(layers.without_margin(features, style, self.margin, STRIDE))
            for features in self.style_encoder(self.padding(style))
        ]
        return ops.concatenate(parts, axis=-1)

    @property
    def _kept(self):
        """Positions of the margin that the decoder keeps."""
        return min(self.margin // STRIDE, KEPT_MARGIN)

    def _content(self, picture):
        features = self.content_encoder(self.padding(picture))[-1]
        return layers.crop(features, self.margin // STRIDE - self._kept)

    def _encode_inner(self, features, picture):
        kept = STRIDE * self._kept
        return self.adain.encode(layers.without_margin(features, picture, kept, STRIDE))

    def _levels(self, code):
        """Means and deviations by level, from the deepest, which is the first to modulate."""
        statistics = ops.convert_to_tensor(code["statistics"])
        return ops.split(statistics, LEVELS, axis=-1)[::-1]

    def _modulated(self, features, own, style, strength, number):
        """A block's output for features with statistics `own` and the style's of a level."""
        modulated = ops.cast(self.adain(features, style, own), "float32")
        if not (isinstance(strength, (int, float)) and strength == 1.0):
            share = per_image(strength)
            modulated = share * modulated + (1.0 - share) * ops.cast(features, "float32")
        means, _ = ops.split(style, 2, axis=-1)
        return self.decoder.block(modulated, means, number)

    def summarize(self, parts, areas, code, strength=1.0):
        style, _ = self._levels(code)
        first = pooled(
            self.adain.pool,
            [self._encode_inner(self._content(part), part) for part in parts],
            areas,
        )
        second = []
        for part in parts:
            x = self._modulated(self._content(part), first, style, strength, 1)
            second.append(self._encode_inner(x, part))
        return {"first": first, "second": pooled(self.adain.pool, second, areas)}

    def stylize(self, content, code, strength=1.0):
        return self._stylize(content, code, strength)

    def stylize_tile(self, tile, code, strength, summary):
        return self._stylize(tile, code, strength, summary)

    def _stylize(self, content, code, strength, summary=None):
        height, width = ops.shape(content)[1:3]
        x = self._content(content)
        for number, (name, style) in enumerate(
            zip(("first", "second"), self._levels(code), strict=True), 1
        ):
            own = summary[name] if summary else self._encode_inner(x, content)
            x = self._modulated(x, own, style, strength, number)
        image = self.decoder(x, margin=self._kept)[:, :height, :width]
        return faded(content, image, strength)

    def _signals(self, statistics):
        """All that modulates the decoder, `(batch, n)`."""
        found = [statistics]
        for number, style in enumerate(self._levels({"statistics": statistics}), 1):
            found += self.decoder.filters(ops.split(style, 2, axis=-1)[0], number)
        return ops.concatenate(found, axis=-1)

    def loss_terms(self, inputs):
        if self.loss_encoder is None:
            raise ValueError("`loss_encoder` must be given for training. Received: None")
        statistics = self._statistics(inputs["style"])
        image = self.stylize(inputs["content"], {"statistics": statistics})
        content, style, found = (
            self.loss_encoder(picture) for picture in (inputs["content"], inputs["style"], image)
        )
        terms = self._loss(self._loss.targets(content, [style]), found, image)
        signals = (self._signals(one) for one in (statistics, self._statistics(image)))
        contrast = self.contrastive_weight * self._contrast(*signals)
        return {**terms, "contrast": contrast, "total": terms["total"] + contrast}

    def style_encoder_state(self):
        config = {"widths": self.widths, "margin": self.margin}
        return config, self.style_encoder.weights

    def get_config(self):
        encoder = self.loss_encoder and keras.saving.serialize_keras_object(self.loss_encoder)
        return {
            **super().get_config(),
            "loss_encoder": encoder,
            "widths": self.widths,
            "margin": self.margin,
            "contrastive_weight": self.contrastive_weight,
        }
