"""Regions that are found: what is alike in a photo and in paintings."""

import numpy as np
import pytest
from PIL import Image

from tfstyle import images
from tfstyle.__main__ import main
from tfstyle.config import OptimizeCommand
from tfstyle.errors import InputError
from tfstyle.images import label_maps
from tfstyle.optimization import auto_regions


@pytest.fixture(scope="module")
def textures(examples):
    """Two crops each of two textures, `(1, 96, 160, 3)`."""
    found = []
    for name in ("mosaic", "ink_wash"):
        picture = images.read_image(examples / f"{name}.jpg", 400)
        found.append((picture[:, :96, :160], picture[:, 100:196, 100:260]))
    return found


def stacked(*parts):
    return np.concatenate(parts, axis=1)


def test_what_is_alike_is_a_region(textures):
    (tiles, more_tiles), (ink, more_ink) = textures
    photo = stacked(tiles, ink)
    painting = stacked(0.6 * more_ink + 0.1, 0.6 * more_tiles + 0.3)  # elsewhere, in other colours
    found = auto_regions.find_regions(photo, [painting], 2)
    assert found.content.shape == (1, 192, 160, 2) == found.styles[0].shape
    top = found.content[0, :80].mean((0, 1)).argmax()
    assert found.content[0, :80, :, top].mean() > 0.9 > 0.1 > found.content[0, 112:, :, top].mean()
    assert found.styles[0][0, 112:, :, top].mean() > 0.9
    assert found.styles[0][0, :80, :, top].mean() < 0.1
    np.testing.assert_allclose(found.content.sum(-1), 1, atol=1e-5)
    again = auto_regions.find_regions(photo, [painting], 2)
    assert again.digest() == found.digest()


def test_a_region_is_taken_of_the_paintings_that_have_it(textures):
    (tiles, more_tiles), (ink, more_ink) = textures
    photo = stacked(tiles, ink)
    paintings = [stacked(more_ink, more_ink[:, ::-1]), stacked(more_tiles, more_ink)]
    found = auto_regions.find_regions(photo, paintings, 3, shares=(3.0, 1.0))
    np.testing.assert_allclose(found.shares.sum(1), 1)
    for number, maps in enumerate(found.styles):
        areas = maps.mean((0, 1, 2))
        taken = found.shares[:, number] > 0
        assert (areas[taken] > 0.02).all() and (areas[~taken] == 0).all()
        np.testing.assert_allclose(maps.sum(-1), 1, atol=1e-5)


def test_equal_pictures_have_equal_regions(textures):
    photo = stacked(textures[0][0], textures[1][0])
    found = auto_regions.find_regions(photo, [photo], 4)
    np.testing.assert_allclose(found.content, found.styles[0])


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"auto_regions": 1}, "--auto_regions: must be 0 or from 2 to 8, not 1"),
        ({"auto_regions": 9}, "--auto_regions: must be 0 or from 2 to 8, not 9"),
        (
            {"auto_regions": 2, "content_mask": "a.png", "region": ("red=1",)},
            "--auto_regions, --content_mask: give one of the two",
        ),
    ],
)
def test_flags_that_do_not_fit_together(flags, words):
    with pytest.raises(InputError, match=words):
        OptimizeCommand(content=("a.png",), style=("b.png",), **flags)


def test_the_programs_paint_and_show_them(examples, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    Image.open(examples / "astronaut.jpg").resize((96, 64)).save("photo.png")
    Image.open(examples / "mosaic.jpg").resize((80, 80)).save("a.png")
    flags = ["--content=photo.png", "--style=a.png", "--auto_regions=2", "--size=64"]
    flags += ["--min_size=64", "--iterations=1", "--encoder=lite", "--style_loss=gram"]
    flags += ["--style_layers=relu2_1", "--content_layers=relu2_1"]
    shown = ["--plot=plot.png", "--save_masks=masks"]
    assert main(["optimize", *flags, "--output=one.png", *shown]) == 0
    assert Image.open("plot.png").size == (960, 780), "with a row of pictures and maps"
    assert main(["optimize", *flags, "--output=many"]) == 0
    one, many = (images.read_image(path) for path in ("one.png", "many/photo__a.png"))
    np.testing.assert_array_equal(one, many)
    found = [
        label_maps.read_label_map(f"masks/{name}.png", shape, 512)
        for name, shape in (("content_mask", (64, 96)), ("style_mask_1", (80, 80)))
    ]
    assert {*found[0].names} == {*found[1].names} <= {"#ff0000", "#00ff00"}
