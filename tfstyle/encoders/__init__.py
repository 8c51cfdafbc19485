"""The feature encoders: VGG-19 and lite, their layer names and weight files.

Names are imported when first used, so that layer names and files can be checked without Keras.
"""

from typing import TYPE_CHECKING

from tfstyle import registry

if TYPE_CHECKING:
    from tfstyle.encoders.layer_names import HEAD_LAYERS, LAYERS
    from tfstyle.encoders.vgg19 import (
        CHANNEL_MEANS_BGR,
        LITE_WIDTHS,
        STRIDE,
        VGG19,
        VGG_WIDTHS,
        feature_scales,
        load_encoder,
    )

__all__ = [
    "CHANNEL_MEANS_BGR",
    "HEAD_LAYERS",
    "LAYERS",
    "LITE_WIDTHS",
    "STRIDE",
    "VGG19",
    "VGG_WIDTHS",
    "feature_scales",
    "load_encoder",
]

__getattr__ = registry.lazy(
    __name__,
    {
        **dict.fromkeys(__all__, "vgg19"),
        **dict.fromkeys(("HEAD_LAYERS", "LAYERS"), "layer_names"),
    },
)
