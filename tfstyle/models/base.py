"""The interface of every feed-forward model: style → code, content and code → picture."""

import hashlib
import json
from typing import Any

import keras
import numpy as np
from keras import ops

from tfstyle import encoders, losses
from tfstyle.models.capabilities import StylePictures, check_sides

STYLE_WEIGHT = 10.0  # default of models and of train.py


class StyleTransferModel(keras.Model):
    """Base of the feed-forward models.

    A subclass has `stylize` and `loss_terms`, and `encode_style` of `StylePictures` or the names of
    `NamedStyles`; it declares other abilities by the classes of `capabilities`. Its factory is in
    `registry.ARCHITECTURES`. Pictures are `(batch, h, w, 3)` float32 RGB in [0, 1] of any height
    and width from `min_size` pixels, and a stylized picture has the size of its content.

    Args:
        content_weight: of the content term in training.
        style_weight: of the style terms in training, which the shares of `style_loss` multiply.
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
            code: of `batch` styles, or of one.
            strength: a number or `(batch,)` in [0, 1].
        Returns: `(batch, h, w, 3)` in [0, 1]; at strength 0 the content itself, see `faded`.
        """
        raise NotImplementedError

    def paint(self, content, code, strength=1.0):
        """As `stylize`, for losses: of any range, where the model can."""
        return self.stylize(content, code, strength)

    def loss_terms(self, inputs):
        """Weighted scalar training losses by name, with their sum as `total`.

        Args:
            inputs: `{"content": (batch, h, w, 3), "style": (batch, h2, w2, 3)}`, and
                `"style_index"` for `NamedStyles`.
        """
        raise NotImplementedError

    def make_style_losses(self, weight):
        """`[(loss, weight), …]` of a layer, for `losses.PerceptualLoss`: `weight` times shares."""
        return losses.weighted_style_losses(self.style_loss or self.STYLE_LOSS, weight)

    def style_encoder_state(self):
        """What codes depend on: a JSON-compatible value, and a list of variables.

        By default the whole model; a subclass leaves out what codes do not depend on.
        """
        config = self.get_config()
        config.pop("name")
        return config, self.weights

    def for_inference(self):
        """The model without what only training needs: itself, or a copy."""
        return self

    def code_identity(self):
        """A short text, equal for two models exactly if their codes are interchangeable."""
        return self._identity(*self.style_encoder_state())

    def frozen_identity(self):
        """A short text that training does not change, by which a run recognizes its model."""
        return self._identity({}, self.non_trainable_weights)

    def whole_identity(self):
        """A short text, equal for two models exactly if they paint the same."""
        config = self.get_config()
        config.pop("name")
        return self._identity(config, self.weights)

    def _identity(self, config, variables):
        digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode())
        for variable in variables:
            digest.update(np.asarray(ops.convert_to_numpy(variable), "<f4").tobytes())
        return f"{type(self).__name__}/{digest.hexdigest()[:16]}"

    def check_picture(self, picture, name):
        """Raises InputError, which names the picture, if its sides are too short for the model."""
        check_sides(picture, name, self.min_size)

    def build(self, input_shape=None):
        """Paints a picture of zeros, which builds all layers, and freezes encoders."""
        side = 2 * self.min_size
        picture = ops.zeros((1, side, side, 3))
        self.call({"content": picture, "style": picture, "style_index": ops.zeros((1,), "int32")})
        for part in self.layers:
            if isinstance(part, encoders.VGG19):
                part.freeze()
        self.built = True

    def encode(self, inputs):
        """Codes of whichever form of style the model takes.

        Args:
            inputs: with `"style"` for `StylePictures`, with `"style_index"` for `NamedStyles`.
        """
        if isinstance(self, StylePictures):
            return self.encode_style(inputs["style"])
        return self.encode_index(inputs["style_index"])

    def call(self, inputs):
        return self.stylize(inputs["content"], self.encode(inputs), inputs.get("strength", 1.0))

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

    @classmethod
    def from_config(cls, config):
        """A model from a config in which parts, such as the encoder, are serialized by Keras."""
        return cls(**{name: _deserialized(value) for name, value in config.items()})


def _deserialized(value):
    is_part = isinstance(value, dict) and "class_name" in value
    return keras.saving.deserialize_keras_object(value) if is_part else value


def per_image(strength: Any) -> Any:
    """A strength, a number or `(batch,)`, in a shape that multiplies `(batch, h, w, c)`."""
    return ops.reshape(ops.convert_to_tensor(strength, "float32"), (-1, 1, 1, 1))


def faded(content: Any, image: Any, strength: Any) -> Any:
    """Pictures that fade from their content, at strength 0, to `image`, at strength 1.

    A model's own picture at strength 0 is only a reconstruction. The content's share is the square
    of 1 - strength: a smaller power shows both pictures at once, a larger one leaves the content
    too fast.

    Args:
        content: `(batch, h, w, 3)`.
        image: `(batch, h, w, 3)`, the model's picture at `strength`.
        strength: a number or `(batch,)` in [0, 1].
    """
    if isinstance(strength, (int, float)) and strength == 1.0:
        return image
    rest = 1.0 - per_image(strength)
    rest = rest * rest
    return rest * content + (1.0 - rest) * image
