"""ONNX files, for ONNX Runtime and TensorRT."""

import pathlib

import numpy as np
import tensorflow as tf

from tfstyle import cli, images, models
from tfstyle.errors import InputError
from tfstyle.exporting.signatures import (
    ENCODE_STYLE,
    TRANSFER,
    function_of,
    input_specs,
    noise,
)
from tfstyle.exporting.tflite import Size

OPSET = 17
FILES = {ENCODE_STYLE: "style_encoder.onnx", TRANSFER: "transfer.onnx"}
TOLERANCE = 1e-4  # of values in [0, 1], and of codes relative to the largest, if that is above 1


def write_onnx(model: models.StyleTransferModel, size: Size, folder: pathlib.Path) -> float:
    """Writes `style_encoder.onnx` and `transfer.onnx`, and runs them in ONNX Runtime.

    Args:
        model: to export, without what only training needs.
        size: of pictures; where it is free, so is the batch.
        folder: that exists.
    Returns: the largest difference to the Keras model.
    Raises: InputError if a file differs too much; ImportError without tf2onnx or ONNX Runtime.
    """
    with cli.quiet_import():
        import onnxruntime
        import tf2onnx
    batch = None if size[0] is None else 1
    sizes = {"content": size, "style": size}
    differences = []
    for signature, name in FILES.items():
        specs = input_specs(model, signature, "float32", sizes, batch)
        function = tf.function(function_of(model, signature, "float32"), input_signature=specs)
        with cli.hidden_stderr():
            tf2onnx.convert.from_function(
                function, specs, opset=OPSET, output_path=str(folder / name)
            )
            session = onnxruntime.InferenceSession(
                str(folder / name), providers=["CPUExecutionProvider"]
            )
        inputs = _inputs(model, signature, size)
        (found,) = session.run(None, inputs)
        expected = function(**{key: tf.constant(value) for key, value in inputs.items()})
        expected = expected[signature.output].numpy()
        difference = float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))
        if not difference <= TOLERANCE:
            raise InputError(
                f"{name}: differs by {difference:.1e} from the Keras model in ONNX Runtime, "
                f"{TOLERANCE:.0e} at most is wanted; nothing was written"
            )
        differences.append(difference)
    return max(differences)


def _inputs(model, signature, size):
    content, style = noise(model, 1)
    if size[0]:
        content, style = (images.cover(picture, size) for picture in (content, style))
    values = {
        "content": content,
        "style": style,
        "code": np.asarray(model.encode_style(style)),
        "strength": np.full(1, 0.8, np.float32),
    }
    return {name: values[name] for name in signature.inputs}
