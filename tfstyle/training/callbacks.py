"""Reports of a run: TensorBoard scalars and pictures, sample grids, progress on the terminal.

For Keras' callbacks a batch is a step, and an epoch is the `log_every` steps between two reports.
"""

import contextlib
import pathlib
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tfstyle import images
from tfstyle.errors import InputError
from tfstyle.runtime import terminal
from tfstyle.training.data_sets import Pictures
from tfstyle.training.runs import RunFolder


class TensorBoardLog(keras.callbacks.Callback):
    """Writes each loss term under its name, and the rates, over steps.

    Args:
        folder: of event files.
    """

    def __init__(self, folder: pathlib.Path):
        super().__init__()
        self.writer = tf.summary.create_file_writer(str(folder))
        self._step = 0

    def on_train_batch_end(self, batch, logs=None):
        self._step = batch + 1

    def on_epoch_end(self, epoch, logs=None):
        losses = "pretraining" if "pixels" in logs else "loss"
        with _one_line_errors(), self.writer.as_default(step=self._step):
            for name, value in logs.items():
                tf.summary.scalar(f"{'train' if name in _RATES else losses}/{name}", value)
            self.writer.flush()


_RATES = (
    "learning_rate", "gradient_norm", "images_per_second", "data_wait", "skipped", "loss_scale",
)  # fmt: skip


@contextlib.contextmanager
def _one_line_errors():
    try:
        yield
    except tf.errors.OpError as error:
        raise InputError(f"--output_dir: logs cannot be written ({error.message})") from error


class SampleGrid(keras.callbacks.Callback):
    """Writes pictures of fixed, held-out pairs as files and for TensorBoard.

    Args:
        contents: list of `(1, h, w, 3)` float32 pictures, all of one size.
        styles: likewise, of the same size; for a model with named styles those from `first` on.
        first: index of a style.
        every: steps between two grids.
        folder: where grids are written as `step-00001000.jpg`: contents down, styles across.
        writer: of TensorBoard's files.
        current_model: returns the model as it would be saved now.
    """

    def __init__(
        self,
        contents: list[np.ndarray],
        styles: list[np.ndarray],
        first: int,
        every: int,
        folder: pathlib.Path,
        writer: tf.summary.SummaryWriter,
        current_model: Callable[[], keras.Model],
    ):
        super().__init__()
        self.contents = contents
        self.styles = styles
        self.first = first
        self.every = every
        self.folder = folder
        self.writer = writer
        self.current_model = current_model

    def on_train_batch_end(self, batch, logs=None):
        step = batch + 1
        if step % self.every:
            return
        grid = self.grid(self.current_model())
        images.write_image(self.folder / f"step-{step:08d}.jpg", grid)
        with _one_line_errors(), self.writer.as_default(step=step):
            tf.summary.image("samples", grid)

    def grid(self, model: keras.Model) -> np.ndarray:
        """`(1, H, W, 3)`: styles on top, contents on the left, the rest stylized."""
        codes = [
            model.encode({"style": style, "style_index": np.array([index], np.int32)})
            for index, style in enumerate(self.styles, self.first)
        ]
        rows = [[np.ones_like(self.styles[0]), *self.styles]]
        for content in self.contents:
            stylized = [np.asarray(model.stylize(content, code)) for code in codes]
            rows.append([content, *stylized])
        return np.concatenate([np.concatenate(row, axis=2) for row in rows], axis=1)


class ProgressLine(keras.callbacks.Callback):
    """Shows the step and, of the last report, time left, loss and speed.

    Args:
        steps: of the run.
    """

    def __init__(self, steps: int):
        super().__init__()
        self.steps = steps
        self._rate = 0.0  # steps per second
        self._details: list[str] = []

    def on_train_batch_end(self, batch, logs=None):
        self._step = batch + 1
        if self._step % self.params["steps"] and self._step < self.steps:  # no report follows
            self._show(always=False)

    def on_epoch_end(self, epoch, logs=None):
        self._rate = logs["images_per_second"] / self.params["batch_size"]
        self._details = [f"loss {logs['total']:.4f}", f"{logs['images_per_second']:.1f} images/s"]
        if logs["skipped"]:
            self._details.insert(1, f"{logs['skipped']:.0f} skipped")
        self._show(always=True)

    def _show(self, always):
        left = (self.steps - self._step) / self._rate if self._rate else None
        terminal.show_progress(
            self._step / self.steps,
            f"step {self._step} of {self.steps}",
            *self._details,
            remaining=left,
            always=always,
        )


def report_callbacks(
    run: RunFolder,
    pictures: Pictures,
    first: int,
    current_model: Callable[[], keras.Model],
) -> list[keras.callbacks.Callback]:
    """The callbacks of the process that writes files; `first` is the first trained style."""
    log = TensorBoardLog(run.logs)
    grid = SampleGrid(
        pictures.contents, pictures.styles, first, run.config.sample_every, run.samples, log.writer,
        current_model,
    )  # fmt: skip
    return [log, grid, ProgressLine(run.config.steps)]
