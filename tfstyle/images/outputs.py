"""Files for the pictures of every photo in every style."""

import itertools
import os
import pathlib
import re
from collections.abc import Sequence

from tfstyle import files
from tfstyle.errors import InputError, of_flag
from tfstyle.images.folders import distinct_names
from tfstyle.images.writing import SUFFIXES, check_output

LONGEST_NAME = 80  # characters, so that file names have room for it
_SEAM = "__"  # between the names of a photo and of a style
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


class OutputNames:
    """CONTENT__STYLE.png in a folder, for every photo in every style, by their numbers.

    Args:
        folder: of the pictures.
        contents: photos.
        names: of the styles.

    Attributes:
        folder: as given.

    Raises: InputError if two pictures would have one name.
    """

    def __init__(
        self, folder: str | os.PathLike, contents: Sequence[str | os.PathLike], names: Sequence[str]
    ):
        self.folder = pathlib.Path(folder)
        self._contents, self._names = contents, names
        self._stems = distinct_names(contents)
        self._styles = [safe_name(name) for name in names]
        # By names without case, which some file systems ignore.
        self._by_style: dict[str, int] = {}
        for style, name in enumerate(self._styles):
            first = self._by_style.setdefault(name.casefold(), style)
            if first != style and contents:
                self._refuse((0, first), (0, style))
        self._by_stem: dict[str, int] = {}
        for content, stem in enumerate(self._stems):
            first = self._by_stem.setdefault(stem.casefold(), content)
            if first != content and names:
                self._refuse((first, 0), (content, 0))
        self._check_seams()

    def path(self, content: int, style: int) -> pathlib.Path:
        """The picture's file."""
        return self.folder / self.file(content, style)

    def file(self, content: int, style: int) -> str:
        """The name of the picture's file."""
        return f"{self._stems[content]}{_SEAM}{self._styles[style]}.png"

    def find(self, file: str) -> tuple[int, int] | None:
        """The numbers of the photo and the style whose picture has a file's name, or None."""
        name = file.casefold()
        readings = self._readings(name.removesuffix(".png")) if name.endswith(".png") else ()
        return next(iter(readings), None)

    def _readings(self, name):
        """The pairs whose picture has a name; of "a___b" the seam may be two places."""
        seam = name.find(_SEAM)
        while seam >= 0:
            stem, style = name[:seam], name[seam + len(_SEAM) :]
            if stem in self._by_stem and style in self._by_style:
                yield self._by_stem[stem], self._by_style[style]
            seam = name.find(_SEAM, seam + 1)

    def _check_seams(self):
        """Refuses two readings of a name, of which the longer photo has, or ends in, seam marks."""
        for content, stem in enumerate(self._stems):
            if _SEAM in stem or stem.endswith(_SEAM[0]):
                for style, name in enumerate(self._styles):
                    for other in self._readings(f"{stem}{_SEAM}{name}".casefold()):
                        if other != (content, style):
                            self._refuse(*sorted([other, (content, style)]))

    def _refuse(self, first, second):
        texts = [
            f"{self._contents[one]}, style {self._names[style]}" for one, style in (first, second)
        ]
        raise InputError(
            f"--output: {self.path(*second)} would be written twice, for {' and '.join(texts)}; "
            "rename a photo or a painting"
        )


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
        known = OutputNames(output, contents, names)
        numbers = itertools.product(range(len(contents)), range(len(names)))
        outputs = dict(zip(pairs, itertools.starmap(known.path, numbers), strict=True))
    inputs = {os.path.realpath(path) for path in (*contents, *read) if str(path)}
    for path in outputs.values():
        if os.path.realpath(path) in inputs:
            raise InputError(f"--output: {path} is also read; give it another name")
    return outputs
