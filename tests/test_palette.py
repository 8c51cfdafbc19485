"""Palettes beside NumPy's covariances and Cholesky factors in float64."""

import numpy as np
import pytest
from keras import ops

from tfstyle.models import palette


def axes():
    rows = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]], np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def statistics_of(picture):
    """Mean and factor, on the axes, of a picture's colours."""
    pixels = picture.reshape(-1, 3).astype(np.float64) @ axes().T
    return pixels.mean(0), np.linalg.cholesky(np.cov(pixels.T, bias=True) + 1e-3 * np.eye(3))


def test_a_palette_is_the_mean_and_the_factor_of_the_covariance(photo):
    _, factor = statistics_of(photo)
    expected = [*photo.mean((0, 1, 2)), *factor.ravel()]
    np.testing.assert_allclose(palette.encode(photo)[0], expected, atol=1e-5)


def test_a_recoloured_photo_has_the_other_palette(photo, painting):
    own, wanted = palette.encode(photo), palette.encode(0.3 + 0.4 * painting)
    recolored = np.asarray(palette.recolor(photo, own, wanted))
    (mean, factor), (other_mean, other_factor) = map(statistics_of, (photo, 0.3 + 0.4 * painting))
    pixels = photo.reshape(-1, 3).astype(np.float64) @ axes().T
    moved = (pixels - mean) @ (other_factor @ np.linalg.inv(factor)).T + other_mean
    expected = np.clip(moved @ axes(), 0, 1)
    np.testing.assert_allclose(recolored.reshape(-1, 3), expected, atol=1e-4)
    # As bright where the photo is: an affine function of brightness, but for what is cut.
    inside = ((expected > 0) & (expected < 1)).all(-1)
    slope = other_factor[0, 0] / factor[0, 0]
    brightness = recolored.reshape(-1, 3) @ axes()[0]
    np.testing.assert_allclose(
        brightness[inside], (slope * (pixels[:, 0] - mean[0]) + other_mean[0])[inside], atol=1e-4
    )


def test_each_picture_of_a_batch_has_its_own(photo, painting):
    pictures = np.concatenate([photo[:, :, :64], painting])
    palettes = np.asarray(palette.encode(pictures))
    for picture, found in zip(pictures, palettes, strict=True):
        np.testing.assert_allclose(found, palette.encode(picture[None])[0], atol=1e-6)
    wanted = palette.encode(1.0 - photo)
    recolored = palette.recolor(pictures, palettes, wanted)  # one for both
    for picture, own, found in zip(pictures, palettes, recolored, strict=True):
        expected = palette.recolor(picture[None], own[None], wanted)[0]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_its_own_palette_changes_nothing_and_grey_stays_finite(photo):
    own = palette.encode(photo)
    np.testing.assert_allclose(palette.recolor(photo, own, own), photo, atol=1e-5)
    grey = np.full((1, 8, 8, 3), 0.5, np.float32)
    recolored = np.asarray(palette.recolor(grey, palette.encode(grey), own))
    np.testing.assert_allclose(
        recolored, np.broadcast_to(photo.mean((1, 2)), grey.shape), atol=1e-5
    )


def test_parts_pool_to_the_whole(photo):
    parts = [photo[:, :, :32], photo[:, :, 32:]]
    palettes = ops.concatenate([palette.encode(part) for part in parts])
    # The floor of the variance counts once in either.
    np.testing.assert_allclose(palette.pool(palettes, [32, 64]), palette.encode(photo), atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_means_of_palettes_are_palettes(photo, painting, share):
    narrow = [0.4 + 0.2 * picture for picture in (photo, painting)]  # nothing will be cut
    own, other = map(palette.encode, narrow)
    mixed = share * own + (1 - share) * other
    recolored = np.asarray(palette.recolor(narrow[0], own, mixed))
    wanted = share * narrow[0].mean((1, 2)) + (1 - share) * narrow[1].mean((1, 2))
    np.testing.assert_allclose(recolored.mean((1, 2)), wanted, atol=1e-3)
