"""This process: its signals, what it prints on standard error, its end."""

import atexit
import contextlib
import gc
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

from absl import logging

from tfstyle.errors import InputError


class Terminated(KeyboardInterrupt):
    """SIGTERM came, and is handled as SIGINT is: what is half-written goes."""


class StopSignal:
    """Whether SIGINT or SIGTERM has come; a second SIGINT interrupts at once.

    Used as a context: `with StopSignal() as stop: … if stop.number: …`.
    """

    def __init__(self) -> None:
        self.number = 0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "StopSignal":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: object) -> None:
        if self.number and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = number


@contextlib.contextmanager
def held_signals() -> Iterator[None]:
    """Lets SIGINT and SIGTERM wait for the end of the block, in the main thread.

    Keras has bare `except`s, which would swallow what their handlers raise and go on.
    """
    came: list[int] = []
    previous = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            previous[number] = signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """`hidden_stderr` while TensorFlow loads, with lines about the build and about missing GPUs.

    Garbage is not collected meanwhile, since hardly any is made, but every collection looks at all
    of the modules: without it importing takes a seventh less time.
    """
    gc.disable()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        with hidden_stderr():
            yield
    finally:
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def hidden_stderr() -> Iterator[None]:
    """Hides what C++ code prints, which no logging setting reaches.

    An exception shows it all, but for InputError, which says what there is to say, and a signal.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        except (InputError, KeyboardInterrupt):
            raise
        except BaseException:
            hidden.seek(0)
            os.write(saved, hidden.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def leave(status: int) -> NoReturn:
    """Ends the process without taking TensorFlow apart first, which takes more than half a second.

    Everything that a program writes is closed by then; what is registered for the end, such as the
    removal of temporary files, is done.
    """
    atexit._run_exitfuncs()
    logging.flush()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
