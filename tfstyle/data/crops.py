"""Random crops of pictures, the k-th of which is a pure function of the files, the seed and k."""

import functools
import math

import numpy as np
from PIL import Image, ImageEnhance

from tfstyle import images
from tfstyle.data.sources import Skipped, Source
from tfstyle.errors import InputError

INVERTED = 0.3  # share of recoloured pictures
_ATTEMPTS = 32  # pictures tried for one crop before giving up


class Crops:
    """Crops by number: resized, cut out at random, flipped, jittered, recoloured.

    Every picture comes once in each epoch; each epoch has its own order.

    Args:
        source: of pictures.
        crop_size: side of a crop in pixels.
        image_size: shorter side of the picture when the crop is cut out, in pixels; at least
            `crop_size`.
        scale_jitter: ≥ 1; that side is multiplied by a random factor from 1 / `scale_jitter` to
            `scale_jitter`, but not below `crop_size`.
        color_jitter: brightness, contrast and saturation change by up to this share.
        min_crop: if above 0, a crop has a random share of the picture's shorter side, from
            `min_crop` to 1, whatever `image_size` and `scale_jitter`.
        recolored: share of crops whose channels are permuted, and some also inverted.
        seed: a sequence of int.
        skipped: collects pictures that cannot be decoded; each is replaced by another one.
    """

    def __init__(
        self,
        source: Source,
        crop_size: int,
        image_size: int,
        scale_jitter: float = 1.0,
        color_jitter: float = 0.0,
        min_crop: float = 0.0,
        recolored: float = 0.0,
        seed: tuple[int, ...] = (0,),
        skipped: Skipped | None = None,
    ):
        self.source = source
        self.crop_size = crop_size
        self.image_size = image_size
        self.scale_jitter = scale_jitter
        self.color_jitter = color_jitter
        self.min_crop = min_crop
        self.recolored = recolored
        self.seed = seed
        self.skipped = skipped or Skipped()
        self._order = functools.lru_cache(maxsize=3)(self._epoch_order)

    def __getitem__(self, number: int) -> np.ndarray:
        """`(crop_size, crop_size, 3)` uint8; InputError if nearly all pictures are damaged."""
        return self.draw(number)[0]

    def draw(self, number: int) -> tuple[np.ndarray, int]:
        """The crop of that number, and the index of its picture in the source."""
        index = self.picture_of(number)
        random = np.random.default_rng((*self.seed, 1, number))
        for _ in range(_ATTEMPTS):
            try:
                return self._crop(index, random), index
            except InputError as error:
                self.skipped.add(error)
                found = error
                index = int(random.integers(len(self.source.names)))
        raise InputError(f"{_ATTEMPTS} pictures in a row are damaged; for instance {found}")

    def picture_of(self, number: int) -> int:
        """The index in the source of the picture of that number, if it can be decoded."""
        epoch, position = divmod(number, len(self.source.names))
        return int(self._order(epoch)[position])

    def _epoch_order(self, epoch: int) -> np.ndarray:
        return np.random.default_rng((*self.seed, 0, epoch)).permutation(len(self.source.names))

    def _side(self, random: np.random.Generator) -> float:
        """The picture's shorter side when the crop is cut out."""
        if self.min_crop:
            return self.crop_size / random.uniform(self.min_crop, 1.0)
        factor = self.scale_jitter ** random.uniform(-1.0, 1.0)
        return max(self.crop_size, round(self.image_size * factor))

    def _crop(self, index: int, random: np.random.Generator) -> np.ndarray:
        side = self._side(random)
        image = images.read_training_image(
            self.source.read(index), self.source.path(index), reduced=math.ceil(side)
        )
        window = self.crop_size * min(image.size) / side  # in pixels of the original picture
        left, top = random.uniform(size=2) * (np.array(image.size) - window)
        crop = image.resize(
            (self.crop_size, self.crop_size),
            Image.Resampling.BICUBIC,
            box=(left, top, left + window, top + window),
        )
        if random.random() < 0.5:
            crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if self.color_jitter:
            for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
                crop = enhance(crop).enhance(1.0 + self.color_jitter * random.uniform(-1.0, 1.0))
        pixels = np.asarray(crop)
        if random.random() < self.recolored:
            pixels = pixels[..., random.permutation(3)]
            if random.random() < INVERTED:
                pixels = 255 - pixels
        return pixels
