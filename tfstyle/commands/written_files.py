"""Files that `optimize.py` and `stylize.py` write beside pictures: checks, and contact sheets."""

import os
from collections.abc import Collection, Sequence
from typing import Any

from absl import logging

from tfstyle.config import OptimizeCommand, StylizeCommand
from tfstyle.errors import InputError, of_flag

_BAND = 8  # styles of a single photo side by side


def check_written(
    config: OptimizeCommand | StylizeCommand,
    flags: Sequence[str],
    read: Sequence[str | os.PathLike],
    outputs: Collection[str | os.PathLike] = (),
) -> None:
    """Raises InputError for a file that cannot be written, is an input or is given twice.

    Args:
        config: with the files.
        flags: that name them.
        read: inputs.
        outputs: pictures, checked already.
    """
    from tfstyle import files

    taken = {os.path.realpath(path) for path in read if path}
    written = {os.path.realpath(path) for path in outputs}
    for flag in flags:
        path = getattr(config, flag)
        if not path:
            continue
        with of_flag(flag):
            files.check_writable(path)
        for others, use in ((taken, "read"), (written, "written for another flag")):
            if os.path.realpath(path) in others:
                raise InputError(f"--{flag}: {path} is also {use}; give it another name")
        written.add(os.path.realpath(path))


def check_sheet(path: str, photos: int, styles: int) -> None:
    """Raises InputError if a contact sheet of so many cannot be written."""
    from tfstyle import images
    from tfstyle.images import sheets

    if path:
        with of_flag("sheet"):
            bands = _bands(photos, styles)
            width, height = sheets.sheet_size(photos + 1, bands[0].stop + 1)
            images.check_output(path, size=max(width, len(bands) * height))


def write_sheet(
    path: str,
    contents: Sequence[str | os.PathLike],
    styles: Sequence[tuple[str, Sequence[Any]]],
    outputs: Sequence[Sequence[str | os.PathLike | None]],
) -> None:
    """Writes the contact sheet: photos at the left, paintings at the top.

    Many styles of a single photo are in bands of `_BAND`, one below the other.

    Args:
        path: of the sheet.
        contents: the photos.
        styles: names and paintings of the styles, files or `(1, h, w, 3)` pictures; those of a
            mixture share a place.
        outputs: a row of pictures for each photo; None, and files that cannot be read, are grey.
    """
    import numpy as np

    from tfstyle import images
    from tfstyle.images import sheets

    def small(picture):
        if isinstance(picture, np.ndarray):
            return picture
        try:
            return None if picture is None else images.read_image(picture, sheets.SIDE)
        except InputError:
            return None

    def strip(paintings):
        if len(paintings) == 1:
            return small(paintings[0])
        shape = (sheets.SIDE, max(1, sheets.SIDE // len(paintings)))
        read = [picture for picture in map(small, paintings) if picture is not None]
        return np.concatenate([images.cover(one, shape) for one in read], 2) if read else None

    corner = np.ones((1, 1, 1, 3), np.float32)
    parts = []
    for band in _bands(len(contents), len(styles)):
        rows = [[corner, *(strip(paintings) for _, paintings in styles[band])]]
        for content, pictures in zip(contents, outputs, strict=True):
            rows.append([small(content), *map(small, pictures[band])])
        parts.append(sheets.contact_sheet(rows, ["", *(name for name, _ in styles[band])]))
    images.write_image(path, np.asarray(sheets.stacked(parts), np.float32)[None] / 255.0)
    logging.info("Wrote %s.", path)


def _bands(photos, styles):
    """The parts of the styles that are side by side."""
    length = _BAND if photos == 1 else styles
    return [slice(start, min(start + length, styles)) for start in range(0, styles, length)]
