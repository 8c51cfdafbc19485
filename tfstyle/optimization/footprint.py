"""The memory that a render takes, and how it takes less: tiles and a shorter history."""

import math
from collections.abc import Sequence

from absl import logging

from tfstyle import losses
from tfstyle.config import CONTENT_LOSSES, OptimizeConfig, parse_weights
from tfstyle.errors import InputError
from tfstyle.optimization.scales import Stage, style_shape, style_size
from tfstyle.registry import STYLE_LOSSES
from tfstyle.runtime import terminal

FREE_SHARE = 0.75  # of the free memory, that a render takes by default
TILE_SIZES = (1024, 768, 512, 384, 256)  # pixels, without halos; smaller ones take more time
HISTORIES = (5, 4, 3, 2)  # pairs of L-BFGS; fewer need more iterations

# Bytes, as benchmarks/RESULTS.md has it: of a render of a small picture, and for each pixel that an
# encoder optimizes; the features of a style image take a share of that.
_BASE = 1.1e9
_PIXEL = {"lite": 1000.0, "vgg19": 3700.0}
_STYLE_SHARE = 0.3
_HOST_PIXEL = 100.0  # with a GPU, which has the rest: eight copies of the picture
# The same in tiles: of the program, and what each stage before left; of the whole picture, of each
# stored pair, and of a tile with its halo.
_TILED_BASE = {"lite": 0.85e9, "vgg19": 1.12e9}
_STAGE = 0.06e9
_TILED_PIXEL = {"lite": 100.0, "vgg19": 280.0}
_TILED_STYLE_PIXEL = 30.0
_PAIR_PIXEL = 12.0
_TILE_PIXEL = {"lite": 450.0, "vgg19": 1170.0}
_HALOS = 48  # pixels, of both sides of a tile
# Of each region: as a share of an encoder's pixels, and in maps of the whole picture; of the photo
# and what is composed with it.
_REGION_SHARE = 0.12
_MAP_PIXEL = 8.0
_KEPT_PIXEL = 28.0
_REMEDIES = {  # of what needs tiles
    "this size": "a smaller --size or more --max_memory",
    "--strategy=mirrored": "or --strategy=one",
}


def fit(
    config: OptimizeConfig,
    stages: Sequence[Stage],
    styles: Sequence[tuple[int, int]],
    limit: float,
    on_gpu: bool = False,
    devices: int = 1,
) -> list[Stage]:
    """The stages, those in tiles that would take more memory else, or that devices can share.

    Args:
        config: of the render.
        stages: of `scales.plan_stages`.
        styles: `(height, width)` of the style images.
        limit: bytes that may be taken.
        on_gpu: whether the features are in a GPU's memory, not the computer's.
        devices: to share tiles. A picture too small for a tile for each has none.
    Raises: InputError, if that is not possible.
    """

    def fitted_to(room):
        return [
            _fitted(config, stage, number, styles, limit, on_gpu, devices, room)
            for number, stage in enumerate(stages)
        ]

    # What a coarse stage takes for features, a fine one with more beside them does not get back.
    kept, _ = _all_parts(config, fitted_to(math.inf), styles, on_gpu)
    fitted = fitted_to(limit - max(kept))
    least = bytes_needed(config, fitted, styles, on_gpu)
    if least > limit:
        raise InputError(
            f"--size={config.size}: needs about {least / 1e9:.1f} GB of memory, and "
            f"{limit / 1e9:.1f} GB may be taken; a smaller --size needs less, --max_memory allows "
            "more"
        )
    return fitted


def bytes_needed(
    config: OptimizeConfig,
    stages: Sequence[Stage],
    styles: Sequence[tuple[int, int]],
    on_gpu: bool = False,
) -> float:
    """Bytes that stages take at most, roughly, one after the other; arguments as of `fit`.

    TensorFlow keeps the memory that it took for features.
    """
    kept, features = _all_parts(config, stages, styles, on_gpu)
    return max(kept) + max(features)


def _all_parts(config, stages, styles, on_gpu):
    each = (_parts(config, one, number, styles, on_gpu) for number, one in enumerate(stages))
    return zip(*each, strict=True)


def _parts(config, stage, number, styles, on_gpu):
    """Bytes of a stage after so many: of the program and whole pictures, and of features."""
    pixels, encoder = math.prod(stage.shape), stage.encoder
    size = style_size(config, stage.shape)
    style = max((math.prod(style_shape(shape, size)) for shape in styles), default=0)
    regions = 1.0 + _REGION_SHARE * stage.regions
    if stage.tile:
        whole = _TILED_PIXEL[encoder] + _PAIR_PIXEL * stage.history + _of_maps(stage)
        tile = min(pixels, (stage.tile + _HALOS) ** 2) * regions
        kept = _TILED_BASE[encoder] + number * _STAGE
        kept += max(whole * pixels, _TILED_STYLE_PIXEL * style)
        return kept, stage.devices * _TILE_PIXEL[encoder] * tile
    if on_gpu:  # which has the features
        return _BASE + max(pixels, _STYLE_SHARE * style) * (_HOST_PIXEL + _of_maps(stage)), 0.0
    return _BASE, _PIXEL[encoder] * regions * max(pixels, _STYLE_SHARE * style)


def _of_maps(stage):
    return _KEPT_PIXEL + _MAP_PIXEL * stage.regions if stage.regions else 0.0


def log_tiles(
    config: OptimizeConfig,
    stages: Sequence[Stage],
    styles: Sequence[tuple[int, int]],
    seconds: float,
) -> None:
    """Logs, in a line, what the largest stage in tiles takes, if there is one.

    Args:
        config: as of `fit`.
        stages: of `fit`.
        styles: as of `fit`.
        seconds: that the render takes from now on.
    """
    tiled = [stage for stage in stages if stage.tile]
    if tiled:
        stage = max(tiled, key=lambda one: math.prod(one.shape))
        height, width = stage.shape
        logging.info(
            "%d × %d pixels in tiles of %d, with a history of %d pairs: about %.1f GB of memory, "
            "and %s from now on.", width, height, stage.tile, stage.history,
            bytes_needed(config, stages, styles) / 1e9, terminal.duration(seconds),
        )  # fmt: skip


def _fitted(config, stage, number, styles, limit, on_gpu, devices, room):
    """A stage within the limit, and `room` for features, or the one in tiles of the least."""

    def fits(stage, on_gpu=False):
        kept, features = _parts(config, stage, number, styles, on_gpu)
        return kept + features <= limit and features <= room

    sizes = [size for size in TILE_SIZES if _tile_count(stage.shape, size) >= devices]
    shared = devices > 1 and sizes
    if not shared and fits(stage, on_gpu):
        return stage
    _check_tiled(config, "--strategy=mirrored" if shared else "this size")
    for history in HISTORIES:
        for tile in sizes or TILE_SIZES:
            stage = stage._replace(tile=tile, history=history, devices=devices if shared else 1)
            if fits(stage):
                return stage
    return stage


def _tile_count(shape, size):
    return math.prod(math.ceil(side / size) for side in shape)


def _check_tiled(config, reason):
    for name in parse_weights("style_loss", config.style_loss, tuple(STYLE_LOSSES)):
        if not isinstance(losses.make_style_loss(name), losses.MomentLoss):
            raise InputError(
                f"--style_loss={name}: {reason} needs tiles, from which it cannot be computed; "
                f"take another, {_REMEDIES[reason]}"
            )
    if "self_similarity" in parse_weights("content_loss", config.content_loss, CONTENT_LOSSES):
        raise InputError(
            f"--content_loss=self_similarity: {reason} needs tiles, from which it cannot be "
            f"computed; take another, {_REMEDIES[reason]}"
        )
    if config.optimizer != "lbfgs":
        raise InputError(
            f"--optimizer={config.optimizer}: {reason} needs tiles, which only lbfgs has; take "
            f"that, {_REMEDIES[reason]}"
        )
