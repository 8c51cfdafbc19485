"""Gives a `Revision` the weights of a trained one of another size: larger, or with fewer channels.

What is copied computes the same; what a larger network has besides adds nothing at first (Net2Net,
Chen et al., ICLR 2016, https://arxiv.org/abs/1511.05641). A smaller one keeps the channels that
count most, and must be trained again: structured pruning by the scale of weights (Li et al.,
"Pruning Filters for Efficient ConvNets", ICLR 2017, https://arxiv.org/abs/1608.08710), of both the
convolutions that make a channel and those that read it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from keras import ops

FULL, REDUCED = "full", "reduced"  # resolutions at which a painting is described
NEW = -1  # a channel that the trained network has no counterpart of
_GROUPS = {  # of the channels that a convolution reads and makes; those of blocks are in `_groups`
    "down1": ("maps", "full"),
    "down2": ("full", "half"),
    "down3": ("half", "quarter"),
    "up1": ("quarter", "half"),
    "up2": ("half", "full"),
    "image": ("full", "picture"),
}


class Layers(NamedTuple):
    """A revision with the dense layer that makes its vector from a style.

    Attributes:
        revision: `Revision`, built.
        to_vector: `keras.layers.Dense`, built, of `revision.hidden` units.
        described: what a style's description has, by resolution and level, in its order: numbers.
    """

    revision: Any
    to_vector: Any
    described: Mapping[tuple[str, int], int]


def take_over(own: Layers, trained: Layers) -> None:
    """Copies the weights of the trained layers, for all channels that both have."""
    revision = own.revision
    kept = _kept(own, trained)
    old = {one.name: one for one in trained.revision.convolutions}
    for convolution in revision.convolutions:
        if convolution.name in old:
            inputs, outputs = (kept[group] for group in _groups(convolution.name))
            _copy(convolution, old[convolution.name], inputs, outputs)
        elif convolution.name.endswith("_2"):  # an additional block adds nothing
            convolution.set_weights([0.0 * part for part in convolution.get_weights()])
    _copy_to_vector(own, trained, kept["hidden"])
    _copy_affine(revision, trained.revision, kept)


def _copy_to_vector(own, trained, kept):
    """Of the layer of the vector.

    What describes a style at a level in full resolution alone is nearly that of the reduced
    painting, whose weights it gets, too: else most units would be silent, and stay so.
    """
    places, old = (_rows(one.described) for one in (own, trained))
    inputs = [old.get(name, np.full(len(rows), NEW)) for name, rows in places.items()]
    _copy(own.to_vector, trained.to_vector, np.concatenate(inputs), kept)
    (kernel, bias), (old_kernel, _) = (one.to_vector.get_weights() for one in (own, trained))
    known = kept != NEW
    for name in old.keys() - places.keys():
        rows = places[FULL, name[1]]
        kernel[np.ix_(rows, known)] += old_kernel[np.ix_(old[name], kept[known])]
    own.to_vector.set_weights([kernel, bias])


def _rows(described):
    """Of a description, the numbers' places, by name."""
    ends = np.cumsum([*described.values()])
    return dict(zip(described, np.split(np.arange(ends[-1]), ends[:-1]), strict=True))


def _copy_affine(revision, trained, kept):
    """Of the layer of scales and shifts; those of additional blocks stay at 1 and 0."""
    columns = [_columns(one) for one in (revision, trained)]
    found = np.full(revision.affine.units, NEW)
    for name, places in columns[0].items():
        if name in columns[1]:
            outputs = kept[_groups(name)[1]]
            for part, old in zip(places, columns[1][name], strict=True):
                found[part] = np.where(outputs != NEW, old[outputs], NEW)
    weights = revision.affine.get_weights()
    silent = [part for name, one in columns[0].items() if name not in columns[1] for part in one]
    for weight in weights:
        weight[..., np.concatenate([*silent, []]).astype(int)] = 0.0
    revision.affine.set_weights(weights)
    _copy(revision.affine, trained.affine, kept["hidden"], found)


def _columns(revision):
    """As `Revision.places`, as arrays of numbers."""
    numbers = np.arange(revision.affine.units)
    return {name: [numbers[one] for one in both] for name, both in revision.places.items()}


def _groups(name):
    """The groups of the channels that a convolution reads and makes; residual ones are shared."""
    if name in _GROUPS:
        return _GROUPS[name]
    inner = name.removesuffix("_1").removesuffix("_2")
    return ("quarter", inner) if name.endswith("_1") else (inner, "quarter")


def _kept(own, trained):
    """Of each group, by channel of the new network, the trained network's channel, or `NEW`."""
    new, old = (_sizes(one) for one in (own, trained))
    scores = _scores(trained, {one.name for one in own.revision.convolutions})
    common = new.keys() & old.keys()
    return {name: _chosen(new[name], old[name], scores.get(name)) for name in common}


def _chosen(count, old_count, scores):
    if count >= old_count or scores is None:
        return np.where(np.arange(count) < old_count, np.arange(count), NEW)
    return np.sort(np.argsort(-scores, kind="stable")[:count])


def _sizes(layers):
    found = {"hidden": layers.revision.hidden}
    for convolution in layers.revision.convolutions:
        group, made = _groups(convolution.name)
        *_, found[group], found[made] = convolution.kernel.shape
    return found


def _scores(layers, names):
    """How much each channel of a group counts: the norms of what makes it, times of what reads it.

    Filters count with the scale of a style in the middle, whose vector has the bias alone.

    Args:
        layers: trained.
        names: of the convolutions that count.
    """
    made: dict[str, Any] = {}
    read: dict[str, Any] = {}
    kernel, bias = layers.revision.affine.get_weights()
    middle = np.maximum(ops.convert_to_numpy(layers.to_vector.bias), 0.0) @ kernel + bias
    columns = _columns(layers.revision)
    for convolution in layers.revision.convolutions:
        if convolution.name not in names:
            continue
        group, own = _groups(convolution.name)
        squares = ops.convert_to_numpy(convolution.kernel) ** 2
        scale = 1.0
        if convolution.name in columns:
            scale = 1.0 + middle[columns[convolution.name][0]]
        made[own] = made.get(own, 0.0) + squares.sum((0, 1, 2)) * scale**2
        read[group] = read.get(group, 0.0) + squares.sum((0, 1, 3))
    made["hidden"] = (ops.convert_to_numpy(layers.to_vector.kernel) ** 2).sum(0)
    known = [part for name, places in columns.items() if name in names for part in places]
    read["hidden"] = (kernel[:, np.concatenate(known)] ** 2).sum(1)
    return {name: made[name] * read[name] for name in made.keys() & read.keys()}


def _copy(layer, trained, inputs, outputs):
    """Copies weights; to copied outputs, inputs that are new add nothing."""
    kernel, bias = (ops.convert_to_numpy(weight).copy() for weight in layer.weights)
    old, old_bias = trained.get_weights()
    known, targets = outputs[outputs != NEW], np.flatnonzero(outputs != NEW)
    sources = np.flatnonzero(inputs != NEW)
    kernel[..., targets] = 0.0
    part = old[..., inputs[inputs != NEW], :][..., known]
    kernel[..., sources[:, None], targets[None, :]] = part
    bias[targets] = old_bias[known]
    layer.set_weights([kernel, bias])
