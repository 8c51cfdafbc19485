"""The network that revises a draft: what must be added to it, from the photo and the style."""

import keras
import numpy as np
from keras import ops

from tfstyle import layers, losses
from tfstyle.models.guidance import BANDS, double, half, halved, noise

LEAK = 0.2  # slope of leaky ReLU below 0
LARGEST = 6.0  # upper bound of activations, for 8 bits
DETAIL = 0.8  # share of the photo's finer luminance that the draft gets
_WINDOWS = (3, 3, 2)  # in which deviations are measured, by band: halvings of it
_CONTRAST = 16.0  # unit of local deviations: 1 / 16 of the range
_LEAST_VARIANCE = 0.01  # in that unit squared: of 1.6 of 255 levels; JPEG's grid has less
_SHORT_ROW = 64  # channels; LiteRT multiplies short rows slowly, so a whole line is made one


@keras.saving.register_keras_serializable(package="tfstyle")
class Revision(keras.Model):
    """From a photo and its draft to what must be added to the draft.

    Two strided convolutions, residual blocks and two upsamplings with skip connections; the style
    scales and shifts the channels of each convolution (Perez et al., "FiLM", AAAI 2018,
    https://arxiv.org/abs/1709.07871). Nothing is normalized, so that a pixel depends on its
    surroundings alone.

    Args:
        widths: channels at full, half and quarter resolution.
        blocks: number of residual blocks.
        hidden: size of the style's vector.
        bands: of the photo's luminance that it reads, 2 or 3: of 1, 2 and 4 pixels.
        grain: deviation of the noise that each band gets, such as 0.006; it repeats after
            `guidance.PERIOD` pixels.

    In int8 files, the arithmetic between convolutions is in 8 bits, too: it moves more bytes than
    they do.

    Call arguments:
        maps: `(batch, h, w, 7 + bands)`, of the method `prepare`; sides divisible by 4.
        modulation: `(batch or 1, 2·n)`, of the method `modulation`.
    Returns: `(batch, h, w, 3)` float32.
    Raises: ValueError for other numbers of channels, blocks or units.
    """

    def __init__(self, widths, blocks, hidden, bands=2, grain=0.0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if not (2 <= bands <= BANDS and grain >= 0.0):
            raise ValueError(
                f"`bands` must be 2 or {BANDS}, and `grain` at least 0. Received: bands={bands}, "
                f"grain={grain}"
            )
        self.bands, self.grain = bands, grain
        if len(widths) != 3 or min(*widths, blocks, hidden) < 1:
            raise ValueError(
                "`widths` must be three numbers, and these, `blocks` and `hidden` at least 1. "
                f"Received: widths={widths}, blocks={blocks}, hidden={hidden}"
            )
        self.widths = tuple(widths)
        self.blocks = blocks
        self.hidden = hidden
        full, half, quarter = self.widths
        self._down = [
            self._convolution(full, "down1"),
            self._convolution(half, "down2", stride=2),
            self._convolution(quarter, "down3", stride=2),
        ]
        small = keras.initializers.VarianceScaling(0.1)
        self._residual = [
            (
                self._convolution(quarter, f"block{k}_1"),
                self._convolution(quarter, f"block{k}_2", initializer=small),
            )
            for k in range(1, blocks + 1)
        ]
        self._up = [self._convolution(half, "up1"), self._convolution(full, "up2")]
        tiny = keras.initializers.RandomNormal(stddev=0.002)
        self._to_image = self._convolution(3, "image", initializer=tiny)
        self._upsampling = layers.Upsampling2D(dtype=self.dtype_policy)
        self.modulated = [*self._down, *(c for pair in self._residual for c in pair), *self._up]
        self.affine = keras.layers.Dense(
            2 * sum(convolution.filters for convolution in self.modulated),
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
            dtype="float32",
            name="affine",
        )

    @property
    def convolutions(self):
        """All, from the maps to the picture."""
        return [*self.modulated, self._to_image]

    @property
    def places(self) -> dict[str, tuple[slice, slice]]:
        """Where the scales and the shifts of each convolution are in a modulation, by its name."""
        found, start, total = {}, 0, self.affine.units // 2
        for convolution in self.modulated:
            stop = start + convolution.filters
            found[convolution.name] = slice(start, stop), slice(total + start, total + stop)
            start = stop
        return found

    def _convolution(self, width, name, stride=1, initializer="he_normal"):
        return keras.layers.Conv2D(
            width,
            3,
            stride,
            padding="same",
            data_format="channels_last",
            kernel_initializer=initializer,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape=None):
        width = 7 + self.bands
        for convolution in self.modulated:
            convolution.build((None, None, None, width))
            width = convolution.filters
        self._to_image.build((None, None, None, width))
        self.affine.build((None, self.hidden))
        self.built = True

    def prepare(self, picture, draft, halvings=1):
        """The draft with the detail that it lacks, and the maps that the network reads.

        Args:
            picture: `(batch, h, w, 3)` photos in [0, 1]; sides divisible by 16.
            draft: `(batch, h / 2^halvings, w / 2^halvings, 3)`, of any range.
            halvings: 1 or 2.
        Returns: `(batch, h, w, 3)` and `(batch, h, w, 7 + bands)` of about unit size, float32.
        """
        with layers.precision("float32"):
            luminance = losses.luminance(picture)
            bands = []
            for _ in range(self.bands):
                low, high = half(luminance), luminance
                bands.append(high - double(low))
                luminance = low
            draft = double(draft, halvings)
            maps = [2.0 * picture - 1.0, 2.0 * draft - 1.0, 6.0 * bands[0]]
            for number, band in enumerate(bands):
                rough = band + self.grain * noise(band, number) if self.grain else band
                even = self._even(rough, _WINDOWS[number])
                maps.append(double(even, number))
            known = ops.concatenate(maps[:3], axis=-1)  # XNNPACK takes no six at once
            detail = bands[0]
            for number in range(1, halvings):
                detail = detail + double(bands[number], number)
            return draft + DETAIL * detail, ops.concatenate([known, *maps[3:]], axis=-1)

    def _even(self, detail, times):
        """Detail divided by its deviation in the surroundings, so that grain counts like edges.

        Where a photo is flat, its grain is what strokes can start from: a network without noise
        paints flat areas flat. What grain a photo has, JPEG has put on a grid, and a grid of
        strokes is a pattern; so noise may be added.
        """
        detail = _CONTRAST * detail
        variance = double(halved(detail * detail, times), times)
        return detail * ops.rsqrt(variance + _LEAST_VARIANCE)

    def modulation(self, vector):
        """Scales, then shifts, of the n channels of all convolutions but the last.

        Args:
            vector: `(batch, hidden)`; the result is an affine function of it, so that mixtures of
                results are results of mixtures.
        """
        affine = self.affine(vector)
        return affine + np.repeat([[1.0, 0.0]], affine.shape[-1] // 2, axis=1).astype("float32")

    def call(self, maps, modulation):
        scales, shifts = self._per_convolution(ops.cast(modulation, self.compute_dtype))

        def step(convolution, x):
            x = convolution(x)
            scale, shift = (part[convolution.name] for part in (scales, shifts))
            if convolution.filters < _SHORT_ROW:
                row = ops.ones((1, 1, ops.shape(x)[2], 1), x.dtype)
                scale, shift = scale * row, shift * row
            with layers.precision("int8"):
                return x * scale + shift

        def active(x):
            with layers.precision("int8"):
                return ops.minimum(ops.leaky_relu(x, LEAK), LARGEST)

        def added(x, y):
            with layers.precision("int8"):
                return x + y

        x, skips = ops.cast(maps, self.compute_dtype), []
        for convolution in self._down:
            x = active(step(convolution, x))
            skips.append(x)
        for first, second in self._residual:
            x = added(x, step(second, active(step(first, x))))
        for convolution, skip in zip(self._up, skips[1::-1], strict=True):
            x = added(active(step(convolution, self._upsampling(x))), skip)
        return ops.cast(self._to_image(x), "float32")

    def _per_convolution(self, modulation):
        """Scales and shifts by the convolution's name, each `(batch or 1, 1, 1, c)`."""
        places = self.places.items()
        return [
            {name: layers.per_channel(modulation[:, both[half]]) for name, both in places}
            for half in (0, 1)
        ]

    def get_config(self):
        return {
            **super().get_config(),
            "widths": self.widths,
            "blocks": self.blocks,
            "hidden": self.hidden,
            "bands": self.bands,
            "grain": self.grain,
        }
