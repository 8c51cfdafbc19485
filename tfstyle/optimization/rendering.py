"""Gatys' method: start image, scales, objective, progress.

Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016, from
coarse to fine (Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer", CVPR 2017,
section 6): each scale starts from the one before, √2 smaller, whose features cover more of the
picture. The encoder may change between stages, and a scale may have two (`scales.plan_stages`).

Data flow: `content` and `styles` are resized for the scale → `Objective.set_content` → the
optimizer's flat vector → `Objective.picture` → the next scale's start.
"""

import math
import os
import time
from typing import Any

import numpy as np
from absl import logging

from tfstyle import checkpoints, colors, images
from tfstyle.errors import InputError
from tfstyle.images import regions
from tfstyle.optimization import detail, footprint, pace, scales, stage_records
from tfstyle.optimization.guides import picture_guides
from tfstyle.optimization.layer_balance import balanced_factors
from tfstyle.optimization.progress import Progress, RenderResult
from tfstyle.optimization.start_images import start_image

PRECISE_SHARE = 0.2  # of the last scale's iterations, in float32 after bfloat16
CHUNK = 10  # iterations between two reports
REPORT_SECONDS = 10.0  # or, if a chunk takes longer, seconds
CHECKPOINT_SECONDS = 20.0


class Rendering:
    """The state of one render: its stages, history and checkpoint."""

    def __init__(
        self, renderer, content, styles, init, checkpoint, stages, parts=None, warped=None
    ):
        self.renderer = renderer
        self.config = config = renderer.config
        self.checkpoint = checkpoint
        self.original = content
        self.init = init
        self.regions = parts
        self.warped = warped
        self.identity = checkpoints.render_identity(
            config, content, styles, init, parts.digest() if parts else ""
        )
        shares = config.style_weights or (1.0,) * len(styles)
        shares = [share / sum(shares) for share in shares]
        content = colors.adjust_contrast(content, styles, config.prepare, config.style_weights)
        self.content, self.styles = colors.prepare(content, styles, config.preserve_color)
        self.style_images = renderer.share_styles(self.styles, shares, parts)
        self.shapes = [stage.shape for stage in stages]
        self.stages = list(stages)
        self.plan = [stage.iterations for stage in stages]
        self.used: Any = None  # the stage whose objectives and optimizer are taken
        self.objective: Any = None
        self.precise: Any = None
        self.optimizer: Any = None
        self.history: list[dict[str, Any]] = []
        self.balanced = renderer.balanced_layers(stages)
        self.factors: dict[str, dict[str, float]] = {}  # of these layers' weights, by encoder
        self.pace = pace.Pace()
        self.stage = 0
        self.start: Any = None  # a picture, once started; so is `image`
        self.image: Any = None

    def _take(self):
        self.used, needed = self.stages[self.stage], self.stages[self.stage :]
        self.precise = self.objective = self.optimizer = None  # before more memory is taken
        self.precise, self.objective, self.optimizer = self.renderer.take(self.used, needed)

    def run(self, on_progress, should_stop, report_every):
        started = self.saved = reported = time.monotonic()
        shown = None  # stage and iteration of the last report
        resumed = self._resume()
        for stage in range(self.stage, len(self.shapes)):
            if not resumed:
                self.stage = stage
                self._start_stage()
            resumed = False
            record, stage_started = self.history[-1], time.monotonic()
            seconds_before, stopped = record["seconds"], False
            self.pace.begin()
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
                if self.pace.add(self.used, record["seconds"]):
                    shapes = [style.shape[1:3] for style in self.styles]
                    footprint.log_tiles(self.config, self.stages, shapes, self._remaining())
                stopped = should_stop()
                due = time.monotonic() - reported > REPORT_SECONDS
                if stopped or due or record["iterations"] % report_every == 0:
                    reported, shown = time.monotonic(), (stage, record["iterations"])
                    self.image = self._picture()
                    on_progress(self._progress(time.monotonic() - started))
                    if self.used.tile:
                        self.image = None  # as large as all that is needed for the next iteration
                self._save(at_once=stopped)
            self.image = self._picture()
            if stopped:
                return RenderResult(self._shown(self.shapes[-1]), self.history, complete=False)
            evaluated = self.objective.terms  # empty after resuming at the end of a stage
            if evaluated and shown != (stage, record["iterations"]):
                on_progress(self._progress(time.monotonic() - started))
        self._save(at_once=True)
        return RenderResult(self._shown(self.shapes[-1]), self.history, complete=True)

    def _set_targets(self, start):
        """Prepares the stage's objective. Returns the vector of the picture `start`, if given."""
        shape = self.shapes[self.stage]
        style_size = scales.style_size(self.config, shape)
        targets = self.style_images.targets(self.precise, self.used.kind, style_size)
        guides = self.regions and picture_guides(self.regions, self.precise.loss, shape)
        content, encoder = images.resize(self.content, shape), self.used.encoder
        self.precise.set_content(content, targets, guides, self.warped)
        if self.balanced:
            if encoder not in self.factors:
                self.factors[encoder] = balanced_factors(self.precise, content)
            self.precise.set_factors(self.factors[encoder])
        vector = None if start is None else self.precise.set_start(start)
        if self.objective is not self.precise:
            self.objective.share(self.precise)
        return vector

    def _start_stage(self):
        shape = self.shapes[self.stage]
        before = self.used
        self._take()
        changed = before is None or before.kind != self.used.kind
        if self.image is None:
            self.start = start_image(
                self.config.init, shape, self.content, self.styles[0], self.init, self.config.seed
            )
        else:
            self.start = images.resize(self.image, shape, clip=False)
        vector = self._set_targets(self.start)
        if self.used.tile:  # whose vectors hold the picture itself
            self.start = self.image = None
        previous = self.shapes[self.stage - 1]

        def rescale(vector):
            picture = vector.reshape(1, *previous, 3)
            return images.resize(picture, shape, clip=False).reshape(-1)

        self.optimizer.start(vector, None if changed else rescale)
        self.history.append(
            {
                "height": shape[0],
                "width": shape[1],
                "encoder": self.used.encoder,
                "iterations": 0,
                "evaluations": self.optimizer.evaluations,
                "seconds": 0.0,
                "loss": [],
            }
        )

    def _wants_precision(self):
        """Whether to continue in float32: for the last iterations, or if bfloat16 has converged."""
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
        """The picture so far, resized to `shape` if given, in [0, 1] and with its final colours."""
        picture = np.clip(self.image, 0.0, 1.0)
        if shape is not None:
            picture = images.resize(picture, shape)
        if self.config.detail and shape is not None:  # not for those that show the progress
            detail.restore_edges(picture, images.resize(self.content, shape), self.config)
        if self.config.preserve_color == "luminance":
            picture = colors.with_chroma(picture, images.resize(self.original, picture.shape[1:3]))
        if self.regions:
            photo = images.resize(self.original, picture.shape[1:3])
            picture = regions.keep_photo(picture, photo, self.regions.strength)
        return picture

    def _work(self):
        """That of all iterations, and of those that are done."""
        costs = list(map(pace.work, self.stages))
        total = sum(n * cost for n, cost in zip(self.plan, costs, strict=True))
        spent = sum(r["iterations"] * cost for r, cost in zip(self.history, costs, strict=False))
        return total, spent

    def _done(self):
        """The share of the work, in [0, 1]."""
        total, spent = self._work()
        return spent / total if spent else float(not total)

    def _remaining(self):
        """Seconds, NaN if unknown."""
        total, spent = self._work()
        return self.pace.rate * (total - spent) if spent < total else 0.0

    def _progress(self, seconds):
        height, width = self.shapes[self.stage]
        record = self.history[-1]
        return Progress(
            stage=self.stage + 1,
            stages=len(self.shapes),
            encoder=self.used.encoder,
            height=height,
            width=width,
            iteration=record["iterations"],
            iterations=self.plan[self.stage],
            evaluations=record["evaluations"],
            losses=self.objective.terms,
            seconds=seconds,
            remaining=self._remaining(),
            done=self._done(),
            image=self._shown(),
        )

    def _save(self, at_once):
        """Writes the checkpoint, if there is one, when due; a failure is only logged."""
        if not self.checkpoint:
            return
        if not at_once and time.monotonic() - self.saved < CHECKPOINT_SECONDS:
            return
        self.saved = time.monotonic()
        try:
            self._write_checkpoint()
        except InputError as error:
            logging.warning("%s; the render continues without it", error)

    def _write_checkpoint(self):
        checkpoints.write_checkpoint(
            self.checkpoint,
            self.identity,
            {
                "stage": self.stage,
                "history": self.history,
                "plan": self.plan,
                "precise": self.objective is self.precise,
                "tile": self.used.tile,
                "pairs": self.used.history,
                "factors": self.factors,
            },
            {**({} if self.used.tile else {"start": self.start}), **self.optimizer.state()},
        )

    def _resume(self):
        """Resumes from the checkpoint if there is one; returns whether there was."""
        if not self.checkpoint or not os.path.exists(self.checkpoint):
            return False
        meta, arrays = checkpoints.read_checkpoint(
            self.checkpoint, self.identity, stage_records.Meta
        )
        stage_records.check_meta(self.checkpoint, meta, self.stages, self.balanced)
        self.stage, self.history, self.plan = meta["stage"], meta["history"], meta["plan"]
        self.factors = meta["factors"]
        stage = self.stages[self.stage]
        self.stages[self.stage] = stage._replace(tile=meta["tile"], history=meta["pairs"])
        self._take()
        shape = (1, *self.shapes[self.stage], 3)
        kinds = self.optimizer.state_kinds(math.prod(shape))
        if not self.used.tile:
            kinds["start"] = (shape, "float32")
        checkpoints.check_arrays(self.checkpoint, arrays, kinds)
        if (arrays["scalars"] < 0.0).any():
            raise InputError(f"{self.checkpoint}: damaged, a count is below 0; remove it")
        self.start = arrays.pop("start", None)
        self._set_targets(self.start)
        if meta["precise"]:
            self.objective = self.precise
            self.optimizer.use(self.precise.value_and_gradient)
        self.optimizer.restore(arrays)
        self.image = self._picture()
        if not np.isfinite(self.image).all():
            raise InputError(f"{self.checkpoint}: damaged, its picture is not finite; remove it")
        height, width = self.shapes[self.stage]
        logging.info(
            "Going on from %s: %d %% done, %d × %d by %s, iteration %d of %d.",
            self.checkpoint, 100 * self._done(), width, height, self.used.encoder,
            self.history[-1]["iterations"], self.plan[self.stage],
        )  # fmt: skip
        return True
