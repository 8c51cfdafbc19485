"""Decoding: any supported file becomes upright sRGB of 8 or 16 bits."""

import contextlib
import io
import math
import os
import pathlib
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps

from tfstyle.errors import InputError
from tfstyle.images.resizing import fit, resample, resize
from tfstyle.images.writing import DESCRIPTION, SRGB
from tfstyle.parsing import json_text

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "GIF")
MAX_PIXELS = 178_000_000  # Pillow takes more for a decompression bomb; 2.1 GB as float32
MOST_PARAMETERS = 1 << 20  # characters of JSON in a picture


def read_image(path: str | os.PathLike, size: int | None = None) -> np.ndarray:
    """Reads a picture as `(1, h, w, 3)` float32 sRGB in [0, 1], upright.

    Fully transparent pixels take the colours of the visible ones around them.

    Args:
        path: PNG, JPEG, WebP, TIFF or GIF (first frame): grey, palette, RGB, CMYK, with or without
            alpha, 8 or 16 bits, any colour profile. RGB of 16 bits keeps its precision unless a
            profile other than sRGB makes a conversion necessary.
        size: longest side of the result in pixels, or None for the file's own.
    Raises: InputError if the file is missing, damaged, not such an image or above `MAX_PIXELS`.
    """
    rgb, alpha = _read_rgba(path)
    if alpha is not None:
        rgb = _fill_transparent(rgb, alpha)
    if size is not None:
        rgb = resize(rgb[None], fit(rgb.shape[:2], size))[0]
    return rgb[None]


def read_alpha(path: str | os.PathLike, size: int | None = None) -> np.ndarray | None:
    """Opacity of a picture as `(1, h, w, 1)` float32 in [0, 1]; None if it is opaque.

    Arguments and errors are those of `read_image`.
    """
    _, alpha = _read_rgba(path)
    if alpha is None:
        return None
    alpha = alpha[None, :, :, None]
    return alpha if size is None else resize(alpha, fit(alpha.shape[1:3], size))


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
        if reduced:
            scale = reduced / min(image.size)
            image.draft("RGB", (math.ceil(image.width * scale), math.ceil(image.height * scale)))
        image.load()
        _refuse_float(image, name)
        if image.mode == "RGB" and "icc_profile" not in image.info:
            return ImageOps.exif_transpose(image)
        upright = _to_srgb(ImageOps.exif_transpose(image))
    if upright.mode == "RGBA":
        rgba = np.asarray(upright, np.float32) / 255.0
        filled = _fill_transparent(rgba[..., :3], rgba[..., 3])
        upright = Image.fromarray(np.round(np.clip(filled, 0.0, 1.0) * 255.0).astype(np.uint8))
    return upright


def image_size(path: str | os.PathLike) -> tuple[int, int]:
    """`(height, width)` from a file's header; errors as above."""
    with _open(path) as image:
        return image.height, image.width


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
    kinds = "PNG, JPEG, WebP, TIFF or GIF"
    try:
        if data is None and path.is_dir():
            raise InputError(f"{path}: is a folder; give an image file ({kinds})")
        if data is None and not path.exists():
            raise InputError(f"{path}: no such file")
        # Given a path, Pillow maps an uncompressed TIFF into memory and orients it wrongly.
        opened = open(path, "rb") if data is None else io.BytesIO(data)
        with opened as file, Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            yield image
    except Image.DecompressionBombError as error:
        raise InputError(
            f"{path}: has more than {MAX_PIXELS // 1_000_000} million pixels; reduce it first"
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if "cannot identify" in reason and not (path.stat().st_size if data is None else data):
            reason = "empty"
        if "cannot identify" in reason:
            reason = "unknown format"
        raise InputError(f"{path}: not a readable image, {kinds} ({reason})") from error


def _read_rgba(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray | None]:
    """`(h, w, 3)` sRGB and, unless all is opaque, `(h, w)` alpha, float32 in [0, 1], upright."""
    with _open(path) as image:
        orientation = image.getexif().get(0x0112, 1)  # Pillow drops a TIFF's on loading
        image.load()
        profile = image.info.get("icc_profile")
        rgba = None
        if not profile or _is_srgb(profile):
            rgba = _read_deep(path, image, orientation)
        if rgba is None:
            upright = _to_srgb(ImageOps.exif_transpose(image))
            rgba = np.asarray(upright, np.float32) / 255.0
    alpha = rgba[..., 3] if rgba.shape[-1] == 4 else None
    return rgba[..., :3], None if alpha is None or alpha.min() == 1.0 else alpha


def _to_srgb(image: Image.Image) -> Image.Image:
    """RGB or RGBA of 8 bits from an image of any mode that Pillow reads."""
    transparent = "A" in image.getbands() or "transparency" in image.info
    alpha = image.convert("RGBA").getchannel("A") if transparent else None
    if image.mode.startswith("I"):  # with a profile of its own
        levels = Image.fromarray(np.round(_grey_levels(image) * 255.0).astype(np.uint8))
        levels.info, image = image.info, levels
    if image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("L" if image.mode in ("LA", "1") else "RGB")
    profile = image.info.get("icc_profile")
    if profile:
        try:
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                SRGB,
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
            image = converted or image
        except (ImageCms.PyCMSError, OSError):  # a damaged profile, or one of another colour space
            pass
    image = image.convert("RGB")
    if alpha is not None:
        image.putalpha(alpha)
    return image


def _is_srgb(profile: bytes) -> bool:
    """Whether a profile is named sRGB; an unreadable one is ignored, as if it were."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return "srgb" in ImageCms.getProfileDescription(opened).lower()
    except (ImageCms.PyCMSError, OSError):
        return True


def _grey_levels(image: Image.Image) -> np.ndarray:
    """`(h, w)` float32 in [0, 1] of an image with integers of more than 8 bits."""
    grey = np.clip(np.asarray(image).astype(np.float32) / 65535.0, 0.0, 1.0)
    tags = getattr(image, "tag_v2", {})
    return 1.0 - grey if tags.get(262) == 0 else grey  # PhotometricInterpretation: 0 is white


def _read_deep(path: str | os.PathLike, image: Image.Image, orientation: int) -> np.ndarray | None:
    """`(h, w, 3 or 4)` in [0, 1], upright, if a file has more than 8 bits a channel; else None."""
    if image.mode.startswith("I"):  # Pillow has oriented a TIFF, but not a PNG
        grey = np.repeat(_grey_levels(image)[..., None], 3, axis=-1)
        return grey if image.format == "TIFF" else _orient(grey, orientation)
    _refuse_float(image, path)
    if image.format == "PNG":
        data = pathlib.Path(path).read_bytes()
        if data[24] == 16:  # bit depth in IHDR, which comes first
            import tensorflow as tf

            deep = tf.io.decode_png(data, dtype=tf.uint16).numpy()
            if deep.shape[-1] < 3:  # grey with alpha
                deep = np.concatenate([np.repeat(deep[..., :1], 3, -1), deep[..., 1:]], axis=-1)
            return _orient(deep.astype(np.float32) / 65535.0, orientation)
    if image.format == "TIFF" and image.tag_v2.get(258, (8,))[0] == 16:  # type: ignore[attr-defined]
        import tifffile

        with contextlib.suppress(ValueError):  # an unsupported compression: Pillow's 8 bits
            with tifffile.TiffFile(path) as file:
                page = file.pages.first
                deep = page.asarray()
            if page.planarconfig == 2 and deep.ndim == 3:  # a plane for each channel
                deep = np.moveaxis(deep, 0, -1)
            if deep.dtype == np.uint16 and deep.ndim == 3 and deep.shape[-1] in (3, 4):
                deep = deep.astype(np.float32) / 65535.0
                if 1 in page.extrasamples:  # premultiplied alpha
                    colors = deep[..., :3] / np.maximum(deep[..., 3:], 1e-6)
                    deep = np.concatenate([np.minimum(colors, 1.0), deep[..., 3:]], axis=-1)
                return _orient(deep, orientation)
    return None


def _refuse_float(image: Image.Image, path: str | os.PathLike) -> None:
    if image.mode == "F":
        raise InputError(f"{path}: has floating-point pixels; save it with 8 or 16 bits a channel")


def _orient(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """`(h, w, c)` upright, from EXIF's orientation."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    vertical, horizontal = {
        2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)
    }.get(orientation, (1, 1))  # fmt: skip
    return np.ascontiguousarray(pixels[::vertical, ::horizontal])


def _fill_transparent(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Fills transparent pixels with the colours of the visible ones around them (pull-push).

    A style transfer sees every pixel: without this, the hidden colours of transparent parts would
    cause edges and be painted.
    """
    weight = alpha[..., None]
    if min(rgb.shape[:2]) == 1 or not weight.any():
        coarse = (rgb * weight).sum((0, 1)) / weight.sum() if weight.any() else np.ones(3)
    else:
        linear = Image.Resampling.BILINEAR
        half = ((rgb.shape[0] + 1) // 2, (rgb.shape[1] + 1) // 2)
        small = resample(np.concatenate([rgb * weight, weight], axis=-1), half, linear)
        small_alpha = small[..., 3]
        small_rgb = small[..., :3] / np.maximum(small[..., 3:], 1e-6)
        filled = _fill_transparent(small_rgb, np.minimum(1.0, small_alpha * 2))
        coarse = resample(filled, (rgb.shape[0], rgb.shape[1]), linear)
    return (rgb * weight + coarse * (1.0 - weight)).astype(np.float32)
