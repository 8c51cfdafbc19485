"""Which devices train: one, all GPUs of a machine, or those of several machines."""

import json
import os

import tensorflow as tf
from absl import logging

from tfstyle.errors import InputError


def make_strategy(name: str, batch_size: int) -> tf.distribute.Strategy:
    """The strategy of `--strategy`; to be called before TensorFlow has done anything else.

    Args:
        name: "auto", "one", "mirrored" (over all GPUs, or where there is none over the logical
            CPU devices), or "multi_worker", whose machines the variable TF_CONFIG lists.
        batch_size: of a step, which the replicas must divide.
    Raises: InputError if there are no such devices or the batch cannot be divided.
    """
    workers = _workers()
    if name == "auto":
        name = "multi_worker" if workers > 1 else "mirrored" if len(_gpus()) > 1 else "one"
    if name == "multi_worker":
        if not workers:
            raise InputError(
                "--strategy=multi_worker: the environment variable TF_CONFIG must list the "
                "machines; see the README"
            )
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    elif name == "mirrored":
        devices = _gpus() or [device.name for device in tf.config.list_logical_devices("CPU")]
        strategy = tf.distribute.MirroredStrategy(devices)
    else:
        strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
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


def mean_over_machines(strategy: tf.distribute.Strategy, value: float) -> float:
    """The mean of the values that the machines give, equal on all of them; all must call it."""
    if not is_multi_worker(strategy):
        return value

    @tf.function
    def mean():
        def in_replica():
            own = tf.constant(value, tf.float64)
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, own)

        return strategy.run(in_replica)

    return float(strategy.experimental_local_results(mean())[0])


def is_multi_worker(strategy: tf.distribute.Strategy) -> bool:
    """Whether other processes take part."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def _workers() -> int:
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return 0
    try:
        cluster = json.loads(text)["cluster"]
        return sum(len(tasks) for job, tasks in cluster.items() if job in ("chief", "worker"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"TF_CONFIG: not a cluster's description in JSON ({error})") from error


def _gpus() -> list[str]:
    return [device.name for device in tf.config.list_logical_devices("GPU")]
