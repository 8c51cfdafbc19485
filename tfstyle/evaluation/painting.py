"""Pictures made in a process of their own, so that memory is the system's, and a crash, too."""

import concurrent.futures
import concurrent.futures.process
import dataclasses
import functools
import multiprocessing
import pathlib
import signal
import time
from typing import Any

import numpy as np

from tfstyle import images
from tfstyle.errors import InputError
from tfstyle.evaluation.pairs import Pair, read_square
from tfstyle.evaluation.systems import System


@dataclasses.dataclass(frozen=True)
class Painted:
    """How a picture was made.

    Attributes:
        seconds: from content and code to picture.
        finite: whether there was neither NaN nor infinity, for which the file has black.
        peak_memory: the most bytes that the process has taken so far; 0 where unknown.
    """

    seconds: float
    finite: bool
    peak_memory: int


class Painting:
    """A process that paints pairs with one system, until it is closed."""

    def __init__(self, system: System, size: int):
        self._system = system
        self._size = size
        self._pool = concurrent.futures.ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), _ignore_interrupts
        )

    def close(self) -> None:
        """Ends the process."""
        self._pool.shutdown(cancel_futures=True)

    def paint(self, pair: Pair, strength: float, path: pathlib.Path) -> Painted:
        """Writes the picture of a pair to `path`.

        Raises: InputError if the system cannot be loaded or its process dies.
        """
        task = self._pool.submit(_paint, self._system, self._size, pair, strength, path)
        try:
            return task.result()
        except concurrent.futures.process.BrokenProcessPool as error:
            raise InputError(
                f"{self._system.name}: its process was ended, perhaps for want of memory; try a "
                "smaller --size"
            ) from error


def _ignore_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process


class _Worker:
    """What a process keeps from picture to picture: the loaded system, and codes of styles."""

    def __init__(self, system, size):
        self._painter = system.open(size)
        self._size = size
        self._code = functools.lru_cache(maxsize=256)(self._encode)
        self._is_warm = not system.has_strength  # a render has nothing to be compiled beforehand

    def paint(self, pair, strength, path):
        code = self._code(pair.style)
        content = read_square(pair.content, self._size)
        if not self._is_warm:  # the first call compiles and allocates; it is not timed
            self._painter.paint(content, code, 1.0)
            self._is_warm = True
        start = time.perf_counter()
        picture = np.asarray(self._painter.paint(content, code, strength))
        seconds = time.perf_counter() - start
        finite = bool(np.isfinite(picture).all())
        images.write_image(path, picture if finite else np.zeros_like(content))
        return Painted(seconds, finite, _peak_memory())

    def _encode(self, style):
        return self._painter.encode(read_square(style, self._size))


_worker = functools.cache(_Worker)


def _paint(system: System, size: int, *task: Any) -> Painted:
    return _worker(system, size).paint(*task)


def _peak_memory():
    """Most bytes of memory that this process has taken; 0 where the system does not tell."""
    try:
        # Not `resource`, whose figure a new process inherits from the one that started it.
        lines = pathlib.Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0
