"""EXIF's orientations of pictures."""

import numpy as np
from PIL import Image

_TURNED = (5, 6, 7, 8)  # that swap width and height


def orientation_of(image: Image.Image) -> int:
    """EXIF's orientation; 1 is upright."""
    return image.getexif().get(0x0112, 1)


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """`(h, w, c)` upright, from EXIF's orientation."""
    if orientation in _TURNED:
        pixels = pixels.swapaxes(0, 1)
    vertical, horizontal = {
        2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)
    }.get(orientation, (1, 1))  # fmt: skip
    return np.ascontiguousarray(pixels[::vertical, ::horizontal])
