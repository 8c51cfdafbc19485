"""One picture beside its content and its style: a row of numbers."""

import functools
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from tfstyle import metrics
from tfstyle.evaluation.pairs import Pair, read_square


class Measurer:
    """Measures pictures of pairs; what a content or a style contributes is computed once.

    Of contents only the last is kept, since its features are large: measure pairs in the order of
    `pairs.by_content`.

    Args:
        features: from `features.load_features`.
        size: side of the pictures in pixels.
        lpips: `metrics.lpips.LPIPS`, or None to do without.
        fid: from `features.load_fid_network`, or None.
    """

    def __init__(
        self,
        features: Callable[[np.ndarray], dict[str, np.ndarray]],
        size: int,
        lpips: Any = None,
        fid: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self._features = features
        self.size = size
        self._lpips = lpips
        self._fid = fid
        self._content = functools.lru_cache(maxsize=1)(self._measure_content)
        self._style = functools.cache(self._measure_style)

    def measure(self, pair: Pair, picture: np.ndarray) -> tuple[dict[str, float], dict[str, Any]]:
        """The `metrics.METRICS` of a picture, and its embeddings by kind.

        Args:
            pair: whose content and style it should have.
            picture: `(1, size, size, 3)` in [0, 1].
        """
        content, style = self._content(pair.content), self._style(pair.style)
        features = self._features(picture)
        row = {
            "content_distance": metrics.content_distance(features, content["features"]),
            "style_distance": metrics.style_distance(
                metrics.gram_matrices(features), style["grams"]
            ),
            "mean_std_distance": metrics.mean_std_distance(
                metrics.means_and_stds(features), style["moments"]
            ),
            "color_distance": metrics.color_distance(
                metrics.color_quantiles(picture), style["colors"]
            ),
            "single_image_frechet": metrics.frechet_distance(
                style["gaussian"], metrics.single_image_gaussian(features)
            ),
            "ssim": metrics.ssim(picture, content["picture"]),
            "psnr": metrics.psnr(picture, content["picture"]),
            "perceptual_distance": metrics.perceptual_distance(
                metrics.unit_features(features), content["units"]
            ),
            "structure": metrics.structure(picture, content["picture"]),
            "border_energy": metrics.border_energy(picture),
            "checkerboard_energy": metrics.checkerboard_energy(picture),
            "seam_energy": metrics.seam_energy(picture),
            "broken": float(metrics.is_constant(picture)),
        }
        if self._lpips:
            row["lpips"] = self._lpips.distance(self._lpips.features(picture), content["lpips"])
        return row, self._embeddings(picture, features)

    def embeddings(self, path: pathlib.Path) -> dict[str, np.ndarray]:
        """The embeddings of an original, of which sets are compared."""
        picture = read_square(path, self.size)
        return self._embeddings(picture, self._features(picture))

    def _embeddings(self, picture, features):
        found = {"features": metrics.embedding(features)}
        if self._fid:
            found["fid"] = self._fid(picture)
        return found

    def _measure_content(self, path):
        picture = read_square(path, self.size)
        features = self._features(picture)
        found = {
            "picture": picture,
            "features": features,
            "units": metrics.unit_features(features),
        }
        if self._lpips:
            found["lpips"] = self._lpips.features(picture)
        return found

    def _measure_style(self, path):
        picture = read_square(path, self.size)
        features = self._features(picture)
        return {
            "grams": metrics.gram_matrices(features),
            "moments": metrics.means_and_stds(features),
            "colors": metrics.color_quantiles(picture),
            "gaussian": metrics.single_image_gaussian(features),
        }
