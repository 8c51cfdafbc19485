"""The pictures and codes that int8 is calibrated with."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import logging

from tfstyle import images
from tfstyle.exporting.signatures import CODE, FREE, SUMMARY, Size, flatten, style_inputs
from tfstyle.models import StyleTransferModel
from tfstyle.models.capabilities import Tileable, to_numpy

MIN_SAMPLES, MAX_SAMPLES = 100, 300  # of calibration, as in Magenta's models of 2018


def read_samples(
    model: StyleTransferModel,
    contents: Sequence[pathlib.Path],
    styles: Sequence[pathlib.Path],
    sizes: Sequence[Size],
    style_size: Size,
) -> list[dict[str, Any]]:
    """Samples of all inputs for `tflite.convert`: photographs, each with a random painting.

    Three of four have the full strength, the first has none, the others less. Summaries are the
    mean of the sample's and another photograph's, since a whole photo's summary differs from that
    of its parts.

    Args:
        model: that computes the codes.
        contents: photographs, of which `MAX_SAMPLES` are read, evenly spread.
        styles: paintings.
        sizes: of the photographs.
        style_size: of the paintings.
    Returns: values by the names of inputs; pictures are uint8.
    """
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
        strength = 1.0 if i % 4 else random.uniform() * (i > 0)
        sample: dict[str, Any] = {"content": as_input(content, FREE, "uint8")}
        inputs = style_inputs(model, style, [i])
        code = model.encode(inputs)
        sample.update({**inputs, "style": as_input(style, FREE, "uint8")})
        sample.update(to_numpy(flatten(CODE, code)))
        if isinstance(model, Tileable):
            own = to_numpy(flatten(SUMMARY, model.summarize([content], [1.0], code, strength)))
            sample.update(own if other is None else halfway(own, other))
            other = own
        sample["strength"] = np.full(1, strength, np.float32)
        samples.append(sample)
    return samples


def halfway(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The means of two structures' arrays."""
    return {name: 0.5 * (one[name] + other[name]) for name in one}


def as_input(picture: np.ndarray, size: Size, dtype: str) -> np.ndarray:
    """`(1, h, w, 3)` in [0, 1] or uint8 as an entry's input: cropped and converted to `dtype`."""
    if picture.dtype == np.uint8:
        picture = picture / np.float32(255.0)
    height, width = size
    if height and width:
        picture = images.cover(picture, (height, width))
    if dtype == "uint8":
        return np.round(picture * 255.0).astype(np.uint8)
    return np.asarray(picture, np.float32)
