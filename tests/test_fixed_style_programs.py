"""Programs with models of fixed styles, as a user runs them."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.fixed_style_examples import EXAMPLES
from tests.model_examples import only_with_all
from tfstyle import images, models
from tfstyle.__main__ import main
from tfstyle.evaluation.pairs import read_square
from tfstyle.exporting.tflite_files import describe_model
from tfstyle.images import thumbnails
from tfstyle.stylization import Stylizer

SMALL = [
    "--encoder=lite", "--crop_size=32", "--image_size=48", "--style_size=64", "--batch_size=2",
    "--log_every=2", "--schedule=constant", "--model_arguments=widths=(4,6,8)",
    "--model_arguments=kernel=3", "--model_arguments=margin=8",
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Folders of photographs and paintings."""
    folder = tmp_path_factory.mktemp("fixed")
    photo = images.read_image(ROOT / "examples" / "astronaut.jpg", 96)
    painting = images.read_image(ROOT / "examples" / "brushstrokes.jpg", 128)
    for name in ("content", "style"):
        (folder / name).mkdir()
    for number in range(3):
        images.write_image(folder / "content" / f"{number}.png", photo * (1 - 0.2 * number))
        images.write_image(folder / "style" / f"s{number}.png", painting * (1 - 0.2 * number))
    return folder


@pytest.fixture(scope="module")
def trained(data):
    """A bank of two styles, trained in two goes, and in one."""
    flags = ["train", f"--content_dir={data / 'content'}", "--model=stylebank", *SMALL]
    flags += [f"--style={data / 'style' / f's{number}.png'}" for number in (0, 1)]
    for folder, steps in (("two", 4), ("two", 7), ("one", 7)):
        assert main([*flags, f"--output_dir={data / folder}", f"--steps={steps}"]) == 0
    return data


def test_alternation_goes_on_exactly(trained):
    """Step 5 is the second of a style, and step 6 of the reconstruction."""
    found, expected = (
        models.load_model(trained / folder / "model.keras").get_weights()
        for folder in ("two", "one")
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@only_with_all
def test_a_style_is_added_by_its_bank_alone(trained, capfd):
    """Without --model and --model_arguments, which the trained model has."""
    first = trained / "one" / "model.keras"
    small = [flag for flag in SMALL if "arguments" not in flag]
    flags = ["train", f"--content_dir={trained / 'content'}", f"--init_model={first}", *small]
    new = trained / "style" / "s2.png"
    for steps in (1, 3):
        added = [f"--add_style={new}", f"--output_dir={trained / 'added'}", f"--steps={steps}"]
        assert main([*flags, *added]) == 0
    before, after = (Stylizer(path) for path in (first, trained / "added" / "model.keras"))
    assert after.model.style_names == ("s0", "s1", "s2")
    assert after.model.style_thumbnails[:2] == before.model.style_thumbnails
    photo = images.read_image(trained / "content" / "0.png")
    for name in ("s0", "s1"):
        pictures = (one.paint(photo, one.named_style(name)) for one in (before, after))
        np.testing.assert_array_equal(*pictures)
    changed = np.array(after.model.filters[0])
    assert (changed[2] != np.array(before.model.filters[0]).mean(axis=0)).any()
    assert len(after.model.trainable_variables) == len(before.model.trainable_variables)
    capfd.readouterr()
    assert main([*flags, *added, f"--add_style={trained / 'style' / 's1.png'}"]) == 1
    assert "--add_style: there is a style 's1' already; rename the file" in capfd.readouterr().err


def test_the_only_style_needs_no_name_and_others_are_listed(data, trained, tmp_path, capfd):
    photo = f"--content={data / 'content' / '0.png'}"
    model = EXAMPLES["johnson"]()
    model.save(tmp_path / "one.keras")
    own, output = f"--model={tmp_path / 'one.keras'}", f"--output={tmp_path / 'out.png'}"
    assert main(["stylize", photo, own, output]) == 0
    expected = np.asarray(model.stylize(images.read_image(data / "content" / "0.png"), {}))
    assert np.abs(images.read_image(tmp_path / "out.png") - expected).max() < 0.51 / 255
    bank = models.load_model(trained / "one" / "model.keras")
    bank.style_credits = ("Anna Ancher, 1900, public domain", "")
    for path in (tmp_path / "bank.keras", tmp_path / "bank.npz"):
        (models.pack_model if path.suffix == ".npz" else lambda m, p: m.save(p))(bank, path)
        capfd.readouterr()
        assert main(["styles", f"--model={path}"]) == 0
        lines = capfd.readouterr().out.splitlines()
        assert lines == [f"2 styles of {path}", "  s0: Anna Ancher, 1900, public domain", "  s1"]
    assert main(["stylize", photo, f"--model={path}", output]) == 1
    assert "--style_name: give one of the model's styles, s0, s1" in capfd.readouterr().err
    mixed = ["--style_name=s0", "--style_name=s1", "--style_weights=1", "--style_weights=3"]
    assert main(["stylize", photo, f"--model={path}", output, *mixed]) == 0


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ("--style_dir=STYLE --model=johnson", "--style_dir: 3 paintings; --model=johnson is for 1"),
        ("--style_dir=STYLE --style=STYLE/s0.png", "--style_dir, --style: give one of them"),
        ("", "--style_dir: give the folder of paintings, or --style for one"),
        ("--style=STYLE/none.png", "--style: STYLE/none.png: no such file"),
        ("--style=STYLE/../notes.txt", "--style: STYLE/../notes.txt: not a readable image"),
        ("--add_style=STYLE/s0.png", "--add_style: give the model to add it to as --init_model"),
        (
            "--add_style=STYLE/s0.png --init_model=mobile",
            "--add_style: is for a model that can learn further styles, unlike DraftRevisionModel",
        ),
        (
            "--add_style=STYLE/s2.png --init_model=ONE --model=conditional",
            "is no model of --model=conditional; give --model=stylebank",
        ),
        ("--style=STYLE/s0.png --init_model=ONE --model=conditional", "does not fit"),
    ],
)
def test_bad_styles_are_one_line(flags, text, trained, tmp_path, capfd):
    (trained / "notes.txt").write_text("no picture")
    places = {"STYLE": str(trained / "style"), "ONE": str(trained / "one" / "model.keras")}
    for word, place in places.items():
        flags, text = flags.replace(word, place), text.replace(word, place)
    common = [f"--content_dir={trained / 'content'}", f"--output_dir={tmp_path / 'run'}"]
    small = [flag for flag in SMALL if "arguments" not in flag]
    assert main(["train", *common, *small, "--steps=1", *flags.split()]) == 1
    (line,) = [one for one in capfd.readouterr().err.splitlines() if one.startswith("error")]
    assert text in line
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_sheet_shows_the_styles_of_a_file(trained, tmp_path, capfd):
    """From either format; a style without a thumbnail, as in files of old, is grey."""
    bank = models.load_model(trained / "one" / "model.keras")
    expected = [thumbnails.decode(text, "JPEG") for text in bank.style_thumbnails]
    models.pack_model(bank, tmp_path / "bank.npz")
    bank.style_thumbnails = (bank.style_thumbnails[0], "")
    bank.save(tmp_path / "half.keras")
    for name, count in (("bank.npz", 2), ("half.keras", 1)):
        sheet = tmp_path / f"{name}.png"
        assert main(["styles", f"--model={tmp_path / name}", f"--sheet={sheet}"]) == 0
        assert capfd.readouterr().out.splitlines()[1:] == ["  s0", "  s1"]
        pixels = np.round(255 * images.read_image(sheet)[0])
        places = [pixels[8:104, left : left + 96] for left in (8, 112)]
        for place, pixels in zip(places, expected[:count], strict=False):
            np.testing.assert_array_equal(place, pixels)
        assert (np.ptp(places[1]) == 0) == (count == 1)
    bank.style_thumbnails = ()
    bank.save(tmp_path / "old.keras")
    bank.style_thumbnails = ("AAAA", "AAAA")
    bank.save(tmp_path / "bad.keras")
    for name, sheet, words in (
        ("old.keras", "sheet.png", "has no thumbnails of its styles; omit --sheet to list names"),
        ("bad.keras", "sheet.png", "a damaged thumbnail, which is no JPEG"),
        ("bank.npz", "sheet.txt", "sheet.txt: the suffix must be one of .png, "),
    ):
        flags = [f"--model={tmp_path / name}", f"--sheet={tmp_path / sheet}"]
        assert main(["styles", *flags]) == 1
        (line,) = capfd.readouterr().err.splitlines()
        assert line.startswith("error: --sheet: ") and words in line
        assert not (tmp_path / sheet).exists()
    assert main(["styles", f"--model={tmp_path / 'old.keras'}"]) == 0


def test_it_is_evaluated_in_its_own_styles(trained, tmp_path, capfd):
    """By the names of the paintings, of which each must be one of its styles."""
    paintings = tmp_path / "paintings"
    paintings.mkdir()
    for name in ("s0", "s1"):
        painting = images.read_image(trained / "style" / f"{name}.png")
        images.write_image(paintings / f"{name}.png", painting)
    path, output = trained / "one" / "model.keras", tmp_path / "evaluation"
    flags = ["evaluate", f"--content_dir={trained / 'content'}", f"--model={path}", "--size=128"]
    flags += ["--encoder=lite", "--sweep_pairs=0", f"--output_dir={output}"]
    assert main([*flags, f"--style_dir={trained / 'style'}"]) == 1
    (line,) = [one for one in capfd.readouterr().err.splitlines() if one.startswith("error")]
    assert "s2.png: model paints styles of its own alone, each measured with a painting" in line
    assert line.endswith("did you mean 's1'?") and not (output / "pictures").exists()
    assert main([*flags, f"--style_dir={paintings}", "--pairs=2"]) == 0
    stylizer = Stylizer(path)
    for number, name in enumerate(("s0", "s1")):
        photo = read_square(trained / "content" / f"{number}.png", 128)
        expected = stylizer.paint(photo, stylizer.named_style(name))
        (found,) = (output / "pictures").rglob(f"{number}__{name}.png")
        assert np.abs(images.read_image(found) - expected).max() < 0.6 / 255


def test_apps_learn_names_and_thumbnails(trained):
    """From the file beside the exported ones."""
    model = models.load_model(trained / "one" / "model.keras")
    about = describe_model(model)
    assert about["style_names"] == ["s0", "s1"] and "style_credits" not in about
    for text in about["style_thumbnails"]:
        with Image.open(io.BytesIO(base64.b64decode(text))) as thumbnail:
            assert (thumbnail.format, thumbnail.size) == ("JPEG", (96, 96))
    model.style_credits = ("Anna Ancher, 1900", "")
    assert json.loads(json.dumps(describe_model(model)))["style_credits"][0].startswith("Anna")


@only_with_all
def test_ghiasi_goes_through_the_programs(data, tmp_path):
    flags = [f"--content_dir={data / 'content'}", f"--style_dir={data / 'style'}", *SMALL]
    flags += ["--model=ghiasi", "--model_arguments=style_encoder=mobilenet", "--steps=1"]
    assert main(["train", *flags, f"--output_dir={tmp_path / 'run'}"]) == 0
    model, photo = f"--model={tmp_path / 'run' / 'model.keras'}", data / "content" / "0.png"
    style = [f"--style={data / 'style' / f's{number}.png'}" for number in (0, 1)]
    mixed = [f"--content={photo}", *style, "--style_weights=1", "--style_weights=1"]
    assert main(["stylize", *mixed, model, f"--output={tmp_path / 'out.png'}"]) == 0
    library = f"--library={tmp_path / 'styles.json'}"
    assert main(["styles", library, f"--add={data / 'style'}", model]) == 0
