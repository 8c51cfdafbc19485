"""Neural style transfer for TensorFlow and Keras."""

import importlib
import sys

__version__ = "0.1.0"

if "keras" in sys.modules:  # then `keras.saving.load_model` shall know the models' classes
    importlib.import_module("tfstyle.models.loading")
