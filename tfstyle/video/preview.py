"""The filter that shows the frames of a live input in a window, with their latency."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from absl import logging

from tfstyle.runtime import terminal
from tfstyle.video.live import LiveReader
from tfstyle.video.stages import Step

_SHARE = 0.1  # of a new frame in the running means


class Preview:
    """Shows each frame when it is painted; without a display, nothing.

    It must run in the main thread, as windows do.

    Args:
        reader: of the frames, which ends when the window is closed.
        open_window: `Window`; raises RuntimeError if there is no display.
    """

    def __init__(self, reader: LiveReader, open_window: Callable[[], Any] | None = None):
        self._reader = reader
        self._window: Any = None
        self.latency = self.interval = 0.0  # running means, in seconds
        try:
            self._window = (open_window or Window)()
        except RuntimeError as error:
            logging.info("There is no preview (%s).", error)

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """See `stages.Filter`; it has no state."""

    def run(self, steps: Iterator[Step]) -> Iterator[Step]:
        """See `stages.Filter`; the steps are not changed."""
        before = 0.0
        for number, step in enumerate(steps):
            if self._window:
                self._window.show(step.frame.image, self.text())
            now, age = time.monotonic(), self._reader.age(step.frame)
            share = 1.0 if number < 2 else _SHARE  # the first one says little
            self.latency += share * (age - self.latency)
            if before:
                self.interval += share * (now - before - self.interval)
            before = now
            if self._window and self._window.closed:
                self._reader.should_stop = lambda: True
            yield step
        if self._window:
            self._window.close()

    def report(self, done: int) -> None:
        """Tells the terminal the same; so many frames are written."""
        terminal.show_progress(None, f"{done} frames", self.text())

    def text(self) -> str:
        """Frames per second, how old a frame is when it is shown, and how many were left out."""
        if not self.interval:
            return "the first frame"
        return (
            f"{1.0 / self.interval:.3g} frames/s, {1000 * self.latency:.0f} ms behind, "
            f"{self._reader.dropped} dropped"
        )


class Window:
    """A window of the standard library's Tk; Escape, q and its button close it.

    Attributes:
        closed: whether the user has closed it.

    Raises: RuntimeError if there is no Tk or no display.
    """

    def __init__(self) -> None:
        try:
            import tkinter
        except ImportError as error:
            raise RuntimeError("Python has no tkinter") from error
        try:
            self._root = tkinter.Tk()
        except tkinter.TclError as error:
            raise RuntimeError(str(error)) from error
        self._root.title("tfstyle")
        self.closed = False
        self._label = tkinter.Label(self._root, borderwidth=0)
        self._label.pack()
        self._picture: Any = None
        self._root.protocol("WM_DELETE_WINDOW", self._closing)
        for key in ("<Escape>", "q"):
            self._root.bind(key, self._closing)

    def show(self, image: np.ndarray, title: str) -> None:
        """Shows `(h, w, 3)` uint8."""
        from PIL import Image, ImageTk

        if (
            self._picture is None
            or (self._picture.height(), self._picture.width()) != image.shape[:2]
        ):
            self._picture = ImageTk.PhotoImage(Image.fromarray(image), master=self._root)
            self._label.configure(image=self._picture)
        else:
            self._picture.paste(Image.fromarray(image))
        self._root.title(title)
        self._root.update()

    def close(self) -> None:
        """Removes the window."""
        self._root.destroy()

    def _closing(self, *_):
        self.closed = True
