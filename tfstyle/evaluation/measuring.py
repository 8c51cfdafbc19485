"""Compares one picture with its content and its style: a row of numbers."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import logging

from tfstyle import metrics
from tfstyle.evaluation.pairs import BLOCK, Pair, read_square


@dataclasses.dataclass(frozen=True)
class MeasuredPicture:
    """What comparisons need of a picture; the first three fields take about 70 MB at 384 pixels."""

    picture: np.ndarray
    features: dict[str, np.ndarray]
    lpips: dict[str, np.ndarray] | None
    grams: dict[str, np.ndarray]
    moments: dict[str, Any]
    colors: np.ndarray
    coarse_colors: np.ndarray
    sharpness: float
    gaussian: metrics.Gaussian
    artifacts: dict[str, float]
    style_vector: np.ndarray | None
    embeddings: dict[str, np.ndarray]


class Measurer:
    """Measures pictures of pairs, and caches what it computes of contents and styles.

    All styles' statistics stay cached, but the full description of only a few originals: measure in
    the order of `pairs.by_content` or `pairs.by_block`.

    Args:
        features: from `metrics.networks.load_features`.
        size: side of the pictures in pixels.
        lpips: `metrics.lpips.LPIPS`, or None to do without.
        fid: from `metrics.networks.load_fid_network`, or None.
        style_network: from `litert_painter.load_style_network`, or None.
    """

    def __init__(
        self,
        features: Callable[[np.ndarray], dict[str, np.ndarray]],
        size: int,
        lpips: Any = None,
        fid: Callable[[np.ndarray], np.ndarray] | None = None,
        style_network: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self.size = size
        self._features = features
        self._lpips = lpips
        self._fid = fid
        self._style_network = style_network
        self._original = functools.lru_cache(maxsize=BLOCK + 2)(self._describe)
        self._style = functools.cache(self._describe_style)

    def measure(self, pair: Pair, path: pathlib.Path) -> tuple[dict[str, float], dict[str, Any]]:
        """The `metrics.METRICS` of a picture, and its embeddings by kind.

        Args:
            pair: the content and style to compare with.
            path: of the picture, whose centre square is measured.
        """
        content, style = self._original(pair.content), self._style(pair.style)
        trivial = path in (pair.content, pair.style)
        found = self._original(path) if trivial else self._describe(path)
        row = {
            "content_distance": metrics.content_distance(found.features, content.features),
            "style_distance": metrics.style_distance(found.grams, style.grams),
            "mean_std_distance": metrics.mean_std_distance(found.moments, style.moments),
            "color_distance": metrics.color_distance(found.colors, style.colors),
            "color_explained": metrics.color_explained(found.coarse_colors, content.coarse_colors),
            "single_image_frechet": metrics.frechet_distance(style.gaussian, found.gaussian),
            "ssim": metrics.ssim(found.picture, content.picture),
            "psnr": metrics.psnr(found.picture, content.picture),
            "perceptual_distance": metrics.perceptual_distance(found.features, content.features),
            "structure": metrics.structure(found.picture, content.picture),
            "sharpness_to_content": found.sharpness / content.sharpness,
            "sharpness_to_style": found.sharpness / style.sharpness,
            **found.artifacts,
        }
        if found.lpips and content.lpips:
            row["lpips"] = self._lpips.distance(found.lpips, content.lpips)
        if found.style_vector is not None and style.style_vector is not None:
            row["style_embedding"] = metrics.cosine_distance(found.style_vector, style.style_vector)
        return row, found.embeddings

    def _describe(self, path):
        picture = read_square(path, self.size)
        features = self._features(picture)
        embeddings = {"features": metrics.embedding(features)}
        if self._fid:
            embeddings["fid"] = self._fid(picture)
        return MeasuredPicture(
            picture=picture,
            features=features,
            lpips=self._lpips.features(picture) if self._lpips else None,
            grams=metrics.gram_matrices(features),
            moments=metrics.means_and_stds(features),
            colors=metrics.color_quantiles(picture),
            coarse_colors=metrics.coarse_colors(picture),
            sharpness=metrics.sharpness(picture),
            gaussian=metrics.single_image_gaussian(features),
            artifacts={
                "border_energy": metrics.border_energy(picture),
                "checkerboard_energy": metrics.checkerboard_energy(picture),
                "seam_energy": metrics.seam_energy(picture),
                "broken": float(metrics.is_constant(picture)),
            },
            style_vector=self._style_network(picture) if self._style_network else None,
            embeddings=embeddings,
        )

    def _describe_style(self, path):
        whole = self._original(path)
        if whole.artifacts["broken"]:
            logging.warning("%s has one colour: its style distances are meaningless.", path)
        return dataclasses.replace(
            whole, picture=np.empty(0), features={}, lpips=None, coarse_colors=np.empty(0)
        )
