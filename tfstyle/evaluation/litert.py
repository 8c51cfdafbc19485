"""A pair of TFLite files, run by LiteRT."""

import os
import pathlib

import numpy as np

from tfstyle import cli, images
from tfstyle.errors import InputError


class LiteRTPainter:
    """A `systems.Painter` of a style encoder and a transfer network.

    The encoder takes one picture of any fixed or free size, the transfer network a picture, the
    encoder's output and, perhaps, one number: the strength. Pictures are float32 in [0, 1] or
    uint8.

    Args:
        encoder: TFLite file.
        transfer: TFLite file.
        size: side of the contents in pixels.
    Raises: InputError if LiteRT is not installed or the files are not such networks.
    """

    def __init__(self, encoder: pathlib.Path, transfer: pathlib.Path, size: int):
        self._encoder = _Network(encoder)
        self._transfer = _Network(transfer)
        self._style = self._encoder.picture_input()
        self._content = self._transfer.picture_input()
        code_shape = self._encoder.outputs[0]["shape"]
        others = [one for one in self._transfer.inputs if one is not self._content]
        codes = [one for one in others if np.prod(one["shape"]) == np.prod(code_shape)]
        rest = [one for one in others if one not in codes[:1]]
        if not codes or len(rest) > 1 or any(np.prod(one["shape"]) != 1 for one in rest):
            raise InputError(
                f"--tflite: {transfer}: takes other inputs than a picture, the code of {encoder} "
                "and a strength"
            )
        self._code, self._strength = codes[0], rest[0] if rest else None
        self._transfer.set_size(self._content, size, "--size")

    def encode(self, style):
        """The code of a style, and the picture's own code where strength is a mixture."""
        shape = self._style["shape_signature"][1:3]
        side = None if min(shape) < 1 else tuple(int(length) for length in shape)
        if side is None:
            self._encoder.set_size(self._style, style.shape[1], "style")
        picture = images.cover(style, side) if side else style
        return self._encoder.run({self._style["index"]: picture})

    def paint(self, content, code, strength):
        inputs = {self._content["index"]: content}
        if self._strength is not None:
            inputs[self._strength["index"]] = np.full(self._strength["shape"], strength, "f4")
        elif strength != 1.0:
            code = strength * code + (1.0 - strength) * self.encode(content)
        inputs[self._code["index"]] = code.reshape(self._code["shape"])
        return self._transfer.run(inputs)


class _Network:
    """An interpreter of one file."""

    def __init__(self, path):
        self._path = path
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise InputError(
                "--tflite: LiteRT is not installed; pip install ai-edge-litert"
            ) from error
        try:
            with cli.quiet_import():
                self._interpreter = Interpreter(str(path), num_threads=os.cpu_count())
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = (str(error).strip().splitlines() or ["damaged"])[0]
            raise InputError(f"--tflite: {path}: not a TFLite file ({reason})") from error
        self.inputs = self._interpreter.get_input_details()
        self.outputs = self._interpreter.get_output_details()

    def picture_input(self):
        """The input with three channels."""
        for one in self.inputs:
            if len(one["shape"]) == 4 and one["shape"][-1] == 3:
                return one
        raise InputError(f"--tflite: {self._path}: has no input (1, height, width, 3)")

    def set_size(self, one, size, flag):
        """Makes the input of free size that large."""
        fixed = [int(length) for length in one["shape_signature"][1:3]]
        if fixed == [size, size]:
            return
        if min(fixed) > 0:
            raise InputError(
                f"--tflite: {self._path}: takes pictures of {fixed[1]} × {fixed[0]} pixels; "
                f"measure it with {flag} {fixed[0]}"
            )
        self._interpreter.resize_tensor_input(one["index"], [1, size, size, 3])
        self._interpreter.allocate_tensors()

    def run(self, values):
        """The first output as float32, pictures in [0, 1], for `{index: float array}`."""
        for one in self.inputs:
            value = np.asarray(values[one["index"]], np.float32)
            if one["dtype"] == np.uint8:
                value = np.round(np.clip(value, 0.0, 1.0) * 255.0)
            self._interpreter.set_tensor(one["index"], value.astype(one["dtype"]))
        self._interpreter.invoke()
        found = self._interpreter.get_tensor(self.outputs[0]["index"])
        return found / np.float32(255.0) if found.dtype == np.uint8 else found
