"""The interface of every feed-forward model: style → code, content and code → picture."""

import hashlib
import json

import keras
import numpy as np
from keras import ops

from tfstyle import encoders, layers, losses
from tfstyle.errors import InputError

STYLE_WEIGHT = 10.0  # default of models and of train.py


class StyleTransferModel(keras.Model):
    """Base of the feed-forward models.

    A subclass has `encode_style`, `stylize` and `loss_terms`, and is registered in
    `models.MODELS`. Pictures are `(batch, h, w, 3)` float32 RGB in [0, 1] of any height and width
    from `min_size` pixels, and a stylized picture has the size of its content.

    Args:
        content_weight: of the content term in training.
        style_weight: of the style term in training.
        tv_weight: of the total variation in training.

    Call arguments:
        inputs: `{"content": (batch, h, w, 3), "style": (batch or 1, h2, w2, 3)}` and, optional,
            `"strength"`: `(batch,)`, from 0 for the content to 1 for the full style.
    Returns: `(batch, h, w, 3)` in [0, 1].
    """

    min_size = 32

    def __init__(self, content_weight=1.0, style_weight=STYLE_WEIGHT, tv_weight=0.0, **kwargs):
        # Pictures and codes stay float32 whatever the compute dtype.
        super().__init__(autocast=False, **kwargs)
        self.content_weight = content_weight
        self.style_weight = style_weight
        self.tv_weight = tv_weight

    def encode_style(self, style):
        """`(batch, n)` float32 codes of style pictures; their weighted means are codes too."""
        raise NotImplementedError

    def encode_content(self, content, code, strength=1.0, own_palette=None):
        """Codes that `stylize` normalizes pictures by: its `content_code`.

        Args:
            content: of `stylize`.
            code: of `stylize`.
            strength: of `stylize`.
            own_palette: `(batch or 1, 12)` from `palette.encode`, of the picture that content is a
                part of; content's own by default. Only models that recolour need it.
        Returns: `(batch, n)`, which `pool_codes` pools.
        """
        return self.encode_style(content)

    def stylize(self, content, code, strength=1.0, content_code=None):
        """Pictures of `content` in the styles of codes.

        Args:
            content: `(batch, h, w, 3)`.
            code: `(batch or 1, n)` from `encode_style`.
            strength: a number or `(batch,)` in [0, 1].
            content_code: `(batch or 1, n)` from `encode_content`, of the picture that content is a
                part of, at the same code and strength: so parts become parts of one picture.
                Content's own by default.
        Returns: `(batch, h, w, 3)` in [0, 1].
        """
        raise NotImplementedError

    def pool_codes(self, codes, areas):
        """The code `(1, n)` of a picture from those of its parts.

        Args:
            codes: `(k, n)` from `encode_style` or `encode_content`.
            areas: k numbers, the parts' sizes.
        """
        raise NotImplementedError

    def loss_terms(self, inputs):
        """Weighted scalar training losses by name, with their sum as `total`.

        Args:
            inputs: `{"content": (batch, h, w, 3), "style": (batch, h2, w2, 3)}`.
        """
        raise NotImplementedError

    def reconstruction_terms(self, content):
        """Like `loss_terms`, of reproducing `content` itself; for pretraining a decoder."""
        raise NotImplementedError

    def style_encoder_state(self):
        """What codes depend on: a JSON-compatible value, and a list of variables."""
        raise NotImplementedError

    def start_from(self, trained):
        """Takes over what was trained of a model.

        Args:
            trained: a model of the same class.
        Raises: ValueError, which says why, if it does not fit; then nothing is changed.
        """
        raise NotImplementedError

    def for_inference(self):
        """The model without what only training needs: itself, or a copy."""
        return self

    def code_identity(self):
        """A short text that is equal for two models exactly if they share their codes."""
        config, variables = self.style_encoder_state()
        digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
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
        code = self.encode_style(inputs["style"])
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
        }


class EncoderDecoderModel(StyleTransferModel):
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
            vgg_weights: as in `weights.encoder_path`.
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
