"""Progress on standard error: a line redrawn in place on a terminal, lines now and then elsewhere.

A process has one progress: stages that follow each other share its percentage, which never falls.
"""

import contextlib
import logging
import math
import threading
import time
from collections.abc import Iterator, Sequence

from absl import logging as absl_logging

from tfstyle.errors import printable
from tfstyle.runtime import process

# Seconds without a line, elsewhere than on a terminal, after which one is due.
FIRST = 8.0  # before the first one
NEWS = 10.0  # if there is news
SILENCE = 30.0  # if there is none
_MAKING = 0.95  # share of a picture's time; the rest is for its file
_BAR = 10  # characters
_ROOM_FOR_BAR = 69  # characters


class Progress:
    """What the line says, and when it was last written."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._reset()

    def _reset(self):
        self._active = self._drawn = False
        self._done: float | None = None
        self._remaining: float | None = None
        self._details: Sequence[str] = ()
        self._lines = 0
        self._started = self._updated = self._written = 0.0

    def show(self, done, details, remaining, always):
        """See `show_progress`."""
        with self._lock:
            self._updated = time.monotonic()
            if not self._active:
                self._active, self._started = True, self._updated
                self._written = self._updated
            if done is not None:
                self._done = max(self._done or 0.0, done)
            self._remaining, self._details = remaining, details
            ends = self._done is not None and self._done >= 1.0
            due = bool(self._lines) if ends else bool(self._done) and not self._lines
            self._write(0.0 if always or due else NEWS)
            if ends:
                self.end()

    def beat(self):
        """Writes the line again if one is due."""
        with self._lock:
            if self._active:
                self._write(SILENCE if self._lines else FIRST)

    def end(self):
        """Leaves the line as it is; the next one is that of other work."""
        with self._lock:
            if self._drawn:
                process.write_error("\n")
            self._reset()

    def clear(self) -> str:
        """What removes the line from the terminal, for a log line in its place."""
        with self._lock:
            columns, drawn = process.error_columns(), self._drawn
            self._drawn = False
            return f"\r{'':{columns - 1}}\r" if columns and drawn else ""

    def _write(self, patience):
        """Redraws the line on a terminal; elsewhere writes one after `patience` seconds."""
        now, columns = time.monotonic(), process.error_columns()
        if columns:
            process.write_error(f"\r{self._layout(now, columns - 1):{columns - 1}}")
            self._drawn = True
        elif now - self._written >= patience and absl_logging.level_info():
            process.write_error(f"{self._layout(now)}\n")
            self._written, self._lines = now, self._lines + 1

    def _layout(self, now, width=0):
        """The fields that fit into `width` characters, all if 0: the most important ones first."""
        fields, bar = [], ""
        if self._done is not None:
            fields.append(f"{math.floor(100 * self._done + 1e-6):3d} %")
            filled = math.floor(_BAR * self._done + 1e-6)
            bar = f"{'█' * filled:░<{_BAR}}  " if width >= _ROOM_FOR_BAR else ""
        if self._remaining is not None and math.isfinite(self._remaining):
            left = max(0.0, self._remaining - (now - self._updated))
            fields.append(f"{duration(left)} left")
        fields += [*self._details, f"{duration(now - self._started)} so far"]
        line = bar + fields[0]
        for field in fields[1:]:
            if width and len(line) + 2 + len(field) > width:
                break
            line += f"  {field}"
        return line[: width or None]


_PROGRESS = Progress()


def show_progress(
    done: float | None, *details: str, remaining: float | None = None, always: bool = False
) -> None:
    """Shows the state of the work.

    On a terminal the line is redrawn; what does not fit into its width is left out. Elsewhere a
    line is written when work begins to be done, if there was none for `NEWS` seconds, and at the
    end of work that was long enough for others.

    Args:
        done: share of the work in [0, 1], None if unknown; a smaller one than before is not shown.
            1 ends the progress.
        details: what else is known, the most important first.
        remaining: seconds, estimated; None if unknown.
        always: whether to write a line in any case.
    """
    _PROGRESS.show(done, details, remaining, always)


class PictureProgress:
    """The progress of a program that makes several pictures.

    Args:
        total: number of pictures.
    """

    def __init__(self, total: int) -> None:
        self._total, self._passed = total, 0
        self._started = time.monotonic()
        self.show()

    def show(self, share: float = 0.0, *details: str, always: bool = False) -> None:
        """Shows it, with `share` of the present picture made, and what else is known of that."""
        done = (self._passed + _MAKING * share) / self._total
        count = [f"{self._passed} of {self._total} pictures"] if self._total > 1 else []
        spent = time.monotonic() - self._started
        left = spent * (1.0 / done - 1.0) if done else None
        show_progress(done, *count, *details, remaining=left, always=always)

    def passed(self, count: int = 1) -> None:
        """So many pictures are written, or cannot be made."""
        self._passed += count
        self.show()


def end_progress() -> None:
    """Ends the progress of work that is not finished."""
    _PROGRESS.end()


@contextlib.contextmanager
def heartbeat() -> Iterator[None]:
    """Within the block, progress is also shown while nothing calls `show_progress`.

    The estimate counts down on a terminal; elsewhere a line is written after `SILENCE` seconds.
    """
    ended = threading.Event()

    def beat():
        while not ended.wait(1.0):
            _PROGRESS.beat()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        _PROGRESS.end()


class LogFormatter(logging.Formatter):
    """Messages alone, each on a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        return _PROGRESS.clear() + printable(super().format(record))


def duration(seconds: float) -> str:
    """'3 h 05 min', '4 min 20 s' or '12 s'."""
    seconds = round(seconds)
    if seconds >= 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
    if seconds >= 60:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds} s"
