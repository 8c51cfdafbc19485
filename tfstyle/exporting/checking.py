"""Exported files beside the Keras model: the same pictures, and how they differ."""

import dataclasses
import random
from collections.abc import Sequence

import numpy as np

from tfstyle import images, metrics, models
from tfstyle.errors import InputError
from tfstyle.evaluation.features import Features
from tfstyle.exporting.litert import Network
from tfstyle.exporting.tflite import Entry, Size, as_input

FREE_SIDE = 384  # pixels that pictures have where an entry takes any


@dataclasses.dataclass(frozen=True)
class Likeness:
    """How a file's pictures differ from the Keras model's; means over pairs.

    Attributes:
        psnr: peak signal-to-noise ratio in dB.
        largest: largest difference of a value in [0, 1], of all pairs.
        content_distance: of the file's pictures, as in `evaluate.py`.
        style_distance: likewise.
    """

    psnr: float
    largest: float
    content_distance: float
    style_distance: float


@dataclasses.dataclass(frozen=True)
class Pair:
    """A style encoder and a transfer network.

    Attributes:
        encoder: network and entry.
        transfer: likewise.
        dtype: of their pictures.
    """

    encoder: tuple[Network, Entry]
    transfer: tuple[Network, Entry]
    dtype: str

    def paint(self, content: np.ndarray, style: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The style's code and the picture, float32 in [0, 1], for such pictures."""
        network, entry = self.encoder
        code = network.run(entry.key, {"style": as_input(style, (None, None), self.dtype)})["code"]
        network, entry = self.transfer
        inputs = {
            "content": as_input(content, (None, None), self.dtype),
            "code": code,
            "strength": np.ones(1, np.float32),
        }
        stylized = network.run(entry.key, inputs)["stylized"]
        return code, stylized.astype(np.float32) / (255.0 if self.dtype == "uint8" else 1.0)


@dataclasses.dataclass(frozen=True)
class _Example:
    """A pair's pictures, their codes, what the model makes of them, and what distances need."""

    content: np.ndarray
    style: np.ndarray
    code: np.ndarray
    content_code: np.ndarray | None
    stylized: np.ndarray
    content_features: dict[str, np.ndarray]
    grams: dict[str, np.ndarray]


class Check:
    """Pairs of pictures, and what the Keras model makes of them.

    Args:
        model: that was exported.
        pairs: contents and styles, `(1, h, w, 3)` in [0, 1].
        content_size: that contents are cropped and resized to.
        style_size: likewise.
        features: that distances are measured with.
        as_parts: whether contents are normalized as parts of photographs are, by a code that is
            not theirs: half-way to another's.
    """

    def __init__(
        self,
        model: models.StyleTransferModel,
        pairs: Sequence[tuple[np.ndarray, np.ndarray]],
        content_size: Size,
        style_size: Size,
        features: Features,
        as_parts: bool = False,
    ):
        self._model, self._features = model, features
        self._examples: list[_Example] = []
        pictures = [
            (
                _whole_levels(as_input(content, _fixed(content_size), "float32")),
                _whole_levels(as_input(style, _fixed(style_size), "float32")),
            )
            for content, style in pairs
        ]
        for number, (content, style) in enumerate(pictures):
            other = pictures[number - 1][0]
            code = np.asarray(model.encode_style(style))
            content_code = None
            if as_parts:
                both = [np.asarray(model.encode_content(one, code)) for one in (content, other)]
                content_code = np.mean(both, axis=0)
            layer = metrics.CONTENT_LAYER
            self._examples.append(
                _Example(
                    content, style, code, content_code,
                    stylized=self._paint(content, code, content_code),
                    content_features={layer: features(content)[layer]},
                    grams=metrics.gram_matrices(features(style)),
                )
            )  # fmt: skip
        self.model_itself = self._likeness([example.stylized for example in self._examples])

    def _paint(self, content, code, content_code):
        return np.asarray(self._model.stylize(content, code, content_code=content_code))

    def likeness(self, network: Network, entry: Entry, dtype: str) -> Likeness:
        """Of a file's signature; codes are painted with by the Keras model."""
        strength = np.ones(1, np.float32)
        pictures = []
        for example in self._examples:
            values = {**vars(example), "strength": strength}
            inputs = {name: values[name] for name in entry.signature.inputs}
            for name in ("content", "style"):
                if name in inputs:
                    inputs[name] = as_input(inputs[name], (None, None), dtype)
            output = network.run(entry.key, inputs)[entry.signature.output]
            if entry.signature.output == "code":
                output = self._paint(example.content, output, None)
            elif entry.signature.output == "content_code":
                output = self._paint(example.content, example.code, output)
            elif dtype == "uint8":
                output = output.astype(np.float32) / 255.0
            pictures.append(output)
        return self._likeness(pictures)

    def likeness_of_pair(self, pair: Pair) -> Likeness:
        """Of a style encoder and a transfer network, one after the other."""
        return self._likeness([pair.paint(one.content, one.style)[1] for one in self._examples])

    def example(self) -> tuple[np.ndarray, np.ndarray]:
        """Content and style of the first pair, as the files take them but in [0, 1]."""
        return self._examples[0].content, self._examples[0].style

    def _likeness(self, pictures):
        rows = []
        for example, picture in zip(self._examples, pictures, strict=True):
            difference = picture - example.stylized
            error = float(np.mean(np.square(difference, dtype=np.float64)))
            found = self._features(np.asarray(picture, np.float32))
            rows.append(
                (
                    10.0 * np.log10(1.0 / max(error, 1e-12)),
                    float(np.abs(difference).max()),
                    metrics.content_distance(found, example.content_features),
                    metrics.style_distance(metrics.gram_matrices(found), example.grams),
                )
            )
        psnr, largest, content_distance, style_distance = np.array(rows).T
        return Likeness(
            float(psnr.mean()), float(largest.max()), float(content_distance.mean()),
            float(style_distance.mean()),
        )  # fmt: skip


def _fixed(size):
    height, width = size
    return (height, width) if height and width else (FREE_SIDE, FREE_SIDE)


def _whole_levels(picture):
    """What a picture of bytes can hold, so that both types of input are given the same."""
    return np.round(picture * 255.0) / np.float32(255.0)


def read_pairs(
    contents: Sequence, styles: Sequence, count: int, side: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of the files' pictures at random, at most so many, none of a file with itself.

    Args:
        contents: files.
        styles: files.
        count: of pairs.
        side: longest that pictures will be needed at.
    Raises: InputError if there is none.
    """
    every = [(c, s) for c in contents for s in styles if c != s]
    if not every:
        raise InputError("--check_content_dir, --check_style_dir: hold one picture; give two")
    chosen = random.Random(0).sample(every, min(count, len(every)))
    paths = {path for pair in chosen for path in pair}
    read = {path: images.read_image(path, 2 * side) for path in paths}
    return [(read[content], read[style]) for content, style in chosen]
