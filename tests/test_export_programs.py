"""The programs of `export/` as a user runs them."""

import json
import os
import shutil
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.conftest import ROOT
from tests.model_examples import EXAMPLES
from tests.test_readme import blocks
from tfstyle import images, models
from tfstyle.__main__ import main
from tfstyle.exporting import metadata, profiling
from tfstyle.exporting.signatures import CODE, SUMMARY, flatten, unflatten
from tfstyle.runtime.litert import Network


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """The file of a model, whose network is short so that it is converted in a moment."""
    path = tmp_path_factory.mktemp("model") / "mine.keras"
    EXAMPLES["mobile"](blocks=1).save(path)
    return path


@pytest.fixture
def folder(tmp_path, photo, painting, mine, monkeypatch):
    """A model, photographs and paintings."""
    monkeypatch.chdir(tmp_path)
    for name, picture in (("photos", photo), ("paintings", painting)):
        (tmp_path / name).mkdir()
        for turn in range(2):
            images.write_image(tmp_path / name / f"{turn}.png", picture[:, :: 1 - 2 * turn])
    shutil.copy(mine, "mine.keras")
    return tmp_path


def run(*arguments):
    """Exit status of `tfstyle …`, in this process."""
    return main(list(map(str, arguments)))


def errors(capfd):
    return [line for line in capfd.readouterr().err.splitlines() if line.startswith("error")]


CHECKED = ("--check_content_dir", "photos", "--check_style_dir", "paintings", "--check_pairs", 3)


def test_tflite_files_with_their_report(folder, capfd, monkeypatch):
    monkeypatch.setattr("tfstyle.exporting.tflite_files.ROUNDS", 1)
    monkeypatch.setattr("tfstyle.stylization.tiling.least_tile_size", lambda _: 96)
    assert run("to_tflite", "--model", "mine.keras", "--output", "out", "--size", "64x96",
               "--style_size", "64", "--precision", "float32,int8", "--calibration_dir", "photos",
               "--calibration_style_dir", "paintings", "--uint8", *CHECKED,
               "--tile_size", "96",
               "--min_psnr", "15") == 0  # fmt: skip
    captured = capfd.readouterr()
    assert "--calibration_dir: pictures: 2; int8 is better with 100 to 300" in captured.err
    names = ("style_encoder.tflite", "transfer.tflite")
    files = [f"{precision}/{name}" for precision in ("float32", "int8") for name in names]
    about = [f"{precision}/model.json" for precision in ("float32", "int8")]
    found = sorted(str(path.relative_to(folder / "out")) for path in (folder / "out").rglob("*.*"))
    golden = ("golden.json", "painting.png", "photo.png", "stylized.png")
    golden = [f"{part}/golden/{name}" for part in ("float32", "int8") for name in golden]
    assert found == sorted([*files, *about, *golden, "report.json", "report.md"])
    record = json.loads((folder / "out/report.json").read_text())
    keys = [(row["file"].split("/")[1].split(".")[0], row["signature"]) for row in record["files"]]
    assert keys[:4] == [
        ("style_encoder", "encode_style"), ("style_encoder", "encode_whole"),
        ("transfer", "transfer"), ("transfer", "transfer_tile"),
    ]  # fmt: skip
    for row in record["files"]:
        data = (folder / "out" / row["file"]).read_bytes()
        assert row["bytes"] == len(data)
        network = Network(data, 1, row["file"])
        assert row["signature"] in network.signatures
        assert b"The painting" in metadata.read_metadata(data) or "style" not in row["signature"]
        assert row["psnr"] > (55 if "float32" in row["file"] else 15)  # of random weights
        if row["signature"] in ("transfer_tile", "encode_whole"):
            assert "nodes" not in row  # LiteRT tells of the first alone
        else:
            operations = profiling.operations_of(network)
            assert row["nodes"] == sum(operations.all.values())
            assert row["xnnpack_share"] == operations.share
    assert (folder / "out/report.md").read_text() == captured.out
    for precision in ("float32", "int8"):
        check_golden(folder / "out" / precision)
        model = models.load_model("mine.keras")
        assert json.loads((folder / "out" / precision / "model.json").read_text()) == {
            "architecture": "DraftRevisionModel",
            "capabilities": [
                "StylePictures", "MixableCodes", "Tileable", "Pretrainable", "Growable"
            ],
            "codes": model.code_identity(), "min_size": 32,
            "receptive_field": 80, "tile_stride": 16,
        }  # fmt: skip
    # The numbers are of the pictures: another picture has others.
    assert record["model_itself"]["style_distance"] > 0
    differ = {row["style_distance"] - record["model_itself"]["style_distance"] for row in
              record["files"] if "int8" in row["file"]}  # fmt: skip
    assert all(differ)


def test_one_file_of_any_size(folder, capfd, monkeypatch):
    monkeypatch.setattr("tfstyle.exporting.tflite_files.ROUNDS", 1)
    monkeypatch.setattr("tfstyle.exporting.checking.FREE_SIDE", 96)
    assert run("to_tflite", "--model", "mine.keras", "--output", "out", "--size", "dynamic",
               "--style_size", "dynamic", "--precision", "float32", "--single_file",
               "--check_content_dir", "photos", "--check_style_dir", "paintings",
               "--check_pairs", 1) == 0  # fmt: skip
    model = models.load_model("mine.keras")
    network = Network((folder / "out/float32/stylize.tflite").read_bytes(), 1, "stylize")
    inputs = {name: images.read_image(f"{name}s/0.png") for name in ("photo", "painting")}
    content, style = inputs["photo"][:, :, :75], inputs["painting"]
    found = network.run(
        "stylize", {"content": content, "style": style, "strength": np.float32([0.4])}
    )["stylized"]
    expected = model.stylize(content, model.encode_style(style), 0.4)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def check_golden(folder):
    """An app's test of itself: what the files make of the golden pictures, as bytes."""
    record = json.loads((folder / "golden/golden.json").read_text())

    def read(name):
        return np.asarray(Image.open(folder / "golden" / name).convert("RGB"))[None]

    def network(name):
        return Network((folder / f"{name}.tflite").read_bytes(), 1, name)

    found = network("style_encoder").run("encode_style", {"style": read("painting.png")})
    record_of = record["encode_style"]
    code = {name: np.float32(record_of[name]).reshape(part.shape) for name, part in found.items()}
    assert set(code) == set(record_of) - {"signature", "style"}
    for name, part in code.items():
        np.testing.assert_allclose(found[name], part, atol=1e-5)
    strength = np.float32([record["transfer"]["strength"]])
    signature = record["transfer"]["signature"]
    apart = record["transfer"]["mean_difference_in_grey_levels_at_most"]
    golden = read("stylized.png").astype(int)

    def difference(content):
        inputs = {"content": content, **code, "strength": strength}
        return np.abs(network("transfer").run(signature, inputs)["stylized"] - golden).mean()

    assert difference(read("photo.png")) < 0.01
    assert difference(read("photo.png")[..., ::-1]) > apart


def test_a_file_unlike_the_model_fails_and_leaves_nothing(folder, capfd, monkeypatch):
    monkeypatch.setattr("tfstyle.exporting.tflite_files.ROUNDS", 1)
    EXAMPLES["mobile"]().save("mine.keras")  # a shorter one would be alike to the bit
    assert run("to_tflite", "--model", "mine.keras", "--output", "out", "--size", 64, *CHECKED,
               "--style_size", 64, "--precision", "dynamic", "--min_psnr", 99
               ) == 1  # fmt: skip
    (line,) = errors(capfd)
    assert "dynamic/style_encoder.tflite, encode_style: PSNR of " in line
    assert "99 required; nothing was written" in line
    assert sorted(path.name for path in folder.iterdir()) == ["mine.keras", "paintings", "photos"]


def test_a_saved_model_paints_as_the_keras_model(folder, capfd, photo, painting):
    """Of any size, in batches, float32 and uint8."""
    EXAMPLES["adain"]().save("mine.keras")  # of matrix roots, each signature takes long
    assert run("to_saved_model", "--model", "mine.keras", "--output", "new/saved") == 0
    assert "largest difference" in capfd.readouterr().err
    model = models.load_model("mine.keras")
    signatures = tf.saved_model.load("new/saved").signatures
    names = ("stylize", "encode_style", "transfer", "encode_whole", "transfer_tile")
    expected = {f"{name}{dtype}" for name in names for dtype in ("", "_uint8")}
    assert set(signatures) == {"serving_default", *expected}
    contents = np.concatenate([photo, photo[:, ::-1]])
    strength = np.array([1.0, 0.3], np.float32)
    code = model.encode_style(painting)
    expected = np.asarray(model.stylize(contents, code, strength))
    inputs = {"content": contents, "strength": strength, **flatten(CODE, code)}
    found = signatures["transfer"](**inputs)["stylized"]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    found = signatures["transfer"](**{**inputs, "strength": np.zeros(2, "f4")})["stylized"]
    np.testing.assert_allclose(found, contents, atol=1e-6)
    own = model.summarize([contents], [1.0], code, strength)
    found = signatures["encode_whole"](**inputs)
    assert found.keys() == flatten(SUMMARY, own).keys()
    for name, part in flatten(SUMMARY, own).items():
        np.testing.assert_allclose(found[name], part, atol=1e-4, rtol=1e-4)
    inputs["content"] = contents[:, :, :48]
    found = signatures["transfer_tile"](**inputs, **flatten(SUMMARY, own))["stylized"]
    expected = model.stylize_tile(contents[:, :, :48], code, strength, own)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    codes = keras.layers.TFSMLayer("new/saved", "encode_style")(painting)
    assert codes.keys() == flatten(CODE, code).keys()
    for name, part in flatten(CODE, code).items():
        np.testing.assert_allclose(codes[name], part, atol=1e-5, rtol=1e-5)
    found = signatures["serving_default"](
        content=contents[:, :, :75], style=painting[:, :50], strength=strength
    )["stylized"]
    code = model.encode_style(painting[:, :50])
    np.testing.assert_allclose(found, model.stylize(contents[:, :, :75], code, strength), atol=1e-5)
    content, style = (np.round(picture * 255).astype(np.uint8) for picture in (photo, painting))
    found = signatures["stylize_uint8"](content=content, style=style, strength=np.ones(1, "f4"))
    code = model.encode_style(style / np.float32(255))
    expected = np.asarray(model.stylize(content / np.float32(255), code))
    assert found["stylized"].dtype == tf.uint8
    assert np.abs(found["stylized"].numpy() - 255.0 * expected).max() < 0.51  # rounded
    (code,) = [code for code in blocks("python") if "saved_model" in code]  # the README's
    (folder / "examples").symlink_to(ROOT / "examples")
    exec(compile(code.replace('"saved"', '"new/saved"'), "README.md", "exec"), {})
    assert Image.open("stylized.png").size == Image.open("examples/chelsea.jpg").size


def test_a_saved_model_unlike_the_model_fails_and_leaves_nothing(folder, capfd, monkeypatch):
    saved_model = "tfstyle.exporting.saved_model"
    monkeypatch.setattr(f"{saved_model}.write_saved_model", lambda *_: None)
    for difference in (2e-4, float("nan")):
        monkeypatch.setattr(f"{saved_model}.largest_difference", lambda *_, d=difference: d)
        assert run("to_saved_model", "--model", "mine.keras", "--output", "out") == 1
        (line,) = errors(capfd)
        assert f"differ by {difference:.1e} from the Keras model's" in line
    assert not (folder / "out").exists()


def test_onnx_files_of_one_size(folder, capfd):
    """What ONNX Runtime makes of them is compared by the command; here by another hand."""
    import onnxruntime

    assert run("to_onnx", "--model", "mine.keras", "--output", "out", "--size", "64x96") == 0
    encoder, transfer = (
        onnxruntime.InferenceSession(f"out/{name}.onnx") for name in ("style_encoder", "transfer")
    )
    model = models.load_model("mine.keras")
    photo = images.read_image("photos/0.png")
    style = images.cover(images.read_image("paintings/0.png"), (64, 96))
    code = model.encode_style(style)
    names = [*flatten(CODE, code)]
    found = dict(zip(names, encoder.run(names, {"style": style}), strict=True))
    assert found.keys() == flatten(CODE, code).keys()
    for name, part in flatten(CODE, code).items():
        np.testing.assert_allclose(found[name], part, atol=1e-4)
    inputs = {"content": photo, **found, "strength": np.float32([0.4])}
    (stylized,) = transfer.run(["stylized"], inputs)
    code = unflatten(CODE, found)
    np.testing.assert_allclose(stylized, model.stylize(photo, code, 0.4), atol=1e-4)
    (stylized,) = transfer.run(["stylized"], {**inputs, "strength": np.zeros(1, "f4")})
    np.testing.assert_allclose(stylized, photo, atol=1e-6)


def test_files_are_timed_side_by_side(folder, capfd):
    function = tf.function(
        lambda x: {"y": 2.0 * x}, input_signature=[tf.TensorSpec((1, 8), name="x")]
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    (folder / "a.tflite").write_bytes(converter.convert())
    (folder / "b.tflite").write_bytes((folder / "a.tflite").read_bytes())
    capfd.readouterr()
    assert run("benchmark_tflite", "--file", "a.tflite", "--file", "b.tflite", "--rounds", 2) == 0
    header, _, first, second = capfd.readouterr().out.splitlines()
    assert "| 1 thread, ms | 2 threads, ms | / the first |" in header
    assert first.startswith("| a.tflite |") and first.endswith("| 1.00 |")
    assert second.startswith("| b.tflite |")


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ("to_tflite --model mine.keras", "--output: give the folder to write"),
        ("to_tflite --model moble --output out", "did you mean 'mobile'"),
        ("to_tflite --model x.keras --output out", "x.keras: no such file"),
        ("to_tflite --model photos/0.png --output out", "0.png' is no .keras file"),
        ("to_tflite --output photos", "--output: photos is not empty; give a new folder"),
        ("to_tflite --output mine.keras", "mine.keras is a file; give a folder"),
        ("to_tflite --output out --size 12", "--size: '12' is not a size from 64 to 4096 pixels"),
        ("to_tflite --output out --size 384,384", "--size: '384' is given twice"),
        ("to_tflite --output out --style_size 99,256", "--style_size: give one size"),
        ("to_tflite --output out --tile_size 99,256", "--tile_size: give one size"),
        ("to_tflite --output out --tile_size 200", "--tile_size: this model needs tiles of"),
        ("to_tflite --output out --tile_size dynamic", "--tile_size: give a size in pixels"),
        ("to_tflite --output out --check_content_dir one --check_style_dir one", "give two"),
        ("to_tflite --output out --precision int9", "did you mean 'int8'"),
        ("to_tflite --output out --precision int8", "--calibration_dir: give the folder"),
        ("to_tflite --output out --precision int8 --calibration_dir none", "none: no such"),
        ("to_tflite --output out --precision int8 --calibration_dir empty", "empty"),
        ("to_tflite --output out --precision int8 --calibration_dir photos --size dynamic",
         "int8 is for fixed sizes"),
        ("to_tflite --output out --check_content_dir photos", "give both or none"),
        ("to_tflite --output out --calibration_dir photos", "which --precision does not list"),
        ("to_tflite --model wide.keras --output out --style_size 64", "this model needs 80 pixels"),
        ("to_onnx --model wide.keras --output out --size 64", "--size: '64': this model needs 80"),
        ("to_tflite --output out --min_psnr -1", "--min_psnr: must be from 0 to 100"),
        ("to_saved_model --output photos", "--output: photos is not empty"),
        ("to_saved_model --output out --model moble", "did you mean 'mobile'"),
        ("to_onnx --output out --size 10", "--size: '10' is not a size"),
        ("to_onnx --output mine.keras/out", "mine.keras is a file; give a folder"),
        ("benchmark_tflite", "--file: give a TFLite file"),
        ("benchmark_tflite --file none.tflite", "none.tflite: no such file"),
        ("benchmark_tflite --file photos", "photos: is a folder"),
        ("benchmark_tflite --file mine.keras", "mine.keras: not a TFLite file"),
        ("benchmark_tflite --file mine.keras --threads 0", "'0' is not a number from 1 to 256"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_nothing_is_written(flags, text, folder, capfd):
    (folder / "empty").mkdir()
    if "wide" in flags:
        EXAMPLES["mobile"](margin=64, blocks=1).save("wide.keras")
    (folder / "one").mkdir()
    (folder / "one/0.png").write_bytes((folder / "photos/0.png").read_bytes())
    before = sorted(folder.rglob("*"))
    assert run(*flags.split()) == 1
    (line,) = errors(capfd)
    assert text in line
    assert sorted(folder.rglob("*")) == before


def test_a_full_disk_leaves_nothing(folder, capfd, monkeypatch):
    def full(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr("tensorflow.saved_model.save", full)
    monkeypatch.setattr("tfstyle.exporting.saved_model.DTYPES", ["float32"])
    assert run("to_saved_model", "--model", "mine.keras", "--output", "out") == 1
    (line,) = errors(capfd)
    assert line == "error: --output: out cannot be written (No space left on device)"
    assert sorted(path.name for path in folder.iterdir()) == ["mine.keras", "paintings", "photos"]


def test_a_signal_leaves_nothing(folder, capfd, monkeypatch):
    number, handler = signal.SIGTERM, signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("tensorflow.saved_model.save", lambda *_: os.kill(os.getpid(), number))
    monkeypatch.setattr("tfstyle.exporting.saved_model.DTYPES", ["float32"])
    assert run("to_saved_model", "--model", "mine.keras", "--output", "out") == 128 + number
    assert errors(capfd) == ["error: interrupted"]
    assert sorted(path.name for path in folder.iterdir()) == ["mine.keras", "paintings", "photos"]
    assert signal.getsignal(signal.SIGTERM) == handler


def test_pairs_to_check_with_are_of_different_pictures(examples):
    from tfstyle.exporting import checking

    pictures = sorted(examples.glob("*.jpg"))
    pairs = checking.read_pairs(pictures, pictures, 5, 64)
    assert len(pairs) == 5
    assert len({style.tobytes() for _, style in pairs}) >= 4
    assert all(np.any(content.shape != style.shape) or np.any(content != style)
               for content, style in pairs)  # fmt: skip


def test_an_empty_folder_stays_the_one_it_was(tmp_path):
    """It may be mounted, or the working folder."""
    from tfstyle import files

    (tmp_path / "out").mkdir()
    before = (tmp_path / "out").stat().st_ino
    with files.new_folder("output", tmp_path / "out") as folder:
        (folder / "int8").mkdir()
        (folder / "int8/a.tflite").write_bytes(b"a")
    assert (tmp_path / "out").stat().st_ino == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["int8"]
    assert (tmp_path / "out/int8/a.tflite").read_bytes() == b"a"
    with pytest.raises(RuntimeError), files.new_folder("output", tmp_path / "a/new") as folder:
        (folder / "half").write_bytes(b"")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
