"""ONNX files, for ONNX Runtime and TensorRT."""

import pathlib

from tfstyle.errors import InputError
from tfstyle.exporting import comparison
from tfstyle.exporting.signatures import TRANSFER, Signatures, Size
from tfstyle.models import StyleTransferModel
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

        def run(inputs, keys=signature.outputs, session=session):
            return dict(zip(keys, session.run(list(keys), inputs), strict=True))

        difference = comparison.largest_difference(name, signatures, signature, run, size)
        if not difference <= TOLERANCE:
            raise InputError(
                f"{name} differs by {difference:.1e} from the Keras model in ONNX Runtime, above "
                f"the limit of {TOLERANCE:.0e}; nothing was written"
            )
        differences.append(difference)
    return max(differences)
