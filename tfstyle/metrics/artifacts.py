"""Detectors of network artifacts in one `(1, h, w, 3)` picture, without a reference.

Photographs and paintings have lines and patterns, too: compare a value with those of the content,
of the style and of another system.
"""

import numpy as np

from tfstyle.metrics.pictures import luminance

BORDER = 16  # pixels from the border that zero padding affects in a network of a few layers
GREY_LEVELS = 255.0
_PERIOD = 8  # pixels; of the pattern of the coarsest upsampling


def is_constant(image: np.ndarray) -> bool:
    """Whether a picture has one colour, to within half a grey level, or holds NaN or infinity."""
    return bool(not np.isfinite(image).all() or np.std(image, (-3, -2)).max() < 0.5 / GREY_LEVELS)


def border_energy(image: np.ndarray) -> float:
    """Strength of lines along the border within 16 pixels of it, relative to those further in.

    The mean luminance of the rings of pixels at one distance from the border varies smoothly with
    that distance inside of a picture; zero padding makes it bend near the border. This is the root
    mean square of its second differences there, over that for the rings from 16 pixels to a quarter
    of the shorter side.

    Raises: ValueError for sides below 96 pixels.
    """
    plane = luminance(image) * GREY_LEVELS
    height, width = plane.shape
    if min(height, width) < 6 * BORDER:
        raise ValueError(f"`image` must have sides of 96 pixels. Received: shape={image.shape}")
    depth = min(height, width) // 4
    rings = []
    for d in range(depth):
        top, bottom = plane[d, d : width - d], plane[height - 1 - d, d : width - d]
        left, right = plane[d + 1 : height - 1 - d, d], plane[d + 1 : height - 1 - d, width - 1 - d]
        rings.append(np.concatenate([top, bottom, left, right]).mean())
    bends = np.square(np.diff(rings, 2))
    floor = 0.01  # grey levels; of a blank picture
    outer, inner = bends[: BORDER - 1].mean(), bends[BORDER - 1 :].mean()
    return float((np.sqrt(outer) + floor) / (np.sqrt(inner) + floor))


def checkerboard_energy(image: np.ndarray) -> float:
    """Amplitude of patterns that repeat every 2, 4 or 8 pixels, in grey levels of 255.

    Upsampling by steps of two causes them (Odena, Dumoulin and Olah, "Deconvolution and
    Checkerboard Artifacts", Distill 2016). They are single peaks of the spectrum, at multiples of
    an eighth of the sampling frequency. This is the root of the power in those peaks that exceeds
    twice that of the neighbouring frequencies (noise alone rarely does), averaged over channels.

    Raises: ValueError for sides below 96 pixels, in whose spectra the peaks are too close.
    """
    height, width = (side - side % _PERIOD for side in image.shape[-3:-1])
    if min(height, width) < 6 * BORDER:
        raise ValueError(f"`image` must have sides of 96 pixels. Received: shape={image.shape}")
    pixels = np.asarray(image, np.float64).reshape(image.shape[-3:])[:height, :width]
    # The window suppresses leakage from the jump across the borders; along each axis, it spreads a
    # peak over three frequencies.
    window = np.outer(np.hanning(height + 1)[:-1], np.hanning(width + 1)[:-1])
    scale = GREY_LEVELS**2 / (window.size * np.square(window).sum())
    power = np.zeros((height, width))
    for channel in range(3):
        plane = pixels[..., channel] - pixels[..., channel].mean()
        power += np.abs(np.fft.fft2(plane * window)) ** 2 * scale / 3
    near, far = 1, 6
    side, middle = (
        [*range(far - near), *range(far + near + 1, 2 * far + 1)],
        slice(far - 1, far + 2),
    )
    excess = 0.0
    for row in range(_PERIOD):
        for column in range(_PERIOD):
            if not row and not column:
                continue
            rows = row * height // _PERIOD + np.arange(-far, far + 1)
            columns = column * width // _PERIOD + np.arange(-far, far + 1)
            around = power[np.ix_(rows % height, columns % width)]
            # Straight edges are ridges of the spectrum through the peak, along rows or columns.
            background = max(np.mean(around[middle, side]), np.mean(around[side, middle]))
            excess += max(0.0, around[middle, middle].sum() - 2 * 9 * background)
    return float(np.sqrt(excess))


def seam_energy(image: np.ndarray) -> float:
    """Largest step in brightness across the whole picture, relative to the steps beside it.

    For each pair of neighbouring columns, and of rows, the mean difference in each quarter of the
    line is divided by the root mean square of those of the eight pairs on either side. The mean of
    the four quotients, with their signs, is large for a seam of tiles, which crosses the whole
    picture, unlike edges of objects. This is the largest, from 4 pixels inwards: 2 is usual, a
    straight horizon has more. A seam of 10 grey levels raises it by a third or more in six of ten
    photographs and paintings, one of 20 in more than eight of ten.
    """
    pixels = np.asarray(image, np.float64).reshape(image.shape[-3:]).mean(axis=-1) * GREY_LEVELS
    return float(max(_seam(pixels), _seam(pixels.T)))


def _seam(plane, quarters=4, reach=8):
    quotients = []
    for part in np.array_split(np.diff(plane, axis=1), quarters):
        steps = part.mean(axis=0)
        padded = np.pad(np.square(steps), reach, mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
        beside = (windows.sum(axis=1) - np.square(steps)) / (2 * reach)
        floor = 0.1  # grey levels; of a blank picture
        quotients.append(steps / (np.sqrt(np.maximum(beside, 0.0)) + floor))
    return np.abs(np.mean(quotients, axis=0))[4:-4].max()
