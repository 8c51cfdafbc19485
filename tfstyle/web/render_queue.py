"""Renders of all sessions, one after the other, in a process of their own."""

import itertools
import math
import multiprocessing
import threading
import time
from typing import Any

from tfstyle.errors import InputError
from tfstyle.web import render_worker
from tfstyle.web.render_worker import End, Report, Stop, Task

_MOST_WAITING = 16
_USUAL_PACE = 36.0 / (40 * 0.512**2)  # benchmarks/RESULTS.md: 36 s with the defaults, at 512 pixels
_PATIENCE = 3.0  # seconds that a cancelled render has before its process is killed
_NUMBERS = itertools.count(1)

WAITING, RUNNING, DONE, STOPPED, FAILED, CANCELLED = (
    "waiting", "running", "done", "stopped", "failed", "cancelled"
)  # fmt: skip


class Render:
    """A render, and how far it is.

    Args:
        name: of the picture.
        title: of the picture, for people.
        arguments: of `render_worker.Task`, but for its number.

    Attributes:
        state: one of those above.
        report: of the progress.
        previews: their number so far.
        preview: the last one, a JPEG file.
        error: why it failed.
        result: id of the picture, once its session has it.
    """

    def __init__(self, name: str, title: str, **arguments: Any):
        self.task = Task(next(_NUMBERS), **arguments)
        self.id, self.name, self.title = f"{self.task.number}", name, title
        self.state = WAITING
        self.report = Report(None, 0.0, "")
        self.previews, self.preview = 0, b""
        self.error = self.result = ""
        self.stopping = self.cancelled = False
        self.began = 0.0  # by the monotonic clock, once all is loaded

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in (WAITING, RUNNING)


class RenderQueue:
    """Renders that wait, and the process that makes them; `close` ends it.

    Attributes:
        pace: seconds that a render takes for its `Settings.work`, once all is loaded: of the last
            one, or as measured on a computer with two cores.
    """

    def __init__(self) -> None:
        self.pace = _USUAL_PACE
        self._waiting: list[Render] = []
        self._running: Render | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._process: Any = None
        self._connection: Any = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def add(self, render: Render) -> None:
        """Puts a render at the end; InputError if too many wait."""
        with self._changed:
            if len(self._waiting) >= _MOST_WAITING:
                raise InputError(f"{len(self._waiting)} renders are waiting; try again later")
            self._waiting.append(render)
            self._changed.notify_all()

    def place(self, render: Render) -> int:
        """How many renders come before it."""
        with self._changed:
            if render in self._waiting:
                return self._waiting.index(render) + (self._running is not None)
            return 0

    def stop(self, render: Render) -> None:
        """Ends a render with the picture so far; one that waits is cancelled."""
        with self._changed:
            if render in self._waiting:
                self._cancel(render)
            render.stopping = True

    def cancel(self, render: Render) -> None:
        """Ends a render without a picture."""
        with self._changed:
            self._cancel(render)

    def _cancel(self, render):
        if render.is_over:
            return
        render.cancelled = True
        if render in self._waiting:
            self._waiting.remove(render)
            render.state = CANCELLED

    def close(self) -> None:
        """Ends the process; renders that are not done get no picture."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout=2 * _PATIENCE)
        self._end_process()

    def _work(self):
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                render = self._running = self._waiting.pop(0)
                render.state = RUNNING
            try:
                state = self._make(render)
            except (EOFError, OSError):
                render.error = (
                    "the render's process was ended, perhaps for lack of memory; a smaller size "
                    "needs less"
                )
                state = FAILED
                self._end_process()
            with self._changed:
                self._running = None
                render.state = CANCELLED if render.cancelled else state
            if render.state == DONE and render.began:
                self.pace = (time.monotonic() - render.began) / render.task.settings.work
            if render.cancelled:
                for suffix in (".png", ".tif"):
                    render.task.output.with_suffix(suffix).unlink(missing_ok=True)

    def _make(self, render):
        """The state at the end of a render."""
        if self._process is None or not self._process.is_alive():
            context = multiprocessing.get_context("spawn")
            self._connection, other = context.Pipe()
            self._process = context.Process(target=render_worker.serve, args=(other,), daemon=True)
            self._process.start()
            other.close()
        self._connection.send(render.task)
        asked, patience = False, math.inf
        while True:
            if self._connection.poll(0.1):
                found = self._connection.recv()
                if isinstance(found, End):
                    render.error = found.error
                    return FAILED if found.error else DONE if found.complete else STOPPED
                render.report = found
                if found.done is not None:
                    render.began = render.began or time.monotonic()
                if found.preview:
                    render.preview, render.previews = found.preview, render.previews + 1
            ending = render.cancelled or self._closed
            if (ending or render.stopping) and not asked:
                self._connection.send(Stop(render.task.number))
                asked = True
            if ending and patience == math.inf:
                patience = time.monotonic() + _PATIENCE
            if self._closed or time.monotonic() > patience:
                render.cancelled = True
                self._end_process()
                return CANCELLED

    def _end_process(self):
        process, self._process = self._process, None
        if process is not None:
            self._connection.close()
            process.kill()
            process.join()
