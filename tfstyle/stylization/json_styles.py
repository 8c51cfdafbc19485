"""Named style codes in one JSON file, for Python, servers and apps.

{"format": "tfstyle styles", "version": 2, "model": "AdaINModel/…",
 "styles": [{"name": "…", "code": {"statistics": {"shape": [1, 512], "dtype": "float32",
             "data": "base64 of little-endian numbers"}, …}, "thumbnail": "base64 of a PNG"}, …]}
"""

import base64
import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np

from tfstyle import files
from tfstyle.images import thumbnails
from tfstyle.images.outputs import LONGEST_NAME
from tfstyle.parsing import archives, json_text
from tfstyle.stylization.named_style import FORMAT, OtherVersionError, Style

_VERSION = 2
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


def read(path: pathlib.Path) -> tuple[str, dict[str, Style]]:
    """The model's identity, and the styles by name.

    Raises: OtherVersionError; an exception of `files.UNREADABLE` for any other file.
    """
    record = json_text.read(path)
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise ValueError("another format")
    if record.get("version") != _VERSION:
        raise OtherVersionError
    found = json_text.check(record, _Library, "", _MOST_STYLES, json_text.MOST_CHARACTERS)
    styles: dict[str, Style] = {}
    for style in found["styles"]:
        name = json_text.check(style["name"], str, "name")
        if len(name) > LONGEST_NAME:
            raise ValueError(f"a name of {len(name)} characters, more than {LONGEST_NAME}")
        if name in styles:
            raise ValueError(f"the style {name!r} is in it twice")
        thumbnail = thumbnails.decode(style["thumbnail"], "PNG")
        code = {key: _unpack(part, key) for key, part in style["code"].items()}
        styles[name] = Style(code, thumbnail)
    return found["model"], styles


def write(path: pathlib.Path, identity: str, styles: Mapping[str, Style]) -> None:
    """Writes the file atomically.

    Args:
        path: of the file.
        identity: of the model.
        styles: by name.
    """
    packed: list[Any] = []
    for name, style in styles.items():
        thumbnail = thumbnails.encode(style.thumbnail, "PNG")
        code = {key: _pack(part) for key, part in style.code.items()}
        packed.append({"name": name, "code": code, "thumbnail": thumbnail})
    record = {"format": FORMAT, "version": _VERSION, "model": identity, "styles": packed}
    with files.replacing(path) as temporary:
        temporary.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")


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
