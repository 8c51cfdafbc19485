"""Gatys' method: start image, scales, objective, progress.

Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016, from
coarse to fine (Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer", CVPR 2017,
section 6): each scale starts from the one before, √2 smaller, whose features cover more of the
picture.

One picture's way: `content` and `styles` are resized for the scale → `Objective.set_targets` →
the optimizer's flat vector → `Objective.picture` → the next scale's start.
"""

import dataclasses
import math
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tfstyle import checkpoints, colors, encoders, images, weights
from tfstyle.config import OptimizeConfig
from tfstyle.errors import InputError
from tfstyle.lbfgs import LBFGS
from tfstyle.objective import Objective, make_loss
from tfstyle.optimizers import Adam, StockLBFGS

MARGIN = 16  # pixels of reflection around the picture while features are computed
SHORTEST = 32  # pixels on the short side of the smallest scale
PRECISE_SHARE = 0.2  # of the last scale's iterations, in float32 after bfloat16
CHUNK = 10  # iterations between two reports
CHECKPOINT_SECONDS = 20.0
_OPTIMIZERS = {"lbfgs": LBFGS, "tfp": StockLBFGS, "adam": Adam}


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where a render stands, at the end of each chunk of iterations.

    Attributes:
        scale, scales: number of the scale, from 1, and of all.
        height, width: of the scale, pixels.
        iteration, iterations: done and planned at this scale.
        evaluations: of the objective, at this scale.
        losses: weighted terms of the last evaluation by name, and `total`.
        seconds: since the start.
        remaining: seconds, estimated from the pixels still to be computed.
        done: share of the work, in [0, 1].
        image: `(1, height, width, 3)` float32 picture so far, not yet clipped.
    """

    scale: int
    scales: int
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
class Result:
    """What `stylize` returns.

    Attributes:
        image: `(1, h, w, 3)` float32 picture of the size asked, in [0, 1].
        history: list of a dict for each scale: height, width, iterations, evaluations, seconds and
            loss, the total after each iteration.
        complete: False if it was stopped before the end.
    """

    image: np.ndarray = dataclasses.field(repr=False)
    history: list[dict[str, Any]]
    complete: bool


def stylize(
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    config: OptimizeConfig | None = None,
    *,
    init: np.ndarray | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    checkpoint: str | os.PathLike | None = None,
) -> Result:
    """Paints `content` in the style of `styles`.

    Args:
        content: `(1, h, w, 3)` float32 picture in [0, 1].
        styles: such pictures, of any size.
        config: how; the defaults of `OptimizeConfig` if None.
        init: picture to start from, if `config.init` names a file.
        on_progress: called with a `Progress` after each chunk of iterations.
        should_stop: asked after each iteration; True ends the render with what there is.
        checkpoint: file that keeps the state while the render runs and that an equal call goes on
            from; removed at the end.
    Raises: InputError for layers that the encoder lacks, a picture too narrow for the size, or a
        checkpoint of another render.
    """
    config = config or OptimizeConfig()
    keras.utils.set_random_seed(config.seed)
    render = _Render(content, styles, config, init, checkpoint)
    return render.run(on_progress or (lambda _: None), should_stop or (lambda: False))


def scale_shapes(shape: tuple[int, int], size: int, min_size: int) -> list[tuple[int, int]]:
    """`(height, width)` of each scale, √2 apart, from about `min_size` up to exactly `size`.

    Raises: InputError if the short side would be under `SHORTEST` pixels.
    """
    shapes = [images.fit(shape, size)]
    if min(shapes[0]) < SHORTEST:
        needed = math.ceil(SHORTEST * max(shape) / min(shape))
        raise InputError(
            f"--size: {size} leaves {min(shapes[0])} pixels on the short side; "
            f"at least {needed} would leave {SHORTEST}"
        )
    while True:
        smaller = images.fit(shape, round(size / math.sqrt(2) ** len(shapes)))
        if max(smaller) < min_size or min(smaller) < SHORTEST:
            return shapes[::-1]
        shapes.append(smaller)


class _Render:
    """One call of `stylize`: its pictures, objectives, optimizer and history."""

    def __init__(self, content, styles, config, init, checkpoint):
        self.config = config
        self.checkpoint = checkpoint
        self.content, self.styles = colors.prepare(content, styles, config.preserve_color)
        self.original = content
        self.init = init
        pictures = [content, *styles, *([] if init is None else [init])]
        self.identity = checkpoints.render_identity(dataclasses.asdict(config), pictures)
        self.shapes = scale_shapes(content.shape[1:3], config.size, config.min_size)
        shares = config.style_weights or (1.0,) * len(styles)
        self.style_weights = [share / sum(shares) for share in shares]
        name = weights.choose_encoder(config.encoder, config.vgg_weights)
        loss = make_loss(config, name)

        def objective(dtype):
            encoder = encoders.load_encoder(
                name,
                loss.layers,
                heads=False,
                vgg_weights=config.vgg_weights,
                pooling=config.pooling,
                margin=MARGIN,
                dtype=dtype,
            )
            return Objective(encoder, loss)

        self.precise = objective("float32")
        fast = config.precision == "bfloat16"
        self.objective = objective("mixed_bfloat16") if fast else self.precise
        self.optimizer = _OPTIMIZERS[config.optimizer](self.objective.value_and_gradient)
        self.plan = [
            round(config.iterations * math.sqrt(config.size / max(shape))) for shape in self.shapes
        ]
        self.history: list[dict[str, Any]] = []
        self.scale = 0
        self.start = self.image = None

    def run(self, on_progress, should_stop):
        started, saved = time.monotonic(), time.monotonic()
        resumed = self._resume()
        for scale in range(self.scale, len(self.shapes)):
            if not (resumed and scale == self.scale):
                self.scale = scale
                self._start_scale()
            resumed = False
            record, plan = self.history[-1], self.plan[self.scale]
            seconds_before, scale_started = record["seconds"], time.monotonic()
            while record["iterations"] < plan and not self.optimizer.converged:
                if self.objective is not self.precise and self._wants_precision(
                    record["iterations"]
                ):
                    self.objective = self.precise
                    self.optimizer.switch(self.precise.value_and_gradient)
                record["loss"].append(self.optimizer.step())
                record["iterations"] += 1
                record["evaluations"] = self.optimizer.evaluations
                now = time.monotonic()
                record["seconds"] = seconds_before + now - scale_started
                stopped = should_stop()
                if stopped or record["iterations"] % CHUNK == 0 or record["iterations"] == plan:
                    self.image = self._picture()
                    on_progress(self._progress(now - started))
                if self.checkpoint and (stopped or now - saved > CHECKPOINT_SECONDS):
                    self._save()
                    saved = now
                if stopped:
                    return Result(self._finished(), self.history, complete=False)
            self.image = self._picture()
        if self.checkpoint and os.path.exists(self.checkpoint):
            os.remove(self.checkpoint)
        return Result(self._finished(), self.history, complete=True)

    def _set_targets(self, start):
        shape = self.shapes[self.scale]
        styles = [self._style(style, shape) for style in self.styles]
        self.precise.set_targets(images.resize(self.content, shape), styles, self.style_weights)
        self.precise.set_start(start)
        if self.objective is not self.precise:
            self.objective.share(self.precise)

    def _style(self, style, shape):
        """The style image for a scale; it is never enlarged."""
        share = max(shape) / self.config.size
        size = self.config.style_size or self.config.size * self.config.style_scale
        own = style.shape[1:3]
        target = images.fit(own, max(1, min(max(own), round(size * share))))
        if min(target) < SHORTEST:  # a narrow style image at a coarse scale
            target = images.fit(own, math.ceil(SHORTEST * max(own) / min(own)))
        return images.resize(style, target)

    def _start_scale(self):
        shape = self.shapes[self.scale]
        if self.image is None:
            self.start = self._start_image(shape)
        else:
            self.start = images.resize(self.image, shape, clip=False)
        self._set_targets(self.start)
        previous = self.shapes[self.scale - 1] if self.scale else None

        def rescale(vector):
            picture = vector.reshape(1, *previous, 3)
            return images.resize(picture, shape, clip=False).reshape(-1)

        zero = np.zeros(self.start.size, np.float32)
        self.optimizer.start(zero, rescale if previous else None)
        self.history.append(
            {
                "height": shape[0],
                "width": shape[1],
                "iterations": 0,
                "evaluations": self.optimizer.evaluations,
                "seconds": 0.0,
                "loss": [],
            }
        )

    def _start_image(self, shape):
        if self.config.init == "noise":
            generator = np.random.default_rng(self.config.seed)
            noise = generator.normal(0.5, 0.15, (1, *shape, 3))
            return np.clip(noise, 0.0, 1.0).astype(np.float32)
        if self.config.init == "style":
            return images.cover(self.styles[0], shape)
        source = self.content if self.config.init == "content" else self.init
        return images.resize(source, shape)

    def _wants_precision(self, iteration):
        """Whether this iteration of the scale is of the last ones, done in float32."""
        plan = self.plan[self.scale]
        last = self.scale == len(self.shapes) - 1
        return last and iteration >= plan - max(1, round(PRECISE_SHARE * plan))

    def _picture(self):
        return self.objective.picture(self.optimizer.position)

    def _finished(self):
        picture = np.clip(images.resize(np.clip(self.image, 0, 1), self.shapes[-1]), 0.0, 1.0)
        if self.config.preserve_color == "luminance":
            picture = colors.with_chroma(picture, images.resize(self.original, self.shapes[-1]))
        return picture

    def _progress(self, seconds):
        height, width = self.shapes[self.scale]
        record = self.history[-1]
        costs = [n * h * w for n, (h, w) in zip(self.plan, self.shapes, strict=True)]
        spent = sum(r["iterations"] * r["height"] * r["width"] for r in self.history)
        done = spent / sum(costs)
        elapsed = sum(r["seconds"] for r in self.history)
        return Progress(
            scale=self.scale + 1,
            scales=len(self.shapes),
            height=height,
            width=width,
            iteration=record["iterations"],
            iterations=self.plan[self.scale],
            evaluations=record["evaluations"],
            losses=self.objective.terms,
            seconds=seconds,
            remaining=elapsed / done * (1.0 - done),
            done=done,
            image=self.image,
        )

    def _save(self):
        checkpoints.write_checkpoint(
            self.checkpoint,
            self.identity,
            {"scale": self.scale, "history": self.history},
            {"start": self.start, **self.optimizer.state()},
        )

    def _resume(self):
        """Takes up the checkpoint if there is one. Returns whether there was."""
        if not self.checkpoint or not os.path.exists(self.checkpoint):
            return False
        meta, arrays = checkpoints.read_checkpoint(self.checkpoint, self.identity)
        self.start, self.scale, self.history = arrays.pop("start"), meta["scale"], meta["history"]
        self._set_targets(self.start)
        if self._wants_precision(self.history[-1]["iterations"] - 1):
            self.objective = self.precise
            self.optimizer = _OPTIMIZERS[self.config.optimizer](self.precise.value_and_gradient)
        self.optimizer.restore(arrays)
        self.image = self._picture()
        return True
