"""Matrix functions of covariances against float64 NumPy, written from the papers."""

import numpy as np
import pytest
import tensorflow as tf

from tfstyle import covariances, encoders, images, statistics

WAYS = {"products": covariances.roots, "eigenvalues": covariances.roots_by_eigenvalues}
MAPS = {"whitening": covariances.whitening_coloring, "transport": covariances.transport}


def root_of(matrix, power=0.5):
    """A power of a symmetric matrix, in float64."""
    values, vectors = np.linalg.eigh(matrix.astype(np.float64))
    return (vectors * np.maximum(values, 0.0) ** power) @ vectors.T


def error(found, expected):
    """Relative, of the Frobenius norm."""
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def covariance_of(random, channels, positions):
    """Float32, with eigenvalues over two orders of magnitude."""
    axes, _ = np.linalg.qr(random.normal(size=(channels, channels)))
    values = random.normal(size=(positions, channels)) * np.geomspace(0.1, 1.0, channels) @ axes
    return np.cov(values.T, bias=True).astype(np.float32)[None]


@pytest.fixture(scope="module")
def features(examples):
    """Lite's features of a photograph and a painting, divided by their scale: `{layer: two}`."""
    encoder = encoders.load_encoder("lite", encoders.HEAD_LAYERS[:4], heads=False)
    scales = encoders.feature_scales(encoder)
    pictures = [
        images.resize(images.read_image(examples / f"{name}.jpg"), (256, 256))
        for name in ("chelsea", "mosaic")
    ]
    found = [encoder(picture) for picture in pictures]
    return {name: [np.asarray(one[name]) / scales[name] for one in found] for name in encoder.taps}


@pytest.mark.parametrize("way", WAYS)
def test_roots_are_those_of_float64(way, random):
    matrices = np.concatenate([covariance_of(random, 24, 900) for _ in range(2)])
    root, inverse = (np.asarray(one) for one in WAYS[way](matrices))
    for k, matrix in enumerate(matrices):
        exact = matrix + covariances.EPSILON * np.trace(matrix) * np.eye(24)
        assert error(root[k], root_of(exact)) < 4e-6
        assert error(inverse[k], root_of(exact, -0.5)) < 2e-4  # the condition is 4e4
        assert error(root[k] @ root[k], exact) < 1e-5


@pytest.mark.parametrize("way", WAYS)
def test_singular_matrices_have_roots(way, random):
    """A dead channel, fewer positions than channels, and a picture of one colour."""
    few = covariance_of(random, 48, 20)
    dead = covariance_of(random, 48, 900)
    dead[:, 5] = dead[:, :, 5] = 0.0
    for matrix in (few, dead, np.zeros((1, 48, 48), np.float32)):
        root, inverse = (np.asarray(one, np.float64)[0] for one in WAYS[way](matrix))
        assert np.isfinite(inverse).all()
        assert np.linalg.norm(root @ root - matrix[0]) < 3e-5 * np.trace(matrix[0]) + 1e-6
        # Directions that it has are whitened, others stay 0.
        values, vectors = np.linalg.eigh(matrix[0].astype(np.float64))
        whitened = np.diag(vectors.T @ inverse @ matrix[0] @ inverse @ vectors)
        assert np.abs(whitened[values > 1e-3] - 1).max(initial=0) < 0.02
        assert np.abs(whitened[values < 1e-7]).max(initial=0) < 0.02


def test_values_that_are_not_finite_give_nan_and_no_exception(random):
    matrices = np.concatenate([covariance_of(random, 4, 90) for _ in range(2)])
    matrices[1, 0, 0] = np.nan
    for roots in WAYS.values():
        for found in roots(matrices):
            assert np.isfinite(found[0]).all() and np.isnan(found[1]).all()


def test_roots_have_finite_gradients(random):
    matrix = tf.constant(covariance_of(random, 6, 900))
    direction = random.normal(size=(1, 6, 6)).astype(np.float32)
    direction = 1e-2 * (direction + direction.swapaxes(1, 2))
    weight = random.normal(size=(6, 6))
    with tf.GradientTape() as tape:
        tape.watch(matrix)
        value = tf.reduce_sum(covariances.roots(matrix)[0] * weight.astype(np.float32))
    slope = float(tf.reduce_sum(tape.gradient(value, matrix) * direction))
    ahead, behind = (root_of((matrix + sign * 1e-2 * direction).numpy()[0]) for sign in (1.0, -1.0))
    assert slope == pytest.approx(np.sum((ahead - behind) * weight) / 2e-2, rel=2e-3)


def test_maps_are_the_papers(random):
    content, style = (covariance_of(random, 12, 500) for _ in range(2))
    root = root_of(style[0])
    found = {k: np.asarray(f(content, root[None].astype("f4")))[0] for k, f in MAPS.items()}
    inverse = root_of(content[0], -0.5)
    assert error(found["whitening"], root @ inverse) < 1e-3  # of epsilon
    inner = root_of(content[0])
    transport = inverse @ root_of(inner @ style[0] @ inner) @ inverse  # as Lu et al. have it
    assert error(found["transport"], transport) < 3e-3
    assert np.abs(found["transport"] - found["transport"].T).max() < 1e-4
    assert np.abs(found["whitening"] - found["whitening"].T).max() > 0.1
    # It moves features less.
    moved = {k: np.trace((m - np.eye(12)) @ content[0] @ (m - np.eye(12)).T)
             for k, m in found.items()}  # fmt: skip
    assert moved["transport"] < moved["whitening"]


@pytest.mark.parametrize("name", MAPS)
def test_a_map_to_its_own_covariance_is_the_identity(name, random):
    covariance = covariance_of(random, 16, 900)
    root, _ = covariances.roots(covariance)
    np.testing.assert_allclose(MAPS[name](covariance, root)[0], np.eye(16), atol=4e-3)  # of epsilon


@pytest.mark.parametrize("name", MAPS)
def test_features_get_the_styles_mean_and_covariance(name, features):
    """Of real pictures, at each level."""
    for layer, (content, style) in features.items():
        mean, covariance = statistics.covariance(content)
        style_mean, style_covariance = statistics.covariance(style)
        root, _ = covariances.roots(style_covariance)
        matrix = MAPS[name](covariance, root)
        found = covariances.transform(content, mean, matrix, style_mean)
        found_mean, found_covariance = statistics.covariance(found)
        np.testing.assert_allclose(found_mean, style_mean, atol=1e-4)
        assert error(found_covariance, style_covariance) < 1e-3, layer


def test_transform_changes_the_number_of_channels(random):
    features = random.normal(size=(2, 3, 4, 5)).astype(np.float32)
    mean, matrix, target = (
        random.normal(size=shape).astype(np.float32) for shape in ((2, 5), (1, 7, 5), (1, 7))
    )
    found = covariances.transform(features, mean, matrix, target)
    expected = np.einsum("bhwc,dc->bhwd", features - mean[:, None, None], matrix[0]) + target[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_parts_are_pooled_to_the_whole(random):
    parts = [random.normal(k, 1 + k, (1, 4, 5 * (1 + k), 3)).astype(np.float32) for k in range(3)]
    means, found = zip(*(statistics.covariance(part) for part in parts), strict=True)
    mean, covariance = covariances.pool(means, found, [1, 2, 3])
    expected_mean, expected = statistics.covariance(np.concatenate(parts, axis=2))
    np.testing.assert_allclose(mean, expected_mean, rtol=1e-5)
    np.testing.assert_allclose(covariance, expected, rtol=1e-4, atol=1e-4)
