"""Thumbnails of paintings, in files of models and of styles, and a sheet of them.

A thumbnail is `(96, 96, 3)` uint8 RGB; in a file it is a PNG or JPEG, in texts in base64.
"""

import base64
import io
import math
from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from tfstyle.images.resizing import cover
from tfstyle.images.sheets import shortened

SIZE = 96  # pixels a side
LONGEST = 1 << 16  # characters of one in base64; a PNG of noise has 37,000
_QUALITY = 80  # of JPEG
_GAP, _CAPTION, _FONT_SIZE = 8, 18, 11  # pixels
_BLANK = 224  # grey level of a missing thumbnail


def thumbnail(painting: np.ndarray) -> np.ndarray:
    """The thumbnail of a painting's centre.

    Args:
        painting: `(1, h, w, 3)` in [0, 1].
    """
    return np.round(cover(painting, (SIZE, SIZE))[0] * 255.0).astype(np.uint8)


def encode(pixels: np.ndarray, kind: str) -> str:
    """A thumbnail as a PNG or JPEG, which `kind` says, in base64."""
    return base64.b64encode(to_bytes(pixels, kind)).decode()


def decode(text: str, kind: str) -> np.ndarray:
    """The inverse of `encode`, but for JPEG's losses; ValueError or OSError for other text."""
    return from_bytes(base64.b64decode(text), kind)


def to_bytes(pixels: np.ndarray, kind: str) -> bytes:
    """A thumbnail as a PNG or JPEG file, which `kind` says."""
    buffer = io.BytesIO()
    options = {"quality": _QUALITY} if kind == "JPEG" else {}
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def from_bytes(data: bytes, kind: str) -> np.ndarray:
    """The inverse of `to_bytes`, but for JPEG's losses; ValueError or OSError for other data."""
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            if image.size != (SIZE, SIZE):
                raise ValueError(f"a thumbnail of {image.width} × {image.height} pixels")
            return np.asarray(image.convert("RGB"))
    except UnidentifiedImageError as error:
        raise ValueError(f"a damaged thumbnail, which is no {kind}") from error
    except (SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"a damaged thumbnail, {error}") from error


def sheet(thumbnails: Mapping[str, np.ndarray | None]) -> np.ndarray:
    """Thumbnails side by side with their names below, grey where there is none.

    Names that are too long are cut.

    Args:
        thumbnails: by name, at least one.
    Returns: `(1, h, w, 3)` float32 in [0, 1].
    """
    columns = math.ceil(math.sqrt(1.5 * len(thumbnails)))
    rows = math.ceil(len(thumbnails) / columns)
    width, height = SIZE + _GAP, SIZE + _CAPTION + _GAP
    picture = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(_FONT_SIZE)
    for number, (name, pixels) in enumerate(thumbnails.items()):
        row, column = divmod(number, columns)
        left, top = _GAP + column * width, _GAP + row * height
        if pixels is None:
            pixels = np.full((SIZE, SIZE, 3), _BLANK, np.uint8)
        picture.paste(Image.fromarray(pixels), (left, top))
        text = shortened(name, draw, font, SIZE)
        draw.text((left, top + SIZE + 2), text, fill="black", font=font)
    return np.asarray(picture, np.float32)[None] / np.float32(255.0)
