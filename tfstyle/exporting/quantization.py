"""Quantization of TFLite files to 8 bits: which operations, and with which ranges."""

import collections
import re

import flatbuffers
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import convert as convert_steps
from tensorflow.lite.python import schema_py_generated as schema

# Operations that stay float32 in int8 files: the statistics of features, whose channels' deviations
# differ too much for one scale, and the arithmetic with them; this is faster, too. A concatenation
# would get the scale of its largest part. The scopes of `layers.precision` are exceptions.
FLOAT_OPERATIONS = {
    "ADD", "BATCH_MATMUL", "CONCATENATION", "DIV", "LEAKY_RELU", "LOGISTIC", "MAXIMUM", "MEAN",
    "MINIMUM", "MUL", "RELU", "RELU6", "RESHAPE", "REVERSE_V2", "RSQRT", "SPLIT", "SQRT",
    "SQUARE", "SQUARED_DIFFERENCE", "STRIDED_SLICE", "SUB", "SUM", "TRANSPOSE",
}  # fmt: skip
_IN_FLOAT32, _IN_INT8 = (re.compile(rf"in_{name}(_\d+)?/") for name in ("float32", "int8"))
# Clipping ranges, relative to the largest values seen in calibration.
_MAP_RANGE = 0.65
_DENSE_RANGE = 1.2
_MAX_LOGIT = 6.0  # a sigmoid of 0.9975
_KINDS = {code: name for name, code in vars(schema.BuiltinOperator).items()}


def quantized(converter: tf.lite.TFLiteConverter) -> bytes:
    """The file whose convolutions, dense layers, pooling and resizing are int8, the rest float32.

    Calibration is that of TensorFlow's quantization debugger. Dense layers have one scale for all
    weights: no worse here, smaller, and supported by older runtimes.

    Args:
        converter: with the data set of calibration.
    """
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_dataset=lambda: iter(())
    )
    data = debugger.calibrated_model
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    for graph in model.subgraphs:
        _cut_by_ranges(model, graph)
        _set_ranges(model, graph)
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return convert_steps.mlir_quantize(
        bytes(builder.Output()),
        disable_per_channel_for_dense_layers=True,
        denylisted_nodes=[name for graph in model.subgraphs for name in _float_nodes(model, graph)],
    )


def _kind(model, operator):
    return _KINDS[model.operatorCodes[operator.opcodeIndex].builtinCode]


def _name(graph, operator):
    """Of an operator; where several were fused, that of the last."""
    return (graph.tensors[operator.outputs[0]].name or b"").decode().partition(";")[0]


def _float_nodes(model, graph):
    """Full names of the operations that stay float32."""
    for operator in graph.operators:
        name = _name(graph, operator)
        by_kind = _kind(model, operator) in FLOAT_OPERATIONS and not _IN_INT8.search(name)
        if by_kind or _IN_FLOAT32.search(name):
            yield graph.tensors[operator.outputs[0]].name.decode()


def _cut_by_ranges(model, graph):
    """Removes minima with a constant in 8 bits: the range of what they read ends there instead."""
    kept = []
    renamed: dict[int, int] = {}
    for operator in graph.operators:
        operator.inputs = [renamed.get(int(tensor), int(tensor)) for tensor in operator.inputs]
        if _kind(model, operator) == "MINIMUM" and _IN_INT8.search(_name(graph, operator)):
            tensor, bound = operator.inputs
            (bound,) = np.frombuffer(
                bytes(model.buffers[graph.tensors[bound].buffer].data), np.float32
            )
            found = graph.tensors[tensor].quantization
            found.max = [min(float(found.max[0]), float(bound))]
            renamed[int(operator.outputs[0])] = tensor
        else:
            kept.append(operator)
    graph.operators = kept


def _set_ranges(model, graph):
    """Sets clipping ranges of our own instead of the largest values seen.

    Maps are clipped at `_MAP_RANGE` of these, so that steps are finer and rare peaks are cut.
    Logits of pixels are clipped where the sigmoid saturates. Dense layers get a wider range, for
    codes of unseen paintings.
    """
    readers = collections.defaultdict(list)
    for operator in graph.operators:
        for tensor in operator.inputs:
            readers[tensor].append(_kind(model, operator))
    dense = set()
    for operator in graph.operators:
        kind, tensor = _kind(model, operator), operator.outputs[0]
        found = graph.tensors[tensor].quantization
        if kind == "FULLY_CONNECTED" and not _IN_FLOAT32.search(_name(graph, operator)):
            dense |= {operator.inputs[0], tensor}
        elif kind == "CONV_2D" and readers[tensor] == ["LOGISTIC"]:
            found.min, found.max = [-_MAX_LOGIT], [_MAX_LOGIT]
        elif _is_rectified(operator, kind):
            _scale_range(found, _MAP_RANGE)
    for tensor in dense:
        _scale_range(graph.tensors[tensor].quantization, _DENSE_RANGE)


def _is_rectified(operator, kind):
    """Whether its output is non-negative and has no upper bound such as ReLU6's."""
    activation = schema.ActivationFunctionType
    return kind == "MAX_POOL_2D" or (
        kind == "CONV_2D" and operator.builtinOptions.fusedActivationFunction == activation.RELU
    )


def _scale_range(quantization, factor):
    quantization.min = [factor * float(quantization.min[0])]
    quantization.max = [factor * float(quantization.max[0])]
