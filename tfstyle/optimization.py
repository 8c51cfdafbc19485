"""Gatys' method: start image, scales, objective, progress.

Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016, from
coarse to fine (Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer", CVPR 2017,
section 6): each scale starts from the one before, √2 smaller, whose features cover more of the
picture.

The encoder may change on the way, so a scale may have two stages (`scales.plan_stages`).

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
from absl import logging

from tfstyle import checkpoints, colors, devices, encoders, images, models, scales, weights
from tfstyle.config import DEFAULT_MODEL, START_IMAGES, OptimizeConfig
from tfstyle.errors import InputError
from tfstyle.lbfgs import LBFGS
from tfstyle.objective import Objective, make_loss
from tfstyle.optimizers import Adam, StockLBFGS
from tfstyle.progress import Progress, Result

MARGIN = 16  # pixels of reflection around the picture while features are computed
PRECISE_SHARE = 0.2  # of the last scale's iterations, in float32 after bfloat16
CHUNK = 10  # iterations between two reports
CHECKPOINT_SECONDS = 20.0
_FAST_SIZE = 1024  # pixels; a feed-forward model's strokes are as many pixels wide at any size
_PRICES = {"lite": 1.0, "vgg19": 8.0}  # of an evaluation at one size, for the time that is left
_OPTIMIZERS = {"lbfgs": LBFGS, "tfp": StockLBFGS, "adam": Adam}


def stylize(
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    config: OptimizeConfig | None = None,
    *,
    init: np.ndarray | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    checkpoint: str | os.PathLike | None = None,
    report_every: int = CHUNK,
) -> Result:
    """Paints `content` in the style of `styles`.

    Args:
        content: `(1, h, w, 3)` float32 picture in [0, 1].
        styles: such pictures, of any size.
        config: how; the defaults of `OptimizeConfig` if None.
        init: picture to start from, if `config.init` names a file.
        on_progress: called with a `Progress` after each chunk of iterations.
        should_stop: asked after each iteration; True ends the render with what there is.
        checkpoint: file that keeps the state and that an equal call goes on from; that of a
            finished render returns its result at once. It is the caller's to remove.
        report_every: iterations of a chunk.
    Raises: InputError for layers that the encoder lacks, a picture too narrow for the size, or a
        checkpoint of another render; ValueError for arguments that do not fit together.
    """
    config = config or OptimizeConfig()
    config = dataclasses.replace(config, encoder=choose_encoder(config))
    if not styles or len(config.style_weights) not in (0, len(styles)):
        raise ValueError(
            "`styles` must hold a picture for each of `style_weights`, and one at least. "
            f"Received: {len(styles)} styles, style_weights={config.style_weights}"
        )
    if init is None and config.init not in START_IMAGES:
        raise ValueError(f"`init` must be given. Received: init=None, config.init={config.init}")
    keras.utils.set_random_seed(config.seed)
    render = _Render(content, styles, config, init, checkpoint)
    return render.run(on_progress or (lambda _: None), should_stop or (lambda: False), report_every)


def choose_encoder(config):
    """What `config.encoder` stands for on this machine: "vgg19", "lite" or "mixed".

    Raises: InputError for weights that are missing or of no use.
    """
    return weights.choose_encoder(
        config.encoder, config.vgg_weights, devices.has_gpu(), on_processor="mixed"
    )


class _Render:
    """One call of `stylize`: its pictures, objectives, optimizer and history."""

    def __init__(self, content, styles, config, init, checkpoint):
        self.config = config
        self.checkpoint = checkpoint
        self.content, self.styles = colors.prepare(content, styles, config.preserve_color)
        self.original = content
        self.init = init
        self.identity = checkpoints.render_identity(config, content, styles, init)
        shares = config.style_weights or (1.0,) * len(styles)
        self.style_weights = [share / sum(shares) for share in shares]
        stages = scales.plan_stages(config, config.encoder, content.shape[1:3])
        self.shapes = [stage.shape for stage in stages]
        self.encoders = [stage.encoder for stage in stages]
        self.plan = [stage.iterations for stage in stages]
        self.losses = {name: make_loss(config, name) for name in dict.fromkeys(self.encoders)}
        self.made: dict[str, tuple] = {}  # objectives and optimizer of each encoder
        self.encoder = ""
        self.history: list[dict[str, Any]] = []
        self.stage = 0
        self.start = self.image = None

    def _use_encoder(self, name):
        """Makes objectives and optimizer those of an encoder, and forgets those of no more use."""
        needed = self.encoders[self.stage :]
        self.made = {encoder: made for encoder, made in self.made.items() if encoder in needed}
        if name not in self.made:
            self.made[name] = self._make(name)
        self.encoder = name
        self.precise, self.objective, self.optimizer = self.made[name]

    def _make(self, name):
        """Objectives in float32 and in `config.precision`, and an optimizer of the second."""
        loss = self.losses[name]

        def objective(dtype):
            encoder = encoders.load_encoder(
                name,
                loss.layers,
                heads=False,
                vgg_weights=self.config.vgg_weights if name == "vgg19" else "",
                pooling=self.config.pooling,
                margin=MARGIN,
                dtype=dtype,
            )
            return Objective(encoder, loss)

        precise = objective("float32")
        fast = self.config.precision == "bfloat16"
        used = objective("mixed_bfloat16") if fast else precise
        return precise, used, _OPTIMIZERS[self.config.optimizer](used.value_and_gradient)

    def run(self, on_progress, should_stop, report_every):
        started = self.saved = time.monotonic()
        resumed = self._resume()
        for stage in range(self.stage, len(self.shapes)):
            if not resumed:
                self.stage = stage
                self._start_stage()
            resumed = False
            record, stage_started = self.history[-1], time.monotonic()
            seconds_before, stopped = record["seconds"], False
            while record["iterations"] < self.plan[stage] and not stopped:
                if self._wants_precision():
                    self.objective = self.precise
                    self.optimizer.switch(self.precise.value_and_gradient)
                elif self.optimizer.converged:
                    self.plan[stage] = record["iterations"]
                    break
                record["loss"].append(self.optimizer.step())
                record["iterations"] += 1
                record["evaluations"] = self.optimizer.evaluations
                record["seconds"] = seconds_before + time.monotonic() - stage_started
                stopped = should_stop()
                if stopped or record["iterations"] % report_every == 0:
                    self.image = self._picture()
                    on_progress(self._progress(time.monotonic() - started))
                self._save(at_once=stopped)
            self.image = self._picture()
            if stopped:
                return Result(self._shown(self.shapes[-1]), self.history, complete=False)
            evaluated = self.objective.terms  # not by a stage that was taken up at its end
            if evaluated and (record["iterations"] % report_every or not record["iterations"]):
                on_progress(self._progress(time.monotonic() - started))
        self._save(at_once=True)
        return Result(self._shown(self.shapes[-1]), self.history, complete=True)

    def _set_targets(self, start):
        shape = self.shapes[self.stage]
        styles = [self._style(style, shape) for style in self.styles]
        self.precise.set_targets(images.resize(self.content, shape), styles, self.style_weights)
        self.precise.set_start(start)
        if self.objective is not self.precise:
            self.objective.share(self.precise)

    def _style(self, style, shape):
        """The style image for a scale, as small beside its full size as the scale is."""
        share = max(shape) / self.config.size
        size = self.config.style_size or self.config.size * self.config.style_scale
        return images.resize(style, scales.style_shape(style.shape[1:3], size * share))

    def _start_stage(self):
        shape = self.shapes[self.stage]
        changed = self.encoder != self.encoders[self.stage]
        self._use_encoder(self.encoders[self.stage])
        if self.image is None:
            self.start = self._start_image(shape)
        else:
            self.start = images.resize(self.image, shape, clip=False)
        self._set_targets(self.start)
        previous = None if changed else self.shapes[self.stage - 1]

        def rescale(vector):
            picture = vector.reshape(1, *previous, 3)
            return images.resize(picture, shape, clip=False).reshape(-1)

        zero = np.zeros(self.start.size, np.float32)
        self.optimizer.start(zero, rescale if previous else None)
        self.history.append(
            {
                "height": shape[0],
                "width": shape[1],
                "encoder": self.encoder,
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
        if self.config.init == "fast":
            return self._fast_image(shape)
        if self.config.init == "content":
            return images.resize(self.content, shape)
        height, width = self.init.shape[1:3]
        if abs(height / width * shape[1] / shape[0] - 1.0) < 0.02:  # but for rounding
            return images.resize(self.init, shape)
        logging.info("--init: its aspect is not the photo's; its centre is the start.")
        return images.cover(self.init, shape)

    def _fast_image(self, shape):
        """What the packaged feed-forward model paints."""
        model = models.load_model(DEFAULT_MODEL)
        size = min(self.config.size, _FAST_SIZE)
        content = images.resize(self.content, images.fit(self.content.shape[1:3], size))
        styles = [images.reduce(style, _FAST_SIZE // 2) for style in self.styles]
        for picture in (content, *styles):
            model.check_picture(picture, "--init=fast")
        codes = [np.asarray(model.encode_style(style)) for style in styles]
        code = sum(share * code for share, code in zip(self.style_weights, codes, strict=True))
        return images.resize(np.asarray(model.stylize(content, code)), shape)

    def _wants_precision(self):
        """Whether to go on in float32: for the last iterations, or where bfloat16 ends."""
        if self.objective is self.precise or self.stage < len(self.shapes) - 1:
            return False
        at_scale = sum(
            n for n, s in zip(self.plan, self.shapes, strict=True) if s == self.shapes[-1]
        )
        precise = max(1, round(PRECISE_SHARE * at_scale))
        late = self.history[-1]["iterations"] >= self.plan[self.stage] - precise
        return late or self.optimizer.converged

    def _picture(self):
        return self.objective.picture(self.optimizer.position)

    def _shown(self, shape=None):
        """The picture so far, of `shape` or as it is, in [0, 1] and coloured."""
        picture = np.clip(self.image, 0.0, 1.0)
        if shape is not None:
            picture = images.resize(picture, shape)
        if self.config.preserve_color == "luminance":
            picture = colors.with_chroma(picture, images.resize(self.original, picture.shape[1:3]))
        return picture

    def _progress(self, seconds):
        height, width = self.shapes[self.stage]
        record = self.history[-1]
        prices = [
            _PRICES[name] * h * w for name, (h, w) in zip(self.encoders, self.shapes, strict=True)
        ]
        costs = [n * price for n, price in zip(self.plan, prices, strict=True)]
        spent = sum(r["iterations"] * price for r, price in zip(self.history, prices, strict=False))
        done = spent / sum(costs) if spent else float(not sum(costs))
        elapsed = sum(r["seconds"] for r in self.history)
        return Progress(
            stage=self.stage + 1,
            stages=len(self.shapes),
            encoder=self.encoder,
            height=height,
            width=width,
            iteration=record["iterations"],
            iterations=self.plan[self.stage],
            evaluations=record["evaluations"],
            losses=self.objective.terms,
            seconds=seconds,
            remaining=elapsed / done * (1.0 - done) if done else math.nan,
            done=done,
            image=self._shown(),
        )

    def _save(self, at_once):
        """Writes the checkpoint if there is one and it is time; a failure is only logged."""
        if not self.checkpoint:
            return
        if not at_once and time.monotonic() - self.saved < CHECKPOINT_SECONDS:
            return
        self.saved = time.monotonic()
        try:
            self._write_checkpoint()
        except InputError as error:
            logging.warning("%s; the render goes on without it", error)

    def _write_checkpoint(self):
        checkpoints.write_checkpoint(
            self.checkpoint,
            self.identity,
            {
                "stage": self.stage,
                "history": self.history,
                "plan": self.plan,
                "precise": self.objective is self.precise,
            },
            {"start": self.start, **self.optimizer.state()},
        )

    def _resume(self):
        """Takes up the checkpoint if there is one. Returns whether there was."""
        if not self.checkpoint or not os.path.exists(self.checkpoint):
            return False
        meta, arrays = checkpoints.read_checkpoint(self.checkpoint, self.identity)
        self.start, self.plan = arrays.pop("start"), meta["plan"]
        self.stage, self.history = meta["stage"], meta["history"]
        self._use_encoder(self.encoders[self.stage])
        self._set_targets(self.start)
        if meta["precise"]:
            self.objective = self.precise
            self.optimizer = _OPTIMIZERS[self.config.optimizer](self.precise.value_and_gradient)
        self.optimizer.restore(arrays)
        self.image = self._picture()
        return True
