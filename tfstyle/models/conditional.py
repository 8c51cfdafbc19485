"""Many styles in one network, by conditional instance normalization.

Dumoulin, Shlens and Kudlur, "A Learned Representation for Artistic Style", ICLR 2017,
https://arxiv.org/abs/1610.07629.
"""

import keras

from tfstyle.models.capabilities import MixableCodes, MoreStyles
from tfstyle.models.fixed_styles import FixedStylesModel


@keras.saving.register_keras_serializable(package="tfstyle")
class ConditionalModel(FixedStylesModel, MoreStyles, MixableCodes):
    """One network for all styles, each of which has its own scales and shifts (section 2.2).

    A code has the `shares` of the styles, `(batch, styles)`, one-hot for a single one: mixtures
    mix scales and shifts (section 3.3). `keep_styles` trains those of further styles alone (section
    3.2). The network differs from the paper's as `TransformNetwork` says, and is half as wide; the
    loss is that of `JohnsonModel`. Arguments are those of the base.
    """
