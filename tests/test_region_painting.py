"""Regions painted by trained models."""

import dataclasses
import re

import numpy as np
import pytest
from PIL import Image

from tests.fixed_style_examples import EXAMPLES
from tests.model_examples import make_adain
from tests.test_region_flags import halves
from tfstyle import images
from tfstyle.__main__ import main
from tfstyle.config import StylizeCommand
from tfstyle.images.regions import Regions, whole
from tfstyle.images.resizing import resample
from tfstyle.stylization import Stylizer
from tfstyle.stylization.photo_painting import PhotoPainter
from tfstyle.stylization.region_painting import RegionStyles, paint_regions, region_part


def of_halves(styles, shares, factors=(1.0, 1.0), strength=None):
    weights = np.zeros((1, 32, 48, 2), np.float32)
    weights[:, :, :24, 0] = weights[:, :, 24:, 1] = 1
    full = np.ones((1, 1, 1, 1), np.float32) if strength is None else strength
    return Regions(weights, styles, np.array(shares), np.array(factors), full)


def test_each_region_is_painted_with_its_code(photo, painting):
    stylizer = Stylizer(make_adain())
    codes = [stylizer.encode_style(one) for one in (painting, 1.0 - painting)]
    left, right = (stylizer.paint(photo, code) for code in codes)
    calls = []
    found = paint_regions(
        photo, codes, of_halves([None, None], np.eye(2)), stylizer.paint,
        on_progress=lambda *call: calls.append(call),
    )  # fmt: skip
    np.testing.assert_allclose(found[:, :, :46], left[:, :, :46], atol=1e-6)
    np.testing.assert_allclose(found[:, :, 50:], right[:, :, 50:], atol=1e-6)
    half = paint_regions(photo, codes, of_halves([None] * 2, np.eye(2), (0.5, 1)), stylizer.paint)
    np.testing.assert_allclose(half[:, :, :46], (photo + left)[:, :, :46] / 2, atol=1e-6)


def test_a_model_that_can_paints_all_regions_at_once(photo):
    config = StylizeCommand(content=("photo.png",), style=("painting.png",))
    model = EXAMPLES["stylebank"]()
    stylizer = Stylizer(model)
    painter = PhotoPainter(config, stylizer, "content")
    codes = [stylizer.named_style(name) for name in ("one", "two")]
    regions, calls = of_halves([None] * 2, np.eye(2), (0.0, 0.5)), []

    def paint(*arguments, **options):
        calls.append(arguments)
        return painter.paint(*arguments, **options)

    found = paint_regions(photo, codes, regions, paint, mix=painter.region_mixing(photo))
    expected = stylizer.paint(photo, model.mix_by_region(codes, regions_of(photo, regions)))
    half = (photo + expected)[:, :, 50:] / 2
    np.testing.assert_allclose(found[:, :, 50:], half, atol=1e-6)
    np.testing.assert_array_equal(found[:, :, :46], photo[:, :, :46])
    assert len(calls) == 1
    large = np.zeros((1, 8, stylizer.tile_size + 1, 3))
    assert painter.region_mixing(large) is None, "tiles"
    wrapped = dataclasses.replace(config, wrap="both")
    assert PhotoPainter(wrapped, stylizer, "content").region_mixing(photo) is None
    assert PhotoPainter(config, stylizer, "content", photo).region_mixing(photo) is None
    other = PhotoPainter(config, Stylizer(make_adain()), "content")
    assert other.region_mixing(photo) is None


def regions_of(photo, regions):
    """The weights of regions, as large as the photo."""
    shape = photo.shape[1:3]
    return resample(regions.content[0], shape, Image.Resampling.BILINEAR)[None]


def test_the_strength_is_by_position(photo, painting):
    stylizer = Stylizer(make_adain())
    code = stylizer.encode_style(painting)
    strength = np.linspace(-0.5, 1.5, 96, dtype=np.float32).clip(0, 1)[None, None, :, None]
    given = whole(strength.repeat(64, 1), 1)
    found = paint_regions(photo, [code], given, stylizer.paint, strength=0.8)
    full = stylizer.paint(photo, code, strength=0.8)
    np.testing.assert_array_equal(found[:, :, :24], photo[:, :, :24])
    np.testing.assert_allclose(found[:, :, 73:], full[:, :, 73:], atol=1e-6)
    share = strength[:, :, 48]
    expected = photo[:, :, 48] + share * (full - photo)[:, :, 48]
    np.testing.assert_allclose(found[:, :, 48], expected, atol=1e-6)


def test_a_style_is_taken_of_what_surrounds_its_region(painting):
    maps = np.zeros((1, 64, 64, 2), np.float32)
    maps[:, 10:50, 20:60, 0] = 1
    maps[:, 25:30, 30:50, 0] = 0
    maps[..., 1] = 1 - maps[..., 0]
    part = region_part(painting, maps[..., 0], 32)
    inside = painting[:, 10:50, 20:60]
    assert part.shape == inside.shape
    np.testing.assert_allclose(part[:, :15], inside[:, :15], atol=1e-6)
    assert np.abs(part - inside)[:, 16:19, 12:28].max() > 0.02, "filled"
    corner = np.zeros((1, 8, 8), np.float32)
    corner[:, 7, 7] = 1
    assert region_part(painting, corner, 32).shape == (1, 32, 32, 3)
    styles = RegionStyles(of_halves([maps, None], [[0.25, 0.75], [0, 1]]), [painting] * 2, 32)
    mixed = styles.mixed(range(len(styles.parts)), lambda codes, shares: (codes, shares))
    assert mixed == [([2, 1], [0.25, 0.75]), ([1], [1.0])]
    assert styles.parts[2].shape == part.shape and len(styles.parts) == 3


@pytest.fixture
def files(examples, tmp_path, monkeypatch):
    """A photo, two paintings, maps of halves, and a model."""
    monkeypatch.chdir(tmp_path)
    Image.open(examples / "astronaut.jpg").resize((96, 64)).save("photo.png")
    Image.open(examples / "mosaic.jpg").resize((80, 80)).save("a.png")
    Image.open(examples / "ink_wash.jpg").resize((80, 60)).save("b.png")
    halves((96, 64), "red", "blue").save("map.png")
    halves((80, 80), "blue", "red").save("a_map.png")
    halves((96, 64), "black", "white").save("strength.png")
    make_adain().save("model.keras")
    return ["--content=photo.png", "--style=a.png", "--style=b.png", "--model=model.keras"]


def test_the_program_paints_regions(files):
    assert main(["stylize", *files, "--output=plain"]) == 0
    plain = [images.read_image(f"plain/photo__{name}.png") for name in ("a", "b")]
    flags = ["--content_mask=map.png", "--region=red=1", "--region=blue=2"]
    assert main(["stylize", *files, *flags, "--output=out"]) == 0
    found = images.read_image("out/photo__a+b.png")
    for part, picture in ((slice(0, 46), plain[0]), (slice(50, None), plain[1])):
        np.testing.assert_allclose(found[:, :, part], picture[:, :, part], atol=1.1 / 255)
    flags = ["--content_mask=map.png", "--style_mask=a_map.png", "--style_mask=none"]
    assert main(["stylize", *files, *flags, "--region=red=1", "--output=c.png"]) == 0
    found = images.read_image("c.png")
    assert np.abs(found - plain[0])[:, :, :46].mean() > 0.002, "of a half of the painting"
    assert main(["stylize", *files, "--strength_map=strength.png", "--output=strong"]) == 0
    found, photo = images.read_image("strong/photo__b.png"), images.read_image("photo.png")
    np.testing.assert_array_equal(found[:, :, :47], photo[:, :, :47])
    np.testing.assert_allclose(found[:, :, 50:], plain[1][:, :, 50:], atol=1.1 / 255)


def test_the_program_mixes_banks_by_region(files):
    model = EXAMPLES["stylebank"]()
    model.save("banks.keras")
    flags = ["--style_name=one", "--style_name=two", "--region=red=1", "--region=blue=2"]
    flags += ["--content=photo.png", "--model=banks.keras", "--content_mask=map.png"]
    assert main(["stylize", *flags, "--output=out.png"]) == 0
    photo, codes = images.read_image("photo.png"), [model.encode_index([k]) for k in (0, 1)]
    weights = np.zeros((1, 64, 96, 2), "f4")
    weights[:, :, :48, 0] = weights[:, :, 48:, 1] = 1
    expected = model.stylize(photo, model.mix_by_region(codes, weights))
    blended = np.concatenate(
        [model.stylize(photo, codes[0])[:, :, :48], model.stylize(photo, codes[1])[:, :, 48:]], 2
    )
    found = images.read_image("out.png")
    assert np.abs(found - expected).mean() < 2e-3 < np.abs(found - blended).mean()


def test_regions_take_all_styles_of_a_library_in_its_order(files, capfd):
    library = ["--library=s.json", "--add=a.png", "--add=b.png", "--model=model.keras"]
    assert main(["styles", *library]) == 0
    flags = ["--content_mask=map.png", "--region=red=1", "--region=blue=2"]
    assert main(["stylize", *files, *flags, "--output=1.png"]) == 0
    content, model = files[0], files[-1]
    by_name = [content, model, "--style_library=s.json", *flags]
    assert main(["stylize", *by_name, "--output=2.png", "--sheet=sheet.png"]) == 0
    np.testing.assert_array_equal(images.read_image("1.png"), images.read_image("2.png"))
    assert main(["stylize", *by_name, "--region=red=3", "--output=3.png"]) == 1
    assert "--region: 'red=3': there are 2 --style, not 3" in capfd.readouterr().err


def test_what_is_kept_of_a_prepared_photo_is_the_photo(files):
    Image.open("photo.png").point(lambda level: 96 + level // 4).save("photo.png")
    photo = images.read_image("photo.png")
    for flags in (["--strength_map=strength.png"], ["--content_mask=map.png", "--region=red=0"]):
        assert main(["stylize", *files, *flags, "--prepare=equalize", "--output=out"]) == 0
        name = "b" if len(flags) == 1 else "a+b"
        found = images.read_image(f"out/photo__{name}.png")
        np.testing.assert_array_equal(found[:, :, :47], photo[:, :, :47])
        assert np.abs(found - photo)[:, :, 50:].mean() > 0.02


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--content=a.png", "--strength_map=strength.png"], "--strength_map: is of one photo; 2"),
        (["--content_mask=map.png", "--region=red=2,1.5"], "the strength is from 0 to 1"),
        (["--content_mask=map.png", "--region=red=3"], "there are 2 --style, not 3"),
        (["--content_mask=a_map.png", "--region=red=1"], "--content_mask: a_map.png: .*aspect"),
    ],
)
def test_regions_that_cannot_be_painted_are_named(files, flags, words, capfd):
    assert main(["stylize", *files, *flags, "--output=out"]) == 1
    error = capfd.readouterr().err.splitlines()[-1]
    assert re.search(words, error)
