"""Trained models by name: the packaged ones, and `.keras` files.

Loads neither Keras nor TensorFlow, so that errors are reported before they load.
"""

import os
import pathlib

from tfstyle.config import did_you_mean
from tfstyle.errors import InputError

_PRETRAINED = pathlib.Path(__file__).parent.parent / "pretrained"
PACKAGED_MODELS = {name: _PRETRAINED / f"{name}.npz" for name in ("quality", "mobile")}


def model_path(name: str | os.PathLike, flag: str = "model") -> pathlib.Path:
    """The file of a trained model: a packaged one's name, or a path.

    Args:
        name: given by the user.
        flag: that gave it, for errors.
    Raises: InputError if there is none.
    """
    if str(name) in PACKAGED_MODELS:
        return PACKAGED_MODELS[str(name)]
    path = pathlib.Path(name)
    if path.suffix not in (".keras", ".npz"):
        hint = did_you_mean(str(name), tuple(PACKAGED_MODELS))
        raise InputError(f"--{flag}: '{name}' is no .keras file, and no packaged model{hint}")
    if not path.is_file():
        raise InputError(f"--{flag}: {path}: no such file")
    return path
