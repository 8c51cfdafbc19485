"""The last pass of a render, which restores the photo's edges."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
import scipy.ndimage

from tfstyle import images, losses, optimization
from tfstyle.config import OptimizeConfig
from tfstyle.errors import InputError
from tfstyle.images.filters import box_mean
from tfstyle.optimization import detail

LUMA = np.array([0.299, 0.587, 0.114])
FULL = OptimizeConfig(detail=1.0)


def restored(picture, photo, config=FULL):
    found = np.array(picture, np.float32)
    detail.restore_edges(found, photo, config)
    return found


def mean64(values, radius):
    """Means over what is inside of the picture, by SciPy."""
    sums, counts = (
        scipy.ndimage.uniform_filter(one, 2 * radius + 1, mode="constant")
        for one in (values, np.ones_like(values))
    )
    return sums / counts


def reference(picture, photo, amount):
    x, p = (image[0].astype(np.float64) @ LUMA for image in (picture, photo))
    gain = min(1.0, x.std() / p.std())

    def covariance(a, b):
        return mean64(a * b, 12) - mean64(a, 12) * mean64(b, 12)

    correlation = covariance(x, p) / np.sqrt(covariance(x, x) * covariance(p, p) + 1e-8)
    sign = np.tanh(4 * (correlation + 0.5))
    bands = [0, 1, 2, 4, 8]
    change = 0.0
    for above, below in zip(bands, bands[1:], strict=False):
        band, photo_band = (mean64(one, above) - mean64(one, below) for one in (x, p))
        energy = mean64(photo_band**2, 2 * below)
        share = energy / (energy + (0.3 * p.std()) ** 2 + 1e-8)
        change = change + share * (sign * gain * photo_band - band)
    return np.clip(picture + amount * change[None, ..., None], 0.0, 1.0)


@pytest.fixture(scope="module")
def pair(examples):
    """A photo, and a picture of the same size that has none of its edges."""
    photo = images.read_image(examples / "chelsea.jpg", 160)
    other = images.read_image(examples / "mosaic.jpg", 200)
    return photo[:, :101], other[:, :101, :160]


@pytest.mark.parametrize("strip", [256, 30])
@pytest.mark.parametrize("amount", [1.0, 0.4])
def test_bands_of_the_photo_where_it_has_edges(pair, amount, strip, monkeypatch):
    monkeypatch.setattr(detail, "_STRIP", strip)
    photo, picture = pair
    found = restored(picture, photo, OptimizeConfig(detail=amount))
    np.testing.assert_allclose(found, reference(picture, photo, amount), atol=2e-6)
    assert np.abs(found - picture).max() > 0.1


def test_edges_come_back_and_the_rest_stays(pair):
    """Of a blurred photo with strokes, in other colours: its edges, but not where it is flat."""
    photo, strokes = (image.copy() for image in pair)
    photo[:, :, :60] = 0.4
    blurred = scipy.ndimage.gaussian_filter(photo, (0, 4, 4, 0))
    picture = 0.2 + 0.5 * blurred[..., ::-1] + 0.1 * (strokes - strokes.mean())
    found = restored(picture, photo)
    loss = losses.EdgeLoss((1, 2))
    assert float(loss(photo, found)) < 0.5 * float(loss(photo, picture))
    flat = np.s_[:, :, : 60 - detail.REACH]
    np.testing.assert_allclose(found[flat], picture[flat], atol=1e-3)
    assert np.abs(found - found @ LUMA[:, None] - (picture - picture @ LUMA[:, None])).max() < 0.1


def test_a_light_painting_of_a_dark_object_stays_light(pair):
    """Edges of a negative are the negative's; the photo itself, which has all, stays as it is."""
    photo, _ = pair
    negative = 1.0 - photo
    smeared = scipy.ndimage.gaussian_filter(negative, (0, 2, 2, 0))
    found = restored(smeared, photo)
    assert np.abs(found - negative).mean() < 0.85 * np.abs(smeared - negative).mean()
    np.testing.assert_allclose(restored(photo, photo), photo, atol=0.02)


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_what_is_flat_stays_finite(pair, value):
    photo, picture = pair
    flat = np.full_like(photo, value)
    np.testing.assert_array_equal(restored(picture, flat), picture)
    np.testing.assert_allclose(restored(flat, photo), flat, atol=1e-6)


def test_memory_beside_the_pictures(random):
    picture, photo = random.random((2, 1, 6000, 40, 3)).astype("float32")
    tracemalloc.start()
    detail.restore_edges(picture, photo, FULL)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * 6000 * 40 + 25 * 8 * 40 * (detail._STRIP + 2 * detail.REACH)


def test_there_is_no_seam_where_edges_meet(pair):
    photo, picture = pair
    config = OptimizeConfig(detail=1.0, wrap="both")
    turned = restored(*(np.roll(one, (37, 51), (1, 2)) for one in (picture, photo)), config)
    expected = np.roll(restored(picture, photo, config), (37, 51), (1, 2))
    np.testing.assert_allclose(turned, expected, atol=1e-6)
    assert np.abs(restored(picture, photo) - restored(picture, photo, config)).max() > 1e-3


def test_a_render_with_detail_is_one_without_and_the_pass(photo, painting, tmp_path):
    config = OptimizeConfig(
        encoder="lite", size=48, min_size=48, iterations=2, style_loss="gram",
        style_layers="relu2_1", content_layers="relu2_1",
    )  # fmt: skip
    plain = optimization.render(photo, [painting], config).image
    expected = restored(plain, images.resize(photo, plain.shape[1:3]))
    config = dataclasses.replace(config, detail=1.0)
    for _ in range(2):  # the second time from the checkpoint of a finished render
        found = optimization.render(
            photo, [painting], config, checkpoint=tmp_path / "state.npz"
        ).image
        np.testing.assert_array_equal(found, expected)
    assert np.abs(expected - plain).max() > 0.02


def test_the_flag_has_a_range():
    with pytest.raises(InputError, match="--detail: must be from 0 to 1, not 1.5"):
        OptimizeConfig(detail=1.5)


def test_means_over_boxes(random):
    values = random.normal(size=(7, 9, 2))
    expected = np.stack([mean64(values[..., k], 3) for k in range(2)], axis=-1)
    np.testing.assert_allclose(box_mean(values, 3), expected)
