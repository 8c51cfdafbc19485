"""The pictures that a run's config names: batches of crops, and samples held out of them."""

import functools

import numpy as np
from absl import logging

from tfstyle.config import TrainConfig
from tfstyle.data.batches import Batches
from tfstyle.data.crops import Crops
from tfstyle.data.sources import Part, Skipped, open_source
from tfstyle.errors import InputError

_HELD_OUT = 4  # pictures of each kind for samples, if there are ten times as many
_LEAST_SAMPLE = 64  # pixels
_CONTENT, _STYLE, _HELD = 1, 2, 3  # parts of seeds


def open_pictures(config: TrainConfig, skipped: Skipped) -> tuple[Batches, tuple[list, list]]:
    """Batches of training crops, and `(1, h, w, 3)` content and style pictures held out of them.

    Args:
        config: of the run.
        skipped: takes pictures that cannot be used.
    Raises: InputError for a folder without a usable picture.
    """
    crops, held_out = [], []
    for flag, folder, part in (
        ("content_dir", config.content_dir, _CONTENT),
        ("style_dir", config.style_dir, _STYLE),
    ):
        source = open_source(folder, flag, config.crop_size // 2, skipped)
        order = (
            np.random.default_rng((config.seed, _HELD, part))
            .permutation(len(source.names))
            .tolist()
        )
        held = min(_HELD_OUT, len(order) // 10)
        logging.info("%s: %d pictures of %s.", flag, len(order), folder)
        make = functools.partial(
            Crops, crop_size=config.crop_size, skipped=skipped, seed=(config.seed, part)
        )
        size = max(config.crop_size, _LEAST_SAMPLE)
        samples = []
        for place, index in enumerate(order):
            sample = make(Part(source, [index]), crop_size=size, image_size=size, seed=(_HELD,))
            try:
                samples.append(sample[0][None].astype(np.float32) / 255.0)
            except InputError as error:
                if place == len(order) - 1 and not samples:
                    raise InputError(f"--{flag}: no picture can be decoded; {error}") from error
            if len(samples) == max(1, held):
                break
        held_out.append(samples)
        rest = sorted(order[place + 1 :] if held else order)
        crops.append(
            make(
                Part(source, rest),
                image_size=config.image_size,
                scale_jitter=config.style_scale_jitter if part == _STYLE else 1.0,
                color_jitter=config.color_jitter if part == _CONTENT else 0.0,
            )
        )
    content, style = crops
    return Batches(content, style, config.batch_size), (held_out[0], held_out[1])
