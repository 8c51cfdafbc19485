"""Distillation: a model learns the pictures that another one, its teacher, paints."""

from collections.abc import Callable
from typing import Any

from keras import ops

from tfstyle import encoders, losses
from tfstyle.models import StyleTransferModel

FEATURE_LAYERS = ("relu1_1", "relu2_1", "relu3_1")  # of `lite`
PIXEL_WEIGHT = 100.0  # of a squared difference, beside relative errors
EDGE_WEIGHT = 1.0
HALF_EVERY = 4  # pictures of a batch, of which one is painted at half strength


def distillation_terms(
    model: StyleTransferModel, teacher: StyleTransferModel
) -> Callable[[Any], Any]:
    """Loss terms that replace a model's own: how its pictures differ from its teacher's.

    In pixels, in edges, and in `lite`'s features at `FEATURE_LAYERS`, without which what the model
    cannot learn would be blurred. Every fourth picture is of half strength: else parts of a model
    that make no difference at full strength, such as the contrast of what a last transform of
    pixels gets, drift. After Hinton et al., "Distilling the Knowledge in a Neural
    Network", 2015, https://arxiv.org/abs/1503.02531, for pictures.

    Args:
        model: that learns.
        teacher: that takes the same inputs.
    Returns: a function of the inputs of `loss_terms`.
    """
    eye = encoders.load_encoder("lite", FEATURE_LAYERS, heads=False)
    eye.freeze()
    pixels, edges = losses.ContentLoss(normalize=False), losses.EdgeLoss((1, 2))
    features = losses.ContentLoss()

    def terms_of(inputs):
        content = inputs["content"]
        numbers = ops.cumsum(ops.ones_like(content[:, 0, 0, 0]))
        strength = ops.where(ops.equal(numbers % HALF_EVERY, 0.0), 0.5, 1.0)
        target = ops.stop_gradient(teacher({**inputs, "strength": strength}))
        image = model.paint(content, model.encode(inputs), strength)
        terms = {
            "teacher/pixels": PIXEL_WEIGHT * pixels(target, image),
            "teacher/edges": EDGE_WEIGHT * edges(target, image),
        }
        wanted, found = eye(target), eye(image)
        for name in FEATURE_LAYERS:
            terms[f"teacher/{name}"] = features(wanted[name], found[name])
        return {**terms, "total": sum(terms.values())}

    return terms_of
