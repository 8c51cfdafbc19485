"""SavedModels: for servers with every signature, and as the converters' source."""

import os
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfstyle.exporting.signatures import DTYPES, STYLIZE, TRANSFER, Signatures, noise
from tfstyle.models import StyleTransferModel
from tfstyle.runtime import process


def write_saved_model(model: StyleTransferModel, folder: str | os.PathLike) -> None:
    """Writes a SavedModel with all `Signatures` of the model.

    Each is there again as `stylize_uint8` and so on, whose pictures are uint8; `serving_default` is
    `stylize`, or `transfer` where codes are empty. All take batches of any size, `strength` with a
    number for each content. What only training needs is left out.

    Args:
        model: to export.
        folder: empty or to be made.
    """
    model = model.for_inference()
    signatures = Signatures(model)
    functions = {
        name if dtype == "float32" else f"{name}_{dtype}": signatures.compiled(name, dtype)
        for name in signatures.by_name
        for dtype in DTYPES
    }
    save(model, functions, folder, STYLIZE if STYLIZE in functions else TRANSFER)


def largest_difference(model: StyleTransferModel, folder: str | os.PathLike) -> float:
    """Of values in [0, 1] between the SavedModel's pictures and the model's, for two of noise."""
    inputs = {**noise(model, 2), "strength": np.array([1.0, 0.5], np.float32)}
    with process.hidden_stderr():
        stylize = tf.saved_model.load(str(folder)).signatures["serving_default"]
    wanted = stylize.structured_input_signature[1]
    found = stylize(**{name: tf.constant(inputs[name]) for name in wanted})["stylized"]
    return float(np.abs(found.numpy() - np.asarray(model(inputs))).max())


def save(
    model: StyleTransferModel,
    functions: Mapping[str, tf.types.experimental.PolymorphicFunction],
    folder: str | os.PathLike,
    default: str = "",
) -> None:
    """Writes functions of a model as attributes and signatures of a SavedModel.

    Args:
        model: whose weights they use.
        functions: with an input signature, by name.
        folder: empty or to be made.
        default: the one that is `serving_default`, too.
    Raises: OSError if the folder cannot be written.
    """
    archive = tf.Module()
    archive.weights = [variable.value for variable in model.weights]
    signatures = {}
    for name, function in functions.items():
        setattr(archive, name, function)
        signatures[name] = function.get_concrete_function()
    if default:
        signatures["serving_default"] = signatures[default]
    with process.hidden_stderr():
        try:
            tf.saved_model.save(archive, str(folder), signatures)
        except tf.errors.OpError as error:  # of its file system
            raise OSError(error.message) from error
