"""TFLite files: conversion from a model, in four precisions."""

import dataclasses
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from tfstyle.errors import InputError
from tfstyle.exporting import quantization, saved_model
from tfstyle.exporting.calibration import as_input
from tfstyle.exporting.signatures import (
    FREE,
    PICTURES,
    Signature,
    Signatures,
    Size,
)
from tfstyle.models import StyleTransferModel
from tfstyle.runtime import process


@dataclasses.dataclass(frozen=True)
class Entry:
    """A signature of a TFLite file.

    Attributes:
        key: its name in the file.
        signature: what it computes.
        sizes: of the input pictures, by name.
    """

    key: str
    signature: Signature
    sizes: Mapping[str, Size]


def entries_of(signature: Signature, sizes: Sequence[Size], style_size: Size) -> list[Entry]:
    """An entry for each size of the content, named `transfer_384` or `transfer_288x384`.

    With one size, or none as for `encode_style`, it has the signature's name.
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


def check_sizes(model: StyleTransferModel, **sizes: Sequence[Size]) -> None:
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
    model: StyleTransferModel,
    entries: Sequence[Entry],
    precision: str,
    dtype: str = "float32",
    calibration: Iterable[Mapping[str, np.ndarray]] = (),
) -> bytes:
    """A TFLite file that takes one picture at a time.

    Args:
        model: to export, without what only training needs.
        entries: signatures that the file has; they share their weights.
        precision: "float32"; "float16", with weights of half the size, computed in float32 on CPUs
            and in float16 on GPUs; "dynamic", with int8 weights and activations quantized at run
            time; "int8"; see `quantization`.
        dtype: of pictures; see `Signatures.function`.
        calibration: for int8: samples of all inputs by name, pictures at least as large as the
            largest entry's, float32 in [0, 1] or uint8.
    Returns: the file's bytes.
    Raises: InputError if the converter refuses; ValueError for int8 without samples.
    """
    samples = list(calibration)
    if precision == "int8" and not samples:
        raise ValueError("`calibration` must have samples for int8. Received: none")
    signatures = Signatures(model, entries[0].sizes.get("style", FREE))
    functions = {
        entry.key: signatures.compiled(entry.signature.name, dtype, entry.sizes, batch=1)
        for entry in entries
    }
    with tempfile.TemporaryDirectory() as folder:
        saved_model.save(model, functions, folder)
        with process.hidden_stderr():
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
                    return quantization.quantized(converter)
                return converter.convert()
            except (ValueError, RuntimeError, ConverterError) as error:
                reason = (str(error).strip().splitlines() or ["?"])[0]
                raise InputError(
                    f"--precision={precision}: the converter refuses this model ({reason})"
                ) from error


def _calibrate(entries, samples, dtype) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    for entry in entries:
        for sample in samples:
            inputs = {name: sample[name] for name in entry.signature.inputs}
            for name in PICTURES:
                if name in inputs:
                    inputs[name] = as_input(inputs[name], entry.sizes[name], dtype)
            yield entry.key, inputs
