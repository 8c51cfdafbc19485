"""Very many named style codes in one safetensors file, which is mapped into memory.

| array | type, shape | |
| --- | --- | --- |
| names | uint8 `(bytes,)` | the names in UTF-8, a newline between two |
| code.PART | float16 or integers, `(styles, …)` | the parts of the codes |
| thumbnails | uint8 `(bytes,)` | JPEG files, one after the other |
| thumbnail_ends | uint64 `(styles,)` | where each ends |
| descriptors | float32 `(styles, 128)` | of `similarity` |
| sources | uint64 `(styles,)` | of `Style` |

The metadata are the format, its version, and the model's identity.
"""

import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tfstyle import files
from tfstyle.errors import InputError, brief
from tfstyle.images import thumbnails
from tfstyle.images.outputs import LONGEST_NAME
from tfstyle.parsing import archives, json_text, safetensors
from tfstyle.stylization import similarity
from tfstyle.stylization.named_style import FORMAT, OtherVersionError, Style

VERSION = "1"
CODE = "code."  # before the names of a code's parts
# Types and numbers of dimensions of the arrays that all files have.
_KINDS = {
    "names": ("|u1", 1), "thumbnails": ("|u1", 1), "thumbnail_ends": ("<u8", 1),
    "descriptors": ("<f4", 2), "sources": ("<u8", 1),
}  # fmt: skip


class MappedStyles(Mapping[str, Style]):
    """The styles of a file, by name; each is read when it is looked up.

    Args:
        path: of the file.
    Raises: OtherVersionError; an exception of `files.UNREADABLE` for any other file. A style that
        is damaged is an InputError when it is looked up.

    Attributes:
        identity: of the model.
        arrays: those with a row for each style, but for the thumbnails', by name, read-only.
        ends: of the thumbnails, `(styles,)`.
    """

    def __init__(self, path: pathlib.Path):
        self._path = path
        metadata, arrays = safetensors.map_arrays(path)
        if metadata.get("format") != FORMAT:
            raise ValueError("another format")
        if metadata.get("version") != VERSION:
            raise OtherVersionError
        self.identity = metadata.get("model", "")
        for name, (kind, dimensions) in _KINDS.items():
            if name not in arrays:
                raise ValueError(f"{name!r} is missing")
            found = arrays[name]
            if (found.dtype.str, found.ndim) != (kind, dimensions):
                raise ValueError(f"{name!r}: an array of an unusual kind")
        self._numbers = _numbered(arrays.pop("names"))
        self._thumbnails, self.ends = arrays.pop("thumbnails"), arrays.pop("thumbnail_ends")
        self.arrays = arrays
        for name, array in {**arrays, "thumbnail_ends": self.ends}.items():
            if array.ndim < 1 or len(array) != len(self):
                raise ValueError(f"{name!r}: {array.shape}, where there are {len(self)} names")
        if arrays["descriptors"].shape[1] != similarity.NUMBERS:
            raise ValueError("'descriptors': of another size")
        ends = self.ends
        if len(self) and (ends[-1] != len(self._thumbnails) or (ends[1:] < ends[:-1]).any()):
            raise ValueError("'thumbnail_ends': not in order")

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __contains__(self, name: object) -> bool:
        return name in self._numbers

    def __getitem__(self, name: str) -> Style:
        number = self._numbers[name]
        try:
            thumbnail = thumbnails.from_bytes(self.thumbnail(number), "JPEG")
            return Style(self._codes([number]), thumbnail, self.source(name))
        except files.UNREADABLE as error:
            raise InputError(f"{self._path}: style '{name}': damaged ({brief(error)})") from error

    def source(self, name: str) -> int:
        """`Style.source` of a style."""
        return int(self.arrays["sources"][self._numbers[name]])

    def codes(self, numbers: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """The codes of styles, by their numbers in the order of the names: `(n, …)` arrays.

        Raises: InputError for NaN or infinity.
        """
        try:
            return self._codes(numbers)
        except ValueError as error:
            raise InputError(f"{self._path}: damaged ({brief(error)})") from error

    def _codes(self, numbers):
        found = {
            name.removeprefix(CODE): array[numbers]
            for name, array in self.arrays.items()
            if name.startswith(CODE)
        }
        for name, part in found.items():
            archives.check_finite(part, name)
            if part.dtype == np.float16:
                found[name] = part.astype(np.float32)
        return found

    def thumbnail(self, number: int) -> bytes:
        """The JPEG file of a style, by its number in the order of the names."""
        begin = self.ends[number - 1] if number else 0
        return self._thumbnails[begin : self.ends[number]].tobytes()


def _numbered(data):
    """The names with their numbers."""
    text = data.tobytes().decode("utf-8")
    names = text.split("\n") if text else []
    if not json_text.is_printable(text.replace("\n", " ")):
        raise ValueError("a name that is not printable")
    if max(map(len, names), default=0) > LONGEST_NAME:
        raise ValueError(f"a name of more than {LONGEST_NAME} characters")
    found = dict(zip(names, range(len(names)), strict=True))
    if len(found) < len(names):
        raise ValueError("a name is in it twice")
    return found
