"""Tiles are parts of one picture."""

import itertools

import numpy as np
import pytest

from tests.model_examples import EXAMPLES
from tfstyle import images
from tfstyle.config import export
from tfstyle.models import palette
from tfstyle.stylization import tiling


@pytest.fixture
def wide(examples):
    """`(1, 483, 730, 3)`, sides that no tile and no stride divides."""
    return images.read_image(examples / "chelsea.jpg", 730)[:, :, :730].copy()[:, -483:]


@pytest.mark.parametrize("name", ["adain", "quality"])
def test_tiles_are_the_whole_picture(name, wide, painting):
    model = EXAMPLES[name]()
    code = np.asarray(model.encode_style(painting))
    seen = []
    found = tiling.stylize(model, wide, code, 0.7, 448, lambda *progress: seen.append(progress))
    assert seen == [(done, 12) for done in range(1, 13)]
    assert found.shape == wide.shape
    # Statistics pooled from tiles differ a little from the whole's, so from one piece, too …
    assert np.abs(found - np.asarray(model.stylize(wide, code, 0.7))).mean() < 0.01
    # … but all tiles have the same: the picture is the one with those statistics, everywhere.
    codes, areas = [], []
    own = palette.encode(wide)
    for inner, _ in tiling._tiles(*wide.shape[1:3], 448):
        codes.append(np.asarray(model.encode_content(wide[:, *inner], code, 0.7, own)))
        areas.append(np.prod([part.stop - part.start for part in inner]))
    pooled = model.pool_codes(np.concatenate(codes), areas)
    expected = np.asarray(model.stylize(wide, code, 0.7, pooled))
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("size", [448, 463, 1024])
def test_parts_cover_any_length_and_are_neither_short_nor_too_long(size):
    for length in [*range(40, 6000), 38417, 39223]:
        spans = list(tiling._spans(length, size))
        parts = [(inner.start, inner.stop) for inner, _ in spans]
        assert parts[0][0] == 0 and parts[-1][1] == length
        assert all(a[1] == b[0] and b[0] % 16 == 0 for a, b in itertools.pairwise(parts))
        assert min(stop - start for start, stop in parts) >= min(length, 128)
        assert max(outer.stop - outer.start for _, outer in spans) <= size


def test_too_small_tiles(wide, painting):
    with pytest.raises(ValueError, match="must be 448 or more. Received: 447"):
        tiling.stylize(EXAMPLES["mobile"](), wide, None, 1.0, 447)
    assert export.LEAST_TILE == tiling.LEAST_SIZE


def test_a_photo_that_fits_is_painted_in_one_piece(photo, painting):
    model = EXAMPLES["mobile"]()
    code = np.asarray(model.encode_style(painting))
    found = tiling.stylize(model, photo, code, 0.5, tile_size=96)
    np.testing.assert_array_equal(found, model.stylize(photo, code, 0.5))


@pytest.mark.parametrize("name", EXAMPLES)
def test_pooled_codes_are_the_wholes(name, random):
    """Means and deviations of each layer, by themselves."""
    model = EXAMPLES[name]()
    parts = random.uniform(size=(2, 1, 64, 64, 3)).astype("float32") * [[[[[0.3]]]], [[[[0.9]]]]]
    codes = np.concatenate([model.encode_style(part.astype("float32")) for part in parts])
    assert np.ptp(codes, axis=0).max() > 0
    pooled = np.asarray(model.pool_codes(codes, [3, 1]))
    assert pooled.shape == codes[:1].shape
    if name != "adain":
        whole = np.concatenate([*parts[[0] * 3], *parts[[1]]], axis=2).astype("float32")
        expected = palette.encode(whole)
        np.testing.assert_allclose(pooled[:, -palette.SIZE :], expected, atol=1e-5)
    start = 0
    for width in np.diff(boundaries(model)):
        (m1, m2), (s1, s2) = np.split(codes[:, start : start + width].astype(float), 2, axis=1)
        # Four equal parts, of two values each: the mean and a deviation to both sides.
        values = np.stack([m1 + s1, m1 - s1] * 3 + [m2 + s2, m2 - s2])
        expected = np.concatenate([values.mean(0), values.std(0)])
        np.testing.assert_allclose(pooled[0, start : start + width], expected, atol=1e-5)
        start += width


def boundaries(model):
    """Where a code's layers begin."""
    if not hasattr(model.decoder, "channels"):
        return [0, 2 * model.encoder.widths[3]]
    return np.cumsum([0, *(2 * width for width in model.decoder.channels)])
