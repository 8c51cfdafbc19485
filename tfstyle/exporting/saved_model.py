"""SavedModels: for servers with every signature, and as the converters' source."""

import os
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfstyle import cli, models
from tfstyle.exporting.signatures import DTYPES, SIGNATURES, function_of, input_specs, noise


def write_saved_model(model: models.StyleTransferModel, folder: str | os.PathLike) -> None:
    """Writes a SavedModel with the signatures `stylize`, `encode_style` and `transfer`.

    And `encode_whole` and `transfer_tile`, for large pictures. Each is there again as
    `stylize_uint8` and so on, whose pictures are uint8; `serving_default` is `stylize`. All take
    batches of any size, `strength` with a number for each content. What only training needs is
    left out.

    Args:
        model: to export.
        folder: empty or to be made.
    """
    model = model.for_inference()
    functions = {
        signature.name if dtype == "float32" else f"{signature.name}_{dtype}": tf.function(
            function_of(model, signature, dtype),
            input_signature=input_specs(model, signature, dtype),
        )
        for signature in SIGNATURES
        for dtype in DTYPES
    }
    save(model, functions, folder, "stylize")


def largest_difference(model: models.StyleTransferModel, folder: str | os.PathLike) -> float:
    """Of values in [0, 1] between the SavedModel's pictures and the model's, for two of noise."""
    content, style = noise(model, 2)
    strength = np.array([1.0, 0.5], np.float32)
    inputs = {"content": content, "style": style, "strength": strength}
    with cli.hidden_stderr():
        stylize = tf.saved_model.load(str(folder)).signatures["stylize"]
    found = stylize(**{name: tf.constant(value) for name, value in inputs.items()})["stylized"]
    return float(np.abs(found.numpy() - np.asarray(model(inputs))).max())


def save(
    model: models.StyleTransferModel,
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
    with cli.hidden_stderr():
        try:
            tf.saved_model.save(archive, str(folder), signatures)
        except tf.errors.OpError as error:  # of its file system
            raise OSError(error.message) from error
