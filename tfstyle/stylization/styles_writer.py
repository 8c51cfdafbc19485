"""Writes the file of `mapped_styles` in flat memory, style after style.

Each array grows in a temporary file of its own; at the end they are put together in order.
"""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator, Mapping

import numpy as np

from tfstyle import files
from tfstyle.errors import InputError
from tfstyle.images import thumbnails
from tfstyle.images.outputs import safe_name
from tfstyle.parsing import safetensors
from tfstyle.stylization import similarity
from tfstyle.stylization.mapped_styles import CODE, VERSION, MappedStyles
from tfstyle.stylization.named_style import FORMAT, Style

_AT_ONCE = 1024  # styles that are copied


@contextlib.contextmanager
def writing(
    path: str | os.PathLike, identity: str, known: Mapping[str, Style]
) -> Iterator["StylesWriter"]:
    """Styles to change in the block; the file is written when it succeeds.

    Args:
        path: of the file.
        identity: of the model.
        known: styles to begin with, by name.
    """
    mapped = known if isinstance(known, MappedStyles) else None
    with files.replacing(path) as temporary, contextlib.ExitStack() as opened:
        writer = StylesWriter(path, temporary.parent, opened, mapped)
        for name, style in known.items() if mapped is None else ():
            writer[name] = style
        yield writer
        writer.write(temporary, identity)


class StylesWriter:
    """Styles by name, which can be added, replaced and removed, but not be read.

    Args:
        path: of the library, for errors.
        folder: for temporary files.
        opened: closes them.
        known: styles to begin with; they are copied as they are.
    """

    def __init__(
        self, path: str | os.PathLike, folder: pathlib.Path, opened: contextlib.ExitStack,
        known: MappedStyles | None = None,
    ):  # fmt: skip
        self._path, self._folder, self._opened = path, folder, opened
        self._numbers = {name: number for number, name in enumerate(known or ())}
        self._next = len(self._numbers)  # number of the next style that is added
        old = known.arrays if known else {}
        self._rows = {name: _Rows(self._file(), part) for name, part in old.items()}
        self._thumbnails = _Thumbnails(self._file(), known)

    def _file(self):
        return self._opened.enter_context(tempfile.TemporaryFile(dir=self._folder))

    def __len__(self) -> int:
        return len(self._numbers)

    def __delitem__(self, name: str) -> None:
        del self._numbers[name]

    def __setitem__(self, name: str, style: Style) -> None:
        """Adds a style, or replaces the one of that name.

        Raises: InputError for a code that does not fit in.
        """
        if name != safe_name(name):
            raise ValueError(f"`name` must be fit for a file name. Received: {name=}")
        rows = {CODE + key: _packed(part[0]) for key, part in style.code.items()}
        rows["descriptors"] = similarity.descriptors(similarity.directions(style.code))[0]
        rows["sources"] = np.array(style.source, "<u8")
        if not self._next:
            self._rows = {key: _Rows(self._file(), row[None][:0]) for key, row in rows.items()}
        if any(key not in rows or not one.fits(rows[key]) for key, one in self._rows.items()):
            raise InputError(
                f"{self._path}: style '{name}': its code is of another size than the others, or "
                "has numbers above 65504; use a .json library"
            )
        for key, row in rows.items():
            self._rows[key].append(row)
        self._thumbnails.append(thumbnails.to_bytes(style.thumbnail, "JPEG"))
        self._numbers[name] = self._next
        self._next += 1

    def write(self, path: pathlib.Path, identity: str) -> None:
        """Writes the library, whose model has this identity, to a file."""
        numbers = np.fromiter(self._numbers.values(), np.int64, len(self._numbers))
        lengths = self._thumbnails.lengths()[numbers]
        names = np.frombuffer("\n".join(self._numbers).encode(), np.uint8)
        whole = {"names": names, "thumbnail_ends": np.cumsum(lengths, dtype="<u8")}
        arrays = {key: (one.dtype, one.shape) for key, one in whole.items()}
        arrays["thumbnails"] = np.dtype(np.uint8), (int(lengths.sum()),)
        for key, one in self._rows.items():
            arrays[key] = one.dtype, (len(numbers), *one.shape)
        # The largest types first, so that each array begins where its type demands.
        arrays = dict(sorted(arrays.items(), key=lambda one: -one[1][0].itemsize))
        metadata = {"format": FORMAT, "version": VERSION, "model": identity}
        with open(path, "wb") as file:
            file.write(safetensors.header(arrays, metadata))
            for key in arrays:
                if key in whole:
                    file.write(whole[key].tobytes())
                    continue
                source = self._rows.get(key, self._thumbnails)
                for start in range(0, len(numbers), _AT_ONCE):
                    file.write(source.take(numbers[start : start + _AT_ONCE]))


def _packed(part):
    """A part of a code as it is stored; numbers that are too large become infinite."""
    with np.errstate(over="ignore"):
        part = part.astype("<f2") if part.dtype.kind == "f" else part
    return part.astype(part.dtype.newbyteorder("<"))


class _Rows:
    """An array's rows by number: those that are known, and those that are added.

    Args:
        file: temporary.
        known: `(rows, …)`.

    Attributes:
        dtype, shape: of a row.
    """

    def __init__(self, file, known):
        self._file, self._known = file, known
        self.dtype, self.shape = known.dtype, known.shape[1:]

    def fits(self, row):
        return row.dtype == self.dtype and row.shape == self.shape and np.isfinite(row).all()

    def append(self, row):
        self._file.write(row.tobytes())

    def take(self, numbers):
        """The bytes of rows."""
        self._file.flush()
        rows, old = np.empty((len(numbers), *self.shape), self.dtype), numbers < len(self._known)
        rows[old] = self._known[numbers[old]]
        if not old.all():
            added = np.memmap(self._file, self.dtype, "r").reshape(-1, *self.shape)
            rows[~old] = added[numbers[~old] - len(self._known)]
        return rows.tobytes()


class _Thumbnails:
    """Thumbnails' files by number, likewise."""

    def __init__(self, file, known):
        self._file, self._known = file, known
        self._count = len(known) if known else 0
        self._added = [0]  # where each that is added ends, after the beginning

    def append(self, data):
        self._file.write(data)
        self._added.append(self._added[-1] + len(data))

    def lengths(self):
        """Of all, in bytes: `(styles,)`."""
        old = np.diff(self._known.ends.astype(np.int64), prepend=0) if self._known else []
        return np.concatenate([old, np.diff(self._added)]).astype(np.int64)

    def take(self, numbers):
        """The bytes of thumbnails."""
        return b"".join(map(self._read, numbers))

    def _read(self, number):
        if number < self._count:
            return self._known.thumbnail(number)
        begin, end = self._added[number - self._count], self._added[number - self._count + 1]
        self._file.seek(begin)
        return self._file.read(end - begin)
