"""Models by the name of their architecture, and from files.

Importing this module registers the classes of all architectures with Keras, so that Keras'
`keras.saving.load_model` loads their files, too.
"""

import json
import os
import pathlib
import textwrap
import zipfile
from typing import Any

import keras
import numpy as np

from tfstyle import files, registry
from tfstyle.errors import InputError
from tfstyle.models import packaged
from tfstyle.models.base import StyleTransferModel
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


def load_model(name: str | os.PathLike) -> StyleTransferModel:
    """A trained model.

    Args:
        name: of `packaged.PACKAGED_MODELS`, or the path of a file: `.keras`, or `pack_model`'s.
    Raises: InputError if there is no such model or the file is not a model of tfstyle.
    """
    path = packaged.model_path(name)
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path}: not a model of tfstyle, or damaged (no zip file)")
    _register()
    try:
        with process.held_signals():
            model = _unpack(path) if path.suffix == ".npz" else keras.saving.load_model(path)
    except (InputError, *files.UNREADABLE) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        short = textwrap.shorten(reason[0], 160, placeholder=" …")
        raise InputError(f"{path}: not a model of tfstyle ({short})") from error
    if not isinstance(model, StyleTransferModel):
        raise InputError(f"{path}: not a model of tfstyle, but a {type(model).__name__}")
    return model


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
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    model = keras.saving.deserialize_keras_object(json.loads(str(arrays.pop("config"))))
    model.build()
    for variable, name in zip(model.weights, sorted(arrays), strict=True):
        variable.assign(arrays[name].astype(np.float32))
    return model


def _register():
    """Imports the modules of all architectures, so that Keras knows their classes."""
    for place in registry.ARCHITECTURES.values():
        registry.resolve(place)


_register()
