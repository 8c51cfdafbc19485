"""`tfstyle to_onnx`: exports a trained model to ONNX."""

from collections.abc import Sequence

from absl import logging

from tfstyle import cli
from tfstyle.config import ONNXCommand
from tfstyle.config.export import sizes


def main(argv: Sequence[str]) -> int | None:
    """Writes the files, after they have been run in ONNX Runtime beside the Keras model."""
    config = cli.parse(ONNXCommand, argv, cli.program("to_onnx", "export"))
    if config is None:
        return 0
    from tfstyle import devices, files, weights

    weights.model_path(config.model)
    files.check_new_folder("output", config.output)
    devices.start_tensorflow()
    from tfstyle import models
    from tfstyle.exporting import onnx

    model = models.load_model(config.model).for_inference()
    (size,) = sizes("size", config.size)
    with files.new_folder("output", config.output) as folder:
        difference = onnx.write_onnx(model, size, folder)
    logging.info("Wrote %s; largest difference to the Keras model %.1e.", config.output, difference)
    return 0
