"""This process: its signals, its standard error, its exit."""

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
    """SIGTERM was received; handled like SIGINT, so that unfinished files are removed."""


class StopSignal:
    """Records whether SIGINT or SIGTERM was received; a second SIGINT interrupts at once.

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
    """Defers SIGINT and SIGTERM to the end of the block, in the main thread.

    Keras has bare `except`s, which would swallow the exceptions of their handlers.
    """
    received: list[int] = []
    previous = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            previous[number] = signal.signal(number, lambda number, _: received.append(number))
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Hides what TensorFlow prints while it loads, about its build and missing GPUs.

    Garbage collection is disabled meanwhile: there is hardly any garbage, but each collection
    traverses all modules. This saves a seventh of the time.
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
    """Hides what C++ code prints, which logging settings do not control.

    It is shown after an exception, except InputError, whose message is complete, and signals.
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
    """Exits the process without TensorFlow's teardown, which takes more than half a second.

    All output files are closed by then; exit handlers, such as the removal of temporary files, are
    run.
    """
    atexit._run_exitfuncs()
    logging.flush()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
