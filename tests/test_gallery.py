"""The packaged model of named styles."""

import numpy as np

from tfstyle import images, metrics
from tfstyle.__main__ import main
from tfstyle.images import thumbnails
from tfstyle.models import packaged
from tfstyle.stylization import Stylizer, engines


def test_its_file_is_small_and_names_credits_and_shows_its_styles():
    """As its card does; painters died in 1955 or earlier."""
    path = packaged.PACKAGED_MODELS["gallery"]
    assert path.stat().st_size <= 2_000_000
    styles = packaged.own_styles("gallery")
    assert len(styles) >= 24 and {"great_wave", "starry_night", "the_scream"} <= styles.keys()
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    for name, style in styles.items():
        assert f"| `{name}` | " in card
        if "examples/" not in style.credit:  # which are ours
            assert f"| {style.credit} |" in card
            assert int(style.credit.removesuffix(")")[-4:]) <= 1955, style.credit
        assert np.ptp(thumbnails.decode(style.thumbnail, "JPEG")) > 100


def test_flat_areas_have_no_weave(examples):
    """These styles had 6 to 11 grey levels of it before `losses.GridLoss`, and have 0.6 to 1.1."""
    stylizer = Stylizer("gallery", engine=engines.fastest("gallery"))
    photo = images.read_image(examples / "chelsea.jpg", 384)
    for name in ("fuchun", "port_en_bessin", "the_kiss", "wheat_field"):
        picture = stylizer.paint(photo, stylizer.named_style(name))
        assert metrics.checkerboard_energy(picture) < 2.0, name


def test_it_paints_named_styles_and_mixtures(tmp_path, examples):
    """As a program, which needs one of the names."""
    flags = ["stylize", f"--content={examples / 'chelsea.jpg'}", "--model=gallery", "--size=96"]
    pictures = []
    for names in (["great_wave"], ["mosaic"], ["great_wave", "mosaic"]):
        output = tmp_path / f"{len(pictures)}.png"
        named = [f"--style_name={name}" for name in names]
        named += ["--style_weights=1"] * len(names) if len(names) > 1 else []
        assert main([*flags, f"--output={output}", *named]) == 0
        pictures.append(images.read_image(output))
    wave, mosaic, both = pictures
    apart = np.abs(wave - mosaic).mean()
    assert apart > 0.01
    assert max(np.abs(both - one).mean() for one in (wave, mosaic)) < 1.2 * apart


def test_a_name_is_needed_and_near_ones_are_offered(tmp_path, examples, capfd):
    flags = ["stylize", f"--content={examples / 'chelsea.jpg'}", "--model=gallery", "--size=96"]
    flags.append(f"--output={tmp_path / 'picture.png'}")
    for more, words in (
        ([], "--style_name: give one of the model's styles, "),
        (["--style_name=wave"], "did you mean 'great_wave'?"),
    ):
        assert main([*flags, *more]) == 1
        assert words in capfd.readouterr().err
        assert not (tmp_path / "picture.png").exists()
