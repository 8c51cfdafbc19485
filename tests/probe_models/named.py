"""Styles that were trained in, each by a name.

Dumoulin, Shlens and Kudlur, "A Learned Representation for Artistic Style", ICLR 2017: instance
normalization whose scales and shifts are the style's.
"""

import keras
from keras import ops

from tfstyle import encoders, losses
from tfstyle.models.base import StyleTransferModel, per_image
from tfstyle.models.capabilities import MixableCodes, NamedStyles

LAYER = "relu2_1"


@keras.saving.register_keras_serializable(package="tfstyle")
class NamedModel(StyleTransferModel, NamedStyles, MixableCodes):
    """A code is a style's scales and shifts of the one normalized layer.

    Args:
        encoder: `encoders.VGG19` with the tap `LAYER`; frozen, for the loss alone.
        style_names: of the paintings.
        width: channels.
    """

    def __init__(self, encoder, style_names, width=8, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.style_names = tuple(style_names)
        self.width = width
        self.first = keras.layers.Conv2D(width, 3, padding="same")
        shape = (len(self.style_names), width)
        self.scales = self.add_weight(shape, initializer="ones", name="scales")
        self.shifts = self.add_weight(shape, initializer="zeros", name="shifts")
        self.last = keras.layers.Conv2D(3, 3, padding="same", activation="sigmoid")
        self._loss = losses.PerceptualLoss(
            {LAYER: (losses.ContentLoss(), self.content_weight)},
            {LAYER: self.make_style_losses(self.style_weight)},
        )

    @classmethod
    def create(cls, encoder="auto", vgg_weights="", dtype=None, **arguments):
        trunk = encoders.load_encoder(encoder, [LAYER], heads=False, vgg_weights=vgg_weights)
        model = cls(trunk, dtype=dtype, **arguments)
        model.build()
        return model

    def encode_index(self, index):
        return {
            "scales": ops.take(self.scales, index, axis=0),
            "shifts": ops.take(self.shifts, index, axis=0),
        }

    def stylize(self, content, code, strength=1.0):
        scales, shifts = (
            ops.convert_to_tensor(code[name])[:, None, None] for name in ("scales", "shifts")
        )
        features = ops.cast(self.first(content), "float32")
        mean, variance = ops.moments(features, axes=(1, 2), keepdims=True)
        features = ops.relu((features - mean) / ops.sqrt(variance + 1e-5) * scales + shifts)
        image = ops.cast(self.last(features), "float32")
        return per_image(strength) * image + (1.0 - per_image(strength)) * content

    def loss_terms(self, inputs):
        content, style = (self.encoder(inputs[name]) for name in ("content", "style"))
        image = self.stylize(inputs["content"], self.encode_index(inputs["style_index"]))
        return self._loss(self._loss.targets(content, [style]), self.encoder(image), image)

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "style_names": self.style_names,
            "width": self.width,
        }
