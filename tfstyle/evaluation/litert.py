"""TFLite files, run by LiteRT: a pair that paints, or a network that looks at styles."""

import os
import pathlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from tfstyle import cli
from tfstyle.errors import InputError
from tfstyle.interpreter import load_interpreter


class LiteRTPainter:
    """A `systems.Painter` of a style encoder and a transfer network.

    The encoder takes one picture of any fixed or free size, the transfer network a picture, the
    encoder's output and, perhaps, one number: the strength. Pictures are float32 in [0, 1], or
    integers with or without a scale; without one, the whole range of the type is [0, 1].

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
        self._style_side = self._encoder.set_side(self._style, size)
        code_size = np.prod(self._encoder.outputs[0]["shape"])
        others = [one for one in self._transfer.inputs if one is not self._content]
        codes = [one for one in others if np.prod(one["shape"]) == code_size]
        rest = [one for one in others if one not in codes[:1]]
        if not codes or len(rest) > 1 or any(np.prod(one["shape"]) != 1 for one in rest):
            raise InputError(
                f"--tflite: {transfer}: takes other inputs than a picture, the code of {encoder} "
                "and a strength"
            )
        self._code, self._strength = codes[0], rest[0] if rest else None
        side = self._transfer.set_side(self._content, size)
        if side != size:
            raise InputError(
                f"--tflite: {transfer}: takes pictures of {side} × {side} pixels; measure it with "
                f"--size {side}"
            )

    def encode(self, style):
        """The code of a style."""
        return self._encoder.run({self._style["index"]: _sample(style, self._style_side)})

    def paint(self, content, code, strength):
        """The content in the style; without an input for it, strength mixes codes."""
        inputs = {self._content["index"]: content}
        if self._strength is not None:
            inputs[self._strength["index"]] = np.full(self._strength["shape"], strength, "f4")
        elif strength != 1.0:
            code = strength * code + (1.0 - strength) * self.encode(content)
        inputs[self._code["index"]] = code.reshape(self._code["shape"])
        return self._transfer.run(inputs)


def load_style_network(path: pathlib.Path, size: int) -> Callable[[np.ndarray], np.ndarray]:
    """The function from a picture `(1, h, w, 3)` to the vector that a TFLite file makes of it.

    Args:
        path: of the file, such as Magenta's style predictor.
        size: side in pixels that pictures have where the file takes any.
    Raises: InputError if LiteRT is not installed or the file is not such a network.
    """
    network = _Network(path, "style_network")
    picture = network.picture_input()
    side = network.set_side(picture, size)
    if len(network.inputs) > 1:
        raise InputError(f"--style_network: {path}: takes more than a picture")
    return lambda image: network.run({picture["index"]: _sample(image, side)}).ravel()


class _Network:
    """An interpreter of one file."""

    def __init__(self, path, flag="tflite"):
        self._path, self._flag = path, flag
        name, threads = f"--{flag}: {path}", os.cpu_count() or 1
        self._interpreter = load_interpreter(path.read_bytes(), threads, name)
        self.inputs = self._interpreter.get_input_details()
        self.outputs = self._interpreter.get_output_details()
        for one in (*self.inputs, self.outputs[0]):
            if one["dtype"] not in (np.float32, np.uint8, np.int8):
                raise InputError(
                    f"--{flag}: {path}: {one['name']} is {one['dtype'].__name__}; float32, uint8 "
                    "and int8 can be measured"
                )

    def picture_input(self):
        """The input with three channels."""
        for one in self.inputs:
            if len(one["shape"]) == 4 and one["shape"][-1] == 3:
                return one
        raise InputError(f"--{self._flag}: {self._path}: has no input (1, height, width, 3)")

    def set_side(self, one, free):
        """Prepares the network; the side of that input: its own, or `free` where it has none."""
        height, width = (int(length) for length in one["shape_signature"][1:3])
        if min(height, width) > 0 and height != width:
            raise InputError(
                f"--{self._flag}: {self._path}: takes pictures of {width} × {height} pixels; "
                "squares are measured"
            )
        try:
            with cli.hidden_stderr():
                if min(height, width) < 1:
                    self._interpreter.resize_tensor_input(one["index"], [1, free, free, 3])
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise self._error("cannot be run", error) from error
        self.outputs = self._interpreter.get_output_details()
        return max(height, width) if min(height, width) > 0 else free

    def run(self, values):
        """The first output as float32 for `{index: float array}`."""
        for one in self.inputs:
            self._interpreter.set_tensor(one["index"], _quantize(values[one["index"]], one))
        try:
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise self._error("cannot be run", error) from error
        found = self._interpreter.get_tensor(self.outputs[0]["index"])
        if found.dtype == np.float32:
            return found
        scale, zero = _scale(self.outputs[0])
        return (found.astype(np.float32) - zero) * np.float32(scale)

    def _error(self, what, error):
        reason = (str(error).strip().splitlines() or ["damaged"])[0]
        return InputError(f"--{self._flag}: {self._path}: {what} ({reason})")


def _quantize(value, one):
    """The values as the tensor holds them."""
    value = np.asarray(value, np.float32)
    if one["dtype"] == np.float32:
        return value
    scale, zero = _scale(one)
    limits = np.iinfo(one["dtype"])
    return np.clip(np.round(value / scale) + zero, limits.min, limits.max).astype(one["dtype"])


def _scale(one):
    """Step and zero of an integer tensor."""
    scale, zero = one["quantization"]
    return (scale, zero) if scale else (1.0 / 255.0, np.iinfo(one["dtype"]).min)


def _sample(picture, side):
    """The picture at another size by plain bilinear interpolation.

    As apps and Magenta's own demonstrations do it, without the antialiasing of `images.resize`: its
    style distance is a tenth better so.
    """
    if picture.shape[1] == side:
        return picture
    step = picture.shape[1] / side
    channels = [
        Image.fromarray(channel).transform(
            (side, side),
            Image.Transform.AFFINE,
            (step, 0.0, 0.0, 0.0, step, 0.0),
            Image.Resampling.BILINEAR,
        )
        for channel in np.moveaxis(np.asarray(picture[0], np.float32), -1, 0).copy()
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)[None]
