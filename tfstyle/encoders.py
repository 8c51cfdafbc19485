"""VGG-19 and lite features by paper name (`relu4_2`); weights, checksums, channel means.

Both encoders are one class, `VGG19`: the published network has the widths of `VGG_WIDTHS`; `lite`,
which ships, has a quarter of them and 1×1 heads that reproduce VGG-19's features at `HEAD_LAYERS`.
"""

import difflib
import os
import pathlib

import keras
import numpy as np
from keras import ops

from tfstyle.errors import InputError

BLOCKS = (2, 2, 4, 4, 4)  # convolutions in each block, Simonyan and Zisserman 2015, configuration E
VGG_WIDTHS = (64, 128, 256, 512, 512)
LITE_WIDTHS = (16, 32, 64, 128, 128)
LAYERS = tuple(f"relu{b}_{k}" for b, n in enumerate(BLOCKS, 1) for k in range(1, n + 1))
HEAD_LAYERS = tuple(f"relu{b}_1" for b in range(1, 6))
CHANNEL_MEANS_BGR = (103.939, 116.779, 123.68)  # of ImageNet, keras.applications' "caffe" mode
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
    Returns: dict of `(batch, h_k, w_k, c_k)` features after ReLU, `h_k = h // 2^(block - 1)`, in the
        compute dtype.
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
            name: self._convolution(self.widths[_block(name)], 3, name.replace("relu", "conv"))
            for name in LAYERS[: 1 + max(LAYERS.index(tap) for tap in self.taps)]
        }
        self._heads = {
            name: self._convolution(self.head_widths[_block(name)], 1, name.replace("relu", "head"))
            for name in (self.taps if self.head_widths else ())
        }

    def _convolution(self, width, size, name):
        return keras.layers.Conv2D(
            width,
            size,
            padding="same",
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
        height, width = ops.shape(image)[1:3]
        x = ops.flip(ops.cast(image, "float32"), axis=-1) * 255.0 - ops.array(CHANNEL_MEANS_BGR)
        if self.margin:
            padding = (self.margin, self.margin)
            x = ops.pad(x, ((0, 0), padding, padding, (0, 0)), mode="reflect")
        x = ops.cast(x, self.compute_dtype)
        features = {}
        for name, convolution in self._convolutions.items():
            if name.endswith("_1") and name != LAYERS[0]:
                x = self._pool(x)
            x = convolution(x)
            if name in self.taps:
                stride = 2 ** _block(name)
                start, h, w = self.margin // stride, height // stride, width // stride
                feature = x[:, start : start + h, start : start + w] if self.margin else x
                features[name] = self._heads[name](feature) if self._heads else feature
        return {tap: features[tap] for tap in self.taps}

    def _pool(self, x):
        if self.pooling == "max":
            return ops.max_pool(x, 2, 2)
        return ops.average_pool(x, 2, 2) * ops.cast(AVERAGE_POOLING_SCALE, x.dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "taps": self.taps,
            "widths": self.widths,
            "head_widths": self.head_widths,
            "pooling": self.pooling,
            "margin": self.margin,
        }


def _block(name):
    """Index from 0 of the block that `relu{block}_{convolution}` belongs to."""
    return int(name[4]) - 1
