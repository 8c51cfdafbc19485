"""A large picture and the loss's gradient by it, both in place, with what lies around the picture.

A picture is a vector passed through a filter, see `objective`. The filter works in place, on one
colour channel at a time, so that little memory is needed beside the two. They are NumPy's arrays:
once a part of a variable was changed, TensorFlow copies all of it for each read.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfstyle.optimization.objective import CHROMA_GAIN, WRAP_MARGIN, spectral_gain
from tfstyle.optimization.segments import Place, Tile, counted_from

_BLOCK = 2**20  # numbers of a picture that are filtered at once


class Canvas:
    """A picture, mirrored at its edges or continued at opposite ones.

    Args:
        margin: pixels that are mirrored.

    Attributes:
        margins: pixels above and below, and to the left and the right.
        shape: `(height, width)` of the picture without its margins.
        wraps: of both axes, whether opposite edges meet.
        picture: `(h + 2·m, w + 2·n, 3)` float32 array.
        slopes: likewise, of the loss by `picture`.
    """

    def __init__(self, margin):
        self._margin = margin

    def place(self, shape: Sequence[int], axes: Sequence[int]) -> None:
        """Makes room for pictures.

        Args:
            shape: `(height, width)`.
            axes: of 1 and 2, along which opposite edges meet.
        """
        self.shape = tuple(int(side) for side in shape)
        self.wraps = (1 in axes, 2 in axes)
        self._positions = []  # of the picture, that rows and columns show
        for length, wraps in zip(self.shape, self.wraps, strict=True):
            positions = np.arange(length)
            if wraps:
                positions = np.arange(-WRAP_MARGIN, length + WRAP_MARGIN) % length
            self._positions.append(np.pad(positions, self._margin, mode="reflect"))
        self.margins = tuple(
            (len(positions) - length) // 2
            for positions, length in zip(self._positions, self.shape, strict=True)
        )
        self._gain = spectral_gain(*self.shape)
        self.picture: Any = None
        self.slopes: Any = None

    def show(self, picture: np.ndarray) -> None:
        """Sets the picture, `(1, h, w, 3)`."""
        rows, columns = self._positions
        self.picture = picture[0][rows][:, columns]

    def paint(self, vector: np.ndarray) -> None:
        """Sets the picture to that of an `(h·w·3,)` vector."""
        if self.picture is None:
            self.picture = np.empty((*map(len, self._positions), 3), np.float32)
        inside = self._inside(self.picture)
        inside[:] = vector.reshape(inside.shape)
        _filter(inside, self._gain, CHROMA_GAIN)
        for axis, repeated, outside in self._repeated():
            picture = np.moveaxis(self.picture, axis, 0)
            picture[outside] = picture[repeated]

    def shown(self) -> np.ndarray:
        """A copy of the picture, `(1, h, w, 3)`, without its margins."""
        return self._inside(self.picture)[None].copy()

    def continued(self) -> np.ndarray:
        """The picture, `(1, h, w, 3)`, with a pixel more where opposite edges meet."""
        (top, bottom), (left, right) = zip(self.margins, self._ends(), strict=True)
        return self.picture[None, top:bottom, left:right]

    def vector(self) -> np.ndarray:
        """The `(h·w·3,)` vector of the picture: the inverse of `paint`."""
        found = self._inside(self.picture).copy()
        _filter(found, 1.0 / self._gain, 1.0 / CHROMA_GAIN)
        return found.reshape(-1)

    def start_gradient(self) -> None:
        """Sets the slopes to zero."""
        self.slopes = np.zeros_like(self.picture)

    def gradient(self) -> np.ndarray:
        """The loss's gradient by the vector: the adjoint of `paint`, of the slopes.

        Picture and slopes are gone afterwards.
        """
        slopes = self.slopes
        self.picture = self.slopes = None
        for axis, repeated, outside in reversed(list(self._repeated())):
            rows = np.moveaxis(slopes, axis, 0)
            for place, at in zip(outside, repeated, strict=True):
                rows[at] += rows[place]
        inside = self._inside(slopes)
        _filter(inside, self._gain, CHROMA_GAIN)
        found, length = slopes.reshape(-1), inside[0].size
        for number, row in enumerate(inside):  # to places that were read before
            found[number * length : (number + 1) * length] = row.reshape(-1)
        return found[: inside.size]

    def neighbours(self, tile: Tile) -> dict[str, Place]:
        """Places of the pairs of `TotalVariationLoss` whose first pixel is in a tile's part.

        Returns: places of near and far pixels, by `near_y` and the like, from the tile's start.
        """
        places = {}
        for axis, side in enumerate("yx"):
            near, far = [], []
            for number, (start, stop) in enumerate(tile.inner):
                first = self.margins[number]
                end = first + self.shape[number]
                stop = end + self.wraps[number] if stop >= end else stop
                step = int(number == axis)
                start, stop = max(start, first), min(stop, end + self.wraps[number] - step)
                near.append((start, stop))
                far.append((start + step, stop + step))
            places[f"near_{side}"] = counted_from(near, tile.outer)
            places[f"far_{side}"] = counted_from(far, tile.outer)
        return places

    def cells(self, tile: Tile, factor: int) -> tuple[Place, Place]:
        """Places of the values of `LaplacianLoss` whose middle cell starts in a tile's part.

        Args:
            tile: of parts that start at multiples of the factor from the picture's start.
            factor: pixels of a cell's side.
        Returns: the values' place, and that of the pixels they are of, from the tile's start.
        """
        values, pixels = [], []
        for (start, stop), margin, end in zip(tile.inner, self.margins, self._ends(), strict=True):
            length = (end - margin) // factor - 2
            # The first value's middle is the second cell.
            first, last = (
                min(max((side - margin) // factor - 1, 0), length) for side in (start, stop)
            )
            values.append((first, last))
            pixels.append((margin + first * factor, margin + (last + 2) * factor))
        (rows, columns), place = values, counted_from(pixels, tile.outer)
        return (rows, columns), place

    def _ends(self):
        """Of both axes, where the picture ends, with the pixel beyond it where edges meet."""
        return [sum(side) for side in zip(self.margins, self.shape, self.wraps, strict=True)]

    def _inside(self, maps):
        (top, left), (height, width) = self.margins, self.shape
        return maps[top : top + height, left : left + width]

    def _repeated(self):
        """For both axes: the positions that margins repeat, and the margins'."""
        both = zip(self._positions, self.margins, self.shape, strict=True)
        for axis, (positions, margin, length) in enumerate(both):
            outside = np.r_[:margin, margin + length : len(positions)]
            yield axis, margin + positions[outside], outside


def _filter(maps, gain, chroma):
    """Scales frequencies and colour axes of maps, `(h, w, 3)`, in place."""
    for channel in range(3):
        _scale_frequencies(maps[..., channel], gain)
    for rows in _blocks(len(maps), maps[0].size):
        block = maps[rows]
        grey = (block[..., 0] + block[..., 1] + block[..., 2]) * np.float32((1.0 - chroma) / 3.0)
        block *= np.float32(chroma)
        block += grey[..., None]


def _scale_frequencies(plane, gain):
    """The real Fourier transform in two dimensions, `gain` times it, and back, in place."""
    height, width = plane.shape
    spectrum = np.empty(gain.shape, np.complex64)
    for rows in _blocks(height, width):
        spectrum[rows] = tf.signal.rfft(plane[rows])
    for columns in _blocks(gain.shape[1], height):
        scaled = tf.signal.fft(spectrum[:, columns].T) * gain[:, columns].T
        spectrum[:, columns] = tf.transpose(tf.signal.ifft(scaled))
    for rows in _blocks(height, width):
        plane[rows] = tf.signal.irfft(spectrum[rows], [width])


def _blocks(length: int, each: int) -> Iterator[slice]:
    """Slices of a length whose lines have so many numbers each."""
    step = max(1, _BLOCK // each)
    for start in range(0, length, step):
        yield slice(start, start + step)
