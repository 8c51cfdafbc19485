"""Safetensors files: named arrays that are mapped into memory, so that any number opens at once.

https://huggingface.co/docs/safetensors: the length of the header as a little-endian uint64; the
header, a JSON object padded with spaces; the arrays' bytes, one after the other.
"""

import json
import math
import mmap
import os
import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from tfstyle.parsing import check_regular, json_text

if TYPE_CHECKING:
    import numpy as np

_LENGTH = struct.Struct("<Q")
_LONGEST_HEADER = 1 << 20  # bytes
_METADATA = "__metadata__"
_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
_NAMES = {text: name for name, text in _TYPES.items()}


class _Array(TypedDict):
    dtype: str
    shape: list[int]
    data_offsets: list[int]


def header(arrays: "Mapping[str, tuple[np.dtype, Sequence[int]]]", metadata: dict) -> bytes:
    """What comes before the arrays' bytes.

    Args:
        arrays: types, of little-endian numbers, and shapes by name, in the order of their bytes;
            each begins where its type demands if large types come first.
        metadata: texts by name.
    """
    found: dict[str, object] = {_METADATA: metadata}
    end = 0
    for name, (dtype, shape) in arrays.items():
        begin, end = end, end + math.prod(shape) * dtype.itemsize
        kind = _NAMES[dtype.newbyteorder("<").str]
        found[name] = {"dtype": kind, "shape": [*shape], "data_offsets": [begin, end]}
    text = json.dumps(found, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return _LENGTH.pack(len(text)) + text


def map_arrays(path: str | os.PathLike) -> "tuple[dict[str, str], dict[str, np.ndarray]]":
    """The metadata of a file, and its arrays by name, read-only.

    Nothing of an array is read before it is used, so the file must stay as it is until then.

    Raises: ValueError for another file, or arrays that do not fill it exactly; OSError.
    """
    import numpy as np

    check_regular(path)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        record, start = _read_header(file, size)
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    metadata = json_text.check(record.pop(_METADATA, {}), dict[str, str], _METADATA)
    found = {
        name: (_dtype(one["dtype"], name), one["shape"], one["data_offsets"])
        for name, one in json_text.check(record, dict[str, _Array]).items()
    }
    end = 0
    for name, (dtype, shape, offsets) in sorted(found.items(), key=lambda one: one[1][2]):
        if min(shape, default=0) < 0 or offsets != [end, end + math.prod(shape) * dtype.itemsize]:
            raise ValueError(f"{name!r}: its shape, its type and its place do not fit")
        end = offsets[1]
    if start + end != size:
        raise ValueError(f"{size - start} bytes of arrays, where the header has {end}")
    return metadata, {
        name: np.ndarray(shape, dtype, data, start + offsets[0])
        for name, (dtype, shape, offsets) in found.items()
    }


def _read_header(file, size):
    """The header's object, and where the arrays begin."""
    start = file.read(_LENGTH.size)
    length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else size
    if length > min(size - _LENGTH.size, _LONGEST_HEADER):
        raise ValueError("no safetensors file")
    record = json_text.parse(file.read(length).decode("utf-8"))
    return json_text.check(record, dict), _LENGTH.size + length


def _dtype(text, name):
    import numpy as np

    if text not in _TYPES:
        raise ValueError(f"{name!r}: of an unusual type, {text}")
    return np.dtype(_TYPES[text])
