"""Image files named by flags, alone or by folder, and names for what is made of them."""

import collections
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from absl import logging

from tfstyle.errors import InputError
from tfstyle.images.formats import HEIC_HINT, HEIC_SUFFIXES, KINDS, suffixes

Item = TypeVar("Item")
Result = TypeVar("Result")


def find_pictures(flag: str, paths: Sequence[str | os.PathLike]) -> list[pathlib.Path]:
    """The files that a flag names, and for a folder the image files in it, sorted.

    One line of the log says what was skipped in a folder; hidden files are not mentioned.

    Raises: InputError for a path that does not exist or is no regular file, or a folder without
        image files.
    """
    found = []
    for path in (pathlib.Path(path) for path in paths if str(path)):
        if path.is_dir():
            found += _in_folder(flag, path)
        elif path.is_file():
            found.append(path)
        elif path.exists():
            raise InputError(f"--{flag}: {path}: is not a regular file; give an image file")
        else:
            raise InputError(f"--{flag}: {path}: no such file")
    return found


def distinct_names(paths: Sequence[str | os.PathLike]) -> list[str]:
    """A name for each picture, whatever their order, for the files made of it.

    It is the file's name without its suffix; if others have that one, too, with the suffix; if need
    be with the folders above it, and a number. Only a path given twice has the same name twice.
    """
    keys = [os.path.abspath(path) for path in paths]
    names = {key: os.path.splitext(os.path.basename(key))[0] for key in keys}
    depth, longest = 1, max((key.count(os.sep) for key in names), default=0)
    while depth <= longest and (shared := _shared(names)):
        for key in shared:
            names[key] = "_".join(pathlib.PurePath(key).parts[-depth:])
        depth += 1
    taken: set[str] = set()
    for key in sorted(names) if _shared(names) else ():  # what differs in case only
        name, number = names[key], 1
        while names[key].casefold() in taken:
            number += 1
            names[key] = f"{name}_{number}"
        taken.add(names[key].casefold())
    return [names[key] for key in keys]


def _shared(names):
    """Keys whose names, without case, are not theirs alone."""
    counts = collections.Counter(name.casefold() for name in names.values())
    return [key for key, name in names.items() if counts[name.casefold()] > 1]


def read_each(
    items: Sequence[Item],
    read: Callable[[Item], Result],
    failed: list[tuple[Item, InputError]] | None = None,
) -> list[Result | None]:
    """`read(item)` of each; where it raises InputError, the error is logged and the result None.

    Args:
        items: to read.
        read: reads one.
        failed: takes such items and their errors, if given.
    Raises: InputError if it is the only item.
    """
    results: list[Result | None] = []
    for item in items:
        try:
            results.append(read(item))
        except InputError as error:
            if len(items) == 1:
                raise
            logging.error("error: %s", error)
            results.append(None)
            if failed is not None:
                failed.append((item, error))
    return results


def _in_folder(flag: str, folder: pathlib.Path) -> list[pathlib.Path]:
    inside = sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    reasons = {file: _reason_to_skip(file) for file in inside}
    unknown = {file.suffix.lower() or "none" for file in inside if reasons[file] == _UNKNOWN}
    counts = collections.Counter(reason for reason in reasons.values() if reason)
    skipped = ", ".join(
        f"{count} {reason}" + (f" ({', '.join(sorted(unknown))})" if reason == _UNKNOWN else "")
        for reason, count in counts.most_common()
    )
    found = [file for file in inside if not reasons[file]]
    if skipped:
        total = counts.total()
        skipped = f"skipped {total} file{'s' if total > 1 else ''}: {skipped}"
    if not found:
        raise InputError(f"--{flag}: {folder} holds no image files, {KINDS}; {skipped or 'empty'}")
    if skipped:
        logging.info("--%s: %s: %s.", flag, folder, skipped)
    return found


_UNKNOWN = "unknown suffix"


def _reason_to_skip(file: pathlib.Path) -> str | None:
    if file.is_dir():
        return "folder"
    if not file.is_file():
        return "not a regular file"
    suffix = file.suffix.lower()
    if suffix in suffixes():
        return None
    return HEIC_HINT if suffix in HEIC_SUFFIXES else _UNKNOWN
