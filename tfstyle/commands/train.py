"""`tfstyle train`: trains a feed-forward model, or goes on with a run."""

import dataclasses
import sys
from collections.abc import Sequence

from absl import logging

from tfstyle import cli
from tfstyle.config import TrainCommand, TrainConfig


def main(argv: Sequence[str]) -> int | None:
    """Trains; 128 + signal number if it was stopped, after writing a checkpoint."""
    program = "train.py" if sys.argv[0].endswith("train.py") else "tfstyle train"
    command = cli.parse(TrainCommand, argv, program)
    if command is None:
        return 0
    from tfstyle import devices, files, weights

    files.check_folder("output_dir", command.output_dir)
    encoder = weights.choose_encoder(command.encoder, command.vgg_weights)
    settings = {
        field.name: getattr(command, field.name) for field in dataclasses.fields(TrainConfig)
    }
    config = TrainConfig(**{**settings, "encoder": encoder})
    devices.start_tensorflow()
    from tfstyle import training

    with cli.StopSignal() as stop:
        result = training.train(config, should_stop=lambda: bool(stop.number))
    if not result.complete:
        logging.info(
            "Stopped at step %d; the same command goes on from %s.", result.step, config.output_dir
        )
        return 128 + stop.number
    return 0
