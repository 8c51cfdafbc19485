"""VGG-19 and lite features by paper name (`relu4_2`); channel means are applied inside.

Both encoders ship and are one class, `VGG19`: the published network has the widths of `VGG_WIDTHS`,
`lite` a quarter to a half and 1×1 heads that reproduce VGG-19's features at `HEAD_LAYERS`.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from tfstyle.config import did_you_mean
from tfstyle.encoders import layer_names, weight_files
from tfstyle.encoders.layer_names import BLOCKS, HEAD_LAYERS, LAYERS, block_of, stride_of
from tfstyle.errors import InputError
from tfstyle.runtime import devices

VGG_WIDTHS = (64, 128, 256, 512, 512)
LITE_WIDTHS = (16, 32, 64, 192, 256)
CHANNEL_MEANS_BGR = (103.939, 116.779, 123.68)  # of ImageNet, keras.applications' "caffe" mode
# The 1×1 kernel from RGB in [0, 1] to BGR of 0 to 255, which VGG-19 was trained on.
_TO_BGR = 255.0 * np.eye(3, dtype="float32")[None, None, ::-1]
# Average pooling halves the activations' deviation where neighbours are independent; the factor of
# crowsonkb/style-transfer-pytorch keeps the later biases in proportion.
AVERAGE_POOLING_SCALE = 2.0
STRIDE = 2 ** (len(BLOCKS) - 1)  # pixels of the image under one position of relu5_*


@keras.saving.register_keras_serializable(package="tfstyle")
class VGG19(keras.Model):
    """The convolutional part of VGG-19, from an image to a dict of features by paper name.

    Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
    ICLR 2015, https://arxiv.org/abs/1409.1556, with zero-padded convolutions as in
    `keras.applications.VGG19`. Layers above the last tap are neither built nor computed. Freshly
    built weights are random; `load_encoder` returns an encoder with trained ones.

    Args:
        taps: names of the features to return, of `LAYERS`; with heads, of `HEAD_LAYERS`.
        widths: channels of the five blocks.
        head_widths: None, or the channels of the 1×1 convolutions (with ReLU) that each tap goes
            through; `lite` imitates VGG-19's features with them.
        pooling: "max", as trained, or "average", as in Gatys et al. 2016.
        margin: pixels of reflection added around the image and cropped from the features again, a
            multiple of 16, so that zero padding stays outside of the picture.

    Call arguments:
        image: `(batch, h, w, 3)` float32 RGB in [0, 1], sides above `margin` and at least 16.
    Returns: dict of `(batch, h_k, w_k, c_k)` features after ReLU in the compute dtype, with
        `h_k = h // 2^(block - 1)`.
    Raises: ValueError for an unknown tap, pooling or margin.
    """

    def __init__(
        self,
        taps=HEAD_LAYERS,
        widths=VGG_WIDTHS,
        head_widths=None,
        pooling="max",
        margin=0,
        **kwargs,
    ):
        # Images stay float32 until the channel means are subtracted, whatever the compute dtype.
        super().__init__(autocast=False, **kwargs)
        known = HEAD_LAYERS if head_widths else LAYERS
        if not taps or any(tap not in known for tap in taps):
            raise ValueError(f"`taps` must be some of {known}. Received: taps={taps}")
        if pooling not in ("max", "average"):
            raise ValueError(f'`pooling` must be "max" or "average". Received: pooling={pooling}')
        if margin < 0 or margin % STRIDE:
            raise ValueError(f"`margin` must be a multiple of {STRIDE}. Received: margin={margin}")
        self.taps = tuple(taps)
        self.widths = tuple(widths)
        self.head_widths = tuple(head_widths) if head_widths else None
        self.pooling = pooling
        self.margin = margin
        self._convolutions = {
            name: self._convolution(
                self.widths[block_of(name) - 1], 3, name.replace("relu", "conv")
            )
            for name in LAYERS[: 1 + max(LAYERS.index(tap) for tap in self.taps)]
        }
        self._heads = {}
        if self.head_widths:
            for name in self.taps:
                width = self.head_widths[block_of(name) - 1]
                self._heads[name] = self._convolution(width, 1, name.replace("relu", "head"))

    def _convolution(self, width, size, name):
        return keras.layers.Conv2D(
            width,
            size,
            padding="same",
            data_format="channels_last",
            activation="relu",
            kernel_initializer="he_normal",
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape):
        channels = 3
        for name, convolution in self._convolutions.items():
            convolution.build((None, None, None, channels))
            channels = convolution.filters
            if name in self._heads:
                self._heads[name].build((None, None, None, channels))
        self.built = True

    def call(self, image):
        return self.heads(self.trunk(image))

    def trunk(self, image):
        """The features below the heads, as wide as `widths`, of the call's argument."""
        height, width = ops.shape(image)[1:3]
        if self.margin:
            padding = (self.margin, self.margin)
            image = ops.pad(image, ((0, 0), padding, padding, (0, 0)), mode="reflect")
        features = {}
        for name, x in self.walk(self.pixels(image), self._convolutions):
            if name in self.taps:
                stride = stride_of(name)
                start, h, w = self.margin // stride, height // stride, width // stride
                features[name] = x[:, start : start + h, start : start + w] if self.margin else x
        return {tap: features[tap] for tap in self.taps}

    def pixels(self, image):
        """What the first convolution reads of an image."""
        # A convolution, because phones run it in int8, too, unlike a flip or a concatenation.
        x = ops.conv(ops.cast(image, "float32"), ops.array(_TO_BGR), data_format="channels_last")
        return ops.cast(x - ops.array(CHANNEL_MEANS_BGR), self.compute_dtype)

    def walk(self, x, names):
        """Yields names and features of consecutive layers, pooled between blocks.

        Args:
            x: what the first one's convolution reads: `pixels`, or features after `pool`.
            names: of layers up to the last tap.
        """
        for number, name in enumerate(names):
            if number and name.endswith("_1"):
                x = self.pool(x)
            x = self._convolutions[name](x)
            yield name, x

    def heads(self, features):
        """The heads' outputs for some or all of `trunk`'s features; without heads, the input."""
        if not self._heads:
            return features
        return {name: self._heads[name](feature) for name, feature in features.items()}

    def pool(self, x):
        """Features at half the resolution."""
        if self.pooling == "max":
            return ops.max_pool(x, 2, 2, data_format="channels_last")
        pooled = ops.average_pool(x, 2, 2, data_format="channels_last")
        return pooled * ops.cast(AVERAGE_POOLING_SCALE, x.dtype)

    def freeze(self):
        """Makes all weights untrainable, layer by layer.

        An encoder that was saved as frozen has trainable layers once it is loaded, and ignores
        `trainable = False`, which it has already.
        """
        for layer in self.layers:
            layer.trainable = False
        self.trainable = False

    def cut(self, taps):
        """A copy without heads that taps other features of the trunk, at most as deep.

        Raises: ValueError for a deeper tap.
        """
        copy = type(self).from_config({**self.get_config(), "taps": taps, "head_widths": None})
        if len(copy._convolutions) > len(self._convolutions):
            raise ValueError(f"`taps` must be within {self.taps}. Received: {taps=}")
        copy.build((None, None, None, 3))
        for variable, value in zip(copy.weights, self.weights, strict=False):
            variable.assign(value)
        return copy

    def get_config(self):
        return {
            **super().get_config(),
            "taps": self.taps,
            "widths": self.widths,
            "head_widths": self.head_widths,
            "pooling": self.pooling,
            "margin": self.margin,
        }


def feature_scales(encoder: VGG19) -> dict[str, float]:
    """Root mean squares of a trunk's features for a noise image, close to those for photographs.

    Returns: dict of floats by tap.
    """
    noise = np.random.default_rng(0).uniform(size=(1, 64, 64, 3)).astype("float32")
    return {
        name: float(ops.sqrt(ops.mean(ops.square(ops.cast(found, "float32")))))
        for name, found in encoder.trunk(noise).items()
    }


def load_encoder(
    name: str = "auto",
    taps: Sequence[str] | None = None,
    *,
    heads: bool = True,
    vgg_weights: str = "",
    pooling: str = "max",
    margin: int = 0,
    dtype: str | None = None,
) -> VGG19:
    """An encoder with trained weights.

    Args:
        name: "lite", "vgg19", or "auto", as in `weight_files.choose_encoder`.
        taps: names of features; `HEAD_LAYERS` by default.
        heads: whether lite's features imitate VGG-19's, at `HEAD_LAYERS`; if not, they are the
            narrow activations below the heads, at any of `layer_names.TRUNK_LAYERS`.
            VGG-19 has all of `LAYERS` in either case.
        vgg_weights: as in `weight_files.encoder_path`.
        pooling: of `VGG19`.
        margin: of `VGG19`.
        dtype: Keras dtype policy, such as "mixed_bfloat16".
    Returns: a built `VGG19`, named `lite` or `vgg19`, not trainable.
    Raises: InputError for weights that are missing, damaged or of another network, or an unknown
        tap.
    """
    name = weight_files.choose_encoder(name, vgg_weights, name == "auto" and devices.has_gpu())
    known = layer_names.encoder_layers(name, heads)
    taps = tuple(taps or HEAD_LAYERS)
    for tap in taps:
        if tap not in known:
            raise InputError(f"layer '{tap}': {name} has no such layer{did_you_mean(tap, known)}")
    shape = {}
    if name == "lite":
        shape = {"widths": LITE_WIDTHS, "head_widths": VGG_WIDTHS if heads else None}
    encoder = VGG19(taps, pooling=pooling, margin=margin, name=name, dtype=dtype, **shape)
    encoder.build((None, None, None, 3))
    path = weight_files.encoder_path(name, vgg_weights)
    keys = ["/".join(variable.path.split("/")[-2:]) for variable in encoder.weights]
    arrays = weight_files.read_weights(path, dict.fromkeys(key.split("/")[0] for key in keys))
    for key, variable in zip(keys, encoder.weights, strict=True):
        if key not in arrays or arrays[key].shape != tuple(variable.shape):
            found = arrays[key].shape if key in arrays else "nothing"
            raise InputError(
                f"{path}: not the weights of {name}; {key} should be {tuple(variable.shape)}, "
                f"not {found}"
            )
        variable.assign(arrays[key])
    encoder.freeze()
    return encoder
