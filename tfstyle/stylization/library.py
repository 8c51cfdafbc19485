"""Named style codes in one file: `.json` for apps, or `.safetensors` for very many styles."""

import contextlib
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfstyle import files
from tfstyle.config import did_you_mean
from tfstyle.errors import InputError, brief
from tfstyle.images import thumbnails
from tfstyle.images.outputs import safe_name
from tfstyle.stylization import json_styles, similarity, styles_writer
from tfstyle.stylization.mapped_styles import MappedStyles
from tfstyle.stylization.named_style import OtherVersionError, Style

MAPPED = ".safetensors"  # suffix of files that are mapped into memory


class StyleLibrary:
    """Style codes by name, all of one model.

    Args:
        identity: `code_identity()` of the model.
        styles: by name.

    Attributes:
        identity, styles: as given.
    """

    def __init__(self, identity: str, styles: Mapping[str, Style] | None = None):
        self.identity = identity
        self.styles: Any = {} if styles is None else styles

    def add(self, name: str, code: Mapping[str, Any], painting: np.ndarray) -> None:
        """Adds a style, or replaces the one of that name; `editing` does so in a file.

        Args:
            name: valid as a file name on any system.
            code: of one style, from `encode_style`.
            painting: `(1, h, w, 3)` in [0, 1], for the thumbnail.
        """
        if name != safe_name(name):
            raise ValueError(f"`name` must be fit for a file name. Received: name={name!r}")
        self.styles[name] = make_style(code, painting)

    def names(self) -> tuple[str, ...]:
        """All names, in the order in which they were added."""
        return tuple(self.styles)

    def has(self, name: str, source: int) -> bool:
        """Whether it has a style of that name and of that `Style.source`, if it knows them."""
        if isinstance(self.styles, MappedStyles):
            return name in self.styles and self.styles.source(name) == source
        return False

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

    def nearest(self, code: Mapping[str, np.ndarray], count: int = 10) -> list[tuple[str, float]]:
        """Names of the styles that are most like a code, and the cosines, the nearest first.

        Args:
            code: of the library's model, from `encode_style`.
            count: of styles, or all if there are fewer; a mapped library gives 100 at most.
        Raises: InputError if codes of the model differ in size.
        """
        names, wanted = self.names(), similarity.directions(code)
        if isinstance(self.styles, MappedStyles):
            (short,) = similarity.descriptors(wanted)
            numbers = similarity.shortlist(self.styles.arrays["descriptors"], short)
            known = [similarity.directions(self.styles.codes(numbers))]
        else:
            numbers = np.arange(len(names))
            known = [similarity.directions(style.code) for style in self.styles.values()]
        if any(one.shape[1] != wanted.shape[1] for one in known):
            raise InputError("codes of this model differ in size and cannot be compared")
        cosines = np.concatenate([one @ wanted[0] for one in known] or [[]])
        order = np.argsort(-cosines, kind="stable")[:count]
        return [(names[numbers[one]], float(cosines[one])) for one in order]

    @contextlib.contextmanager
    def editing(self, path: str | os.PathLike) -> Iterator[Any]:
        """A mapping to add, replace and remove styles in, by name, and then the file is written.

        It is written whole when the block succeeds, or not at all; the library stays as it is.

        Args:
            path: of the file, which may be that of the library.
        """
        if is_mapped(path):
            with styles_writer.writing(path, self.identity, self.styles) as writer:
                yield writer
            return
        styles = dict(self.styles)
        yield styles
        json_styles.write(pathlib.Path(path), self.identity, styles)

    def save(self, path: str | os.PathLike) -> None:
        """Writes a file atomically, in the form that its suffix says."""
        with self.editing(path):
            pass

    @classmethod
    def load(cls, path: str | os.PathLike) -> "StyleLibrary":
        """The library in a file; InputError if it is missing or no library."""
        path = pathlib.Path(path)
        try:
            if is_mapped(path):
                styles = MappedStyles(path)
                return cls(styles.identity, styles)
            return cls(*json_styles.read(path))
        except OtherVersionError as error:
            raise InputError(
                f"{path}: written by another version of tfstyle; rebuild it: tfstyle styles "
                f"--library NEW{path.suffix} --add PAINTINGS"
            ) from error
        except FileNotFoundError as error:
            raise InputError(f"{path}: no such file; `tfstyle styles` creates one") from error
        except files.UNREADABLE as error:
            raise InputError(f"{path}: not a style library of tfstyle ({brief(error)})") from error


def is_mapped(path: str | os.PathLike) -> bool:
    """Whether a library's file is one that is mapped into memory, by its suffix."""
    return pathlib.Path(path).suffix.lower() == MAPPED


def make_style(code: Mapping[str, Any], painting: np.ndarray, source: int = 0) -> Style:
    """The style of a painting.

    Args:
        code: of `encode_style`.
        painting: `(1, h, w, 3)` in [0, 1].
        source: of `Style`.
    """
    arrays = {key: np.asarray(part) for key, part in code.items()}
    return Style(arrays, thumbnails.thumbnail(painting), source)
