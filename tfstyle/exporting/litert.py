"""TFLite files as LiteRT runs them: their functions, their operations, their time."""

import collections
import contextlib
import dataclasses
import io
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tfstyle import cli
from tfstyle.errors import InputError
from tfstyle.interpreter import load_interpreter

UNNAMED = ""  # the signature of files that have none
_DELEGATE = "DELEGATE"  # the node that stands for those that XNNPACK took


class Network:
    """A TFLite file, loaded.

    Args:
        data: the file's bytes.
        threads: of the processor.
        name: of the file, for errors.

    Attributes:
        signatures: their names; `UNNAMED` alone for a file without them.

    Raises: InputError if LiteRT is not installed or the bytes are no TFLite file.
    """

    def __init__(self, data: bytes, threads: int, name: str):
        self._interpreter = load_interpreter(data, threads, name)
        self._name = name
        try:
            with cli.hidden_stderr():
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise self._refusal(error) from error
        self.signatures = tuple(self._interpreter.get_signature_list()) or (UNNAMED,)
        self._runners: dict[str, Callable] = {}

    def run(self, key: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs by name of a signature for its inputs by name.

        Raises: InputError if LiteRT refuses them.
        """
        try:
            if key == UNNAMED:
                return self._run_unnamed(inputs)
            if key not in self._runners:
                self._runners[key] = self._interpreter.get_signature_runner(key)
            return self._runners[key](**inputs)
        except (ValueError, RuntimeError) as error:
            raise self._refusal(error) from error

    def _refusal(self, error):
        reason = (str(error).strip().splitlines() or ["?"])[0]
        return InputError(f"{self._name}: LiteRT cannot run it ({reason})")

    def _run_unnamed(self, inputs):
        details = self._interpreter.get_input_details()
        if any(tuple(one["shape"]) != inputs[one["name"]].shape for one in details):
            for one in details:
                self._interpreter.resize_tensor_input(one["index"], inputs[one["name"]].shape)
            self._interpreter.allocate_tensors()
        for detail in details:
            self._interpreter.set_tensor(detail["index"], inputs[detail["name"]])
        self._interpreter.invoke()
        return {
            detail["name"]: self._interpreter.get_tensor(detail["index"])
            for detail in self._interpreter.get_output_details()
        }

    def random_inputs(self, key: str, side: int) -> dict[str, np.ndarray]:
        """Something to measure time with; free sides of pictures are `side` pixels long."""
        random = np.random.default_rng(0)
        if key == UNNAMED:
            details = {one["name"]: one for one in self._interpreter.get_input_details()}
        else:
            details = self._interpreter.get_signature_runner(key).get_input_details()
        inputs = {}
        for name, detail in details.items():
            shape = [
                length if length > 0 else (1 if axis == 0 else side)
                for axis, length in enumerate(detail["shape_signature"])
            ]
            values = random.uniform(size=shape)
            if np.issubdtype(detail["dtype"], np.integer):
                limits = np.iinfo(detail["dtype"])
                values = limits.min + values * (limits.max - limits.min)
            inputs[name] = values.astype(detail["dtype"])
        return inputs

    def operations(self) -> "Operations":
        """What the first signature consists of, and who computes it; LiteRT tells of no other."""
        found = self._interpreter._get_ops_details()
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
        all: how many by their name.
        left: those of them that XNNPACK does not compute.
        partitions: parts of the graph that XNNPACK computes.
    """

    all: Mapping[str, int]
    left: Mapping[str, int]
    partitions: int

    @property
    def share(self) -> float:
        """Of nodes that XNNPACK computes."""
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
    """What the converter's analyzer says against the GPU delegate; nothing if all fits."""
    import tensorflow as tf

    with contextlib.redirect_stdout(io.StringIO()) as text, cli.hidden_stderr():
        tf.lite.experimental.Analyzer.analyze(model_content=data, gpu_compatibility=True)
    lines = [line.strip() for line in text.getvalue().splitlines()]
    if any("looks compatible with GPU delegate" in line for line in lines):
        return []
    return [line for line in lines if line.startswith("GPU COMPATIBILITY")] or ["unknown"]


def median_seconds(runs: Mapping[Any, Callable[[], object]], rounds: int) -> dict[Any, float]:
    """The median time of functions by any name, run in turn, each after a run in vain.

    Args:
        runs: functions without arguments.
        rounds: how often each is timed.
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
