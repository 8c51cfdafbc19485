"""SavedModels: for servers with every signature, and as the converters' source."""

import os
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from tfstyle.exporting import comparison
from tfstyle.exporting.signatures import DTYPES, STYLIZE, TRANSFER, Signatures
from tfstyle.models import StyleTransferModel
from tfstyle.models.capabilities import to_numpy
from tfstyle.runtime import process


def write_saved_model(model: StyleTransferModel, folder: str | os.PathLike) -> None:
    """Writes a SavedModel with all `Signatures` of the model.

    Each has a variant for uint8 pictures, such as `stylize_uint8`; `serving_default` is `stylize`,
    or `transfer` if codes are empty. All take batches of any size, with one `strength` for each
    content. What only training needs is left out.

    Args:
        model: to export.
        folder: empty or to be created.
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
    """Largest difference between the float32 functions of SavedModel and model, in any size.

    Args:
        model: that was exported.
        folder: of the SavedModel.
    Returns: as of `comparison.largest_difference`.
    Raises: InputError if an output has another shape than the model's.
    """
    with process.hidden_stderr():
        functions = tf.saved_model.load(str(folder)).signatures
    signatures = Signatures(model)
    differences = []
    for signature in signatures.by_name.values():

        def run(inputs, function=functions[signature.name]):
            return to_numpy(function(**{name: tf.constant(v) for name, v in inputs.items()}))

        name = f"SavedModel, {signature.name}"
        differences.append(comparison.largest_difference(name, signatures, signature, run, batch=2))
    return float(np.max(differences))  # NaN if any is


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
        folder: empty or to be created.
        default: the one that is also `serving_default`.
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
