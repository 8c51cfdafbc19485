"""Photos of any size in bounded memory: painted tile by tile, with the result of a whole.

Tiles overlap by the model's receptive field, with which they start at multiples of its stride, and
are all painted with one summary of the whole photo; so they fit without blending.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tfstyle.models.capabilities import Tileable

_STEP = 64  # pixels: overlaps are multiples of it, or of a shorter stride


def least_tile_size(model: "Tileable") -> int:
    """Smallest tile side in pixels for a model; overlap is at most half of it."""
    return max(4 * overlap(model), 2 * overlap(model) + model.tile_stride)


def overlap(model: "Tileable") -> int:
    """Pixels by which tiles overlap their neighbours."""
    return _overlap(model.receptive_field, model.tile_stride)


def summarize(
    model: "Tileable",
    content: np.ndarray,
    code: Mapping[str, Any],
    strength: float,
    tile_size: int,
) -> dict[str, Any]:
    """The model's summary of a photo, in parts of at most `tile_size`; see `paint_tiles`."""
    height, width = content.shape[1:3]
    tiles = _tiles(height, width, tile_size, model.receptive_field, model.tile_stride)
    parts = [content[:, *inner] for inner, _ in tiles]
    areas = [part.shape[1] * part.shape[2] for part in parts]
    return model.summarize(parts, areas, code, strength)


def paint_tiles(
    model: "Tileable",
    content: np.ndarray,
    code: Mapping[str, Any],
    strength: float,
    tile_size: int,
    on_progress: Callable[[int, int], object] | None = None,
    summary: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """A photo in the style of a code.

    Args:
        model: that paints.
        content: `(1, h, w, 3)` in [0, 1].
        code: of one style.
        strength: from 0 to 1.
        tile_size: longest side, in pixels, painted at once; at least `least_tile_size`.
        on_progress: called with the numbers of tiles painted and of all.
        summary: of another photo, from `summarize`; by default of this one.
    Returns: `(1, h, w, 3)` in [0, 1].
    Raises: ValueError for too small a tile.
    """
    if tile_size < least_tile_size(model):
        raise ValueError(
            f"`tile_size` must be {least_tile_size(model)} or more. Received: {tile_size}"
        )
    height, width = content.shape[1:3]
    tiles = list(_tiles(height, width, tile_size, model.receptive_field, model.tile_stride))
    if summary is None:
        summary = summarize(model, content, code, strength, tile_size)
    image = np.empty_like(content, np.float32)
    for done, (inner, outer) in enumerate(tiles, 1):
        tile = np.asarray(model.stylize_tile(content[:, *outer], code, strength, summary))
        inside = tuple(
            slice(part.start - whole.start, part.stop - whole.start)
            for part, whole in zip(inner, outer, strict=True)
        )
        image[:, *inner] = tile[:, *inside]
        if on_progress:
            on_progress(done, len(tiles))
    return image


def _tiles(
    height: int, width: int, size: int, receptive_field: int, stride: int
) -> Iterator[tuple[tuple, tuple]]:
    """Slices of rows and columns: of the part that a tile fills, and of the tile with overlap."""
    for inner_rows, outer_rows in _spans(height, size, receptive_field, stride):
        for inner_columns, outer_columns in _spans(width, size, receptive_field, stride):
            yield (inner_rows, inner_columns), (outer_rows, outer_columns)


def _overlap(receptive_field, stride):
    """Overlap in pixels to each side of a part, a multiple of what parts of summaries need."""
    step = math.gcd(stride, _STEP)
    return max(1, math.ceil(receptive_field / step)) * step


def _spans(length, size, receptive_field, stride):
    """Parts of about equal length, and with overlap, then from a multiple of the stride on."""
    overlap, gaps, strides = _overlap(receptive_field, stride), 0, 0
    if length > size:
        least = math.ceil((length - size) / stride)  # strides from the first tile to the last
        most = (size - 2 * overlap) // stride  # from one to the next
        gaps = math.ceil(least / most)
        equal = round((length * gaps / (gaps + 1) - overlap) / stride)
        strides = min(max(equal, least), gaps * most)
    starts = [number * strides // gaps * stride for number in range(1, gaps + 1)]
    bounds = [0, *(start + overlap for start in starts), length]
    for start, (first, last) in zip([0, *starts], itertools.pairwise(bounds), strict=True):
        yield slice(first, last), slice(start, min(last + overlap, length))
