"""Compares exported files with the Keras model on the same pictures."""

import dataclasses
import random
from collections.abc import Mapping, Sequence

import numpy as np

from tfstyle import images, metrics
from tfstyle.errors import InputError
from tfstyle.exporting.calibration import as_input, halfway
from tfstyle.exporting.comparison import check_shape
from tfstyle.exporting.signatures import (
    CODE,
    FREE,
    PICTURES,
    SUMMARY,
    Size,
    flatten,
    style_inputs,
    unflatten,
)
from tfstyle.exporting.tflite import Entry
from tfstyle.metrics.networks import Features
from tfstyle.models import StyleTransferModel
from tfstyle.models.capabilities import to_numpy
from tfstyle.runtime.litert import Network

FREE_SIDE = 384  # side in pixels of pictures for an entry that takes any size


@dataclasses.dataclass(frozen=True)
class Likeness:
    """Similarity of a file's pictures to the Keras model's; means over pairs.

    Attributes:
        psnr: peak signal-to-noise ratio in dB.
        largest: largest difference of a value in [0, 1], over all pairs.
        content_distance: of the file's pictures, as in `evaluate.py`.
        style_distance: likewise.
    """

    psnr: float
    largest: float
    content_distance: float
    style_distance: float


@dataclasses.dataclass(frozen=True)
class NetworkPair:
    """A style encoder and a transfer network.

    Attributes:
        encoder: network and entry; None where codes are empty.
        transfer: likewise.
        dtype: of their pictures.
    """

    encoder: tuple[Network, Entry] | None
    transfer: tuple[Network, Entry]
    dtype: str

    def paint(self, inputs: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The style's code by the names of inputs, and the picture, float32 in [0, 1].

        Args:
            inputs: `content` in [0, 1] and `strength`, with a style of `style_inputs`.
        """
        code: dict[str, np.ndarray] = {}
        if self.encoder:
            code = _run(*self.encoder, inputs, self.dtype)
        stylized = _run(*self.transfer, {**inputs, **code}, self.dtype)["stylized"]
        return code, stylized.astype(np.float32) / (255.0 if self.dtype == "uint8" else 1.0)


@dataclasses.dataclass(frozen=True)
class _Example:
    """A pair's pictures, the model's outputs for them, and features for distances.

    `inputs` are values of all inputs by name, in which pictures are float32 in [0, 1]; `code` and
    `summary` are the model's; `summary` may be None.
    """

    inputs: dict[str, np.ndarray]
    code: dict[str, np.ndarray]
    summary: dict[str, np.ndarray] | None
    stylized: np.ndarray
    content_features: dict[str, np.ndarray]
    grams: dict[str, np.ndarray]


class Check:
    """Pairs of pictures, and the Keras model's outputs for them.

    Args:
        model: that was exported.
        pairs: contents and styles, `(1, h, w, 3)` in [0, 1].
        content_size: that contents are cropped and resized to; `FREE_SIDE` squares if it is free.
        style_size: likewise.
        features: that distances are measured with.
        as_parts: whether contents are painted like tiles, with a summary that differs from their
            own: its mean with another picture's.
    """

    def __init__(
        self,
        model: StyleTransferModel,
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
            inputs = {"content": content, **style_inputs(model, style, [number])}
            inputs["strength"] = np.ones(1, np.float32)
            code = to_numpy(model.encode(inputs))
            inputs.update(flatten(CODE, code))
            summary = None
            if as_parts:
                both = [
                    to_numpy(model.summarize([one], [1.0], code))
                    for one in (content, pictures[number - 1][0])
                ]
                summary = halfway(*both)
                inputs.update(flatten(SUMMARY, summary))
            layer = metrics.CONTENT_LAYER
            self._examples.append(
                _Example(
                    inputs, code, summary,
                    stylized=self._paint(content, code, summary),
                    content_features={layer: features(content)[layer]},
                    grams=metrics.gram_matrices(features(style)),
                )
            )  # fmt: skip
        self.model_itself = self._likeness([example.stylized for example in self._examples])

    def _paint(self, content, code, summary):
        if summary is None:
            return np.asarray(self._model.stylize(content, code))
        return np.asarray(self._model.stylize_tile(content, code, 1.0, summary))

    def likeness(self, network: Network, entry: Entry, dtype: str) -> Likeness:
        """Likeness of a file's signature; the Keras model paints with its codes or summaries.

        Raises: InputError if a picture or a code has another shape than the Keras model's.
        """
        pictures = []
        for example in self._examples:
            outputs = _run(network, entry, example.inputs, dtype)
            expected = {**flatten(CODE, example.code), "stylized": example.stylized}
            for name in expected.keys() & outputs.keys():
                check_shape(f"{network.name}, {entry.key}: {name}", outputs[name], expected[name])
            content = example.inputs["content"]
            if code := unflatten(CODE, outputs):
                picture = self._paint(content, code, None)
            elif summary := unflatten(SUMMARY, outputs):
                picture = self._paint(content, example.code, summary)
            else:
                picture = outputs["stylized"]
                if dtype == "uint8":
                    picture = picture.astype(np.float32) / 255.0
            pictures.append(picture)
        return self._likeness(pictures)

    def likeness_of_pair(self, pair: NetworkPair) -> Likeness:
        """Likeness of a style encoder and a transfer network, one after the other."""
        return self._likeness([pair.paint(one.inputs)[1] for one in self._examples])

    def example(self) -> dict[str, np.ndarray]:
        """Inputs of the first pair, for `NetworkPair.paint`."""
        return self._examples[0].inputs

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


def _run(network, entry, values, dtype):
    """Outputs of an entry for its inputs among values by name, whose pictures get the type."""
    inputs = {name: values[name] for name in entry.signature.inputs}
    for name in inputs.keys() & set(PICTURES):
        inputs[name] = as_input(inputs[name], FREE, dtype)
    return network.run(entry.key, inputs)


def _fixed(size):
    height, width = size
    return (height, width) if height and width else (FREE_SIDE, FREE_SIDE)


def _whole_levels(picture):
    """A picture rounded to 8 bits, so that both types of input get the same values."""
    return np.round(picture * 255.0) / np.float32(255.0)


def read_pairs(
    contents: Sequence, styles: Sequence, count: int, side: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random pairs of the files' pictures, none of a file with itself.

    Args:
        contents: files.
        styles: files.
        count: of pairs, at most.
        side: longest side that pictures will be needed at, in pixels.
    Raises: InputError if there is no pair.
    """
    every = [(c, s) for c in contents for s in styles if c != s]
    if not every:
        raise InputError("--check_content_dir, --check_style_dir: hold one picture; give two")
    chosen = random.Random(0).sample(every, min(count, len(every)))
    paths = {path for pair in chosen for path in pair}
    read = {path: images.read_image(path, 2 * side) for path in paths}
    return [(read[content], read[style]) for content, style in chosen]
