"""Regions of a photo, each painted with a code of its own and at its own strength.

The photo is painted whole with each code, in tiles where it is large, and the pictures are blended;
or once, by a model whose codes can differ by position. Where the strength is below 1, the result is
blended with the photo, by position.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from tfstyle.images.regions import Regions
from tfstyle.images.resizing import fill_transparent, resample

_INSIDE = 0.5  # weight of a region from which a position is in its bounding box


class RegionStyles:
    """The parts of paintings that regions take their styles of.

    Args:
        regions: of the photo and of the paintings.
        pictures: the paintings, `(1, h, w, 3)` in [0, 1].
        least: pixels that the sides of a part have.

    Attributes:
        parts: pictures, `(1, h, w, 3)`, to be encoded: the paintings, then what is of regions.
    """

    def __init__(self, regions: Regions, pictures: Sequence[np.ndarray], least: int):
        self.parts = list(pictures)
        self._taken: list[list[tuple[int, float]]] = []  # by region, numbers of parts and shares
        for number, row in enumerate(regions.shares):
            taken = []
            for style in np.flatnonzero(row).tolist():
                maps, place = regions.styles[style], style
                if maps is not None:
                    place = len(self.parts)
                    self.parts.append(region_part(pictures[style], maps[..., number], least))
                taken.append((place, float(row[style])))
            self._taken.append(taken)

    def mixed(self, codes: Sequence[Any], mix: Callable[[list, list[float]], Any]) -> list:
        """The code of each region, from those of the parts, by `Stylizer.mix`."""
        return [
            mix([codes[number] for number, _ in taken], [share for _, share in taken])
            for taken in self._taken
        ]


def region_part(picture: np.ndarray, weights: np.ndarray, least: int) -> np.ndarray:
    """What surrounds a region of a picture, `(1, h, w, 3)`, filled with the region's colours.

    Args:
        picture: `(1, h, w, 3)` in [0, 1].
        weights: `(1, h2, w2)` of the region, in [0, 1].
        least: pixels that its sides have, if the picture's have.
    """
    inside = resample(weights[0, ..., None], picture.shape[1:3], Image.Resampling.BILINEAR)[..., 0]
    spans = []
    for axis, length in enumerate(inside.shape):
        places = np.flatnonzero((inside >= min(_INSIDE, inside.max())).any(1 - axis))
        start, stop = int(places[0]), int(places[-1]) + 1
        missing = max(0, least - (stop - start))
        start = max(0, min(start - missing // 2, length - least))
        spans.append(slice(start, max(stop, start + least)))
    rows, columns = spans
    return fill_transparent(picture[0, rows, columns], inside[rows, columns])[None]


def paint_regions(
    content: np.ndarray,
    codes: Sequence[Any],
    regions: Regions,
    paint: Callable[..., np.ndarray],
    on_progress: Callable[[int, int], object] | None = None,
    kept: np.ndarray | None = None,
    mix: Callable[[Sequence[Any], np.ndarray], Any] | None = None,
    **options: Any,
) -> np.ndarray:
    """A photo whose regions are painted with their codes.

    Args:
        content: `(1, h, w, 3)` in [0, 1].
        codes: of each region.
        regions: of the photo; factors are at most 1.
        paint: `Stylizer.paint`.
        on_progress: called with the numbers of tiles painted and of all.
        kept: the photo to keep where the strength is below 1, if `content` was prepared.
        mix: of a model with `RegionalCodes`, `mix_by_region`; None to paint once for each code.
        **options: of `paint`.
    Returns: `(1, h, w, 3)` float32 in [0, 1]: exactly the photo where the strength is 0.
    """
    weights, strength = (
        resample(one[0], content.shape[1:3], Image.Resampling.BILINEAR)
        for one in (regions.content, regions.strength)
    )
    kept = content if kept is None else kept
    shares = np.asarray(regions.factors, np.float32) * strength * weights
    painted = [(code, shares[..., number : number + 1]) for number, code in enumerate(codes)]
    if mix and len(codes) > 1:
        painted = [(mix(codes, weights[None]), shares.sum(axis=-1, keepdims=True))]
    result = kept.copy()
    for number, (code, share) in enumerate(painted):

        def show(done, tiles, number=number):
            if on_progress:
                on_progress(number * tiles + done, len(painted) * tiles)

        result += share * (paint(content, code, on_progress=show, **options) - kept)
    return np.clip(result, 0.0, 1.0)
