"""Profiles TFLite files: their operations, what XNNPACK computes of them, their time."""

import collections
import contextlib
import dataclasses
import io
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tfstyle.runtime import process
from tfstyle.runtime.litert import Network

_DELEGATE = "DELEGATE"  # the node that replaces those delegated to XNNPACK


def random_inputs(network: Network, key: str, side: int) -> dict[str, np.ndarray]:
    """Random inputs to time a signature with; free sides are `side` pixels long."""
    random = np.random.default_rng(0)
    inputs = {}
    for name, tensor in network.inputs(key).items():
        shape = [
            length if length > 0 else (1 if axis == 0 else side)
            for axis, length in enumerate(tensor.shape)
        ]
        values = random.uniform(size=shape)
        if tensor.dtype in (np.uint8, np.int8):
            limits = np.iinfo(tensor.dtype)
            values = limits.min + values * (limits.max - limits.min)
        inputs[name] = values.astype(tensor.dtype)
    return inputs


def operations_of(network: Network) -> "Operations":
    """The operations of the first signature, and which of them XNNPACK computes."""
    found = network.operations()
    nodes = [node for node in found if node["op_name"] != _DELEGATE]
    partitions = [node for node in found if node["op_name"] == _DELEGATE]
    taken = _inside(nodes, partitions)
    names = [node["op_name"] for node in nodes]
    left = [node["op_name"] for node in nodes if node["index"] not in taken]
    return Operations(collections.Counter(names), collections.Counter(left), len(partitions))


@dataclasses.dataclass(frozen=True)
class Operations:
    """Nodes of a graph.

    Attributes:
        all: counts by name.
        left: counts of those that XNNPACK does not compute, by name.
        partitions: parts of the graph that XNNPACK computes.
    """

    all: Mapping[str, int]
    left: Mapping[str, int]
    partitions: int

    @property
    def share(self) -> float:
        """Share of nodes that XNNPACK computes."""
        return 1.0 - sum(self.left.values()) / sum(self.all.values())


def _inside(nodes, partitions):
    """Indices of the nodes that lie between the inputs and the outputs of partitions."""
    makers = {tensor: node for node in nodes for tensor in node["outputs"]}
    taken = set()
    for partition in partitions:
        outside, tensors = set(partition["inputs"]), list(partition["outputs"])
        while tensors:
            tensor = tensors.pop()
            node = makers.get(tensor)
            if node and tensor not in outside and node["index"] not in taken:
                taken.add(node["index"])
                tensors.extend(node["inputs"])
    return taken


def gpu_problems(data: bytes) -> list[str]:
    """Problems that TensorFlow's analyzer reports for the GPU delegate; empty if there are none."""
    import tensorflow as tf

    with contextlib.redirect_stdout(io.StringIO()) as text, process.hidden_stderr():
        tf.lite.experimental.Analyzer.analyze(model_content=data, gpu_compatibility=True)
    lines = [line.strip() for line in text.getvalue().splitlines()]
    if any("looks compatible with GPU delegate" in line for line in lines):
        return []
    return [line for line in lines if line.startswith("GPU COMPATIBILITY")] or ["unknown"]


def median_seconds(runs: Mapping[Any, Callable[[], object]], rounds: int) -> dict[Any, float]:
    """The median time in seconds of functions by any name, run in turn, each after a warm-up run.

    Args:
        runs: functions without arguments.
        rounds: number of timings of each.
    """
    seconds: dict[Any, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            run()
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in seconds.items()}


def names_of(counts: Mapping[str, int]) -> str:
    """`CONV_2D ×16, MUL ×3`, the most frequent first."""
    ordered: Sequence[tuple[str, int]] = sorted(counts.items(), key=lambda pair: -pair[1])
    return ", ".join(name if n == 1 else f"{name} ×{n}" for name, n in ordered)
