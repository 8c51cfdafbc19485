"""The style images of renders, whose targets are computed once for many photos."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfstyle import images
from tfstyle.images.regions import Regions
from tfstyle.optimization import scales
from tfstyle.optimization.guides import style_guides
from tfstyle.optimization.objective import Objective
from tfstyle.optimization.tiles import TiledObjective


class StyleImages:
    """Style images of a render, with their targets at each scale.

    Args:
        pictures: `(1, h_i, w_i, 3)` float32 in [0, 1], at full size.
        shares: of the pictures, of sum 1.
        keep: whether to keep targets, for renders of other photos.
        regions: of the render, or None; their shares then count.
    """

    def __init__(
        self,
        pictures: Sequence[np.ndarray],
        shares: Sequence[float],
        keep: bool,
        regions: Regions | None = None,
    ):
        self.pictures = pictures
        self.shares = shares
        self.regions = regions
        self._keep = keep
        self._targets: dict[tuple[tuple, float], Any] = {}
        arrays = [*pictures, *(regions.of_styles() if regions else [])]
        self.digest = b"".join(map(_digest, arrays)) if keep else b""

    def targets(self, objective: Objective | TiledObjective, kind: tuple, size: float) -> Any:
        """The targets for an objective at a scale where the longest sides have `size` pixels.

        The pictures are reduced by the same factor as the content.

        Args:
            objective: of a render.
            kind: of its stage, which the targets are kept by.
            size: of the style images.
        """
        known = self._targets.get((kind, size))
        if known is None:
            shapes = [scales.style_shape(picture.shape[1:3], size) for picture in self.pictures]
            reduced = map(images.resize, self.pictures, shapes)
            shares: Any = self.shares
            guides: Any = None
            if self.regions:
                shares = self.regions.shares
                guides = [
                    maps if maps is None else style_guides(maps, objective.loss.style, shape)
                    for maps, shape in zip(self.regions.styles, shapes, strict=True)
                ]
            known = objective.style_targets(reduced, shares, guides)
            if self._keep:
                self._targets[kind, size] = known
        return known


def _digest(picture):
    """Of its shape and pixels: the caller may change an array in place between renders."""
    found = hashlib.sha256(str(picture.shape).encode())
    found.update(np.ascontiguousarray(picture).data)
    return found.digest()
