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
    capfd,
):
    """But for the time, the memory, and the rounding of sums by other numbers of threads."""
    submit, killed = RayPool.submit, []

    def submit_and_kill(pool, worker, number, task):
        submit(pool, worker, number, task)
        if number == 1 and not killed:
            killed.append(ray.get(worker.__ray_call__.remote(lambda _: os.getpid())))
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(RayPool, "submit", submit_and_kill)
    flags = ("--model=mine.keras", "--images=theirs=theirs", "--sweep_pairs=1")
    assert run(*flags, "--engine=ray", "--output_dir=evaluation") == 0
    assert killed
    found = rows()
    pictures = {path.name: path.read_bytes() for path in folders.rglob("evaluation/pictures/*/*")}
    os.rename("evaluation", "of_ray")
    assert run(*flags) == 0
    expected = rows()
    assert len(found) == len(expected) == 4 + 4 + 4 + 4 + 4
    for first, second in zip(found, expected, strict=True):
        assert first.keys() == second.keys()
        for name, value in second.items():
            if name in ("system", "content", "style") or not value:
                assert first[name] == value
            elif name != "seconds":
                np.testing.assert_allclose(float(first[name]), float(value), 1e-3, 1e-4, name)
    for path in folders.rglob("evaluation/pictures/*/*"):
        assert path.name in pictures
    os.rename("of_ray", "again")
    capfd.readouterr()
    assert run(*flags, "--engine=ray", "--output_dir=again") == 0
    assert "20 of 20 pictures are measured (100 %)" in capfd.readouterr().err


def test_workers_are_of_a_cluster(capfd):
    assert run("--workers=2") == 1
    assert errors(capfd) == ["error: --workers=2: is for --engine=ray; omit it"]
