"""The pictures that a run's config names: batches of crops, and held-out samples."""

import dataclasses
import functools
import pathlib

import numpy as np
from absl import logging

from tfstyle import images
from tfstyle.config import TrainConfig
from tfstyle.data.batches import Batches
from tfstyle.data.crops import Crops
from tfstyle.data.motions import Motions
from tfstyle.data.sources import Part, Skipped, open_files, open_source
from tfstyle.errors import InputError

_HELD_OUT = 4  # pictures of each kind for samples, if there are ten times as many
_MIN_SAMPLE_SIZE = 64  # pixels
_CONTENT, _STYLE, _HELD, _MOTION = 1, 2, 3, 4  # parts of seeds


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Training pictures and samples of a run.

    Attributes:
        batches: of training crops.
        contents: `(1, h, w, 3)` pictures for samples.
        styles: likewise; for a model with named styles the first ones.
        style_names: of all paintings, for a model with named styles; otherwise empty.
        paintings: whole, `(1, h, w, 3)` of any sizes, for a model that is trained on these;
            otherwise empty.
    """

    batches: Batches
    contents: list[np.ndarray]
    styles: list[np.ndarray]
    style_names: tuple[str, ...]
    paintings: list[np.ndarray]


def open_pictures(
    config: TrainConfig, skipped: Skipped, named: bool = False, whole: bool = False, first: int = 0
) -> Pictures:
    """The pictures of a run; samples are held out of training if there are enough pictures.

    Args:
        config: of the run.
        skipped: collects pictures that cannot be used.
        named: whether each painting is a style of its own, so that none can be held out.
        whole: whether styles are learned from whole paintings.
        first: index of the first style.
    Raises: InputError for a folder without a usable picture, for a painting given by name that is
        none, and for shares of samples that named styles cannot have.
    """
    for name in ("recolored_share", "identity_share", "photo_share"):
        if named and getattr(config, name):
            raise InputError(f"--{name}: must be 0 for {config.model}, whose styles are paintings")
    least = config.crop_size // 2
    photos = open_source(config.content_dir, "content_dir", least, skipped)
    flag = _style_flag(config)
    paths = getattr(config, flag)
    if flag == "style_dir":
        paintings = open_source(paths, flag, 1 if whole else least, skipped)
        names = _unique_names(paintings.names)
    else:
        found = images.find_pictures(flag, paths)
        paintings = open_files(found, flag, 1 if whole else least)
        names = tuple(images.distinct_names(found))
    content, contents = _open(photos, "content_dir", config, skipped, _CONTENT, hold_out=True)
    style, styles = _open(paintings, flag, config, skipped, _STYLE, hold_out=not named)
    inputs = ["content", *([] if whole else ["style"]), *(["style_index"] if named else [])]
    motions = Motions(config.crop_size, (config.seed, _MOTION)) if config.temporal_weight else None
    batches = Batches(
        content, style, config.batch_size, inputs, first, config.identity_share,
        config.photo_share, motions,
    )  # fmt: skip
    wholes = []
    for index in range(len(names) if whole else 0):
        painting = images.read_training_image(
            paintings.read(index), paintings.path(index), reduced=config.style_size
        )
        array = np.asarray(painting, np.float32)[None] / np.float32(255.0)
        wholes.append(images.reduce(array, config.style_size))
    return Pictures(batches, contents, styles, names if named else (), wholes)


def _style_flag(config):
    """The flag that gives the paintings."""
    return "add_style" if config.add_style else "style" if config.style else "style_dir"


def _open(source, flag, config, skipped, part, hold_out):
    """Crops of a source's pictures, and samples."""
    order = list(range(len(source.names)))
    if hold_out:
        random = np.random.default_rng((config.seed, _HELD, part))
        order = random.permutation(len(source.names)).tolist()
    held = min(_HELD_OUT, len(order) // 10) if hold_out else 0
    logging.info("--%s: %d pictures.", flag, len(order))
    make = functools.partial(
        Crops, crop_size=config.crop_size, skipped=skipped, seed=(config.seed, part)
    )
    size = max(config.crop_size, _MIN_SAMPLE_SIZE)
    count = max(1, held) if hold_out else min(_HELD_OUT, len(order))
    samples = []
    for place, index in enumerate(order):
        sample = make(Part(source, [index]), crop_size=size, image_size=size, seed=(_HELD,))
        try:
            samples.append(sample[0][None].astype(np.float32) / 255.0)
        except InputError as error:
            if not hold_out:
                raise InputError(f"--{flag}: a named style cannot be skipped; {error}") from error
            if place == len(order) - 1 and not samples:
                raise InputError(f"--{flag}: no picture can be decoded; {error}") from error
        if len(samples) == count:
            break
    rest = sorted(order[place + 1 :] if held else order)
    crops = make(
        Part(source, rest),
        image_size=config.image_size,
        scale_jitter=config.style_scale_jitter if part == _STYLE else 1.0,
        color_jitter=config.color_jitter if part == _CONTENT else 0.0,
        min_crop=config.style_min_crop if part == _STYLE else config.content_min_crop,
        recolored=config.recolored_share if part == _STYLE else 0.0,
    )
    return crops, samples


def _unique_names(names):
    """Names of files, without folder and suffix if they stay unique."""
    short = tuple(pathlib.PurePath(name).stem for name in names)
    return short if len(set(short)) == len(short) else tuple(names)
