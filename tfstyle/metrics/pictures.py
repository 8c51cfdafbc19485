"""Distances of pictures by their pixels: `(1, h, w, 3)` float RGB in [0, 1]."""

import numpy as np

from tfstyle.colors import LUMA

_DIRECTIONS = 16
_LEVELS = 4096
_BOXES = 96
_MIN_SHARPNESS = 0.5 / 255


def luminance(image: np.ndarray) -> np.ndarray:
    """`(h, w)` float64 luma of a picture."""
    return np.asarray(image, np.float64).reshape(image.shape[-3:]) @ np.array(LUMA)


def psnr(image: np.ndarray, reference: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal pictures.

    Relative to the content, an unchanged photo is best: it measures distortion, not quality.

    Raises: ValueError for pictures of different sizes, as below.
    """
    _check_sizes(image, reference)
    error = np.mean(np.square(np.subtract(image, reference, dtype=np.float64)))
    return float(-10.0 * np.log10(error)) if error else float("inf")


def ssim(image: np.ndarray, reference: np.ndarray) -> float:
    """Mean structural similarity of the luminance, from -1 to 1; 1 for equal pictures.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE
    TIP 2004: Gaussian window of 11 pixels and deviation 1.5, K1 = 0.01, K2 = 0.03, biased moments,
    windows inside of the picture only. Relative to the content, an unchanged photo is best.

    Raises: ValueError for sides below 11 pixels.
    """
    _check_sizes(image, reference)
    if min(image.shape[-3:-1]) < 11:
        raise ValueError(f"`image` must have sides of 11 pixels. Received: shape={image.shape}")
    x, y = luminance(image), luminance(reference)
    mean_x, mean_y, xx, yy, xy = (_blur(part) for part in (x, y, x * x, y * y, x * y))
    c1, c2 = 0.01**2, 0.03**2
    variances = xx - mean_x**2 + yy - mean_y**2
    covariance = xy - mean_x * mean_y
    similarity = (
        (2 * mean_x * mean_y + c1)
        * (2 * covariance + c2)
        / ((mean_x**2 + mean_y**2 + c1) * (variances + c2))
    )
    return float(similarity.mean())


def structure(image: np.ndarray, reference: np.ndarray) -> float:
    """Correlation of the gradients' magnitudes of the luminance, from -1 to 1.

    Both are first blurred as for `ssim`, so that strokes count less than outlines. 0 for a picture
    without any edge.
    """
    _check_sizes(image, reference)
    magnitudes = []
    for picture in (image, reference):
        down, right = np.gradient(_blur(luminance(picture)))
        magnitudes.append(np.hypot(down, right).ravel())
    first, second = (part - part.mean() for part in magnitudes)
    norms = np.linalg.norm(first) * np.linalg.norm(second)
    return float(first @ second / norms) if norms > 1e-12 else 0.0


def sharpness(image: np.ndarray) -> float:
    """The 95th percentile of the luminance's gradient, per pixel, for luminance in [0, 1].

    Our own metric. The ratio of two equally sharp pictures is near 1; noise and halos count as
    edges, so more is not better. It is at least half a grey level of 255 per pixel, so that the
    ratio of flat pictures is 1 and none is infinite.

    Raises: ValueError for sides below 2 pixels.
    """
    if min(image.shape[-3:-1]) < 2:
        raise ValueError(f"`image` must have sides of 2 pixels. Received: shape={image.shape}")
    magnitudes = np.hypot(*np.gradient(luminance(image)))
    return float(np.maximum(np.percentile(magnitudes, 95), _MIN_SHARPNESS))


def coarse_colors(image: np.ndarray) -> np.ndarray:
    """`(h, w, 3)` float64 mean colours of boxes of equal size, at most 96 × 96 of them."""
    pixels = np.asarray(image, np.float64).reshape(image.shape[-3:])
    down, across = map(_boxes, pixels.shape[:2])
    return across @ np.tensordot(down, pixels, 1)


def color_explained(colors: np.ndarray, content_colors: np.ndarray) -> float:
    """Share of a picture's colour variance that the content's colours explain, from 0 to 1.

    Our own metric: R² of the least squares fit of R, G and B, pooled, by the content's R, G, B, R²,
    G², B² and a constant. It is 1 for the photograph under such a map of its colours (slightly less
    if boxes hold many pixels, since means are squared) and for a picture of one colour; about 0 for
    noise. A painting recolours locally, so less is more painterly, but neither extreme is good by
    itself.

    Args:
        colors: from `coarse_colors`.
        content_colors: likewise.
    Raises: ValueError for colours of different shapes.
    """
    if colors.shape != content_colors.shape:
        raise ValueError(
            "`colors` must have the shape of `content_colors`. "
            f"Received: shapes {colors.shape} and {content_colors.shape}"
        )
    target, source = colors.reshape(-1, 3), content_colors.reshape(-1, 3)
    terms = np.concatenate([source, source**2, np.ones_like(source[:, :1])], axis=1)
    residual = target - terms @ np.linalg.lstsq(terms, target, rcond=None)[0]
    total = np.sum((target - target.mean(axis=0)) ** 2)
    return float(1.0 - np.sum(residual**2) / total) if total > 1e-12 else 1.0


def color_quantiles(image: np.ndarray) -> np.ndarray:
    """`(16, 4096)` quantiles of the colours, projected to directions spread over a half sphere."""
    projected = directions() @ np.asarray(image, np.float32).reshape(-1, 3).T
    projected.sort(axis=1)
    size = projected.shape[1]
    positions = np.clip((np.arange(_LEVELS) + 0.5) / _LEVELS * size - 0.5, 0, size - 1)
    lower = positions.astype(int)
    upper = np.minimum(lower + 1, size - 1)
    fraction = (positions - lower).astype(np.float32)
    return projected[:, lower] * (1 - fraction) + projected[:, upper] * fraction


def color_distance(quantiles: np.ndarray, style_quantiles: np.ndarray) -> float:
    """Sliced Wasserstein-2 distance of two pictures' colours, in units of a channel's range.

    Rabin et al., "Wasserstein Barycenter and Its Application to Texture Mixing", SSVM 2011. 0 for
    the same colours, wherever they are; 1 between black and white.

    Args:
        quantiles: from `color_quantiles`.
        style_quantiles: likewise; the pictures may differ in size.
    """
    difference = np.subtract(quantiles, style_quantiles, dtype=np.float64)
    return float(np.sqrt(np.mean(difference**2)))


def directions() -> np.ndarray:
    """`(16, 3)` float32 unit vectors, evenly spread over a half sphere (Fibonacci's lattice)."""
    step = np.arange(_DIRECTIONS)
    height = (step + 0.5) / _DIRECTIONS
    angle = np.pi * (1 + np.sqrt(5)) * step
    radius = np.sqrt(1 - height**2)
    return np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), height], axis=1, dtype=np.float32
    )


def _check_sizes(image, reference):
    if image.shape[-3:] != reference.shape[-3:]:
        raise ValueError(
            "`image` must have the size of `reference`. "
            f"Received: shapes {image.shape} and {reference.shape}"
        )


def _boxes(side):
    """`(min(side, 96), side)` weights of a line's pixels in the means of equal boxes."""
    count = min(side, _BOXES)
    edges = np.linspace(0.0, side, count + 1)[:, None]
    return np.diff(np.clip(edges - np.arange(side), 0.0, 1.0), axis=0) * (count / side)


def _blur(plane):
    """`(h - 10, w - 10)` means under SSIM's window, where it lies inside the picture."""
    window = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window /= window.sum()
    rows = sum(w * plane[k : plane.shape[0] - 10 + k] for k, w in enumerate(window))
    return sum(w * rows[:, k : plane.shape[1] - 10 + k] for k, w in enumerate(window))
