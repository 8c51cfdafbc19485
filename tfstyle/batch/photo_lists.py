"""The photos that folders, patterns and lists of paths name."""

import csv
import glob
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from absl import logging

from tfstyle import images
from tfstyle.errors import InputError, brief
from tfstyle.parsing import check_regular

COLUMN = "path"  # of a table's paths
_KINDS = (
    "give a photo, a folder, a pattern in quotes such as 'photos/**/*.jpg', or a list: .txt with a "
    f"path a line, or .csv or .parquet with a column '{COLUMN}'"
)


def find_photos(flag: str, given: Sequence[str]) -> list[str]:
    """The paths that a flag names, in its order; what is named twice is there once.

    Of patterns and folders, only files with the suffix of an image. Paths in lists are relative to
    the working directory, as others are; whether there are such files is not checked.

    Args:
        flag: named in errors.
        given: photos, folders, patterns, or lists, as the suffix says.
    Raises: InputError for what names no photo, or a list that cannot be read.
    """
    found: dict[str, None] = {}
    count = 0
    for one in given:
        before = count
        for path in _paths(flag, one):
            found[path] = None
            count += 1
        if count == before:
            raise InputError(f"--{flag}: {one}: names no photos; {_KINDS}")
    if count > len(found):
        logging.info("--%s: %d files are named more than once.", flag, count - len(found))
    return list(found)


def _paths(flag: str, given: str) -> Iterator[str]:
    read = _LISTS.get(pathlib.Path(given).suffix.lower())
    if os.path.isdir(given):
        yield from map(str, images.find_pictures(flag, [given]))
    elif read and os.path.exists(given):
        try:
            check_regular(given)
            yield from read(given)
        except InputError:
            raise
        except Exception as error:  # of csv and pyarrow
            raise InputError(f"--{flag}: {given}: not a list of paths ({brief(error)})") from error
    elif glob.has_magic(given) and not os.path.exists(given):
        suffixes = images.suffixes()
        for path in sorted(glob.iglob(given, recursive=True)):
            if os.path.splitext(path)[1].lower() in suffixes and os.path.isfile(path):
                yield path
    elif os.path.isfile(given):
        yield given
    else:
        raise InputError(f"--{flag}: {given}: no such file; {_KINDS}")


def _text_paths(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
        yield from (line.rstrip("\n") for line in file if line.strip())


def _csv_paths(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        rows = csv.DictReader(file)
        _check_column(rows.fieldnames or ())
        yield from (row[COLUMN] for row in rows if row[COLUMN])


def _parquet_paths(path: str) -> Iterator[str]:
    try:
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise InputError(
            f"{path}: pyarrow is not installed, which reads it; pip install -e '.[batch]'"
        ) from error

    with parquet.ParquetFile(path) as table:
        _check_column(table.schema_arrow.names)
        for part in table.iter_batches(columns=[COLUMN]):
            for value in part.column(0).to_pylist():
                if not isinstance(value, str):
                    raise ValueError(f"{brief(value)} is no path")
                yield value


def _check_column(names: Sequence[Any]) -> None:
    if COLUMN not in names:
        raise ValueError(f"no column '{COLUMN}', but {', '.join(map(str, names)) or 'none'}")


_LISTS = {".txt": _text_paths, ".csv": _csv_paths, ".parquet": _parquet_paths}
