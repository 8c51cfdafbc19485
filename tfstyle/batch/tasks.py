"""What is sent to a worker, and what it returns."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tfstyle.config import StylizeCommand


@dataclasses.dataclass(frozen=True)
class Job:
    """What all tasks share; it is sent to each worker once.

    Attributes:
        config: the flags that say how to paint.
        names: of the styles.
        codes: of the styles; None for one that no task has.
        folder: of the pictures, absolute.
        marker: name of a file in it.
        directory: of the program, which paths of photos may be relative to.
        threads: of LiteRT, for a worker.
    """

    config: StylizeCommand
    names: Sequence[str]
    codes: Sequence[Mapping[str, np.ndarray] | None]
    folder: str
    marker: str
    directory: str
    threads: int = 1


class Task(NamedTuple):
    """Pictures to make of a photo.

    Attributes:
        number: of the photo.
        photo: its path.
        pictures: numbers of styles, with the pictures' file names.
    """

    number: int
    photo: str
    pictures: tuple[tuple[int, str], ...]


class Painted(NamedTuple):
    """A picture that was written.

    Attributes:
        style: its number.
        output: name of the file.
        size: of the file in bytes.
        sha256: of the file, 64 hexadecimal digits.
        modified: when the photo was last changed, in nanoseconds.
    """

    style: int
    output: str
    size: int
    sha256: str
    modified: int


class Result(NamedTuple):
    """What became of a task.

    Attributes:
        pictures: that were written.
        error: why there are not all; empty if there are.
    """

    pictures: list[Painted]
    error: str = ""
