"""The memory that a render takes, and how it takes less: tiles and a shorter history."""

import math
from collections.abc import Sequence

from absl import logging

from tfstyle import losses
from tfstyle.config import OptimizeConfig, parse_weights
from tfstyle.errors import InputError
from tfstyle.optimization.scales import Stage, style_shape, style_size
from tfstyle.registry import STYLE_LOSSES

FREE_SHARE = 0.75  # of the free memory, that a render takes by default
TILE_SIZES = (1024, 768, 512, 384, 256)  # pixels, without halos; smaller ones take more time
HISTORIES = (5, 4, 3, 2)  # pairs of L-BFGS; fewer need more iterations

# Bytes, as benchmarks/RESULTS.md has it: of a render of a small picture, and for each pixel that an
# encoder optimizes; the features of a style image take a share of that.
_BASE = 1.1e9
_PIXEL = {"lite": 1000.0, "vgg19": 3700.0}
_STYLE_SHARE = 0.3
_HOST_PIXEL = 100.0  # with a GPU, which has the rest: eight copies of the picture
# The same in tiles: of the whole picture, of each stored pair, and of a tile with its halo.
_TILED_BASE = {"lite": 0.85e9, "vgg19": 1.05e9}
_TILED_PIXEL = {"lite": 120.0, "vgg19": 155.0}
_TILED_STYLE_PIXEL = 30.0
_PAIR_PIXEL = 12.0
_TILE_PIXEL = {"lite": 450.0, "vgg19": 1050.0}
_HALOS = 48  # pixels, of both sides of a tile


def fit(
    config: OptimizeConfig,
    stages: Sequence[Stage],
    styles: Sequence[tuple[int, int]],
    limit: float,
    on_gpu: bool = False,
) -> list[Stage]:
    """The stages, those in tiles that would take more memory else.

    Args:
        config: of the render.
        stages: of `scales.plan_stages`.
        styles: `(height, width)` of the style images.
        limit: bytes that may be taken.
        on_gpu: whether the features are in a GPU's memory, not the computer's.
    Raises: InputError, if that is not possible.
    """
    fitted = [_fitted(config, stage, styles, limit, on_gpu) for stage in stages]
    least = max(bytes_needed(config, stage, styles, on_gpu) for stage in fitted)
    if least > limit:
        raise InputError(
            f"--size={config.size}: needs about {least / 1e9:.1f} GB of memory, and "
            f"{limit / 1e9:.1f} GB may be taken; a smaller --size needs less, --max_memory allows "
            "more"
        )
    return fitted


def bytes_needed(
    config: OptimizeConfig,
    stage: Stage,
    styles: Sequence[tuple[int, int]],
    on_gpu: bool = False,
) -> float:
    """Bytes that a stage takes at most, roughly; arguments as of `fit`."""
    size = style_size(config, stage.shape)
    style = max((math.prod(style_shape(shape, size)) for shape in styles), default=0)
    if stage.tile:
        return max(bytes_of_tiles(stage), _TILED_BASE[stage.encoder] + _TILED_STYLE_PIXEL * style)
    each = _HOST_PIXEL if on_gpu else _PIXEL[stage.encoder]
    return _BASE + max(each * math.prod(stage.shape), _STYLE_SHARE * each * style)


def bytes_of_tiles(stage: Stage) -> float:
    """The same, of a stage in tiles."""
    pixels = math.prod(stage.shape)
    whole = _TILED_PIXEL[stage.encoder] + _PAIR_PIXEL * stage.history
    tile = min(pixels, (stage.tile + _HALOS) ** 2)
    return _TILED_BASE[stage.encoder] + whole * pixels + _TILE_PIXEL[stage.encoder] * tile


def log_tiles(stages: Sequence[Stage]) -> None:
    """Logs what the stages in tiles take, in a line: that of them which takes the most."""
    tiled = [stage for stage in stages if stage.tile]
    if tiled:
        stage = max(tiled, key=bytes_of_tiles)
        height, width = stage.shape
        logging.info(
            "%d × %d pixels in tiles of %d, with a history of %d pairs: about %.1f GB of memory.",
            width, height, stage.tile, stage.history, bytes_of_tiles(stage) / 1e9,
        )  # fmt: skip


def _fitted(config, stage, styles, limit, on_gpu):
    """A stage within the limit, or the one in tiles that takes the least."""
    if bytes_needed(config, stage, styles, on_gpu) <= limit:
        return stage
    _check_tiled(config)
    for history in HISTORIES:
        for tile in TILE_SIZES:
            stage = stage._replace(tile=tile, history=history)
            if bytes_needed(config, stage, styles) <= limit:
                return stage
    return stage


def _check_tiled(config):
    for name in parse_weights("style_loss", config.style_loss, tuple(STYLE_LOSSES)):
        if not isinstance(losses.make_style_loss(name), losses.MomentLoss):
            raise InputError(
                f"--style_loss={name}: this size needs tiles, from which it cannot be computed; "
                "take another, a smaller --size or more --max_memory"
            )
    if config.optimizer != "lbfgs":
        raise InputError(
            f"--optimizer={config.optimizer}: this size needs tiles, which only lbfgs has; take "
            "that, a smaller --size or more --max_memory"
        )
