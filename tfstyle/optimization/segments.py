"""Parts of the encoder and of pictures, that large pictures are evaluated by."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfstyle.encoders.layer_names import LAYERS, block_of, stride_of

Place = tuple[tuple[int, int], tuple[int, int]]  # starts and stops, of rows and of columns

CUT = 4  # block that the second part of the encoder starts with
_KERNEL = 1  # positions that a convolution reads to each side


class Segment(NamedTuple):
    """Consecutive layers of the encoder.

    Attributes:
        layers: their names.
        stride: pixels from one position of what the first reads to the next.
        unit: pixels that tiles start at multiples of.
        halo: pixels of a tile beyond the part that it is for, a multiple of `unit`.
    """

    layers: tuple[str, ...]
    stride: int
    unit: int
    halo: int


def segments_of(taps: Sequence[str], cell: int = 1) -> list[Segment]:
    """The parts of an encoder with these taps.

    Args:
        taps: their names.
        cell: a power of two of pixels, into whose multiples the first cuts the picture at least.
    """
    names = LAYERS[: 1 + max(LAYERS.index(tap) for tap in taps)]
    parts = [[name for name in names if (block_of(name) >= CUT) is deep] for deep in (False, True)]
    segments = []
    for number, part in enumerate(parts):
        if part:
            unit = stride_of(part[-1]) * (2 if not number and parts[1] else 1)
            unit = max(unit, 1 if number else cell)
            reach = sum(_KERNEL * stride_of(name) for name in part)
            halo = math.ceil(reach / unit) * unit
            segments.append(Segment(tuple(part), stride_of(part[0]), unit, halo))
    return segments


class Tile(NamedTuple):
    """A part of a picture, and what is computed with it.

    Attributes:
        outer: its place with the halo, in pixels from the start of the picture's margin.
        inner: likewise, of the part that the tile is for.
    """

    outer: Place
    inner: Place


def tiles(margins: Sequence[int], shape: Sequence[int], size: int, segment: Segment) -> list[Tile]:
    """Tiles of a picture, whose inner parts cover it and its margins.

    Args:
        margins: pixels before and after its rows, and its columns; multiples of the unit.
        shape: its height and width without margins.
        size: pixels of a tile's side, about, without its halo.
        segment: that the tiles are for.
    """
    rows, columns = (
        _spans(margin, length, size, segment) for margin, length in zip(margins, shape, strict=True)
    )
    return [Tile(*zip(row, column, strict=True)) for row in rows for column in columns]


def _spans(margin, length, size, segment):
    count = max(1, math.ceil(length / size))
    starts = [margin + i * length // count // segment.unit * segment.unit for i in range(count)]
    whole = length + 2 * margin
    bounds = [0, *starts[1:], whole]
    return [
        ((max(start - segment.halo, 0), min(stop + segment.halo, whole)), (start, stop))
        for start, stop in zip(bounds, bounds[1:], strict=False)
    ]


def within(place: Any, stride: int) -> Place:
    """A place of the picture, in maps of a stride."""
    rows, columns = ((start // stride, stop // stride) for start, stop in place)
    return rows, columns


def counted_from(place: Any, origin: Any) -> Place:
    """A place, counted from another's start."""
    (top, bottom), (left, right) = place
    (row, _), (column, _) = origin
    return (top - row, bottom - row), (left - column, right - column)


def cut(maps: Any, place: Any) -> Any:
    """The part of `(1, h, w, c)` maps at a place, or at a `(2, 2)` tensor of one."""
    if isinstance(place, tf.Tensor):
        place = [tf.unstack(span) for span in tf.unstack(place)]
    (top, bottom), (left, right) = place
    return maps[:, top:bottom, left:right]
