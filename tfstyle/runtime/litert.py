"""Runs TFLite files with LiteRT, with one-line errors."""

import dataclasses
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfstyle.errors import InputError
from tfstyle.runtime import process

UNNAMED = ""  # the signature of files that have none


def is_installed() -> bool:
    """Whether LiteRT is installed."""
    return importlib.util.find_spec("ai_edge_litert") is not None


def check_installed() -> None:
    """Raises InputError if LiteRT is not installed."""
    if not is_installed():
        raise InputError("LiteRT is not installed; pip install ai-edge-litert")


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or an output of a signature.

    Attributes:
        name: in the signature.
        shape: -1 where it is free.
        dtype: a NumPy type.
        scale: quantization step; 0 for integers without a scale and for floats.
        zero: zero point, the integer that represents 0.
    """

    name: str
    shape: tuple[int, ...]
    dtype: Any
    scale: float
    zero: int

    def quantize(self, values: np.ndarray) -> np.ndarray:
        """Floats in the tensor's type; without a scale, the integers' whole range is [0, 1]."""
        values = np.asarray(values)
        if not self._is_quantized():
            return values.astype(self.dtype)
        scale, zero = self._scale()
        limits = np.iinfo(self.dtype)
        return np.clip(np.round(values / scale) + zero, limits.min, limits.max).astype(self.dtype)

    def dequantize(self, values: np.ndarray) -> np.ndarray:
        """The inverse of `quantize`, up to rounding, in float32."""
        if not self._is_quantized():
            return values
        scale, zero = self._scale()
        return (values.astype(np.float32) - zero) * np.float32(scale)

    def _is_quantized(self):
        return self.dtype in (np.int8, np.uint8)

    def _scale(self):
        if self.scale:
            return self.scale, self.zero
        return 1.0 / 255.0, np.iinfo(self.dtype).min


class Network:
    """A TFLite file, loaded.

    Args:
        data: the file's bytes.
        threads: of the CPU.
        name: of the file, perhaps with its flag, for errors.

    Attributes:
        name: as given.
        signatures: their names; `UNNAMED` alone for a file without them.

    Raises: InputError if LiteRT is not installed or the bytes are no TFLite file.
    """

    def __init__(self, data: bytes, threads: int, name: str):
        check_installed()
        from ai_edge_litert.interpreter import Interpreter

        self.name = name
        with process.hidden_stderr():
            try:
                self._interpreter = Interpreter(model_content=data, num_threads=threads)
            except (ValueError, RuntimeError) as error:
                reason = (str(error).strip().splitlines() or ["damaged"])[0]
                raise InputError(f"{name}: not a TFLite file ({reason})") from error
        # Copied, since LiteRT cannot allocate while its arrays are referenced.
        sizes = [[*one["shape_signature"]] for one in self._interpreter.get_input_details()]
        if all(min(size, default=1) > 0 for size in sizes):
            self._allocate()  # otherwise with the first pictures: one pixel may be too few
        self.signatures = tuple(self._interpreter.get_signature_list()) or (UNNAMED,)
        self._runners: dict[str, Callable] = {}

    def inputs(self, key: str) -> dict[str, Tensor]:
        """Inputs of a signature by name."""
        if key == UNNAMED:
            return _by_name(self._interpreter.get_input_details())
        return _tensors(self._runner(key).get_input_details())

    def outputs(self, key: str) -> dict[str, Tensor]:
        """Outputs of a signature by name."""
        if key == UNNAMED:
            return _by_name(self._interpreter.get_output_details())
        return _tensors(self._runner(key).get_output_details())

    def run(self, key: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs by name of a signature for its inputs by name, all in the tensors' types.

        Raises: InputError if LiteRT rejects them.
        """
        try:
            with process.hidden_stderr():
                if key == UNNAMED:
                    return self._run_unnamed(inputs)
                return self._runner(key)(**inputs)
        except (ValueError, RuntimeError) as error:
            raise self._refusal(error) from error

    def run_floats(self, key: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """As `run`, with floats instead of 8-bit integers."""
        quantized = {name: one.quantize(inputs[name]) for name, one in self.inputs(key).items()}
        outputs = self.run(key, quantized)
        return {name: one.dequantize(outputs[name]) for name, one in self.outputs(key).items()}

    def recompute(self) -> None:
        """Computes the outputs of a file without signatures again, without copying; to time it."""
        self._interpreter.invoke()

    def operations(self) -> list[dict[str, Any]]:
        """LiteRT's details of the nodes of the first signature, the only one it lists."""
        self._runners.clear()  # LiteRT cannot allocate while there are any
        self._allocate()
        return self._interpreter._get_ops_details()

    def _allocate(self):
        try:
            with process.hidden_stderr():
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise self._refusal(error) from error

    def _runner(self, key):
        if key not in self._runners:
            self._runners[key] = self._interpreter.get_signature_runner(key)
        return self._runners[key]

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

    def _refusal(self, error):
        reason = (str(error).strip().splitlines() or ["?"])[0]
        return InputError(f"{self.name}: LiteRT cannot run it ({reason})")


def _by_name(details):
    return _tensors({one["name"]: one for one in details})


def _tensors(details):
    return {
        name: Tensor(name, tuple(map(int, one["shape_signature"])), one["dtype"],
                     *one["quantization"])
        for name, one in details.items()
    }  # fmt: skip
