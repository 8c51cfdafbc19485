"""Exported files: the same pictures as the Keras model's, and what is said about them."""

import collections
import copy
import struct

import flatbuffers
import keras
import numpy as np
import pytest
from tensorflow.lite.python import schema_py_generated as schema

from tests.model_examples import ALL, CHECKED, EXAMPLES, rounding
from tfstyle import models
from tfstyle.errors import InputError
from tfstyle.exporting import (
    metadata,
    onnx,
    operators,
    profiling,
    quantization,
    saved_model,
    tflite,
    tflite_files,
)
from tfstyle.exporting.packing import pack, unpack
from tfstyle.exporting.signatures import (
    CODE,
    ENCODE_STYLE,
    ENCODE_WHOLE,
    FREE,
    SUMMARY,
    TRANSFER,
    TRANSFER_TILE,
    Signatures,
    flatten,
    unflatten,
)
from tfstyle.metrics.networks import load_features
from tfstyle.models.capabilities import Tileable
from tfstyle.runtime.litert import Network


def entries_of(model, name, sizes):
    """Of one of the model's signatures, for paintings of 64 pixels."""
    return tflite.entries_of(Signatures(model, (64, 64)).by_name[name], sizes, (64, 64))


def inputs_of(content, code, strength=1.0):
    """What a transfer signature takes, by name."""
    return {
        "content": content, "strength": np.full(1, strength, np.float32),
        **{name: np.asarray(part) for name, part in flatten(CODE, code).items()},
    }  # fmt: skip


@pytest.fixture(scope="module")
def mobile():
    return EXAMPLES["mobile"](blocks=1).for_inference()


@pytest.fixture(scope="module")
def two_sizes(mobile):
    """The bytes of a transfer network for 64 × 96 and 96 × 64 pixels."""
    entries = entries_of(mobile, TRANSFER, [(64, 96), (96, 64)])
    return entries, tflite.convert(mobile, entries, "float32")


@pytest.mark.parametrize("name", CHECKED)
def test_a_tflite_pair_paints_as_the_keras_model(name, photo, painting):
    model = ALL[name]().for_inference()
    tiles = isinstance(model, Tileable)
    (encode,) = entries_of(model, ENCODE_STYLE, [])
    (transfer,) = entries_of(model, TRANSFER, [(64, 96)])
    entries = [[encode], [transfer]]
    if tiles:
        entries[0] += entries_of(model, ENCODE_WHOLE, [(64, 64)])
        entries[1] += entries_of(model, TRANSFER_TILE, [(64, 96)])
    files = [tflite.convert(model, one, "float32") for one in entries]
    assert [profiling.gpu_problems(data) for data in files] == [[], []]
    encoder, painter = (Network(data, 1, name) for data in files)
    assert encoder.signatures[0] == "encode_style"  # what runtimes without signatures take
    code = unflatten(CODE, encoder.run("encode_style", {"style": painting}))
    assert_equal_arrays(code, model.encode_style(painting), atol=1e-4)
    for strength in (1.0, 0.4):
        inputs = inputs_of(photo, code, strength)
        found = painter.run("transfer", inputs)["stylized"]
        np.testing.assert_allclose(
            found, model.stylize(photo, code, strength), atol=max(1e-4, rounding(model))
        )
        if not tiles:
            continue
        inputs["content"] = 1.0 - photo[:, :, :64] ** 2
        whole = encoder.run("encode_whole", inputs)
        summary = unflatten(SUMMARY, whole)
        expected = model.summarize([inputs["content"]], [1.0], code, strength)
        assert_equal_arrays(summary, expected, atol=max(1e-4, rounding(model)))
        inputs["content"] = photo
        expected = np.asarray(model.stylize_tile(photo, code, strength, summary))
        assert np.abs(expected - found).mean() > 1e-4
        found = painter.run("transfer_tile", {**inputs, **whole})
        np.testing.assert_allclose(found["stylized"], expected, atol=max(1e-4, rounding(model)))
    found = painter.run("transfer", inputs_of(photo, code, strength=0.0))["stylized"]
    np.testing.assert_allclose(found, photo, atol=1e-6)


@pytest.mark.parametrize("name", CHECKED)
def test_onnx_files_take_any_size(name, random, tmp_path):
    import onnxruntime

    model = ALL[name]().for_inference()
    assert onnx.write_onnx(model, FREE, tmp_path) < 1e-4
    encoder, transfer = (
        onnxruntime.InferenceSession(tmp_path / f"{file}.onnx")
        for file in ("style_encoder", "transfer")
    )
    least = model.min_size
    for size in ((least + 13, least + 7), (least, least + 2)):
        picture = random.uniform(size=(1, *size, 3)).astype("float32")
        code = model.encode_style(picture)
        names = list(flatten(CODE, code))
        found = dict(zip(names, encoder.run(names, {"style": picture}), strict=True))
        assert_equal_arrays(unflatten(CODE, found), code, atol=max(1e-4, rounding(model)))
        (stylized,) = transfer.run(["stylized"], inputs_of(picture, code))
        np.testing.assert_allclose(
            stylized, model.stylize(picture, code), atol=max(1e-4, rounding(model))
        )


@pytest.fixture
def even_widths(monkeypatch):
    """Graphs of a width that is not static leave out the last column if it is odd."""

    def even(method):
        def changed(self, picture, *rest):
            width = keras.ops.shape(picture)[2]
            kept = width if isinstance(width, int) else width - width % 2
            return method(self, picture[:, :, :kept], *rest)

        return changed

    kind = models.DraftRevisionModel
    for name in ("encode_style", "stylize"):
        monkeypatch.setattr(kind, name, even(getattr(kind, name)))


def test_files_of_any_size_with_other_sizes_are_refused(even_widths, mobile, tmp_path, monkeypatch):
    shapes = r"stylized.* 32 × 32 × 3 values, the Keras model's 32 × 33 × 3"
    codes = r"style_encoder.onnx differs by .* from the Keras model in ONNX Runtime"
    with pytest.raises(InputError, match=codes):
        onnx.write_onnx(mobile, FREE, tmp_path)
    monkeypatch.setattr(saved_model, "DTYPES", ["float32"])
    saved_model.write_saved_model(mobile, tmp_path / "saved")
    with pytest.raises(InputError, match=f"SavedModel, stylize: {shapes}"):
        saved_model.largest_difference(mobile, tmp_path / "saved")


def test_tflite_files_of_any_size_are_checked_in_several(even_widths, mobile, photo, painting):
    entries = tflite.entries_of(Signatures(mobile).by_name[TRANSFER], [FREE], FREE)
    network = Network(tflite.convert(mobile, entries, "float32"), 1, "transfer.tflite")
    features, _ = load_features("lite")
    checks = tflite_files._checks_of_sizes(mobile, [(photo, painting)], FREE, FREE, features)
    assert len(checks) >= 3
    shapes = r"transfer.tflite, transfer: stylized .* 32 × 32 × 3 .* 32 × 33 × 3"
    with pytest.raises(InputError, match=shapes):
        checks[0].likeness(network, entries[0], "float32")


def assert_equal_arrays(found, expected, atol):
    """Of codes and summaries, but for rounding."""
    assert found.keys() == expected.keys()
    for name, part in expected.items():
        np.testing.assert_allclose(found[name], part, atol=atol, rtol=1e-4)


def test_sizes_are_signatures_that_share_their_weights(mobile, two_sizes, photo, painting):
    entries, data = two_sizes
    one = tflite.convert(mobile, entries[:1], "float32")
    assert len(data) < len(one) + 100_000
    network = Network(data, 1, "two sizes")
    assert network.signatures == ("transfer_64x96", "transfer_96x64")
    code = mobile.encode_style(painting)
    for key, content in zip(network.signatures, (photo, photo.swapaxes(1, 2)), strict=True):
        found = network.run(key, inputs_of(content, code))["stylized"]
        np.testing.assert_allclose(found, mobile.stylize(content, code), atol=1e-4)


def test_bytes_go_in_and_out(mobile, photo, painting):
    (entry,) = entries_of(mobile, TRANSFER, [(64, 96)])
    network = Network(tflite.convert(mobile, [entry], "float32", "uint8"), 1, "bytes")
    content = np.round(photo * 255).astype(np.uint8)
    code = mobile.encode_style(painting)
    found = network.run("transfer", inputs_of(content, code))["stylized"]
    assert found.dtype == np.uint8
    expected = 255 * np.asarray(mobile.stylize(content / np.float32(255), code))
    assert np.abs(found - expected).max() < 0.51  # rounded


@pytest.mark.parametrize(("precision", "share"), [("float16", 0.6), ("dynamic", 0.4)])
def test_precisions_are_smaller_and_alike(precision, share, photo, painting):
    model = EXAMPLES["mobile"](widths=(16, 32, 96), blocks=2).for_inference()
    entries = tflite.entries_of(Signatures(model).by_name[TRANSFER], [(64, 96)], FREE)
    large, small = (tflite.convert(model, entries, one) for one in ("float32", precision))
    overhead = 110_000  # of the graph with its names
    assert len(small) - overhead < share * (len(large) - overhead)
    code = model.encode_style(painting)
    found = Network(small, 1, precision).run(entries[0].key, inputs_of(photo, code))["stylized"]
    assert np.abs(found - model.stylize(photo, code)).mean() < 0.02


def calibration_of(model, photo, painting):
    """Samples by the names of a signature's inputs."""
    code = model.encode_style(painting)
    contents = (photo, photo[:, ::-1], photo[:, :, ::-1])
    return [{**inputs_of(content, code), "style": painting} for content in contents]


def test_int8_is_alike(photo, painting):
    """With weights that are trained: ranges of random ones differ more."""
    model = models.load_model("mobile")
    (entry,) = entries_of(model, TRANSFER, [(64, 96)])
    calibration = calibration_of(model, photo, painting)
    inputs = {name: calibration[0][name] for name in entry.signature.inputs}
    unstyled = {**inputs, "strength": np.zeros(1, np.float32)}
    data = tflite.convert(model, [entry], "int8", calibration=calibration)
    network = Network(data, 1, "int8")
    assert set(profiling.operations_of(network).left) == {"REVERSE_V2"}
    assert np.abs(network.run(entry.key, unstyled)["stylized"] - photo).max() < 1.01 / 255
    expected = np.asarray(model.stylize(photo, model.encode_style(painting)))
    found = network.run(entry.key, inputs)["stylized"]
    assert np.abs(found - expected).mean() < 0.03
    file = unpack(data)
    for tensor in file.subgraphs[0].tensors:
        values = file.buffers[tensor.buffer].data
        if tensor.type == schema.TensorType.FLOAT32 and values is not None:
            values = np.frombuffer(bytes(values), np.float32)
            assert values.size < 256 or (values != np.round(values)).any()  # an identity, say
    with pytest.raises(ValueError, match="must have samples for int8"):
        tflite.convert(model, [entry], "int8")


def test_ranges_of_int8_keep_less_of_maps_and_more_of_codes(mobile, photo, painting, monkeypatch):
    """Each tensor's once, though a dense layer's output is another's input."""
    tensors = []
    set_ranges = quantization._set_ranges

    def watched(model, graph):
        tensors.append({t.name: copy.copy(t.quantization) for t in graph.tensors})
        set_ranges(model, graph)
        tensors.append({t.name: t.quantization for t in graph.tensors})

    monkeypatch.setattr(quantization, "_set_ranges", watched)
    calibration = calibration_of(mobile, photo, painting)
    for name in (ENCODE_STYLE, TRANSFER):
        (entry,) = entries_of(mobile, name, [(64, 96)])
        tflite.convert(mobile, [entry], "int8", calibration=calibration)
    factors = {}
    for seen, own in zip(tensors[::2], tensors[1::2], strict=True):
        for name, one in seen.items():
            if one is not None and one.max is not None and one.max[0] > 0:
                factors[name.decode()] = own[name].max[0] / one.max[0]
    counts = collections.Counter(round(float(one), 3) for one in factors.values())
    assert counts.keys() == {1.0, quantization._DENSE_RANGE, quantization._MAP_RANGE}, counts
    assert counts[quantization._DENSE_RANGE] == 3  # what the vector is made of, it, the modulation
    # At least the convolutions of an encoder and of the draft's decoder, and pooling.
    assert counts[quantization._MAP_RANGE] >= 9 + 5 + 3


def test_operators_are_timed_each_by_itself(two_sizes):
    """All but those of constants alone; which are as long as they would be in the whole."""
    numbers = operators.graphs(two_sizes[1])
    assert numbers.keys() == {"transfer_64x96", "transfer_96x64"}
    found = operators.operator_times(two_sizes[1], 1, 3, numbers["transfer_64x96"])
    model = unpack(two_sizes[1])
    graph = model.subgraphs[numbers["transfer_64x96"]]
    free = [
        any(model.buffers[graph.tensors[i].buffer].data is None for i in operator.inputs if i >= 0)
        for operator in graph.operators
    ]
    assert sum(one.count for one in found) == sum(free)
    assert sum(one.count for one in found if one.kind == "CONV_2D") == 1 + 5 + 6 + 8
    seconds = [one.seconds for one in found]
    assert seconds == sorted(seconds, reverse=True) and seconds[-1] > 0
    assert any(one.tensors.endswith("1x64x96x3 float32") for one in found)
    lines = [*operators.table(found, 2)]
    assert len(lines) == 2 + 2 + 1 and lines[-1].startswith("| the rest | ")
    shares = [int(line.split("|")[-2].strip(" %")) for line in lines[2:]]
    assert 98 <= sum(shares) <= 102


def test_files_of_free_sizes_have_no_operators_times(mobile):
    entries = tflite.entries_of(Signatures(mobile).by_name[TRANSFER], [FREE], FREE)
    data = tflite.convert(mobile, entries, "float32")
    with pytest.raises(InputError, match="takes any size"):
        operators.operator_times(data, 1, 1)


def test_a_converter_that_refuses_is_one_line(mobile, monkeypatch):
    def refuse(_):
        raise tflite.ConverterError("Some ops are not supported.\nMore.")

    monkeypatch.setattr(
        tflite.tf.lite.TFLiteConverter, "from_saved_model", lambda *_, **__: Refusing()
    )

    class Refusing:
        convert = refuse

    (entry,) = entries_of(mobile, TRANSFER, [(64, 96)])
    with pytest.raises(InputError, match="refuses this model .Some ops are not supported"):
        tflite.convert(mobile, [entry], "float32")


def test_all_but_the_reflection_runs_on_xnnpack_and_gpus(two_sizes):
    operations = profiling.operations_of(Network(two_sizes[1], 1, "two sizes"))
    assert dict(operations.left) == {"REVERSE_V2": 4}
    assert operations.all["CONV_2D"] == 1 + 5 + 6 + 8  # colours, encoder, decoder, revision
    assert not any(name.startswith("Flex") or name == "CUSTOM" for name in operations.all)
    assert profiling.gpu_problems(two_sizes[1]) == []


def test_delegated_nodes_lie_between_a_partitions_tensors():
    nodes = [
        {"index": i, "op_name": "ADD", "inputs": [i], "outputs": [i + 1]} for i in range(5)
    ]  # a chain of tensors 0 to 5
    partition = {"index": 5, "op_name": "DELEGATE", "inputs": [1], "outputs": [4]}
    assert profiling._inside(nodes, [partition]) == {1, 2, 3}


def test_files_describe_themselves(mobile, two_sizes, painting):
    """Read as the schema of TensorFlow Lite's metadata numbers the fields."""
    description = metadata.FileDescription(
        "name", "text", "1.2", "author", "licence", {"content": "a photograph"}
    )
    data = metadata.with_metadata(two_sizes[1], description)
    assert Network(data, 1, "described").signatures == ("transfer_64x96", "transfer_96x64")
    packed = metadata.read_metadata(data)
    assert packed[4:8] == b"M001"
    root = follow(packed, 0)
    texts = [text(packed, field(packed, root, number)) for number in (0, 1, 2, 4, 5)]
    assert texts == ["name", "text", "1.2", "author", "licence"]
    subgraphs = tables(packed, field(packed, root, 3))
    keys = [text(packed, field(packed, graph, 0)) for graph in subgraphs]
    assert keys == ["transfer_64x96", "transfer_96x64"]
    described = {}
    for tensor in tables(packed, field(packed, subgraphs[0], 2)):
        described[text(packed, field(packed, tensor, 0))] = text(packed, field(packed, tensor, 1))
    names = flatten(CODE, mobile.encode_style(painting))
    assert described == {"content": "a photograph", "strength": "", **dict.fromkeys(names, "")}


def test_notes_that_nobody_reads_are_shed(two_sizes):
    entries, data = two_sizes
    small = metadata.with_metadata(data, metadata.FileDescription("", "", "", "", "", {}))
    assert b"/convolution" in data and b"/convolution" not in small
    full, shed = (Network(file, 1, "file") for file in (data, small))
    for entry in entries:
        inputs = profiling.random_inputs(full, entry.key, 64)
        expected = full.run(entry.key, inputs)["stylized"]
        np.testing.assert_array_equal(shed.run(entry.key, inputs)["stylized"], expected)
    found = unpack(small)
    assert sum(buffer.data is None for buffer in found.buffers) == 1


def test_equal_vectors_are_packed_once(two_sizes):
    """Shapes, zero points and operands; whose vectors are the tables' own otherwise."""
    model = unpack(two_sizes[1])
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder))
    small = pack(model)
    assert len(small) < len(builder.Output()) - 8_000
    again = unpack(small)
    for graph, one in zip(model.subgraphs, again.subgraphs, strict=True):
        for tensor, other in zip(graph.tensors, one.tensors, strict=True):
            np.testing.assert_array_equal(tensor.shape, other.shape)
        for operator, other in zip(graph.operators, one.operators, strict=True):
            np.testing.assert_array_equal(operator.inputs, other.inputs)
            np.testing.assert_array_equal(operator.outputs, other.outputs)
    for buffer, other in zip(model.buffers, again.buffers, strict=True):
        np.testing.assert_array_equal(buffer.data, other.data)


def follow(data, place):
    return place + struct.unpack_from("<I", data, place)[0]


def field(data, table, number):
    """Where a field of a flatbuffer's table is."""
    start = table - struct.unpack_from("<i", data, table)[0]
    return table + struct.unpack_from("<H", data, start + 4 + 2 * number)[0]


def text(data, place):
    start = follow(data, place)
    return data[start + 4 : start + 4 + struct.unpack_from("<I", data, start)[0]].decode()


def tables(data, place):
    start = follow(data, place)
    count = struct.unpack_from("<I", data, start)[0]
    return [follow(data, start + 4 + 4 * i) for i in range(count)]


def test_what_is_no_tflite_file_is_one_line():
    with pytest.raises(InputError, match="notes.tflite: not a TFLite file"):
        Network(b"no model", 1, "notes.tflite")
