"""Small models of a transformation network with seeded weights, by name."""

import functools

import numpy as np

from tests.model_examples import make_encoder
from tfstyle.models.conditional import ConditionalModel
from tfstyle.models.ghiasi import GhiasiModel
from tfstyle.models.johnson import JohnsonModel
from tfstyle.models.stylebank import StyleBankModel
from tfstyle.models.transform_model import STYLE_LAYERS

SIZES = {"widths": (4, 6, 8), "kernel": 3, "margin": 8}


def make(kind, dtype=None, **arguments):
    """A built model whose weights, those of styles too, differ from their first values."""
    model = kind(make_encoder(STYLE_LAYERS, dtype), dtype=dtype, **{**SIZES, **arguments})
    model.build()
    random = np.random.default_rng(3)
    for variable in model.trainable_variables:
        noise = random.normal(size=variable.shape) * (0.2 * np.std(variable) + 0.02)
        variable.assign(variable + noise.astype("float32"))
    return model


def _of_styles(kind, names, **sizes):
    return functools.partial(make, kind, style_names=names, **sizes)


EXAMPLES = {
    "johnson": _of_styles(JohnsonModel, ("one",), blocks=1),
    "conditional": _of_styles(ConditionalModel, ("one", "two", "three"), blocks=1),
    "stylebank": _of_styles(StyleBankModel, ("one", "two", "three")),
    "ghiasi": functools.partial(make, GhiasiModel, blocks=1),
    "ghiasi-mobilenet": functools.partial(make, GhiasiModel, blocks=1, style_encoder="mobilenet"),
}


def inputs_of(model, content, painting, numbers):
    """Of training and of `call`, for any of the models."""
    count = len(getattr(model, "style_names", numbers))
    index = np.array(numbers, "int32") % count
    return {"content": content, "style": painting, "style_index": index}
