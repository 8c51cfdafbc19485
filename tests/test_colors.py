"""Colours and contrast: what they must leave equal, and what changes."""

import numpy as np
import pytest

from tfstyle import colors


def test_linear_matching_gives_mean_and_covariance(photo, painting):
    # Moved towards the middle, so that nothing is clipped.
    image, reference = 0.4 + 0.1 * painting, 0.45 + 0.05 * photo
    matched = colors.match_linear(image, reference).reshape(-1, 3)
    target = reference.reshape(-1, 3)
    np.testing.assert_allclose(matched.mean(0), target.mean(0), atol=1e-4)
    np.testing.assert_allclose(np.cov(matched.T), np.cov(target.T), atol=2e-5)


def test_linear_matching_of_itself_changes_nothing(photo):
    np.testing.assert_allclose(colors.match_linear(photo, photo), photo, atol=1e-3)


def test_histogram_matching_gives_the_histogram(photo, random):
    image = random.random((1, 64, 96, 3)).astype(np.float32)
    matched = colors.match_histogram(image, photo)
    for channel in range(3):
        np.testing.assert_allclose(
            np.sort(matched[..., channel], axis=None), np.sort(photo[..., channel], axis=None),
            atol=1e-6,
        )  # fmt: skip
    flat = np.zeros_like(image)  # equal values stay equal
    assert np.ptp(colors.match_histogram(flat, photo)[..., 0]) == 0


def test_chroma_is_the_sources_and_luma_the_images(photo):
    image = 0.3 + 0.4 * photo[:, ::-1]
    source = 0.4 + 0.2 * photo
    mixed = colors.with_chroma(image, source)
    np.testing.assert_allclose(colors.luminance(mixed), colors.luminance(image), atol=1e-5)
    difference = (mixed - colors.luminance(mixed)) - (source - colors.luminance(source))
    assert np.abs(difference).max() < 2e-2  # but for what was clipped


def test_luminance_matching(photo, painting):
    grey = colors.luminance(painting)
    matched = colors.match_luminance(grey, 0.4 + 0.1 * colors.luminance(photo))
    reference = 0.4 + 0.1 * colors.luminance(photo)
    assert abs(matched.mean() - reference.mean()) < 1e-3
    assert abs(matched.std() - reference.std()) < 1e-3


def test_equalized_luminances_are_equally_frequent(photo):
    luma = colors.luminance(colors.adjust_contrast(photo, (), "equalize"))[..., 0]
    quantiles = np.quantile(luma, [0.1, 0.3, 0.5, 0.7, 0.9])
    np.testing.assert_allclose(quantiles, [0.1, 0.3, 0.5, 0.7, 0.9], atol=0.05)


def test_matched_luminances_are_the_paintings(photo, painting):
    dark, light = 0.4 * painting, 0.6 + 0.4 * painting
    for styles, shares, expected in [
        ([dark], (), dark), ([dark, light], (1.0, 0.0), dark), ([dark, light], (), 0.3 + dark)
    ]:  # fmt: skip
        found = colors.adjust_contrast(photo, styles, "match", shares)
        for share in (0.25, 0.5, 0.75):
            luma, wanted = (np.quantile(colors.luminance(one), share) for one in (found, expected))
            assert luma == pytest.approx(wanted, abs=0.06)


@pytest.mark.parametrize("mode", ["equalize", "match"])
def test_contrast_grows_in_flat_photos_but_not_without_limit(mode, photo, painting, random):
    """The order of luminances, and the chroma, stay."""
    flat = (0.5 + 0.15 * photo).astype(np.float32)
    found = colors.adjust_contrast(flat, [painting], mode)
    growth = colors.luminance(found).std() / colors.luminance(flat).std()
    assert 2.0 < growth < 4.0 and found.dtype == np.float32
    before, after = (colors.luminance(one)[..., 0].ravel() for one in (flat, found))
    assert (np.diff(after[np.argsort(before)]) >= -1e-5).all()
    chroma = [one - colors.luminance(one) for one in (flat, found)]
    np.testing.assert_allclose(*chroma, atol=1e-5)
    noise = (0.5 + random.normal(0.0, 0.003, (1, 64, 64, 3))).astype(np.float32)
    found = colors.adjust_contrast(noise, [painting], mode)
    assert colors.luminance(found).std() < 4.5 * colors.luminance(noise).std()
    np.testing.assert_array_equal(colors.adjust_contrast(noise, (), "none"), noise)
