"""Regions without label maps: what is alike in a photograph and in paintings.

Positions of all pictures are clustered together by features of an encoder, so that a cluster is the
same thing in each: sky, skin, foliage. Each picture's features have its own mean and deviation
removed first, which are most of a style, as in Huang and Belongie, ICCV 2017.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from tfstyle import encoders, images
from tfstyle.images.filters import box_mean
from tfstyle.images.guided_filter import guided_filter
from tfstyle.images.regions import Regions
from tfstyle.images.resizing import resample

SIZE = 256  # pixels of the longest side of the pictures that are clustered
LEAST_SHARE = 0.03  # of a picture, that a cluster fills, or else it is not there
TAPS = ("relu3_1", "relu4_1")
_MOST_POINTS = 800  # of a picture, that clusters are found with
_STARTS, _ROUNDS = 4, 30  # of k-means
_HEIGHT_WEIGHT = 0.5  # of the place in the picture, beside features of variance 1
_SOFTNESS = 0.04  # of weights: difference of squared distances, relative to the nearest one
_RADIUS, _EPSILON = 12, 2e-4  # of the guided filter, pixels and a squared deviation of colours


def find_regions(
    content: np.ndarray, styles: Sequence[np.ndarray], count: int, shares: Sequence[float] = ()
) -> Regions:
    """Regions of a photograph with their partners in paintings.

    Args:
        content: `(1, h, w, 3)` in [0, 1].
        styles: likewise.
        count: of clusters; there are fewer regions where one is missing in the photograph or in
            all paintings, and joins the nearest.
        shares: of the style images, where several have a region; equal if empty.
    """
    pictures = [images.reduce(picture, SIZE) for picture in (content, *styles)]
    encoder = encoders.load_encoder("lite", TAPS, heads=False, margin=16)
    points = [_points(encoder, picture) for picture in pictures]
    random = np.random.default_rng(0)
    sample = np.concatenate([_sampled(one, random) for one in points])
    centers = _clusters(sample, count, random)
    present = np.array([_areas(one, centers) >= LEAST_SHARE for one in points])
    kept = present[0] & present[1:].any(axis=0)
    if not kept.any():  # nothing is alike: all of it is one region
        kept[0] = present[:, 0] = True
    centers, known = centers[kept], present[1:, kept]
    weights = [
        _soft(one, centers, there, picture)
        for one, there, picture in zip(points, [known.any(0), *known], pictures, strict=True)
    ]
    rows = np.array([shares or [1.0] * len(styles)] * len(centers)) * known.T
    rows = np.where(rows.any(1, keepdims=True), rows, known.T)  # a share may be 0
    return Regions(
        weights[0], weights[1:], rows / rows.sum(1, keepdims=True), np.ones(len(centers)),
        np.ones((1, 1, 1, 1), np.float32),
    )  # fmt: skip


def _points(encoder, picture):
    """`(h, w, c)` features at the last tap's positions, of mean 0, by layer of variance 1."""
    features, parts = encoder(picture), []
    shape = features[TAPS[-1]].shape[1:3]
    for tap in TAPS:
        maps = resample(np.asarray(features[tap])[0], shape, Image.Resampling.BOX)
        maps = (maps - maps.mean((0, 1))) / (maps.std((0, 1)) + 1e-6)
        maps = box_mean(maps.astype(np.float64), 1)  # so that clusters are areas
        parts.append(maps.astype(np.float32) / np.sqrt(maps.shape[-1]))
    rows = np.linspace(-1.0, 1.0, shape[0], dtype=np.float32)[:, None, None]
    parts.append(np.broadcast_to(_HEIGHT_WEIGHT * rows, (*shape, 1)))
    return np.concatenate(parts, axis=-1)


def _sampled(points, random):
    flat = points.reshape(-1, points.shape[-1])
    return flat[random.permutation(len(flat))[:_MOST_POINTS]]


def _distances(points, centers):
    """Squared, `(…, clusters)`."""
    squares = np.square(points).sum(-1)[..., None] + np.square(centers).sum(-1)
    products = np.einsum("...c,kc->...k", points, centers)  # few, for which threads are slow
    return np.maximum(squares - 2.0 * products, 0.0)


def _clusters(points, count, random):
    """`(count, c)` centres: k-means with the starts of Arthur and Vassilvitskii, SODA 2007."""
    found: list = []
    for _ in range(_STARTS):
        centers = points[random.integers(len(points))][None]
        while len(centers) < count:
            nearest = _distances(points, centers).min(-1).astype(np.float64) + 1e-12
            chosen = random.choice(len(points), p=nearest / nearest.sum())
            centers = np.concatenate([centers, points[chosen][None]])
        labels = np.zeros(0)
        for _ in range(_ROUNDS):
            before, labels = labels, _distances(points, centers).argmin(-1)
            if np.array_equal(before, labels):
                break
            centers = np.stack([
                points[labels == number].mean(0) if (labels == number).any() else centers[number]
                for number in range(count)
            ])  # fmt: skip
        found.append((float(_distances(points, centers).min(-1).sum()), len(found), centers))
    return min(found)[-1]


def _areas(points, centers):
    labels = _distances(points, centers).argmin(-1)
    return np.bincount(labels.ravel(), minlength=len(centers)) / labels.size


def _soft(points, centers, there, picture):
    """`(1, h, w, r)` weights of a picture's regions; edges follow the picture."""
    distances = _distances(points, centers)
    distances = np.where(there, distances, np.inf)
    nearest = distances.min(-1, keepdims=True)
    weights = np.exp((nearest - distances) / (_SOFTNESS * nearest.mean()))
    weights /= weights.sum(-1, keepdims=True)
    large = resample(weights, picture.shape[1:3], Image.Resampling.BICUBIC)
    fine = np.clip(guided_filter(large, picture[0], _RADIUS, _EPSILON), 0.0, 1.0)
    fine = np.where(there, fine, 0.0) + np.where(there, 1e-6, 0.0)
    return (fine / fine.sum(-1, keepdims=True)).astype(np.float32)[None]
