"""Model files of strangers: what a config asks for is limited before and while it is built."""

import contextlib
import io
import math
import pathlib
from collections.abc import Iterator
from typing import Any, TypedDict

import keras
import numpy as np
from keras import ops

from tfstyle.models.base import StyleTransferModel
from tfstyle.parsing import archives, hdf5, json_text

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"  # members of a .keras file
_SLACK = 1000  # numbers that a model may have and its file need not, such as states of seeds
_LARGEST_TEST = 256  # pixels a side of a test picture; a model that needs more is not tested


class _Config(TypedDict):
    class_name: str


def read_keras(path: pathlib.Path) -> StyleTransferModel:
    """The model in a `.keras` file; any exception for another file."""
    with archives.open_zip(path) as archive:
        config = json_text.parse(archive.read(_CONFIG).decode("utf-8"))
        weights = archive.read(_WEIGHTS)
    with hdf5.open_hdf5(io.BytesIO(weights), len(weights)):
        pass
    # A number takes at least a byte.
    with limited_building(config, len(weights)), np.errstate(all="ignore"):
        return keras.saving.load_model(path, compile=False)


@contextlib.contextmanager
def limited_building(config: Any, most: int) -> Iterator[None]:
    """Within it, a model is made from a config, if it is one of tfstyle, and not a larger one.

    Args:
        config: parsed, as `keras.saving.deserialize_keras_object` takes it.
        most: numbers that the file has.
    Raises: ValueError for another config, and within the block for variables of more numbers,
        before they take memory; the latter with TensorFlow's backend only.
    """
    found = json_text.check(config, _Config)
    known = keras.saving.get_registered_object(str(config.get("registered_name")))
    if not isinstance(known, type) or not issubclass(known, StyleTransferModel):
        raise ValueError(f"it is a {found['class_name']}")
    if keras.backend.backend() != "tensorflow":  # others have no hook
        yield
        return
    import tensorflow as tf

    built = 0

    def create(next_creator, **arguments):
        nonlocal built
        value = arguments["initial_value"]
        if callable(value):
            with tf.Graph().as_default():  # where shapes are computed, but no values
                value = value()
        built += math.prod(value.shape)
        if built > most + _SLACK:
            raise MemoryError
        return next_creator(**arguments)

    try:
        with tf.variable_creator_scope(create):
            yield
    finally:
        if built > most + _SLACK:  # Keras hides the reason
            raise ValueError(f"its config asks for more numbers than the file has, {most}")


def check_paints(model: StyleTransferModel) -> None:
    """Raises ValueError, or what painting raises, unless a model has finite weights and paints."""
    for variable in model.weights:
        archives.check_finite(ops.convert_to_numpy(variable), variable.path)
    side = model.min_size
    if side <= _LARGEST_TEST:
        ramp = np.linspace(0.0, 1.0, 3 * side**2, dtype=np.float32).reshape(1, side, side, 3)
        inputs = {"content": ramp, "style": ramp, "style_index": np.zeros(1, np.int32)}
        picture = ops.convert_to_numpy(model(inputs))
        if picture.shape != ramp.shape or not np.isfinite(picture).all():
            raise ValueError("it paints no finite picture")
