"""`Stylizer`: codes, mixtures, and photos of any number and size in one call."""

import numpy as np
import pytest

from tests.model_examples import ALL, CHECKED, EXAMPLES, make_adain, rounding
from tfstyle import colors, images
from tfstyle.errors import InputError
from tfstyle.models.capabilities import NamedStyles
from tfstyle.runtime import memory
from tfstyle.stylization import Stylizer


class Tinted(NamedStyles):
    """A model of two colours by name, whose codes cannot be mixed."""

    style_names = ("red", "blue")

    def encode_index(self, index):
        return {"color": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], "float32")[index]}

    def stylize(self, content, code, strength=1.0):
        return content + strength * (code["color"][:, None, None] - content)

    def check_picture(self, picture, name):
        pass


@pytest.fixture
def large(photo):
    """`(1, 299, 448, 3)`, as large as the smallest tile."""
    return images.resize(photo, (299, 448))


def randomized(model):
    """The model with a decoder as if it were trained, which shows styles more than a new one."""
    decoder = getattr(model, "decoder", None) or model.revision
    for variable in decoder.trainable_variables:
        noise = np.random.default_rng(len(variable.path)).normal(size=variable.shape)
        variable.assign_add(0.1 * noise.astype("float32"))
    return model


@pytest.mark.parametrize("name", CHECKED)
def test_a_photo_that_fits_is_painted_in_one_piece(name, large, painting):
    model = ALL[name]()
    stylizer = Stylizer(model, tile_size=448)
    code = stylizer.encode_style(painting)
    found = stylizer.paint(large, code, 0.5, on_progress=lambda *_: pytest.fail("a tile"))
    np.testing.assert_array_equal(found, model.stylize(large, code, 0.5))
    assert found.dtype == np.float32


def test_a_larger_photo_is_painted_in_tiles(large, painting):
    model = EXAMPLES["mobile"]()
    stylizer = Stylizer(model, tile_size=448)
    wide = np.pad(large, ((0, 0), (0, 0), (0, 1), (0, 0)), mode="edge")
    code = stylizer.encode_style(painting)
    seen = []
    found = stylizer.paint(wide, code, on_progress=lambda *progress: seen.append(progress))
    assert seen == [(1, 2), (2, 2)]
    assert np.abs(found - model.stylize(wide, code)).mean() < 0.01
    with pytest.raises(InputError, match="--tile_size: this model needs 448 pixels or more, not 4"):
        Stylizer(model, tile_size=447)


def test_a_model_that_cannot_tile_paints_in_one_piece(large):
    stylizer = Stylizer(Tinted(), tile_size=64)
    found = stylizer.paint(large, stylizer.named_style("blue"), 0.5)
    np.testing.assert_allclose(found, 0.5 * large + 0.5 * np.array([0.0, 0.0, 1.0]), atol=1e-6)


def test_a_mixture_is_the_weighted_mean(random):
    stylizer = Stylizer(make_adain())
    a, b = ({"statistics": random.normal(size=(1, 8)).astype("float32")} for _ in range(2))
    found = stylizer.mix([a, b], [3.0, 1.0])["statistics"]
    assert found.shape == (1, 8) and found.dtype == np.float32
    expected = 0.75 * a["statistics"] + 0.25 * b["statistics"]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    for scale in (1e-3, 1e3):
        scaled = stylizer.mix([a, b], [3.0 * scale, 1.0 * scale])["statistics"]
        np.testing.assert_allclose(scaled, found, rtol=1e-6)
    equal = stylizer.mix([a, b])["statistics"]
    np.testing.assert_allclose(equal, 0.5 * (a["statistics"] + b["statistics"]), rtol=1e-6)
    np.testing.assert_array_equal(stylizer.mix([a], [0.3])["statistics"], a["statistics"])
    np.testing.assert_array_equal(stylizer.mix([a, b], [2, 0])["statistics"], a["statistics"])


@pytest.mark.parametrize("shares", [(0.0, 0.0), (2.0, -1.0), (1.0,), (1.0, 1.0, 1.0)])
def test_shares_that_make_no_mixture(shares):
    code = {"statistics": np.ones((1, 8), "float32")}
    with pytest.raises(ValueError, match="`shares` must be .* Received: "):
        Stylizer(make_adain()).mix([code, code], shares)


def test_codes_that_cannot_be_mixed_are_one_line():
    stylizer = Stylizer(Tinted())
    codes = [stylizer.named_style(name) for name in ("red", "blue")]
    with pytest.raises(InputError, match="--style_weights: is for a model that has codes") as error:
        stylizer.mix(codes)
    assert "unlike Tinted" in str(error.value) and "\n" not in str(error.value)
    np.testing.assert_array_equal(stylizer.mix(codes[:1])["color"], [[1.0, 0.0, 0.0]])


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize("compiled", [False, True])
def test_a_batch_is_painted_as_one_by_one(name, compiled, photo, painting):
    """With a code for each photo, and with one for all."""
    model = randomized(ALL[name]())
    stylizer = Stylizer(model, compiled=compiled)
    photos = np.concatenate([photo, photo[:, ::-1], 1.0 - photo])
    codes = stylizer.encode_style(np.concatenate([painting, 1.0 - painting, painting[:, ::-1]]))
    one_by_one = [{k: part[n : n + 1] for k, part in codes.items()} for n in range(3)]
    for code, each in ((codes, one_by_one), (one_by_one[0], one_by_one[:1] * 3)):
        found = stylizer.paint(photos, code, 0.7)
        assert found.shape == photos.shape
        for number, own in enumerate(each):
            expected = stylizer.paint(photos[number : number + 1], own, 0.7)
            np.testing.assert_allclose(found[number : number + 1], expected, atol=rounding(model))
    assert np.abs(found[1] - stylizer.paint(photos, codes, 0.7)[1]).max() > 1e-3


def test_a_batch_is_painted_in_tiles_as_one_by_one(large, painting):
    stylizer = Stylizer(randomized(EXAMPLES["mobile"]()), tile_size=448)
    wide = np.pad(large, ((0, 0), (0, 0), (0, 52), (0, 0)), mode="reflect")
    photos = np.concatenate([wide, wide[:, ::-1]])
    codes = stylizer.encode_style(np.concatenate([painting, 1.0 - painting]))
    one_by_one = [{k: part[n : n + 1] for k, part in codes.items()} for n in range(2)]
    for code, each in ((codes, one_by_one), (one_by_one[0], one_by_one[:1] * 2)):
        found = stylizer.paint(photos, code, 0.7)
        for number, own in enumerate(each):
            expected = stylizer.paint(photos[number : number + 1], own, 0.7)
            np.testing.assert_allclose(
                found[number : number + 1], expected, atol=rounding(stylizer.model)
            )
    assert np.abs(found[1] - stylizer.paint(photos, codes, 0.7)[1]).max() > 1e-3


@pytest.mark.parametrize("name", CHECKED)
def test_compiled_it_paints_the_same(name, photo, painting):
    model = randomized(ALL[name]())
    eager, compiled = Stylizer(model), Stylizer(model, compiled=True)
    code = eager.encode_style(painting)
    found = compiled.encode_style(painting)
    assert list(found) == list(code)
    for part, expected in code.items():
        np.testing.assert_allclose(found[part], expected, rtol=1e-4, atol=1e-5)
    for picture in (photo, photo[:, :47, :51]):
        for strength in (1.0, 0.4):
            expected = eager.paint(picture, code, strength)
            found = compiled.paint(picture, code, strength)
            np.testing.assert_allclose(found, expected, atol=rounding(model))


def test_luminance_is_painted_and_the_photos_chroma_kept(photo, painting):
    model = make_adain()
    stylizer = Stylizer(model)
    code = stylizer.encode_style(painting)
    narrow = 0.4 + 0.2 * photo  # little is cut
    found = stylizer.paint(narrow, code, 0.8, preserve_color="luminance")
    painted = np.asarray(model.stylize(colors.luminance(narrow), code, 0.8))
    np.testing.assert_array_equal(found, colors.with_chroma(painted, narrow))
    inside = ((found > 0) & (found < 1)).all(-1)
    assert inside.mean() > 0.9
    np.testing.assert_allclose(
        colors.luminance(found)[inside], colors.luminance(painted)[inside], atol=1e-5
    )
    chroma = (found - colors.luminance(found)) - (narrow - colors.luminance(narrow))
    assert np.abs(chroma[inside]).max() < 2e-2
    assert np.abs(found - stylizer.paint(narrow, code, 0.8)).max() > 0.01


@pytest.mark.parametrize("mode", ["histogram", "linear", "luminance"])
def test_styles_are_seen_in_the_photos_colors(mode, photo, painting):
    stylizer = Stylizer(make_adain())
    styles = [painting, 1.0 - painting]
    found = stylizer.encode_styles(styles, photo, mode)
    _, prepared = colors.prepare(photo, styles, mode)
    for code, style, other in zip(found, prepared, stylizer.encode_styles(styles), strict=True):
        expected = stylizer.encode_style(style)["statistics"]
        np.testing.assert_array_equal(code["statistics"], expected)
        assert np.abs(other["statistics"] - expected).max() > 1e-3


def test_named_styles():
    stylizer = Stylizer(Tinted())
    np.testing.assert_array_equal(stylizer.named_style("blue")["color"], [[0.0, 0.0, 1.0]])
    with pytest.raises(InputError, match="--style_name: no style 'blu' .*did you mean 'blue'"):
        stylizer.named_style("blu")
    with pytest.raises(InputError, match="--style: is for .* has these by name: red, blue$"):
        stylizer.encode_style(np.zeros((1, 64, 64, 3), "float32"))
    with pytest.raises(InputError, match="--style_name: is for a model that has styles by name"):
        Stylizer(make_adain()).named_style("blue")


def test_a_model_comes_by_name_or_from_a_file(photo, painting, tmp_path):
    model = make_adain()
    model.save(tmp_path / "mine.keras")
    code = Stylizer(model).encode_style(painting)
    for name in (tmp_path / "mine.keras", str(tmp_path / "mine.keras")):
        found = Stylizer(name).paint(photo, code)
        np.testing.assert_array_equal(found, model.stylize(photo, code))
    with pytest.raises(InputError, match="did you mean 'mobile'"):
        Stylizer("mobil")
    with pytest.raises(InputError, match="the photo: 39 × 64 pixels at this size; both"):
        Stylizer(model).paint(photo[:, :, :39], code)


def test_arguments_that_would_paint_something_else(photo):
    stylizer = Stylizer(EXAMPLES["mobile"]())
    code = stylizer.encode_style(photo)
    for arguments in ((np.uint8(photo * 255), code), (photo[0], code), (photo, code, -1.0)):
        with pytest.raises(ValueError, match="must be"):
            stylizer.paint(*arguments)
    with pytest.raises(ValueError, match="at least 0 and not all 0"):
        stylizer.mix([code, code], [1e308, 1e308])


def test_tiles_too_need_memory_for_the_whole(photo, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    stylizer = Stylizer(EXAMPLES["mobile"](), tile_size=448)
    with pytest.raises(InputError, match="big.png: needs about .* a smaller --size needs less"):
        stylizer.check_photo(np.broadcast_to(np.float32(0), (1, 5000, 5000, 3)), "big.png")
