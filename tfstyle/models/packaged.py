"""Trained models by name: the packaged ones, and `.keras` files.

Loads neither Keras nor TensorFlow, so that errors are reported before they load.
"""

import dataclasses
import os
import pathlib

from tfstyle import files
from tfstyle.config import did_you_mean
from tfstyle.errors import InputError, brief
from tfstyle.images import thumbnails
from tfstyle.parsing import archives, json_text

_MOST_STYLES = 10_000
_LONGEST = {  # characters of one, in a model's config
    "style_names": json_text.LONGEST_TEXT,
    "style_credits": json_text.LONGEST_TEXT,
    "style_thumbnails": thumbnails.LONGEST,
}
_PRETRAINED = pathlib.Path(__file__).parent.parent / "pretrained"
PACKAGED_MODELS = {
    name: _PRETRAINED / f"{name}.npz" for name in ("quality", "mobile", "nano", "gallery")
}


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


@dataclasses.dataclass(frozen=True)
class OwnStyle:
    """A style that a model was trained for.

    Attributes:
        credit: what its painting is and where it is from, in a line, or "".
        thumbnail: as `images.thumbnails` encodes it, or "".
    """

    credit: str
    thumbnail: str


def own_styles(name: str | os.PathLike) -> dict[str, OwnStyle]:
    """The styles that a model was trained for, by name.

    Args:
        name: as for `model_path`.
    Returns: an empty dict for a model without styles of its own.
    Raises: InputError if there is no such model, or its file cannot be read.
    """
    path = model_path(name)
    try:
        if path.suffix == ".npz":
            text = str(archives.read_arrays(path, {"config"}.__contains__).get("config", "{}"))
        else:
            with archives.open_zip(path) as archive:
                text = archive.read("config.json").decode("utf-8")
        config = json_text.parse(text).get("config", {})
        names, *others = (
            json_text.check(config.get(key) or [], list[str], key, _MOST_STYLES, longest)
            for key, longest in _LONGEST.items()
        )
        parts = (part or [""] * len(names) for part in others)
        return {one: OwnStyle(*both) for one, *both in zip(names, *parts, strict=True)}
    except files.UNREADABLE as error:
        raise InputError(f"{path}: not a model of tfstyle, or damaged: {brief(error)}") from error


def only_style(name: str | os.PathLike) -> str:
    """The name of a model's only style, for commands that are not given any.

    Args:
        name: as for `model_path`.
    Raises: InputError if the model has none or several, and those of `own_styles`.
    """
    own = own_styles(name)
    if len(own) == 1:
        return next(iter(own))
    if own:
        raise InputError(f"--style_name: give one of the model's styles, {', '.join(own)}")
    raise InputError(
        "--style: give the painting to take the style of; other flags of styles are for libraries "
        "and for models that have named styles"
    )
