"""Reflection padding, cropping and upsampling, for images of any size; scopes of precision."""

from typing import Literal

import keras
from keras import ops

from tfstyle.statistics import Tensor


def precision(name: Literal["float32", "int8"]):
    """A name scope whose operations int8 files compute in one precision, whatever their kind.

    Elsewhere it depends on the kind; see `exporting.quantization`.
    """
    return keras.name_scope(f"in_{name}")


def crop(features: Tensor, margin: int) -> Tensor:
    """`(batch, h, w, c)` features without `margin` positions on each side."""
    return features[:, margin:-margin, margin:-margin] if margin else features


def without_margin(features: Tensor, picture: Tensor, margin: int, stride: int = 1) -> Tensor:
    """The part of a padded picture's features, or of what is painted of it, that shows the picture.

    Args:
        features: `(batch, h, w, c)`; their padding ends at least `margin` pixels beyond.
        picture: `(batch, h2, w2, 3)`, before it was padded; only its size counts.
        margin: pixels above and left of the picture.
        stride: pixels under one position.
    """
    start = margin // stride
    height, width = (side // stride for side in ops.shape(picture)[1:3])
    return features[:, start : start + height, start : start + width]


def per_channel(values: Tensor) -> Tensor:
    """`(batch, c)` or `(c,)` values as `(batch, 1, 1, c)`; indexing by None exports a slice."""
    return ops.reshape(values, (-1, 1, 1, values.shape[-1]))


@keras.saving.register_keras_serializable(package="tfstyle")
class ReflectionPadding2D(keras.layers.Layer):
    """Pads images by reflection, without repeating the edge.

    Meant to be called once on the picture, with zero-padded convolutions after it and a crop at the
    end: reflection padding inside the network is not delegated on phones and splits the graph.

    Args:
        padding: pixels on each side.
        multiple: bottom and right are padded further until both sides are divisible by it.

    Call arguments: `(batch, h, w, c)`, sides above `padding + multiple - 1`.
    Returns: `(batch, h + 2·padding + …, w + 2·padding + …, c)`.
    """

    def __init__(self, padding=1, multiple=1, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding
        self.multiple = multiple

    def call(self, image):
        for axis in (1, 2):
            after = self.padding + self._missing(ops.shape(image)[axis])
            image = _reflected(image, axis, self.padding, after)
        return image

    def _missing(self, side):
        # The remainder of a negative number, which is shorter, ONNX files round the other way.
        return self.multiple - 1 - (side + 2 * self.padding - 1) % self.multiple

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        padded = (side and side + 2 * self.padding + self._missing(side) for side in sides)
        return (batch, *padded, channels)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "multiple": self.multiple}


def _reflected(image, axis, before, after):
    """Reflected along an axis by slices: LiteRT takes 30 times as long for its own reflection."""
    parts, end = [image], ops.shape(image)[axis] - 1
    for start, stop in ((1, 1 + before), (end - after, end)):
        part = image[:, start:stop] if axis == 1 else image[:, :, start:stop]
        parts.append(ops.flip(part, axis))
    return ops.concatenate([parts[1], image, parts[2]], axis=axis)


@keras.saving.register_keras_serializable(package="tfstyle")
class Upsampling2D(keras.layers.Layer):
    """Doubles height and width; with a convolution after it, there is no checkerboard.

    Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016. For static
    sizes it is the resize that XNNPACK and mobile GPUs support (bilinear in any precision, nearest
    not in float). `keras.ops.image.resize` takes no dynamic sizes; for these it is TensorFlow's
    resize, or else composed of other operations.

    Args:
        interpolation: "bilinear", with half-pixel centres, or "nearest".

    Call arguments: `(batch, h, w, c)`.
    Returns: `(batch, 2·h, 2·w, c)` in the compute dtype.
    Raises: ValueError for an unknown interpolation.
    """

    def __init__(self, interpolation="bilinear", **kwargs):
        super().__init__(**kwargs)
        if interpolation not in ("bilinear", "nearest"):
            raise ValueError(
                '`interpolation` must be "bilinear" or "nearest". '
                f"Received: interpolation={interpolation}"
            )
        self.interpolation = interpolation

    def call(self, features):
        height, width = ops.shape(features)[1:3]
        if isinstance(height, int) and isinstance(width, int):
            size = (2 * height, 2 * width)
            features = ops.image.resize(
                features, size, self.interpolation, data_format="channels_last"
            )
            return ops.cast(features, self.compute_dtype)
        if self.interpolation == "bilinear" and keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            size = 2 * tf.shape(features)[1:3]
            resized = tf.raw_ops.ResizeBilinear(
                images=ops.cast(features, "float32"), size=size, half_pixel_centers=True
            )
            return ops.cast(resized, self.compute_dtype)
        return self._double(self._double(features, 1), 2)

    def _double(self, features, axis):
        """Twice as many entries along an axis: each becomes a pair, a quarter to either side."""
        before = after = features
        if self.interpolation == "bilinear":
            size = ops.shape(features)[axis]
            indices = ops.arange(size)
            previous = ops.take(features, ops.maximum(indices - 1, 0), axis=axis)
            following = ops.take(features, ops.minimum(indices + 1, size - 1), axis=axis)
            before = 0.75 * features + 0.25 * previous
            after = 0.75 * features + 0.25 * following
        shape = list(ops.shape(features))
        shape[axis] = shape[axis] * 2
        return ops.reshape(ops.stack([before, after], axis=axis + 1), shape)

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        return (batch, *(side and side * 2 for side in sides), channels)

    def get_config(self):
        return {**super().get_config(), "interpolation": self.interpolation}
