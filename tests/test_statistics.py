"""Statistics against float64 NumPy."""

import numpy as np
import pytest

from tfstyle import statistics


@pytest.fixture
def features(random):
    return random.normal(1.0, 2.0, (2, 7, 5, 3)).astype(np.float32)


def test_gram_matrix(features):
    flat = features.astype(np.float64).reshape(2, 35, 3)
    gram = np.asarray(statistics.gram_matrix(features))
    np.testing.assert_allclose(gram, np.einsum("bni,bnj->bij", flat, flat) / 35, rtol=1e-5)
    np.testing.assert_allclose(gram, gram.swapaxes(1, 2), rtol=1e-6)
    assert np.linalg.eigvalsh(gram).min() > 0


def test_mean_and_std(features):
    mean, std = statistics.mean_and_std(features)
    exact = features.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(std, np.sqrt(exact.var((1, 2)) + 1e-5), rtol=1e-5)


def test_covariance(features):
    mean, covariance = statistics.covariance(features)
    for k in range(2):
        flat = features[k].astype(np.float64).reshape(-1, 3)
        np.testing.assert_allclose(mean[k], flat.mean(0), rtol=1e-5)
        np.testing.assert_allclose(covariance[k], np.cov(flat.T, bias=True), rtol=1e-4)


@pytest.mark.parametrize("count", [1, 4, 35, 100])
def test_quantiles(features, count):
    flat = features.reshape(2, 35, 3)
    # NumPy's "hazen" interpolates between midpoints, as ours does.
    levels = (np.arange(count) + 0.5) / count
    expected = np.quantile(flat.astype(np.float64), levels, axis=1, method="hazen")
    np.testing.assert_allclose(
        statistics.quantiles(flat, count), expected.swapaxes(0, 1), rtol=1e-4, atol=1e-5
    )
