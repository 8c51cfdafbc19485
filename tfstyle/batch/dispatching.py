"""Which worker does what, whatever becomes of the workers."""

import collections
import contextlib
import os
import pathlib
import platform
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol, TypeVar

from tfstyle.errors import InputError

DEPTH = 2  # tasks that a worker has at once: one is painted while another is read or written
TRIES = 3  # workers that may end with a task before it is given up
_STARTS = 3  # workers that may end, one after the other, before one has started
_PATIENCE = 0.5  # seconds between looks at whether to stop
READY, DONE, LOST = "ready", "done", "lost"

Task = TypeVar("Task")


def enter(directory: str, folder: pathlib.Path, marker: str, flag: str) -> None:
    """Makes a worker's process use the paths of the program that started it.

    Args:
        directory: of the program, which paths may be relative to.
        folder: of the results.
        marker: name of a file in it.
        flag: that named the folder, for errors.
    Raises: InputError if this machine does not have the folder.
    """
    with contextlib.suppress(OSError):  # paths may be absolute
        os.chdir(directory)
    if not (folder / marker).exists():
        raise InputError(
            f"--{flag}: {folder} on {platform.node()} is not that of the first machine; all need "
            "the same network folders"
        )


class Event(NamedTuple):
    """What a worker has to say.

    Attributes:
        worker: of `Pool.start`.
        kind: READY for tasks, DONE with one, or LOST with all that it had.
        number: of the task that is done.
        result: of that task.
    """

    worker: Hashable
    kind: str
    number: int = -1
    result: Any = None


class Pool(Protocol):
    """Workers, each of which paints up to `DEPTH` tasks at once.

    Attributes:
        size: how many there should be.
    """

    size: int

    def start(self) -> Hashable:
        """A new worker, to be used once it is ready."""

    def submit(self, worker: Hashable, number: int, task: Any) -> None:
        """Gives a worker a task."""

    def wait(self, seconds: float) -> list[Event]:
        """What has happened, at the latest after a time.

        Raises: InputError of a worker that cannot start, or cannot write.
        """

    def close(self) -> None:
        """Ends the workers."""


def dispatch(
    pool: Pool, tasks: Iterable[Task], should_stop: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Task, Any]]:
    """Yields each task with its result, in the order in which they are done; None for no result.

    When a worker ends, others get what it had: each such task alone, so that it is known which one
    ended a worker. One that has been with `TRIES` workers as they ended has no result. Only as many
    tasks are taken from `tasks` as the workers can have.

    Args:
        pool: of the workers.
        tasks: to do.
        should_stop: whether to take no more tasks, and to return when those begun are done.
    Raises: InputError, also if workers end before they are ready, again and again.
    """
    work = _Dispatch(pool, tasks)
    for _ in range(pool.size):
        work.start()
    while True:
        stops = should_stop()
        if not stops:
            work.fill()
        if work.is_idle() and (stops or work.is_over()):
            return
        for event in pool.wait(_PATIENCE):
            yield from work.handle(event)


class _Dispatch:
    def __init__(self, pool, tasks):
        self._pool, self._tasks = pool, enumerate(tasks)
        self._exhausted = False
        self._busy: dict[
            Hashable, dict[int, Any]
        ] = {}  # tasks by number, of workers that are ready
        self._alone: set[Hashable] = set()  # workers that have a suspect
        self._suspects: collections.deque = collections.deque()  # were with workers that ended
        self._ends: collections.Counter = collections.Counter()  # of workers, by task
        self._failed_starts = 0

    def start(self):
        self._pool.start()

    def is_idle(self):
        return not any(self._busy.values())

    def is_over(self):
        return self._exhausted and not self._suspects

    def fill(self):
        """Gives tasks to all that have room, the emptiest first."""
        for depth in range(DEPTH):
            for worker, own in self._busy.items():
                if len(own) == depth and worker not in self._alone:
                    self._give(worker, own)

    def _give(self, worker, own):
        if self._suspects and not own:
            number, task = self._suspects.popleft()
            self._alone.add(worker)
        else:
            number, task = next(self._tasks, (-1, None))
            if number < 0:
                self._exhausted = True
                return
        own[number] = task
        self._pool.submit(worker, number, task)

    def handle(self, event):
        """Yields the tasks that are over, with their results."""
        worker = event.worker
        if event.kind == READY:
            self._busy[worker] = {}
            self._failed_starts = 0
        elif event.kind == DONE:
            self._alone.discard(worker)
            yield self._busy[worker].pop(event.number), event.result
        else:
            yield from self._lose(worker)

    def _lose(self, worker):
        if worker not in self._busy:
            self._failed_starts += 1
            if self._failed_starts >= _STARTS * self._pool.size:
                raise InputError(
                    "--workers: they end before they have loaded the model, perhaps for lack of "
                    "memory; fewer workers and a smaller --size need less"
                )
        self._alone.discard(worker)
        for number, task in self._busy.pop(worker, {}).items():
            self._ends[number] += 1
            if self._ends[number] >= TRIES:
                yield task, None
            else:
                self._suspects.append((number, task))
        self.start()
