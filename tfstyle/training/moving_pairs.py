"""The temporal term: what a model paints of a photograph shall move with the photograph."""

from collections.abc import Callable
from typing import Any

from keras import ops

from tfstyle import layers, losses
from tfstyle.models import StyleTransferModel


def with_temporal_term(
    loss_terms: Callable[[Any], Any], model: StyleTransferModel, temporal_weight: float
) -> Callable[[Any], Any]:
    """Loss terms with one for clips, "temporal", if it has a weight.

    A photograph and a moved, noised copy of it are painted; the copy's picture is compared, by
    `losses.TemporalConsistencyLoss`, with the photograph's, moved likewise. After Wang et al.,
    "Consistent Video Style Transfer via Relaxation and Regularization" (ReReVST), IEEE TIP 2020,
    which also trains on pictures instead of clips.

    Args:
        loss_terms: function of the inputs.
        model: of any architecture.
        temporal_weight: 0 for the given terms alone.
    Returns: a function of the inputs of `loss_terms` and, for the term, what `data.Motions` has for
        each: `"places": (batch, h, w, 2)` and `"noise": (batch, h, w, 3)`.
    """
    if not temporal_weight:
        return loss_terms
    loss = losses.TemporalConsistencyLoss()

    def with_term(inputs):
        terms = loss_terms(inputs)
        content, places = inputs["content"], inputs["places"]
        copy = ops.clip(layers.warp(content, places) + inputs["noise"], 0.0, 1.0)
        code = model.encode(inputs)
        last = {"image": ops.stop_gradient(model.stylize(content, code)), "places": places}
        temporal = temporal_weight * loss(last, model.stylize(copy, code))
        return {**terms, "temporal": temporal, "total": terms["total"] + temporal}

    return with_term
