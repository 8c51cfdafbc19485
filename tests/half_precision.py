"""TFLite files in the half precision of phones' GPUs, operation by operation."""

import copy

import flatbuffers
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from tensorflow.lite.python import schema_py_generated as schema

LEAST_NORMAL = 2.0**-14
_TYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.INT32: np.int32,
}


def rounded(values):
    """To half precision without subnormal numbers: they become 0, and large numbers infinite."""
    if values.dtype != np.float32:
        return values
    with np.errstate(over="ignore"):
        values = values.astype(np.float16).astype(np.float32)
    return np.where(np.abs(values) < LEAST_NORMAL, np.float32(0.0), values)


def scalars_of(data):
    """The float32 constants of a file that have one element."""
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    tensors = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    constants = [values for one in tensors if (values := _constant(model, one)) is not None]
    return [float(one.ravel()[0]) for one in constants if one.size == 1 and one.dtype == np.float32]


def run(data, key, inputs):
    """Outputs of a signature by name, when inputs, constants and all results are `rounded`.

    LiteRT computes each operation, in float32, as a file of its own.
    """
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    (found,) = (one for one in model.signatureDefs if one.signatureKey.decode() == key)
    graph = model.subgraphs[found.subgraphIndex]
    values = {one.tensorIndex: rounded(inputs[one.name.decode()]) for one in found.inputs}
    for index, tensor in enumerate(graph.tensors):
        if (constant := _constant(model, tensor)) is not None:
            values[index] = rounded(constant)
    for operator in graph.operators:
        outputs = _computed(model, graph, operator, values)
        values.update(zip(operator.outputs, map(rounded, outputs), strict=True))
    return {one.name.decode(): values[one.tensorIndex] for one in found.outputs}


def _constant(model, tensor):
    data = model.buffers[tensor.buffer].data
    if data is None or not len(data):
        return None
    shape = () if tensor.shape is None else tensor.shape
    return np.frombuffer(bytes(data), _TYPES[tensor.type]).reshape(shape)


def _computed(model, graph, operator, values):
    """An operator's outputs."""
    used = list(dict.fromkeys([*operator.inputs, *operator.outputs]))
    used = [int(index) for index in used if index >= 0]
    places = {index: place for place, index in enumerate(used)}
    one = schema.SubGraphT()
    file = schema.ModelT()
    file.version, file.subgraphs, file.buffers = 3, [one], [schema.BufferT()]
    file.operatorCodes = [model.operatorCodes[operator.opcodeIndex]]
    one.tensors = [copy.copy(graph.tensors[index]) for index in used]
    for index, tensor in zip(used, one.tensors, strict=True):
        is_constant = _constant(model, tensor) is not None
        tensor.buffer = 0
        if is_constant:
            tensor.buffer = len(file.buffers)
            file.buffers.append(schema.BufferT())
            file.buffers[-1].data = np.frombuffer(values[index].tobytes(), np.uint8)
    inputs = [place for place, tensor in enumerate(one.tensors) if not tensor.buffer]
    one.outputs = [places[index] for index in operator.outputs]
    one.inputs = [place for place in inputs if place not in one.outputs]
    one.operators = [copy.copy(operator)]
    one.operators[0].opcodeIndex = 0
    one.operators[0].inputs = [places.get(index, -1) for index in operator.inputs]
    one.operators[0].outputs = one.outputs
    builder = flatbuffers.Builder(1024)
    builder.Finish(file.Pack(builder), b"TFL3")
    interpreter = Interpreter(model_content=bytes(builder.Output()))
    interpreter.allocate_tensors()
    for place in one.inputs:
        interpreter.set_tensor(place, values[used[place]])
    interpreter.invoke()
    return [interpreter.get_tensor(place) for place in one.outputs]
