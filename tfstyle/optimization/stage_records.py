"""What a render's checkpoint says of its stages, and whether it fits the render."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from tfstyle.config.options import LARGEST_SIZE
from tfstyle.errors import InputError
from tfstyle.optimization.scales import Stage

_LARGEST_FACTOR = 1e9  # of a layer's weight


class Record(TypedDict):
    """A stage that has begun; `loss` has a value for each iteration."""

    height: int
    width: int
    encoder: str
    iterations: int
    evaluations: int
    seconds: float
    loss: list[float]


class Meta(TypedDict):
    """What a checkpoint holds besides arrays."""

    stage: int
    history: list[Record]
    plan: list[int]
    precise: bool
    tile: int
    pairs: int
    factors: dict[str, dict[str, float]]


def check_meta(
    path: str | os.PathLike,
    meta: Mapping[str, Any],
    stages: Sequence[Stage],
    layers: Mapping[str, Sequence[str]],
) -> None:
    """Raises InputError, which names the file, for what does not fit the stages of a render.

    Args:
        path: of the checkpoint.
        meta: of it, a `Meta`.
        stages: of the render.
        layers: those of the style by encoder, if the render balances them.
    """
    stage, history, plan = meta["stage"], meta["history"], meta["plan"]
    fits = 0 <= stage < len(stages) and len(history) == stage + 1
    fits = fits and len(plan) == len(stages)
    fits = fits and 0 <= meta["tile"] <= LARGEST_SIZE and 0 <= meta["pairs"] <= 1000
    fits = fits and bool(meta["tile"]) == bool(meta["pairs"])
    fits = fits and all(0 <= n <= one.iterations for n, one in zip(plan, stages, strict=True))
    for record, planned, known in zip(history, plan, stages, strict=False) if fits else ():
        place = (record["height"], record["width"]), record["encoder"]
        fits = fits and place == (known.shape, known.encoder)
        fits = fits and 0 <= record["iterations"] <= planned
        fits = fits and record["iterations"] == len(record["loss"]) and record["seconds"] >= 0
    begun = {one.encoder for one in stages[: stage + 1]} if layers else set()
    fits = fits and meta["factors"].keys() == begun
    for encoder, factors in meta["factors"].items() if fits else ():
        fits = fits and factors.keys() == set(layers[encoder])
        fits = fits and all(0 <= factor <= _LARGEST_FACTOR for factor in factors.values())
    if not fits:
        raise InputError(f"{path}: damaged, its stages are not those of this render; remove it")
