"""A run with JAX: its folder, its reports, and the loop over steps until its time is over."""

import collections
import dataclasses
import functools
import json
import pathlib
import time
from collections.abc import Callable
from typing import Any, TypedDict

import jax
import keras
import numpy as np

from tfstyle import checkpoints, files, images, models
from tfstyle.config import TrainConfig
from tfstyle.errors import InputError
from tfstyle.training.new_models import make_result_model
from tools.jax_training import packing, sampling, schedule, stepping

MAX_BAD_STEPS = 100  # skipped since the last report, after which a run ends
_HELD_OUT = 4  # pictures of each kind for samples, if there are ten times as many
_IN_FLIGHT = 2  # steps that are sent to the device before earlier ones are done
_REPORT_SECONDS = 10.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a run spends its time.

    Attributes:
        folder: of the run.
        start: when the program started, of `time.monotonic`, in seconds.
        seconds: from then until the last step.
        checkpoint_seconds: between two checkpoints.
        sample_seconds: between two grids of samples.
    """

    folder: pathlib.Path
    start: float
    seconds: float
    checkpoint_seconds: float
    sample_seconds: float


class _Meta(TypedDict):
    step: int
    share: float


class Run:
    """The state of a run, on the device, and its files.

    Args:
        config: of the run; folders and steps are not used.
        model: built.
        plan: of the run.
        packs: files of `packing.pack`.
    """

    def __init__(self, config: TrainConfig, model: Any, plan: Plan, packs: list[str]):
        self.config = config
        self.model = model
        self.plan = plan
        self.optimizer = keras.optimizers.Adam(config.learning_rate)
        self.optimizer.build(model.trainable_variables)
        self.done = 0.0  # share of the schedule
        kept = ("model", "encoder", "model_arguments", "content_weight", "style_weight",
                "tv_weight", "style_loss", "margin")  # fmt: skip
        flags = {name: getattr(config, name) for name in kept}
        self.identity = json.loads(
            json.dumps({"config": flags, "encoder": model.frozen_identity()})
        )
        device = jax.devices()[0]
        state, stateless = self._restored(), stepping.Stateless(model)
        self.state, self.fixed = jax.device_put((state, stateless.fixed), device)
        self.pictures, self.samples = load_pictures(packs, config.crop_size, device)
        self._paint = jax.jit(functools.partial(stateless, model))

    @property
    def checkpoint(self) -> pathlib.Path:
        return self.plan.folder / "checkpoint.npz"

    def _restored(self):
        make = functools.partial(stepping.first_state, self.model, self.optimizer, self.config.seed)
        if not self.checkpoint.exists():
            return make()
        meta, arrays = checkpoints.read_checkpoint(
            self.checkpoint, self.identity, _Meta, "training run",
            "give the same flags, or another --output_dir",
        )  # fmt: skip
        shapes = [variable.shape for variable in self.model.trainable_variables]
        kinds = {"average": np.float32, "difference": np.float16}
        expected = {
            f"{kind}/{number}": (shape, dtype)
            for kind, dtype in kinds.items()
            for number, shape in enumerate(shapes)
        }
        checkpoints.check_arrays(self.checkpoint, arrays, expected)
        self.done = meta["share"]
        print(f"Going on from step {meta['step']}, {100 * self.done:.0f} % of the schedule.")
        return make(meta["step"], *stepping.from_arrays(arrays))

    def compiled(self) -> Callable:
        """The step; says how long compiling took and how much arithmetic a pair needs."""
        config, began = self.config, time.monotonic()
        draw = functools.partial(sampling.pairs, config=config)
        step = stepping.make_step(
            self.model, self.optimizer, draw, config.clip_norm, config.ema, config.temporal_weight
        )
        arguments = (self.state, np.float32(0.0), self.fixed, *self.pictures)
        lowered = jax.jit(step, donate_argnums=0).lower(*arguments)
        operations = (lowered.cost_analysis() or {}).get("flops", 0.0) / config.batch_size
        found = lowered.compile()
        seconds = time.monotonic() - began
        print(f"Compiled in {seconds:.0f} s; {operations / 1e9:.1f} GFLOP for a pair.", flush=True)
        return found

    def train(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Steps until the time is over; InputError if losses are no longer finite."""
        step, plan, pending = self.compiled(), self.plan, collections.deque()
        now = time.monotonic()
        clock = schedule.Clock(now, plan.start + plan.seconds, self.done)
        reported = saved = sampled = now
        found, count = [], 0
        while (share := clock.share(time.monotonic())) < 1.0 and not should_stop():
            rate = schedule.learning_rate(
                self.config.learning_rate, share, count, self.config.warmup_steps
            )
            self.state, report = step(self.state, np.float32(rate), self.fixed, *self.pictures)
            found.append(report)
            pending.append(report)
            count, self.done = count + 1, share
            if len(pending) > _IN_FLIGHT:  # so that the time is that of the device
                jax.block_until_ready(pending.popleft())
            now = time.monotonic()
            if now - reported > _REPORT_SECONDS:
                self._report(found, now - reported, rate)
                reported, found = now, []
            if now - saved > plan.checkpoint_seconds:
                self.save()
                saved = now
            if now - sampled > plan.sample_seconds:
                self.write_samples()
                sampled = now
        if found:
            self._report(found, time.monotonic() - reported, rate)
        if count and not should_stop():  # not where loading took all the time
            self.done = 1.0

    def _report(self, found, seconds, rate):
        """Appends to `log.jsonl`, and prints, the means over the steps since the last report."""
        found = jax.device_get(found)
        skipped = sum(bool(one.pop("skipped")) for one in found)
        if skipped > min(MAX_BAD_STEPS, len(found) // 2):
            raise InputError(
                f"the loss is not finite in {skipped} of {len(found)} steps; a smaller "
                "--learning_rate may help"
            )
        line = {
            "step": int(self.state.step),
            "seconds": round(time.monotonic() - self.plan.start, 1),
            "share": round(self.done, 4),
            "pairs_per_second": self.config.batch_size * len(found) / seconds,
            "learning_rate": rate,
            "skipped": skipped,
            **{name: float(np.nanmean([one[name] for one in found])) for name in found[0]},
        }
        with open(self.plan.folder / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(
            f"{line['seconds']:.0f} s: step {line['step']}, loss {line['total']:.4f}, "
            f"{line['pairs_per_second']:.1f} pairs/s",
            flush=True,
        )

    def save(self) -> None:
        """Writes `checkpoint.npz`."""
        state = jax.device_get(self.state._replace(key=None))
        meta = {"step": int(state.step), "share": self.done}
        checkpoints.write_checkpoint(
            self.checkpoint, self.identity, meta, stepping.to_arrays(state)
        )

    def write_samples(self) -> None:
        """Writes `samples-STEP.png`: paintings on top, photographs on the left."""
        contents, styles = self.samples
        inputs = {
            "content": np.repeat(contents, len(styles), axis=0),
            "style": np.tile(styles, (len(contents), 1, 1, 1)),
        }
        painted = np.asarray(self._paint(self.state.averages, self.fixed, inputs))
        rows = np.split(painted, len(contents))
        rows = [np.concatenate([[one], row]) for one, row in zip(contents, rows, strict=True)]
        rows = [np.concatenate([np.ones_like(styles[:1]), styles]), *rows]
        grid = np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)
        path = self.plan.folder / f"samples-{int(self.state.step):06d}.png"
        images.write_image(path, grid[None])

    def write_model(self) -> None:
        """Writes the averages as `model.keras`, in float32, and `model.npz`, in float16."""
        result = make_result_model(self.config, self.model, (), None)
        averages = jax.device_get(self.state.averages)
        for variable, value in zip(result.trainable_variables, averages, strict=True):
            variable.assign(value)
        result = result.for_inference()
        with files.replacing(self.plan.folder / "model.keras") as temporary:
            result.save(temporary)
        models.pack_model(result, self.plan.folder / "model.npz")


def load_pictures(packs: list[str], size: int, device: Any) -> tuple[list, list]:
    """Photographs and paintings for training, on the device, and for samples.

    Args:
        packs: files of `packing.pack`.
        size: side of the samples in pixels.
        device: of JAX.
    Returns: for each kind `packing.stack`'s arrays; for each kind `(n, size, size, 3)` float32.
    """
    stacked, samples = [], []
    found = [packing.read_pack(path) for path in packs]
    for kind in packing.KINDS:
        pictures = [picture for pack in found for picture in pack[kind]]
        held = min(_HELD_OUT, len(pictures) // 10)
        shown = [picture[None].astype(np.float32) / 255.0 for picture in pictures[: held or 1]]
        samples.append(np.concatenate([images.cover(one, (size, size)) for one in shown]))
        stacked.append(jax.device_put(packing.stack(pictures[held:]), device))
    return stacked, samples
