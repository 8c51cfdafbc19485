"""Pixels of any mode that Pillow reads, as sRGB."""

import contextlib
import os
import pathlib
from typing import IO

import numpy as np
from PIL import Image

from tfstyle.errors import InputError
from tfstyle.images.profiles import convert_deep, srgb_transform

_BAND = 4_000_000  # pixels converted at once
_STRAIGHT = {"La": "LA", "RGBa": "RGBA"}  # modes of premultiplied alpha
_GREY = ("1", "L", "LA")


def check_mode(image: Image.Image, path: str | os.PathLike) -> None:
    """Raises InputError for pixels whose black and white the format does not define."""
    kind = {"F": "floating-point", "I": "signed or 32-bit"}.get(image.mode)
    if kind:
        raise InputError(f"{path}: has {kind} pixels; save it with 8 or 16 bits a channel")


def to_srgb(image: Image.Image, factor: int = 1) -> Image.Image:
    """RGB, or RGBA where pixels may be transparent, of 8 bits.

    Args:
        image: loaded, of any mode that `check_mode` accepts. It is not turned upright.
        factor: by which both sides are divided, rounded up; pixels are averaged. Memory is that of
            the image and of the result.
    """
    size = (-(-image.width // factor), -(-image.height // factor))
    transparent = "A" in image.getbands() or "a" in image.getbands()
    result = Image.new("RGBA" if transparent or "transparency" in image.info else "RGB", size)
    rows = factor * max(1, _BAND // (factor * image.width))
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        if is_deep_grey(image):
            band = _eight_bits(band, *_scale(image))
        result.paste(_convert(band).reduce(factor), (0, top // factor))
    return result


def is_deep_grey(image: Image.Image) -> bool:
    """Whether it has grey levels of more than 8 bits."""
    return image.mode.startswith("I;16")


def read_deep(path: str | os.PathLike | IO[bytes], image: Image.Image) -> np.ndarray | None:
    """`(h, w, 3 or 4)` float32 sRGB in [0, 1] if a file has 16 bits a channel; else None.

    It is as in the file, not turned upright, but for a grey TIFF, which Pillow has turned.
    """
    deep = _deep_values(path, image)
    profile = image.info.get("icc_profile")
    if deep is None or not profile:
        return deep
    grey = is_deep_grey(image)
    transform = srgb_transform(profile, "L" if grey else "RGB")
    if transform is None:
        return deep
    converted = convert_deep(deep[..., : 1 if grey else 3], transform)
    return np.concatenate([converted, deep[..., 3:]], axis=-1)


def has_deep_planes(image: Image.Image) -> bool:
    """Whether a TIFF has 16 bits and a plane for each channel, which Pillow decodes wrongly."""
    tags = getattr(image, "tag_v2", {})
    return image.format == "TIFF" and tags.get(258, (8,))[0] == 16 and tags.get(284) == 2


def check_planes(image: Image.Image, path: str | os.PathLike) -> None:
    """Raises InputError if Pillow's pixels are wrong, and there are no others."""
    if has_deep_planes(image):
        raise InputError(
            f"{path}: a TIFF of 16 bits with a plane for each channel, which can only be read with "
            "a common compression and up to 178 million pixels; save it with interleaved channels"
        )


def _deep_values(path, image):
    """Those in the file, grey repeated three times."""
    if is_deep_grey(image):
        white, inverted = _scale(image)
        values = np.asarray(image)
        grey = np.clip(values.astype(np.float32) / white, 0.0, 1.0)
        bands = [1.0 - grey if inverted else grey] * 3
        if "transparency" in image.info:
            bands.append(np.float32(values != image.info["transparency"]))
        return np.stack(bands, axis=-1)
    if image.format == "PNG":
        data = pathlib.Path(path).read_bytes()
        if data[24] == 16:  # bit depth in IHDR, which comes first
            import tensorflow as tf

            deep = tf.io.decode_png(data, dtype=tf.uint16).numpy()
            if deep.shape[-1] < 3:  # grey with alpha
                deep = np.concatenate([np.repeat(deep[..., :1], 3, -1), deep[..., 1:]], axis=-1)
            return deep.astype(np.float32) / 65535.0
    bits = getattr(image, "tag_v2", {}).get(258, (8,))[0]
    if image.format == "TIFF" and bits == 16 and image.mode in ("RGB", "RGBA"):
        import tifffile

        with contextlib.suppress(ValueError):  # an unsupported compression: Pillow's 8 bits
            with tifffile.TiffFile(path) as file:
                page = file.pages.first
                deep = page.asarray()
            if page.planarconfig == 2 and deep.ndim == 3:  # a plane for each channel
                deep = np.moveaxis(deep, 0, -1)
            if deep.dtype == np.uint16 and deep.ndim == 3 and deep.shape[-1] in (3, 4):
                deep = deep[..., : len(image.getbands())].astype(np.float32) / 65535.0
                if 1 in page.extrasamples:  # premultiplied alpha
                    colors = deep[..., :3] / np.maximum(deep[..., 3:], 1e-6)
                    deep = np.concatenate([np.minimum(colors, 1.0), deep[..., 3:]], axis=-1)
                return deep
    return None


def _scale(image):
    """White's value, and whether 0 is white, of deep grey."""
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(258, (16,))[0]  # BitsPerSample; some scanners write 12
    return 2.0**bits - 1.0, tags.get(262) == 0  # PhotometricInterpretation


def _eight_bits(image, white, inverted):
    values = np.asarray(image)
    levels = np.round(np.clip(values * (255.0 / white), 0.0, 255.0)).astype(np.uint8)
    grey = Image.fromarray(255 - levels if inverted else levels)
    if "transparency" in image.info:
        opaque = values != image.info["transparency"]
        grey = Image.merge("LA", [grey, Image.fromarray(np.uint8(opaque) * np.uint8(255))])
    grey.info = {key: value for key, value in image.info.items() if key != "transparency"}
    return grey


def _convert(image):
    """A band in sRGB, with alpha if it may have some."""
    image = image.convert(_STRAIGHT.get(image.mode, image.mode))
    transparent = "A" in image.getbands() or "transparency" in image.info
    alpha = image.convert("RGBA").getchannel("A") if transparent else None
    profile = None if image.mode == "LAB" else image.info.get("icc_profile")
    if image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("L" if image.mode in _GREY else "RGB")
    transform = srgb_transform(profile, image.mode) if profile else None
    image = (transform.apply(image) if transform else image).convert("RGB")
    if alpha is not None:
        image.putalpha(alpha)
    return image
