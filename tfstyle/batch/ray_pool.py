"""Workers that are actors of a Ray cluster.

Ray Data would give each worker blocks of photos, and repeat a block for ever whose photo ends its
worker; actors are told one task at a time, so it is known which photo it was.
"""

import os
from collections.abc import Callable
from typing import Any

from tfstyle.batch.dispatching import DEPTH, DONE, LOST, READY, Event
from tfstyle.errors import InputError


def check_installed() -> None:
    """Raises InputError if Ray is not installed."""
    try:
        import ray  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError("--engine=ray: ray is not installed; pip install -e '.[batch]'") from error


class RayPool:
    """A `dispatching.Pool` of actors, in the cluster of `RAY_ADDRESS`, or else of this machine.

    Each has a processor; if there are GPUs, each has one, too, or its share of them.

    Args:
        make_worker: makes a `photo_worker.PhotoWorker`; pickled.
        size: number of actors; 0 for as many as there are GPUs, or processors if there are none.
    """

    def __init__(self, make_worker: Callable[[], Any], size: int = 0):
        import ray

        self._ray = ray
        self._connected = not ray.is_initialized()
        if self._connected:
            _connect(ray)
        total = ray.cluster_resources()
        processors, gpus = total.get("CPU", 1.0), total.get("GPU", 0.0)
        self.size = size or max(1, int(gpus or processors))
        self._actor: Any = ray.remote(_Actor).options(
            num_cpus=min(1.0, processors / self.size), num_gpus=min(1.0, gpus / self.size),
            max_restarts=0, max_task_retries=0, max_concurrency=DEPTH,
        )  # fmt: skip
        self._make_worker = ray.put(make_worker)
        self._waiting: dict[Any, tuple[Any, int]] = {}  # workers and numbers of tasks by reference

    def start(self) -> Any:
        """As of `Pool`."""
        actor = self._actor.remote()
        self._waiting[actor.load.remote(self._make_worker)] = actor, -1
        return actor

    def submit(self, worker: Any, number: int, task: Any) -> None:
        """As of `Pool`."""
        self._waiting[worker.paint.remote(task)] = worker, number

    def wait(self, seconds: float) -> list[Event]:
        """As of `Pool`."""
        ray = self._ray
        found, _ = ray.wait([*self._waiting], num_returns=1, timeout=seconds)
        if found:
            found, _ = ray.wait([*self._waiting], num_returns=len(self._waiting), timeout=0)
        events = []
        for reference in found:
            if reference not in self._waiting:
                continue  # of a worker that was lost
            worker, number = self._waiting.pop(reference)
            try:
                result = ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                raise error.cause if isinstance(error.cause, InputError) else error from None
            except ray.exceptions.RayError:
                self._lose(worker)
                events.append(Event(worker, LOST))
            else:
                events.append(Event(worker, READY if number < 0 else DONE, number, result))
        return events

    def _lose(self, worker):
        self._ray.kill(worker)  # if it was only out of reach
        self._waiting = {one: own for one, own in self._waiting.items() if own[0] != worker}

    def close(self) -> None:
        """Ends the workers."""
        for worker in {worker for worker, _ in self._waiting.values()}:
            self._ray.kill(worker)
        if self._connected:
            self._ray.shutdown()


def _connect(ray):
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(log_to_driver=False, logging_level="CRITICAL", include_dashboard=False)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        text = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"--engine=ray: no cluster can be reached or started ({text})") from error


class _Actor:
    """A process of the cluster with a worker."""

    def load(self, make_worker):
        self._worker = make_worker()

    def paint(self, task):
        return self._worker.paint(task)
