"""Named style codes in one JSON file, for Python, servers and apps.

{"format": "tfstyle styles", "version": 2, "model": "AdaINModel/…",
 "styles": [{"name": "…", "code": {"statistics": {"shape": [1, 512], "dtype": "float32",
             "data": "base64 of little-endian numbers"}, …}, "thumbnail": "base64 of a PNG"}, …]}
"""

import base64
import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from tfstyle import files
from tfstyle.config import did_you_mean
from tfstyle.errors import InputError, brief
from tfstyle.images import thumbnails
from tfstyle.images.outputs import LONGEST_NAME, safe_name
from tfstyle.parsing import archives, json_text

_FORMAT, _VERSION = "tfstyle styles", 2
_MOST_STYLES = 100_000


class _Part(TypedDict):
    shape: list[int]
    dtype: str
    data: str


class _Style(TypedDict):
    name: str
    code: dict[str, _Part]
    thumbnail: str


class _Library(TypedDict):
    """What a file holds."""

    model: str
    styles: list[_Style]


@dataclasses.dataclass(frozen=True)
class Style:
    """A named style.

    Attributes:
        code: arrays by name, each `(1, …)`, of `model.encode_style`.
        thumbnail: `(96, 96, 3)` uint8, the painting's centre.
    """

    code: Mapping[str, np.ndarray]
    thumbnail: np.ndarray


class StyleLibrary:
    """Style codes by name, all of one model.

    Args:
        identity: `code_identity()` of the model.
    """

    def __init__(self, identity: str):
        self.identity = identity
        self.styles: dict[str, Style] = {}

    def add(self, name: str, code: Mapping[str, Any], painting: np.ndarray) -> None:
        """Adds a style, or replaces the one of that name.

        Args:
            name: valid as a file name on any system.
            code: of one style, from `encode_style`.
            painting: `(1, h, w, 3)` in [0, 1], for the thumbnail.
        """
        if name != safe_name(name):
            raise ValueError(f"`name` must be fit for a file name. Received: name={name!r}")
        self.styles[name] = Style(
            {key: np.asarray(part) for key, part in code.items()},
            thumbnails.thumbnail(painting),
        )

    def names(self) -> tuple[str, ...]:
        """All names, in the order in which they were added."""
        return tuple(self.styles)

    def code(self, name: str) -> Mapping[str, np.ndarray]:
        """The code of a style; InputError for an unknown name."""
        self.check_names((name,))
        return self.styles[name].code

    def check_names(self, names: Sequence[str], flag: str = "style_name") -> None:
        """Raises InputError, which names the flag, for a name that is not in the library."""
        for name in names:
            if name not in self.styles:
                hint = did_you_mean(name, self.names())
                raise InputError(f"--{flag}: no style '{name}' in the library{hint}")

    def check_model(self, identity: str, path: str | os.PathLike) -> None:
        """Raises InputError, which names the file, if the codes are not of that model."""
        if self.identity != identity:
            raise InputError(
                f"{path}: for another model, {brief(self.identity)}; this one is {identity}. Add "
                "the paintings to a new library with this --model"
            )

    def save(self, path: str | os.PathLike) -> None:
        """Writes the file atomically."""
        styles = []
        for name, style in self.styles.items():
            thumbnail = thumbnails.encode(style.thumbnail, "PNG")
            code = {key: _pack(part) for key, part in style.code.items()}
            styles.append({"name": name, "code": code, "thumbnail": thumbnail})
        record = {
            "format": _FORMAT,
            "version": _VERSION,
            "model": self.identity,
            "styles": styles,
        }
        with files.replacing(path) as temporary:
            temporary.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike) -> "StyleLibrary":
        """The library in a file; InputError if it is missing or no library."""
        path = pathlib.Path(path)
        try:
            record = json_text.read(path)
            if not isinstance(record, dict) or record.get("format") != _FORMAT:
                raise ValueError("another format")
            if record.get("version") != _VERSION:
                raise InputError(
                    f"{path}: written by another version of tfstyle; rebuild it: tfstyle styles "
                    "--library NEW.json --add PAINTINGS"
                )
            found = json_text.check(record, _Library, "", _MOST_STYLES, json_text.MOST_CHARACTERS)
            library = cls(found["model"])
            for style in found["styles"]:
                name = json_text.check(style["name"], str, "name")
                if len(name) > LONGEST_NAME:
                    raise ValueError(f"a name of {len(name)} characters, more than {LONGEST_NAME}")
                if name in library.styles:
                    raise ValueError(f"the style {name!r} is in it twice")
                thumbnail = thumbnails.decode(style["thumbnail"], "PNG")
                code = {key: _unpack(part, key) for key, part in style["code"].items()}
                library.styles[name] = Style(code, thumbnail)
        except FileNotFoundError as error:
            raise InputError(f"{path}: no such file; `tfstyle styles` creates one") from error
        except files.UNREADABLE as error:
            raise InputError(f"{path}: not a style library of tfstyle ({brief(error)})") from error
        return library


def _pack(array):
    little = array.astype(array.dtype.newbyteorder("<"))
    data = base64.b64encode(little.tobytes()).decode()
    return {"shape": list(array.shape), "dtype": array.dtype.name, "data": data}


def _unpack(record, name):
    dtype = np.dtype(record["dtype"])
    data = base64.b64decode(record["data"])
    if dtype.kind not in "biuf" or math.prod(record["shape"]) * dtype.itemsize != len(data):
        raise ValueError(f"{name!r}: its shape, its type and its data do not fit")
    array = np.frombuffer(data, dtype.newbyteorder("<")).reshape(record["shape"])
    archives.check_finite(array, name)
    return array.astype(dtype)
