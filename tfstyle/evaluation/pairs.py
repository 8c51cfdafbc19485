"""The pairs of a content and a style to evaluate."""

import collections
import dataclasses
import math
import pathlib
from collections.abc import Sequence

import numpy as np

from tfstyle import images
from tfstyle.errors import InputError

BLOCK = 4  # styles whose features are all kept in memory


@dataclasses.dataclass(frozen=True)
class Pair:
    """A photograph and a painting, by their files."""

    content: pathlib.Path
    style: pathlib.Path

    @property
    def name(self) -> str:
        """CONTENT__STYLE, as the picture's file is called."""
        return f"{self.content.stem}__{self.style.stem}"


def find_pairs(content_dir: str, style_dir: str) -> list[Pair]:
    """All pairs of two folders' pictures, in an order whose first pairs are evenly spread.

    The order follows diagonals: the first n pairs, for n paintings, have each painting once and
    each photograph equally often, to within one.

    Raises: InputError for a folder that is missing or without pictures, or files of the same name.
    """
    folders = []
    for flag, folder in (("content_dir", content_dir), ("style_dir", style_dir)):
        if not pathlib.Path(folder).is_dir():
            raise InputError(f"--{flag}: {folder}: no such folder")
        found = images.find_pictures(flag, [folder])
        names = [path.stem for path in found]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"--{flag}: {folder} has two pictures called {name}; rename one")
        folders.append(found)
    contents, styles = folders
    cycle = math.lcm(len(contents), len(styles))
    pairs = [
        Pair(contents[k % len(contents)], styles[(k + k // cycle) % len(styles)])
        for k in range(len(contents) * len(styles))
    ]
    name, count = collections.Counter(pair.name for pair in pairs).most_common(1)[0]
    if count > 1:
        raise InputError(f"two pairs would be called {name}; rename a photograph or a painting")
    return pairs


def read_square(path: pathlib.Path, size: int) -> np.ndarray:
    """The centre square of a picture, `(1, size, size, 3)` float32 in [0, 1]."""
    return images.cover(images.read_ample(path, size), (size, size))


def by_content(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs, grouped by content."""
    return sorted(pairs, key=lambda pair: (pair.content, pair.style))


def by_block(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs, grouped by blocks of styles, and within a block by content."""
    styles = sorted({pair.style for pair in pairs})
    block = {style: number // BLOCK for number, style in enumerate(styles)}
    return sorted(pairs, key=lambda pair: (block[pair.style], pair.content, pair.style))
