"""Distances of an encoder's features: dicts of `(1, h, w, c)` float arrays by paper name.

They depend on the encoder; values of different encoders are not comparable. The statistics of each
picture have a function of their own, so that they can be cached.
"""

import dataclasses

import numpy as np

from tfstyle.encoders.layer_names import HEAD_LAYERS

CONTENT_LAYER = "relu4_1"
STYLE_LAYERS = HEAD_LAYERS
SINGLE_IMAGE_LAYER = "relu3_1"  # a stride of 4, like the layer that SIFID uses
EMBEDDING_LAYER = "relu5_1"
FLOOR = 1e-8  # of a target's mean square, as in `losses`: a flat picture has no deviations
EPSILON = 1e-20  # keeps the cosine with a vector of zeros finite


@dataclasses.dataclass(frozen=True)
class Gaussian:
    """Mean `(c,)` and biased covariance `(c, c)`, float64."""

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, samples: np.ndarray) -> "Gaussian":
        """The moments of `(n, c)` samples."""
        mean = samples.mean(axis=0, dtype=np.float64)
        centred = samples - mean.astype(samples.dtype)
        return cls(mean, (centred.T @ centred).astype(np.float64) / len(samples))


def content_distance(features: dict, content: dict) -> float:
    """Mean squared difference at relu4_1 over the content's mean square; 0 for the content.

    The content loss of Gatys, Ecker and Bethge, CVPR 2016, equation 1, relative to its target.
    """
    return _relative_error(features[CONTENT_LAYER], content[CONTENT_LAYER])


def gram_matrices(features: dict) -> dict:
    """`(c, c)` mean products of channels over positions, FᵀF / (h·w), of each style layer."""
    grams = {}
    for layer in STYLE_LAYERS:
        flat = _flatten(features[layer])
        grams[layer] = flat.T @ flat / len(flat)
    return grams


def style_distance(grams: dict, style_grams: dict) -> float:
    """Mean squared difference of Gram matrices over the style's mean square; mean of five layers.

    The style loss of Gatys, Ecker and Bethge, CVPR 2016, equations 3 to 5, with each layer relative
    to its target and equal weights. 0 for the style; for a photo about 2, and often far more.

    Args:
        grams: from `gram_matrices`.
        style_grams: likewise.
    """
    return float(
        np.mean([_relative_error(grams[layer], style_grams[layer]) for layer in STYLE_LAYERS])
    )


def means_and_stds(features: dict) -> dict:
    """Channel means and biased deviations, each `(c,)`, of each style layer."""
    moments = {}
    for layer in STYLE_LAYERS:
        flat = _flatten(features[layer])
        mean = flat.mean(axis=0, dtype=np.float64)  # a float32 sum would lose digits
        centred = flat - mean.astype(np.float32)
        moments[layer] = mean, np.sqrt(np.einsum("pc,pc->c", centred, centred) / len(flat))
    return moments


def mean_std_distance(moments: dict, style_moments: dict) -> float:
    """Mean of the relative squared errors of channel means and of deviations, over five layers.

    Huang and Belongie, ICCV 2017, equation 13, with each term relative to its target. 0 for the
    style.

    Args:
        moments: from `means_and_stds`.
        style_moments: likewise.
    """
    return float(
        np.mean(
            [
                _relative_error(value, target)
                for layer in STYLE_LAYERS
                for value, target in zip(moments[layer], style_moments[layer], strict=True)
            ]
        )
    )


def perceptual_distance(features: dict, content: dict) -> float:
    """Sum over layers of the mean over positions of the squared distance of unit features.

    Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR
    2018, https://arxiv.org/abs/1801.03924, equation 1 with weights of one. Not comparable with
    published LPIPS, which has another network and trained weights. From 0 to 2 for each layer.

    Args:
        features: of all layers of `content`.
        content: of a picture of the same size.
    """
    total = 0.0
    for layer, reference in content.items():
        first, second = _flatten(features[layer]), _flatten(reference)
        # |a/|a| - b/|b||² = 2 - 2 ab / |a||b|, which needs no normalized maps; but 1 where one of
        # the two is zero, and 0 where both are.
        squares = [np.einsum("pc,pc->p", one, one) for one in (first, second)]
        norms = np.sqrt(squares[0] * squares[1])
        cosines = np.einsum("pc,pc->p", first, second) / np.maximum(norms, EPSILON)
        lengths = np.add(*(square > 0.0 for square in squares), dtype=np.float32)
        total += float(np.mean(np.maximum(lengths - 2.0 * cosines, 0.0)))
    return total


def single_image_gaussian(features: dict) -> Gaussian:
    """The moments over positions at relu3_1, for `frechet_distance` of two pictures.

    Shaham, Dekel and Michaeli, "SinGAN", ICCV 2019, https://arxiv.org/abs/1905.01164, section 4.2
    (SIFID), which uses Inception's features instead.
    """
    return Gaussian.of(_flatten(features[SINGLE_IMAGE_LAYER]))


def embedding(features: dict) -> np.ndarray:
    """`(c,)` means over positions at relu5_1: one sample of a set of pictures."""
    return _flatten(features[EMBEDDING_LAYER]).mean(axis=0)


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """Squared Fréchet (Wasserstein-2) distance of two Gaussians; 0 if they are equal.

    Dowson and Landau, "The Fréchet distance between multivariate normal distributions", 1982;
    used as FID by Heusel et al., NeurIPS 2017, https://arxiv.org/abs/1706.08500. Its bias grows as
    samples get fewer: compare only sets of equal size.
    """
    values, vectors = np.linalg.eigh(first.covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    # The trace of the root of Σ1 Σ2 is that of the symmetric root of √Σ1 Σ2 √Σ1.
    eigenvalues = np.linalg.eigvalsh(root @ second.covariance @ root)
    shared = np.sqrt(np.maximum(eigenvalues, 0.0)).sum()
    difference = first.mean - second.mean
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    return max(0.0, float(difference @ difference + traces - 2.0 * shared))


def cosine_distance(first: np.ndarray, second: np.ndarray) -> float:
    """1 - cosine of the angle between two vectors `(n,)`: 0 if parallel, 2 if opposite."""
    product, *squares = (float(a @ b) for a, b in ((first, second), (first,) * 2, (second,) * 2))
    return 1.0 - product / max(np.sqrt(squares[0] * squares[1]), EPSILON)


def _flatten(maps):
    """`(h·w, c)` of `(1, h, w, c)`."""
    return np.asarray(maps, np.float32).reshape(-1, maps.shape[-1])


def _relative_error(value, target):
    difference = np.subtract(value, target, dtype=np.float64).ravel()
    target = np.asarray(target, np.float64).ravel()
    return float(np.mean(difference**2) / (np.mean(target**2) + FLOOR))
