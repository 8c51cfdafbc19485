"""A last pass over a render, which restores edges of the photo in its luminance.

Where the painting has no such edges, and where faces, windows and letters are finer than its
strokes, a render smears them. In each of a few bands of spatial frequency, the render's luminance
is replaced by the photo's where the photo's contrast is high, and kept, strokes and all, where the
photo is flat. The bands are differences of means, as in a Laplacian pyramid (Burt and Adelson 1983)
without reduction. The photo's are scaled to the render's contrast, and change their sign where
the render is light for what is dark in the photo.

All of it is local, but for the contrasts of both pictures: it is computed in strips, and memory
beside that of the pictures is 16 bytes a pixel.
"""

import numpy as np

from tfstyle import colors
from tfstyle.config import WRAP_AXES, OptimizeConfig
from tfstyle.images.filters import box_mean

RADII = (1, 2, 4, 8)  # pixels, of the means between bands
WINDOW = 2  # radius of the window for a band's contrast, of its mean's
SIGN_RADIUS = 12  # pixels, of the window in which the signs of both luminances are compared
EDGE_CONTRAST = 0.3  # of the photo's deviation; from there on, a band is rather the photo's
REACH = max(RADII) * (1 + WINDOW)  # pixels that a value depends on to each side
_STRIP = 128  # rows


def restore_edges(picture: np.ndarray, photo: np.ndarray, config: OptimizeConfig) -> None:
    """Gives a render the photo's edges.

    Args:
        picture: `(1, h, w, 3)` float32 in [0, 1], which is changed in place.
        photo: likewise, of the same size; it is not changed.
        config: of which `detail` says how far to go, and `wrap` which opposite edges meet.
    """
    luma, photo_luma = (colors.luma(image[0]) for image in (picture, photo))
    scale = float(photo_luma.std())
    gain = min(1.0, float(luma.std()) / max(scale, 1e-6))
    wraps = WRAP_AXES[config.wrap]
    margins = [(REACH, REACH) if axis in wraps else (0, 0) for axis in (1, 2)]
    if wraps:
        luma, photo_luma = (np.pad(one, margins, mode="wrap") for one in (luma, photo_luma))
    (top, _), (left, _) = margins
    height, width = picture.shape[1:3]
    for start in range(0, height, _STRIP):
        stop = min(start + _STRIP, height)
        first = max(start + top - REACH, 0)
        rows = slice(first, stop + top + REACH)
        change = _change(
            luma[rows].astype(np.float64), photo_luma[rows].astype(np.float64), gain, scale
        )
        change = change[start + top - first :][: stop - start, left : left + width, None]
        part = picture[0, start:stop]
        part[:] = np.clip(part + config.detail * change, 0.0, 1.0)


def _change(luma, photo, gain, scale):
    """`(h, w)` of the luminance, for equal bands where the photo has edges."""
    sign = _sign(luma, photo)
    change = np.zeros_like(luma)
    above, photo_above = luma, photo
    for radius in RADII:
        below, photo_below = box_mean(luma, radius), box_mean(photo, radius)
        band, photo_band = above - below, photo_above - photo_below
        energy = box_mean(np.square(photo_band), WINDOW * radius)
        share = energy / (energy + (EDGE_CONTRAST * scale) ** 2 + 1e-8)
        change += share * (gain * sign * photo_band - band)
        above, photo_above = below, photo_below
    return change


def _sign(luma, photo):
    """From -1 to 1; negative only where the two are clearly opposite."""

    def covariance(first, second):
        product = box_mean(first * second, SIGN_RADIUS)
        return product - box_mean(first, SIGN_RADIUS) * box_mean(second, SIGN_RADIUS)

    variances = np.maximum(covariance(luma, luma) * covariance(photo, photo), 0.0)
    correlation = covariance(luma, photo) / np.sqrt(variances + 1e-8)
    return np.tanh(4.0 * (correlation + 0.5))
