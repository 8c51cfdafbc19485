"""`tfstyle train`: trains a feed-forward model, or resumes a run."""

import dataclasses
import os
import pathlib
import signal

from absl import logging

from tfstyle.config import TrainCommand, TrainConfig
from tfstyle.errors import InputError
from tfstyle.runtime import memory, process, terminal

FLAGS = TrainCommand
# Least memory of a run, and of a pixel of a batch: what lite keeps for the gradient.
_BASE_BYTES = 0.7e9
_PIXEL_BYTES = 400


def main(command: TrainCommand) -> int | None:
    """Trains; 128 + signal number if it was stopped, after writing a checkpoint."""
    from tfstyle import files
    from tfstyle.encoders import weight_files
    from tfstyle.models import packaged
    from tfstyle.runtime import devices

    files.check_folder("output_dir", command.output_dir)
    if command.init_model:
        packaged.model_path(command.init_model, "init_model")
    if command.teacher:
        packaged.model_path(command.teacher, "teacher")
    weight_files.check_encoder(command.encoder, command.vgg_weights)
    if os.environ.get("TF_CONFIG"):  # its messages about a lost machine are many; ours is one
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    terminal.show_progress(None, "loading TensorFlow")
    devices.start_tensorflow()
    from tfstyle import models, training
    from tfstyle.training.strategies import LOST, LOST_WORDS

    command = dataclasses.replace(command, model=_architecture(command))
    encoder = command.encoder
    if encoder == "auto" and not command.vgg_weights:
        encoder = models.model_class(command.model).PREFERRED_ENCODER
    encoder = weight_files.choose_encoder(encoder, command.vgg_weights, devices.has_gpu())
    settings = {
        field.name: getattr(command, field.name) for field in dataclasses.fields(TrainConfig)
    }
    config = TrainConfig(**{**settings, "encoder": encoder})
    if not devices.has_gpu():
        memory.check(
            _BASE_BYTES + _PIXEL_BYTES * config.batch_size * config.crop_size**2,
            f"--batch_size={config.batch_size} --crop_size={config.crop_size}",
            "smaller ones need less",
        )
    terminal.show_progress(None, "preparing")
    strategy = training.make_strategy(config)
    # After the strategy: creating one for several machines replaces the handler of SIGTERM.
    with process.StopSignal() as stop:
        try:
            result = training.train(config, strategy=strategy, should_stop=stop.requested)
        except LOST as error:
            if not os.environ.get("TF_CONFIG"):
                raise
            raise InputError(LOST_WORDS) from error
        except KeyboardInterrupt as error:
            if any(pathlib.Path(config.output_dir, "checkpoints").glob("step-*.npz")):
                error.add_note(f"the same command goes on from {config.output_dir}'s checkpoint")
            raise
    if not result.complete:
        terminal.end_progress()
        logging.info(
            "Stopped: %s holds a checkpoint of step %d of %d; the same command goes on from there.",
            config.output_dir, result.step, config.steps,
        )  # fmt: skip
        return 128 + (stop.number or signal.SIGTERM)  # another machine's signal, if not our own
    return 0


def _architecture(command):
    """The architecture to train: that of the model to which a style is added."""
    from tfstyle import models
    from tfstyle.models.loading import architecture_of

    if not command.add_style or command.model != FLAGS.model:
        return command.model
    return architecture_of(models.load_model(command.init_model, "init_model")) or command.model
