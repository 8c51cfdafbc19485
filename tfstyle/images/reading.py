"""Decoding: any supported file becomes upright sRGB of 8 or 16 bits."""

import contextlib
import dataclasses
import io
import math
import os
import pathlib
import struct
import threading
import zlib
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from PIL import Image, ImageOps

from tfstyle.errors import InputError
from tfstyle.images import modes
from tfstyle.images.formats import HEIC_HINT, KINDS, formats, is_undecoded_heic
from tfstyle.images.orientation import orientation_of, upright
from tfstyle.images.resizing import fill_transparent, fit, resize
from tfstyle.images.writing import DESCRIPTION
from tfstyle.parsing import json_text
from tfstyle.runtime import memory

MAX_PIXELS = 178_000_000  # Pillow takes more for a decompression bomb; 2.1 GB as float32
MAX_REDUCED = 3 * MAX_PIXELS  # of a picture that is reduced in 8 bits: the same memory
MOST_PARAMETERS = 1 << 20  # characters of JSON in a picture
_LOSSY = ("JPEG", "MPO", "WEBP", "AVIF", "HEIF")
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
_RESULT_BYTES = 24  # of a pixel, in float32 with a copy
# What Pillow and, the last one, pillow-heif raise for damaged files.
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, RuntimeError)
_LIMIT_LOCK = threading.Lock()


def read_image(
    path: str | os.PathLike, size: int | None = None, *, enlarge: bool = True
) -> np.ndarray:
    """Reads a picture as `(1, h, w, 3)` float32 sRGB in [0, 1], upright.

    Fully transparent pixels take the colours of the visible ones around them.

    Args:
        path: JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF or HEIC (the first picture): grey, palette, RGB,
            CMYK, with or without alpha, 8 or 16 bits, any colour profile. 16 bits keep their
            precision; where a profile makes a conversion necessary, colours are exact to a level
            of 8 bits. A picture of more than `MAX_PIXELS` is read with 8 bits.
        size: longest side of the result in pixels, or None for the file's own. A picture at least
            twice as large is reduced while it is decoded, so that it may have more pixels than
            `MAX_PIXELS`: a JPEG that is not progressive any number, others `MAX_REDUCED`.
        enlarge: whether a smaller picture is enlarged to `size`.
    Raises: InputError if the file is missing, no regular file, damaged, not such an image, or has
        too many pixels.
    """
    if size is not None and size < 1:
        raise ValueError(f"`size` must be None or at least 1. Received: {size=}")
    if size is not None and enlarge:
        height, width = fit(image_size(path), size)
        memory.check(
            _RESULT_BYTES * height * width, f"{path}, at {width} × {height} pixels",
            "a smaller --size needs less",
        )  # fmt: skip
    found = _read(path, size)
    rgb, alpha = found.pixels[..., :3], found.alpha()
    if alpha is not None:
        rgb = fill_transparent(rgb, alpha)
    return found.resized(rgb, size, enlarge)


def read_ample(path: str | os.PathLike, size: int) -> np.ndarray:
    """A picture to be resampled to `size` or less: in full, if it has `MAX_PIXELS` at most.

    Otherwise its longest side is about four times `size`, or half the file's own.
    """
    shape = image_size(path)
    if math.prod(shape) <= MAX_PIXELS:
        return read_image(path)
    return read_image(path, min(4 * size, max(shape) // 2))


def read_alpha(
    path: str | os.PathLike, size: int | None = None, *, enlarge: bool = True
) -> np.ndarray | None:
    """Opacity of a picture as `(1, h, w, 1)` float32 in [0, 1]; None if it is opaque.

    Arguments and errors are those of `read_image`.
    """
    found = _read(path, size)
    alpha = found.alpha()
    return None if alpha is None else found.resized(alpha[..., None], size, enlarge)


def read_training_image(data: bytes, name: str, reduced: int | None = None) -> Image.Image:
    """An upright sRGB picture of 8 bits, fast, for training.

    Args:
        data: the file's bytes.
        name: of the file, for errors.
        reduced: if given, a JPEG is decoded at the smallest scale, 1/8 to 1/1, whose shorter side
            has at least so many pixels.
    Returns: a Pillow image of mode RGB.
    Raises: InputError if the bytes are no readable image.
    """
    with _open(name, data) as image:
        shortest = min(image.size)
        large = math.prod(image.size) > MAX_PIXELS
        _, factor = _draft(image, name, min(shortest, reduced or shortest), shortest)
        factor = factor if large else 1
        orientation = orientation_of(image)
        image.load()
        modes.check_mode(image, name)
        planes = modes.has_deep_planes(image)
        deep = modes.read_deep(io.BytesIO(data), image) if planes and not large else None
        if factor == 1 and image.mode == "RGB" and "icc_profile" not in image.info and not planes:
            return ImageOps.exif_transpose(image)
        if deep is None:
            modes.check_planes(image, name)
            orientation = orientation_of(image)
            srgb = modes.to_srgb(image, factor)
        else:
            srgb = Image.fromarray(np.round(deep * 255.0).astype(np.uint8))
    if srgb.mode == "RGBA":
        rgba = np.asarray(srgb, np.float32) / 255.0
        filled = fill_transparent(rgba[..., :3], rgba[..., 3])
        srgb = Image.fromarray(np.round(np.clip(filled, 0.0, 1.0) * 255.0).astype(np.uint8))
    return Image.fromarray(upright(np.asarray(srgb), orientation))


def image_size(path: str | os.PathLike) -> tuple[int, int]:
    """`(height, width)` from a file's header, of any number of pixels; errors as above."""
    with _open(path) as image:
        return image.height, image.width


def is_animated(path: str | os.PathLike) -> bool:
    """Whether a file holds several pictures to be shown in turn; errors as above."""
    with _open(path) as image:
        return image.format in _ANIMATED and bool(getattr(image, "is_animated", False))


def is_lossy(path: str | os.PathLike) -> bool:
    """Whether a file's format changes colours near edges; errors as above."""
    with _open(path) as image:
        return image.format in _LOSSY


def read_parameters(path: str | os.PathLike) -> dict[str, Any]:
    """The parameters that `write_image` put into a file.

    Raises: InputError if the file is not a readable image or holds none.
    """
    with _open(path) as image:
        text = image.info.get("Description") or image.getexif().get(DESCRIPTION)
    none = f"{path}: holds no parameters; give a picture that this program wrote"
    if not isinstance(text, str) or not text.startswith("{"):
        raise InputError(none)
    try:
        return json_text.check(json_text.parse(text, MOST_PARAMETERS), dict)
    except ValueError as error:
        raise InputError(f"{none} ({error})") from error


@contextlib.contextmanager
def _open(path: str | os.PathLike, data: bytes | None = None) -> Iterator[Image.Image]:
    """The opened file, or its `data`; any error in it becomes one InputError."""
    path = pathlib.Path(path)
    head = b""
    try:
        if data is None and path.is_dir():
            raise InputError(f"{path}: is a folder; give an image file ({KINDS})")
        if data is None:
            path.stat()  # an error with a reason, if it cannot be found
        if data is None and not path.is_file():  # opening a FIFO would wait for its writer
            raise InputError(f"{path}: is not a regular file; give an image file ({KINDS})")
        # Given a path, Pillow maps an uncompressed TIFF into memory and orients it wrongly.
        opened: IO[bytes] = open(path, "rb") if data is None else io.BytesIO(data)
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(opened)
            head = file.read(16)
            try:
                image = Image.open(file, formats=formats())
            except Image.DecompressionBombError:
                stack.enter_context(_without_pillows_limit())
                image = Image.open(file, formats=formats())
            yield stack.enter_context(image)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except _DAMAGED as error:
        reason = " ".join((getattr(error, "strerror", None) or str(error)).split())
        if "cannot identify" in reason:
            reason = "unknown format" if head else "empty"
            if head[:4] in (b"II*\0", b"MM\0*"):
                reason = "TIFF of unusual pixels; save it with 8 or 16 bits a channel"
        if is_undecoded_heic(head):
            reason = HEIC_HINT
        raise InputError(f"{path}: not a readable image, {KINDS} ({reason})") from error


@contextlib.contextmanager
def _without_pillows_limit() -> Iterator[None]:
    """Pillow's limit on pixels, which is global, does not apply; `_check_pixels` does instead."""
    with _LIMIT_LOCK:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


@dataclasses.dataclass(frozen=True)
class _Decoded:
    """Pixels of a file, perhaps reduced.

    Attributes:
        pixels: `(h, w, 3 or 4)` float32 sRGB in [0, 1], not turned upright.
        shape: `(height, width)` of the whole picture.
        factor: by which it was reduced, each side being rounded up.
        orientation: EXIF's.
    """

    pixels: np.ndarray
    shape: tuple[int, int]
    factor: int
    orientation: int

    def alpha(self) -> np.ndarray | None:
        """`(h, w)` opacity, or None if all is opaque."""
        alpha = self.pixels[..., 3] if self.pixels.shape[-1] == 4 else None
        return None if alpha is None or alpha.min() == 1.0 else alpha

    def resized(self, pixels: np.ndarray, size: int | None, enlarge: bool) -> np.ndarray:
        """`(1, …)` upright, resized to `size` as `read_image` says."""
        shape = self.shape
        if size is not None and (enlarge or size < max(shape)):
            shape = fit(shape, size)
        box = (self.shape[0] / self.factor, self.shape[1] / self.factor)
        return upright(resize(pixels[None], shape, box=box)[0], self.orientation)[None]


def _read(path: str | os.PathLike, size: int | None = None) -> _Decoded:
    """Decodes a file, reduced if it is much larger than `size`."""
    with _open(path) as image:
        full = image.size
        longest, pixels = max(full), math.prod(full)
        # Twice the size is left to the final filter; once, if that is too much memory.
        spare = 2 if pixels <= MAX_PIXELS or longest >= 4 * (size or longest) else 1
        scale, factor = _draft(image, path, min(longest, spare * (size or longest)), longest)
        orientation = orientation_of(image)
        image.load()
        modes.check_mode(image, path)
        deep = modes.read_deep(path, image) if pixels <= MAX_PIXELS else None
        if image.format != "TIFF" or deep is None or modes.is_deep_grey(image):
            orientation = orientation_of(image)  # Pillow has turned a TIFF
        if deep is not None:
            return _Decoded(deep, deep.shape[:2], 1, orientation)
        modes.check_planes(image, path)
        rgba = np.asarray(modes.to_srgb(image, factor), np.float32) / 255.0
    return _Decoded(rgba, full[::-1], scale * factor, orientation)


def _draft(image: Image.Image, path: str | os.PathLike, least: int, side: int) -> tuple[int, int]:
    """Has a JPEG decoded at reduced scale.

    Args:
        image: opened, not loaded.
        path: for the error.
        least: pixels that `side` should keep.
        side: of the image, the longer or the shorter one.
    Returns: the factor by which it is reduced, and the one by which to reduce it further.
    Raises: InputError if the image would take too much memory.
    """
    full, pixels, scale = image.size, math.prod(image.size), 1
    if least < side:
        share = least / side
        wanted = (math.ceil(image.width * share), math.ceil(image.height * share))
        drafted = image.draft(None, wanted)
        if drafted:
            scale = round(full[0] / drafted[1][2])
    factor = max(1, side // (scale * least))
    result = math.prod(image.size)
    # Of a progressive JPEG, all coefficients are held, whatever the scale.
    decoded = pixels if "progressive" in image.info else result
    if result // factor**2 > MAX_PIXELS:
        remedy = (
            f"more than {MAX_PIXELS // 1_000_000} can only be read at half the sides or less; give "
            "such a --size, or reduce the file"
        )
    elif decoded > MAX_REDUCED:
        remedy = (
            f"more than {MAX_REDUCED // 1_000_000} can be read of a JPEG that is not progressive; "
            "save it as one, or reduce the file"
        )
    else:
        return scale, factor
    raise InputError(f"{path}: has {pixels // 1_000_000} million pixels; {remedy}")
