"""Runs each system in its own process, to measure its memory and to contain its crashes."""

import dataclasses
import functools
import multiprocessing
import pathlib
import signal
import time
import traceback

import numpy as np

from tfstyle import images
from tfstyle.errors import InputError
from tfstyle.evaluation.pairs import Pair, read_square
from tfstyle.evaluation.systems import System
from tfstyle.runtime import process


@dataclasses.dataclass(frozen=True)
class Painted:
    """How a picture was made.

    Attributes:
        seconds: from content and code to picture.
        finite: whether there was neither NaN nor infinity; otherwise the file is black.
        peak_memory: of the process so far, in bytes; 0 where unknown.
    """

    seconds: float
    finite: bool
    peak_memory: int


class WorkerEnded(InputError):
    """The painting process has ended."""


class Painting:
    """A process that paints pairs with one system, until it is closed or this process ends."""

    def __init__(self, system: System, size: int):
        self._system = system
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, system, size), daemon=True)
        with process.handling(signal.SIG_IGN):  # by the worker, too: only this process handles them
            self._process.start()
        other.close()

    def paint(self, pair: Pair, strength: float, path: pathlib.Path) -> Painted:
        """Writes the picture of a pair to `path`.

        Raises: InputError if the system cannot be loaded; WorkerEnded if its process ends.
        """
        try:
            self._connection.send((pair, strength, path))
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise WorkerEnded(
                f"{self._system.name}: its process was ended, perhaps for lack of memory; try a "
                "smaller --size"
            ) from error
        if isinstance(answer, Painted):
            return answer
        raise answer

    def close(self) -> None:
        """Kills the process."""
        self._connection.close()
        self._process.kill()
        self._process.join()


def _serve(connection, system, size):
    """Paints the pairs received, until the other end is closed."""
    worker = None
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        try:
            worker = worker or PairPainter(system, size)
            answer: Painted | Exception = worker.paint(*task)
        except (InputError, MemoryError) as error:
            answer = error
        except Exception:
            answer = RuntimeError(f"in the process of {system.name}:\n{traceback.format_exc()}")
        connection.send(answer)


class PairPainter:
    """Paints pairs in this process: the loaded system, and cached style codes.

    Args:
        system: one that paints.
        size: side of the pictures in pixels.
    """

    def __init__(self, system: System, size: int):
        self._painter = system.open(size)
        self._size = size
        self._code = functools.lru_cache(maxsize=256)(self._encode)
        self._is_warm = not system.has_strength  # a render needs no warm-up

    def paint(self, pair: Pair, strength: float, path: pathlib.Path) -> Painted:
        """Writes the picture of a pair to `path`."""
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
        return self._painter.encode(read_square(style, self._size), style.stem)


def _peak_memory():
    """Peak memory of this process in bytes; 0 where unknown."""
    try:
        # Not `resource`, whose figure a new process inherits from the one that started it.
        lines = pathlib.Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0
