"""The interface of every feed-forward model: style → code, content and code → picture."""

import hashlib
import json

import keras
import numpy as np
from keras import ops

from tfstyle import encoders, layers, losses
from tfstyle.errors import InputError
from tfstyle.models.capabilities import (
    Growable,
    MixableCodes,
    Pretrainable,
    StylePictures,
    Tileable,
)

STYLE_WEIGHT = 10.0  # default of models and of train.py


class StyleTransferModel(keras.Model):
    """Base of the feed-forward models.

    A subclass has `stylize` and `loss_terms`, and `encode_style` of `StylePictures` or the names of
    `NamedStyles`; what else it can do it declares by the classes of `capabilities`. Its maker is in
    `registry.ARCHITECTURES`. Pictures are `(batch, h, w, 3)` float32 RGB in [0, 1] of any height
    and width from `min_size` pixels, and a stylized picture has the size of its content.

    Args:
        content_weight: of the content term in training.
        style_weight: of the style terms in training, in sum.
        tv_weight: of the total variation in training.
        style_loss: style losses of training with their shares, as `train.py --style_loss` takes
            them; the class's `STYLE_LOSS` if empty.

    Call arguments:
        inputs: `{"content": (batch, h, w, 3)}` with `"style": (batch or 1, h2, w2, 3)` or
            `"style_index": (batch,)` and, optional, `"strength"`: `(batch,)`, from 0 for the
            content to 1 for the full style.
    Returns: `(batch, h, w, 3)` in [0, 1].
    """

    STYLE_LOSS = "gram"
    PREFERRED_ENCODER = "auto"  # of `train.py --encoder=auto`
    min_size = 32

    def __init__(
        self,
        content_weight=1.0,
        style_weight=STYLE_WEIGHT,
        tv_weight=0.0,
        style_loss="",
        **kwargs,
    ):
        # Pictures and codes stay float32 whatever the compute dtype.
        super().__init__(autocast=False, **kwargs)
        self.content_weight = content_weight
        self.style_weight = style_weight
        self.tv_weight = tv_weight
        self.style_loss = style_loss

    def stylize(self, content, code, strength=1.0):
        """Pictures of `content` in the styles of codes.

        Args:
            content: `(batch, h, w, 3)`.
            code: of a batch of as many styles, or of one.
            strength: a number or `(batch,)` in [0, 1].
        Returns: `(batch, h, w, 3)` in [0, 1].
        """
        raise NotImplementedError

    def loss_terms(self, inputs):
        """Weighted scalar training losses by name, with their sum as `total`.

        Args:
            inputs: `{"content": (batch, h, w, 3), "style": (batch, h2, w2, 3)}`, and
                `"style_index"` for `NamedStyles`.
        """
        raise NotImplementedError

    def make_style_losses(self, weight):
        """`[(loss, weight), …]` of a layer, for `losses.PerceptualLoss`; the weights add up."""
        return losses.weighted_style_losses(self.style_loss or self.STYLE_LOSS, weight)

    def style_encoder_state(self):
        """What codes depend on: a JSON-compatible value, and a list of variables.

        By default the whole model; a subclass leaves out what codes do not depend on.
        """
        return self.get_config(), self.weights

    def for_inference(self):
        """The model without what only training needs: itself, or a copy."""
        return self

    def code_identity(self):
        """A short text that is equal for two models exactly if they share their codes."""
        config, variables = self.style_encoder_state()
        digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode())
        for variable in variables:
            digest.update(np.asarray(ops.convert_to_numpy(variable), "<f4").tobytes())
        return f"{type(self).__name__}/{digest.hexdigest()[:16]}"

    def check_picture(self, picture, name):
        """Raises InputError, which names the picture, if its sides are too short for the model."""
        height, width = picture.shape[1:3]
        if min(height, width) < self.min_size:
            raise InputError(
                f"{name}: {width} × {height} pixels at this size; both sides must have "
                f"{self.min_size}"
            )

    def call(self, inputs):
        if "style" in inputs:
            code = self.encode_style(inputs["style"])
        else:
            code = self.encode_index(inputs["style_index"])
        return self.stylize(inputs["content"], code, inputs.get("strength", 1.0))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The total of `loss_terms(x)`, so that `fit` trains on a data set of such `x`."""
        return self.loss_terms(x)["total"]

    def compute_output_shape(self, input_shape):
        return input_shape["content"]

    def get_config(self):
        return {
            **super().get_config(),
            "content_weight": self.content_weight,
            "style_weight": self.style_weight,
            "tv_weight": self.tv_weight,
            "style_loss": self.style_loss,
        }


class EncoderDecoderModel(
    StyleTransferModel, StylePictures, MixableCodes, Tileable, Pretrainable, Growable
):
    """Base of the models of a frozen encoder and a decoder that is trained.

    A subclass has `TAPS`, the features that training needs, `HEADS`, whether lite has its heads,
    and `_reconstruct` beside the methods of `StyleTransferModel`.

    Args:
        encoder: `encoders.VGG19`.
        decoder: Keras model.
        margin: pixels of reflection around a picture, which keep zero padding outside of it.
        stride: pixels under one position of what the decoder starts from; sides are padded to
            multiples of it.
    """

    TAPS: tuple[str, ...] = ()
    HEADS = False
    # Pixels; of VGG-19 to relu4_1 and a decoder that mirrors it 89, as a test measures.
    receptive_field = 7 * encoders.STRIDE
    tile_stride = encoders.STRIDE

    def __init__(self, encoder, decoder, margin, stride, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.margin = margin
        self.padding = layers.ReflectionPadding2D(margin, stride, dtype="float32")
        self.min_size = margin + stride  # what can be reflected so far outwards

    @classmethod
    def create(cls, encoder="auto", vgg_weights="", dtype=None, **arguments):
        """A model with an untrained decoder.

        Args:
            encoder: "lite", "vgg19" or "auto".
            vgg_weights: as in `weight_files.encoder_path`.
            dtype: Keras dtype policy.
            **arguments: of `on_encoder`.
        """
        trunk = encoders.load_encoder(
            encoder, cls.TAPS, heads=cls.HEADS, vgg_weights=vgg_weights, dtype=dtype
        )
        return cls.on_encoder(trunk, dtype=dtype, **arguments)

    @classmethod
    def on_encoder(cls, encoder, **arguments):
        """A model with an untrained decoder on an encoder.

        Args:
            encoder: of the class, built.
            **arguments: others of the class.
        """
        model = cls(encoder, **arguments)
        model.build()
        return model

    def build(self, input_shape=None):
        if not self.encoder.built:
            self.encoder.build((None, None, None, 3))
        if not self.decoder.built:
            self.decoder.build(None)
        # Layer by layer: a part that was saved as frozen ignores being frozen again.
        for layer in self.encoder.layers:
            layer.trainable = False
        self.built = True

    def start_from(self, trained):
        if type(trained) is not type(self):
            raise ValueError(
                f"`trained` must be of the class {type(self).__name__}. Received: trained="
                f"{type(trained).__name__}"
            )
        taps = trained.encoder.taps
        if not _all_equal(*(one.encoder.cut(taps).weights for one in (self, trained))):
            raise ValueError(
                "`trained` must have the same encoder. Received: one of the widths "
                f"{trained.encoder.widths}, this being {self.encoder.widths}"
            )
        self._start_decoder(trained.decoder)

    def _start_decoder(self, trained):
        shapes = [
            [tuple(weight.shape) for weight in one.weights] for one in (self.decoder, trained)
        ]
        if shapes[0] != shapes[1]:
            raise ValueError(
                "`trained` must have a decoder of the same sizes. Received: one of "
                f"{trained.count_params()} parameters, this having {self.decoder.count_params()}"
            )
        self.decoder.set_weights(trained.get_weights())

    def stylize(self, content, code, strength=1.0):
        return self._stylize(content, code, strength)

    def stylize_tile(self, tile, code, strength, summary):
        return self._stylize(tile, code, strength, summary)

    def _stylize(self, content, code, strength, summary=None):
        """As `stylize`, and for a summary as `stylize_tile`."""
        raise NotImplementedError

    def _reconstruct(self, content):
        """The picture that the decoder makes of the content's features, without any style."""
        raise NotImplementedError

    def reconstruction_terms(self, content):
        image = self._reconstruct(content)
        error = losses.ContentLoss()
        terms = {"pixels": error(content, image)}
        wanted = self.encoder(content)
        for name, found in self.encoder(image).items():
            terms[f"content/{name}"] = error(wanted[name], found)
        return {**terms, "total": sum(terms.values())}

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "margin": self.margin,
        }

    @classmethod
    def from_config(cls, config):
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("encoder", "decoder")
        }
        return cls(**{**config, **parts})


def _all_equal(variables, others):
    return len(variables) == len(others) and all(
        np.array_equal(ops.convert_to_numpy(variable), ops.convert_to_numpy(other))
        for variable, other in zip(variables, others, strict=True)
    )


def per_image(strength):
    """A strength, a number or `(batch,)`, that multiplies `(batch, h, w, c)`."""
    return ops.reshape(ops.convert_to_tensor(strength, "float32"), (-1, 1, 1, 1))


def pooled(pool, statistics, areas):
    """Statistics of a whole from those of its parts; those of a whole are left as they are.

    Args:
        pool: function of `(k, n)` statistics and k areas.
        statistics: list of `(1, n)`, or of one `(batch, n)`.
        areas: of the parts.
    """
    if len(statistics) == 1:
        return statistics[0]
    return pool(ops.concatenate(statistics, axis=0), areas)
