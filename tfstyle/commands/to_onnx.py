"""`tfstyle to_onnx`: exports a trained model to ONNX."""

import importlib.util

from absl import logging

from tfstyle.config import ONNXCommand
from tfstyle.config.export import sizes
from tfstyle.errors import InputError
from tfstyle.runtime import terminal

FLAGS = ONNXCommand


def main(config: ONNXCommand) -> int | None:
    """Writes the files, after comparing them in ONNX Runtime with the Keras model."""
    from tfstyle import files
    from tfstyle.models import packaged
    from tfstyle.runtime import devices

    packaged.model_path(config.model)
    files.check_new_folder("output", config.output)
    for package in ("tf2onnx", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise InputError(f"{package} is not installed; pip install -e '.[onnx]'")
    terminal.show_progress(None, "loading TensorFlow")
    devices.start_tensorflow()
    from tfstyle import models
    from tfstyle.exporting import onnx
    from tfstyle.exporting.tflite import check_sizes

    model = models.load_model(config.model).for_inference()
    (size,) = sizes("size", config.size)
    check_sizes(model, size=[size])
    terminal.show_progress(None, "converting and comparing the files")
    with files.new_folder("output", config.output) as folder:
        difference = onnx.write_onnx(model, size, folder)
    logging.info("Wrote %s; largest difference from the model %.1e.", config.output, difference)
    return 0
