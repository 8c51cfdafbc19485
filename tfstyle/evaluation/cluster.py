"""Makes and measures pictures by the workers of a Ray cluster."""

import dataclasses
import functools
import pathlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from tfstyle.batch.dispatching import dispatch, enter
from tfstyle.batch.ray_pool import RayPool
from tfstyle.config import EvaluateCommand
from tfstyle.evaluation.making import Maker, Measured, load_measurer
from tfstyle.evaluation.painting import PairPainter, WorkerEnded
from tfstyle.evaluation.pairs import Pair
from tfstyle.evaluation.systems import System
from tfstyle.runtime import devices

Planned = tuple[Pair, float]  # a pair and a strength
_MOST = 16  # pictures of a task


class Task(NamedTuple):
    """Pictures to make and measure.

    Attributes:
        system: number of the system.
        planned: pairs with strengths, of one content.
    """

    system: int
    planned: tuple[Planned, ...]


@dataclasses.dataclass(frozen=True)
class Job:
    """What all tasks share.

    Attributes:
        config: the flags.
        systems: that are measured.
        folder: of the results, absolute.
        marker: name of a file in it.
        directory: of the program, which paths may be relative to.
    """

    config: EvaluateCommand
    systems: Sequence[System]
    folder: pathlib.Path
    marker: str
    directory: str


class MeasuringWorker:
    """Makes and measures the pictures of tasks, one at a time.

    Args:
        job: of the tasks.
    Raises: InputError if the folder cannot be used on this machine.
    """

    def __init__(self, job: Job):
        enter(job.directory, job.folder, job.marker, "output_dir")
        devices.start_tensorflow()
        self._job = job
        self._measurer, _ = load_measurer(job.config)
        self._one_at_a_time = threading.Lock()
        self._maker: tuple[int, Any] = (-1, None)  # of the last task's system

    def paint(self, task: Task) -> list[Measured]:
        """What is known of each picture of a task; not the memory, which is that of all here."""
        with self._one_at_a_time:
            if self._maker[0] != task.system:
                self._maker = task.system, self._make(self._job.systems[task.system])
            found = [self._maker[1].measure(*planned) for planned in task.planned]
        return [one._replace(peak_memory=0) for one in found]

    def _make(self, system):
        # In this process: if it ends, another worker gets the task.
        painter = PairPainter(system, self._job.config.size) if system.paints else None
        return Maker(system, painter, self._measurer, self._job.folder)


def measure(
    job: Job, missing: Sequence[Sequence[Planned]], should_stop: Callable[[], bool]
) -> Iterator[tuple[int, Planned, Measured]]:
    """Yields the number of the system, the pair with its strength, and what is known of it.

    Args:
        job: of the tasks.
        missing: of each system, what to make and measure.
        should_stop: whether to end, when what is begun is done.
    Raises: InputError, also if a picture ends all workers that make it.
    """
    if not any(missing):
        return
    pool = RayPool(functools.partial(MeasuringWorker, job), job.config.workers)
    try:
        for task, result in dispatch(pool, _tasks(missing), should_stop):
            if result is None:
                system, pairs = job.systems[task.system], [pair.name for pair, _ in task.planned]
                raise WorkerEnded(f"{system.name}: one of {', '.join(pairs)} ends its workers")
            for planned, found in zip(task.planned, result, strict=True):
                yield task.system, planned, found
    finally:
        pool.close()


def _tasks(missing):
    for system, plan in enumerate(missing):
        group: list[Planned] = []
        for planned in plan:
            if group and (planned[0].content != group[0][0].content or len(group) == _MOST):
                yield Task(system, tuple(group))
                group = []
            group.append(planned)
        if group:
            yield Task(system, tuple(group))
