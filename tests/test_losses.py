"""Losses against float64 NumPy, and what every loss must satisfy."""

import dataclasses
import functools
import re

import keras
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from tfstyle import losses, registry
from tfstyle.config import OptimizeConfig, TrainConfig
from tfstyle.errors import InputError
from tfstyle.optimization import objective

STYLE = sorted(registry.STYLE_LOSSES)


def make_features(seed, height=9, width=8, channels=6, batch=1):
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(channels, channels))
    values = generator.normal(0.5, 1.0, (batch, height, width, channels)) @ mixing
    return np.maximum(values, 0).astype(np.float32)


def flat64(features):
    return features[0].astype(np.float64).reshape(-1, features.shape[-1])


def relative(value, target):
    return np.mean((value - target) ** 2) / np.mean(target**2)


def _root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def golden_gram(x, t):
    return relative(x.T @ x / len(x), t.T @ t / len(t))


def golden_gram_cosine(x, t):
    a, b = x.T @ x / len(x), t.T @ t / len(t)
    cosines = np.sum(a * b, 1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return np.mean(1 - cosines)


def golden_mean_std(x, t):
    error = np.mean((x.mean(0) - t.mean(0)) ** 2) + np.mean((x.std(0) - t.std(0)) ** 2)
    return error / (np.mean(t.mean(0) ** 2) + np.mean(t.std(0) ** 2))


def golden_wasserstein(x, t):
    a, b = np.cov(x.T, bias=True), np.cov(t.T, bias=True)
    root = _root(b)
    distance = np.sum((x.mean(0) - t.mean(0)) ** 2)
    distance += np.trace(a) + np.trace(b) - 2 * np.trace(_root(root @ a @ root))
    return distance / (np.sum(t.mean(0) ** 2) + np.trace(b))


def golden_sorted(x, t):
    return relative(np.sort(x, 0), np.sort(t, 0))


def golden_mmd_linear(x, t):
    return np.sum((x.mean(0) - t.mean(0)) ** 2) / np.sum(t.mean(0) ** 2)


def golden_mmd_polynomial(x, t):
    """By the kernel trick, over all pairs of positions."""

    def kernel(a, b):
        return np.mean((a @ b.T) ** 2)

    return (kernel(x, x) + kernel(t, t) - 2 * kernel(x, t)) / kernel(t, t)


def golden_mmd_gaussian(x, t):
    variance = 2 * np.sum(np.var(t, 0))

    def kernel(a, b):
        squares = np.sum((a[:, None] - b[None]) ** 2, -1)
        return np.mean(np.exp(-squares / (2 * variance)))

    return (kernel(x, x) + kernel(t, t) - 2 * kernel(x, t)) / kernel(t, t)


GOLDEN = {
    "gram": (golden_gram, {}, 1e-4),
    "gram_cosine": (golden_gram_cosine, {}, 1e-4),
    "mean_std": (golden_mean_std, {}, 1e-3),  # the deviation's epsilon
    "wasserstein": (golden_wasserstein, {}, 1e-3),
    # As many levels as positions: the target's quantiles are its sorted values.
    "sorted": (golden_sorted, {"levels": 72}, 1e-4),
    "mmd_linear": (golden_mmd_linear, {}, 1e-4),
    "mmd_polynomial": (golden_mmd_polynomial, {}, 1e-4),
    # Random features approach the kernel as 1 / √frequencies.
    "mmd_gaussian": (golden_mmd_gaussian, {"frequencies": 40_000}, 0.03),
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_golden_values(name):
    golden, options, tolerance = GOLDEN[name]
    loss = registry.resolve(registry.STYLE_LOSSES[name])(**options)
    x, t = make_features(1), make_features(2)
    value = float(loss(loss.target([t]), x))
    assert value == pytest.approx(golden(flat64(x), flat64(t)), rel=tolerance)


def golden_self_similarity(x, t):
    """Of all positions, which are the columns of the matrices."""

    def shares(values):
        units = values / np.linalg.norm(values, axis=1, keepdims=True)
        distances = np.array([[1.0 - np.dot(a, b) for b in units] for a in units])
        return distances / distances.sum(0)

    return np.abs(shares(x) - shares(t)).sum() / len(x)


def test_self_similarity():
    loss = losses.SelfSimilarityLoss()
    x, t = (make_features(seed) + np.float32(0.1) for seed in (1, 2))
    # The constant that is added to distances is 1e-4 of them.
    expected = golden_self_similarity(flat64(x), flat64(t))
    assert float(loss(t, x)) == pytest.approx(expected, rel=1e-3)
    assert 0.2 < expected < 2.0
    # Neither the light, place by place, nor a rotation of all channels counts.
    light = np.random.default_rng(3).uniform(0.5, 2, (1, 9, 8, 1)).astype("float32")
    rotation, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(6, 6)))
    assert float(loss(x, x * light @ rotation.astype("float32"))) < 1e-3
    assert float(loss(x, np.ascontiguousarray(x[:, ::-1]))) > 0.2


def test_self_similarity_compares_positions_of_a_grid():
    """The same for sizes known and not; others of the positions do not count."""
    loss = losses.SelfSimilarityLoss(positions=12)
    x, t = (make_features(seed, 9, 8) + np.float32(0.1) for seed in (1, 2))
    grid = (slice(None), slice(1, None, 3), slice(1, None, 3))  # 9 · 8 / 12 is between 2² and 3²
    expected = golden_self_similarity(flat64(x[grid]), flat64(t[grid]))
    unknown = tf.TensorSpec([None, None, None, 6])
    for call in (loss, tf.function(loss, input_signature=[unknown, unknown])):
        assert float(call(t, x)) == pytest.approx(expected, rel=1e-3)


def golden_laplacian(image, photo, size):
    def values(picture):
        rows, columns = (side // size for side in picture.shape[:2])
        cells = picture.astype(np.float64)[: rows * size, : columns * size].sum(-1)
        cells = cells.reshape(rows, size, columns, size).mean((1, 3))
        kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
        return scipy.signal.correlate2d(cells, kernel, mode="valid")

    return relative(values(image), values(photo))


def test_laplacian(photo, painting):
    x, t = painting[:, :50, :43], photo[:, :50, :43]
    each = [golden_laplacian(x[0], t[0], size) for size in (1, 4, 8)]
    for factors, expected in (((4,), each[1]), ((1, 4, 8), np.mean(each))):
        loss = losses.LaplacianLoss(factors)
        assert float(loss(loss.target(t), x)) == pytest.approx(expected, rel=1e-4)
    # Neither the brightness nor ramps count, and edges of half the contrast are a quarter off.
    ramp = np.linspace(0, 1, 43, dtype="float32")[None, None, :, None]
    assert float(loss(loss.target(t), t + 0.3 * ramp - 0.2)) < 1e-4
    assert float(loss(loss.target(t), 0.5 * t)) == pytest.approx(0.25, rel=1e-4)
    plain = losses.LaplacianLoss((4,), normalize=False)
    (target,) = plain.target(t)
    expected = each[1] * np.mean(np.square(target))
    assert float(plain((target,), x)) == pytest.approx(expected, rel=1e-4)


def test_sliced_is_the_sorted_distance_of_projections():
    x, t = make_features(1), make_features(2)
    loss = losses.SlicedWassersteinLoss(projections=5, levels=72)
    directions = directions_of(loss).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=0), 1, rtol=1e-5)
    value = float(loss(loss.target([t]), x))
    assert value == pytest.approx(
        golden_sorted(flat64(x) @ directions, flat64(t) @ directions), rel=1e-4
    )


def test_histogram_matches_each_channel():
    # Channels of two distributions with a known monotone map between them, x ↦ 2x + 1.
    x = np.linspace(0, 1, 4096, dtype=np.float32).reshape(1, 64, 64, 1)
    loss = losses.HistogramLoss()
    value = float(loss(loss.target([2 * x + 1]), x))
    expected = relative(x.astype(np.float64), 2 * x.astype(np.float64) + 1)
    assert value == pytest.approx(expected, rel=1e-3)  # 256 bins


def test_content_loss():
    x, t = make_features(1), make_features(2)
    exact, target = flat64(x), flat64(t)
    assert float(losses.ContentLoss()(t, x)) == pytest.approx(relative(exact, target), rel=1e-4)
    plain = losses.ContentLoss(normalize=False)(t, x)
    assert float(plain) == pytest.approx(np.mean((exact - target) ** 2), rel=1e-4)
    x, t = x + 0.1, t + 0.1  # no zero vectors, which have no angle
    exact, target = flat64(x), flat64(t)
    cosine = (
        np.sum(exact * target, 1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(target, axis=1)
    )
    value = float(losses.ContentLoss(distance="cosine")(t, x))
    assert value == pytest.approx(np.mean(1 - cosine), rel=1e-3)
    unit = [(part - part.mean(0)) / part.std(0) for part in (exact, target)]
    value = float(losses.ContentLoss(distance="normalized")(t, x))
    assert value == pytest.approx(np.mean((unit[0] - unit[1]) ** 2), rel=5e-3)  # of its floor
    scaled = 3.0 * t + np.arange(6, dtype=np.float32)
    assert float(losses.ContentLoss(distance="normalized")(t, scaled)) < 1e-5


def test_edge_loss(photo, painting):
    photo = photo[:, : painting.shape[1], : painting.shape[2]]
    painting = painting[:, : photo.shape[1], : photo.shape[2]]
    loss = losses.EdgeLoss()
    assert abs(float(loss(photo, photo))) < 1e-5
    # Half the contrast, and the negative, have the same edges; the constant in the root shows.
    assert float(loss(photo, 0.7 - 0.5 * photo)) < 0.02
    assert float(loss(photo, photo[:, :, ::-1])) > 0.3
    fine = np.indices(photo.shape[1:3]).sum(0)[None, :, :, None] % 2 * 0.2 - 0.1
    assert float(loss(photo, photo + fine.astype("float32"))) < 1e-3  # no pixel's own texture

    def correlation(factor):
        magnitudes = []
        for picture in (photo, painting):
            plane = picture[0].astype(np.float64) @ [0.299, 0.587, 0.114]
            rows, columns = (side // factor for side in plane.shape)
            plane = plane[: rows * factor, : columns * factor]
            plane = plane.reshape(rows, factor, columns, factor).mean((1, 3))
            down, across = np.diff(plane, axis=0)[:, :-1], np.diff(plane, axis=1)[:-1]
            magnitudes.append(np.sqrt(down**2 + across**2 + 1e-5).ravel())
        return np.corrcoef(*magnitudes)[0, 1]

    expected = 1 - (correlation(2) + correlation(4)) / 2
    assert float(loss(photo, painting)) == pytest.approx(expected, rel=1e-3)


def test_smoothness_loss(photo, painting):
    photo = photo[:, : painting.shape[1], : painting.shape[2]]
    painting = painting[:, : photo.shape[1], : photo.shape[2]]
    loss = losses.SmoothnessLoss()

    def changes(picture, factor):
        cells = picture[0].astype(np.float64)
        rows, columns = (side // factor for side in cells.shape[:2])
        cells = cells[: rows * factor, : columns * factor]
        cells = cells.reshape(rows, factor, columns, factor, 3).mean((1, 3))
        down, across = np.diff(cells, axis=0)[:, :-1], np.diff(cells, axis=1)[:-1]
        return np.stack([(down**2).sum(-1), (across**2).sum(-1)])

    expected = []
    for factor in (8, 16):
        edges, found = (changes(picture, factor) for picture in (photo, painting))
        weights = np.exp(-edges / (0.3 * edges.mean() + 1e-5))
        expected.append(np.sum(weights * found) / np.sum(found))
    assert float(loss(photo, painting)) == pytest.approx(np.mean(expected), rel=1e-3)
    own = float(loss(photo, photo))
    assert own < 0.5 * float(loss(photo, painting))
    assert float(loss(photo, 0.7 - 0.5 * photo)) == pytest.approx(own, rel=1e-2)
    recolored = photo @ np.float32([[0.5, 0.2, 0.1], [0.1, 0.6, 0.2], [0.3, 0.0, 0.4]]) + 0.1
    assert float(loss(photo, recolored)) < 1.3 * own


def test_smoothness_is_lost_by_halos_and_not_by_strokes():
    rows, columns = np.indices((128, 128)) - 63.5
    distance = np.hypot(rows, columns)[None, :, :, None]
    disc = np.where(distance < 30, [0.8, 0.3, 0.2], [0.2, 0.4, 0.6]).astype("float32")
    glow = 0.3 * np.exp(-np.square((distance - 45) / 10)).astype("float32")
    strokes = 0.2 * (-1.0) ** (rows + columns)[None, :, :, None].astype("float32")
    loss = losses.SmoothnessLoss()
    own = float(loss(disc, disc))
    assert float(loss(disc, disc + glow)) > 3 * own + 0.1
    assert float(loss(disc, disc + strokes)) == pytest.approx(own, abs=1e-4)


@pytest.mark.parametrize("kind", [losses.EdgeLoss, losses.SmoothnessLoss])
def test_flat_pictures_have_finite_gradients_of_edges(kind, photo):
    flat = np.full_like(photo, 0.5)
    for target, image in ((photo, flat), (flat, photo), (flat, flat)):
        image = tf.constant(image)
        with tf.GradientTape() as tape:
            tape.watch(image)
            value = kind()(target, image)
        assert np.isfinite(value) and np.isfinite(tape.gradient(value, image)).all()


def test_total_variation_by_hand():
    loss = losses.TotalVariationLoss()
    assert float(loss(*[np.full((1, 4, 4, 3), 0.3, np.float32)] * 2)) == 0
    board = np.indices((4, 4)).sum(0) % 2  # every neighbour differs by 1, down and across
    board = np.repeat(board[None, :, :, None], 3, -1).astype(np.float32)
    assert float(loss(board, board)) == pytest.approx(2.0)


def test_temporal_loss(random):
    """Equation 7 of Ruder et al., and its slope 2 c (x - ω) / D."""
    x, warped = random.random((2, 2, 7, 5, 3)).astype("float32")
    weights = random.random((2, 7, 5, 1)).astype("float32")
    loss, image = losses.TemporalLoss(), tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(image)
        value = loss((warped, weights), image)
    difference, c = x.astype(np.float64) - warped, weights.astype(np.float64)
    each = np.sum(c * difference**2, (1, 2, 3)) / (7 * 5 * 3)
    assert float(value) == pytest.approx(each.mean(), rel=1e-5)
    slopes = 2 * c * difference / (7 * 5 * 3) / 2  # of a mean over two pictures
    np.testing.assert_allclose(tape.gradient(value, image), slopes, rtol=1e-4, atol=1e-8)
    assert float(loss((warped, 0 * weights), image)) == 0.0


def test_perceptual_loss_adds_the_temporal_term(random):
    x, warped = random.random((2, 1, 6, 5, 3)).astype("float32")
    weights = random.random((1, 6, 5, 1)).astype("float32")
    loss = losses.PerceptualLoss({}, {}, temporal=(losses.TemporalLoss(), 3.0))
    terms = loss({"temporal": (warped, weights)}, {}, x)
    expected = 3 * np.mean(weights.astype(np.float64) * (x.astype(np.float64) - warped) ** 2)
    assert {*terms} == {"temporal", "total"}
    assert float(terms["temporal"]) == pytest.approx(expected, rel=1e-5)
    assert float(terms["total"]) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="temporal_loss"):
        loss.check_pooled()


@pytest.mark.parametrize("name", STYLE)
def test_zero_at_the_target_and_positive_elsewhere(name):
    loss = losses.make_style_loss(name)
    t = make_features(2)
    target = loss.target([t])
    away = float(loss(target, make_features(1)))
    # Histograms of 256 bins and quantiles of another number keep a remainder.
    remainder = 1e-2 if name in ("histogram", "sliced", "sorted") else 1e-4
    assert abs(float(loss(target, t))) < remainder * away
    assert away > 0


@pytest.mark.parametrize("name", STYLE)
def test_only_the_distribution_counts(name):
    """Positions may be shuffled, and pictures be of another size."""
    loss = losses.make_style_loss(name)
    x, target = make_features(1), loss.target([make_features(2, 11, 13)])
    shuffled = np.random.default_rng(0).permutation(x.reshape(-1, 6)).reshape(x.shape)
    assert float(loss(target, shuffled)) == pytest.approx(float(loss(target, x)), rel=1e-3)
    tiled = np.tile(x, (1, 2, 2, 1))
    assert float(loss(target, tiled)) == pytest.approx(float(loss(target, x)), rel=0.05)


@pytest.mark.parametrize("name", STYLE)
def test_the_scale_of_features_does_not_count(name):
    loss = losses.make_style_loss(name)
    x, t = make_features(1), make_features(2)
    value = float(loss(loss.target([t]), x))
    scaled = float(loss(loss.target([100 * t]), 100 * x))
    assert scaled == pytest.approx(value, rel=1e-2)


def _spread():
    return np.random.default_rng(7).random((1, 9, 8, 6)).astype(np.float32)


@pytest.mark.parametrize("name", [name for name in STYLE if name != "histogram"])
def test_gradient_is_the_slope(name):
    loss = losses.make_style_loss(name)
    target = loss.target([make_features(2)])
    # ReLU's many zeros are ties, where sorting has no slope.
    x = tf.constant(make_features(1) + 0.3 * np.abs(make_features(6)) + 0.5 * _spread())
    direction = tf.constant(np.random.default_rng(5).normal(size=x.shape).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = loss(target, x)
    slope = float(tf.reduce_sum(tape.gradient(value, x) * direction))
    step = 2e-3
    ahead, behind = (float(loss(target, x + s * step * direction)) for s in (1, -1))
    assert slope == pytest.approx((ahead - behind) / (2 * step), rel=0.03, abs=2e-3)


@pytest.mark.parametrize("name", STYLE)
def test_two_styles_lie_between(name):
    loss = losses.make_style_loss(name)
    a, b = make_features(1), make_features(2, 11, 13)
    whole = loss.target([a, b], [1.0, 0.0])
    near, far = float(loss(whole, a)), float(loss(whole, b))
    half = float(loss(loss.target([a, b], [0.5, 0.5]), a))
    assert near < half < far


def test_a_degenerate_picture_gives_finite_gradients():
    flat = np.full((1, 6, 6, 6), 0.5, np.float32)
    for name in STYLE:
        loss = losses.make_style_loss(name)
        for target in (flat, 0 * flat, make_features(2)):
            x = tf.constant(flat)
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = loss(loss.target([target]), x)
            assert np.isfinite(value) and np.isfinite(tape.gradient(value, x)).all(), name


def test_what_is_locked_to_the_grid_costs_and_nothing_else(random):
    loss = losses.GridLoss(period=4, cells=3)
    cell = random.normal(size=(4, 4, 3)).astype("f4")
    locked = np.tile(cell, (7, 9, 1))[None]  # windows of 12 pixels, and some more
    expected = np.mean(np.square(cell - cell.mean((0, 1))))
    assert float(loss(locked, locked)) == pytest.approx(expected, rel=1e-5)
    across = np.tile(cell[:3, :3], (8, 12, 1))[None]  # each window has all of its phases
    flat = np.broadcast_to(cell[:1, :1], (1, 24, 36, 3))
    for image in (flat, across):
        assert float(loss(image, image)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    "kind",
    [
        losses.ContentLoss,
        losses.EdgeLoss,
        functools.partial(losses.GridLoss, cells=2),
        functools.partial(losses.SmoothnessLoss, factors=(2, 4)),
        losses.TotalVariationLoss,
        losses.TemporalLoss,
        functools.partial(losses.SelfSimilarityLoss, positions=50),
        functools.partial(losses.LaplacianLoss, factors=(2, 4)),
        *(functools.partial(losses.make_style_loss, name, seed=3) for name in STYLE),
    ],
)
def test_config_round_trip_and_reduction(kind):
    loss = kind()
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert copy.get_config() == loss.get_config()
    x, t = (make_features(seed, 12, 16, channels=3, batch=3) for seed in (1, 2))
    target = loss.target([t]) if isinstance(loss, losses.StyleLoss) else t
    target = loss.target(t) if isinstance(loss, losses.LaplacianLoss) else target
    target = (t, t[..., :1]) if isinstance(loss, losses.TemporalLoss) else target
    each = loss.call(target, tf.constant(x))
    assert each.shape == (3,)
    assert float(loss(target, x)) == pytest.approx(float(np.mean(each)), rel=1e-5)


def test_perceptual_loss_names_weights_and_adds():
    content, style = make_features(1), [make_features(2), make_features(3)]
    names = ("relu1_1", "relu2_1")
    loss = losses.PerceptualLoss(
        content={"relu2_1": (losses.ContentLoss(), 2.0)},
        style={name: [(losses.GramLoss(), 3.0), (losses.MeanStdLoss(), 0.5)] for name in names},
        tv_weight=4.0,
    )
    assert loss.layers == names
    targets = loss.targets(
        dict.fromkeys(names, content), [dict.fromkeys(names, s) for s in style], [0.25, 0.75]
    )
    x, image = make_features(4), make_features(5, channels=3)
    terms = {k: float(v) for k, v in loss(targets, dict.fromkeys(names, x), image).items()}
    assert set(terms) == {"content/relu2_1", "style/relu1_1", "style/relu2_1", "tv", "total"}
    gram, mean_std = losses.GramLoss(), losses.MeanStdLoss()
    expected = 3.0 * float(gram(gram.target(style, [0.25, 0.75]), x))
    expected += 0.5 * float(mean_std(mean_std.target(style, [0.25, 0.75]), x))
    assert terms["style/relu1_1"] == pytest.approx(expected, rel=1e-5)
    assert terms["content/relu2_1"] == pytest.approx(2 * float(losses.ContentLoss()(content, x)))
    assert terms["tv"] == pytest.approx(4 * float(losses.TotalVariationLoss()(image, image)))
    assert terms["total"] == pytest.approx(sum(terms.values()) - terms["total"], rel=1e-5)


def test_perceptual_loss_adds_what_keeps_the_photo(photo, painting):
    x, t = make_features(1), make_features(2)
    laplacian, similarity = losses.LaplacianLoss(), losses.SelfSimilarityLoss()
    loss = losses.PerceptualLoss(
        {}, {}, structure={"relu4_2": (similarity, 2.0)}, laplacian=(laplacian, 3.0)
    )
    assert loss.layers == ("relu4_2",)
    photo = photo[:, : painting.shape[1], : painting.shape[2]]
    targets = loss.targets({"relu4_2": t}, [], photo=photo)
    painting = painting[:, : photo.shape[1], : photo.shape[2]]
    terms = {k: float(v) for k, v in loss(targets, {"relu4_2": x}, painting).items()}
    assert set(terms) == {"structure/relu4_2", "laplacian", "total"}
    assert terms["structure/relu4_2"] == pytest.approx(2 * float(similarity(t, x)))
    expected = 3 * float(laplacian(laplacian.target(photo), painting))
    assert terms["laplacian"] == pytest.approx(expected)
    assert terms["total"] == pytest.approx(expected + terms["structure/relu4_2"])
    with pytest.raises(ValueError, match="`photo` must be given"):
        loss.targets({"relu4_2": t}, [])


def test_content_losses_of_a_render_have_shares_of_its_weight():
    flags = {"content_weight": 2.0, "content_layers": "relu4_2:1,relu2_1:3"}
    mixed = "squared:0.5,self_similarity:0.1,laplacian:4"
    loss = objective.make_loss(OptimizeConfig(content_loss=mixed, **flags), "lite")
    found = {name: weight for name, (_, weight) in loss.content.items()}
    assert found == pytest.approx({"relu4_2": 0.25, "relu2_1": 0.75})
    found = {name: weight for name, (_, weight) in loss.structure.items()}
    assert found == pytest.approx({"relu4_2": 0.05, "relu2_1": 0.15})
    assert loss.laplacian[1] == pytest.approx(8.0)
    one = OptimizeConfig(content_loss="cosine", content_layers="relu4_2")
    plain = objective.make_loss(one, "lite")
    assert [one.distance for one, _ in plain.content.values()] == ["cosine"]
    assert not plain.structure and not plain.laplacian


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("squared,cosine", "--content_loss=squared,cosine: give one of squared and cosine"),
        ("laplacan", "--content_loss: unknown name 'laplacan'; did you mean 'laplacian'"),
        ("laplacian:-1", "--content_loss: '-1' is not a weight"),
    ],
)
def test_content_losses_that_are_none(text, words):
    with pytest.raises(InputError, match=re.escape(words)):
        OptimizeConfig(content_loss=text)


def test_flags_know_every_style_loss():
    for kind in (OptimizeConfig, TrainConfig):
        (field,) = (one for one in dataclasses.fields(kind) if one.name == "style_loss")
        for name in STYLE:
            assert kind(style_loss=name).style_loss == name
            assert re.search(rf"\b{name}\b", field.metadata["help"])
    found = {type(losses.make_style_loss(name)) for name in STYLE}
    ours = [*losses.StyleLoss.__subclasses__(), *losses.MomentLoss.__subclasses__()]
    ours.remove(losses.MomentLoss)
    assert found >= {kind for kind in ours if kind.__module__.startswith("tfstyle.")}


def directions_of(loss):
    """What a sliced loss projects six channels on, `(6, projections)`."""
    return np.asarray(loss._project(np.eye(6, dtype=np.float32)[None, None]))[0]


def test_the_seed_chooses_the_projections():
    first, again, other = (
        directions_of(losses.make_style_loss("sliced", seed=seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1
    np.testing.assert_array_equal(directions_of(losses.make_style_loss("sliced")), first)


def test_the_seed_of_a_render_reaches_its_losses():
    loss = objective.make_loss(OptimizeConfig(style_loss="gram,sliced", seed=1), "lite")
    expected = directions_of(losses.make_style_loss("sliced", seed=1))
    for terms in loss.style.values():
        (_, _), (sliced, _) = terms
        np.testing.assert_array_equal(directions_of(sliced), expected)


def test_misuse_is_a_value_error():
    with pytest.raises(ValueError, match="Received: kernel=cubic"):
        losses.MMDLoss(kernel="cubic")
    for kind in (losses.ContentLoss, losses.GramLoss):
        with pytest.raises(ValueError, match="Received: distance=l3"):
            kind(distance="l3")
    with pytest.raises(ValueError, match=r"Received: \(3,\)"):
        losses.LaplacianLoss((3,))
    with pytest.raises(ValueError, match="Received: positions=1"):
        losses.SelfSimilarityLoss(1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
@pytest.mark.parametrize("name", STYLE)
def test_features_that_are_not_finite_raise_nothing(random, name, bad):
    """A line search that steps too far must see a bad value, not an exception."""
    features = random.normal(size=(1, 6, 6, 4)).astype("float32")
    loss = losses.make_style_loss(name)
    target = loss.target([features])
    worse = features.copy()
    worse[0, 2, 3, 1] = bad
    value = float(loss(target, worse))
    assert not np.isfinite(value) or value > float(loss(target, features))
