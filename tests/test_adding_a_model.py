"""New architectures of one file each go through every program, or are refused in one line."""

import importlib
import json
import re
import shutil
import sys
import types

import numpy as np
import pytest

from tests.conftest import ROOT
from tfstyle import images, models, registry
from tfstyle.__main__ import PROGRAMS, main
from tfstyle.evaluation import measurement, painting
from tfstyle.models.capabilities import NamedStyles, StylePictures, Tileable
from tfstyle.runtime.litert import Network
from tfstyle.stylization import Stylizer

PAGE = ROOT / "docs" / "adding-a-model.md"
NAMES = ("covariance", "attention", "named")


class _PaintingHere:
    """`painting.Painting` in this process, where the new architectures are registered."""

    def __init__(self, system, size):
        self.paint = painting.PairPainter(system, size).paint

    def close(self):
        pass


@pytest.fixture(autouse=True)
def paintings_here(monkeypatch):
    monkeypatch.setattr(measurement, "Painting", _PaintingHere)


def blocks_of_page():
    """The Python of the page: the file, and the entry."""
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), flags=re.M | re.S)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A trained model of each architecture, registered for the module: `{name: folder}`."""
    folder = tmp_path_factory.mktemp("probes")
    for name in ("content", "style"):
        (folder / name).mkdir()
    random = np.random.default_rng(0)
    photo = images.read_image(ROOT / "examples" / "astronaut.jpg", 128)
    painted = images.read_image(ROOT / "examples" / "brushstrokes.jpg", 128)
    for number in range(3):
        noise = random.uniform(0.9, 1.0, photo.shape).astype("f4")
        images.write_image(folder / "content" / f"{number}.png", photo * noise)
        images.write_image(folder / "style" / f"s{number}.png", painted * 0.3 * (1 + number))
    (folder / "covariance.py").write_text(blocks_of_page()[0], encoding="utf-8")
    sys.path.insert(0, str(folder))
    before = dict(registry.ARCHITECTURES)
    registry.ARCHITECTURES.update(
        covariance="covariance:CovarianceModel.create",
        attention="tests.probe_models.attention:AttentionModel.create",
        named="tests.probe_models.named:NamedModel.create",
    )
    try:
        yield {name: folder / name for name in NAMES}
    finally:
        registry.ARCHITECTURES.clear()
        registry.ARCHITECTURES.update(before)
        sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def trained(runs):
    """Two steps of each, and two more of the same command; checked beside four at once."""
    for name, folder in runs.items():
        data = folder.parent
        flags = [
            f"--content_dir={data / 'content'}", f"--style_dir={data / 'style'}",
            f"--model={name}", "--encoder=lite", "--batch_size=2", "--crop_size=32",
            "--image_size=48", "--log_every=2", "--style_loss=gram:0.5,mean_std:0.5",
            "--schedule=constant",
        ]  # fmt: skip
        for steps in (2, 4):
            assert main(["train", *flags, f"--output_dir={folder}", f"--steps={steps}"]) == 0
        assert main(["train", *flags, f"--output_dir={folder}-once", "--steps=4"]) == 0
        found, expected = (
            models.load_model(f"{path}/model.keras").get_weights()
            for path in (folder, f"{folder}-once")
        )
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
    return runs


def test_the_page_shows_the_entry():
    place = re.search(r'"covariance": "(.+?)",', blocks_of_page()[1])[1]
    assert place == "tfstyle.models.covariance:CovarianceModel.create"
    assert "`tfstyle/models/covariance.py`" in PAGE.read_text("utf-8")


def test_the_page_shows_a_program(examples, tmp_path, monkeypatch, capfd):
    *_, flags, module, line = blocks_of_page()
    for name, source in (("tfstyle.config.ladder", flags), ("tfstyle.commands.ladder", module)):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        exec(compile(source, name, "exec"), vars(sys.modules[name]))
    name, purpose = re.search(r'"(\w+)": "(.+)",', line).groups()
    monkeypatch.setitem(PROGRAMS, name, purpose)
    assert main(["ladder", "--content=a.png"]) == 1
    assert "error: --style: give a picture" in capfd.readouterr().err
    flags = [f"--content={examples / 'chelsea.jpg'}", f"--style={examples / 'mosaic.jpg'}"]
    assert main(["ladder", *flags, "--steps=2", f"--output={tmp_path / 'out.png'}"]) == 0
    photo, found = (
        images.read_image(examples / "chelsea.jpg"),
        images.read_image(tmp_path / "out.png"),
    )
    assert found.shape[2] == 2 * photo.shape[2]
    np.testing.assert_allclose(found[:, :, : photo.shape[2]], photo, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_trained_and_loaded_again(name, trained):
    model = models.load_model(trained[name] / "model.keras")
    assert model.style_loss == "gram:0.5,mean_std:0.5"
    assert not model.encoder.trainable_variables, "still frozen"
    config = json.loads((trained[name] / "config.json").read_text())
    assert config["model"] == name
    assert list((trained[name] / "samples").iterdir()) == []  # none was asked for so early


@pytest.mark.parametrize("name", NAMES)
def test_it_stylizes_a_photo_larger_than_a_tile(name, trained, tmp_path):
    data = trained[name].parent
    photo = images.resize(images.read_image(data / "content" / "0.png"), (150, 230))
    images.write_image(tmp_path / "photo.png", photo)
    style = [f"--style={data / 'style' / 's1.png'}", "--style_size=64"]
    style = style if name != "named" else ["--style_name=s1"]
    flags = [f"--content={tmp_path / 'photo.png'}", *style, f"--model={trained[name]}/model.keras"]
    flags += [f"--output={tmp_path / 'out.png'}"]
    if name == "attention":
        flags += ["--tile_size=128"]
    assert main(["stylize", *flags]) == 0
    found = images.read_image(tmp_path / "out.png")
    assert found.shape == photo.shape
    stylizer = Stylizer(trained[name] / "model.keras")
    painting = images.reduce(images.read_image(data / "style" / "s1.png"), 64)
    code = stylizer.named_style("s1") if name == "named" else stylizer.encode_style(painting)
    whole = stylizer.paint(images.read_image(tmp_path / "photo.png"), code)
    assert np.abs(found - whole).max() < 0.51 / 255  # rounded
    np.testing.assert_allclose(stylizer.paint(photo, code, strength=0.0), photo, atol=1e-6)


def test_a_program_names_what_a_model_lacks(trained, tmp_path, capfd):
    data = trained["named"].parent
    content = f"--content={data / 'content' / '0.png'}"
    output = f"--output={tmp_path / 'out.png'}"
    style, other = (f"--style={data / 'style' / f's{i}.png'}" for i in (0, 1))

    def refusal(*arguments):
        assert main(arguments) == 1
        return capfd.readouterr().err.strip().splitlines()[-1]

    named = f"--model={trained['named']}/model.keras"
    line = refusal("stylize", content, style, named, output)
    assert line.endswith("unlike NamedModel; it has these by name: s0, s1, s2")
    line = refusal("stylize", content, "--style_name=s7", named, output)
    assert "no style 's7' in the model" in line
    mobile = "--model=mobile"
    line = refusal("stylize", content, "--style_name=s1", mobile, output)
    assert line.startswith("error: --style_name: is for a model that has styles by name")
    attention = f"--model={trained['attention']}/model.keras"
    shares = ("--style_weights=1", "--style_weights=2")
    line = refusal("stylize", content, style, other, *shares, attention, output)
    assert "--style_weights: is for a model that has codes that can be mixed" in line
    assert not (tmp_path / "out.png").exists()
    line = refusal("styles", f"--library={tmp_path / 'lib.json'}", f"--add={data / 'style'}", named)
    assert "--add: is for a model that takes the style of a picture" in line
    line = refusal(
        "evaluate", f"--content_dir={data / 'content'}", f"--style_dir={data / 'content'}", named,
        f"--output_dir={tmp_path / 'evaluation'}", "--size=128", "--encoder=lite",
    )  # fmt: skip
    assert "0.png: model paints styles of its own alone" in line and "mean 's0'" in line
    flags = [f"--content_dir={data / 'content'}", f"--style_dir={data / 'style'}"]
    flags += [f"--output_dir={tmp_path / 'run'}", "--crop_size=32", "--encoder=lite", "--steps=1"]
    line = refusal("train", *flags, "--model=covariance", "--pretrain_steps=1", "--image_size=48")
    assert "--pretrain_steps: is for a model that can be pretrained" in line
    line = refusal("train", *flags, "--model=covariance", "--init_model=mobile", "--image_size=48")
    assert "--init_model: is for a model that can start from another model" in line
    line = refusal("train", *flags, "--model=covariance", "--model_arguments=depth=3")
    assert "--model_arguments: covariance has no argument 'depth'; " in line and "width" in line
    for model, given, words in (
        ("covariance", "width=abc", "width=abc: give a whole number, such as width="),
        ("mobile", "widths=relu9", "give a list, such as widths=("),
        ("mobile", "widths=(4,5)", "must be three numbers, "),
        ("mobile", "blocks=0", "the defaults are blocks="),
    ):
        line = refusal("train", *flags, f"--model={model}", f"--model_arguments={given}")
        assert line.startswith("error: --model_arguments: ") and words in line
    line = refusal("train", *flags, "--model=covariance", "--model_arguments=style_weight=3")
    assert "--model_arguments: style_weight has a flag of its own, --style_weight" in line
    line = refusal("train", *flags, "--model=mobile", "--model_arguments=margin=-16")
    assert "`margin` must be a multiple of 16, at least 16. Received: margin=-16" in line
    line = refusal("train", *flags, "--model=mobile", "--model_arguments=margin=2.5")
    assert "margin=2.5: give a whole number, such as margin=16" in line
    covariance = f"--model={trained['covariance']}/model.keras"
    for flag in ("--tile_size=128", "--wrap=both", f"--statistics_of={data / 'content' / '0.png'}"):
        line = refusal("stylize", content, style, covariance, flag, output)
        assert f"{flag.partition('=')[0]}: is for a model that paints in tiles, unlike" in line
    line = refusal("stylize", content, named, output)
    assert "--style_name: give one of the model's styles, s0, s1, s2" in line
    line = refusal("train", *flags, "--model=covariance", "--margin=16", "--image_size=48")
    assert line == "error: --margin=16: covariance has no margin"
    for argument, flag in (("style_names=a", "style_dir"), ("margin=16", "margin")):
        line = refusal("train", *flags, "--model=mobile", "--margin=32", "--image_size=48",
                       f"--model_arguments={argument}")  # fmt: skip
        assert line.endswith(f"has a flag of its own, --{flag}")
    line = refusal("train", *flags, "--model=mobile", "--model_arguments=trainable=False")
    assert "--model_arguments: mobile has no argument 'trainable'; use one of" in line
    line = refusal("to_tflite", f"--model={trained['covariance']}/model.keras", "--tile_size=448",
                   f"--output={tmp_path / 'files'}")  # fmt: skip
    assert "--tile_size: is for a model that paints in tiles" in line


def test_model_arguments_reach_the_model(runs, tmp_path):
    data = runs["covariance"].parent
    flags = [f"--content_dir={data / 'content'}", f"--style_dir={data / 'style'}"]
    flags += ["--model=covariance", "--encoder=lite", "--steps=1", "--crop_size=32"]
    flags += ["--image_size=48", "--model_arguments=width=5", f"--output_dir={tmp_path}/run"]
    assert main(["train", *flags]) == 0
    assert models.load_model(tmp_path / "run" / "model.keras").width == 5
    assert main(["train", *flags, "--steps=2"]) == 0, "it resumes"


def test_a_run_with_named_styles_needs_the_same_paintings(trained, tmp_path, capfd):
    data = trained["named"].parent
    for folder in ("style", "run"):
        shutil.copytree(
            data / "style" if folder == "style" else trained["named"], tmp_path / folder
        )
    (tmp_path / "style" / "s0.png").rename(tmp_path / "style" / "t0.png")
    assert main([
        "train", f"--content_dir={data / 'content'}", f"--style_dir={tmp_path / 'style'}",
        "--model=named", "--encoder=lite", "--batch_size=2", "--crop_size=32", "--image_size=48",
        "--style_loss=gram:0.5,mean_std:0.5", f"--output_dir={tmp_path / 'run'}", "--steps=6",
    ]) == 1  # fmt: skip
    assert "which differs in its style_names" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["covariance", "attention"])
def test_its_codes_are_kept_in_a_library(name, trained, tmp_path):
    data, path = trained[name].parent, tmp_path / "styles.json"
    model = f"--model={trained[name]}/model.keras"
    arguments = ["styles", f"--library={path}", f"--add={data / 'style'}", "--style_size=64", model]
    assert main(arguments) == 0
    photo = f"--content={data / 'content' / '0.png'}"
    known, direct = tmp_path / "known.png", tmp_path / "direct.png"
    assert main(["stylize", photo, f"--style_library={path}", "--style_name=s2", model,
                 f"--output={known}"]) == 0  # fmt: skip
    assert main(["stylize", photo, f"--style={data / 'style' / 's2.png'}", "--style_size=64", model,
                 f"--output={direct}"]) == 0  # fmt: skip
    np.testing.assert_array_equal(images.read_image(known), images.read_image(direct))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_exported_for_servers(name, trained, tmp_path):
    path = tmp_path / "saved"
    assert main(["to_saved_model", f"--model={trained[name]}/model.keras", f"--output={path}"]) == 0


@pytest.mark.parametrize("name", NAMES)
def test_it_is_exported_for_phones(name, trained, tmp_path):
    model = models.load_model(trained[name] / "model.keras")
    flags = ["--size=64", "--style_size=64", "--precision=float32,dynamic", "--check_pairs=1"]
    flags += ["--min_psnr=20"] + (["--tile_size=128"] if isinstance(model, Tileable) else [])
    output = tmp_path / "files"
    assert main(["to_tflite", f"--model={trained[name]}/model.keras", f"--output={output}",
                 *flags]) == 0  # fmt: skip
    folder = output / "float32"
    encoder, transfer = (
        Network((folder / file).read_bytes(), 1, file)
        for file in ("style_encoder.tflite", "transfer.tflite")
    )
    code = model.encode_index(np.zeros(1, "i4")) if isinstance(model, NamedStyles) else None
    if isinstance(model, StylePictures):
        code = model.encode_style(np.zeros((1, 64, 64, 3), "f4"))
    names = [f"code_{key}" for key in code]
    assert sorted(encoder.outputs(encoder.signatures[0])) == sorted(names)
    assert set(transfer.inputs("transfer")) == {"content", "strength", *names}
    about = json.loads((folder / "model.json").read_text())
    assert about["codes"] == model.code_identity()
    assert about.get("style_names") == (["s0", "s1", "s2"] if name == "named" else None)
    assert about.get("receptive_field") == (24 if name == "attention" else None)
    golden = json.loads((folder / "golden" / "golden.json").read_text())
    assert golden[encoder.signatures[0]].keys() >= set(names)


@pytest.mark.parametrize("name", ["covariance", "attention"])
def test_it_is_evaluated_as_a_model_and_as_files(name, trained, tmp_path):
    data = trained[name].parent
    output = tmp_path / "files"
    assert main(["to_tflite", f"--model={trained[name]}/model.keras", f"--output={output}",
                 "--size=128", "--style_size=128", "--precision=float32",
                 "--check_pairs=1"]) == 0  # fmt: skip
    files = [output / "float32" / file for file in ("style_encoder.tflite", "transfer.tflite")]
    assert main([
        "evaluate", f"--content_dir={data / 'content'}", f"--style_dir={data / 'style'}",
        f"--model=model={trained[name]}/model.keras", f"--tflite=files={files[0]},{files[1]}",
        f"--output_dir={tmp_path / 'evaluation'}", "--size=128", "--encoder=lite", "--pairs=2",
        "--sweep_pairs=1",
    ]) == 0  # fmt: skip
    pictures = tmp_path / "evaluation" / "pictures"
    found = sorted((pictures / "model").iterdir())
    assert len(found) == 2
    for path in found:
        same = images.read_image(pictures / "files" / path.name)
        assert np.abs(images.read_image(path) - same).max() <= 1.01 / 255


def test_the_modules_of_the_page_exist():
    for module in set(re.findall(r"`(tfstyle/[\w/]+)\.py`", PAGE.read_text("utf-8"))):
        if not module.endswith(("covariance", "ladder")):
            importlib.import_module(module.replace("/", ".").removesuffix(".__init__"))
