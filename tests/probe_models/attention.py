"""A style as a feature map: each position of the photo takes what is alike from it.

As in Park and Lee, "Arbitrary Style Transfer with Style-Attentional Networks", CVPR 2019, without
their trained projections.
"""

import keras
from keras import ops

from tfstyle import encoders, layers, losses
from tfstyle.models.base import StyleTransferModel, faded, per_image
from tfstyle.models.capabilities import StylePictures, Tileable

LAYER = "relu3_1"
STRIDE = 4  # pixels under one position of it


@keras.saving.register_keras_serializable(package="tfstyle")
class AttentionModel(StyleTransferModel, StylePictures, Tileable):
    """A code is the features themselves, whose size depends on the painting's.

    Args:
        encoder: `encoders.VGG19` with the tap `LAYER`; frozen.
        margin: pixels of reflection around a picture.
    """

    receptive_field = 24
    tile_stride = STRIDE

    def __init__(self, encoder, margin=16, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.margin = margin
        self.padding = layers.ReflectionPadding2D(margin, STRIDE)
        self.to_image = keras.layers.Conv2D(3, 1, activation="sigmoid")
        self.upsampling = layers.Upsampling2D()
        self._loss = losses.PerceptualLoss(
            {LAYER: (losses.ContentLoss(), self.content_weight)},
            {LAYER: self.make_style_losses(self.style_weight)},
        )

    @classmethod
    def create(cls, encoder="auto", vgg_weights="", dtype=None, **arguments):
        trunk = encoders.load_encoder(
            encoder, [LAYER], heads=False, vgg_weights=vgg_weights, dtype=dtype
        )
        model = cls(trunk, dtype=dtype, **arguments)
        model.build()
        return model

    def encode_style(self, style):
        start = self.margin // STRIDE
        return {"map": self._features(style)[:, start:-start, start:-start]}

    def stylize(self, content, code, strength=1.0):
        batch, height, width = ops.shape(content)[:3]
        features = self._features(content)
        channels = features.shape[-1]
        queries = ops.reshape(features, (batch, -1, channels))
        values = ops.convert_to_tensor(code["map"])
        values = ops.reshape(values, (ops.shape(values)[0], -1, channels))
        likeness = ops.matmul(queries, ops.transpose(values, (0, 2, 1))) * channels**-0.5
        mixed = ops.reshape(ops.matmul(ops.softmax(likeness), values), ops.shape(features))
        mixed = per_image(strength) * mixed + (1.0 - per_image(strength)) * features
        image = ops.cast(self.to_image(self.upsampling(self.upsampling(mixed))), "float32")
        top = left = self.margin
        return faded(content, image[:, top : top + height, left : left + width], strength)

    def stylize_tile(self, tile, code, strength, summary):
        return self.stylize(tile, code, strength)  # which looks at no statistics of the photo

    def loss_terms(self, inputs):
        content, style = (self._features(inputs[name]) for name in ("content", "style"))
        image = self.stylize(inputs["content"], self.encode_style(inputs["style"]))
        targets = self._loss.targets({LAYER: content}, [{LAYER: style}])
        return self._loss(targets, {LAYER: self._features(image)}, image)

    def get_config(self):
        encoder = keras.saving.serialize_keras_object(self.encoder)
        return {**super().get_config(), "encoder": encoder, "margin": self.margin}

    def _features(self, picture):
        return ops.cast(self.encoder(self.padding(picture))[LAYER], "float32")
