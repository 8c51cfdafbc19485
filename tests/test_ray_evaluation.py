"""`evaluate.py --engine ray` on a cluster of two nodes."""

import os
import signal

import numpy as np
import pytest

from tests.test_evaluate_program import errors, folders, rows, run  # noqa: F401
from tests.test_ray_pool import cluster  # noqa: F401
from tfstyle.batch.ray_pool import RayPool

ray = pytest.importorskip("ray")


def test_rows_are_those_of_this_machine_though_a_worker_is_killed(
    cluster,  # noqa: F811
    folders,  # noqa: F811
    monkeypatch,
):
    """But for the time, the memory, and the rounding of sums by other numbers of threads."""
    submit, killed = RayPool.submit, []

    def submit_and_kill(pool, worker, number, task):
        submit(pool, worker, number, task)
        if number == 1 and not killed:
            killed.append(ray.get(worker.__ray_call__.remote(lambda _: os.getpid())))
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(RayPool, "submit", submit_and_kill)
    flags = ("--model=mine.keras", "--sweep_pairs=1", "--pairs=2")
    assert run(*flags, "--engine=ray") == 0
    assert killed
    found = rows()
    os.rename("evaluation", "of_ray")
    assert run(*flags) == 0
    expected = rows()
    assert len(found) == len(expected) == 2 + 4 + 2 + 2
    for first, second in zip(found, expected, strict=True):
        assert first.keys() == second.keys()
        for name, value in second.items():
            if name in ("system", "content", "style") or not value:
                assert first[name] == value
            elif name != "seconds":
                np.testing.assert_allclose(float(first[name]), float(value), 1e-3, 1e-4, name)


def test_workers_are_of_a_cluster(capfd):
    assert run("--workers=2") == 1
    assert errors(capfd) == ["error: --workers=2: is for --engine=ray; omit it"]
