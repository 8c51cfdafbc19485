"""Colour profiles, by LittleCMS."""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_DATE = slice(24, 36)  # bytes of a profile's header: when it was made
_DAY = bytes.fromhex("07d0 0001 0001 0000 0000 0000")
SRGB_BYTES = SRGB.tobytes()[: _DATE.start] + _DAY + SRGB.tobytes()[_DATE.stop :]  # always the same
_BAND = 4_000_000  # pixels converted at once
_RAMP = np.arange(256, dtype=np.uint8)
_GRID = np.stack(np.meshgrid(*[_RAMP[::51]] * 3), axis=-1).reshape(1, -1, 3)  # 216 colours
_COLORS = {
    "L": _RAMP[None],
    "RGB": np.concatenate([_GRID, np.repeat(_RAMP[None, :, None], 3, axis=-1)], axis=1),
}


@functools.lru_cache(maxsize=16)
def srgb_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from a profile to sRGB of 8 bits, or None if there is nothing to do.

    That is so for a profile that is damaged, or of another colour space than the picture, and for
    one under which no colour is more than a level away from sRGB, whatever its name.

    Args:
        profile: an ICC profile.
        mode: of the picture: L, RGB or CMYK.
    """
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            SRGB,
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError):
        return None
    if mode in _COLORS:
        colors = Image.fromarray(_COLORS[mode])
        converted = np.asarray(transform.apply(colors), int)
        if np.abs(converted - np.asarray(colors.convert("RGB"), int)).max() <= 1:
            return None
    return transform


def convert_deep(pixels: np.ndarray, transform: ImageCms.ImageCmsTransform) -> np.ndarray:
    """`(h, w, 3)` sRGB of `(h, w, 1 or 3)` floats in [0, 1], by a transform of 8 bits.

    Values between two of its levels are interpolated linearly, so that gradients stay smooth, also
    where the profile's curve is steep. LittleCMS has 16 bits for this, but Pillow has not.
    """
    result = np.empty((*pixels.shape[:2], 3), np.float32)
    rows = max(1, _BAND // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        levels = pixels[top : top + rows] * 255.0
        whole = np.clip(levels, 0, 254).astype(np.uint8)
        start = _apply(transform, whole)
        band = start.copy()
        for channel in range(whole.shape[-1]):
            step = np.zeros(whole.shape[-1], np.uint8)
            step[channel] = 1
            part = (levels - whole)[..., channel, None]
            band += part * (_apply(transform, whole + step) - start)
        result[top : top + rows] = np.clip(band / 255.0, 0.0, 1.0)
    return result


def _apply(transform, levels):
    """Float32 levels `(h, w, 3)` of uint8 ones."""
    image = Image.fromarray(levels if levels.shape[-1] == 3 else levels[..., 0])
    return np.asarray(transform.apply(image), np.float32)
