"""Files for the pictures of every photo in every style."""

import os
import pathlib
import re
from collections.abc import Sequence

from tfstyle import files
from tfstyle.errors import InputError, of_flag
from tfstyle.images.folders import distinct_names
from tfstyle.images.writing import SUFFIXES, check_output

LONGEST_NAME = 80  # characters, so that file names have room for it
_UNSAFE = re.compile(r'[/\\:*?"<>|\x00-\x1f]')  # in file names, on some systems


def safe_name(name: str) -> str:
    """A name, cut to `LONGEST_NAME`, without characters that file names may not have."""
    return _UNSAFE.sub("_", name)[:LONGEST_NAME] or "_"


def is_file_name(output: str | os.PathLike, count: int) -> bool:
    """Whether `--output` names a picture, not a folder, where `count` pictures are to be written.

    A name with a suffix that is none of a picture's may be a folder's if there are several.
    """
    path = pathlib.Path(output)
    known = count == 1 or path.suffix.lower() in SUFFIXES
    return bool(path.suffix) and not path.is_dir() and known


def style_names(flag: str, names: Sequence[str], weights: Sequence[float]) -> list[str]:
    """Names of the styles to paint in: `names`, or with `--style_weights` one, of their mixture.

    Args:
        flag: that named the styles, for the error.
        names: of the styles.
        weights: shares of a mixture, if there is one.
    Raises: InputError if there is not a weight for each style.
    """
    if not weights:
        return list(names)
    if len(weights) != len(names):
        raise InputError(f"--style_weights: {len(weights)} given for {len(names)} --{flag}")
    return ["+".join(names)]


def pair_outputs(
    output: str | os.PathLike,
    contents: Sequence[pathlib.Path],
    names: Sequence[str],
    read: Sequence[str | os.PathLike],
    bits: int,
    size: int,
) -> dict[tuple[pathlib.Path, str], pathlib.Path]:
    """`{(content, style name): path}`: the file `output`, or CONTENT__STYLE.png in that folder.

    Args:
        output: of the flag.
        contents: photos.
        names: of the styles.
        read: other files that are read.
        bits: of a channel.
        size: longest side of a picture in pixels, 0 if unknown.
    Raises: InputError for a file that cannot be written, would be written twice or is also read.
    """
    pairs = [(path, name) for path in contents for name in names]
    output = pathlib.Path(output)
    if is_file_name(output, len(pairs)):
        if len(pairs) > 1:
            raise InputError(
                f"--output: {len(pairs)} pictures cannot be one file, {output}; give a folder"
            )
        with of_flag("output"):
            check_output(output, bits, size)
        outputs = {pairs[0]: output}
    else:
        files.check_folder("output", output)
        stems = dict(zip(contents, distinct_names(contents), strict=True))
        outputs = {}
        taken: dict[str, str] = {}
        for path, name in pairs:
            file = f"{stems[path]}__{safe_name(name)}.png"
            key = file.casefold()  # some file systems ignore case
            if key in taken:
                raise InputError(
                    f"--output: {output / file} would be written twice, for {taken[key]} and "
                    f"{path}, style {name}; rename a photo or a painting"
                )
            taken[key] = f"{path}, style {name}"
            outputs[path, name] = output / file
    inputs = {os.path.realpath(path) for path in (*contents, *read) if str(path)}
    for path in outputs.values():
        if os.path.realpath(path) in inputs:
            raise InputError(f"--output: {path} is also read; give it another name")
    return outputs
