"""Encoding: the only place where pictures are clipped, rounded to integers and written."""

import json
import os
import pathlib
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tfstyle import files
from tfstyle.errors import InputError
from tfstyle.images.profiles import SRGB_BYTES

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
DEEP_SUFFIXES = (".png", ".tif", ".tiff")  # can hold 16 bits a channel
LONGEST_SIDE = {".webp": 16383, ".jpg": 65500, ".jpeg": 65500}  # limits of the formats, pixels
JPEG_QUALITY = 95
PNG_LEVEL = 4  # of zlib: two thirds of the time of 6 for files half a percent larger
DESCRIPTION = 0x010E  # EXIF and TIFF tag ImageDescription
SOFTWARE = 0x0131


def write_image(
    path: str | os.PathLike,
    image: np.ndarray,
    *,
    alpha: np.ndarray | None = None,
    bits: int = 8,
    parameters: dict[str, Any] | None = None,
) -> None:
    """Clips, rounds and writes a picture, atomically.

    Args:
        path: `.png`, `.jpg`, `.webp` or `.tif`; JPEG has quality 95, 4:4:4; WebP quality 95.
        image: `(1, h, w, 3)` float sRGB, clipped to [0, 1].
        alpha: None or `(1, h, w, 1)` opacity in [0, 1]; for JPEG, composited over white.
        bits: 8, or 16 for PNG and TIFF.
        parameters: JSON-compatible values stored in the file's metadata, for `read_parameters`.
    Raises: InputError if the file cannot be written; ValueError for a picture that is not finite.
    """
    check_output(path, bits)
    suffix = pathlib.Path(path).suffix.lower()
    if np.ndim(image) != 4 or np.shape(image)[::3] != (1, 3):
        raise ValueError(f"`image` must be `(1, h, w, 3)`. Received: {np.shape(image)}")
    pixels = np.asarray(image)[0]
    if not np.isfinite(pixels).all():
        raise ValueError("`image` must be finite. Received: image with NaN or infinity")
    if alpha is not None:
        if suffix in (".jpg", ".jpeg"):
            pixels = pixels * alpha[0] + (1.0 - alpha[0])
        else:
            pixels = np.concatenate([pixels, alpha[0]], axis=-1)
    kind: Any = np.uint16 if bits == 16 else np.uint8
    whole = np.iinfo(kind).max
    pixels = np.round(np.clip(pixels, 0.0, 1.0) * whole).astype(kind)
    description = json.dumps(parameters) if parameters else ""
    with files.replacing(path) as temporary:
        if suffix in (".tif", ".tiff"):
            _save_tiff(temporary, pixels, description)
        elif bits == 16:
            temporary.write_bytes(_encode_deep_png(pixels, description))
        else:
            _save_pillow(temporary, pixels, description)


def check_output(path: str | os.PathLike, bits: int = 8, size: int = 0) -> None:
    """Raises InputError if `write_image` could not write such a picture to `path`.

    Args:
        path: of the file.
        bits: of a channel.
        size: longest side in pixels.
    """
    known = DEEP_SUFFIXES if bits == 16 else SUFFIXES
    if pathlib.Path(path).suffix.lower() not in known:
        depth = " for 16 bits" if bits == 16 else ""
        raise InputError(f"{path}: the suffix must be one of {', '.join(known)}{depth}")
    longest = LONGEST_SIDE.get(pathlib.Path(path).suffix.lower(), size)
    if size > longest:
        raise InputError(f"{path}: such a file has at most {longest} pixels a side; use .png")
    files.check_writable(path)


def _save_pillow(path: pathlib.Path, pixels: np.ndarray, description: str) -> None:
    picture = Image.fromarray(pixels)
    options: dict[str, Any] = {"icc_profile": SRGB_BYTES}
    if path.suffix.lower() == ".png":
        options["compress_level"] = PNG_LEVEL
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_text("Software", "tfstyle")
        if description:
            options["pnginfo"].add_text("Description", description)
    else:
        options["exif"] = exif = Image.Exif()
        exif[SOFTWARE] = "tfstyle"
        if description:
            exif[DESCRIPTION] = description
        options["quality"] = JPEG_QUALITY
        if path.suffix.lower() != ".webp":
            options["subsampling"] = "4:4:4"
    picture.save(path, **options)


def _save_tiff(path: pathlib.Path, pixels: np.ndarray, description: str) -> None:
    import tifffile

    tifffile.imwrite(
        path,
        pixels,
        photometric="rgb",
        extrasamples=["unassalpha"] if pixels.shape[-1] == 4 else None,
        compression="zlib",
        predictor=True,
        software="tfstyle",
        description=description or None,
        metadata=None,
        iccprofile=SRGB_BYTES,
    )


def _encode_deep_png(pixels: np.ndarray, description: str) -> bytes:
    """PNG file of uint16 pixels; the description is spliced in after the header."""
    import tensorflow as tf

    data = tf.io.encode_png(pixels).numpy()
    body = b"tEXt" + b"Description\0" + description.encode("ascii")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    header = 33  # signature and IHDR
    return data[:header] + (chunk if description else b"") + data[header:]
