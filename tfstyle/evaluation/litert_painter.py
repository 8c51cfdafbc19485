"""TFLite files, run by LiteRT: a style transfer pair, or a style predictor."""

import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from tfstyle.errors import InputError
from tfstyle.runtime.litert import Network, Tensor


class LiteRTPainter:
    """A `systems.Painter` of a style encoder and a transfer network.

    The encoder takes one picture of any fixed or free size; the transfer network a picture, the
    encoder's outputs and, optionally, one number: the strength. If the encoder has one output, the
    transfer network's input of that size is the code; otherwise outputs and inputs match by name.
    Pictures are float32 in [0, 1], or integers with or without a scale; without one, the whole
    range of the type is [0, 1].

    Args:
        encoder: TFLite file.
        transfer: TFLite file.
        size: side of the contents in pixels.
    Raises: InputError if LiteRT is not installed or the files are not such networks.
    """

    def __init__(self, encoder: pathlib.Path, transfer: pathlib.Path, size: int):
        self._encoder = _File(encoder)
        self._transfer = _File(transfer)
        self._style = self._encoder.picture
        self._content = self._transfer.picture
        self._style_side = self._encoder.side(size)
        side = self._transfer.side(size)
        if side != size:
            raise InputError(
                f"--tflite: {transfer}: takes pictures of {side} × {side} pixels; measure it with "
                f"--size {side}"
            )
        others = {k: v for k, v in self._transfer.inputs.items() if k != self._content.name}
        self._codes = _matches(self._encoder.outputs, others)  # transfer's names by encoder's
        rest = [one for name, one in others.items() if name not in self._codes.values()]
        if (
            len(self._codes) < len(self._encoder.outputs)
            or len(rest) > 1
            or any(np.prod(one.shape) != 1 for one in rest)
        ):
            raise InputError(
                f"--tflite: {transfer}: takes other inputs than a picture, the code of {encoder} "
                "and a strength"
            )
        self._strength = rest[0] if rest else None

    def encode(self, style: np.ndarray, name: str = "") -> dict[str, np.ndarray]:
        """The code of a style, whatever its name."""
        return self._encoder.run({self._style.name: _sample(style, self._style_side)})

    def paint(self, content: np.ndarray, code: Any, strength: float) -> np.ndarray:
        """The content in the style; without a strength input, codes are mixed instead."""
        inputs = {self._content.name: content}
        if self._strength is not None:
            inputs[self._strength.name] = np.full(self._strength.shape, strength, "f4")
        elif strength != 1.0:
            own = self.encode(content)
            code = {k: strength * v + (1.0 - strength) * own[k] for k, v in code.items()}
        for name, target in self._codes.items():
            shape = [length if length > 0 else 1 for length in self._transfer.inputs[target].shape]
            free = min(self._transfer.inputs[target].shape) < 1
            inputs[target] = code[name] if free else code[name].reshape(shape)
        return next(iter(self._transfer.run(inputs).values()))


def load_style_network(path: pathlib.Path, size: int) -> Callable[[np.ndarray], np.ndarray]:
    """The function from a picture `(1, h, w, 3)` to a vector that a TFLite file computes.

    Args:
        path: of the file, such as Magenta's style predictor.
        size: side in pixels that pictures have where the file takes any.
    Raises: InputError if LiteRT is not installed or the file is not such a network.
    """
    network = _File(path, "style_network")
    side = network.side(size)
    if len(network.inputs) > 1:
        raise InputError(f"--style_network: {path}: takes more than a picture")

    def encode(image):
        return next(
            iter(network.run({network.picture.name: _sample(image, side)}).values())
        ).ravel()

    return encode


class _File:
    """The first signature of a TFLite file that takes a picture."""

    def __init__(self, path: pathlib.Path, flag: str = "tflite"):
        self._about = f"--{flag}: {path}"
        self._network = Network(path.read_bytes(), os.cpu_count() or 1, self._about)
        self._key = self._network.signatures[0]
        self.inputs = self._network.inputs(self._key)
        self.outputs = self._network.outputs(self._key)
        for one in (*self.inputs.values(), *self.outputs.values()):
            if one.dtype not in (np.float32, np.uint8, np.int8):
                raise InputError(
                    f"{self._about}: {one.name} is {one.dtype.__name__}; float32, uint8 and int8 "
                    "can be measured"
                )
        self.picture = self._find_picture()

    def _find_picture(self) -> Tensor:
        for one in self.inputs.values():
            if len(one.shape) == 4 and one.shape[-1] == 3:
                return one
        raise InputError(f"{self._about}: has no input (1, height, width, 3)")

    def side(self, free: int) -> int:
        """The side of its pictures: its fixed one, or `free`."""
        height, width = self.picture.shape[1:3]
        if min(height, width) > 0 and height != width:
            raise InputError(
                f"{self._about}: takes pictures of {width} × {height} pixels; squares are measured"
            )
        return height if min(height, width) > 0 else free

    def run(self, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs by name, in float32."""
        return self._network.run_floats(self._key, values)


def _matches(outputs: dict[str, Tensor], inputs: dict[str, Tensor]) -> dict[str, str]:
    """Names of inputs by those of the matching outputs."""
    if len(outputs) > 1:
        return {name: name for name in outputs if name in inputs}
    ((name, output),) = outputs.items()
    same = [key for key, one in inputs.items() if np.prod(one.shape) == np.prod(output.shape)]
    return {name: same[0]} if same else {}


def _sample(picture, side):
    """The picture at another size by plain bilinear interpolation.

    As in apps and Magenta's own demonstrations, without the antialiasing of `images.resize`: this
    lowers its style distance by a tenth.
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
