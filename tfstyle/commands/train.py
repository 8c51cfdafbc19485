"""`tfstyle train`: trains a feed-forward model, or goes on with a run."""

import dataclasses
import signal
import sys
from collections.abc import Sequence

from absl import logging

from tfstyle import cli
from tfstyle.config import TrainCommand, TrainConfig
from tfstyle.errors import InputError


def main(argv: Sequence[str]) -> int | None:
    """Trains; 128 + signal number if it was stopped, after writing a checkpoint."""
    program = "train.py" if sys.argv[0].endswith("train.py") else "tfstyle train"
    command = cli.parse(TrainCommand, argv, program)
    if command is None:
        return 0
    from tfstyle import devices, files, weights

    files.check_folder("output_dir", command.output_dir)
    if command.init_model:
        weights.model_path(command.init_model, "init_model")
    weights.check_encoder(command.encoder, command.vgg_weights)
    devices.start_tensorflow()
    import tensorflow as tf

    from tfstyle import training

    encoder = command.encoder
    if encoder == "auto" and not command.vgg_weights and command.model != "adain":
        encoder = "lite"  # which mobile and quality are made for
    encoder = weights.choose_encoder(encoder, command.vgg_weights, devices.has_gpu())
    settings = {
        field.name: getattr(command, field.name) for field in dataclasses.fields(TrainConfig)
    }
    config = TrainConfig(**{**settings, "encoder": encoder})
    strategy = training.make_strategy(config)
    # After the strategy: with several machines TensorFlow takes SIGTERM for itself when it is made.
    with cli.StopSignal() as stop:
        try:
            result = training.train(
                config, strategy=strategy, should_stop=lambda: bool(stop.number)
            )
        except tf.errors.UnavailableError as error:
            raise InputError("another machine has ended or cannot be reached") from error
    if not result.complete:
        logging.info(
            "Stopped at step %d; the same command goes on from %s.", result.step, config.output_dir
        )
        return 128 + (stop.number or signal.SIGTERM)  # another machine's signal, if not our own
    return 0
