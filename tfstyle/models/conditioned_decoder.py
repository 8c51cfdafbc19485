"""A decoder of features at several depths that is conditioned on the style.

It has skip connections from the stylized features, like Avatar-Net (Sheng et al., CVPR 2018,
https://arxiv.org/abs/1805.03857). Its own channels are scaled and shifted by factors that a small
network computes from the style code (Perez et al., "FiLM", AAAI 2018,
https://arxiv.org/abs/1709.07871). Unlike those of Ghiasi et al. 2017 they are not normalized: a
network that normalizes its own maps learns to paint a blob into each picture, which distorts the
statistics of the rest (Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", CVPR
2020, https://arxiv.org/abs/1912.04958; observed here, too).
"""

import itertools

import keras
import numpy as np
from keras import ops

from tfstyle import layers
from tfstyle.encoders.layer_names import block_of

CONTENT_LAYER = "relu4_1"
DEPTH = 4  # blocks of the encoder that the decoder mirrors
STRIDE = 2 ** (DEPTH - 1)  # pixels under one position of relu4_1
# Positions of the reflected margin that the decoder keeps at each level, so that the zero padding
# of later convolutions stays outside of the picture.
KEPT_MARGIN = 4
# Upper bound of activations, for 8 bits; that of ReLU6, which is used where the ReLU is not leaky.
LARGEST = 6.0
# Slope of leaky ReLU below 0. Without it, up to a third of a deep layer's channels were dead after
# 500 steps and nine of ten in the end: nothing normalizes them, and the style's shifts kill them.
LEAK = 0.2
_MIN_GAIN = 1e-3  # relative to the largest channel's, so that dead ones are not amplified


@keras.saving.register_keras_serializable(package="tfstyle")
class ConditionedDecoder(keras.Model):
    """From features at several depths and a style code to an image.

    For each block of the encoder, the deepest first: the maps so far are upsampled and concatenated
    with the features of that block, if there are any; convolutions with ReLU follow. If there are
    features, a network of one hidden layer computes a scale, of 0 to 2, and a shift for the
    channels of each convolution from the codes of style and content, and the ReLU is leaky. All
    values are clipped at `LARGEST`.

    Args:
        code_layers: names of the features whose statistics are in the code, the shallowest first;
            those of blocks 1 to 4 are also inputs.
        channels: of these features.
        widths: for blocks 1 to 4, the channels of each convolution.
        hidden: units of the layer between the code and the scales and shifts.
        gains: None, or `{name: c factors}` that multiply the scales of the modulated convolutions'
            channels; see `equalized`.

    Call arguments:
        features: dict of `(batch, h_k, w_k, c_k)`; relu4_1 has `(h, w)`.
        code: `(batch or 1, 2·sum(channels))`, of the style: means and deviations, no palette.
        content_code: `(batch, 2·sum(channels))`, of the content.
        margin: pixels around the picture, a multiple of 8, to be cropped.
        observe: None, or called with the name and the output of each modulated convolution.
    Returns: `(batch, 8·h - 2·margin, 8·w - 2·margin, 3)` float32 in [0, 1].
    Raises: ValueError if relu4_1, its first input, is not among the code's layers.
    """

    def __init__(self, code_layers, channels, widths, hidden, gains=None, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if CONTENT_LAYER not in code_layers:
            raise ValueError(
                f"`code_layers` must have {CONTENT_LAYER}. Received: code_layers={code_layers}"
            )
        self.code_layers = tuple(code_layers)
        self.channels = tuple(channels)
        self.widths = tuple(tuple(block) for block in widths)
        self.hidden = hidden
        self.gains = gains
        self._skips = {block_of(name): name for name in self.code_layers if block_of(name) <= DEPTH}
        names = {
            block: [f"{block}_{k}" for k in range(1, 1 + len(self.widths[block - 1]))]
            for block in range(DEPTH, 0, -1)
        }
        self._blocks = {
            block: {
                name: self._convolution(width, f"conv{name}")
                for name, width in zip(names[block], self.widths[block - 1], strict=True)
            }
            for block in names
        }
        self._to_hidden = self._dense(hidden, "hidden", "glorot_uniform", "relu")
        # Small at first: a scale of about 1, a shift of about 0.
        small = keras.initializers.RandomNormal(stddev=0.01)
        self._to_affine = {
            name: self._dense(2 * width, f"affine{name}", small)
            for block in self._skips
            for name, width in zip(names[block], self.widths[block - 1], strict=True)
        }
        self._to_image = self._convolution(3, "image", "glorot_normal")
        self._upsampling = layers.Upsampling2D(dtype=self.dtype_policy)

    def _convolution(self, width, name, initializer="he_normal"):
        return keras.layers.Conv2D(
            width,
            3,
            padding="same",
            data_format="channels_last",
            kernel_initializer=initializer,
            dtype=self.dtype_policy,
            name=name,
        )

    def _dense(self, units, name, initializer, activation=None):
        return keras.layers.Dense(
            units, activation, kernel_initializer=initializer, dtype="float32", name=name
        )

    def build(self, input_shape=None):
        channels = dict(zip(self.code_layers, self.channels, strict=True))
        self._to_hidden.build((None, 4 * sum(self.channels)))
        width = 0
        for block, convolutions in self._blocks.items():
            width += channels.get(self._skips.get(block), 0)
            for name, convolution in convolutions.items():
                convolution.build((None, None, None, width))
                if name in self._to_affine:
                    self._to_affine[name].build((None, self.hidden))
                width = convolution.filters
        self._to_image.build((None, None, None, width))
        self.built = True

    def call(self, features, code, content_code, margin=0, observe=None):
        code = ops.broadcast_to(code, ops.shape(content_code))
        hidden = self._to_hidden(ops.concatenate([code, content_code], axis=-1))
        x = None
        for block, convolutions in self._blocks.items():
            kept = _kept_margin(margin, block)
            if x is not None:
                x = layers.crop(self._upsampling(x), 2 * _kept_margin(margin, block + 1) - kept)
            if block in self._skips:
                skip = ops.cast(features[self._skips[block]], self.compute_dtype)
                skip = layers.crop(skip, margin // 2 ** (block - 1) - kept)
                skip = ops.relu6(skip)
                x = skip if x is None else ops.concatenate([x, skip], axis=-1)
            for name, convolution in convolutions.items():
                x = convolution(x)
                if name not in self._to_affine:
                    x = ops.relu6(x)
                else:
                    if observe:
                        observe(name, x)
                    affine = ops.cast(self._to_affine[name](hidden), self.compute_dtype)
                    shift, scale = ops.split(layers.per_channel(affine), 2, axis=-1)
                    gain = np.array(self.gains[name], "float32") if self.gains else 1.0
                    scale = ops.sigmoid(scale) * (2.0 * gain)
                    x = x * scale + shift
                    x = ops.minimum(ops.leaky_relu(x, LEAK), LARGEST)
        image = ops.sigmoid(ops.cast(self._to_image(x), "float32"))
        return layers.crop(image, kept)

    def grow_from(self, smaller):
        """Makes this decoder paint about like a smaller one of as many convolutions.

        Net2Net (Chen et al., ICLR 2016, https://arxiv.org/abs/1511.05641): the smaller one's
        weights are copied; the additional channels, units and entries of the code keep their random
        weights, but copied outputs have zero weights for them. For equal sizes, a plain copy. If
        only this one modulates a block, whose ReLU is then leaky, pictures differ somewhat.

        Args:
            smaller: `ConditionedDecoder`, built.
        Raises: ValueError if it has other convolutions, or is larger in any part.
        """
        if [len(block) for block in self.widths] != [len(block) for block in smaller.widths]:
            raise ValueError(
                "`smaller` must have as many convolutions in each block. Received: "
                f"widths={smaller.widths}, these being {self.widths}"
            )
        channels = dict(zip(self.code_layers, self.channels, strict=True))
        read = dict(zip(smaller.code_layers, smaller.channels, strict=True))
        if not read.items() <= channels.items():
            raise ValueError(
                f"`smaller` must read features that this one reads, too. Received: {read}, these "
                f"being {channels}"
            )
        own, others = ([d.hidden, *itertools.chain(*d.widths)] for d in (self, smaller))
        if any(width < other for width, other in zip(own, others, strict=True)):
            raise ValueError(
                f"`smaller` must not have wider layers. Received: hidden={smaller.hidden}, "
                f"widths={smaller.widths}, these being {self.hidden} and {self.widths}"
            )
        numbers = np.concatenate(
            [np.full(2 * c, k in smaller.code_layers) for k, c in channels.items()]
        )
        units = np.arange(smaller.hidden)
        _fill(self._to_hidden, smaller._to_hidden, np.flatnonzero(np.tile(numbers, 2)), units)
        inputs, width = np.arange(0), 0
        for block, convolutions in self._blocks.items():
            if block in smaller._skips:
                skip = width + np.arange(channels[self._skips[block]])
                inputs = np.concatenate([inputs, skip])
            for name, convolution in convolutions.items():
                old, width = smaller._blocks[block][name], convolution.filters
                outputs = np.arange(old.filters)
                _fill(convolution, old, inputs, outputs)
                if name in smaller._to_affine:
                    both = np.concatenate([outputs, width + outputs])
                    _fill(self._to_affine[name], smaller._to_affine[name], units, both)
                inputs = outputs
        _fill(self._to_image, smaller._to_image, inputs, np.arange(3))

    def equalized(self, largest):
        """A copy that paints the same, whose modulated convolutions have outputs in [-1, 1].

        So one 8-bit scale suits all channels. After Nagel et al., "Data-Free Quantization Through
        Weight Equalization and Bias Correction", ICCV 2019, https://arxiv.org/abs/1906.04721, here
        with data: each channel is divided by its largest magnitude, which becomes its gain.

        Args:
            largest: `{name: (c,)}` largest magnitudes of the outputs passed to `observe`.
        Raises: ValueError for a decoder that is already equalized.
        """
        if self.gains:
            raise ValueError("`self` must not be equalized. Received: one that is")
        gains = {}
        for name, values in largest.items():
            gain = np.maximum(values, _MIN_GAIN * values.max())
            gains[name] = np.where(gain > 0.0, gain, 1.0)
        lists = {name: gain.tolist() for name, gain in gains.items()}
        copy = type(self).from_config({**self.get_config(), "gains": lists})
        copy.build()
        copy.set_weights(self.get_weights())
        for convolutions in copy._blocks.values():
            for name in gains.keys() & convolutions.keys():
                for weight in convolutions[name].weights:  # their last axes are the channels
                    weight.assign(weight / gains[name])
        return copy

    def get_config(self):
        return {
            **super().get_config(),
            "code_layers": self.code_layers,
            "channels": self.channels,
            "widths": self.widths,
            "hidden": self.hidden,
            "gains": self.gains,
        }


def _fill(layer, smaller, inputs, outputs):
    """Copies a smaller layer's weights into a layer; its other inputs get weight 0 there."""
    kernel, bias = (ops.convert_to_numpy(weight).copy() for weight in layer.weights)
    kernel[..., outputs] = 0.0
    kernel[..., inputs[:, None], outputs] = ops.convert_to_numpy(smaller.weights[0])
    bias[outputs] = ops.convert_to_numpy(smaller.weights[1])
    layer.set_weights([kernel, bias])


def _kept_margin(margin, block):
    """Positions of the margin, given in pixels, that the decoder keeps at a block."""
    return min(margin // 2 ** (block - 1), KEPT_MARGIN)
