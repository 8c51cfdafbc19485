"""Channels of one range, so that eight bits with one scale hold all of them.

After Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV
2019, https://arxiv.org/abs/1906.04721; here with data, where the decoder's modulation can take the
factors in.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tfstyle import models
from tfstyle.models.conditioned_decoder import ConditionedDecoder

_FLOOR = 1e-3  # of the largest channel: a dead one is not blown up


def is_equalized(model: models.StyleTransferModel) -> bool:
    """Whether `equalize` has changed the model."""
    return isinstance(model.decoder, ConditionedDecoder) and bool(model.decoder.gains)


def equalize(model: models.StyleTransferModel, samples: Sequence[Mapping[str, np.ndarray]]) -> None:
    """Divides a decoder's modulated convolutions by their channels' largest outputs.

    These are from -1 to 1 then, for such samples. The decoder multiplies by them again, so that
    pictures stay as they are. A model without such a decoder is left alone.

    Args:
        model: to change; it cannot be saved any more.
        samples: `content` in [0, 1], `code` and `strength`.
    Raises: ValueError for a model that is equalized.
    """
    decoder = model.decoder
    if not isinstance(decoder, ConditionedDecoder):
        return
    if decoder.gains:
        raise ValueError("`model` must not be equalized. Received: one that is")
    with _watched(decoder.modulated) as largest:
        for sample in samples:
            model.stylize(sample["content"], sample["code"], sample["strength"])
    for name, convolution in decoder.modulated.items():
        gain = np.maximum(largest[name], _FLOOR * largest[name].max())
        gain = np.where(gain > 0.0, gain, 1.0)
        for weight in convolution.weights:  # their last axes are the channels
            weight.assign(weight / gain)
        decoder.gains[name] = gain


@contextlib.contextmanager
def _watched(convolutions) -> Iterator[dict[str, np.ndarray]]:
    """`{name: (c,)}`, the largest magnitudes of what the layers put out meanwhile."""
    largest: dict[str, np.ndarray] = {}

    def watch(name, compute):
        def call(inputs):
            found = compute(inputs)
            values = np.abs(np.asarray(found)).max((0, 1, 2))
            largest[name] = np.maximum(largest.get(name, 0.0), values)
            return found

        return call

    before = {name: layer.call for name, layer in convolutions.items()}
    try:
        for name, layer in convolutions.items():
            layer.call = watch(name, before[name])
        yield largest
    finally:
        for name, layer in convolutions.items():
            layer.call = before[name]
