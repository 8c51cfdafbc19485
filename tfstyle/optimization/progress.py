"""Reports of a render: `Progress` while it runs, `RenderResult` at its end."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Progress:
    """The state of a render at the end of each chunk of iterations.

    Attributes:
        stage, stages: number of the stage (of `scales.plan_stages`), from 1, and their count.
        encoder: of the stage, "lite" or "vgg19".
        height, width: of the stage's scale, pixels.
        iteration, iterations: done and planned in this stage.
        evaluations: of the objective, in this stage.
        losses: weighted terms of the last evaluation by name, and `total`.
        seconds: since the start.
        remaining: seconds, estimated from the pixels still to be computed and their encoders.
        done: share of the work, in [0, 1].
        image: `(1, height, width, 3)` float32 picture so far, in [0, 1].
    """

    stage: int
    stages: int
    encoder: str
    height: int
    width: int
    iteration: int
    iterations: int
    evaluations: int
    losses: dict[str, float]
    seconds: float
    remaining: float
    done: float
    image: np.ndarray = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class RenderResult:
    """What `render` returns.

    Attributes:
        image: `(1, h, w, 3)` float32 picture of the requested size, in [0, 1].
        history: list of a dict for each stage: height, width, encoder, iterations, evaluations,
            seconds and loss, the total after each iteration (with Adam, before it).
        complete: False if it was stopped before the end.
    """

    image: np.ndarray = dataclasses.field(repr=False)
    history: list[dict[str, Any]]
    complete: bool
