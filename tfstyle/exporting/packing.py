"""TFLite files as objects that can be changed, and back as bytes."""

from typing import Any

import flatbuffers
from tensorflow.lite.python import schema_py_generated as schema

_IDENTIFIER = b"TFL3"
_KINDS = {code: name for name, code in vars(schema.BuiltinOperator).items()}


def unpack(data: bytes) -> Any:
    """The tables of a file, a `ModelT` of TensorFlow Lite's schema."""
    return schema.ModelT.InitFromPackedBuf(data, 0)


def pack(model: Any) -> bytes:
    """The bytes of a file; vectors that are equal, such as shapes, are stored once."""
    builder = _SharingBuilder(65536)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


def kind_of(model: Any, operator: Any) -> str:
    """The name of an operator of a file, such as `CONV_2D`; old files have it in another field."""
    code = model.operatorCodes[operator.opcodeIndex]
    return _KINDS[max(code.builtinCode, code.deprecatedBuiltinCode)]


class _SharingBuilder(flatbuffers.Builder):
    def __init__(self, size):
        super().__init__(size)
        self._places: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x):  # noqa: N802 (the name in flatbuffers)
        key = (x.dtype.str, x.tobytes())
        if key not in self._places:
            self._places[key] = super().CreateNumpyVector(x)
        return self._places[key]
