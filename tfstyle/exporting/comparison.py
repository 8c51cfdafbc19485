"""Compares exported functions with the Keras model, on pictures of several sizes."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tfstyle.errors import InputError
from tfstyle.exporting.signatures import (
    CODE,
    FREE,
    SUMMARY,
    Signature,
    Signatures,
    Size,
    flatten,
    style_inputs,
)
from tfstyle.models import StyleTransferModel
from tfstyle.models.capabilities import Tileable, to_numpy

# Heights and widths above the least that a model takes: the least itself, odd sizes, larger ones.
# For models whose least is a multiple of 8, five of the eight remainders by 8.
_ABOVE_LEAST = ((0, 1), (13, 7), (61, 90))


def sizes_to_check(model: StyleTransferModel) -> list[Size]:
    """Sizes of pictures to check a file with that takes any size: tiny, odd and larger ones."""
    least = model.min_size
    return [(least + height, least + width) for height, width in _ABOVE_LEAST]


def check_shape(name: str, found: np.ndarray, expected: np.ndarray) -> None:
    """Raises InputError if an output has another shape than the Keras model's.

    Args:
        name: of file and output, for errors.
        found: the output.
        expected: the model's.
    """
    if np.shape(found) != np.shape(expected):
        shapes = [" × ".join(map(str, np.shape(one)[1:])) for one in (found, expected)]
        raise InputError(
            f"{name} has {shapes[0]} values, the Keras model's {shapes[1]}; nothing was written"
        )


def largest_difference(
    name: str,
    signatures: Signatures,
    signature: Signature,
    run: Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]],
    size: Size = FREE,
    batch: int = 1,
) -> float:
    """Largest difference between an exported function and the model, for noise of several sizes.

    Args:
        name: of the file, for errors.
        signatures: of the model.
        signature: of the function; pictures are float32.
        run: the function, from inputs to outputs by name.
        size: of all pictures, if it is fixed.
        batch: of pictures.
    Returns: of values in [0, 1]; relative to the largest of each output, if that is above 1.
    Raises: InputError if an output has another shape than the model's.
    """
    model = signatures.model
    reference = signatures.function(signature.name, "float32")
    differences = []
    for one in [size] if size != FREE else sizes_to_check(model):
        values = _values(model, one, one if size != FREE else one[::-1], batch)
        inputs = {key: values[key] for key in signature.inputs}
        found = run(inputs)
        expected = to_numpy(reference(**{key: tf.constant(value) for key, value in inputs.items()}))
        for key in signature.outputs:
            check_shape(f"{name}: {key}", found[key], expected[key])
            scale = max(1.0, np.abs(expected[key]).max())
            differences.append(float(np.abs(found[key] - expected[key]).max() / scale))
    return float(np.max(differences))  # NaN if any is


def _values(model, content_size, style_size, batch):
    """Noise for all inputs of all signatures by name."""
    random = np.random.default_rng(0)
    content, style = (
        random.uniform(size=(batch, *size, 3)).astype(np.float32)
        for size in (content_size, style_size)
    )
    inputs = {"content": content, **style_inputs(model, style, range(batch))}
    inputs["strength"] = np.linspace(0.8, 0.5, batch, dtype=np.float32)
    code = to_numpy(model.encode(inputs))
    inputs.update(flatten(CODE, code))
    if isinstance(model, Tileable):
        summary = model.summarize([content], [1.0], code, inputs["strength"])
        inputs.update(flatten(SUMMARY, to_numpy(summary)))
    return inputs
