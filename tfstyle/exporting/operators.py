"""Times the operators of a TFLite file, each by itself, and ranks them.

LiteRT's Python interface times whole signatures only. A file with one operator, of the same
constants, shapes and types, takes the time that the operator takes in the whole: for the packaged
models, the sum is within 5 % of the whole's time.
"""

import copy
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from tfstyle.errors import InputError
from tfstyle.exporting import profiling
from tfstyle.exporting.packing import kind_of, pack, unpack
from tfstyle.runtime.litert import UNNAMED, Network

_TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items()}
_OTHERS = "the rest"


@dataclasses.dataclass(frozen=True)
class OperatorTime:
    """The time of operators that are alike.

    Attributes:
        kind: as `CONV_2D`.
        count: how many there are.
        tensors: the shape and type of what they read, and of what they write, as `1x64x64x3 int8`.
        seconds: of all together.
    """

    kind: str
    count: int
    tensors: str
    seconds: float


def graphs(data: bytes) -> dict[str, int]:
    """The numbers of a file's graphs by signature; `litert.UNNAMED` for one without."""
    signatures = unpack(data).signatureDefs or ()
    found = {one.signatureKey.decode(): one.subgraphIndex for one in signatures}
    return found or {UNNAMED: 0}


def operator_times(data: bytes, threads: int, rounds: int, graph: int = 0) -> list[OperatorTime]:
    """The time of each kind, shape and type of operator of a graph, longest first.

    Args:
        data: of a file whose sizes are fixed.
        threads: of LiteRT.
        rounds: timings of each; the median counts.
        graph: its number.
    Raises: InputError for a graph whose sizes are free, or that LiteRT cannot run.
    """
    model = unpack(data)
    whole = model.subgraphs[graph]
    if any(-1 in _shape(tensor.shapeSignature) for tensor in whole.tensors):
        raise InputError("operators of a file that takes any size have no time; export one size")
    groups: dict[Any, list[Any]] = {}
    for operator in whole.operators:
        groups.setdefault(_likeness(model, whole, operator), []).append(operator)
    found = []
    for (kind, tensors, _), operators in groups.items():
        network = Network(_alone(model, whole, operators[0]), threads, kind)
        inputs = profiling.random_inputs(network, UNNAMED, 1)
        if inputs:  # what depends on constants alone is computed once
            network.run(UNNAMED, inputs)
            seconds = profiling.median_seconds({kind: network.recompute}, rounds)[kind]
            found.append(OperatorTime(kind, len(operators), tensors, seconds * len(operators)))
    return sorted(found, key=lambda one: -one.seconds)


def table(found: Sequence[OperatorTime], count: int) -> Iterator[str]:
    """Lines of a Markdown table of the first ones, and of the sum of the rest."""
    total = sum(one.seconds for one in found)
    yield "| operator | count | tensors | ms | share |"
    yield "| --- | --- | --- | --- | --- |"
    shown = list(found[:count])
    rest = found[count:]
    if rest:
        seconds = sum(one.seconds for one in rest)
        shown.append(OperatorTime(_OTHERS, sum(one.count for one in rest), "", seconds))
    for one in shown:
        share = one.seconds / total
        yield (
            f"| {one.kind} | {one.count} | {one.tensors} | {1000 * one.seconds:.2f} | {share:.0%} |"
        )


def _likeness(model, graph, operator):
    """What operators that take the same time have in common; the kind and the tensors first."""
    options = operator.builtinOptions
    settings = tuple((name, str(one)) for name, one in vars(options).items()) if options else ()
    tensors = [graph.tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0]
    constants = tuple(not _is_free(model, tensor) for tensor in tensors)
    shapes = [_text(tensor) for tensor in tensors]
    read = shapes[: -len(operator.outputs)]
    shown = [text for text, constant in zip(read, constants, strict=False) if not constant]
    text = " → ".join(", ".join(part) for part in (shown, shapes[-len(operator.outputs) :]))
    return kind_of(model, operator), text, (settings, tuple(shapes), constants)


def _text(tensor):
    shape = "x".join(str(side) for side in _shape(tensor.shape))
    return f"{shape or 'scalar'} {_TYPES[tensor.type]}"


def _shape(sides):
    return [] if sides is None else [int(side) for side in sides]


def _is_free(model, tensor):
    return model.buffers[tensor.buffer].data is None


def _alone(model, graph, operator):
    """The bytes of a file with one operator, whose inputs without a value are the file's."""
    found = schema.ModelT()
    found.version, found.description = model.version, b""
    found.operatorCodes = [model.operatorCodes[operator.opcodeIndex]]
    found.buffers = [schema.BufferT()]
    part = schema.SubGraphT()
    part.name, part.tensors = b"main", []
    places = {-1: -1}
    for number in dict.fromkeys((*operator.inputs, *operator.outputs)):
        if number not in places:
            tensor = copy.copy(graph.tensors[number])
            if not _is_free(model, tensor):
                found.buffers.append(model.buffers[tensor.buffer])
            tensor.buffer = 0 if _is_free(model, tensor) else len(found.buffers) - 1
            tensor.name = b"t%d" % number
            places[int(number)] = len(part.tensors)
            part.tensors.append(tensor)
    only = copy.copy(operator)
    only.opcodeIndex = 0
    only.inputs, only.outputs = (
        np.array([places[int(number)] for number in numbers], np.int32)
        for numbers in (operator.inputs, operator.outputs)
    )
    free = [int(n) for n in operator.inputs if n >= 0 and _is_free(model, graph.tensors[n])]
    part.inputs = np.array([places[n] for n in dict.fromkeys(free)], np.int32)
    part.outputs, part.operators = only.outputs, [only]
    found.subgraphs = [part]
    return pack(found)
