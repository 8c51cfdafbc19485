"""`stylize.py` and `tfstyle styles` as a user runs them."""

import json
import os
import signal

import keras
import numpy as np
import pytest
from PIL import Image

from tests.model_examples import make_adain
from tfstyle import colors, images
from tfstyle.__main__ import main
from tfstyle.commands import styles
from tfstyle.images import sheets
from tfstyle.runtime import process, terminal
from tfstyle.stylization.library import StyleLibrary


@pytest.fixture
def pictures(tmp_path, photo, painting, monkeypatch):
    """Two photos and two paintings in folders of the working directory."""
    monkeypatch.chdir(tmp_path)
    for folder, picture in (("photos", photo), ("paintings", painting)):
        (tmp_path / folder).mkdir()
        images.write_image(tmp_path / folder / "a.png", picture)
        images.write_image(tmp_path / folder / "b.jpg", picture[:, ::-1, :48])
    return tmp_path


def run(*arguments):
    """Exit status of `tfstyle …`, in this process."""
    return main([str(argument) for argument in arguments])


def errors(capfd):
    """Lines that say what went wrong."""
    return [line for line in capfd.readouterr().err.splitlines() if line.startswith("error")]


def read(path):
    return np.asarray(Image.open(path).convert("RGB"), float) / 255.0


def test_the_packaged_model_paints_a_photo(run_program, examples, tmp_path):
    result = run_program(
        "stylize.py", "--content", examples / "astronaut.jpg",
        "--style", examples / "mosaic.jpg", "--output", "out.png", "--size", 256,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    painted = read(tmp_path / "out.png")
    photo = Image.open(examples / "astronaut.jpg")
    assert max(painted.shape) == 256
    same = np.asarray(photo.resize(painted.shape[1::-1]), float) / 255
    assert np.abs(painted - same).mean() > 0.05, "it is another picture"
    correlation = np.corrcoef(painted.mean(-1).ravel(), same.mean(-1).ravel())[0, 1]
    assert correlation > 0.3, "of the same thing: it is 0.5, and -0.1 to 0.1 for another photo"


def test_every_pair_goes_to_a_folder(pictures):
    assert run("stylize", "--content", "photos", "--style", "paintings/a.png", "--style",
               "paintings/b.jpg", "--output", "out") == 0  # fmt: skip
    names = sorted(path.name for path in (pictures / "out").iterdir())
    assert names == ["a__a.png", "a__b.png", "b__a.png", "b__b.png"]
    for name in names:
        photo = Image.open(next((pictures / "photos").glob(name[0] + ".*")))
        assert Image.open(pictures / "out" / name).size == photo.size
    parameters = images.read_parameters(pictures / "out" / "a__b.png")
    assert parameters["strength"] == 1.0 and parameters["style"] == "b"


def test_progress_counts_pairs_and_their_tiles(pictures, monkeypatch):
    shown = []
    monkeypatch.setattr(terminal, "show_progress", lambda *state, **_: shown.append(state))
    image = np.tile(read("photos/a.png"), (1, 18, 1))[None].astype("float32")
    images.write_image("photos/a.png", image)
    assert run("stylize", "--content", "photos", "--style", "paintings", "--output", "out",
               "--tile_size", 960) == 0  # fmt: skip
    known = [(share, *texts) for share, *texts in shown if share is not None]
    assert [share for share, *_ in known] == sorted(share for share, *_ in known)
    assert known[0] == (0.0, "0 of 4 pictures") and known[-1] == (1.0, "4 of 4 pictures")
    assert (pytest.approx(0.25 + 0.95 / 12), "1 of 4 pictures", "1 of 3 tiles") in known


def test_a_library_serves_its_codes_by_name_and_mixed(pictures, capfd):
    assert run("styles", "--library", "s.json", "--add", "paintings") == 0
    capfd.readouterr()
    assert run("styles", "--library", "s.json") == 0
    assert capfd.readouterr().out.splitlines()[1:] == ["  a", "  b"]
    content = ("--content", "photos/a.png")
    direct = ("--style", "paintings/a.png", "--style", "paintings/b.jpg")
    library = ("--style_library", "s.json", "--style_name", "a", "--style_name", "b")
    mix = ("--style_weights", 3, "--style_weights", 1)
    assert run("stylize", *content, *direct, *mix, "--output", "direct.png") == 0
    assert run("stylize", *content, *library, *mix, "--output", "library.png") == 0
    np.testing.assert_array_equal(read("direct.png"), read("library.png"))
    assert run("stylize", *content, "--style_library", "s.json", "--output", "all") == 0
    assert sorted(p.name for p in (pictures / "all").iterdir()) == ["a__a.png", "a__b.png"]
    assert np.abs(read("direct.png") - read("all/a__a.png")).max() > 0.01
    assert run("styles", "--library", "s.json", "--add", "paintings/b.jpg", "--name", "new",
               "--remove", "a") == 0  # fmt: skip
    names = [style["name"] for style in json.loads((pictures / "s.json").read_text())["styles"]]
    assert names == ["b", "new"]


def test_a_mapped_library_serves_its_codes_and_finds_those_like_a_photo(
    pictures, monkeypatch, capfd
):
    """Codes are rounded to float16, which changes no pixel by more than a grey level."""
    for name in ("s.json", "s.safetensors"):
        assert run("styles", "--library", name, "--add", "paintings/*") == 0
        capfd.readouterr()
        assert run("styles", "--library", name) == 0
        assert capfd.readouterr().out.splitlines()[1:] == ["  a", "  b"]
        assert run("stylize", "--content", "photos/a.png", "--style_library", name,
                   "--style_name", "b", "--output", f"{name}.png") == 0  # fmt: skip
        capfd.readouterr()
        assert run("styles", "--library", name, "--similar", "paintings/b.jpg", "--sheet",
                   "like.png") == 0  # fmt: skip
        heading, first, second = capfd.readouterr().out.splitlines()
        assert heading == "2 of 2 styles, by their cosine to paintings/b.jpg"
        assert first == "  1.000  b" and second.endswith("  a") and float(second.split()[0]) < 1
        assert Image.open("like.png").size == (2 * 104 + 8, 122 + 8)
    assert np.abs(read("s.json.png") - read("s.safetensors.png")).max() <= 1.01 / 255
    monkeypatch.setattr(styles, "_MOST_SHOWN", 1)
    assert run("styles", "--library", "s.json", "--sheet", "all.png") == 1
    assert "--sheet: 2 styles are too many for a picture" in capfd.readouterr().err
    assert run("styles", "--library", "s.safetensors", "--add", "paintings/b.jpg", "--name", "new",
               "--remove", "a") == 0  # fmt: skip
    capfd.readouterr()
    assert run("styles", "--library", "s.safetensors") == 0
    assert capfd.readouterr().out.splitlines()[1:] == ["  b", "  new"]


def test_a_library_that_was_stopped_takes_what_is_left(pictures, monkeypatch, capfd):
    """Also what has changed; what it has already stays as it is."""
    answers = [False, True]

    def requested(stop):
        stop.number = signal.SIGINT if answers and answers.pop(0) else 0
        return bool(stop.number)

    monkeypatch.setattr(process.StopSignal, "requested", requested)
    add = ("styles", "--library", "s.safetensors", "--add", "paintings")
    assert run(*add) == 128 + signal.SIGINT
    assert "Stopped: the same command adds the paintings that are left" in capfd.readouterr().err
    assert StyleLibrary.load("s.safetensors").names() == ("a",)
    assert run(*add) == 0
    assert "1 paintings are there already" in capfd.readouterr().err
    before = StyleLibrary.load("s.safetensors")
    assert before.names() == ("a", "b")
    os.replace("paintings/b.jpg", "paintings/a.jpg")
    os.replace("paintings/a.png", "paintings/b.png")
    os.replace("paintings/a.jpg", "paintings/a.png")
    assert run(*add) == 0
    assert "there already" not in capfd.readouterr().err
    after = StyleLibrary.load("s.safetensors")
    for first, second in (("a", "b"), ("b", "a")):
        for key, part in before.code(first).items():
            np.testing.assert_array_equal(after.code(second)[key], part)
    assert run(*add, "--remove", "a") == 0
    assert StyleLibrary.load("s.safetensors").names() == ("b", "a")
    assert run(*add, "--style_size", 48) == 0
    code = StyleLibrary.load("s.safetensors").code("a")
    assert any((part != after.code("a")[key]).any() for key, part in code.items())


def test_paintings_that_cannot_be_read_are_left_out_of_a_library(pictures, capfd):
    (pictures / "paintings" / "bad.png").write_bytes(b"no picture")
    assert run("styles", "--library", "s.safetensors", "--add", "paintings") == 1
    assert "--add: 1 of 3 paintings could not be read; the others are in" in capfd.readouterr().err
    assert run("styles", "--library", "s.safetensors") == 0
    before = (pictures / "s.safetensors").read_bytes()
    assert run("styles", "--library", "s.safetensors", "--add", "paintings/bad.png") == 1
    assert (pictures / "s.safetensors").read_bytes() == before
    assert run("styles", "--library", "new.safetensors", "--add", "paintings/bad.png") == 1
    assert not (pictures / "new.safetensors").exists()


@pytest.mark.parametrize(
    ("style", "mixed"),
    [("--style=paintings", False), ("--style_library=s.json", False), ("--style=paintings", True)],
)
def test_the_sheet_has_a_photo_in_all_styles(pictures, style, mixed):
    assert run("styles", "--library", "s.json", "--add", "paintings") == 0
    mix = ["--style_weights=1", "--style_weights=1"] if mixed else []
    flags = ["--content=photos/a.png", style, "--output=out", "--sheet=sheet.png", *mix]
    assert run("stylize", *flags) == 0
    sheet, side, names = images.read_image("sheet.png"), sheets.SIDE, ["a+b"] if mixed else "ab"
    assert sheet.shape[1:3] == sheets.sheet_size(2, 1 + len(names))[::-1]

    def near(row, column, picture):
        height, width = images.fit(picture.shape[1:3], side)
        left, top = 4 + column * (side + 4), 20 + row * (side + 4)
        found = sheet[:, top : top + height, left : left + width]
        return np.abs(found - images.resize(picture, (height, width))).mean() < 0.03

    assert near(1, 0, images.read_image("photos/a.png"))
    for column, name in enumerate(names, 1):
        assert near(1, column, images.read_image(f"out/a__{name}.png"))
    if not mixed:
        assert near(0, 1, images.read_image("paintings/a.png"))
        assert "sheet" not in images.read_parameters("out/a__a.png")


def test_a_sheet_that_cannot_be_written_is_refused_first(pictures, capfd):
    flags = ["--content=photos", "--style=paintings", "--output=out"]
    for path, text in (("photos/a.png", "is also read"), ("no/a.png", "does not exist"),
                       ("a.bmp", "the suffix must be one of")):  # fmt: skip
        assert run("stylize", *flags, f"--sheet={path}") == 1
        assert text in errors(capfd)[-1]
    assert not (pictures / "out").exists()


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ("--add paintings/a.png --name a/b", "--name: 'a/b' cannot be part of a file's name"),
        ("--add paintings/a.png --name x --name y", "--name: 2 given for 1 paintings"),
        ("--add paintings/a.png --remove a", "--remove: s.json does not exist yet"),
        ("--add paintings/a.png --add a.png", "--add: a.png: no such file"),
        ("--similar paintings/a.png --add paintings", "--similar, --add and --remove: give one"),
        ("", "s.json: no such file; `tfstyle styles` creates one"),
    ],
)
def test_bad_input_for_a_library_is_one_line(flags, text, pictures, capfd):
    assert run("styles", "--library", "s.json", *flags.split()) == 1
    (line,) = errors(capfd)
    assert text in line
    assert not (pictures / "s.json").exists()


def test_an_empty_library_paints_nothing_and_says_so(pictures, capfd):
    assert run("styles", "--library", "s.json", "--add", "paintings/a.png") == 0
    assert run("styles", "--library", "s.json", "--remove", "a", "--remove", "a") == 0
    assert run("styles", "--library", "s.json", "--remove", "a") == 1
    flags = ("--content", "photos/a.png", "--style_library", "s.json", "--output", "out")
    assert run("stylize", *flags) == 1
    assert errors(capfd)[-1] == "error: s.json: holds no styles; add some"
    assert run("stylize", *flags, "--style_size", 256) == 1
    assert errors(capfd)[-1].startswith("error: --style_size=256: is for --style; give it to")
    assert not (pictures / "out").exists()


def test_a_librarys_names_are_made_safe_for_files(pictures):
    assert run("styles", "--library", "s.json", "--add", "paintings/a.png") == 0
    text = (pictures / "s.json").read_text().replace('"name": "a"', '"name": "../a:b"')
    (pictures / "s.json").write_text(text)
    flags = ("--content", "photos/a.png", "--style_library", "s.json", "--output", "out")
    assert run("stylize", *flags) == 0
    assert [path.name for path in (pictures / "out").iterdir()] == ["a__.._a_b.png"]


def test_a_library_of_another_model_is_refused(pictures, capfd):
    make_adain().save("other.keras")
    assert run("styles", "--library", "s.json", "--add", "paintings", "--model", "other.keras") == 0
    capfd.readouterr()
    flags = ("--content", "photos/a.png", "--style_library", "s.json", "--output", "out")
    assert run("stylize", *flags) == 1
    assert errors(capfd)[0].startswith("error: s.json: for another model")
    assert run("styles", "--library", "s.json", "--add", "paintings/a.png") == 1
    assert errors(capfd)[0].startswith("error: s.json: for another model")


def test_edges_that_meet_and_statistics_of_another_picture(pictures, capfd):
    common = ("--content", "photos/a.png", "--style", "paintings/a.png")
    assert run("stylize", *common, "--output", "plain.png") == 0
    assert run("stylize", *common, "--output", "wrapped.png", "--wrap", "both") == 0
    assert run("stylize", *common, "--output", "like.png", "--statistics_of", "paintings/b.jpg",
               "--preserve_color", "luminance") == 0  # fmt: skip
    plain, wrapped, like = (read(f"{name}.png") for name in ("plain", "wrapped", "like"))
    assert plain.shape == wrapped.shape == like.shape
    assert np.abs(plain - wrapped).max() > 0.01 and np.abs(plain - like).max() > 0.01
    assert run("stylize", *common, "--output", "no.png", "--statistics_of", "none.png") == 1
    assert run("stylize", *common, "--output", "no.png", "--wrap", "vertical") == 1
    missing, unknown = errors(capfd)
    assert missing == "error: --statistics_of: none.png: no such file"
    assert unknown == "error: --wrap: unknown 'vertical'; use one of none, horizontal, both"


def test_strength_size_colors_and_alpha(pictures, photo):
    alpha = np.linspace(0, 1, photo.shape[2], dtype="f4")[None, None, :, None]
    alpha = np.broadcast_to(alpha, (1, *photo.shape[1:3], 1))
    images.write_image("clear.png", photo, alpha=alpha)
    style = ("--style", "paintings/a.png")
    assert run("stylize", *style, "--content", "clear.png", "--output", "1.png", "--size", 80,
               "--strength", 0.5) == 0  # fmt: skip
    painted = Image.open("1.png")
    assert painted.mode == "RGBA" and painted.size == (80, 53)
    assert run("stylize", *style, "--content", "photos/a.png", "--output", "2.tif", "--bits", 16,
               "--preserve_color", "histogram") == 0  # fmt: skip
    deep = images.read_image("2.tif")
    assert deep.shape == photo.shape
    assert np.abs(deep * 255 - np.round(deep * 255)).max() > 0.1, "more than 8 bits"
    assert run("stylize", *style, "--content", "photos/a.png", "--output", "3.png",
               "--preserve_color", "luminance") == 0  # fmt: skip
    chroma = read("3.png") - read("3.png").mean(-1, keepdims=True)
    own = photo[0] - photo[0].mean(-1, keepdims=True)
    assert np.corrcoef(chroma.ravel(), own.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("mode", ["equalize", "match"])
@pytest.mark.parametrize("keep", ["none", "luminance"])
def test_a_photo_is_prepared_for_each_painting(mode, keep, pictures, photo, painting):
    """As if the picture had been prepared before."""
    run("stylize", "--content", "photos/a.png", "--style", "paintings", "--output", "out",
        "--prepare", mode, "--preserve_color", keep)  # fmt: skip
    styles = [images.read_image(f"paintings/{name}") for name in ("a.png", "b.jpg")]
    photo = images.read_image("photos/a.png")
    for name, style in zip("ab", styles, strict=True):
        prepared = colors.adjust_contrast(photo, [style], mode)
        images.write_image("prepared.png", prepared, bits=16)
        run("stylize", "--content", "prepared.png", "--style", "paintings", "--output", "again",
            "--preserve_color", keep)  # fmt: skip
        found = read(f"out/a__{name}.png")
        assert np.abs(found - read(f"again/prepared__{name}.png")).mean() < 2e-3
    run("stylize", "--content", "photos/a.png", "--style", "paintings", "--output", "plain",
        "--preserve_color", keep)  # fmt: skip
    assert np.abs(found - read("plain/a__b.png")).mean() > 5e-3


def test_an_unreadable_photo_among_many_is_named_and_the_rest_is_painted(pictures, capfd):
    (pictures / "photos" / "broken.png").write_bytes(b"no picture")
    flags = ("--content", "photos", "--style", "paintings/a.png", "--output", "out")
    assert run("stylize", *flags) == 1
    first, last = errors(capfd)
    assert "broken.png: not a readable image" in first
    assert "--content: 1 of 3 photos could not be read" in last
    assert len(list((pictures / "out").iterdir())) == 2


def test_a_sheet_has_no_pictures_of_an_earlier_run(pictures, capfd):
    flags = ("--style", "paintings/a.png", "--output", "out", "--sheet", "sheet.png")
    assert run("stylize", "--content", "photos", *flags) == 0
    for name in ("a.png", "b.jpg"):
        Image.new("RGB", (96, 64), "red").save(pictures / "out" / f"{name[0]}__a.png")
        (pictures / "photos" / name).write_bytes(b"no picture")
    images.write_image(pictures / "photos" / "c.png", images.read_image("paintings/a.png"))
    assert run("stylize", "--content", "photos", *flags) == 1
    red = np.abs(images.read_image("sheet.png") - [1.0, 0.0, 0.0]).sum(-1) < 0.01
    assert not red.any(), "c.png alone was painted"
    (pictures / "photos" / "c.png").write_bytes(b"no picture")
    (pictures / "sheet.png").unlink()
    assert run("stylize", "--content", "photos", *flags) == 1
    assert not (pictures / "sheet.png").exists()
    assert errors(capfd)[-1].endswith("--content: 3 of 3 photos could not be read")


def test_unreadable_paintings_among_many_are_named_and_the_others_used(pictures, capfd):
    (pictures / "paintings" / "broken.png").write_bytes(b"no picture")
    Image.new("RGB", (20, 40)).save(pictures / "paintings" / "tiny.png")
    flags = ("--content", "photos/a.png", "--style", "paintings", "--output", "out")
    assert run("stylize", *flags) == 1
    first, second, last = errors(capfd)
    assert "broken.png: not a readable image" in first and "tiny.png: 20 × 40 pixels" in second
    assert last == "error: --style: 2 of 4 paintings could not be read; the others are in out"
    assert sorted(p.name for p in (pictures / "out").iterdir()) == ["a__a.png", "a__b.png"]
    alone = ("--content", "photos/a.png", "--style", "paintings/b.jpg", "--output", "b.png")
    assert run("stylize", *alone) == 0
    np.testing.assert_array_equal(read("b.png"), read("out/a__b.png"))
    weights = ("--style_weights", 1) * 4
    assert run("stylize", *flags[:-1], "mixed", *weights) == 1
    assert "1 of 4 paintings could not be read; a mixture needs them all" in errors(capfd)[-1]
    assert not (pictures / "mixed").exists()


def test_a_library_takes_the_paintings_that_can_be_read(pictures, capfd):
    (pictures / "paintings" / "broken.png").write_bytes(b"no picture")
    assert run("styles", "--library", "s.json", "--add", "paintings") == 1
    first, last = errors(capfd)
    assert "broken.png: not a readable image" in first
    assert last == "error: --add: 1 of 3 paintings could not be read; the others are in s.json"
    capfd.readouterr()
    assert run("styles", "--library", "s.json") == 0
    assert capfd.readouterr().out.splitlines()[1:] == ["  a", "  b"]


def test_pictures_of_one_name_get_names_of_their_own(pictures, photo):
    images.write_image("photos/a.jpg", photo[:, ::-1])
    flags = ("--content", "photos", "--style", "paintings/a.png", "--output", "out")
    assert run("stylize", *flags) == 0
    names = sorted(path.name for path in (pictures / "out").iterdir())
    assert names == ["a.jpg__a.png", "a.png__a.png", "b__a.png"]
    assert images.read_parameters("out/a.jpg__a.png")["content"] == "photos/a.jpg"
    images.write_image("paintings/a.jpg", photo)
    assert run("styles", "--library", "s.json", "--add", "paintings") == 0
    found = [style["name"] for style in json.loads((pictures / "s.json").read_text())["styles"]]
    assert found == ["a.jpg", "a.png", "b"]


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ("--style p/a.png", "--content: give the photo"),
        ("--content p/a.png", "--style: give the painting"),
        ("--content none.jpg --style p/a.png", "--content: none.jpg: no such file"),
        ("--content p/a.png --style p --output out.png", "2 pictures cannot be one file, out.png"),
        ("--content p/a.png --style p/a.png --strength 1.5", "--strength: must be from 0 to 1"),
        ("--content p/a.png --style p/a.png --model qualty", "did you mean 'quality'"),
        ("--content p/a.png --style p/a.png --model x.keras", "x.keras: no such file"),
        ("--content p/a.png --style p --style_weights 1 --output o", "1 given for 2 --style"),
        ("--content p/a.png --style p/a.png --style_library s.json", "give one of the two"),
        ("--content p/a.png --style_library s --preserve_color linear", "styles by name have none"),
        ("--content p/a.png --style_name x --preserve_color linear", "styles by name have none"),
        ("--content p/a.png --style_name x --prepare match", "styles by name have no painting"),
        ("--content p/a.png --style_name x", "--style_name: is for a model that has styles by"),
        ("--content p/a.png --style p/a.png --tile_size 959", "needs 960 pixels or more, not 959"),
        ("--content p/a.png --style p/a.png --output p/a.png", "p/a.png is also read"),
        ("--content p/a.png --content p/a.png --style p/b.png --output o", "written twice"),
        ("--content p/a.png --style p/b.png --style p/b.png --output o", "written twice"),
        ("--content p/a.png --style p/a.png --output out.bmp", "the suffix must be one of .png"),
        (
            "--content tiny.png --style p/a.png",
            "tiny.png: 20 × 40 pixels at this size; both",
        ),
        (
            "--content p/a.png --style tiny.png",
            "--style: tiny.png: 20 × 40 pixels at",
        ),
        ("--content p/a.png --style p/a.png --output out.bmp/x.png", "does not exist"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(flags, text, tmp_path, photo, monkeypatch,
                                                      capfd):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p").mkdir()
    (tmp_path / "q").mkdir()
    for path in ("p/a.png", "p/b.png", "q/a.png"):
        images.write_image(tmp_path / path, photo)
    Image.new("RGB", (20, 40)).save(tmp_path / "tiny.png")
    before = sorted(tmp_path.rglob("*"))
    assert run("stylize", *flags.split()) == 1
    (line,) = errors(capfd)
    assert text in line
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_of_another_model_is_one_line(run_program, pictures):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save("dense.keras")
    result = run_program("stylize.py", "--content", "photos/a.png", "--style", "paintings/a.png",
                         "--model", "dense.keras")  # fmt: skip
    assert result.returncode == 1
    (line,) = [line for line in result.stderr.splitlines() if not line.startswith("loading")]
    assert line == "error: dense.keras: not a model of tfstyle, or damaged: it is a Sequential"
