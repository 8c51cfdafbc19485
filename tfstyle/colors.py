"""Keeping the photo's colours, and its contrast, on pictures `(1, h, w, 3)` float32 in [0, 1].

Gatys et al., "Preserving Color in Neural Artistic Style Transfer", 2016,
https://arxiv.org/abs/1606.05897: luminance-only transfer, and matching the style image's colours
to the photo's before the transfer.
"""

from collections.abc import Sequence

import numpy as np

LUMA = (0.299, 0.587, 0.114)  # of Rec. 601
# Luma and two chroma axes, as in the NTSC's YIQ, which the paper uses.
_YIQ = np.array([LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_LEVELS = 256  # of the histograms of tone curves
_STEEPEST = 3.0  # slope of a tone curve, about: contrast grows so many times at most, and noise
_FLOOR = 1e-6  # smallest variance along a colour axis; a grey picture has none along two


def prepare(
    content: np.ndarray, styles: Sequence[np.ndarray], mode: str
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Content and styles with the colours that the transfer should see.

    `mode` is "none", "luminance" (all grey; `with_chroma` colours the result), "histogram" or
    "linear" (the styles take the content's colours).
    """
    if mode == "none":
        return content, list(styles)
    if mode == "luminance":
        grey = luminance(content)
        return grey, [match_luminance(luminance(style), grey) for style in styles]
    match = match_histogram if mode == "histogram" else match_linear
    return content, [match(style, content) for style in styles]


def adjust_contrast(
    content: np.ndarray, styles: Sequence[np.ndarray], mode: str, shares: Sequence[float] = ()
) -> np.ndarray:
    """A photo with other luminances, by one curve for all pixels, and its chroma.

    The curve's slope is limited by a clipped histogram, as in contrast-limited equalization
    (Zuiderveld, "Contrast Limited Adaptive Histogram Equalization", Graphics Gems IV, 1994).

    Args:
        content: the photo.
        styles: the style images; only needed to match them.
        mode: "none", "equalize" for luminances that are equally frequent, or "match" for those of
            the style images.
        shares: of the style images; equal if empty.
    Returns: `(1, h, w, 3)` float32; the photo itself if `mode` is "none".
    """
    if mode == "none":
        return content
    levels = np.linspace(0.0, 1.0, _LEVELS + 1)
    target = levels
    if mode == "match":
        quantiles = [np.quantile(np.clip(luma(style), 0.0, 1.0), levels) for style in styles]
        target = np.average(quantiles, axis=0, weights=shares or None)
    before = np.clip(luma(content), 0.0, 1.0)
    counts, _ = np.histogram(before, levels)
    below = np.concatenate([[0.0], np.cumsum(counts)]) / counts.sum()
    curve = np.interp(below, levels, target)
    rises = np.diff(curve)
    clipped = np.minimum(rises, _STEEPEST / _LEVELS)
    rises = clipped + (rises.sum() - clipped.sum()) / _LEVELS
    curve = curve[0] + np.concatenate([[0.0], np.cumsum(rises)])
    change = np.interp(before, levels, curve - levels).astype(np.float32)
    return np.clip(content + change[..., None], 0.0, 1.0)


def luma(image: np.ndarray) -> np.ndarray:
    """`(…)` luma of pictures, `(…, 3)`."""
    return image @ np.array(LUMA, np.float32)


def luminance(image: np.ndarray) -> np.ndarray:
    """`(1, h, w, 3)` grey picture with the luma of `image` in all channels."""
    return np.repeat(image @ _YIQ[0].astype(np.float32)[:, None], 3, axis=-1)


def match_luminance(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """`image`, a grey picture, with the mean and deviation of `reference`, within [0, 1]."""
    scale = reference.std() / max(image.std(), _FLOOR)
    return np.clip((image - image.mean()) * scale + reference.mean(), 0.0, 1.0).astype(np.float32)


def with_chroma(image: np.ndarray, source: np.ndarray) -> np.ndarray:
    """The luma of `image` with the chroma of `source`, pictures of the same size."""
    mixed = source @ _YIQ.T
    mixed[..., 0] = image @ _YIQ[0]
    return np.clip(mixed @ np.linalg.inv(_YIQ).T, 0.0, 1.0).astype(np.float32)


def match_histogram(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """`image` with the histogram of each channel of `reference`."""
    matched = np.empty_like(image)
    for channel in range(image.shape[-1]):
        values, target = image[..., channel].ravel(), np.sort(reference[..., channel], axis=None)
        # Equal values stay equal: each takes the mean of the quantiles it spans.
        _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        quantile = np.interp(
            (np.arange(values.size) + 0.5) / values.size,
            (np.arange(target.size) + 0.5) / target.size,
            target,
        )
        sums = np.add.reduceat(quantile, np.concatenate([[0], np.cumsum(counts)[:-1]]))
        matched[..., channel] = (sums / counts)[inverse].reshape(image.shape[:-1])
    return matched


def match_linear(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """`image` mapped linearly to the mean and covariance of `reference`'s colours.

    The map is the optimal transport of Gaussians (Pitié and Kokaram 2007), which changes least.
    """
    pixels, target = (picture.reshape(-1, 3).astype(np.float64) for picture in (image, reference))
    mean, target_mean = pixels.mean(0), target.mean(0)
    covariance = np.cov(pixels.T, bias=True) + _FLOOR * np.eye(3)
    root, inverse_root = _power(covariance, 0.5), _power(covariance, -0.5)
    middle = _power(root @ np.cov(target.T, bias=True) @ root, 0.5)
    matched = (pixels - mean) @ (inverse_root @ middle @ inverse_root) + target_mean
    return np.clip(matched, 0.0, 1.0).reshape(image.shape).astype(np.float32)


def _power(matrix, exponent):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 1e-12) ** exponent) @ vectors.T
