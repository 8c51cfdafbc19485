"""One style in one network.

Johnson, Alahi and Li, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV
2016, https://arxiv.org/abs/1603.08155, with instance normalization (Ulyanov, Vedaldi and Lempitsky,
"Improved Texture Networks", CVPR 2017, https://arxiv.org/abs/1701.02096).
"""

import keras

from tfstyle.models.fixed_styles import FixedStylesModel


@keras.saving.register_keras_serializable(package="tfstyle")
class JohnsonModel(FixedStylesModel):
    """One style in one network; its code is empty.

    The loss is that of the paper's section 3.2 in the terms of `losses`: errors of normalized
    channels at `CONTENT_LAYERS`, and relative errors of the statistics at `STYLE_LAYERS`, of lite's
    or VGG-19's activations instead of VGG-16's. The network differs from the paper's as
    `TransformNetwork` says, and is half as wide, so that a style is learned in minutes on a CPU.
    Arguments are those of the base.
    """

    most_styles = 1

    def encode_index(self, index):
        return {}

    def _affine(self, code):
        return super()._affine({"shares": [[1.0]]})
