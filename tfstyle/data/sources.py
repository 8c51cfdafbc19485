"""Encoded pictures by index, from nested folders or TFRecord shards; lists unusable ones."""

import concurrent.futures
import os
import pathlib
import struct
import threading
from collections.abc import Iterator, Sequence
from typing import Protocol

from tfstyle import images
from tfstyle.errors import InputError

SHARD_SUFFIX = ".tfrecord"
ENCODED, FILENAME = "image/encoded", "image/filename"  # features of a shard's records
_LENGTH = struct.Struct("<Q")  # a record is its length, a checksum of that, data, a checksum
_CHECKSUM = 4
_THREADS = 8


class Source(Protocol):
    """Encoded pictures by index."""

    names: list[str]  # relative to the folder

    def path(self, index: int) -> str:
        """Where a picture is, for messages."""

    def read(self, index: int) -> bytes:
        """The bytes of an image file."""

    def size(self, index: int) -> tuple[int, int] | None:
        """`(height, width)` if that is known without reading the whole picture."""


class Skipped:
    """Skipped files and the reasons, also as lines of a text file; thread-safe."""

    def __init__(self) -> None:
        self.lines: dict[str, None] = {}  # ordered, without repetition
        self._path: pathlib.Path | None = None
        self._lock = threading.Lock()

    def keep_in(self, path: pathlib.Path) -> None:
        """Appends present and future lines to a file, which keeps its own."""
        found, self.lines, self._path = self.lines, {}, path
        if path.exists():
            text = path.read_text(encoding="utf-8", errors="replace")
            self.lines = dict.fromkeys(text.splitlines())
        for line in found:
            self._add(line)

    def add(self, error: InputError) -> None:
        """Notes an error of `images`, which names the file."""
        with self._lock:
            self._add(" ".join(str(error).split()))

    def _add(self, line: str) -> None:
        if line in self.lines:
            return
        self.lines[line] = None
        if self._path:
            try:
                with open(self._path, "a", encoding="utf-8", errors="replace") as file:
                    file.write(line + "\n")
            except OSError as error:
                raise InputError(f"{self._path}: cannot be written ({error.strerror})") from error


class FolderSource:
    """Image files of a folder and all folders in it, in the order of their paths."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.names = sorted(_files(folder))

    def path(self, index: int) -> str:
        return str(self.folder / self.names[index])

    def read(self, index: int) -> bytes:
        try:
            return pathlib.Path(self.path(index)).read_bytes()
        except OSError as error:
            raise InputError(f"{self.path(index)}: cannot be read ({error.strerror})") from error

    def size(self, index: int) -> tuple[int, int]:
        return images.image_size(self.path(index))


class FileSource(FolderSource):
    """The image files of a list, each by its name."""

    def __init__(self, paths: Sequence[str | os.PathLike]):
        self.paths = [pathlib.Path(path) for path in paths]
        self.names = [path.name for path in self.paths]

    def path(self, index: int) -> str:
        return str(self.paths[index])


class ShardSource:
    """Records of TFRecord files, `tf.train.Example`s with the feature `image/encoded`."""

    def __init__(self, folder: pathlib.Path, skipped: Skipped):
        self.folder = folder
        self.names: list[str] = []
        self._places: list[tuple[pathlib.Path, int, int]] = []
        for path in _shards(folder):
            try:
                places = list(_records(path))
            except InputError as error:
                skipped.add(error)
                continue
            name = path.relative_to(folder).as_posix()
            self.names += [f"{name}:{number}" for number in range(len(places))]
            self._places += [(path, *place) for place in places]

    def path(self, index: int) -> str:
        return str(self.folder / self.names[index])

    def size(self, index: int) -> None:
        return None

    def read(self, index: int) -> bytes:
        import tensorflow as tf

        path, start, length = self._places[index]
        try:
            with open(path, "rb") as file:
                file.seek(start)
                example = tf.train.Example.FromString(file.read(length))
            return example.features.feature[ENCODED].bytes_list.value[0]
        except Exception as error:  # of the file system, or of protobuf, which has many
            raise InputError(f"{self.path(index)}: no record with {ENCODED} ({error})") from error


class Part:
    """Some pictures of a source."""

    def __init__(self, source: Source, indices: list[int]):
        self.names = [source.names[index] for index in indices]
        self._source = source
        self._indices = indices

    def path(self, index: int) -> str:
        return self._source.path(self._indices[index])

    def read(self, index: int) -> bytes:
        return self._source.read(self._indices[index])

    def size(self, index: int) -> tuple[int, int] | None:
        return self._source.size(self._indices[index])


def open_source(folder: str | os.PathLike, flag: str, least: int, skipped: Skipped) -> Source:
    """The usable pictures of a folder.

    Only headers are read here; a picture whose data are damaged is skipped later, by `crops.Crops`.

    Args:
        folder: with image files, at any depth, or with TFRecord shards.
        flag: that gave the folder, for errors.
        least: shortest side in pixels.
        skipped: collects what cannot be used.
    Raises: InputError for a folder that is missing, empty or without one usable picture.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise InputError(f"--{flag}: {folder} is not a folder; give one with pictures")
    source: Source = FolderSource(folder)
    if _shards(folder):
        if any(name.lower().endswith(images.suffixes()) for name in source.names):
            raise InputError(f"--{flag}: {folder} holds shards and image files; keep them apart")
        source = ShardSource(folder, skipped)
    if not source.names:
        raise InputError(f"--{flag}: {folder} holds no pictures; give a folder that does")
    reasons = _reasons(source, least)
    for error in filter(None, reasons):
        skipped.add(error)
    usable = [index for index, error in enumerate(reasons) if error is None]
    if not usable:
        example = next(filter(None, reasons))
        raise InputError(
            f"--{flag}: none of the {len(reasons)} files in {folder} is a usable picture; "
            f"for instance {example}"
        )
    return Part(source, usable)


def open_files(paths: Sequence[str | os.PathLike], flag: str, least: int) -> Source:
    """Image files, all of which are usable.

    Args:
        paths: of the files.
        flag: that gave them, for errors.
        least: shortest side in pixels.
    Raises: InputError for a file that is missing, no picture or too small.
    """
    source = FileSource(paths)
    for error in filter(None, _reasons(source, least)):
        raise InputError(f"--{flag}: {error}")
    return source


def _reasons(source: Source, least: int) -> list[InputError | None]:
    """Why pictures cannot be used, by their headers."""

    def reason(index: int) -> InputError | None:
        try:
            size = source.size(index)
        except InputError as error:
            return error
        if size and min(size) < least:
            return InputError(
                f"{source.path(index)}: too small, {size[1]} × {size[0]} pixels, not {least}"
            )
        return None

    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(reason, range(len(source.names))))


def _files(folder: pathlib.Path) -> Iterator[str]:
    """Paths, relative and with slashes, of all files that are not hidden."""
    seen = set()
    for root, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        relative = pathlib.Path(root).relative_to(folder)
        yield from ((relative / name).as_posix() for name in names if not name.startswith("."))


def _refuse(error: OSError) -> None:
    raise InputError(f"{error.filename}: cannot be read ({error.strerror})") from error


def _shards(folder: pathlib.Path) -> list[pathlib.Path]:
    found = folder.rglob(f"*{SHARD_SUFFIX}")
    return sorted(path for path in found if not path.name.startswith("."))


def _records(path: pathlib.Path) -> Iterator[tuple[int, int]]:
    """Start and length of the data of each record."""
    if not path.is_file():  # opening a FIFO would wait for its writer
        raise InputError(f"{path}: is not a regular file")
    size = path.stat().st_size
    with open(path, "rb") as file:
        start = 0
        while start < size:
            file.seek(start)
            header = file.read(_LENGTH.size)
            length = _LENGTH.unpack(header)[0] if len(header) == _LENGTH.size else size
            start += _LENGTH.size + _CHECKSUM
            if start + length + _CHECKSUM > size:
                raise InputError(f"{path}: not a TFRecord file, or cut short")
            yield start, length
            start += length + _CHECKSUM
