"""Workers that are processes of this machine.

Threads would be as fast, since LiteRT releases Python's lock; but a photo that crashes a library
ends only a process, and one that is ended gives all of its memory back.
"""

import concurrent.futures
import multiprocessing
import multiprocessing.connection
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from tfstyle.batch.dispatching import DEPTH, DONE, LOST, READY, Event
from tfstyle.errors import InputError
from tfstyle.runtime import devices, memory, process
from tfstyle.stylization import engines

_BYTES = 1.3e9  # of a worker with `quality`, at 1024 × 1024 pixels
_PATIENCE = 30.0  # seconds that workers have for what they have begun


def usual_size() -> int:
    """A worker for each processor, or as many as there is memory for, or one for a GPU."""
    if engines.sees_gpu():
        return 1
    memory_left = memory.available()
    fitting = devices.processors() if memory_left is None else int(memory_left / _BYTES)
    return max(1, min(devices.processors(), fitting))


class LocalPool:
    """A `dispatching.Pool` of processes.

    Args:
        make_worker: makes a `photo_worker.PhotoWorker`; pickled.
        size: number of processes.
    """

    def __init__(self, make_worker: Callable[[], Any], size: int):
        self.size = size
        self._make_worker = make_worker
        self._processes: dict[Connection, Any] = {}

    def start(self) -> Connection:
        """As of `Pool`."""
        context = multiprocessing.get_context("spawn")
        connection, other = context.Pipe()
        child = context.Process(target=_serve, args=(other, self._make_worker), daemon=True)
        with process.handling(signal.SIG_IGN):  # inherited: Ctrl-C is for the first process
            child.start()
        other.close()
        self._processes[connection] = child
        return connection

    def submit(self, worker: Any, number: int, task: Any) -> None:
        """As of `Pool`."""
        try:
            worker.send((number, task))
        except OSError:
            pass  # it has ended, and `wait` says so

    def wait(self, seconds: float) -> list[Event]:
        """As of `Pool`."""
        events = []
        connection: Any
        for connection in multiprocessing.connection.wait([*self._processes], seconds):
            try:
                number, found = connection.recv()
            except (EOFError, OSError):
                self._processes.pop(connection).join()
                events.append(Event(connection, LOST))
                continue
            if isinstance(found, Exception):
                raise found
            events.append(Event(connection, READY if number < 0 else DONE, number, found))
        return events

    def close(self) -> None:
        """Ends the workers when they have written what they have begun."""
        for connection in self._processes:
            connection.close()
        for child in self._processes.values():
            child.join(_PATIENCE)
            child.kill()
        self._processes.clear()


def _serve(connection, make_worker):
    """A worker: paints what it receives until the other end is closed."""
    for number in process.STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sending = threading.Lock()

    def send(number, function, *arguments):
        try:
            found = function(*arguments)
        except InputError as error:
            found = error
        except Exception:
            found = RuntimeError(traceback.format_exc())
        try:
            with sending:
                connection.send((number, found))
        except OSError:
            pass  # the first process has ended

    made = []
    send(-1, lambda: made.append(make_worker()))
    if not made:
        return
    with concurrent.futures.ThreadPoolExecutor(DEPTH) as threads:
        while True:
            try:
                number, task = connection.recv()
            except (EOFError, OSError):
                return
            threads.submit(send, number, made[0].paint, task)
