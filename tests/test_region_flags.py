"""Regions as users ask for them: flags, files and errors."""

import numpy as np
import pytest
from PIL import Image

from tfstyle import images
from tfstyle.__main__ import main
from tfstyle.commands import optimize
from tfstyle.commands.regions import read_regions
from tfstyle.config import OptimizeCommand, parse_region
from tfstyle.errors import InputError

SMALL = ["--size=64", "--min_size=64", "--iterations=1", "--encoder=lite", "--style_loss=gram",
         "--style_layers=relu2_1", "--content_layers=relu2_1"]  # fmt: skip


def command(**flags):
    flags = {"content": ("photo.png",), "style": ("a.png", "b.png"), **flags}
    return OptimizeCommand(**flags)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#ff0000=1", ((255, 0, 0), 1, 1.0)),
        ("white=0", ((255, 255, 255), 0, 1.0)),
        ("rgb(1,2,3)=2,0.5", ((1, 2, 3), 2, 0.5)),
    ],
)
def test_regions_are_parsed(text, found):
    assert parse_region(text) == found


@pytest.mark.parametrize("text", ["", "red", "red=", "red=x", "red=-1", "red=1,nan", "nocolour=1"])
def test_what_is_no_region_is_named(text):
    with pytest.raises(InputError, match=f"--region: .{text}"):
        parse_region(text)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"region": ("red=1",)}, "--region: needs --content_mask"),
        ({"style_mask": ("a.png", "b.png")}, "--style_mask: needs --content_mask"),
        ({"content_mask": "m.png"}, "--content_mask: give --style_mask or --region"),
        (
            {"content_mask": "m.png", "style_mask": ("a.png",)},
            "--style_mask: 1 given for 2 --style",
        ),
        ({"content_mask": "m.png", "region": ("red=3",)}, "'red=3': there are 2 --style, not 3"),
    ],
)
def test_flags_that_do_not_fit_together(flags, words):
    with pytest.raises(InputError, match=words):
        command(**flags)


@pytest.fixture
def files(examples, tmp_path, monkeypatch):
    """A photo, two paintings and maps of halves."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    Image.open(examples / "astronaut.jpg").resize((90, 61)).save("photo.png")
    Image.open(examples / "mosaic.jpg").resize((80, 80)).save("a.png")
    Image.open(examples / "ink_wash.jpg").resize((80, 60)).save("b.png")
    halves((90, 61), "red", "blue").save("photo_map.png")
    halves((80, 80), "blue", "red").save("a_map.png")
    halves((90, 61), "black", "white", 54).save("strength.png")
    return tmp_path


def halves(size, left, right, edge=None):
    image = Image.new("RGB", size, right)
    image.paste(left, (0, 0, edge or size[0] // 2, size[1]))
    return image


def regions_of(**flags):
    config = command(**flags)
    shapes = [(80, 80), (60, 80)][: len(config.style)]
    return read_regions(config, (61, 90), shapes, config.style_weights, 64)


def test_maps_are_read_as_small_as_the_picture(files):
    assert regions_of() is None
    found = regions_of(
        content_mask="photo_map.png", style_mask=("a_map.png", "none"), region=("red=2,3",),
        style_weights=(3.0, 1.0), strength_map="strength.png",
    )  # fmt: skip
    assert found.content.shape == (1, 43, 64, 1), "the red half is black in the strength map"
    assert found.styles[0].shape == (1, 64, 64, 1) and found.styles[1] is None
    np.testing.assert_allclose(found.shares, [[0.75, 0.25]])
    strong = regions_of(content_mask="photo_map.png", region=("red=2,3", "blue=1"))
    np.testing.assert_allclose(sorted(strong.factors), [1, 3])
    alone = regions_of(strength_map="strength.png", style_weights=(3.0, 1.0))
    np.testing.assert_allclose(alone.shares, [[0.75, 0.25]])
    assert alone.strength[0, 20, [5, 60], 0].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"strength_map": "none.png"}, "^--strength_map: none.png: no such file"),
        (
            {"content_mask": "a_map.png", "region": ("red=1",)},
            "^--content_mask: a_map.png: .*aspect",
        ),
        (
            {"content_mask": "photo_map.png", "style_mask": ("a_map.png", "photo_map.png")},
            "^--style_mask: photo_map.png: has 64 × 43 pixels, another",
        ),
        (
            {"content_mask": "photo_map.png", "region": ("lime=1",)},
            "^--region: #00ff00 is no region of photo_map.png, whose colours are #",
        ),
        (
            {"content_mask": "strength.png", "style_mask": ("a_map.png",), "style": ("a.png",)},
            "^--content_mask: strength.png: its region #...... is in no map",
        ),
    ],
)
def test_maps_that_do_not_fit_are_named(files, flags, words):
    with pytest.raises(InputError, match=words) as caught:
        regions_of(**flags)
    assert "\n" not in str(caught.value)


def test_a_picture_of_regions_is_painted_stored_and_reproduced(files):
    flags = [
        "--content=photo.png", "--style=a.png", "--style=b.png", "--content_mask=photo_map.png",
        "--style_mask=a_map.png", "--style_mask=none", "--region=red=0",
    ]  # fmt: skip
    assert main(["optimize", *flags, *SMALL, "--output=out.png"]) == 0
    found, photo = images.read_image("out.png"), images.read_image("photo.png", 64)
    np.testing.assert_allclose(found[:, :, :31], photo[:, :, :31], atol=0.51 / 255)
    assert np.abs(found - photo)[:, :, 34:].mean() > 0.003
    (files / "moved").mkdir()
    for name in ("out.png", "photo.png", "a.png", "b.png", "photo_map.png", "a_map.png"):
        (files / name).rename(files / "moved" / name)
    stored = optimize.read_parameters("moved/out.png", ())
    assert stored["style_mask"] == ["moved/a_map.png", "none"]
    assert stored["content_mask"] == "moved/photo_map.png" and stored["region"] == ["red=0"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--save_masks=maps"], "--save_masks: maps/content_mask.png is also read"),
        (["--save_masks=o", "--output=o/style_mask_2.png"], "--output: o/style_mask_2.png is also"),
    ],
)
def test_saved_maps_replace_no_other_file(files, flags, words, capfd):
    for folder in ("maps", "o"):
        (files / folder).mkdir()
    before = (files / "photo_map.png").rename(files / "maps" / "content_mask.png").read_bytes()
    arguments = [
        "--content=photo.png", "--style=a.png", "--style=b.png", "--region=red=1",
        "--content_mask=maps/content_mask.png",
    ]  # fmt: skip
    assert main(["optimize", *arguments, *SMALL, *flags]) == 1
    assert f"error: {words}" in capfd.readouterr().err
    assert (files / "maps" / "content_mask.png").read_bytes() == before


@pytest.mark.parametrize(
    ("flags", "flag"),
    [
        (["--strength_map=strength.png"], "strength_map"),
        (["--content_mask=photo_map.png", "--region=red=1"], "content_mask"),
    ],
)
def test_maps_are_of_one_photo(files, flags, flag, capfd):
    arguments = ["--content=photo.png", "--style=a.png", "--style=b.png", "--output=out"]
    assert main(["optimize", *arguments, *flags]) == 1
    assert f"--{flag}: is for one photo and a file as --output" in capfd.readouterr().err
