"""Named style codes in one JSON file, which Python, servers and apps read alike.

{"format": "tfstyle styles", "version": 1, "model": "AdaINModel/…",
 "styles": [{"name": "…", "code": [n numbers], "thumbnail": "base64 of a PNG"}, …]}
"""

import base64
import dataclasses
import io
import json
import os
import pathlib
import re
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from tfstyle import files
from tfstyle.config import did_you_mean
from tfstyle.errors import InputError

THUMBNAIL_SIZE = 96  # pixels
_UNSAFE = re.compile(r'[/\\:*?"<>|\x00-\x1f]')  # in names of files, on one system or another
_FORMAT, _VERSION = "tfstyle styles", 1


def safe_name(name: str) -> str:
    """A name without what a file's name may not have."""
    return _UNSAFE.sub("_", name) or "_"


@dataclasses.dataclass(frozen=True)
class Style:
    """A named style.

    Attributes:
        code: `(n,)` float32 of `model.encode_style`.
        thumbnail: `(96, 96, 3)` uint8, the painting's centre.
    """

    code: np.ndarray
    thumbnail: np.ndarray


class StyleLibrary:
    """Style codes by name, all of one model.

    Args:
        identity: `code_identity()` of the model.
    """

    def __init__(self, identity: str):
        self.identity = identity
        self.styles: dict[str, Style] = {}

    def add(self, name: str, code: np.ndarray, painting: np.ndarray) -> None:
        """Adds a style, or replaces the one of that name.

        Args:
            name: fit for a file's name on any system.
            code: `(n,)` or `(1, n)` from `encode_style`.
            painting: `(1, h, w, 3)` in [0, 1], for the thumbnail.
        """
        from tfstyle import images

        if not name or _UNSAFE.search(name):
            raise ValueError(f"`name` must be fit for a file name. Received: name={name!r}")
        small = images.cover(painting, (THUMBNAIL_SIZE, THUMBNAIL_SIZE))[0]
        self.styles[name] = Style(
            np.asarray(code, np.float32).reshape(-1), np.round(small * 255.0).astype(np.uint8)
        )

    def names(self) -> tuple[str, ...]:
        """All names, in the order in which they were added."""
        return tuple(self.styles)

    def blend(self, weights: Mapping[str, float]) -> np.ndarray:
        """`(1, n)` weighted mean of codes; InputError for an unknown name.

        Args:
            weights: shares by name, at least 0 and not all 0; their scale does not matter.
        """
        total = sum(weights.values())
        if total <= 0 or min(weights.values()) < 0:
            raise ValueError(f"`weights` must be at least 0, not all. Received: weights={weights}")
        self.check_names(tuple(weights))
        mixed = sum(self.styles[name].code * (share / total) for name, share in weights.items())
        return np.asarray(mixed, np.float32)[None]

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
                f"{path}: of another model, {self.identity}; this one is {identity}. Add the "
                "paintings to a new library with this --model"
            )

    def save(self, path: str | os.PathLike) -> None:
        """Writes the file, whole or not at all."""
        styles = []
        for name, style in self.styles.items():
            buffer = io.BytesIO()
            Image.fromarray(style.thumbnail).save(buffer, "PNG")
            thumbnail = base64.b64encode(buffer.getvalue()).decode()
            code = [float(f"{number:.9g}") for number in style.code]  # exact for float32
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
            record = json.loads(path.read_text(encoding="utf-8"))
            if record["format"] != _FORMAT or record["version"] != _VERSION:
                raise ValueError("another format")
            library = cls(record["model"])
            for style in record["styles"]:
                with Image.open(io.BytesIO(base64.b64decode(style["thumbnail"]))) as image:
                    thumbnail = np.asarray(image.convert("RGB"))
                library.styles[style["name"]] = Style(
                    np.array(style["code"], np.float32), thumbnail
                )
        except FileNotFoundError as error:
            raise InputError(f"{path}: no such file; `tfstyle styles` makes one") from error
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(f"{path}: not a style library of tfstyle ({error})") from error
        return library
