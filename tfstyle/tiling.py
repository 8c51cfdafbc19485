"""Photos of any size in bounded memory: painted tile by tile, as if in one piece.

Tiles overlap by more than the networks see to each side, start where their positions do, and are
all normalized by the statistics of the whole photo; so they fit without blending.
"""

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np

from tfstyle import models, palette

OVERLAP = 112  # pixels to each side of a tile that are painted twice; models may see 89
LEAST_SIZE = 4 * OVERLAP
_STEP = 16  # pixels under one position of the deepest features, from which codes come


def stylize(
    model: models.StyleTransferModel,
    content: np.ndarray,
    code: np.ndarray,
    strength: float = 1.0,
    tile_size: int = 1024,
    on_progress: Callable[[int, int], object] | None = None,
) -> np.ndarray:
    """A photo in the style of a code.

    Args:
        model: that paints.
        content: `(1, h, w, 3)` in [0, 1].
        code: `(1, n)` from the model's `encode_style`.
        strength: from 0 to 1.
        tile_size: longest side, in pixels, that is painted at once, from `LEAST_SIZE`; a photo of
            this size or less is painted in one piece.
        on_progress: called with the number of tiles painted and of all.
    Returns: `(1, h, w, 3)` in [0, 1].
    Raises: ValueError for too small a tile.
    """
    if max(content.shape[1:3]) <= tile_size:
        return np.asarray(model.stylize(content, code, strength))
    if tile_size < LEAST_SIZE:
        raise ValueError(f"`tile_size` must be {LEAST_SIZE} or more. Received: {tile_size}")
    height, width = content.shape[1:3]
    tiles = list(_tiles(height, width, tile_size))
    areas = [(inner[0].stop - inner[0].start) * (inner[1].stop - inner[1].start)
             for inner, _ in tiles]  # fmt: skip
    palettes = [np.asarray(palette.encode(content[:, *inner])) for inner, _ in tiles]
    own_palette = palette.pool(np.concatenate(palettes), areas)
    codes = [
        np.asarray(model.encode_content(content[:, *inner], code, strength, own_palette))
        for inner, _ in tiles
    ]
    content_code = np.asarray(model.pool_codes(np.concatenate(codes), areas), np.float32)
    image = np.empty_like(content, np.float32)
    for done, (inner, outer) in enumerate(tiles, 1):
        tile = np.asarray(model.stylize(content[:, *outer], code, strength, content_code))
        inside = tuple(
            slice(part.start - whole.start, part.stop - whole.start)
            for part, whole in zip(inner, outer, strict=True)
        )
        image[:, *inner] = tile[:, *inside]
        if on_progress:
            on_progress(done, len(tiles))
    return image


def _tiles(height: int, width: int, size: int) -> Iterator[tuple[tuple, tuple]]:
    """Slices of rows and columns: of what a tile is for, and of what is painted for it."""
    for inner_rows, outer_rows in _spans(height, size):
        for inner_columns, outer_columns in _spans(width, size):
            yield (inner_rows, inner_columns), (outer_rows, outer_columns)


def _spans(length, size):
    """Parts of equal lengths, as nearly as may be, that begin where a position does."""
    count = 1
    if length > size:
        count = math.ceil(length / ((size - 2 * OVERLAP) // _STEP * _STEP))
    bounds = [i * length // count // _STEP * _STEP for i in range(count)] + [length]
    for start, stop in itertools.pairwise(bounds):
        yield (
            slice(start, stop),
            slice(max(start - OVERLAP, 0), min(stop + OVERLAP, length)),
        )
