"""This process: its signals, its standard streams, its exit."""

import atexit
import contextlib
import gc
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from tfstyle.errors import InputError

# What asks a program to stop: Ctrl-C, `kill`, a closed terminal (unknown to Windows).
STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class Interrupted(KeyboardInterrupt):
    """One of the `STOP_SIGNALS` was received.

    Args:
        number: of the signal.
    """

    def __init__(self, number: int):
        super().__init__()
        self.number = number


def interrupt(number: int, _frame: object) -> NoReturn:
    """A program's handler of the `STOP_SIGNALS`: unfinished files are removed on the way out."""
    raise Interrupted(number)


@contextlib.contextmanager
def handling(handler: Callable[[int, Any], object] | signal.Handlers) -> Iterator[None]:
    """Gives the `STOP_SIGNALS` a handler in the block, in the main thread.

    SIGHUP stays ignored where it is: `nohup` has it so.
    """
    previous: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            if number in (signal.SIGINT, signal.SIGTERM) or (
                signal.getsignal(number) is not signal.SIG_IGN
            ):
                previous[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, signal.SIG_DFL if before is None else before)


class StopSignal:
    """Records whether one of the `STOP_SIGNALS` was received, for work that ends by itself then.

    A second SIGINT interrupts at once, and so does any signal before `requested` is first called,
    while things are still being loaded: `with StopSignal() as stop: … if stop.requested(): …`.

    Attributes:
        number: of the signal; 0 if there was none.
    """

    def __init__(self) -> None:
        self.number = 0
        self._asked = False
        self._handling = handling(self._on_signal)

    def __enter__(self) -> "StopSignal":
        self._handling.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._handling.__exit__(None, None, None)

    def requested(self) -> bool:
        """Whether to end."""
        self._asked = True
        return bool(self.number)

    def _on_signal(self, number: int, _frame: object) -> None:
        if not self._asked or self.number and number == signal.SIGINT:
            raise Interrupted(number)
        self.number = number


@contextlib.contextmanager
def held_signals() -> Iterator[None]:
    """Defers the `STOP_SIGNALS` to the end of the block, in the main thread.

    Keras has bare `except`s, which would swallow the exceptions of their handlers.
    """
    received: list[int] = []
    try:
        with handling(lambda number, _: received.append(number)):
            yield
    finally:
        if received:
            signal.raise_signal(received[0])


@contextlib.contextmanager
def ending_at_once() -> Iterator[None]:
    """In the block, the `STOP_SIGNALS` end a program without any cleaning up.

    For imports, which have nothing to clean up and would report the exception of `interrupt` as a
    failure of their own. Other processes than our programs, with other handlers, are left alone.
    """
    if signal.getsignal(signal.SIGTERM) is not interrupt:
        yield
        return
    with handling(_end_at_once):
        yield


def _end_at_once(number, _frame):
    write_error("\nerror: interrupted\n" if error_columns() else "error: interrupted\n")
    os._exit(128 + number)


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Hides what TensorFlow prints while it loads, about its build and missing GPUs.

    Garbage collection is disabled meanwhile: there is hardly any garbage, but each collection
    traverses all modules. This saves a seventh of the time.
    """
    gc.disable()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        with ending_at_once(), hidden_stderr():
            yield
    finally:
        gc.freeze()
        gc.enable()


_shown_stderr: int | None = None  # a copy of descriptor 2 while that is hidden


@contextlib.contextmanager
def hidden_stderr() -> Iterator[None]:
    """Hides what C++ code prints, which logging settings do not control.

    It is shown after an exception, except InputError, whose message is complete, and signals.
    """
    global _shown_stderr
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    before, saved = _shown_stderr, os.dup(2)
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        _shown_stderr = saved if before is None else before
        try:
            yield
        except (InputError, KeyboardInterrupt):
            raise
        except BaseException:
            hidden.seek(0)
            with contextlib.suppress(OSError):
                os.write(saved, hidden.read())
            raise
        finally:
            _shown_stderr = before
            os.dup2(saved, 2)
            os.close(saved)


def write_error(text: str) -> None:
    """Writes to standard error, also while it is hidden; nothing if it is closed or full."""
    with contextlib.suppress(OSError, ValueError):
        if _shown_stderr is None:
            sys.stderr.write(text)
            sys.stderr.flush()
        else:
            os.write(_shown_stderr, text.encode(sys.stderr.encoding, "backslashreplace"))


def error_columns() -> int:
    """Columns of the terminal that standard error is, also while it is hidden; 0 if it is none."""
    try:
        descriptor = sys.stderr.fileno() if _shown_stderr is None else _shown_stderr
        return os.get_terminal_size(descriptor).columns or 80
    except (OSError, ValueError):
        return 0


def open_standard_streams() -> None:
    """Opens those of descriptors 0 to 2 that are closed on the null device.

    The next files that are opened would take their place, and receive what is printed.
    """
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
            os.set_inheritable(descriptor, True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, mode, encoding="utf-8"))


def discard_output() -> None:
    """Directs standard output, which cannot be written, to the null device."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def leave(status: int) -> NoReturn:
    """Exits the process without TensorFlow's teardown, which takes more than half a second.

    All output files are closed by then; exit handlers, such as the removal of temporary files, are
    run.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # all is done
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(status)
