"""Cameras, and files played as they were filmed: frames that are dropped rather than delayed.

A thread takes each picture when it comes, and only the newest one waits. So a frame waits no
longer than the one before it took to paint, however slow the painting is.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from tfstyle.config.video import CAMERA, PLAYED
from tfstyle.errors import InputError
from tfstyle.images import fit
from tfstyle.video.clips import Clip, Frame, check_installed, even
from tfstyle.video.conversion import open_clip
from tfstyle.video.stages import Filter, Step

_TICK = Fraction(1, 1000)  # seconds
_RATE = Fraction(30)  # frames per second, of cameras that do not say
_PATIENCE = 0.1  # seconds after which a reader that waits looks whether it is to end
_FAILURES = 30  # pictures in a row that a camera does not give, after which it has ended


def warm_up(reader: "LiveReader", filters: Sequence[Filter]) -> None:
    """Sends a frame through filters, which compiles what live frames would wait for.

    `conversion.convert` then gives them their first state.
    """
    steps: Iterator[Step] = (Step(frame, False) for frame in itertools.islice(reader.frames(), 1))
    for one in filters:
        steps = one.run(steps)
    for _ in steps:
        pass


class LiveReader:
    """The frames of a camera, or of a file in its own time, for `conversion.convert`.

    Args:
        path: "camera:0", by the camera's number, or "live:" and a file.
        end: seconds after the first frame, when it ends; 0 for the file's end, or never.
        size: longest side of the frames in pixels; 0 for their own.

    Attributes:
        clip: what the frames share; times are in milliseconds after the first one.
        sound: none.
        dropped: number of pictures that came while others were painted.
        should_stop: called between frames; True ends them.

    Raises: InputError if there is no such camera or file.
    """

    sound = ()

    def __init__(self, path: str, end: float = 0.0, size: int = 0):
        self.path = path
        self.should_stop: Callable[[], bool] = lambda: False
        self.dropped = 0
        self._end, self._started = end, 0.0
        self._source: Any = None
        if path.startswith(PLAYED):
            self._source = open_clip(path.removeprefix(PLAYED), size=size)
            self.clip = Clip(
                self._source.clip.width, self._source.clip.height, _TICK, self._source.clip.rate, 0
            )
            self._pictures = self._played
        else:
            self._source = _Camera(path)
            height, width = self._source.shape
            if size:
                height, width = fit((height, width), size)
            self.clip = Clip(*even(width, height), _TICK, self._source.rate, 0)
            self._pictures = self._filmed

    def frames(self, after: int | None = None) -> Iterator[Frame]:
        """The newest frame each time; `after` is there for other readers' sake."""
        newest = _Newest()
        thread = threading.Thread(target=newest.fill, args=(self._pictures(),), daemon=True)
        thread.start()
        self.dropped, self._started, last = 0, 0.0, -1
        try:
            while not self.should_stop():
                found = newest.take()
                if found is None:
                    continue
                picture, came, dropped = found
                if picture is None:
                    return
                self._started = self._started or came
                if self._end and came - self._started >= self._end:
                    return
                self.dropped += dropped
                last = max(last + 1, round((came - self._started) / _TICK))
                yield Frame(picture, last, self.clip.tick)
        finally:
            newest.close()
            thread.join()

    def age(self, frame: Frame) -> float:
        """Seconds since a frame came."""
        return time.monotonic() - self._started - float(frame.time * _TICK)

    def _played(self):
        """A file's frames, each when it is due."""
        started = time.monotonic()
        for frame in self._source.frames():
            wait = started + float(frame.time * self._source.clip.time_base) - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            yield frame.image

    def _filmed(self):
        import cv2

        while (picture := self._source.picture()) is not None:
            if picture.shape[:2] != (self.clip.height, self.clip.width):
                size = self.clip.width, self.clip.height
                picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            yield picture


class _Newest:
    """The newest of the pictures that a thread takes from a source."""

    def __init__(self) -> None:
        self._ended = False
        self._changed = threading.Condition()
        self._waiting: tuple[np.ndarray | None, float] | None = None
        self._replaced = 0
        self._error: BaseException | None = None

    def fill(self, pictures: Iterator[np.ndarray]) -> None:
        """Takes all pictures, and None at their end; what they raise, `take` raises."""
        try:
            for picture in pictures:
                self._put(picture)
                if self._ended:
                    return
        except BaseException as error:
            self._error = error
        self._put(None)

    def _put(self, picture):
        with self._changed:
            if picture is None and self._waiting:  # the last picture counts, too
                self._changed.wait_for(lambda: self._waiting is None or self._ended)
            self._replaced += self._waiting is not None
            self._waiting = picture, time.monotonic()
            self._changed.notify_all()

    def close(self) -> None:
        """Ends `fill` after its next picture."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def take(self) -> tuple[np.ndarray | None, float, int] | None:
        """A picture, when it came, and how many were dropped before; None if none comes soon."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None, _PATIENCE)
            if self._waiting is None:
                return None
            found, self._waiting = self._waiting, None
            dropped, self._replaced = self._replaced, 0
            self._changed.notify_all()
        if found[0] is None and self._error:
            raise self._error
        return *found, dropped


class _Camera:
    """A camera of this machine, by OpenCV."""

    def __init__(self, path):
        check_installed("cv2")
        import cv2

        number = path.removeprefix(CAMERA)
        if not number.isdecimal():
            raise InputError(f"{path}: give the camera's number, such as {CAMERA}0")
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self._device = cv2.VideoCapture(int(number))
        self._device.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        first = self.picture() if self._device.isOpened() else None
        if first is None:
            raise InputError(f"{path}: there is no such camera, or another program has it")
        self.shape = first.shape[:2]
        rate = self._device.get(cv2.CAP_PROP_FPS)  # 0, -1 or NaN where it is unknown
        self.rate = Fraction(rate).limit_denominator(1001) if 1.0 <= rate <= 1000.0 else _RATE

    def picture(self):
        """`(h, w, 3)` uint8 RGB; None if it gives no more."""
        import cv2

        for _ in range(_FAILURES):
            good, picture = self._device.read()
            if good:
                return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        return None
