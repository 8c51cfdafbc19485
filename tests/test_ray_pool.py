"""`tfstyle batch --engine ray` on a cluster of two nodes, which lose workers and a node."""

import functools
import os
import signal

import pytest

from tests.batch_workers import Copier
from tests.test_batch_program import FLAGS, batch, pictures, rows  # noqa: F401
from tfstyle.batch.dispatching import dispatch
from tfstyle.batch.ray_pool import RayPool
from tfstyle.batch.tasks import Task

ray = pytest.importorskip("ray")


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of a processor each; the program is connected to the first."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 << 20}
    cluster = Cluster(
        initialize_head=True, connect=True, head_node_args={**node, "include_dashboard": False}
    )
    cluster.second = cluster.add_node(**node)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def tasks(tmp_path):
    names = ["a", "b", "poison", *"cdefghijkl"]
    for name in names:
        (tmp_path / name).write_text(name)
    return [Task(n, str(tmp_path / name), ((0, f"{name}.png"),)) for n, name in enumerate(names)]


def test_pictures_are_those_of_local_though_a_worker_is_killed(
    cluster,
    pictures,  # noqa: F811
    monkeypatch,
):
    """By a signal, with a task; the tables are the same, too."""
    submit, killed = RayPool.submit, []

    def submit_and_kill(pool, worker, number, task):
        if number == 2:
            killed.append(ray.get(worker.__ray_call__.remote(lambda _: os.getpid())))
        submit(pool, worker, number, task)
        if number == 2 and len(killed) == 1:
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(RayPool, "submit", submit_and_kill)
    assert batch("--engine=ray", "--output=ray") == 0
    assert len(killed) == 2, "another worker had the task, too"
    assert batch("--workers=2") == 0
    assert {*os.listdir("ray")} == {*os.listdir("out")} and len(rows("ray/manifest.csv")) == 6
    for name in os.listdir("out"):
        assert (pictures / "ray" / name).read_bytes() == (pictures / "out" / name).read_bytes()


def test_a_photo_that_ends_its_actor_and_a_node_that_is_lost(cluster, tasks, tmp_path):
    """Nothing else is lost, and nothing is yielded twice."""
    pool = RayPool(functools.partial(Copier, tmp_path, 0.1))
    assert pool.size == 2, "a worker for each processor"
    found = []
    for task, result in dispatch(pool, tasks):
        found.append((task.number, result))
        if len(found) == 4:
            cluster.remove_node(cluster.second, allow_graceful=False)
    pool.close()
    assert sorted(number for number, _ in found) == [*range(13)]
    assert [number for number, result in found if result is None] == [2]
    for name in "abcdefghijkl":
        assert (tmp_path / f"{name}.png").read_text() == name
