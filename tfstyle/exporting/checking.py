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


class Check:
    """Pairs of pictures, and what the Keras model makes of them.

    Args:
        model: that was exported.
        pairs: contents and styles, `(1, h, w, 3)` in [0, 1].
        content_size: that contents are cropped and resized to.
        style_size: likewise.
        features: that distances are measured with.
    """

    def __init__(
        self,
        model: models.StyleTransferModel,
        pairs: Sequence[tuple[np.ndarray, np.ndarray]],
        content_size: Size,
        style_size: Size,
        features: Features,
    ):
        self._model, self._features = model, features
        self._pairs = []
        for content, style in pairs:
            content = _whole_levels(as_input(content, _fixed(content_size), "float32"))
            style = _whole_levels(as_input(style, _fixed(style_size), "float32"))
            code = np.asarray(model.encode_style(style))
            self._pairs.append((content, style, code, self._paint(content, code)))
        self.model_itself = self._likeness([stylized for *_, stylized in self._pairs])

    def _paint(self, content, code):
        return np.asarray(self._model.stylize(content, code))

    def likeness(self, network: Network, entry: Entry, dtype: str) -> Likeness:
        """Of a file's signature; a style encoder's codes are painted with by the Keras model."""
        strength = np.ones(1, np.float32)
        pictures = []
        for content, style, code, _ in self._pairs:
            values = {"content": content, "style": style, "code": code, "strength": strength}
            if "content_code" in entry.signature.inputs:
                values["content_code"] = np.asarray(self._model.encode_style(content))
            inputs = {name: values[name] for name in entry.signature.inputs}
            for name in ("content", "style"):
                if name in inputs:
                    inputs[name] = as_input(inputs[name], (None, None), dtype)
            output = network.run(entry.key, inputs)[entry.signature.output]
            if entry.signature.output == "code":
                output = self._paint(content, output)
            elif dtype == "uint8":
                output = output.astype(np.float32) / 255.0
            pictures.append(output)
        return self._likeness(pictures)

    def likeness_of_pair(self, pair: Pair) -> Likeness:
        """Of a style encoder and a transfer network, one after the other."""
        return self._likeness([pair.paint(content, style)[1] for content, style, *_ in self._pairs])

    def example(self) -> tuple[np.ndarray, np.ndarray]:
        """Content and style of the first pair, as the files take them but in [0, 1]."""
        return self._pairs[0][:2]

    def _likeness(self, pictures):
        rows = []
        for (content, style, _, stylized), picture in zip(self._pairs, pictures, strict=True):
            difference = picture - stylized
            error = float(np.mean(np.square(difference, dtype=np.float64)))
            found = self._features(np.asarray(picture, np.float32))
            rows.append(
                (
                    10.0 * np.log10(1.0 / max(error, 1e-12)),
                    float(np.abs(difference).max()),
                    metrics.content_distance(found, self._features(content)),
                    metrics.style_distance(
                        metrics.gram_matrices(found),
                        metrics.gram_matrices(self._features(style)),
                    ),
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
    contents: Sequence, styles: Sequence, count: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of the files' pictures at random, at most so many, none of a file with itself.

    Raises: InputError if there is none.
    """
    every = [(c, s) for c in contents for s in styles if c != s]
    if not every:
        raise InputError("--check_content_dir, --check_style_dir: hold one picture; give two")
    chosen = random.Random(0).sample(every, min(count, len(every)))
    read = {path: images.read_image(path, 1024) for path in {p for pair in chosen for p in pair}}
    return [(read[content], read[style]) for content, style in chosen]
