"""A decoder that inverts an encoder block by block, from deep features to the picture.

Each block turns features at relu{k}_1 into those at relu{k-1}_1. So one decoder takes the place of
the several of Li et al. 2017, and features can be changed at each level on the way: Chiu and
Gurari, "PhotoWCT2: Compact Autoencoder for Photorealistic Style Transfer Resulting from Blockwise
Training and Skip Connections of High-Frequency Residuals", WACV 2022,
https://arxiv.org/abs/2110.11995.
"""

import keras
from keras import ops

from tfstyle import encoders, layers
from tfstyle.encoders.layer_names import BLOCKS


def level(block: int) -> str:
    """The layer whose features a block starts from."""
    return f"relu{block}_1"


def before_pooling(block: int) -> str:
    """The last layer of a block of the encoder."""
    return f"relu{block}_{BLOCKS[block - 1]}"


def taps_of(depth: int) -> tuple[str, ...]:
    """The layers that a decoder of that depth reads: `level` of each block, `before_pooling`."""
    taps = [name for k in range(1, depth) for name in (level(k), before_pooling(k))]
    return (*taps, level(depth))


@keras.saving.register_keras_serializable(package="tfstyle")
class InvertingDecoder(keras.Model):
    """From features at relu{depth}_1 to an image; a block mirrors the encoder's convolutions.

    Max pooling loses where in its 2 × 2 positions a maximum was. What the maps have beyond a low
    resolution, they get from the encoder: its features before pooling, less the same averaged and
    upsampled. With "nearest" this is the synthesis of Haar wavelets, of which the maps are the low
    pass and the encoder's are the three others, as in Yoo et al., "Photorealistic Style
    Transfer via Wavelet Transforms", ICCV 2019, https://arxiv.org/abs/1903.09760: exact for an
    encoder that averages.

    Features are float32 and divided by their root mean square.

    Args:
        widths: channels of the encoder's blocks, as many as the decoder inverts.
        interpolation: of `layers.Upsampling2D`.
    """

    def __init__(self, widths=encoders.VGG_WIDTHS[:4], interpolation="bilinear", **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.widths = tuple(widths)
        self.interpolation = interpolation
        self._upsampling = layers.Upsampling2D(interpolation, dtype="float32")
        self._before = {}  # upsampling, by block
        self._after = {1: [self._convolution(self.widths[0], "conv1_1")]}
        for block in range(2, len(self.widths) + 1):
            width = self.widths[block - 2]
            self._before[block] = self._convolution(width, f"conv{block}_1")
            self._after[block] = [
                self._convolution(width, f"conv{block - 1}_{k}")
                for k in range(BLOCKS[block - 2], 1, -1)
            ]
        self._to_image = self._convolution(3, "image", None)

    def _convolution(self, width, name, activation="relu"):
        return keras.layers.Conv2D(
            width,
            3,
            padding="same",
            data_format="channels_last",
            activation=activation,
            kernel_initializer="he_normal" if activation else "glorot_normal",
            dtype=self.dtype_policy,
            name=name,
        )

    @property
    def blocks(self):
        """The numbers of the blocks, the deepest first."""
        return range(len(self.widths), 0, -1)

    def build(self, input_shape=None):
        for block, convolutions in self._after.items():
            channels = self.widths[block - 1]
            if block > 1:
                self._before[block].build((None, None, None, channels))
                channels = self.widths[block - 2]
            for convolution in convolutions:
                convolution.build((None, None, None, channels))
        self._to_image.build((None, None, None, self.widths[0]))
        self.built = True

    def start_from(self, trained):
        """Takes the weights of another decoder, for the blocks that both have.

        Raises: ValueError for one of other widths.
        """
        common = min(len(self.widths), len(trained.widths))
        if self.widths[:common] != trained.widths[:common]:
            raise ValueError(
                f"`trained` must have the same widths in the first {common} blocks, "
                f"{self.widths[:common]}. Received: {trained.widths}"
            )
        known = {layer.name: layer for layer in trained._convolutions}
        for layer in self._convolutions:
            if layer.name in known:
                layer.set_weights(known[layer.name].get_weights())

    @property
    def _convolutions(self):
        after = [one for convolutions in self._after.values() for one in convolutions]
        return [*self._before.values(), *after, self._to_image]

    def invert(self, block, features, skips, detail=1.0):
        """Features at the next level, or the picture, of any range, after block 1.

        Args:
            block: number, from 1.
            features: `(batch, h, w, widths[block - 1])` at `level(block)`; what is negative, as no
                features of the encoder are, counts as 0.
            skips: dict with the encoder's features at `before_pooling(block - 1)`, twice as large.
            detail: share of what the encoder's features add: a number, or `(batch, 1, 1, 1)`.
        """
        x = ops.cast(ops.relu(features), self.compute_dtype)
        if block > 1:
            x = ops.cast(self._before[block](x), "float32")
            x = self._upsampling(x)
            if not isinstance(detail, (int, float)) or detail:
                x = x + detail * self.residual(skips[before_pooling(block - 1)])
            x = ops.cast(x, self.compute_dtype)
        for convolution in self._after[block]:
            x = convolution(x)
        return ops.cast(x if block > 1 else self._to_image(x), "float32")

    def residual(self, features):
        """What features lose when they are averaged over 2 × 2 positions and upsampled again."""
        with layers.precision("float32"):
            low = ops.average_pool(features, 2, 2, data_format="channels_last")
            return features - self._upsampling(low)

    def call(self, features):
        """The picture of a dict of the encoder's features at `taps_of(depth)`."""
        x = features[level(len(self.widths))]
        for block in self.blocks:
            x = self.invert(block, x, features)
        return x

    def get_config(self):
        return {
            **super().get_config(),
            "widths": self.widths,
            "interpolation": self.interpolation,
        }
