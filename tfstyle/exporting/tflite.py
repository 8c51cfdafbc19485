"""TFLite files: conversion, and the pictures that int8 is calibrated with."""

import collections
import dataclasses
import math
import pathlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence

import flatbuffers
import numpy as np
import tensorflow as tf
from absl import logging
from tensorflow.lite.python import convert as convert_steps
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.python.convert_phase import ConverterError

from tfstyle import cli, models
from tfstyle.errors import InputError
from tfstyle.exporting import equalization, saved_model
from tfstyle.exporting.signatures import PICTURES, Signature, function_of, input_specs

MIN_SAMPLES, MAX_SAMPLES = 100, 300  # of calibration, as Magenta's of 2018
# What stays float32 in int8 files: the statistics of features, whose channels' deviations differ
# too much for one scale, and the arithmetic with them; it is faster so, too. What is joined would
# get the scale of the largest part.
FLOAT_OPERATIONS = [
    "ADD", "BATCH_MATMUL", "CONCATENATION", "DIV", "LEAKY_RELU", "LOGISTIC", "MAXIMUM", "MEAN",
    "MINIMUM", "MUL", "RELU", "RELU6", "RESHAPE", "RSQRT", "SPLIT", "SQRT", "STRIDED_SLICE", "SUB",
    "TRANSPOSE",
]  # fmt: skip
# Where eight bits end, of the largest values seen in calibration.
_KEPT = 0.65  # of maps
_ROOM = 1.2  # of dense layers
_EQUALIZED_WITH = 32  # samples
_LARGEST_LOGIT = 6.0  # a sigmoid of 0.9975
Size = tuple[int | None, int | None]  # height and width in pixels; None where they are free


@dataclasses.dataclass(frozen=True)
class Entry:
    """A signature of a TFLite file.

    Attributes:
        key: its name in the file.
        signature: what it computes.
        sizes: of the pictures that go in, by name.
    """

    key: str
    signature: Signature
    sizes: Mapping[str, Size]


def entries_of(signature: Signature, sizes: Sequence[Size], style_size: Size) -> list[Entry]:
    """An entry for each size of the content, called `transfer_384` or `transfer_288x384`.

    With one size, or none as for `encode_style`, it is called as the signature.
    """
    if "content" not in signature.inputs:
        return [Entry(signature.name, signature, {"style": style_size})]
    return [
        Entry(
            signature.name if len(sizes) == 1 else f"{signature.name}_{size_name(size)}",
            signature,
            {"content": size, "style": style_size},
        )
        for size in sizes
    ]


def check_sizes(model: models.StyleTransferModel, **sizes: Sequence[Size]) -> None:
    """Raises InputError if a size, by flag, is less than the model needs."""
    for flag, its_sizes in sizes.items():
        for size in its_sizes:
            if any(side and side < model.min_size for side in size):
                raise InputError(
                    f"--{flag}: '{size_name(size)}': this model needs {model.min_size} pixels"
                )


def size_name(size: Size) -> str:
    """`384`, `288x384` (height and width) or `dynamic`."""
    height, width = size
    if not (height and width):
        return "dynamic"
    return str(height) if height == width else f"{height}x{width}"


def convert(
    model: models.StyleTransferModel,
    entries: Sequence[Entry],
    precision: str,
    dtype: str = "float32",
    calibration: Iterable[Mapping[str, np.ndarray]] = (),
) -> bytes:
    """A TFLite file that takes one picture at a time.

    Args:
        model: to export, without what only training needs.
        entries: signatures that the file has; they share their weights.
        precision: "float32"; "float16", whose weights are half as large and are computed with in
            float32 on processors, in float16 on GPUs; "dynamic", with int8 weights and
            activations quantized as they come; "int8", but for `FLOAT_OPERATIONS`.
        dtype: of pictures; see `function_of`.
        calibration: for int8: samples of all inputs by name, pictures of any size from that of
            the largest entry, float32 in [0, 1] or uint8.
    Returns: the file's bytes.
    Raises: InputError if the converter refuses; ValueError for int8 without samples.
    """
    samples = list(calibration)
    if precision == "int8":
        if not samples:
            raise ValueError("`calibration` must have samples for int8. Received: none")
        if any(entry.signature.output == "stylized" for entry in entries):
            model = _equalized(model, samples)
    functions = {
        entry.key: tf.function(
            function_of(model, entry.signature, dtype),
            input_signature=input_specs(model, entry.signature, dtype, dict(entry.sizes), batch=1),
        )
        for entry in entries
    }
    with tempfile.TemporaryDirectory() as folder:
        saved_model.save(model, functions, folder)
        with cli.hidden_stderr():
            converter = tf.lite.TFLiteConverter.from_saved_model(
                folder, signature_keys=list(functions)
            )
            if precision != "float32":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if precision == "float16":
                converter.target_spec.supported_types = [tf.float16]
            try:
                if precision == "int8":
                    converter.representative_dataset = lambda: _calibrate(entries, samples, dtype)
                    return _quantized(converter, equalization.is_equalized(model))
                return converter.convert()
            except (ValueError, RuntimeError, ConverterError) as error:
                reason = (str(error).strip().splitlines() or ["?"])[0]
                raise InputError(
                    f"--precision={precision}: the converter refuses this model ({reason})"
                ) from error


def _equalized(model, samples):
    """A copy, where there is something to equalize; some samples, evenly spread, are enough."""
    model = model.for_inference()
    few = samples[:: math.ceil(len(samples) / _EQUALIZED_WITH)]
    equalization.equalize(
        model,
        [{**one, "content": as_input(one["content"], (None, None), "float32")} for one in few],
    )
    return model


def _quantized(converter, equalized):
    """The file whose convolutions, dense layers, pooling and resizing are int8, the rest float32.

    Calibration is TensorFlow's, by its debugger of quantized models. A dense layer's weights have
    one scale: no worse here, smaller, and older runtimes know it.
    """
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_dataset=lambda: iter(())
    )
    return convert_steps.mlir_quantize(
        _with_own_ranges(debugger.calibrated_model, equalized),
        disable_per_channel_for_dense_layers=True,
        denylisted_ops=FLOAT_OPERATIONS,
    )


def _with_own_ranges(data, equalized):
    """A calibrated file whose ranges are not those of the largest values seen.

    Maps hold `_KEPT` of them, so that steps are finer and rare peaks are cut; those of equalized
    convolutions would be 1, but the calibrator gives them the range of the product after them,
    which is computed in their place. Logits of pixels end where a sigmoid has. Dense layers have
    room for codes of paintings that were not seen.
    """
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    kinds = [code.builtinCode for code in model.operatorCodes]
    kind = schema.BuiltinOperator
    for graph in model.subgraphs:
        readers = collections.defaultdict(list)
        for operator in graph.operators:
            for tensor in operator.inputs:
                readers[tensor].append(kinds[operator.opcodeIndex])
        dense = set()
        for operator in graph.operators:
            name, tensor = kinds[operator.opcodeIndex], operator.outputs[0]
            found = graph.tensors[tensor].quantization
            if name == kind.FULLY_CONNECTED:
                dense |= {operator.inputs[0], tensor}
            elif name == kind.CONV_2D and readers[tensor] == [kind.LOGISTIC]:
                found.min, found.max = [-_LARGEST_LOGIT], [_LARGEST_LOGIT]
            elif equalized and name == kind.CONV_2D and readers[tensor] == [kind.MUL]:
                found.min, found.max = [-_KEPT], [_KEPT]
            elif _is_rectified(operator, name):
                _scale_range(found, _KEPT)
        for tensor in dense:
            _scale_range(graph.tensors[tensor].quantization, _ROOM)
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _is_rectified(operator, name):
    """Whether it puts out values from 0 to anywhere, and not to a 6 that matters."""
    kind, activation = schema.BuiltinOperator, schema.ActivationFunctionType
    return name == kind.MAX_POOL_2D or (
        name == kind.CONV_2D and operator.builtinOptions.fusedActivationFunction == activation.RELU
    )


def _scale_range(quantization, factor):
    quantization.min = [factor * float(quantization.min[0])]
    quantization.max = [factor * float(quantization.max[0])]


def _calibrate(entries, samples, dtype) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    for entry in entries:
        for sample in samples:
            inputs = {name: sample[name] for name in entry.signature.inputs}
            for name in PICTURES:
                if name in inputs:
                    inputs[name] = as_input(inputs[name], entry.sizes[name], dtype)
            yield entry.key, inputs


def read_samples(
    model: models.StyleTransferModel,
    contents: Sequence[pathlib.Path],
    styles: Sequence[pathlib.Path],
    sizes: Sequence[Size],
    style_size: Size,
) -> list[dict[str, np.ndarray]]:
    """Samples of all inputs for `convert`: photographs, each with a painting at random.

    Three of four have the full strength, the others less. `content_code` is half-way to another
    photograph's, as that of a whole differs from its part's.

    Args:
        model: whose codes they have.
        contents: photographs, of which `MAX_SAMPLES` are read, evenly spread.
        styles: paintings.
        sizes: that photographs will be needed at.
        style_size: that paintings will be needed at.
    Returns: pictures are uint8.
    """
    from tfstyle import images

    side = max(length or 0 for size in sizes for length in size)
    style_side = max(length or side for length in style_size)
    random = np.random.default_rng(0)
    if len(contents) < MIN_SAMPLES:
        logging.warning(
            "--calibration_dir: pictures: %d; int8 is better with %d to %d.",
            len(contents), MIN_SAMPLES, MAX_SAMPLES,
        )  # fmt: skip
    count = min(len(contents), MAX_SAMPLES)
    samples, other = [], None
    for i in range(count):
        path = contents[i * len(contents) // count]
        content = images.cover(images.read_image(path, 2 * side), (side, side))
        painting = images.read_image(styles[int(random.integers(len(styles)))], 2 * style_side)
        style = images.cover(painting, (style_side, style_side))
        strength = 1.0 if i % 4 else random.uniform()
        code = np.asarray(model.encode_style(style))
        own = np.asarray(model.encode_content(content, code, strength))
        samples.append(
            {
                "content": as_input(content, (None, None), "uint8"),
                "style": as_input(style, (None, None), "uint8"),
                "code": code,
                "content_code": own if other is None else 0.5 * (own + other),
                "strength": np.full(1, strength, np.float32),
            }
        )
        other = own
    return samples


def as_input(picture: np.ndarray, size: Size, dtype: str) -> np.ndarray:
    """`(1, h, w, 3)` in [0, 1] or uint8 as an entry takes it: its centre, in that type."""
    from tfstyle import images

    if picture.dtype == np.uint8:
        picture = picture / np.float32(255.0)
    height, width = size
    if height and width:
        picture = images.cover(picture, (height, width))
    if dtype == "uint8":
        return np.round(picture * 255.0).astype(np.uint8)
    return np.asarray(picture, np.float32)
