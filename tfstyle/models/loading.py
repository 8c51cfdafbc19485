"""Models by the name of their architecture, and from files.

Importing this module registers the classes of all architectures with Keras, so that Keras'
`keras.saving.load_model` loads their files, too.
"""

import inspect
import json
import os
import pathlib
import warnings
from typing import Any

import keras
import numpy as np

from tfstyle import files, registry
from tfstyle.errors import InputError, brief
from tfstyle.models import model_files, packaged
from tfstyle.models.base import StyleTransferModel
from tfstyle.parsing import archives, json_text
from tfstyle.runtime import process


def create_model(
    architecture: str,
    encoder: str = "auto",
    vgg_weights: str = "",
    dtype: str | None = None,
    **arguments: Any,
) -> StyleTransferModel:
    """An untrained model.

    Args:
        architecture: of `registry.ARCHITECTURES`.
        encoder: "lite", "vgg19" or "auto", at least for training.
        vgg_weights: as in `weight_files.encoder_path`.
        dtype: Keras dtype policy.
        **arguments: of the architecture: `content_weight`, `style_weight`, `tv_weight` and
            `style_loss` of `StyleTransferModel`, and its own.
    Raises: TypeError or ValueError for arguments that the architecture does not take.
    """
    maker = registry.resolve(registry.ARCHITECTURES[architecture])
    return maker(encoder, vgg_weights, dtype=dtype, **arguments)


def model_class(architecture: str) -> type[StyleTransferModel]:
    """The class of an architecture's models, which has their capabilities."""
    maker = registry.resolve(registry.ARCHITECTURES[architecture])
    return getattr(maker, "func", maker).__self__


def architecture_of(model: StyleTransferModel) -> str:
    """The first architecture that makes models of its class, or "" if none does."""
    names = (name for name in registry.ARCHITECTURES if model_class(name) is type(model))
    return next(names, "")


def own_arguments(architecture: str) -> dict[str, Any]:
    """The arguments of an architecture that have a default, with it: numbers, texts and tuples."""
    maker = registry.resolve(registry.ARCHITECTURES[architecture])
    found = {
        name: parameter.default
        for name, parameter in inspect.signature(model_class(architecture)).parameters.items()
    }
    found.update(getattr(maker, "keywords", {}))
    return {
        name: value for name, value in found.items() if isinstance(value, (int, float, str, tuple))
    }


def load_model(name: str | os.PathLike, flag: str = "model") -> StyleTransferModel:
    """A trained model.

    Args:
        name: of `packaged.PACKAGED_MODELS`, or the path of a file: `.keras`, or `pack_model`'s.
        flag: that gave it, for errors.
    Raises: InputError if there is no such model or the file is not a model of tfstyle.
    """
    path = packaged.model_path(name, flag)
    _register()
    packed = path.suffix == ".npz"
    try:
        with process.held_signals(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is an error soon
            model = _unpack(path) if packed else model_files.read_keras(path)
            if path not in packaged.PACKAGED_MODELS.values():
                model_files.check_paints(model)
        return model
    except Exception as error:  # for a damaged config, Keras and TensorFlow raise any
        reason = brief(error)
        if "Unrecognized keyword arguments" in reason:
            reason = "its arguments are those of another version of tfstyle; train it again"
        raise InputError(f"{path}: not a model of tfstyle, or damaged: {reason}") from error


def pack_model(model: StyleTransferModel, path: str | os.PathLike) -> None:
    """Writes a model with float16 weights to a small `.npz` file, the format of packaged models.

    What only training needs is left out.
    """
    model = model.for_inference()
    config = json.dumps(keras.saving.serialize_keras_object(model))
    arrays = {
        f"{number:03d}": keras.ops.convert_to_numpy(variable).astype(np.float16)
        for number, variable in enumerate(model.weights)
    }
    with files.replacing(path) as temporary:
        np.savez_compressed(temporary, config=np.array(config), **arrays)  # type: ignore[arg-type]


def _unpack(path: pathlib.Path) -> StyleTransferModel:
    arrays = archives.read_arrays(path)
    config = json_text.parse(str(arrays.pop("config")))
    with model_files.limited_building(config, sum(array.size for array in arrays.values())):
        model = keras.saving.deserialize_keras_object(config)
        model.build()
    for variable, name in zip(model.weights, sorted(arrays), strict=True):
        variable.assign(arrays[name].astype(np.float32))
    return model


def _register():
    """Imports the modules of all architectures, so that Keras knows their classes."""
    for place in registry.ARCHITECTURES.values():
        registry.resolve(place)


_register()
