"""Which devices train: one, all GPUs of a machine, or those of several machines."""

import json
import os

import tensorflow as tf
from absl import logging

from tfstyle.config import TrainConfig
from tfstyle.errors import InputError
from tfstyle.runtime import devices

# What TensorFlow raises when another machine has ended, or has not answered for ten seconds.
LOST = (
    tf.errors.UnavailableError, tf.errors.DeadlineExceededError, tf.errors.AbortedError,
    tf.errors.CancelledError,
)  # fmt: skip
LOST_WORDS = "another machine has ended or cannot be reached"


def make_strategy(config: TrainConfig) -> tf.distribute.Strategy:
    """The strategy of `--strategy`; to be called before TensorFlow has computed anything.

    "mirrored" uses all GPUs, or the logical CPU devices if there is none; "multi_worker" the
    machines that the environment variable TF_CONFIG lists.
    Raises: InputError if there are no such devices or they cannot share the batch equally.
    """
    name, workers = config.strategy, _workers()
    if name == "auto":
        name = "multi_worker" if workers > 1 else "mirrored" if len(_gpus()) > 1 else "one"
    if name == "multi_worker":
        if not workers:
            raise InputError(
                "--strategy=multi_worker: the environment variable TF_CONFIG must list the "
                "machines; docs/training.md shows how"
            )
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    elif workers > 1:
        raise InputError(f"--strategy={name}: TF_CONFIG lists {workers} machines; unset it")
    elif name == "mirrored":
        strategy = tf.distribute.MirroredStrategy(devices.names())
    else:
        strategy = tf.distribute.get_strategy()
    batch_size, replicas = config.batch_size, strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise InputError(
            f"--batch_size: {batch_size} cannot be shared equally by {replicas} devices; "
            f"use {max(1, round(batch_size / replicas)) * replicas}"
        )
    logging.info("Devices: %d, each with %d samples a step.", replicas, batch_size // replicas)
    return strategy


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes files."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type is None:
        return True
    has_chief = "chief" in resolver.cluster_spec().jobs
    return resolver.task_type == "chief" or (not has_chief and resolver.task_id == 0)


class Machines:
    """Communication between the processes of a strategy.

    Attributes:
        several: whether there is more than one.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self.several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)

        @tf.function(input_signature=[tf.TensorSpec((), tf.float64)])
        def mean(value):
            def in_replica(own):
                context = tf.distribute.get_replica_context()
                # A copy, because an argument has no device, which the reduction needs.
                return context.all_reduce(tf.distribute.ReduceOp.MEAN, tf.identity(own))

            found = strategy.run(in_replica, (value,))
            return strategy.experimental_local_results(found)[0]

        self._mean = mean

    def mean(self, value: float) -> float:
        """The mean of the machines' values, equal on all; all must call it."""
        return float(self._mean(tf.constant(value, tf.float64))) if self.several else value


def _workers() -> int:
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return 0
    try:
        description = json.loads(text)
        cluster, task = description["cluster"], description["task"]
        if task["index"] >= len(cluster[task["type"]]):
            raise ValueError("this task is not in it")
        return sum(len(tasks) for job, tasks in cluster.items() if job in ("chief", "worker"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"TF_CONFIG ({error}): must be JSON with a cluster and this machine's task, such as "
            '{"cluster": {"worker": ["host:port", …]}, "task": {"type": "worker", "index": 0}}'
        ) from error


def _gpus() -> list[str]:
    return [device.name for device in tf.config.list_logical_devices("GPU")]
