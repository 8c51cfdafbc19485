"""What a run minimizes: the model's own loss or its teacher's pictures, and what moves."""

from collections.abc import Callable
from typing import Any

from tfstyle.models import StyleTransferModel
from tfstyle.training.distillation import distillation_terms
from tfstyle.training.moving_pairs import with_temporal_term


def loss_terms_of(
    model: StyleTransferModel,
    temporal_weight: float = 0.0,
    teacher: StyleTransferModel | None = None,
) -> Callable[[Any], Any]:
    """A function of a batch's inputs, as the model's `loss_terms`.

    Args:
        model: that is trained.
        temporal_weight: of `moving_pairs.with_temporal_term`; 0 for none.
        teacher: whose pictures it learns; None for its own loss.
    """
    terms = distillation_terms(model, teacher) if teacher else model.loss_terms
    return with_temporal_term(terms, model, temporal_weight)
