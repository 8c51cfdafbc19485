"""Colour matching: what it must leave equal."""

import numpy as np

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
