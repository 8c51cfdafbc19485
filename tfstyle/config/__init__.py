"""Frozen dataclasses, one for each entrypoint; a field is a flag, and its default lives here.

Plain Python: importing this module loads neither NumPy nor TensorFlow. Every value is checked when
a config is made; what is wrong is an InputError that names the flag.
"""

from tfstyle.config.evaluate import EvaluateCommand
from tfstyle.config.export import (
    BenchmarkTFLiteCommand,
    ONNXCommand,
    SavedModelCommand,
    TFLiteCommand,
)
from tfstyle.config.optimize import START_IMAGES, OptimizeCommand, OptimizeConfig
from tfstyle.config.options import WRAP_AXES, did_you_mean, option, parse_weights
from tfstyle.config.stylize import DEFAULT_MODEL, StylesCommand, StylizeCommand
from tfstyle.config.train import ShardsCommand, TrainCommand, TrainConfig

__all__ = [
    "BenchmarkTFLiteCommand",
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
    "WRAP_AXES",
    "did_you_mean",
    "option",
    "parse_weights",
]
