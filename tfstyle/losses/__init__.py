"""Content, style and total variation losses, and `PerceptualLoss`, which adds them up.

A style loss compares a `statistic` of features: its `target` is that statistic of the style
images' features, computed once. Every term is divided by its target's mean square (`normalize`), so
that a weight means the same at any size, for any layer and for any encoder.
"""

import functools
from collections.abc import Callable

from tfstyle.losses.base import StyleLoss
from tfstyle.losses.content import ContentLoss, TotalVariationLoss
from tfstyle.losses.distributions import HistogramLoss, MMDLoss, SlicedWassersteinLoss
from tfstyle.losses.moments import GramLoss, MeanStdLoss, WassersteinLoss
from tfstyle.losses.perceptual import PerceptualLoss

STYLE_LOSSES: dict[str, Callable[..., StyleLoss]] = {
    "gram": GramLoss,
    "gram_cosine": functools.partial(GramLoss, distance="cosine"),
    "mean_std": MeanStdLoss,
    "wasserstein": WassersteinLoss,
    "sliced": SlicedWassersteinLoss,
    "sorted": functools.partial(SlicedWassersteinLoss, projections=0),
    "mmd_linear": functools.partial(MMDLoss, kernel="linear"),
    "mmd_polynomial": functools.partial(MMDLoss, kernel="polynomial"),
    "mmd_gaussian": MMDLoss,
    "histogram": HistogramLoss,
}

__all__ = [
    "STYLE_LOSSES",
    "ContentLoss",
    "GramLoss",
    "HistogramLoss",
    "MMDLoss",
    "MeanStdLoss",
    "PerceptualLoss",
    "SlicedWassersteinLoss",
    "StyleLoss",
    "TotalVariationLoss",
    "WassersteinLoss",
]
