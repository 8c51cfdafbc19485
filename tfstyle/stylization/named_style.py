"""A style of a library, and what its files have in common."""

import dataclasses
from collections.abc import Mapping

import numpy as np

FORMAT = "tfstyle styles"


@dataclasses.dataclass(frozen=True)
class Style:
    """A named style.

    Attributes:
        code: arrays by name, each `(1, …)`, of `model.encode_style`.
        thumbnail: `(96, 96, 3)` uint8, the painting's centre.
        source: 64 bits by which the painting's file is known again; 0 if unknown.
    """

    code: Mapping[str, np.ndarray]
    thumbnail: np.ndarray
    source: int = 0


class OtherVersionError(Exception):
    """A file is of another version of tfstyle."""
