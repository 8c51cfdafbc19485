"""Metadata inside TFLite files, as TensorFlow Lite's metadata readers on Android expect it.

The layout is that of `metadata_schema.fbs` of tensorflow/tflite-support, of which we write the
names, descriptions, version, authors and licence of the model and of its tensors.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import flatbuffers
from tensorflow.lite.python import schema_py_generated as schema

from tfstyle.exporting.packing import pack, unpack

_NAME = "TFLITE_METADATA"
_IDENTIFIER = b"M001"


@dataclasses.dataclass(frozen=True)
class FileDescription:
    """The metadata of a file.

    Attributes:
        name: of the model.
        text: what it does.
        version: of the model.
        author: who made it.
        license: its licence.
        tensors: what the tensors are, by their names in signatures.
    """

    name: str
    text: str
    version: str
    author: str
    license: str
    tensors: Mapping[str, str]


def with_metadata(data: bytes, description: FileDescription) -> bytes:
    """The bytes of a TFLite file with the metadata added.

    Removes the converter's debug data, 3 % of an int8 file: names of inner tensors, the ranges
    that scales were computed from, and a buffer for each tensor without constants.
    """
    model = unpack(data)
    _remove_useless_buffers(model)
    names = {signature.subgraphIndex: signature for signature in model.signatureDefs}
    subgraphs = []
    for index, subgraph in enumerate(model.subgraphs):
        _remove_debug_data(subgraph)
        signature = names.get(index)
        inputs = {} if signature is None else _names(signature.inputs)
        outputs = {} if signature is None else _names(signature.outputs)
        subgraphs.append(
            (
                "" if signature is None else signature.signatureKey.decode(),
                [inputs.get(tensor, "") for tensor in subgraph.inputs],
                [outputs.get(tensor, "") for tensor in subgraph.outputs],
            )
        )
    buffer = schema.BufferT()
    buffer.data = _pack(description, subgraphs)
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = _NAME, len(model.buffers) - 1
    model.metadata = [*(model.metadata or ()), entry]
    model.description = description.text
    return pack(model)


def read_metadata(data: bytes) -> bytes:
    """The packed metadata in a TFLite file, or nothing."""
    model = unpack(data)
    for entry in model.metadata or ():
        if entry.name.decode() == _NAME:
            return bytes(model.buffers[entry.buffer].data)
    return b""


def _remove_debug_data(subgraph):
    public = {*subgraph.inputs, *subgraph.outputs}
    for index, tensor in enumerate(subgraph.tensors):
        if index not in public:
            tensor.name = None
        quantization = tensor.quantization
        if quantization is not None:
            quantization.min = quantization.max = None
            if quantization.scale is None or len(quantization.scale) == 0:
                tensor.quantization = None


def _remove_useless_buffers(model):
    tensors = [tensor for subgraph in model.subgraphs for tensor in subgraph.tensors]
    owners = [*tensors, *(model.metadata or ())]
    used = sorted({owner.buffer for owner in owners})
    full = [i for i in used if model.buffers[i].data is not None]
    places = {old: new for new, old in enumerate(full, 1)}  # the first is empty by convention
    for owner in owners:
        owner.buffer = places.get(owner.buffer, 0)
    model.buffers = [schema.BufferT(), *(model.buffers[i] for i in full)]


def _names(tensor_maps):
    return {one.tensorIndex: one.name.decode() for one in tensor_maps}


def _pack(description: FileDescription, subgraphs: Sequence[tuple]) -> bytes:
    """The tables of the schema, with fields by their number in it."""
    builder = flatbuffers.Builder(4096)

    def text(value):
        return builder.CreateString(value)

    def table(fields, count):
        builder.StartObject(count)
        for number, offset in fields.items():
            builder.PrependUOffsetTRelativeSlot(number, offset, 0)
        return builder.EndObject()

    def vector(offsets):
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return builder.EndVector()

    def tensors(names):  # TensorMetadata: name, description of 8 fields
        return vector(
            [table({0: text(n), 1: text(description.tensors.get(n, ""))}, 8) for n in names]
        )

    packed = vector(
        [  # SubGraphMetadata: name, description, input tensors, output tensors of 10 fields
            table({0: text(name), 2: tensors(inputs), 3: tensors(outputs)}, 10)
            for name, inputs, outputs in subgraphs
        ]
    )
    # ModelMetadata: name, description, version, subgraphs, author, license of 8 fields
    fields = {
        0: text(description.name),
        1: text(description.text),
        2: text(description.version),
        3: packed,
        4: text(description.author),
        5: text(description.license),
    }
    builder.Finish(table(fields, 8), _IDENTIFIER)
    return bytes(builder.Output())
