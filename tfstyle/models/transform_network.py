"""The image transformation network, whose normalizations take scales and shifts from outside.

Johnson, Alahi and Li, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV
2016, https://arxiv.org/abs/1603.08155, with instance normalization (Ulyanov et al., 2016,
https://arxiv.org/abs/1607.08022) after each convolution, the last one too, and upsampling before a
convolution instead of a transposed one (Dumoulin et al., ICLR 2017,
https://arxiv.org/abs/1610.07629, appendix A).
"""

import functools
from collections.abc import Callable, Generator, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from tfstyle import layers
from tfstyle.models import guidance
from tfstyle.models.encoder_decoder import pooled

STRIDE = 4  # pixels under one position of the deepest features
MARGIN = 32  # pixels of reflection around a picture, which keep zero padding outside of it
_SHARE_OF_WHOLE = 3e-3  # of the deviations with the margin, in a picture's
_KEPT_MARGIN = 8  # pixels of it that the upsampling half needs

Middle = Callable[[Any, Callable], Generator]


@keras.saving.register_keras_serializable(package="tfstyle")
class TransformNetwork(keras.Model):
    """Two strided convolutions, residual blocks and two upsamplings; each convolution normalized.

    The picture is padded by reflection once, convolutions are zero-padded, and the result is
    cropped. The upsampling is bilinear and the output a sigmoid, where the paper has 150·tanh.

    Args:
        widths: channels at full, half and quarter resolution.
        blocks: number of residual blocks.
        kernel: side of the first and the last convolution.
        margin: pixels of reflection, a multiple of 4.
        noise: bands of `guidance.noise`, at most `guidance.BANDS`, that the first normalization
            gets through a convolution, whose kernel starts at 0. In flat areas nothing but the
            strides' grid tells positions apart, and so strokes become a pattern; noise does, too.

    Call arguments:
        picture: `(batch, h, w, 3)` in [0, 1].
        affine: `{name: (batch or 1, 2·c)}`, a shift and a scale for each channel of the
            convolutions in `normalized`.
        moments: None to normalize by the picture's own moments, or `{name: (batch or 1, 2·c)}` of
            the whole picture that this is a part of, from `measure`.
        middle: None, or a generator function of the features after the last residual block and of
            `normalize`, where `yield from normalize(name, features, vector=…)` gives the features
            normalized, with shifts and scales as in `affine`; it returns features of the same
            shape.
    Returns: `(batch, h, w, 3)` float32 in [0, 1].
    Raises: ValueError for another margin or noise.
    """

    def __init__(self, widths=(16, 32, 64), blocks=5, kernel=9, margin=MARGIN, noise=0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if not isinstance(margin, int) or margin < 0 or margin % STRIDE:
            raise ValueError(
                f"`margin` must be a multiple of {STRIDE}, at least 0. Received: margin={margin}"
            )
        if not isinstance(noise, int) or not 0 <= noise <= guidance.BANDS:
            raise ValueError(f"`noise` must be from 0 to {guidance.BANDS}. Received: noise={noise}")
        self.widths = tuple(widths)
        self.blocks = blocks
        self.kernel = kernel
        self.margin = margin
        self.noise = noise
        full, half, quarter = self.widths
        self._down = [
            self._convolution("down1", full, kernel),
            self._convolution("down2", half, 3, 2),
            self._convolution("down3", quarter, 3, 2),
        ]
        self._residual = [
            [self._convolution(f"block{number}_{k}", quarter, 3) for k in (1, 2)]
            for number in range(1, blocks + 1)
        ]
        self._up = [self._convolution("up1", half, 3), self._convolution("up2", full, 3)]
        self._image = self._convolution("image", 3, kernel)
        self._of_noise = self._convolution("noise", full, 3, first="zeros") if noise else None
        self.padding = layers.ReflectionPadding2D(margin, STRIDE, dtype="float32")
        self._normalization = layers.AdaIN(dtype=self.dtype_policy)
        self._upsampling = layers.Upsampling2D(dtype=self.dtype_policy)

    def _convolution(self, name, width, side, stride=1, first="he_normal"):
        return keras.layers.Conv2D(
            width,
            side,
            strides=stride,
            padding="same",
            data_format="channels_last",
            use_bias=False,
            kernel_initializer=first,
            dtype=self.dtype_policy,
            name=name,
        )

    @property
    def _convolutions(self):
        blocks = (convolution for pair in self._residual for convolution in pair)
        return [*self._down, *blocks, *self._up, self._image]

    @property
    def normalized(self) -> dict[str, int]:
        """Channels of the convolutions that are normalized, by name, in their order."""
        return {convolution.name: convolution.filters for convolution in self._convolutions}

    @property
    def noise_kernel(self):
        """Of the noise's convolution; None without noise."""
        return self._of_noise.kernel if self._of_noise else None

    @property
    def receptive_field(self) -> int:
        """Pixels to each side of a painted pixel that it may depend on."""
        down = self.kernel // 2 + 1 + 2
        up = 2 * STRIDE + 4 + 1 + self.kernel // 2  # interpolation and convolution, twice
        return down + 2 * STRIDE * self.blocks + up

    def build(self, input_shape=None):
        width = 3
        for convolution in self._convolutions:
            convolution.build((None, None, None, width))
            width = convolution.filters
        if self._of_noise:
            self._of_noise.build((None, None, None, self.noise))
        self.built = True

    def call(self, picture, affine, moments=None, middle=None):
        steps = self._steps(picture, affine, middle, measures=moments is None)
        name, own = next(steps)
        while True:
            try:
                name, own = steps.send(moments[name] if moments else own)
            except StopIteration as end:
                return end.value

    def measure(self, parts, areas, affine, middle=None):
        """Means and deviations at each normalization of a photo, `{name: (batch, 2·c)}`.

        Exact but for features at the parts' borders: all parts are normalized by the pooled moments
        of one depth before they go on to the next one. While they wait, a part keeps the
        smaller of a convolution's input and output: 32 bytes a pixel at most, by default.

        Args:
            parts: of the photo; pictures as in a call.
            areas: of the parts, in any unit.
            affine: of a call.
            middle: of a call.
        """
        runs = [self._steps(part, affine, middle, several=len(parts) > 1) for part in parts]
        waiting = [next(run) for run in runs]
        found: dict[str, Any] = {}
        while True:
            name = waiting[0][0]
            found[name] = pooled(layers.AdaIN.pool, [own for _, own in waiting], areas)
            try:
                waiting = [run.send(found[name]) for run in runs]
            except StopIteration:
                return found

    def _steps(self, picture, affine, middle, measures=True, several=False):
        """Paints; at each normalization, yields its name and the own moments, and is sent others.

        The picture's own moments leave out the margin, but for `_SHARE_OF_WHOLE`. With `several`
        pictures at once, results of convolutions with more output than input are computed again
        rather than kept.
        """
        height, width = ops.shape(picture)[1:3]

        def normalize(name, x, stride=STRIDE, margin=self.margin, vector=None):
            again = several and callable(x)
            features, own, start = x() if callable(x) else x, None, margin // stride
            if measures:
                inner = features[:, start : start + height // stride]
                own = self._normalization.encode(inner[:, :, start : start + width // stride])
                if start:
                    own = _bounded(own, self._normalization.encode(features))
                del inner
            if again:
                del features
            moments = yield name, own
            vector = affine[name] if vector is None else vector
            return self._normalization(x() if again else features, vector, moments)

        x = ops.cast(self.padding(picture) * 2.0 - 1.0, self.compute_dtype)
        first, *others = self._down
        x = ops.relu((yield from normalize(first.name, functools.partial(self._first, x), 1)))
        for convolution, stride in zip(others, (2, 4), strict=True):
            x = convolution(x)
            x = ops.relu((yield from normalize(convolution.name, x, stride)))
        for first, second in self._residual:
            branch = first(x)
            branch = ops.relu((yield from normalize(first.name, branch)))
            branch = second(branch)
            x = x + (yield from normalize(second.name, branch))
        if middle:
            x = yield from middle(x, normalize)
        kept = self.margin
        for convolution, stride in zip(self._up, (2, 1), strict=True):
            margin = min(kept, _KEPT_MARGIN)
            up = functools.partial(self._upsampled, convolution, x, (kept - margin) // stride)
            x = ops.relu((yield from normalize(convolution.name, up, stride, margin)))
            kept = margin
        del up  # which keeps what it works on
        x = self._image(x)
        x = yield from normalize("image", x, 1, kept)
        return ops.sigmoid(ops.cast(x[:, kept : kept + height, kept : kept + width], "float32"))

    def _first(self, x):
        """The first convolution, of the padded picture, and that of the noise."""
        found = self._down[0](x)
        if not self._of_noise:
            return found
        bands = [
            guidance.double(guidance.noise(x[:, :: 1 << k, :: 1 << k, :1], k), k)
            for k in range(self.noise)
        ]
        return found + self._of_noise(ops.cast(ops.concatenate(bands, axis=-1), found.dtype))

    def _upsampled(self, convolution, x, margin):
        return convolution(layers.crop(self._upsampling(x), margin))

    def get_config(self):
        return {
            **super().get_config(),
            "widths": self.widths,
            "blocks": self.blocks,
            "kernel": self.kernel,
            "margin": self.margin,
            "noise": self.noise,
        }


def _bounded(own, whole):
    """`(batch, 2·c)` means and deviations of a picture, the latter with a share of the whole's.

    Where a picture is flat, its margin is not, next to zero padding; in units of the deviations of
    the picture alone, it would grow without bound from one convolution to the next.
    """
    mean, deviation = ops.split(own, 2, axis=-1)
    _, other = ops.split(whole, 2, axis=-1)
    return ops.concatenate([mean, deviation + _SHARE_OF_WHOLE * other], axis=-1)


def split(vectors: Any, channels: Mapping[str, int]) -> dict[str, Any]:
    """`(batch, 2·sum of c)` vectors as `{name: (batch, 2·c)}`."""
    parts, start = {}, 0
    for name, width in channels.items():
        parts[name] = vectors[:, start : start + 2 * width]
        start += 2 * width
    return parts


def join(parts: Mapping[str, Any]) -> Any:
    """The inverse of `split`."""
    return ops.concatenate(list(parts.values()), axis=-1)


def neutral(channels: Mapping[str, int]) -> np.ndarray:
    """`(2·sum of c,)` shifts of 0 and scales of 1, as `split` takes them."""
    pairs = [np.repeat([0.0, 1.0], width) for width in channels.values()]
    return np.concatenate(pairs).astype(np.float32)
