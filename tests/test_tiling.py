"""Tiles are parts of one picture."""

import itertools
import types

import numpy as np
import pytest

from tests.model_examples import ALL, EXAMPLES, rounding
from tfstyle import images
from tfstyle.stylization import Stylizer, tiling

OVERLAP, STRIDE = 112, 16  # pixels, of all models here


@pytest.fixture
def wide(examples):
    """`(1, 483, 730, 3)`, sides that no tile and no stride divides."""
    return images.read_image(examples / "chelsea.jpg", 730)[:, :, :730].copy()[:, -483:]


@pytest.mark.parametrize("name", ["adain", "linear", "mobile"])
def test_tiles_are_the_whole_picture(name, wide, painting):
    model = ALL[name]()
    code = model.encode_style(painting)
    seen = []
    found = tiling.paint_tiles(model, wide, code, 0.7, 448, lambda *progress: seen.append(progress))
    assert seen == [(done, 6) for done in range(1, 7)]
    assert found.shape == wide.shape
    # Statistics pooled from tiles differ a little from the whole's, so from one piece, too …
    assert np.abs(found - np.asarray(model.stylize(wide, code, 0.7))).mean() < 0.01
    # … but all tiles have the same: the picture is the one with those statistics, everywhere.
    parts, areas = [], []
    for inner, _ in tiling._tiles(*wide.shape[1:3], 448, OVERLAP, STRIDE):
        parts.append(wide[:, *inner])
        areas.append(np.prod([part.stop - part.start for part in inner]))
    summary = model.summarize(parts, areas, code, 0.7)
    expected = np.asarray(model.stylize_tile(wide, code, 0.7, summary))
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("size", [448, 463, 1024])
def test_parts_cover_any_length_and_are_neither_short_nor_too_long(size):
    for length in [*range(40, 6000), 38417, 39223]:
        spans = list(tiling._spans(length, size, OVERLAP, STRIDE))
        parts = [(inner.start, inner.stop) for inner, _ in spans]
        assert parts[0][0] == 0 and parts[-1][1] == length
        assert all(a[1] == b[0] and b[0] % 16 == 0 for a, b in itertools.pairwise(parts))
        assert min(stop - start for start, stop in parts) >= min(length, 128)
        assert max(outer.stop - outer.start for _, outer in spans) <= size


def test_too_small_tiles(wide, painting):
    with pytest.raises(ValueError, match="must be 448 or more. Received: 447"):
        tiling.paint_tiles(EXAMPLES["mobile"](), wide, {}, 1.0, 447)


@pytest.mark.parametrize(
    ("field", "stride"), [(0, 8), (1, 16), (10, 16), (20, 32), (24, 8), (70, 192)]
)
def test_the_smallest_tiles_do_for_any_overlap_and_stride(field, stride):
    size = tiling.least_tile_size(types.SimpleNamespace(receptive_field=field, tile_stride=stride))
    overlap = tiling._overlap(field, stride)
    for length in range(8, 900):
        spans = list(tiling._spans(length, size, field, stride))
        parts = [(inner.start, inner.stop) for inner, _ in spans]
        assert parts[0][0] == 0 and parts[-1][1] == length
        assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
        assert all((start - overlap) % stride == start % 8 == 0 for start, _ in parts[1:])
        for inner, outer in spans:
            assert outer.stop - outer.start <= size and outer.start % stride == 0
            assert outer.start <= max(inner.start - field, 0)
            assert outer.stop >= min(inner.stop + field, length)


@pytest.mark.parametrize("name", EXAMPLES)
def test_models_say_how_their_tiles_overlap(name):
    """As the parts above do; programs that read the flag ask for as much."""
    model = ALL[name]()
    assert (model.receptive_field, model.tile_stride) == (OVERLAP, STRIDE)
    assert tiling.least_tile_size(model) == 448


def test_pooled_codes_are_the_wholes(random):
    """Means and deviations, by themselves."""
    model = EXAMPLES["adain"]()
    parts = random.uniform(size=(2, 1, 64, 64, 3)).astype("float32") * [[[[[0.3]]]], [[[[0.9]]]]]
    parts = parts.astype("float32")
    codes = np.concatenate([model.encode_style(part)["statistics"] for part in parts])
    assert np.ptp(codes, axis=0).max() > 0
    pooled = np.asarray(model.summarize(list(parts), [3, 1], {}, 0.0)["statistics"])
    (m1, m2), (s1, s2) = np.split(codes.astype(float), 2, axis=1)
    # Four equal parts, of two values each: the mean and a deviation to both sides.
    values = np.stack([m1 + s1, m1 - s1] * 3 + [m2 + s2, m2 - s2])
    expected = np.concatenate([values.mean(0), values.std(0)])
    np.testing.assert_allclose(pooled, expected[None], atol=1e-5)


@pytest.mark.parametrize(("wrap", "axes"), [("horizontal", (2,)), ("both", (1, 2))])
def test_edges_that_meet_are_like_any_others(wrap, axes, photo, painting):
    """A photo that is rolled along them is painted as before, and rolled."""
    stylizer = Stylizer(EXAMPLES["mobile"](), tile_size=448)
    code = stylizer.encode_style(painting)
    photo = photo[:, :64, :96]

    def painted(shift, axis):
        rolled = np.roll(photo, shift, axis)  # its statistics depend a little on where its ends are
        found = stylizer.paint(rolled, code, 0.8, wrap=wrap, statistics_of=photo)
        return np.roll(found, -shift, axis)

    image = painted(0, 1)
    assert image.shape == photo.shape
    for axis in (1, 2):
        error = np.abs(painted(32, axis) - image).max()
        assert error < rounding(stylizer.model) if axis in axes else error > 1e-2


def test_edges_meet_where_no_stride_divides_the_length(examples, painting):
    stylizer = Stylizer("mobile")
    photo = images.read_image(examples / "chelsea.jpg", 256)
    photo = np.concatenate([photo, photo[:, :, ::-1]], axis=2)[:, :, :-1]  # no step at its ends
    code = stylizer.encode_style(painting)

    def seam(wrap):
        image = stylizer.paint(photo, code, wrap=wrap)
        steps = np.abs(np.diff(image, axis=2)).mean((0, 1, 3))
        return np.abs(image[:, :, 0] - image[:, :, -1]).mean() / steps.mean()

    joined, apart = seam("horizontal"), seam("none")
    assert joined < 0.9 and joined < 0.8 * apart, (joined, apart)


def test_statistics_can_be_those_of_another_picture(wide, painting):
    """So that a part of a photo is painted as it is in the whole."""
    stylizer = Stylizer("mobile", tile_size=448)
    whole = images.resize(wide, (320, 480))
    code = stylizer.encode_style(painting)
    part = (slice(None), slice(112, 272), slice(160, 320))
    expected = stylizer.paint(whole, code)[part][:, 48:-48, 48:-48]
    like_whole = stylizer.paint(whole[part], code, statistics_of=whole)[:, 48:-48, 48:-48]
    alone = stylizer.paint(whole[part], code)[:, 48:-48, 48:-48]
    error, error_alone = (np.abs(found - expected).mean() for found in (like_whole, alone))
    assert error < 0.2 * error_alone


def test_a_lamp_in_a_corner_leaves_the_rest_alone_with_the_statistics_of_before(wide, painting):
    stylizer = Stylizer("mobile")
    photo = images.resize(wide, (200, 300))
    lamp = photo.copy()
    lamp[:, :60, :60] = 1.0
    code = stylizer.encode_style(painting)
    before, after, like_before = (
        stylizer.paint(picture, code, statistics_of=other)[:, :, 200:]  # a receptive field away
        for picture, other in ((photo, None), (lamp, None), (lamp, photo))
    )
    change = np.abs(after - before).mean()
    assert change > 1 / 255
    assert np.abs(like_before - before).mean() < 0.1 * change


def test_what_needs_tiles_is_refused_without_them(photo):
    stylizer = Stylizer(EXAMPLES["mobile"]())
    stylizer._tiles = False
    with pytest.raises(ValueError, match="must be left out for a model that cannot paint in tiles"):
        stylizer.paint(photo, {}, wrap="both")
