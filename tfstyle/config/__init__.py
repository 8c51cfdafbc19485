"""Frozen dataclasses, one for each entrypoint; a field is a flag, and its default lives here.

Plain Python: importing this module loads neither NumPy nor TensorFlow. Every value is checked when
a config is made; what is wrong is an InputError that names the flag.
"""

from tfstyle.config.optimize import STYLE_LOSSES, OptimizeCommand, OptimizeConfig
from tfstyle.config.options import did_you_mean, option, parse_weights
from tfstyle.config.stylize import StylesCommand, StylizeCommand
from tfstyle.config.train import TrainCommand, TrainConfig

__all__ = [
    "STYLE_LOSSES",
    "OptimizeCommand",
    "OptimizeConfig",
    "StylesCommand",
    "StylizeCommand",
    "TrainCommand",
    "TrainConfig",
    "did_you_mean",
    "option",
    "parse_weights",
]
