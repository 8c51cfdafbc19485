"""The temporal term: what a model paints of a photograph shall move with the photograph."""

from collections.abc import Callable
from typing import Any

from keras import ops

from tfstyle import layers, losses
from tfstyle.models import StyleTransferModel


def loss_terms_of(model: StyleTransferModel, temporal_weight: float) -> Callable[[Any], Any]:
    """A model's `loss_terms`, with a term for clips, "temporal", if it has a weight.

    A photograph and a moved, noised copy of it are painted; the copy's picture is compared, by
    `losses.TemporalConsistencyLoss`, with the photograph's, moved likewise. After Wang et al.,
    "Consistent Video Style Transfer via Relaxation and Regularization" (ReReVST), IEEE TIP 2020,
    which also trains on pictures instead of clips.

    Args:
        model: of any architecture.
        temporal_weight: 0 for the model's terms alone.
    Returns: a function of the inputs of `loss_terms` and, for the term, what `data.Motions` has for
        each: `"places": (batch, h, w, 2)` and `"noise": (batch, h, w, 3)`.
    """
    if not temporal_weight:
        return model.loss_terms
    loss = losses.TemporalConsistencyLoss()

    def loss_terms(inputs):
        terms = model.loss_terms(inputs)
        content, places = inputs["content"], inputs["places"]
        copy = ops.clip(layers.warp(content, places) + inputs["noise"], 0.0, 1.0)
        code = model.encode(inputs)
        last = {"image": ops.stop_gradient(model.stylize(content, code)), "places": places}
        temporal = temporal_weight * loss(last, model.stylize(copy, code))
        return {**terms, "temporal": temporal, "total": terms["total"] + temporal}

    return loss_terms
