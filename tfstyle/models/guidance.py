"""What a photo's picture lacks and needs: grain to paint its flat areas with, and its own edges."""

import math

import numpy as np
from keras import ops

from tfstyle import layers, losses
from tfstyle.statistics import Tensor

BANDS = 3  # of luminance: of 1, 2 and 4 pixels
STRIDE = 16  # pixels: windows in which deviations are measured; sides must be multiples of it
_SIDES = 64, 72  # pixels after which the two patterns repeat whose product the grain is
PERIOD = math.lcm(*_SIDES)  # after which it repeats itself
_LEAST_VARIANCE = 1e-6  # a quarter of a level of 255, squared
_CELL = 4  # pixels: `guided` changes no finer detail
_RADIUS = 4  # cells to each side, of a window of the guided filter
_EPSILON = 1e-3  # a squared deviation of colours, below which a window counts as flat


def half(picture: Tensor) -> Tensor:
    """Means of 2 × 2 positions."""
    with layers.precision("float32"):
        return ops.average_pool(picture, 2, 2, data_format="channels_last")


def halved(picture: Tensor, times: int) -> Tensor:
    """`half`, several times."""
    for _ in range(times):
        picture = half(picture)
    return picture


def double(picture: Tensor, times: int = 1) -> Tensor:
    """Twice as high and wide, bilinear, several times."""
    for _ in range(times):
        picture = layers.Upsampling2D(dtype="float32")(picture)
    return picture


def log_deviations(picture: Tensor) -> Tensor:
    """`(batch, BANDS)` mean logarithms of the deviations in windows, of luminance by bands.

    They say how rough a painting is where it is, not how strong its edges are; the mean of two
    paintings' is that of their mixture.

    Args:
        picture: `(batch, h, w, 3)`, sides of multiples of `STRIDE`.
    """
    found = [0.5 * ops.mean(ops.log(one), axis=(1, 2)) for one in _variances(picture)]
    return ops.concatenate(found, axis=-1)


def grain(picture: Tensor, deviations: Tensor) -> Tensor:
    """`(batch, h, w, 1)` noise that raises deviations in windows to those given, where lower.

    That is exact for the finest band; interpolation smooths the noise of the others.
    The noise repeats after `PERIOD` pixels, so that parts of a picture that start at multiples of
    it have the whole's.

    Args:
        picture: `(batch, h, w, 3)`, sides of multiples of `STRIDE`.
        deviations: `(batch or 1, BANDS)`.
    """
    total = 0.0
    for number, variance in enumerate(_variances(picture)):
        wanted = ops.reshape(deviations[:, number], (-1, 1, 1, 1))
        noise_map = noise(variance, number)
        missing = ops.sqrt(ops.relu(wanted * wanted - variance))
        total = total + double(missing * noise_map, number)
    return total


def noise(maps: Tensor, number: int) -> Tensor:
    """`(1, h, w, 1)` noise of deviation 1, without what a lower band has.

    It is the product of a small pattern and of signs, which repeat after other numbers of pixels:
    the eye finds a pattern in flat areas that repeats after 64.

    Args:
        maps: `(batch, h, w, c)`, for the size.
        number: of the band, from 0.
    """
    # Times 1 that is known from the picture alone: else converters store the noise for all of it.
    one = ops.minimum(1.0 + ops.square(maps[:1, :1, :1, :1]), 1.0)
    height, width = ops.shape(maps)[1:3]
    found = one
    for pattern in _NOISE[number]:
        period = len(pattern)
        rows, columns = ops.shape(maps[:1, ::period, ::period, :1])[1:3]
        part = ops.convert_to_tensor(pattern[None, ..., None]) * one
        found = found * ops.tile(part, (1, rows, columns, 1))[:, :height, :width]
    return found


def guided(picture: Tensor, guide: Tensor, share: float, rest: float) -> Tensor:
    """A picture whose colours in cells are, in each window, a linear function of the guide's.

    So colours have edges where the guide has edges, and no halos around them; what is finer than a
    cell stays. He, Sun and Tang, "Guided Image Filtering", IEEE TPAMI 2013, equations 14 to 16: as
    `images.guided_filter`, which has it for arrays in float64, here for graphs and gradients.

    Args:
        picture: `(batch, h, w, 3)`, sides of multiples of 4.
        guide: `(batch, h, w, 3)`, the photograph.
        share: of the change.
        rest: share in it of the guide's own colours, unfiltered.
    Returns: `(batch, h, w, 3)`, what is to be added to the picture.
    """
    image, guide = halved(picture, 2), halved(guide, 2)
    with layers.precision("float32"):
        means = _box_mean(ops.concatenate([guide, image], axis=-1))
        guide_mean, mean = means[..., :3], means[..., 3:]
        # Of deviations from the whole's means: float32 does not resolve products of large values.
        products = _box_mean(_products(guide, image)) - _products(guide_mean, mean)
        slopes = _solved(products)
        offsets = mean - _applied(slopes, guide_mean)
        smooth = _box_mean(ops.concatenate([*slopes, offsets], axis=-1))
        slopes = [smooth[..., 3 * i : 3 * i + 3] for i in range(3)]
        filtered = _applied(slopes, guide) + smooth[..., 9:]
        return share * double((1.0 - rest) * filtered + rest * guide - image, 2)


def _products(guide, image):
    """Of the guide's channels with one another, six, and with the image's, nine."""
    among = [guide[..., i : i + 1] * guide[..., i:] for i in range(3)]
    across = [guide[..., i : i + 1] * image for i in range(3)]
    # XNNPACK takes no six at once.
    parts = [ops.concatenate(part, axis=-1) for part in (among, across)]
    return ops.concatenate(parts, axis=-1)


def _solved(products):
    """Slopes of each channel of the guide: the inverse of its covariance, times the products."""
    parts = [products[..., i : i + 1] for i in range(6)]
    rr, rg, rb, gg, gb, bb = parts
    rr, gg, bb = (one + _EPSILON for one in (rr, gg, bb))
    minors = [
        [gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb],
        [gb * rb - rg * bb, rr * bb - rb * rb, rg * rb - rr * gb],
        [rg * gb - gg * rb, rg * rb - rr * gb, rr * gg - rg * rg],
    ]
    determinant = rr * minors[0][0] + rg * minors[0][1] + rb * minors[0][2]
    right = [products[..., 6 + 3 * i : 9 + 3 * i] for i in range(3)]
    return [
        sum(minor * one for minor, one in zip(row, right, strict=True)) / determinant
        for row in minors
    ]


def _applied(slopes, guide):
    return sum(slope * guide[..., i : i + 1] for i, slope in enumerate(slopes))


def _box_mean(values):
    """Means over the part of each window that is inside of the picture."""
    side = 2 * _RADIUS + 1
    return ops.average_pool(values, side, 1, padding="same", data_format="channels_last")


def _variances(picture):
    """Squared deviations in windows, one map for each band, as large as the band."""
    luminance, found = losses.luminance(picture), []
    for number in range(BANDS):
        low = half(luminance)
        variance = ops.square(luminance - double(low))
        times = (STRIDE.bit_length() - 1) - number
        found.append(double(halved(variance, times), times) + _LEAST_VARIANCE)
        luminance = low
    return found


def _make_noise():
    """For each band, white noise without what a lower band has, of deviation 1, and signs.

    Signs are those of 2 × 2 positions, so that means of these are 0 in the product, too.
    """
    random, found = np.random.RandomState(0), []  # whose numbers no version of NumPy changes
    for number in range(BANDS):
        side, other = (side >> number for side in _SIDES)
        noise = random.normal(size=(side, side))
        noise = noise - _doubled(noise.reshape(side // 2, 2, side // 2, 2).mean((1, 3)))
        signs = _doubled(random.choice([-1.0, 1.0], size=(other // 2, other // 2)))
        found.append([np.float32(noise / noise.std()), np.float32(signs)])
    return found


def _doubled(array):
    return array.repeat(2, 0).repeat(2, 1)


_NOISE = _make_noise()
