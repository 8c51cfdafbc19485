"""Content, style and total variation losses, and `PerceptualLoss`, their weighted sum.

A style loss compares a `statistic` of features: its `target` is that statistic of the style
images' features, computed once. Every term is divided by its target's mean square (`normalize`), so
that a weight means the same at any size, for any layer and for any encoder.
"""

from tfstyle import registry
from tfstyle.config import parse_weights
from tfstyle.losses.content import (
    ContentLoss,
    EdgeLoss,
    GridLoss,
    SmoothnessLoss,
    TotalVariationLoss,
    luminance,
)
from tfstyle.losses.contrastive import ContrastiveLoss
from tfstyle.losses.distributions import HistogramLoss, MMDLoss, SlicedWassersteinLoss
from tfstyle.losses.moments import GramLoss, MeanStdLoss, WassersteinLoss
from tfstyle.losses.perceptual import Guides, PerceptualLoss, StyleTargets
from tfstyle.losses.relative import MomentLoss, StyleLoss
from tfstyle.losses.structure import LaplacianLoss, SelfSimilarityLoss
from tfstyle.losses.temporal_consistency import TemporalConsistencyLoss, TemporalLoss

__all__ = [
    "ContentLoss",
    "ContrastiveLoss",
    "EdgeLoss",
    "GramLoss",
    "GridLoss",
    "Guides",
    "HistogramLoss",
    "LaplacianLoss",
    "MMDLoss",
    "MeanStdLoss",
    "MomentLoss",
    "PerceptualLoss",
    "SelfSimilarityLoss",
    "SlicedWassersteinLoss",
    "SmoothnessLoss",
    "StyleLoss",
    "StyleTargets",
    "TemporalConsistencyLoss",
    "TemporalLoss",
    "TotalVariationLoss",
    "WassersteinLoss",
    "luminance",
    "make_style_loss",
    "weighted_style_losses",
]


def make_style_loss(name: str, seed: int = 0) -> StyleLoss:
    """A style loss of `registry.STYLE_LOSSES`.

    Args:
        name: such as "gram".
        seed: of random projections, for losses that have them.
    """
    loss = registry.resolve(registry.STYLE_LOSSES[name])()
    if hasattr(loss, "seed"):
        loss.seed = seed
    return loss


def weighted_style_losses(text: str, weight: float, seed: int = 0) -> list[tuple[StyleLoss, float]]:
    """Style losses with their weights, for a layer of `PerceptualLoss`.

    Args:
        text: names with optional shares, such as "gram,histogram:0.1".
        weight: that each share is multiplied by.
        seed: of `make_style_loss`.
    Raises: InputError of `config.parse_weights`.
    """
    shares = parse_weights("style_loss", text, tuple(registry.STYLE_LOSSES))
    return [(make_style_loss(name, seed), weight * share) for name, share in shares.items()]
