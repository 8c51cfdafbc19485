"""Regions: label maps, guides of layers, guided losses, and renders."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw

from tests.model_examples import make_encoder
from tests.test_losses import make_features
from tests.test_tiles import both, error, make_loss
from tfstyle import checkpoints, images, losses, optimization, registry, statistics
from tfstyle.config import OptimizeConfig
from tfstyle.errors import InputError
from tfstyle.images import label_maps, regions
from tfstyle.images.label_maps import read_label_map, read_strength_map
from tfstyle.optimization import guides
from tfstyle.optimization.objective import Objective
from tfstyle.optimization.style_images import StyleImages

RED, GREEN, BLUE = (255, 0, 0), (0, 200, 0), (10, 20, 250)
RENDER = OptimizeConfig(
    encoder="lite", size=64, min_size=64, iterations=3, style_layers="relu1_1,relu3_1",
    content_layers="relu3_1",
)  # fmt: skip


def drawing(shape=(120, 160), scale=1):
    """A label map of blue, a red disc and a green stripe, antialiased where `scale` is above 1."""
    height, width = (side * scale for side in shape)
    image = Image.new("RGB", (width, height), BLUE)
    draw = ImageDraw.Draw(image)
    draw.ellipse((width // 4, height // 4, width // 2, height // 2), fill=RED)
    draw.rectangle((0, height * 4 // 5, width, height), fill=GREEN)
    return image.resize(shape[::-1], Image.Resampling.BOX)


def region_of(found, color):
    return found.weights[0, ..., found.find(np.array(color))]


@pytest.mark.parametrize(("suffix", "scale"), [("png", 1), ("png", 4), ("jpg", 4), ("webp", 4)])
def test_colours_are_regions_with_soft_edges(tmp_path, suffix, scale):
    path = tmp_path / f"map.{suffix}"
    drawing(scale=scale).save(path, quality=75)
    found = read_label_map(path, (240, 320), 512)
    assert len(found.colors) == 3 and found.weights.shape == (1, 120, 160, 3)
    assert found.weights.dtype == np.float32
    np.testing.assert_allclose(found.weights.sum(-1), 1.0, atol=1e-6)
    sharp = np.asarray(drawing())
    for color, area in ((BLUE, 0.75), (RED, 0.05), (GREEN, 0.2)):
        weights = region_of(found, color)
        assert weights.mean() == pytest.approx(area, abs=0.02)
        inside = (sharp == color).all(-1)
        assert (weights[inside] > 0.5).mean() > 0.9
        soft = ((weights > 0.1) & (weights < 0.9)).mean()
        assert soft < 0.06
        assert color != RED or (soft > 0) == (scale > 1)
    if suffix == "png":
        assert set(found.names) == {"#ff0000", "#00c800", "#0a14fa"}
        assert found.names[0] == "#0a14fa", "the largest first"


def test_greys_between_black_and_white_are_shares_of_both(tmp_path):
    levels = np.clip(np.linspace(-1, 2, 300), 0, 1)
    Image.fromarray(np.uint8(np.tile(255 * levels + 0.5, (60, 1)))).save(tmp_path / "map.png")
    found = read_label_map(tmp_path / "map.png", (60, 300), 512)
    assert set(found.names) == {"#000000", "#ffffff"}
    white = region_of(found, (255, 255, 255))
    np.testing.assert_allclose(white[30], levels, atol=0.04)  # noise of JPEG's is left out


def test_three_greys_are_three_regions_and_so_are_numbers_of_classes(tmp_path):
    for greys in ((0, 128, 255), (0, 1, 2)):
        Image.fromarray(np.repeat(np.uint8(greys), 20)[None].repeat(30, 0)).save(tmp_path / "m.png")
        found = read_label_map(tmp_path / "m.png", (30, 60), 512)
        assert len(found.colors) == 3
        np.testing.assert_allclose(found.weights.mean((0, 1, 2)), 1 / 3, atol=0.01)
    assert found.find(np.array((3, 3, 3))) is None, "another class"


def test_a_large_map_is_reduced(tmp_path):
    drawing((300, 400)).save(tmp_path / "map.png")
    found = read_label_map(tmp_path / "map.png", (600, 800), 100)
    assert found.weights.shape == (1, 75, 100, 3)
    assert region_of(found, RED).mean() == pytest.approx(0.05, abs=0.005)


def bad_maps(folder, random):
    noise = Image.fromarray(random.integers(0, 256, (40, 60, 3), np.uint8))
    many = Image.fromarray(np.kron(np.arange(20).reshape(4, 5) * 12, np.ones((8, 8))).astype("u1"))
    clear = drawing()
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    yield "noise.png", noise, (40, 60), "has no regions; paint them in a few flat colours"
    yield "many.png", many, (32, 40), "has 20 regions, more than 16"
    yield "clear.png", clear, (120, 160), "has transparent parts"
    yield "square.png", drawing((90, 90)), (120, 160), "90 × 90 pixels, another aspect ratio .* of "


def test_a_bad_map_is_one_line_that_names_it(tmp_path, random):
    for name, image, shape, words in bad_maps(tmp_path, random):
        image.save(tmp_path / name)
        with pytest.raises(InputError, match=words) as caught:
            read_label_map(tmp_path / name, shape, 512)
        assert str(caught.value).startswith(str(tmp_path / name))
        assert "\n" not in str(caught.value)
    Image.new("L", (60, 40)).save(tmp_path / "black.png")
    with pytest.raises(InputError, match="black.png: is black all over"):
        read_strength_map(tmp_path / "black.png", (40, 60), 512)


def test_a_strength_map_is_grey_and_exact_at_its_ends(tmp_path):
    levels = np.uint8([[0, 64, 128, 255]]).repeat(10, 1).repeat(20, 0)
    Image.fromarray(levels).save(tmp_path / "map.jpg", quality=95)
    found = read_strength_map(tmp_path / "map.jpg", (20, 40), 512)
    assert found.shape == (1, 20, 40, 1)
    assert found[0, 10, 2, 0] == 0.0 and found[0, 10, 37, 0] == 1.0
    assert found[0, 10, 15, 0] == pytest.approx(64 / 255, abs=0.01)


def label_map(*colors):
    """Stripes of equal width."""
    weights = np.eye(len(colors), dtype=np.float32).repeat(10, 0)[None, None].repeat(20, 1)
    return label_maps.LabelMap(np.array(colors, np.uint8), weights)


def assign(color, style, strength=1.0):
    return regions.Assignment(np.array(color, np.uint8), style, strength)


def test_regions_take_the_style_of_their_colour():
    photo, first, second = label_map(RED, GREEN, BLUE), label_map(GREEN, RED), label_map(BLUE, RED)
    found = regions.match(photo, [first, second], shares=(1.0, 3.0))
    np.testing.assert_allclose(found.shares, [[0.25, 0.75], [1, 0], [0, 1]])
    np.testing.assert_array_equal(found.styles[0][..., 0], first.weights[..., 1])
    np.testing.assert_array_equal(found.styles[1][..., 2], second.weights[..., 0])
    assert (found.factors == 1).all() and (found.strength == 1).all()


def test_regions_take_the_style_that_they_are_assigned():
    found = regions.match(
        label_map(RED, GREEN, BLUE), [None, label_map(BLUE, RED)],
        [assign(RED, 1, 0.5), assign(BLUE, 2)],
    )  # fmt: skip
    np.testing.assert_allclose(found.shares, [[1, 0], [1, 0], [0, 1]])
    np.testing.assert_allclose(found.factors, [0.5, 1, 1])
    assert found.styles[0] is None, "the whole painting"


def test_a_region_takes_its_style_though_its_share_is_0():
    content = label_map(RED, BLUE)
    found = regions.match(content, [None, None], [assign(RED, 2)], shares=(1.0, 0.0))
    np.testing.assert_array_equal(found.shares, [[0, 1], [1, 0]])


def test_style_0_keeps_the_photograph():
    strength = np.ones((1, 40, 60, 1), np.float32)
    strength[:, :, :30] = 0.5
    found = regions.match(
        label_map(RED, GREEN, BLUE), [None], [assign(GREEN, 0)], strength=strength
    )
    assert found.content.shape == (1, 20, 30, 2)
    np.testing.assert_allclose(found.content.sum(-1), 1)
    np.testing.assert_allclose(found.strength[0, 10, [2, 15, 27], 0], [0.5, 0, 1])


def test_a_region_that_is_nowhere_painted_is_left_out():
    strength = np.ones((1, 20, 30, 1), np.float32)
    strength[:, :, :10] = 0.0
    found = regions.match(label_map(RED, GREEN, BLUE), [None], [assign(BLUE, 1)], (), strength)
    assert found.shares.shape == (2, 1) and found.content.shape[-1] == 2
    np.testing.assert_allclose(found.content.sum(-1), 1)


@pytest.mark.parametrize(
    ("styles", "assignments", "words"),
    [
        ([label_map(RED)], (), "photo.png: its region #00c800 is in no map .*a.png has #ff0000"),
        ([None], [assign(BLUE, 1)], "#0a14fa is no region of photo.png, .* #ff0000, #00c800"),
        ([None], [assign(RED, 1), assign((250, 0, 0), 1)], "#fa0000 is given twice"),
        ([None], [assign(RED, 0), assign(GREEN, 1, 0.0)], "keeps the photograph everywhere"),
    ],
)
def test_regions_that_do_not_fit_are_named(styles, assignments, words):
    with pytest.raises(InputError, match=words):
        regions.match(label_map(RED, GREEN), styles, assignments, files=("photo.png", ["a.png"]))


def test_regions_shrink_by_what_a_layers_positions_see():
    weights = np.zeros((1, 128, 128, 2), np.float32)
    weights[:, 32:96, 32:96, 0] = 1
    weights[..., 1] = 1 - weights[..., 0]
    for layer, radius in (("relu1_1", 1), ("relu2_1", 2), ("relu3_1", 3)):
        maps = guides.layer_maps(weights, layer, (128, 128))
        stride = 128 // maps.shape[1]
        np.testing.assert_array_equal(np.unique(maps), [0, 1])
        assert maps[..., 0].sum() == (64 // stride - 2 * radius) ** 2
        assert not (maps[..., 0] * maps[..., 1]).any()
    deep = guides.layer_maps(weights, "relu5_1", (128, 128))[..., 0]
    assert 0.25 * 16 <= deep.sum() < 16, "less, where nothing would be left"
    tiny = np.zeros((1, 128, 128, 1), np.float32)
    tiny[:, 60:63, 60:63] = 1
    np.testing.assert_allclose(
        guides.normalized(guides.layer_maps(tiny, "relu5_1", (90, 90))).sum(), 1
    )


def test_small_regions_and_strengths_reach_every_layer():
    weights = np.zeros((1, 64, 96, 2), np.float32)
    weights[:, 63:, :, 0] = 1  # below the last whole position of relu5_1 at odd sizes
    weights[..., 1] = 1 - weights[..., 0]
    strength = np.linspace(-0.2, 1, 96, dtype=np.float32).clip(0, 1)
    strength = strength[None, None, :, None].repeat(64, 1)
    found = regions.Regions(weights, [None], np.ones((2, 1)), np.array([2.0, 1.0]), strength)
    loss = make_loss("gram")
    made = guides.picture_guides(found, loss, (79, 118))
    for layer, maps in made["style"].items():
        np.testing.assert_allclose(maps.sum((1, 2)), 1, rtol=1e-5)
        assert (maps >= 0).all() and maps.dtype == np.float32, layer
    left, right = (made["content"]["relu2_1"][0, 20, at, 0] for at in (0, -1))
    assert right == pytest.approx(1, abs=0.03)
    assert left == pytest.approx(guides.MOST_CONTENT, rel=1e-3)


@pytest.mark.parametrize("name", sorted(registry.STYLE_LOSSES))
def test_a_guided_loss_is_that_of_the_region_alone(name):
    loss = losses.make_style_loss(name)
    style, features = make_features(2), make_features(1)
    part = np.zeros((1, 9, 8), np.float32)
    part[:, 2:7, 1:6] = 1 / 25
    expected = loss(loss.target([style[:, 2:7, 1:6]]), features[:, 2:7, 1:6])
    with tf.GradientTape() as tape:
        x = tf.constant(features)
        tape.watch(x)
        found = loss.call(loss.target([style], guides=[part]), x, part)
    assert float(found[0]) == pytest.approx(float(expected), rel=2e-3)  # quantiles at the ends
    gradient = tape.gradient(found, x).numpy()
    assert gradient[:, 2:7, 1:6].any() and not gradient[:, 7:].any() and not gradient[:, :2].any()


@pytest.mark.parametrize("name", sorted(registry.STYLE_LOSSES))
def test_equal_weights_are_as_none(name):
    loss = losses.make_style_loss(name)
    style, features = make_features(2), make_features(1)
    equal = np.full((1, 9, 8), 1 / 72, np.float32)
    target = loss.target([style])
    for guided, plain in zip(
        keras.tree.flatten(loss.target([style], guides=[equal])), keras.tree.flatten(target),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_allclose(guided, plain, rtol=1e-4, atol=1e-4)
    found = loss.call(target, features, equal)
    assert float(found[0]) == pytest.approx(float(loss(target, features)), rel=1e-4)


def test_a_weighted_quantile_by_hand():
    values = np.float32([3, 1, 2, 9])[None, :, None]
    guide = np.float32([0.25, 0.5, 0.25, 0.0]).reshape(1, 2, 2)
    # Levels of 1, 2 and 3: ¼, ⅝ and ⅞.
    found = statistics.quantiles(values, 4, guide)[0, :, 0]
    np.testing.assert_allclose(found, [1, 1 + (0.375 - 0.25) / 0.375, 2, 3], rtol=1e-5)


@pytest.mark.parametrize("distance", ["squared", "cosine"])
def test_content_errors_are_weighted_by_position(distance):
    loss = losses.ContentLoss(distance)
    target, features = make_features(1), make_features(2)
    weights = np.zeros((1, 9, 8, 1), np.float32)
    weights[:, :3] = 3.0
    found = loss.error(target, features, weights)
    np.testing.assert_allclose(found, loss.error(target[:, :3], features[:, :3]), rtol=1e-5)


@pytest.mark.parametrize("distance", ["squared", "cosine"])
def test_features_of_half_precision_are_compared_in_float32(distance):
    loss = losses.PerceptualLoss(
        {"a": (losses.ContentLoss(distance), 1.0)}, {"a": losses.weighted_style_losses("gram", 1.0)}
    )
    style, features = make_features(2), make_features(1)
    guide = np.full((1, 9, 8, 1), 1 / 72, np.float32)
    guided = {"style": {"a": guide}, "content": {"a": 72 * guide}, "factors": np.ones(1, "f")}
    targets = {**loss.targets({"a": style}, [{"a": style}]), "guides": guided}
    expected = loss(targets, {"a": features}, None)["total"]
    found = loss(targets, {"a": tf.cast(features, "bfloat16")}, None)["total"]
    assert found.dtype == "float32" and float(found) == pytest.approx(float(expected), rel=0.01)


def two_regions(shape, random):
    """Of a photo, with soft edges; of two style images, one without a map."""
    left = np.clip(np.linspace(3, -2, shape[1]), 0, 1).astype(np.float32)
    weights = np.stack([left, 1 - left], -1)[None, None].repeat(shape[0], 1)
    style = random.uniform(size=(1, 20, 30, 2)).astype(np.float32)
    strength = np.linspace(0, 1.5, shape[0], dtype=np.float32).clip(0, 1)[None, :, None, None]
    return regions.Regions(
        weights, [style / style.sum(-1, keepdims=True), None],
        np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([1.0, 2.0]), strength,
    )  # fmt: skip


@pytest.fixture(scope="module")
def pictures(examples):
    """A photograph and two style images of odd sizes."""
    other = images.read_image(examples / "mosaic.jpg", 190)
    photograph = images.read_image(examples / "chelsea.jpg", 200)
    return photograph, [other[:, :113, :171], other[:, 20:99, 30:121]]


def test_in_tiles_the_gradient_of_regions_is_that_of_the_whole(pictures, random):
    content = pictures[0][:, :79, :90]
    style = "gram,wasserstein:0.2,mmd_gaussian:0.3"
    loss = make_loss(style, "cosine", layers=("relu1_1", "relu4_1"))
    expected, found, whole, tiled = both(
        loss, content, pictures[1], "horizontal", regions=two_regions((79, 90), random)
    )
    assert len(tiled._tiles[0]) == 4
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    assert error(found[1], expected[1]) < 2e-4
    assert tiled.terms == pytest.approx(whole.terms, rel=1e-4)


def test_one_region_is_as_none(pictures):
    content, styles = pictures[0][:, :75, :101], pictures[1]
    loss = make_loss("gram,wasserstein:0.2,sliced,histogram:0.1")
    one = regions.whole(np.ones((1, 1, 1, 1), np.float32), 2)
    found = {}
    for given in (None, one):
        objective = evaluated(loss, content, styles, given)
        found[given is None] = objective.value_and_gradient(tf.zeros(content.size))
    assert float(found[False][0]) == pytest.approx(float(found[True][0]), rel=1e-4)
    assert error(found[False][1].numpy(), found[True][1].numpy()) < 1e-3


def evaluated(loss, content, styles, given):
    """An objective with targets."""
    objective = Objective(make_encoder(loss.layers), loss)
    kept = StyleImages(styles, [0.5, 0.5], False, given)
    targets = kept.targets(objective, ("lite",), 190)
    made = given and guides.picture_guides(given, loss, content.shape[1:3])
    objective.set_content(content, targets, made)
    objective.set_start(0.5 * content + 0.2)
    return objective


def test_a_region_has_no_gradient_of_anothers_style(pictures):
    """Up to its edge: another painting there changes nothing here."""
    content, (style, other) = pictures[0][:, :64, :192], pictures[1]
    weights = np.zeros((1, 64, 192, 2), np.float32)
    weights[:, :, :96, 0] = weights[:, :, 96:, 1] = 1
    given = regions.Regions(
        weights, [None, None], np.eye(2), np.ones(2), np.ones((1, 1, 1, 1), np.float32)
    )
    loss = make_loss("gram", layers=("relu1_1", "relu2_1"))

    def gradient(styles):
        objective = evaluated(loss, content, styles, given)
        objective._pull_back = lambda gradient: gradient  # by the picture: the filter spreads it
        return objective.value_and_gradient(tf.zeros(content.size))[1].numpy()

    first, second = (gradient([style, one]).reshape(content.shape) for one in (other, 1.0 - other))
    change = np.abs(first - second).max((0, 1, 3))
    assert change[:96].max() == 0.0 and change[96:].max() > 1e-6


def halves(shape=(40, 60)):
    weights = np.zeros((1, *shape, 2), np.float32)
    weights[:, :, : shape[1] // 2, 0] = weights[:, :, shape[1] // 2 :, 1] = 1
    return weights


@pytest.mark.parametrize(
    "config", [RENDER, dataclasses.replace(RENDER, preserve_color="luminance")]
)
def test_where_the_strength_is_0_the_photograph_is_kept_exactly(photo, painting, config):
    strength = halves()[..., 1:]
    given = regions.whole(strength, 1)
    found = optimization.render(photo, [painting], config, regions=given).image
    expected = images.resize(photo, found.shape[1:3])
    np.testing.assert_array_equal(found[:, :, :31], expected[:, :, :31])
    assert np.abs(found - expected)[:, :, 34:].mean() > 0.005


def test_a_render_of_regions_resumes_and_is_cached_by_them(photo, painting, tmp_path):
    given = regions.Regions(
        halves(), [None, None], np.eye(2), np.ones(2), np.ones((1, 1, 1, 1), np.float32)
    )
    styles = [painting, 1.0 - painting]
    renderer = optimization.Renderer(RENDER)
    expected = renderer.render(photo, styles, regions=given)
    swapped = dataclasses.replace(given, shares=np.eye(2)[::-1])
    other = renderer.render(photo, styles, regions=swapped)
    assert np.abs(other.image - expected.image).mean() > 0.01
    again = renderer.render(photo, styles, regions=given)
    np.testing.assert_array_equal(again.image, expected.image)
    path, count = tmp_path / "render.npz", []

    def stop():
        count.append(1)
        return len(count) == 2

    assert not renderer.render(
        photo, styles, regions=given, should_stop=stop, checkpoint=path
    ).complete
    with pytest.raises(InputError, match="which differs in its regions"):
        renderer.render(photo, styles, regions=swapped, checkpoint=path)
    found = renderer.render(photo, styles, regions=given, checkpoint=path)
    np.testing.assert_array_equal(found.image, expected.image)
    plain = renderer.render(photo, styles)
    assert np.abs(plain.image - expected.image).mean() > 0.01


def test_regions_of_other_styles_are_misuse(photo, painting):
    with pytest.raises(ValueError, match="as many style images"):
        optimization.render(
            photo, [painting], RENDER, regions=regions.whole(np.ones((1, 1, 1, 1), "f"), 2)
        )


def test_the_identity_of_a_render_has_its_regions(photo, painting):
    one = regions.whole(halves()[..., :1], 1)
    other = regions.whole(halves()[..., 1:], 1)
    identities = [
        checkpoints.render_identity(RENDER, photo, [painting], None, given.digest())
        for given in (one, other)
    ]
    assert identities[0] != identities[1]
