"""The table of the pictures in a folder, `manifest.csv`, and of the photos that failed.

A line is appended when a picture is written, so that the table is right after any end of the
program; at the end of all work its lines are in the order of the photos and the styles.
"""

import csv
import hashlib
import io
import os
import pathlib
import re
from collections.abc import Iterable, Sequence

from tfstyle import files
from tfstyle.errors import InputError

NAME = "manifest.csv"
FAILED = "failed.csv"
COLUMNS = ("output", "content", "style", "bytes", "sha256", "modified", "settings")
_LENGTHS = {4: 64, 6: 16}  # characters of columns, by which a torn line is known
_TEXT = {"encoding": "utf-8", "errors": "surrogateescape"}  # names of files may be no text


class Manifest:
    """The pictures in a folder, and how they were made.

    Args:
        folder: of the pictures; it exists.
    Raises: InputError if another program's file has the manifest's name.
    """

    def __init__(self, folder: pathlib.Path):
        self._path = folder / NAME
        self._folder = folder
        # By output: where its last line is, and a hash of what the picture depends on.
        self._rows: dict[str, tuple[int, bytes]] = {}
        self._lines = 0
        if not self._path.exists():
            with files.replacing(self._path) as temporary:
                temporary.write_bytes(_line(COLUMNS))
        self._end = self._load()
        self._file = open(self._path, "r+b", buffering=0)
        self._file.truncate(self._end)  # a line that was being written when the program ended
        self._file.seek(self._end)

    def _load(self):
        with open(self._path, "rb") as file:
            end = len(file.readline())
            file.seek(0)
            if file.readline() != _line(COLUMNS):
                raise InputError(
                    f"--output: {self._path} was not written by this program; give another folder"
                )
            for line in file:
                row = _row(line)
                if row:
                    self._rows[row[0]] = end, _hash(row[1], row[3], row[5], row[6])
                if line.endswith(b"\n"):
                    end += len(line)
                    self._lines += 1
        return end

    def has(self, output: str, photo: str, settings: str) -> bool:
        """Whether a picture is there, whole, and made of this photo, as it is, with these settings.

        Args:
            output: name of the file.
            photo: its path.
            settings: 16 characters that differ for other settings.
        """
        known = self._rows.get(output)
        if not known:
            return False
        try:
            size, modified = os.stat(self._folder / output).st_size, os.stat(photo).st_mtime_ns
        except OSError:
            return False
        return known[1] == _hash(photo, size, modified, settings)

    def add(
        self, output: str, photo: str, style: str, size: int, sha256: str, modified: int,
        settings: str,
    ) -> None:  # fmt: skip
        """Adds a picture that was written, in place of the earlier one of that name."""
        line = _line((output, photo, style, size, sha256, modified, settings))
        self._file.write(line)
        self._rows[output] = self._end, _hash(photo, size, modified, settings)
        self._end += len(line)
        self._lines += 1

    def finish(self, outputs: Iterable[str]) -> None:
        """Writes the table in order, without lines that others replaced.

        Args:
            outputs: in order; what else is in the folder comes after.
        """
        left = {name: place for name, (place, _) in self._rows.items()}
        places = [left.pop(name) for name in outputs if name in left]
        places += [place for name, place in left.items() if (self._folder / name).exists()]
        if len(places) < self._lines or places != sorted(places):
            with files.replacing(self._path) as temporary, open(temporary, "wb") as ordered:
                ordered.write(_line(COLUMNS))
                with open(self._path, "rb") as file:
                    for place in places:
                        file.seek(place)
                        ordered.write(file.readline())
        self._file.close()


class Failures:
    """The photos that could not be painted, in `failed.csv`; written anew by each run.

    Args:
        folder: of the table.
    """

    def __init__(self, folder: pathlib.Path):
        self._path = folder / FAILED
        self._found: dict[tuple[int, str], str] = {}
        self._write()

    def __len__(self) -> int:
        return len(self._found)

    def add(self, number: int, path: str, error: str) -> None:
        """Adds a file.

        Args:
            number: of its place in the table.
            path: of the file.
            error: a line, which may begin with the flag and the path.
        """
        reason = re.sub(r"^--\w+: ", "", error).removeprefix(f"{path}: ")
        self._found[number, path] = reason
        with open(self._path, "ab") as file:
            file.write(_line((path, reason)))

    def finish(self) -> None:
        """Writes the table in order."""
        if self._found:
            self._write()

    def _write(self):
        lines = [_line((path, error)) for (_, path), error in sorted(self._found.items())]
        with files.replacing(self._path) as temporary:
            temporary.write_bytes(b"".join([_line(("path", "error")), *lines]))


def _line(row: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue().encode(**_TEXT)


def _row(line: bytes) -> list[str] | None:
    """The columns of a line, or None for one that is torn or damaged."""
    try:
        row = next(csv.reader([line.decode(**_TEXT)]))
    except (csv.Error, StopIteration):
        return None
    whole = len(row) == len(COLUMNS) and all(len(row[at]) == n for at, n in _LENGTHS.items())
    return row if whole and line.endswith(b"\n") else None


def _hash(*parts: object) -> bytes:
    text = "\0".join(map(str, parts))
    return hashlib.blake2b(text.encode(**_TEXT), digest_size=12).digest()
