"""Zip files, among them .npz and .keras: sizes are checked before anything is unpacked."""

import collections
import contextlib
import io
import math
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tfstyle.parsing import check_regular

if TYPE_CHECKING:
    import numpy as np

MOST_MEMBERS = 10_000
SMALL = 1 << 26  # bytes that any file may unpack to
EXPANSION = 20  # times its own size, to which a larger file may unpack
_KINDS = "biufU"  # of arrays: booleans, integers, floats, text
_LAST_CODE = sys.maxunicode  # of characters
_LONGEST_HEADER = 1024  # characters of an array's header


@contextlib.contextmanager
def open_zip(path: str | os.PathLike) -> Iterator[zipfile.ZipFile]:
    """An opened zip file without duplicates, encryption, or data far larger than the file.

    Raises: ValueError for another file or damaged data, also from within the block; OSError.
    """
    check_regular(path)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive.infolist(), os.path.getsize(path))
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError) as error:
        raise ValueError(f"a damaged zip file, {error}") from error


def _check_members(members, size):
    if len(members) > MOST_MEMBERS:
        raise ValueError(f"{len(members)} members, more than {MOST_MEMBERS}")
    for name, count in collections.Counter(one.filename for one in members).items():
        if count > 1:
            raise ValueError(f"{name!r} is in it twice")
    for one in members:
        if one.flag_bits & 1 or one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{one.filename!r} is encrypted or of an unusual compression")
    unpacked = sum(one.file_size for one in members)
    if unpacked > max(SMALL, EXPANSION * size):
        raise ValueError(f"it would unpack to {unpacked / 1e9:.1f} GB, from {size / 1e6:.1f} MB")


def read_arrays(
    path: str | os.PathLike, wanted: Callable[[str], bool] = lambda name: True, finite: bool = True
) -> "dict[str, np.ndarray]":
    """Arrays of an .npz file by name, read-only: booleans, integers, texts and floats.

    Args:
        path: of the file.
        wanted: whether to read the array of a name.
        finite: whether to refuse NaN and infinity.
    Raises: ValueError, which names an array that is damaged, of another type or not finite;
        OSError.
    """
    with open_zip(path) as archive:
        names = {one: one.filename.removesuffix(".npy") for one in archive.infolist()}
        found = {
            name: _read_array(archive, one, name) for one, name in names.items() if wanted(name)
        }
    for name, array in found.items() if finite else ():
        check_finite(array, name)
    return found


def _read_array(archive, info, name):
    """The header is read first: what it declares must be what the member holds."""
    import numpy as np

    member = io.BytesIO(archive.read(info))
    try:
        version = np.lib.format.read_magic(member)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, transposed, dtype = read_header(member, max_header_size=_LONGEST_HEADER)
    except Exception as error:  # of Python's tokenizer and parser, which NumPy lets through
        raise ValueError(f"{name!r}: not an array") from error
    if dtype.kind not in _KINDS or dtype.itemsize > 8 and dtype.kind != "U":
        raise ValueError(f"{name!r}: of an unusual type, {dtype}")
    size = math.prod(shape) * dtype.itemsize
    held = info.file_size - member.tell()
    if size != held:
        raise ValueError(f"{name!r}: declares {size / 1e6:.1f} MB and holds {held / 1e6:.1f}")
    array = np.ndarray(
        shape, dtype, member.getbuffer(), member.tell(), order="F" if transposed else "C"
    )
    array = array.astype(dtype.newbyteorder("="), copy=False)
    if dtype.kind == "U" and np.frombuffer(array.tobytes(), np.uint32).max(initial=0) > _LAST_CODE:
        raise ValueError(f"{name!r}: text that has no characters")
    return array


def as_float32(array: "np.ndarray", name: str) -> "np.ndarray":
    """An array in float32; ValueError, which names it, if it has NaN or infinity there."""
    import numpy as np

    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    check_finite(array, name)
    return array


def check_finite(array: "np.ndarray", name: str) -> None:
    """Raises ValueError, which names the array, if it has NaN or infinity."""
    import numpy as np

    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name}: NaN or infinity")
