"""Small models with seeded weights, one for each architecture but those of fixed styles."""

import functools
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfstyle import encoders, models
from tfstyle.models import (
    adain,
    cascade,
    draft_revision,
    inverting_decoder,
    linear,
    microast,
    photorealistic,
    revision,
    wct,
)

CHANNELS = (4, 6, 8, 10, 10)
HEADS = (6, 7, 9, 12, 12)


def rounding(model):
    """Tolerance of a model's pictures and arrays, by orders of summation."""
    if isinstance(model, cascade.CascadeModel):
        return 3e-3  # matrix roots amplify it, here six in a row
    return 5e-4 if isinstance(model, (wct.WCTModel, models.DraftRevisionModel)) else 1e-5


def make_encoder(taps, dtype=None, head_widths=None, pooling="max"):
    """A narrow encoder with seeded weights."""
    keras.utils.set_random_seed(7)
    encoder = encoders.VGG19(taps, CHANNELS, head_widths, pooling, dtype=dtype)
    encoder.build((None, None, None, 3))
    first = encoder.weights[0]
    first.assign(first / 64.0)  # of random weights that read pixels of deviation 64
    return encoder


def make_adain(dtype=None, **arguments):
    """An AdaIN model with a narrow encoder."""
    encoder = make_encoder(adain.STYLE_LAYERS, dtype)
    return models.AdaINModel.on_encoder(encoder, dtype=dtype, **arguments)


def make_wct(dtype=None, kind=wct.WCTModel, depth=4, **arguments):
    """A model of whitening and colouring with a narrow encoder."""
    encoder = make_encoder(inverting_decoder.taps_of(depth), dtype, pooling=kind.POOLING)
    return kind.on_encoder(encoder, dtype=dtype, depth=depth, **arguments)


def make_cascade(dtype=None, **arguments):
    """The same, level by level through pictures, which the decoder makes as if trained a little."""
    model = make_wct(dtype, cascade.CascadeModel, **{"depth": 3, **arguments})
    image = model.decoder.get_layer("image")
    image.kernel.assign(0.05 * image.kernel / np.std(image.kernel))
    image.bias.assign([0.5] * 3)
    return model


def make_linear(dtype=None, **arguments):
    """A model of a learned transform with a narrow encoder and narrow networks."""
    encoder = make_encoder(linear.LinearModel.TAPS, dtype)
    return linear.LinearModel.on_encoder(encoder, dtype=dtype, **{"size": 4, **arguments})


def make_on_encoder(name, dtype=None, **arguments):
    """A model of the class of an architecture with a frozen encoder, narrow."""
    kind = models.model_class(name)
    return kind.on_encoder(make_encoder(kind.TAPS, dtype), dtype=dtype, **arguments)


def make_microast(dtype=None, **arguments):
    """A narrow MicroAST model."""
    encoder = make_encoder(microast.LOSS_LAYERS, dtype, HEADS)
    arguments = {"widths": (4, 6, 8), **arguments}
    return models.model_class("microast").on_encoder(encoder, dtype=dtype, **arguments)


def make_revision(
    dtype=None,
    widths=(4, 5, 6),
    blocks=5,
    hidden=12,
    bands=2,
    grain=0.0,
    margin=draft_revision.MARGIN,
    halvings=1,
    depth=draft_revision.DEPTH,
    **arguments,
):
    """A draft and its revision with narrow encoders and networks, as if trained a little."""
    eye, trunk = (make_encoder(draft_revision.STYLE_LAYERS, dtype) for _ in range(2))
    draft = draft_revision.make_draft(trunk, margin, halvings, depth)
    keras.utils.set_random_seed(8)
    network = revision.Revision(widths, blocks, hidden, bands, grain, dtype=dtype, name="revision")
    model = draft_revision.DraftRevisionModel(
        draft, network, eye, margin=margin, halvings=halvings, dtype=dtype, **arguments
    )
    model.build()
    for layer in (draft.decoder.get_layer("image"), network.get_layer("image")):
        layer.kernel.assign(0.05 * layer.kernel / np.std(layer.kernel))
    draft.decoder.get_layer("image").bias.assign([0.5] * 3)
    return model


def reach(paint, photo, middle, at):
    """How far from a pixel, in rows and columns, it still depends on a photo.

    Args:
        paint: of a photo.
        photo: `(1, h, w, 3)`.
        middle: row and column of the pixel in the photo.
        at: the same in what `paint` returns.
    """
    weights = np.random.default_rng(0).normal(size=3)
    with tf.GradientTape() as tape:
        picture = tf.constant(photo)
        tape.watch(picture)
        value = tf.reduce_sum(paint(picture)[0, at, at] * weights)
    seen = np.argwhere(np.abs(tape.gradient(value, picture)[0]).sum(-1) > 0)
    return np.abs(seen - middle).max()


# All checks of models run on these; the others pass one of the contract as a whole, and with
# TFSTYLE_ALL_MODELS (`make models`) all of them, too.
EXAMPLES = {
    "adain": make_adain,
    "mobile": make_revision,
}
OTHERS = {
    "adaconv": functools.partial(make_on_encoder, "adaconv", depth=8),
    "linear": make_linear,
    "microast": make_microast,
    "nano": functools.partial(make_revision, widths=(4, 5, 7), blocks=1, halvings=2, depth=2),
    "multistroke": functools.partial(make_on_encoder, "multistroke"),
    "photorealistic": functools.partial(make_wct, kind=photorealistic.PhotorealisticModel),
    "quality": functools.partial(make_revision, widths=(5, 7, 8), blocks=6),
    "sanet": functools.partial(make_on_encoder, "sanet"),
    "wct": make_cascade,
}
ALL = {**EXAMPLES, **OTHERS}
EVERY = bool(os.environ.get("TFSTYLE_ALL_MODELS"))
CHECKED = ALL if EVERY else EXAMPLES
EXPORTED = {**CHECKED, "wct": make_cascade}  # whose matrix roots are the hardest
only_with_all = pytest.mark.skipif(not EVERY, reason="runs with `make models`")
