"""Image files ↔ float32 RGB: decode, orient, resize, encode.

Every picture inside the package is `(1, h, w, 3)` float32 sRGB in [0, 1]. `read_image` handles
orientation, colour profiles, grey, palettes, CMYK, alpha and bit depths; only `write_image` clips
and rounds to integers. TensorFlow is loaded for 16-bit PNG only.
"""

from tfstyle.images.folders import distinct_names, find_pictures, read_each
from tfstyle.images.formats import suffixes
from tfstyle.images.outputs import is_file_name, pair_outputs, style_names
from tfstyle.images.reading import (
    MAX_PIXELS,
    image_size,
    is_animated,
    read_alpha,
    read_ample,
    read_image,
    read_parameters,
    read_training_image,
)
from tfstyle.images.resizing import cover, fit, reduce, resize
from tfstyle.images.writing import SUFFIXES, check_output, write_image

__all__ = [
    "MAX_PIXELS",
    "SUFFIXES",
    "check_output",
    "cover",
    "distinct_names",
    "find_pictures",
    "fit",
    "image_size",
    "is_animated",
    "is_file_name",
    "pair_outputs",
    "read_alpha",
    "read_ample",
    "read_each",
    "read_image",
    "read_parameters",
    "read_training_image",
    "reduce",
    "resize",
    "style_names",
    "suffixes",
    "write_image",
]
