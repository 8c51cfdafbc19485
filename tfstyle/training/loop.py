"""The training loop, for any number of devices and machines."""

import collections
import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from tfstyle import files, models
from tfstyle.config import TrainConfig
from tfstyle.data.batches import Batches
from tfstyle.data.sources import Skipped
from tfstyle.errors import InputError
from tfstyle.models.capabilities import NamedStyles, Pretrainable, WholePaintings, require
from tfstyle.runtime import devices, terminal
from tfstyle.training.callbacks import report_callbacks
from tfstyle.training.data_sets import open_pictures
from tfstyle.training.new_models import (
    added_names,
    check_crop,
    identity_of,
    load_first,
    load_teacher,
    make_model,
    make_result_model,
    start_from,
)
from tfstyle.training.runs import RunFolder
from tfstyle.training.steps import Stepper
from tfstyle.training.strategies import LOST, LOST_WORDS, Machines, is_chief, make_strategy

MAX_BAD_STEPS = 10  # steps in a row without a finite loss


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """What `train` returns.

    Attributes:
        step: the last one done.
        complete: whether all steps are done; if so, the model was written.
        skipped: number of steps skipped because the loss was not finite.
    """

    step: int
    complete: bool
    skipped: int


def train(
    config: TrainConfig,
    *,
    strategy: tf.distribute.Strategy | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    should_stop: Callable[[], bool] = lambda: False,
) -> TrainingResult:
    """Trains a model, or resumes the run in the folder.

    Args:
        config: of the run.
        strategy: from `make_strategy(config)`, the default.
        callbacks: Keras callbacks; a batch is a step, an epoch the `log_every` steps between two
            reports. A callback may set `model.stop_training`.
        should_stop: called after each step (with several machines, at each report); if True, a
            checkpoint is written and training ends.
    Raises: InputError for unusable pictures, weights, devices or folders, and when losses are no
        longer finite.
    """
    strategy = strategy or make_strategy(config)
    machines = Machines(strategy)
    skipped = Skipped()
    kind = models.model_class(config.model)
    trained = load_first(config)
    known = trained.style_names if config.add_style else ()
    pictures = open_pictures(
        config, skipped, issubclass(kind, NamedStyles), issubclass(kind, WholePaintings), len(known)
    )
    chief = is_chief(strategy)
    keras.utils.set_random_seed(config.seed)
    if config.precision == "mixed_float16" and not tf.config.list_logical_devices("GPU"):
        logging.warning("float16 is slow on CPUs; --precision=float32 is faster.")
    if config.precision == "mixed_bfloat16" and not devices.computes_bfloat16():
        logging.warning("bfloat16 is slow on this CPU; --precision=float32 is faster.")
    with strategy.scope():
        style_names = added_names(config, known, pictures.style_names)
        model = make_model(config, style_names, trained)
        if config.pretrain_steps:
            require(model, Pretrainable, "--pretrain_steps")
        if trained:
            start_from(config, model, trained)
        if pictures.paintings:
            require(model, WholePaintings, "--style").set_paintings(pictures.paintings, len(known))
        teacher = load_teacher(config, model)
        check_crop(model, config, teacher)
    stepper = Stepper(model, config, strategy, teacher)
    with strategy.scope():
        model.compile(optimizer=stepper.optimizer)  # where Keras' callbacks look for it
    identity = identity_of(model, style_names if pictures.style_names else (), teacher)
    run = RunFolder(config, identity)
    start = run.restore(stepper.state())
    mean = machines.mean(start)
    if machines.mean((start - mean) ** 2) > 0.0:
        raise InputError(
            f"--output_dir: {run.path} must be one folder that all machines share; they found "
            "checkpoints of different steps"
        )
    if start > config.steps:
        raise InputError(f"--steps: {run.path} has done {start} already; give more to resume it")
    if start:
        logging.info(
            "Going on from %s: step %d of %d (%d %%).",
            run.path, start, config.steps, 100 * start / config.steps,
        )  # fmt: skip
    try:
        if chief:
            run.prepare()
            skipped.keep_in(run.path / "skipped.txt")
        result_model = make_result_model(config, model, style_names, trained)

        def current_model() -> models.StyleTransferModel:
            for variable, value in zip(
                result_model.trainable_variables, stepper.result_weights(), strict=True
            ):
                variable.assign(value)
            return result_model

        if chief:
            callbacks = [
                *report_callbacks(run, pictures, len(known), current_model),
                *callbacks,
            ]
        else:
            terminal.end_progress()  # it is shown by the chief
        report = keras.callbacks.CallbackList(
            list(callbacks), model=model, steps=config.log_every, batch_size=config.batch_size
        )
        loop = _Loop(config, stepper, machines, pictures.batches, run, chief, report, should_stop)
        step = loop.run(start)
        complete = step == config.steps
        if chief and complete:
            with files.replacing(run.model_path) as temporary:
                current_model().save(temporary)
            logging.info("Wrote %s.", run.model_path)
        return TrainingResult(step, complete, int(stepper.skipped.numpy()))
    finally:
        run.release()


class _Loop:
    """Steps, with reports and checkpoints between them."""

    def __init__(
        self,
        config: TrainConfig,
        stepper: Stepper,
        machines: Machines,
        batches: Batches,
        folder: RunFolder,
        chief: bool,
        report: keras.callbacks.CallbackList,
        should_stop: Callable[[], bool],
    ):
        self.config = config
        self.stepper = stepper
        self.machines = machines
        self.batches = batches
        self.folder = folder
        self.chief = chief
        self.report = report
        self.should_stop = should_stop
        self.saved = 0  # step of the last checkpoint

    def run(self, start: int) -> int:
        """Trains from a step on; returns the last step done.

        Raises: InputError, after a checkpoint, if another machine is lost.
        """
        try:
            return self._run(start)
        except LOST as error:
            if not self.machines.several:
                raise
            raise InputError(f"{LOST_WORDS}; {self._save_alone()}") from error

    def _run(self, start):
        config, step = self.config, start
        self.saved = start
        self.stepper.model.stop_training = False
        self.report.on_train_begin()
        steps = self._steps(start)
        for step, terms, times in steps:
            if step % config.log_every == 0 or step == config.steps:
                logs = self._means(terms, times)
                self.report.on_epoch_end((step - 1) // config.log_every, logs)
            if step % config.checkpoint_every == 0 or step == config.steps:
                self._save(step)
            if self._stops(step):
                break
        self._save(step)
        self.report.on_train_end()
        return step

    def _steps(self, start: int) -> Iterator[tuple[int, list, dict[str, float]]]:
        """Each step's number, and the terms and times since the last report."""
        config, stepper = self.config, self.stepper
        data = stepper.strategy.distribute_datasets_from_function(
            functools.partial(self.batches.dataset, start, config.steps)
        )
        iterator = iter(data)
        terms: list[dict[str, tf.Tensor]] = []
        flags: collections.deque = collections.deque()
        times = {"start": time.perf_counter(), "wait": 0.0}
        for step in range(start + 1, config.steps + 1):
            if (step - 1) % config.log_every == 0 or step == start + 1:
                self.report.on_epoch_begin((step - 1) // config.log_every)
            if (step - 1) % config.log_every == 0 or step in (start + 1, config.pretrain_steps + 1):
                terms, times = [], {"start": time.perf_counter(), "wait": 0.0}
            self.report.on_train_batch_begin(step - 1)
            before = time.perf_counter()
            batch = self._next(iterator)
            times["wait"] += time.perf_counter() - before
            pretrains = step <= config.pretrain_steps
            found = stepper.pretrain_step(batch) if pretrains else stepper.train_step(batch, step)
            terms.append(found)
            flags.append(found["finite"])
            if len(flags) > 2 and not flags.popleft():  # an old one, which is ready without waiting
                self._check_finite(step)
            self.report.on_train_batch_end(step - 1)
            yield step, terms, times

    def _next(self, iterator) -> Any:
        try:
            return next(iterator)
        except tf.errors.OpError:
            if self.batches.error:
                raise self.batches.error from None
            raise

    def _check_finite(self, step: int) -> None:
        if int(self.stepper.bad_in_a_row.numpy()) >= MAX_BAD_STEPS:
            restart = f"resumes from step {self.saved}" if self.saved else "starts again"
            raise InputError(
                f"step {step}: the loss was not finite {MAX_BAD_STEPS} times in a row. The same "
                f"command {restart}; a lower --learning_rate, a --clip_norm or --precision=float32 "
                "may help"
            )

    def _means(self, terms: list[dict[str, tf.Tensor]], times: dict[str, float]) -> dict:
        """Means of the terms of finite steps since the last report, and the rates."""
        rows = [{name: float(value) for name, value in row.items()} for row in terms]
        seconds = time.perf_counter() - times["start"]
        finite = [row.pop("finite") for row in rows]
        good = [row for row, is_finite in zip(rows, finite, strict=True) if is_finite]
        logs = {}
        for name in dict.fromkeys(name for row in rows for name in row):
            values = [row[name] for row in good if name in row]
            logs[name] = float(np.mean(values)) if values else float("nan")
        logs["learning_rate"] = float(self.stepper.optimizer.learning_rate)
        logs["images_per_second"] = len(rows) * self.config.batch_size / seconds
        logs["data_wait"] = times["wait"] / seconds
        logs["skipped"] = float(self.stepper.skipped.numpy())
        if self.stepper.scaled:
            logs["loss_scale"] = float(self.stepper.loss_scale.numpy())
        return logs

    def _save(self, step: int) -> None:
        if self.chief and step > self.saved:
            self.folder.write(step, self.stepper.state())
        self.saved = step

    def _save_alone(self) -> str:
        """Writes the checkpoint of the last step, whichever machines are left; says what is there.

        A step changes nothing before all machines have exchanged what it needs, so that the state
        is that of a whole step.
        """
        step = self.stepper.step()
        if step > max((known for known, _ in self.folder.checkpoints()), default=0):
            self.folder.write(step, self.stepper.state())
        if not step:
            return "the same command, on all machines, starts again"
        return (
            f"{self.folder.path} holds a checkpoint of step {step}, and the same command, on all "
            "machines, goes on from there"
        )

    def _stops(self, step: int) -> bool:
        stops = self.should_stop() or self.stepper.model.stop_training
        if not self.machines.several:
            return stops
        if step % self.config.log_every:
            return False
        return self.machines.mean(float(stops)) > 0.0
