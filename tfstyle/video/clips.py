"""What a clip is inside the package: its frames, and what of the file does not change."""

import dataclasses
import importlib.util
from fractions import Fraction

import numpy as np

from tfstyle.errors import InputError

_HD = 720  # lines, from which untagged video is BT.709, as players assume
_BT709, _UNSPECIFIED, _BT601, _PAL = 1, 2, 6, 5  # FFmpeg's numbers of colour matrices
LIMITED, FULL = 1, 2  # and of ranges


def check_installed(*packages: str) -> None:
    """Raises InputError if one of the packages that the extra `video` installs is missing."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise InputError(f"{package} is not installed; pip install -e '.[video]'")


@dataclasses.dataclass(frozen=True)
class Color:
    """How a file's numbers become colours, in FFmpeg's (ISO/IEC 23091-2's) numbers.

    Attributes:
        matrix: between RGB and YCbCr.
        range: `LIMITED` (16 to 235) or `FULL`.
        primaries: of RGB.
        transfer: the curve.
    """

    matrix: int = _BT709
    range: int = LIMITED
    primaries: int = 1
    transfer: int = 1

    @classmethod
    def of(cls, matrix: int, span: int, primaries: int, transfer: int, height: int) -> "Color":
        """That of a file's tags: those that are missing, but for the curve's, as players assume."""
        if matrix in (0, _UNSPECIFIED):  # 0 is RGB
            matrix = _BT709 if height >= _HD else _BT601
        return cls(matrix, span or LIMITED, primaries, transfer)

    @property
    def coefficients(self) -> int:
        """The matrix in swscale's numbers, where both of BT.601's are one."""
        return _PAL if self.matrix in (_BT601, _PAL) else self.matrix


@dataclasses.dataclass(frozen=True)
class Clip:
    """What all frames of a clip share.

    Attributes:
        width: of the upright frames, in pixels.
        height: likewise.
        time_base: seconds of a tick, in which times are given.
        rate: mean frames per second.
        count: number of frames, estimated; 0 if unknown.
        color: of the file.
        pixel_aspect: width of a pixel over its height.
        loop: how often an animation is shown; 0 for ever.
    """

    width: int
    height: int
    time_base: Fraction
    rate: Fraction
    count: int
    color: Color = Color()
    pixel_aspect: Fraction = Fraction(1)
    loop: int = 0

    @property
    def tick(self) -> int:
        """Ticks of a frame at the mean rate, at least one."""
        return max(1, round(1 / (self.rate * self.time_base)))


@dataclasses.dataclass
class Frame:
    """A frame of a clip.

    Attributes:
        image: `(h, w, 3)` uint8 RGB.
        time: when it is shown, in ticks from the start of the clip.
        duration: for how long, in ticks.
    """

    image: np.ndarray
    time: int
    duration: int


def even(width: int, height: int) -> tuple[int, int]:
    """The size without the last column or row of an odd one, which video codecs do not take."""
    return width - width % 2, height - height % 2
