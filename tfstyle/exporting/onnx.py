"""ONNX files, for ONNX Runtime and TensorRT."""

import pathlib

import numpy as np
import tensorflow as tf

from tfstyle import images
from tfstyle.errors import InputError
from tfstyle.exporting.signatures import CODE, TRANSFER, Signatures, Size, flatten, noise
from tfstyle.models import StyleTransferModel
from tfstyle.models.capabilities import to_numpy
from tfstyle.runtime import process

OPSET = 17
TOLERANCE = 1e-4  # for values in [0, 1]; for codes relative to the largest, if that is above 1


def write_onnx(model: StyleTransferModel, size: Size, folder: pathlib.Path) -> float:
    """Writes `style_encoder.onnx` and `transfer.onnx`, and runs them in ONNX Runtime.

    Args:
        model: to export, without what only training needs.
        size: of pictures; if it is free, so is the batch.
        folder: that exists.
    Returns: the largest difference from the Keras model.
    Raises: InputError if a file differs too much; ImportError without tf2onnx or ONNX Runtime.
    """
    with process.quiet_import():
        import onnxruntime
        import tf2onnx
    batch = None if size[0] is None else 1
    sizes = {"content": size, "style": size}
    signatures = Signatures(model, size)
    values = _values(model, size)
    differences = []
    for signature, name in (
        (signatures.encoder, "style_encoder.onnx"),
        (signatures.by_name[TRANSFER], "transfer.onnx"),
    ):
        if signature is None:
            continue
        function = signatures.compiled(signature.name, "float32", sizes, batch)
        with process.hidden_stderr():
            tf2onnx.convert.from_function(
                function, function.input_signature, opset=OPSET, output_path=str(folder / name)
            )
            session = onnxruntime.InferenceSession(
                str(folder / name), providers=["CPUExecutionProvider"]
            )
        inputs = {key: values[key] for key in signature.inputs}
        outputs = session.run(list(signature.outputs), inputs)
        references = function(*(tf.constant(value) for value in inputs.values()))
        for key, actual in zip(signature.outputs, outputs, strict=True):
            expected = references[key].numpy()
            difference = float(np.abs(actual - expected).max() / max(1.0, np.abs(expected).max()))
            if not difference <= TOLERANCE:
                raise InputError(
                    f"{name}: {key} differs by {difference:.1e} from the Keras model in ONNX "
                    f"Runtime, above the limit of {TOLERANCE:.0e}; nothing was written"
                )
            differences.append(difference)
    return max(differences)


def _values(model, size):
    """Values of all inputs of both files by name."""
    inputs = noise(model, 1)
    if size[0]:
        inputs.update(
            {k: images.cover(v, size) for k, v in inputs.items() if k in ("content", "style")}
        )
    code = to_numpy(flatten(CODE, model.encode(inputs)))
    return {**inputs, **code, "strength": np.full(1, 0.8, np.float32)}
