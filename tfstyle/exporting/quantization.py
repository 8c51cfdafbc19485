"""Quantization of TFLite files to 8 bits: which operations, and with which ranges."""

import collections
import copy
import re

import numpy as np
import tensorflow as tf
from tensorflow.lite.python import convert as convert_steps
from tensorflow.lite.python import schema_py_generated as schema

from tfstyle.exporting.packing import kind_of, pack, unpack

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
_LEAST_CONSTANT = 256  # numbers
_MAX_LOGIT = 6.0  # a sigmoid of 0.9975


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
    model = unpack(debugger.calibrated_model)
    for graph in model.subgraphs:
        _cut_by_ranges(model, graph)
        _set_ranges(model, graph)
    data = convert_steps.mlir_quantize(
        pack(model),
        disable_per_channel_for_dense_layers=True,
        denylisted_nodes=[name for graph in model.subgraphs for name in _float_nodes(model, graph)],
    )
    model = unpack(data)
    _store_in_8_bits(model)
    return pack(model)


def _name(graph, operator):
    """Of an operator; where several were fused, that of the last."""
    return (graph.tensors[operator.outputs[0]].name or b"").decode().partition(";")[0]


def _float_nodes(model, graph):
    """Full names of the operations that stay float32."""
    for operator in graph.operators:
        name = _name(graph, operator)
        by_kind = kind_of(model, operator) in FLOAT_OPERATIONS and not _IN_INT8.search(name)
        if by_kind or _IN_FLOAT32.search(name):
            yield graph.tensors[operator.outputs[0]].name.decode()


def _cut_by_ranges(model, graph):
    """Removes minima with a constant in 8 bits: the range of what they read ends there instead."""
    kept = []
    renamed: dict[int, int] = {}
    for operator in graph.operators:
        operator.inputs = [renamed.get(int(tensor), int(tensor)) for tensor in operator.inputs]
        if kind_of(model, operator) == "MINIMUM" and _IN_INT8.search(_name(graph, operator)):
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
            readers[tensor].append(kind_of(model, operator))
    dense = set()
    for operator in graph.operators:
        kind, tensor = kind_of(model, operator), operator.outputs[0]
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


def _store_in_8_bits(model):
    """Stores constants that are small integers, such as identities, as int8, to be dequantized."""
    code = _code_of_dequantize(model)
    stored: dict[int, int] = {}  # the new buffer by the old one
    for graph in model.subgraphs:
        added = []
        for number, tensor in enumerate(list(graph.tensors)):
            old = tensor.buffer
            if tensor.type != schema.TensorType.FLOAT32:
                continue
            if old not in stored:
                integers = _small_integers(model, tensor)
                if integers is None:
                    continue
                stored[old] = len(model.buffers)
                model.buffers.append(schema.BufferT())
                model.buffers[-1].data = integers.view(np.uint8)
            added.append(_dequantize(code, len(graph.tensors), number))
            graph.tensors.append(_as_int8(tensor, stored[old]))
            tensor.buffer = 0
        graph.operators = [*added, *graph.operators]


def _small_integers(model, tensor):
    """The values of a float32 constant, int8, or None if it is none or has others."""
    data = model.buffers[tensor.buffer].data
    if data is None:
        return None
    values = np.frombuffer(bytes(data), np.float32)
    small = values.size >= _LEAST_CONSTANT and np.abs(values).max() <= 127
    integers = values.astype(np.int8) if small else values[:0]
    return integers if small and np.array_equal(integers, values) else None


def _as_int8(tensor, buffer):
    copied = copy.copy(tensor)
    copied.type, copied.buffer, copied.name = schema.TensorType.INT8, buffer, None
    copied.quantization = schema.QuantizationParametersT()
    copied.quantization.scale = np.ones(1, np.float32)
    copied.quantization.zeroPoint = np.zeros(1, np.int64)
    return copied


def _dequantize(code, source, target):
    operator = schema.OperatorT()
    operator.opcodeIndex = code
    operator.inputs, operator.outputs = (np.array([one], np.int32) for one in (source, target))
    operator.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
    operator.builtinOptions = schema.DequantizeOptionsT()
    return operator


def _code_of_dequantize(model):
    codes = [code.builtinCode for code in model.operatorCodes]
    if schema.BuiltinOperator.DEQUANTIZE in codes:
        return codes.index(schema.BuiltinOperator.DEQUANTIZE)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 2  # of int8
    model.operatorCodes.append(code)
    return len(codes)
