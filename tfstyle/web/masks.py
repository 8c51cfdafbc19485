"""A region that is drawn on the page: a small grey PNG, white where the region is."""

import base64
import binascii
import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageFilter

from tfstyle import images
from tfstyle.errors import InputError

MOST_CHARACTERS = 1 << 18  # of a mask in base64
_LONGEST = 1024  # pixels a side
_SOFTNESS = 1 / 160  # standard deviation of the edge, relative to the longest side
# What Pillow raises for damaged files.
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error)


def decode(text: str, shape: tuple[int, int]) -> np.ndarray | None:
    """`(1, *shape, 1)` float32, 1 in the region and 0 outside, with soft edges; None if empty.

    Args:
        text: PNG file in base64, or "".
        shape: `(height, width)` of the picture.
    Raises: InputError for another text.
    """
    if not text:
        return None
    try:
        data = io.BytesIO(base64.b64decode(text, validate=True))
        with Image.open(data, formats=["PNG"]) as image:
            if max(image.size) > _LONGEST:
                raise InputError(f"mask: more than {_LONGEST} pixels a side")
            grey = image.convert("L")
    except (*_DAMAGED, binascii.Error, Image.DecompressionBombError) as error:
        raise InputError("mask: not a PNG file in base64") from error
    soft = grey.filter(ImageFilter.GaussianBlur(max(grey.size) * _SOFTNESS))
    mask = images.resize(np.asarray(soft, np.float32)[None, ..., None] / np.float32(255.0), shape)
    return mask if mask.any() else None
