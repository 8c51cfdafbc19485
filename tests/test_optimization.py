"""Renders of small pictures with the encoder that ships."""

import dataclasses
import math
import random as random_module

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfstyle import encoders, images, optimization
from tfstyle.config import OptimizeConfig
from tfstyle.errors import InputError
from tfstyle.losses import PerceptualLoss
from tfstyle.optimization import layer_balance, rendering, scales, stage_records
from tfstyle.optimization.lbfgs import LBFGS
from tfstyle.optimization.objective import Objective, make_loss
from tfstyle.optimization.tiles import TiledObjective
from tfstyle.registry import STYLE_LOSSES
from tfstyle.runtime import devices

SMALL = OptimizeConfig(encoder="lite", size=72, min_size=50, iterations=6)
# Fewer terms take less time to compile: one for how renders begin, stop, resume and end, which does
# not depend on the loss; three for what options do.
ONE_LAYER = dict(style_loss="gram", style_layers="relu2_1", content_layers="relu2_1")
TWO_LAYERS = dict(style_layers="relu1_1,relu3_1", content_layers="relu3_1")


@pytest.fixture(autouse=True)
def no_timed_reports(monkeypatch):
    """However slow the machine is, reports come at the end of chunks alone."""
    monkeypatch.setattr(rendering, "REPORT_SECONDS", math.inf)


def change(**values):
    return dataclasses.replace(SMALL, **values)


def brief(**values):
    return change(**{**ONE_LAYER, **values})


def style_distance(image, painting):
    loss = make_loss(SMALL, "lite")
    encoder = encoders.load_encoder("lite", loss.layers, heads=False)
    targets = loss.targets(encoder(image), [encoder(painting)], photo=image)
    terms = loss(targets, encoder(image), image)
    return sum(float(value) for name, value in terms.items() if name.startswith("style"))


@pytest.mark.parametrize("shape", [(480, 640), (640, 480), (333, 1000), (512, 512)])
def test_scales_end_at_the_size_and_keep_the_aspect(shape):
    shapes = scales.scale_shapes(shape, 512, 128)
    assert max(shapes[-1]) == 512
    for height, width in shapes:
        exact = min(shape) * max(height, width) / max(shape)
        assert abs(min(height, width) - exact) <= 0.5 and min(height, width) >= 32
    sides = [max(s) for s in shapes]
    assert all(
        b / a == pytest.approx(2**0.5, rel=0.02) for a, b in zip(sides, sides[1:], strict=False)
    )
    assert 128 <= sides[0] < 182 or min(shapes[0]) < 46


@pytest.mark.parametrize(
    ("size", "polish_size", "expected"),
    [
        (512, 1024, "v40 v34 l29 l24 l20 v6"),
        (512, 400, "v40 v34 l29 l24 v8 l20"),
        (512, 0, "v40 v34 l29 l24 l20"),
        (512, 150, "v40 v34 l29 l24 l20"),
        (182, 1024, "v24 v20"),
    ],
)
def test_stages_of_a_mixed_render(size, polish_size, expected):
    config = OptimizeConfig(size=size, polish_size=polish_size)
    stages = scales.plan_stages(config, "mixed", (300, 400))
    assert " ".join(f"{stage.encoder[0]}{stage.iterations}" for stage in stages) == expected
    shapes = scales.scale_shapes((300, 400), size, 128)
    assert list(dict.fromkeys(stage.shape for stage in stages)) == shapes
    alone = scales.plan_stages(config, "vgg19", (300, 400))
    assert [stage.shape for stage in alone] == shapes and alone[-1].iterations == 40


def test_limits_of_a_mixed_render_are_of_pixels():
    """128 × 1024 has as many as 362 × 362."""
    config = OptimizeConfig(size=1024, coarse_size=182, polish_size=363)
    stages = scales.plan_stages(config, "mixed", (100, 800))
    assert [(stage.shape, stage.encoder) for stage in stages] == [
        *[(shape, "vgg19") for shape in ((32, 256), (45, 362), (64, 512))],
        *[(shape, "lite") for shape in ((90, 724), (128, 1024))],
        ((128, 1024), "vgg19"),
    ]


def test_too_narrow_for_the_size():
    with pytest.raises(InputError, match="--size: 100 leaves 10 pixels.* at least 320"):
        scales.scale_shapes((100, 1000), 100, 128)


def test_the_picture_takes_the_style_and_keeps_the_photo(photo, painting):
    result = optimization.render(photo, [painting], change(iterations=30))
    image = result.image
    assert image.shape == (1, 48, 72, 3) and image.dtype == np.float32 and result.complete
    assert image.min() >= 0 and image.max() <= 1
    small = images.resize(photo, (48, 72))
    assert style_distance(image, painting) < 0.4 * style_distance(small, painting)
    grey = [picture.mean(-1).ravel() for picture in (image, small)]
    assert np.corrcoef(grey)[0, 1] > 0.5
    for scale in result.history:
        assert len(scale["loss"]) == scale["iterations"]
        assert scale["loss"] == sorted(scale["loss"], reverse=True)
        assert scale["evaluations"] <= 1.25 * scale["iterations"] + 1


def test_same_seed_same_bytes(photo, painting):
    first, second, other = (
        optimization.render(photo, [painting], brief(init="noise", iterations=3, seed=seed)).image
        for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(first, second)
    assert np.abs(other - first).max() > 0.01


@pytest.mark.parametrize("options", [{}, {"encoder": "mixed", "coarse_size": 51}])
def test_a_renderer_paints_as_render_does_and_compiles_once(photo, painting, monkeypatch, options):
    """The second picture of a size needs no new trace, nor does one of another size."""
    traced = []
    value_and_gradient = Objective.value_and_gradient

    def spy(self, vector):
        traced.append(self)
        return value_and_gradient(self, vector)

    monkeypatch.setattr(Objective, "value_and_gradient", spy)
    config = brief(iterations=3, **options)
    renderer = optimization.Renderer(config)
    first = renderer.render(photo, [painting])
    count = len(traced)
    assert count == len(set(traced)) == len({stage["encoder"] for stage in first.history})
    renderer.render(1.0 - photo[:, :, :60], [painting[:, :40], 1.0 - painting])
    second = renderer.render(photo, [painting])
    assert len(traced) == count
    for other in (second, optimization.render(photo, [painting], config)):
        np.testing.assert_array_equal(first.image, other.image)
        losses = [[stage["loss"] for stage in one.history] for one in (first, other)]
        assert losses[0] == losses[1]
    assert len(traced) == 2 * count  # `render` keeps nothing


def test_a_renderer_computes_the_targets_of_a_style_once(photo, painting, monkeypatch):
    """At each scale, for photos of any shape; a style that has changed in place is another."""
    computed = []
    style_targets = PerceptualLoss.style_targets

    def spy(self, features, shares):
        computed.append(self)
        return style_targets(self, features, shares)

    monkeypatch.setattr(PerceptualLoss, "style_targets", spy)
    config, turned = brief(iterations=2), photo[:, :, ::-1].swapaxes(1, 2)
    renderer, painting = optimization.Renderer(config), painting.copy()
    scale_count = len(renderer.render(photo, [painting]).history)
    found = [renderer.render(turned, [painting.copy()]).image]
    assert len(computed) == scale_count == 2
    painting[:] = painting[:, ::-1].copy()
    found += [renderer.render(turned, [painting]).image for _ in range(2)]
    assert len(computed) == 2 * scale_count
    fresh = optimization.render(turned, [painting], config).image
    np.testing.assert_array_equal(found[1], fresh)
    np.testing.assert_array_equal(found[2], fresh)
    assert np.abs(found[0] - fresh).max() > 0.01


def test_a_render_leaves_the_callers_random_state_alone(photo, painting):
    before = np.random.get_state(), random_module.getstate()
    optimization.render(photo, [painting], brief(init="noise", iterations=2, style_loss="sliced"))
    after = np.random.get_state(), random_module.getstate()
    np.testing.assert_array_equal(before[0][1], after[0][1])
    assert before[0][2:] == after[0][2:] and before[1] == after[1]


def test_a_stopped_render_goes_on_as_if_it_had_not_been(photo, painting, tmp_path):
    path = tmp_path / "render.npz"
    config = brief(precision="bfloat16", iterations=8)
    whole = optimization.render(photo, [painting], config)
    for iterations in (3, 14):  # to the first scale's third, to the second's first in float32
        calls = iter([False] * (iterations - 1) + [True])
        part = optimization.render(
            photo, [painting], config, checkpoint=path,
            should_stop=calls.__next__,
        )  # fmt: skip
        assert not part.complete and part.image.shape == whole.image.shape and path.exists()
    assert [scale["iterations"] for scale in part.history] == [10, 7]
    rest = optimization.render(photo, [painting], config, checkpoint=path)
    assert rest.complete
    np.testing.assert_array_equal(rest.image, whole.image)
    assert [s["loss"] for s in rest.history] == [s["loss"] for s in whole.history]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_mixed_is_vgg19_lite_and_vgg19_again(photo, painting, tmp_path, optimizer):
    """The coarse scale is VGG-19's own render, the others go on from there; it resumes, too."""
    config = brief(encoder="mixed", coarse_size=51, iterations=8, optimizer=optimizer)
    whole = optimization.render(photo, [painting], config)
    assert [stage["encoder"] for stage in whole.history] == ["vgg19", "lite", "vgg19"]
    assert [stage["iterations"] for stage in whole.history] == [5, 4, 2]
    alone = dataclasses.replace(config, encoder="vgg19", size=51)
    coarse = optimization.render(photo, [painting], alone)
    assert whole.history[0]["loss"] == coarse.history[0]["loss"][:5]
    path = tmp_path / "render.npz"
    for iterations in (2, 5, 3):  # up to within each of the three stages
        calls = iter([False] * (iterations - 1) + [True])
        part = optimization.render(
            photo, [painting], config, checkpoint=path, should_stop=calls.__next__
        )
    assert [stage["iterations"] for stage in part.history] == [5, 4, 1]
    rest = optimization.render(photo, [painting], config, checkpoint=path)
    np.testing.assert_array_equal(rest.image, whole.image)


@pytest.mark.parametrize(("seconds", "reported"), [(0.0, [1, 2, 3]), (math.inf, [3])])
def test_a_slow_chunk_is_reported_within(seconds, reported, photo, painting, monkeypatch):
    monkeypatch.setattr(rendering, "REPORT_SECONDS", seconds)
    seen = []
    optimization.render(
        photo, [painting], brief(size=48, min_size=48, iterations=3), on_progress=seen.append
    )
    assert [progress.iteration for progress in seen] == reported


def test_a_render_goes_on_from_the_end_of_each_stage(photo, painting, tmp_path):
    config = brief(encoder="mixed", coarse_size=51, iterations=4)
    path = tmp_path / "render.npz"
    seen, ends = [], []
    for iterations in (3, 2, 1, 0):  # the last time it is finished
        calls = iter([*[False] * (iterations - 1), True])
        part = optimization.render(
            photo, [painting], config, checkpoint=path, on_progress=seen.append,
            should_stop=calls.__next__,
        )  # fmt: skip
        ends.append([stage["iterations"] for stage in part.history])
    assert ends == [[3], [3, 2], [3, 2, 1], [3, 2, 1]] and part.complete
    assert all("total" in progress.losses for progress in seen)
    assert [progress.encoder for progress in seen] == ["vgg19", "lite", "vgg19"]


def test_a_mixed_render_in_bfloat16_ends_in_float32(photo, painting, monkeypatch):
    """In float32 is a fifth of what its last scale has, the polish included."""
    monkeypatch.setattr(rendering, "PRECISE_SHARE", 0.2)
    config = brief(encoder="mixed", size=50, iterations=40, coarse_size=0, precision="bfloat16")
    exact = []
    switch = LBFGS.switch

    def spy(self, function):
        exact.append(self.evaluations)
        switch(self, function)

    monkeypatch.setattr(LBFGS, "switch", spy)
    result = optimization.render(photo, [painting], config)
    assert [stage["iterations"] for stage in result.history] == [20, 6]
    assert len(exact) == 1 and exact[0] <= 3  # the start and one iteration before five exact ones


def test_the_polish_brings_a_mixed_render_nearer_to_what_vgg19_sees(photo, painting):
    loss = make_loss(change(**TWO_LAYERS), "vgg19")
    encoder = encoders.load_encoder("vgg19", loss.layers)
    small = images.resize(photo, (48, 72))
    targets = loss.targets(encoder(small), [encoder(painting)], photo=small)

    def total(config):
        image = optimization.render(photo, [painting], config).image
        return float(loss(targets, encoder(image), image)["total"])

    lite = total(change(**TWO_LAYERS, encoder="lite", iterations=20))
    mixed = total(change(**TWO_LAYERS, encoder="mixed", iterations=20, coarse_size=0))
    assert mixed < 0.95 * lite


def test_the_style_weighs_half_by_vgg19():
    weights = {
        name: make_loss(OptimizeConfig(style_weight=8.0, style_layers="relu3_1"), name)
        for name in ("lite", "vgg19")
    }
    given = {name: loss.style["relu3_1"][0][1] for name, loss in weights.items()}
    assert given == {"lite": 8.0, "vgg19": 4.0}


def test_content_weighs_more_by_vgg19_and_its_deepest_style_a_quarter():
    loss = make_loss(
        OptimizeConfig(content_weight=3.0, content_layers="relu4_2", style_weight=10.0,
                       style_layers="relu3_1,relu5_1"), "vgg19"
    )  # fmt: skip
    assert loss.content["relu4_2"][1] == pytest.approx(1.4 * 3.0)
    weights = {layer: terms[0][1] for layer, terms in loss.style.items()}
    assert weights == pytest.approx({"relu3_1": 4.0, "relu5_1": 1.0})


def lengths_of_pulls(encoder, loss, objective, image):
    """Of the gradients of the style terms, by layer, without the objective's own."""
    targets = keras.tree.map_structure(tf.convert_to_tensor, objective._targets)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(image)
        terms = loss(targets, encoder(image), image)
    return {
        layer: float(tf.norm(objective._pull_back(tape.gradient(terms[f"style/{layer}"], image))))
        for layer in loss.style
    }


def test_balanced_layers_pull_as_their_weights_say(photo, painting):
    loss = make_loss(change(style_layers="relu1_1:2,relu3_1,relu4_1,relu5_1:0.5"), "lite")
    encoder = encoders.load_encoder("lite", loss.layers, heads=False, margin=16)
    whole, tiled = Objective(encoder, loss), TiledObjective(encoder, loss, tile_size=48)
    found = {}
    for objective in (whole, tiled):
        objective.set_targets(photo, [painting], [1.0])
        found[objective] = layer_balance.balanced_factors(objective, photo)
    before = lengths_of_pulls(encoder, loss, whole, tf.constant(photo))
    pulls = {layer: factor * before[layer] for layer, factor in found[whole].items()}
    assert sum(pulls.values()) == pytest.approx(sum(before.values()), rel=1e-3)
    shares = {layer: pull / pulls["relu3_1"] for layer, pull in pulls.items()}
    expected = {"relu1_1": 2.0, "relu3_1": 1.0, "relu4_1": 1.0, "relu5_1": 0.5}
    assert shares == pytest.approx(expected, rel=1e-2)
    assert found[tiled] == pytest.approx(found[whole], rel=1e-2)
    whole.set_start(photo)
    value, _ = whole.value_and_gradient(tf.zeros(photo.size))
    targets = keras.tree.map_structure(tf.convert_to_tensor, whole._targets)
    terms = loss(targets, encoder(photo), photo)
    style = sum(factor * float(terms[f"style/{layer}"]) for layer, factor in found[whole].items())
    assert float(value) == pytest.approx(style + float(terms["tv"]), rel=1e-3)
    tiled_value, _ = tiled.value_and_gradient(tiled.set_start(photo))
    assert tiled_value == pytest.approx(float(value), rel=1e-3)


def test_without_style_there_is_nothing_to_balance(photo, painting):
    loss = make_loss(change(style_layers="auto", style_weight=0.0), "lite")
    objective = Objective(encoders.load_encoder("lite", loss.layers, heads=False), loss)
    objective.set_targets(photo, [painting], [1.0])
    factors = layer_balance.balanced_factors(objective, photo)
    assert factors.keys() == loss.style.keys() and {*factors.values()} == {1.0}


def test_a_stopped_render_keeps_its_balance(photo, painting, tmp_path):
    """That of the first scale, not one of the scale where it goes on."""
    config = brief(style_layers="auto", iterations=3)
    whole = optimization.render(photo, [painting], config)
    calls = iter([False] * 5 + [True])
    arguments = {"checkpoint": tmp_path / "render.npz", "should_stop": calls.__next__}
    part = optimization.render(photo, [painting], config, **arguments)
    assert [stage["iterations"] for stage in part.history] == [4, 2]
    rest = optimization.render(photo, [painting], config, checkpoint=arguments["checkpoint"])
    np.testing.assert_array_equal(rest.image, whole.image)


def test_a_balance_that_is_not_the_renders_is_refused():
    stages = scales.plan_stages(SMALL, "lite", (48, 72))
    record = {"height": 33, "width": 51, "encoder": "lite", "iterations": 0, "evaluations": 0,
              "seconds": 0.0, "loss": []}  # fmt: skip
    record |= dict(zip(("height", "width"), stages[0].shape, strict=True))
    meta = {"stage": 0, "history": [record], "plan": [stage.iterations for stage in stages],
            "precise": False, "tile": 0, "pairs": 0,
            "factors": {"lite": {"relu1_1": 2.0}}}  # fmt: skip
    stage_records.check_meta("a.npz", meta, stages, {"lite": ["relu1_1"]})
    for factors, layers in [
        ({}, ["relu1_1"]), ({"lite": {"relu1_1": -1.0}}, ["relu1_1"]),
        ({"lite": {"relu1_1": 2.0}}, ["relu2_1"]), ({"lite": {"relu1_1": 2.0}}, []),
    ]:  # fmt: skip
        known = {"lite": layers} if layers else {}
        with pytest.raises(InputError, match="a.npz: damaged, its stages"):
            stage_records.check_meta("a.npz", {**meta, "factors": factors}, stages, known)


@pytest.mark.parametrize("encoder", ["lite", "vgg19"])
def test_a_brush_sets_the_styles_scale_and_the_depth_of_its_layers(encoder):
    """In order, and none of them the weight of the style."""

    def depth(brush):
        config = change(brush=brush)
        loss = make_loss(config, encoder)
        weights = [terms[0][1] for _, terms in sorted(loss.style.items())]
        assert sum(weights) == pytest.approx(
            sum(terms[0][1] for terms in make_loss(SMALL, encoder).style.values())
        )
        assert scales.style_size(config, (48, 72)) == pytest.approx(
            72 * {"fine": 0.5, "bold": 1.6}.get(brush, 1.0)
        )
        return np.average(range(1, 6), weights=weights)

    assert depth("fine") < depth("medium") - 0.5 < depth("bold") - 1.0
    assert (
        make_loss(change(brush="medium"), encoder).style.keys()
        == make_loss(SMALL, encoder).style.keys()
    )


def test_auto_is_mixed_where_there_is_no_gpu(monkeypatch):
    config = change(encoder="auto")
    monkeypatch.setattr(devices, "has_gpu", lambda: False)
    assert optimization.choose_encoder(config) == "mixed"
    monkeypatch.setattr(devices, "has_gpu", lambda: True)
    assert optimization.choose_encoder(config) == "vgg19"


def test_adam_goes_on_from_a_checkpoint_of_any_name(photo, painting, tmp_path):
    config = brief(optimizer="adam")
    whole = optimization.render(photo, [painting], config)
    path = tmp_path / "render.state"
    calls = iter([False] * 9 + [True])
    optimization.render(photo, [painting], config, checkpoint=path, should_stop=calls.__next__)
    for _ in range(2):  # the second time it is finished
        rest = optimization.render(photo, [painting], config, checkpoint=path)
        np.testing.assert_array_equal(rest.image, whole.image)
    assert [file.name for file in tmp_path.iterdir()] == ["render.state"]


def test_a_render_that_bfloat16_cannot_improve_goes_on_in_float32(photo, painting):
    config = change(precision="bfloat16", size=50, style_weight=1e-5, tv_weight=0.0, iterations=16)
    seen = []
    result = optimization.render(photo, [painting], config, on_progress=seen.append)
    assert result.history[-1]["iterations"] > 12 and seen[-1].done == 1.0


def test_arguments_that_do_not_fit(photo, painting):
    for styles, options, words in [
        ([], {}, "0 styles"),
        ([painting], {"style_weights": (1.0, 2.0)}, "1 styles, style_weights"),
        ([painting], {"init": "x.png"}, "init=None"),
    ]:
        with pytest.raises(ValueError, match=words):
            optimization.render(photo, styles, change(**options))


def test_a_checkpoint_of_another_render_is_refused(photo, painting, tmp_path):
    config, path = brief(), tmp_path / "render.npz"
    optimization.render(photo, [painting], config, checkpoint=path, should_stop=lambda: True)
    with pytest.raises(InputError, match="differs in --style_weight"):
        optimization.render(photo, [painting], brief(style_weight=3.0), checkpoint=path)
    with pytest.raises(InputError, match="differs in its pictures"):
        optimization.render(photo, [1 - painting], config, checkpoint=path)
    path.write_bytes(b"PK half a file")
    with pytest.raises(InputError, match="not a checkpoint"):
        optimization.render(photo, [painting], config, checkpoint=path)
    assert path.exists()


def test_progress_is_complete_and_monotone(photo, painting):
    seen = []
    optimization.render(photo, [painting], SMALL, on_progress=seen.append)
    assert [p.stage for p in seen] == sorted(p.stage for p in seen) and seen[-1].done == 1.0
    assert seen[-1].remaining == 0 and seen[-1].iteration == seen[-1].iterations == 6
    assert all(a.done < b.done for a, b in zip(seen, seen[1:], strict=False))
    terms = dict(seen[-1].losses)
    assert terms.pop("total") == pytest.approx(sum(terms.values()), rel=1e-5)
    assert set(terms) >= {"content/relu4_2", "style/relu1_1", "tv"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        seen[-1].stage = 0


_RENDERS = {}


@pytest.fixture
def plain_render(photo, painting):
    """Made once for all tests."""
    if not _RENDERS:
        _RENDERS["plain"] = optimization.render(
            photo, [painting], change(size=48, **TWO_LAYERS)
        ).image
    return _RENDERS["plain"]


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "adam"},
        {"optimizer": "tfp", "iterations": 2},
        {"init": "style"},
        {"pooling": "average"},
        {"style_size": 40},
        {"style_scale": 0.5},
        {"brush": "fine"},
        {"brush": "bold"},
        {"style_layers": "auto"},
        *({"content_loss": text} for text in ("cosine", "self_similarity", "squared,laplacian:9")),
        {"detail": 0.5},
        *({"style_loss": name} for name in STYLE_LOSSES if name != "wasserstein"),
        {"style_loss": "gram,histogram:0.1", "style_layers": "relu1_2:2,relu3_3"},
        {"prepare": "equalize"},
        {"prepare": "match", "preserve_color": "luminance"},
        {"preserve_color": "luminance"},
        {"preserve_color": "histogram"},
        {"preserve_color": "linear"},
    ],
    ids=lambda options: "-".join(f"{v}" for v in options.values()),
)
def test_every_option_lowers_the_loss_and_counts(photo, painting, plain_render, options):
    config = change(size=48, **{**TWO_LAYERS, **options})
    result = optimization.render(photo, [painting], config)
    loss = result.history[-1]["loss"]
    assert np.isfinite(result.image).all() and loss[-1] < loss[0]
    assert np.abs(result.image - plain_render).mean() > 1e-3


def test_colours_can_be_kept(photo, painting):
    image = optimization.render(
        photo, [painting], change(**TWO_LAYERS, preserve_color="luminance")
    ).image
    small = images.resize(photo, image.shape[1:3])
    chroma = [p - p @ np.array([[0.299], [0.587], [0.114]], np.float32) for p in (image, small)]
    assert np.corrcoef(chroma[0].ravel(), chroma[1].ravel())[0, 1] > 0.9


def test_styles_can_be_mixed(photo, painting):
    other = np.ascontiguousarray(1 - painting)

    def distance(weights):
        config = change(**TWO_LAYERS, size=48, iterations=12, style_weights=weights)
        image = optimization.render(photo, [painting, other], config).image
        return style_distance(image, painting)

    assert distance((1.0, 0.0)) < distance((0.5, 0.5)) < distance((0.0, 1.0))


def test_gradient_of_the_objective_is_the_slope(photo, painting):
    loss = make_loss(SMALL, "lite")
    objective = Objective(encoders.load_encoder("lite", loss.layers, heads=False, margin=16), loss)
    objective.set_targets(photo, [painting], [1.0])
    objective.set_start(photo)
    function = tf.function(objective.value_and_gradient)
    gradient = function(tf.zeros(photo.size))[1].numpy()
    # Noise, so that all pixels count, and the gradient, so that rounding does not.
    noise = np.random.default_rng(0).normal(size=photo.size).astype(np.float32)
    direction = noise + gradient / gradient.std()
    step = 3e-4  # ReLU and max pooling bend within larger ones
    ahead, behind = (float(function(tf.constant(s * step * direction))[0]) for s in (1, -1))
    slope = float(np.dot(gradient, direction))
    assert slope == pytest.approx((ahead - behind) / (2 * step), rel=0.05)


@pytest.mark.parametrize(("wrap", "axes"), [("none", ()), ("horizontal", (2,)), ("both", (1, 2))])
def test_edges_that_meet_are_like_any_others(wrap, axes, photo, painting):
    """A picture that is rolled along them has the same loss, and the rolled gradient."""
    loss = make_loss(change(tv_weight=50.0, style_loss="wasserstein,gram"), "lite")
    encoder = encoders.load_encoder("lite", loss.layers, heads=False, margin=16)
    objective = Objective(encoder, loss, wrap)
    function = tf.function(objective.value_and_gradient)

    def rolled(shift, axis):
        content = np.roll(photo[:, :64], shift, axis)
        objective.set_targets(content, [painting], [1.0])
        objective.set_start(0.9 * content)
        value, gradient = function(tf.zeros(content.size))
        return float(value), np.roll(np.reshape(gradient, content.shape), -shift, axis)

    value, gradient = rolled(0, 1)
    for axis in (1, 2):
        other, shifted = rolled(16, axis)
        error = np.abs(shifted - gradient).max() / np.abs(gradient).max()
        if axis in axes:
            assert other == pytest.approx(value, rel=1e-3) and error < 1e-2
        else:
            assert error > 0.05


def test_a_picture_whose_edges_meet_is_rendered(photo, painting):
    config = change(**TWO_LAYERS, size=48, iterations=12, wrap="both", min_size=32)
    photo = np.concatenate([photo, photo[:, ::-1]], axis=1)
    image = optimization.render(photo, [painting], config).image
    seam = np.abs(image[:, 0] - image[:, -1]).mean()
    assert seam < np.abs(np.diff(image, axis=1)).mean((0, 2, 3)).max()


def test_the_filter_is_symmetric_and_keeps_the_picture(photo, random):
    keras.utils.set_random_seed(0)
    objective = Objective(encoders.VGG19(("relu1_1",), widths=(4,)), loss=None)
    objective.set_start(photo)
    np.testing.assert_array_equal(objective.picture(np.zeros(photo.size, np.float32)), photo)
    a, b = random.normal(size=(2, photo.size)).astype(np.float32)
    seen_a, seen_b = ((objective.picture(v) - photo).ravel() for v in (a, b))
    assert np.dot(seen_a, b) == pytest.approx(np.dot(a, seen_b), rel=1e-3)


def test_a_layer_that_is_not_there():
    with pytest.raises(
        InputError, match="--style_layers: lite, .* has no relu5_4; with --encoder=vgg19"
    ):
        make_loss(change(style_layers="relu5_4"), "lite")
    make_loss(change(style_layers="relu5_4"), "vgg19")
