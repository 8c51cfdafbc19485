"""Frozen dataclasses, one for each entrypoint; a field is a flag, and its default lives here.

Plain Python: importing this module loads neither NumPy nor TensorFlow. Every value is checked when
a config is made; what is wrong is an InputError that names the flag.
"""

from tfstyle.config.batch import BatchCommand
from tfstyle.config.evaluate import EvaluateCommand
from tfstyle.config.export import (
    BenchmarkTFLiteCommand,
    ONNXCommand,
    SavedModelCommand,
    TFLiteCommand,
)
from tfstyle.config.optimize import (
    CONTENT_LOSSES,
    START_IMAGES,
    OptimizeCommand,
    OptimizeConfig,
)
from tfstyle.config.options import TILE_SIZE, WRAP_AXES, did_you_mean, option, parse_weights
from tfstyle.config.regions import parse_region
from tfstyle.config.stylize import DEFAULT_MODEL, StylesCommand, StylizeCommand
from tfstyle.config.train import ShardsCommand, TrainCommand, TrainConfig
from tfstyle.config.video import VideoCommand
from tfstyle.config.web import WebCommand

__all__ = [
    "BatchCommand",
    "BenchmarkTFLiteCommand",
    "CONTENT_LOSSES",
    "DEFAULT_MODEL",
    "START_IMAGES",
    "EvaluateCommand",
    "ONNXCommand",
    "OptimizeCommand",
    "OptimizeConfig",
    "SavedModelCommand",
    "ShardsCommand",
    "StylesCommand",
    "StylizeCommand",
    "TFLiteCommand",
    "TrainCommand",
    "TrainConfig",
    "VideoCommand",
    "TILE_SIZE",
    "WRAP_AXES",
    "WebCommand",
    "did_you_mean",
    "option",
    "parse_region",
    "parse_weights",
]
