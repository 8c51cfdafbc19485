"""Training crops for development commands, each a function of a seed and an index."""

import pathlib

import numpy as np
from PIL import Image, ImageEnhance

_BLENDS = 0.3  # share of crops that are blends of two
_NOISY = 0.15  # share of crops with noise
_NOISE = 0.15  # its largest standard deviation


def load_pixels(folders):
    """List of `(h, w, 3)` uint8 RGB images."""
    files = sorted(f for folder in folders for f in pathlib.Path(folder).glob("*.[jp][pn]g"))
    return [np.asarray(Image.open(file).convert("RGB")) for file in files]


def crop_at(pixels, seed, index, size):
    """`(size, size, 3)` float32 crop in [0, 1], the same for equal `seed` and `index`.

    Scales are from 0.7 to 2, half of the crops are flipped and half have their brightness, contrast
    and saturation changed. Some are blends of two crops, and some have noise, coarse or fine, like
    the intermediate pictures of a render.
    """
    generator = np.random.default_rng((seed, index))
    crop = _crop(generator, pixels, size)
    if generator.random() < _BLENDS:
        share = np.float32(generator.uniform(0.2, 0.8))
        crop = share * crop + (1 - share) * _crop(generator, pixels, size)
    if generator.random() < _NOISY:
        side = size // int(2 ** generator.integers(0, 4))
        noise = np.clip(generator.normal(127.5, 42.0, (side, side, 3)), 0, 255).astype(np.uint8)
        noise = Image.fromarray(noise).resize((size, size), Image.Resampling.BICUBIC)
        amount = np.float32(generator.uniform(0, _NOISE) / 42.0)
        crop = np.clip(crop + amount * (np.asarray(noise, np.float32) - 127.5), 0, 1)
    return crop


def _crop(generator, pixels, size):
    image = pixels[generator.integers(len(pixels))]
    side = int(min(*image.shape[:2], size * np.exp2(generator.uniform(-0.5, 1.0))))
    top = generator.integers(image.shape[0] - side + 1)
    left = generator.integers(image.shape[1] - side + 1)
    window = Image.fromarray(image[top : top + side, left : left + side])
    window = window.resize((size, size), Image.Resampling.BICUBIC)
    if generator.random() < 0.5:
        window = window.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if generator.random() < 0.5:
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            window = enhance(window).enhance(generator.uniform(0.6, 1.4))
    return np.asarray(window, "float32") / 255.0
