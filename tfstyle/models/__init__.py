"""Feed-forward models: a file for each architecture, their registry, and their files.

model = load_model("quality")                   a packaged one, or a .keras file
code = model.encode_style(style)                (1, n): keep it, mix it, use it again
image = model.stylize(content, code, 0.8)       (1, h, w, 3) in [0, 1]
"""

import functools
import json
import os
import pathlib
import zipfile
from collections.abc import Callable

import keras
import numpy as np

from tfstyle import cli, files, weights
from tfstyle.errors import InputError
from tfstyle.models.adain import AdaINModel
from tfstyle.models.base import StyleTransferModel
from tfstyle.models.multilevel import MOBILE, QUALITY, MultiLevelModel

# Makers of untrained models, `(encoder, vgg_weights, dtype, **weights of the loss)`.
MODELS: dict[str, Callable[..., StyleTransferModel]] = {
    "adain": AdaINModel.create,
    "mobile": functools.partial(MultiLevelModel.create, **MOBILE),
    "quality": functools.partial(MultiLevelModel.create, **QUALITY),
}

__all__ = [
    "MODELS",
    "AdaINModel",
    "MultiLevelModel",
    "StyleTransferModel",
    "load_model",
    "pack_model",
]


def load_model(name: str | os.PathLike) -> StyleTransferModel:
    """A trained model.

    Args:
        name: of `weights.PACKAGED_MODELS`, or the path of a file: `.keras`, or `pack_model`'s.
    Raises: InputError if there is no such model or the file is not one of ours.
    """
    path = weights.model_path(name)
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path}: not a model of tfstyle, or damaged (no zip file)")
    try:
        with cli.held_signals():
            model = _unpack(path) if path.suffix == ".npz" else keras.saving.load_model(path)
    except files.UNREADABLE as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"{path}: not a model of tfstyle ({reason[0]})") from error
    if not isinstance(model, StyleTransferModel):
        raise InputError(f"{path}: not a model of tfstyle, but a {type(model).__name__}")
    return model


def pack_model(model: StyleTransferModel, path: str | os.PathLike) -> None:
    """Writes a model with float16 weights to a small `.npz` file, as the package ships it.

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
