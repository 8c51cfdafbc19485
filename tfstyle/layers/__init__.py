"""Keras layers, and functions of their maps, for images of any size."""

from tfstyle.layers.geometry import (
    ReflectionPadding2D,
    Upsampling2D,
    crop,
    per_channel,
    precision,
    without_margin,
)
from tfstyle.layers.normalization import (
    AdaIN,
    ConditionalInstanceNormalization,
    InstanceNormalization,
)
from tfstyle.layers.warping import warp

__all__ = [
    "AdaIN",
    "ConditionalInstanceNormalization",
    "InstanceNormalization",
    "ReflectionPadding2D",
    "Upsampling2D",
    "crop",
    "per_channel",
    "precision",
    "warp",
    "without_margin",
]
