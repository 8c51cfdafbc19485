"""Large pictures: the objective tile by tile, memory, and L-BFGS with little of it."""

import dataclasses
import json
import math
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import ROOT
from tests.model_examples import make_encoder
from tfstyle import images, losses, optimization
from tfstyle.config import OptimizeConfig
from tfstyle.encoders.layer_names import LAYERS
from tfstyle.errors import InputError
from tfstyle.optimization import footprint, scales, segments
from tfstyle.optimization.guides import picture_guides
from tfstyle.optimization.lean_lbfgs import LeanLBFGS
from tfstyle.optimization.objective import Objective
from tfstyle.optimization.style_images import StyleImages
from tfstyle.optimization.tiles import TiledObjective
from tfstyle.registry import STYLE_LOSSES
from tfstyle.runtime import memory, parallel

POOLED = sorted(
    name for name in STYLE_LOSSES if isinstance(losses.make_style_loss(name), losses.MomentLoss)
)
# Two layers, the first of the first segment, the other of the last: all that tiles depend on.
RENDER = OptimizeConfig(
    encoder="lite", size=96, min_size=64, iterations=4, style_layers="relu1_1,relu5_1"
)


def make_loss(
    style, content="squared", layers=("relu1_1", "relu3_1", "relu4_1", "relu5_1"), **terms
):
    return losses.PerceptualLoss(
        {"relu4_2": (losses.ContentLoss(content), 0.7), "relu2_1": (losses.ContentLoss(), 0.3)},
        {layer: losses.weighted_style_losses(style, 3.0) for layer in layers},
        tv_weight=40.0,
        **terms,
    )


def both(loss, content, styles, wrap="none", tile_size=64, regions=None):
    """Value and gradient of both objectives at the same picture, and the two."""
    encoder = make_encoder(loss.layers)
    encoder = type(encoder).from_config({**encoder.get_config(), "margin": 16})
    encoder.build((None, None, None, 3))
    encoder.set_weights(make_encoder(loss.layers).get_weights())
    weights = [1 / len(styles)] * len(styles)
    whole, tiled = Objective(encoder, loss, wrap), TiledObjective(encoder, loss, wrap, tile_size)
    images = StyleImages(styles, weights, False, regions)
    guides = regions and picture_guides(regions, loss, content.shape[1:3])
    for one in (whole, tiled):
        one.set_content(content, images.targets(one, ("lite",), 190), guides)
    noise = np.random.default_rng(1).normal(size=content.size).astype("float32")
    vector = tiled.set_start(0.5 * content + 0.2) + 0.03 * noise
    zero = whole.set_start(tiled.picture(vector))
    value, gradient = tf.function(whole.value_and_gradient)(tf.constant(zero))
    return (float(value), gradient.numpy()), tiled.value_and_gradient(vector), whole, tiled


def error(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


@pytest.fixture(scope="module")
def photograph(examples):
    return images.read_image(examples / "chelsea.jpg", 200)


@pytest.fixture(scope="module")
def pictures(examples):
    """Two style images of odd sizes."""
    other = images.read_image(examples / "mosaic.jpg", 190)
    return [other[:, :113, :171], other[:, 20:99, 30:121]]


@pytest.mark.parametrize(
    ("shape", "wrap", "tile_size", "layers"),
    [
        ((131, 197), "none", 64, ("relu1_1", "relu3_1", "relu4_1", "relu5_1")),
        ((96, 150), "none", 512, ("relu1_1", "relu5_1")),
        ((131, 197), "horizontal", 72, ("relu1_1", "relu5_1")),
        ((129, 160), "both", 64, ("relu1_1", "relu5_1")),
    ],
)
def test_the_gradient_is_that_of_the_whole(shape, wrap, tile_size, layers, photograph, pictures):
    loss = make_loss("gram,wasserstein:0.2", layers=layers)
    content = photograph[:, : shape[0], : shape[1]]
    assert content.shape[1:3] == shape
    expected, found, whole, tiled = both(loss, content, pictures, wrap, tile_size)
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    assert error(found[1], expected[1]) < 2e-4  # Wasserstein's roots amplify rounding
    assert tiled.terms == pytest.approx(whole.terms, rel=1e-4)
    assert len(tiled._tiles[0]) == math.prod(math.ceil(side / tile_size) for side in shape)


def test_so_it_is_for_all_losses_of_means(photograph, pictures):
    assert len(POOLED) == 7
    style = ",".join(name for name in POOLED if name != "wasserstein")  # which is tested above
    loss = make_loss(style, content="cosine", layers=("relu1_1", "relu2_2", "relu4_1"))
    expected, found, _, _ = both(loss, photograph[:, :75, :101], pictures)
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    assert error(found[1], expected[1]) < 1e-4


@pytest.mark.parametrize(
    ("shape", "wrap", "factors", "layers"),
    [
        ((131, 197), "none", (1, 4), ("relu1_1", "relu4_1")),
        ((99, 150), "none", (16,), ("relu1_1",)),  # cells beyond what features depend on
        ((127, 190), "both", (2,), ("relu1_1", "relu4_1")),  # a pixel more than 127 makes a cell
    ],
)
def test_so_it_is_with_the_laplacian(shape, wrap, factors, layers, photograph, pictures):
    terms = {"laplacian": (losses.LaplacianLoss(factors), 2.0)}
    loss = losses.PerceptualLoss(
        {}, {layer: losses.weighted_style_losses("gram", 3.0) for layer in layers}, **terms
    )
    content = photograph[:, : shape[0], : shape[1]]
    expected, found, whole, tiled = both(loss, content, pictures[:1], wrap)
    assert len(tiled._tiles[0]) > 4
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    assert error(found[1], expected[1]) < 1e-4
    assert tiled.terms["laplacian"] == pytest.approx(whole.terms["laplacian"], rel=1e-5)
    assert tiled.terms["laplacian"] > 0.1 * tiled.terms["total"]


@pytest.mark.parametrize("name", POOLED)
def test_moments_of_parts_are_those_of_the_whole(name, random):
    """Of pictures, and where there is a way, of targets."""
    loss = losses.make_style_loss(name)
    mixing = random.normal(size=(5, 5))
    style, features = np.maximum(random.normal(0.5, 1, (2, 1, 12, 9, 5)) @ mixing, 0).astype(
        "float32"
    )
    target = loss.target([style])
    parts = (features[:, :8], features[:, 8:])

    def pooled(parts, anchor):
        first, second = (loss.moments(part, anchor) for part in parts)
        return tf.nest.map_structure(lambda a, b: (2 * a + b) / 3, first, second)

    found = loss.compare(target, pooled(parts, loss.anchor(target)))
    assert float(found[0]) == pytest.approx(float(loss(target, features)), rel=1e-4)
    if not loss.pools_targets:
        return
    for anchor in (None, style.mean((1, 2)) + 0.1):
        again = loss.target_of([loss.pooled(pooled((style[:, :8], style[:, 8:]), anchor), anchor)])
        for a, b in zip(tf.nest.flatten(again), tf.nest.flatten(target), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_other_losses_are_refused(photograph):
    similar = make_loss("gram", structure={"relu4_2": (losses.SelfSimilarityLoss(), 1.0)})
    for loss in (make_loss("gram,sliced"), make_loss("gram", content="normalized"), similar):
        with pytest.raises(ValueError, match="sliced_loss|normalized|self_similarity_loss"):
            TiledObjective(make_encoder(loss.layers), loss)


@pytest.mark.parametrize("last", LAYERS)
def test_tiles_cover_the_picture_with_all_that_their_features_depend_on(last):
    for number, segment in enumerate(segments.segments_of([last])):
        parts = segments.tiles((16, 80), (61, 250), 64, segment)
        seen = np.zeros((61 + 32, 250 + 160), int)
        for tile in parts:
            rows, columns = (slice(*span) for span in tile.inner)
            seen[rows, columns] += 1
            for outer, (start, stop), length in zip(
                tile.outer, tile.inner, seen.shape, strict=True
            ):
                assert outer == (max(start - segment.halo, 0), min(stop + segment.halo, length))
                assert start % segment.unit == 0 and outer[0] % segment.unit == 0
        assert (seen == 1).all()
        depth = sum(2 ** (int(name[4]) - 1) for name in segment.layers)
        assert depth <= segment.halo < depth + segment.unit and number < 2


def in_tiles(**values):
    """A config whose renders are in tiles."""
    return dataclasses.replace(RENDER, max_memory=1.0, **values)


def test_a_render_in_tiles_becomes_as_good(photo, painting, monkeypatch, caplog):
    caplog.set_level("INFO", "absl")
    monkeypatch.setattr(footprint, "TILE_SIZES", (64,))
    config = in_tiles(iterations=15)
    stages = optimization.plan(config, photo.shape[1:3], [painting.shape[1:3]])
    assert {stage.kind for stage in stages} == {("lite", 64, 5, 0)}
    found, expected = (
        optimization.render(photo, [painting], one)
        for one in (config, dataclasses.replace(config, max_memory=100.0))
    )
    assert found.image.shape == expected.image.shape
    (line,) = [one.getMessage() for one in caplog.records if "in tiles" in one.getMessage()]
    assert line.startswith("96 × ") and "of 64, with a history of 5 pairs: about 0." in line
    assert re.search(r"GB of memory, and (\d+ min )?\d+ s from now on\.$", line)
    for record, whole in zip(found.history, expected.history, strict=True):
        assert record["loss"][-1] < 1.1 * whole["loss"][-1]
        assert record["evaluations"] < 1.3 * record["iterations"] + 3


def test_a_stopped_render_in_tiles_goes_on_as_if_it_had_not_been(
    photo, painting, tmp_path, monkeypatch
):
    """With the tiles and the history that it had, whatever memory there is now."""
    monkeypatch.setattr(footprint, "TILE_SIZES", (64,))
    config = in_tiles(precision="bfloat16", iterations=3, style_loss="gram")
    expected = optimization.render(photo, [painting], config)
    iterations = []

    def stop():
        iterations.append(len(iterations))
        return len(iterations) == 6  # in the last stage

    path = tmp_path / "render.npz"
    first = optimization.render(photo, [painting], config, should_stop=stop, checkpoint=path)
    assert not first.complete
    more = dataclasses.replace(config, max_memory=100.0)
    found = optimization.render(photo, [painting], more, checkpoint=path)
    assert found.complete
    np.testing.assert_array_equal(found.image, expected.image)
    assert found.history[-1]["loss"] == expected.history[-1]["loss"]


# Renders in a process of its own, whose processor is two devices, on both and on one.
_ON_TWO_DEVICES = """
import json, sys
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tfstyle import images, optimization
from tfstyle.config import OptimizeConfig
from tfstyle.optimization import footprint, renderer, tiles
footprint.TILE_SIZES = (64,)
photo, painting = (images.read_image(path, 96) for path in sys.argv[1:])
used = []

class Objective(tiles.TiledObjective):
    def _geometry(self, number, tile):
        geometry = super()._geometry(number, tile)
        used.append(geometry["shares"]["relu1_1" if not number else "relu5_1"].device[-1])
        return geometry

renderer.TiledObjective = Objective
found = {}
for strategy, memory in (("mirrored", 100.0), ("one", 1.0)):
    config = OptimizeConfig(encoder="lite", size=96, min_size=96, iterations=2, max_memory=memory,
                            strategy=strategy, style_loss="gram", style_layers="relu1_1,relu5_1")
    result = optimization.render(photo, [painting], config)
    losses, total = result.history[0]["loss"], float(np.abs(result.image).sum())
    found[strategy] = losses, total, sorted(set(used))
    used.clear()
print(json.dumps(found))
"""


def test_devices_share_the_tiles_of_a_picture_and_it_is_the_same(examples):
    """Bit for bit; also where it would fit without tiles."""
    paths = [examples / "chelsea.jpg", examples / "mosaic.jpg"]
    done = subprocess.run(
        [sys.executable, "-c", _ON_TWO_DEVICES, *paths], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["mirrored"][:2] == found["one"][:2]
    assert (found["mirrored"][2], found["one"][2]) == (["0", "1"], ["0"])


def test_workers_keep_the_order_and_raise_what_is_raised():
    devices = ["/device:CPU:0"] * 2
    items = range(20)
    for workers in (parallel.Workers(), parallel.Workers(devices[:1]), parallel.Workers(devices)):
        found = list(workers.map(lambda number: tf.constant(number).numpy() ** 2, items))
        assert found == [(number, number**2) for number in items]
        with pytest.raises(ZeroDivisionError):
            list(workers.map(lambda number: 1 / (number - 5), items))


def test_only_pictures_with_a_tile_for_each_device_are_shared():
    config = OptimizeConfig(encoder="lite", size=1024, strategy="mirrored")
    stages = scales.plan_stages(config, "lite", (800, 1000))
    for devices in (2, 3):
        fitted = footprint.fit(config, stages, [(600, 800)], 64e9, devices=devices)
        for stage in fitted:
            assert stage.devices == (devices if max(stage.shape) > 256 else 1)
            assert bool(stage.tile) == (stage.devices > 1)
            count = math.prod(math.ceil(side / (stage.tile or 9999)) for side in stage.shape)
            assert count >= stage.devices
        one, shared = (
            footprint.bytes_needed(config, [fitted[-1]._replace(devices=n)], [(600, 800)])
            for n in (1, devices)
        )
        assert shared > one
    adam = dataclasses.replace(config, optimizer="adam")
    with pytest.raises(InputError, match="--optimizer=adam: --strategy=mirrored needs tiles.*one"):
        footprint.fit(adam, stages, [(600, 800)], 64e9, devices=2)
    similar = dataclasses.replace(config, content_loss="self_similarity")
    with pytest.raises(InputError, match="self_similarity: --strategy=mirrored needs .* or --stra"):
        footprint.fit(similar, stages, [(600, 800)], 64e9, devices=2)
    assert footprint.fit(adam, stages, [(600, 800)], 64e9) == stages


def test_only_what_is_too_large_is_in_tiles_with_as_much_as_fits():
    shape, styles = (2000, 3000), [(600, 800)]
    config = OptimizeConfig(encoder="lite", size=4096)
    stages = scales.plan_stages(config, "lite", shape)
    before = 0
    for limit in (3.2e9, 4e9, 5e9, 9e9, 20e9):
        fitted = footprint.fit(config, stages, styles, limit)
        assert footprint.bytes_needed(config, fitted, styles) <= limit, "one after the other"
        for stage, one in zip(stages, fitted, strict=True):
            assert one[:3] == stage[:3]
            fits = footprint.bytes_needed(config, [*fitted, stage], styles) <= limit
            assert (one.tile, one.history) == (0, 0) if fits else one.tile >= 256
        least = min(one.history * 10_000 + one.tile or 10**9 for one in fitted)
        assert least >= before
        before = least
    assert before == 10**9, "whole, at last"
    with pytest.raises(InputError, match=r"^--size=4096: needs about 2.\d GB .* --max_memory"):
        footprint.fit(config, stages, styles, 2e9)


def test_regions_take_memory_of_their_own():
    stages = scales.plan_stages(RENDER, "lite", (2000, 3000))
    for tile in (0, 512):
        plain = stages[-1]._replace(shape=(2000, 3000), tile=tile, history=5 * bool(tile))
        needed = [
            footprint.bytes_needed(RENDER, [plain._replace(regions=count)], [(500, 500)])
            for count in (0, 1, 3)
        ]
        each = (needed[2] - needed[1]) / 2 / 6e6
        assert 5 < each <= (needed[1] - needed[0]) / 6e6 < 500


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"style_loss": "gram,histogram:0.1"}, "--style_loss=histogram: this size needs tiles"),
        (
            {"content_loss": "squared,self_similarity:0.5"},
            "--content_loss=self_similarity: this size needs tiles",
        ),
        ({"optimizer": "adam"}, "--optimizer=adam: this size needs tiles"),
    ],
)
def test_what_has_no_tiles_is_refused(flags, words, photo, painting):
    with pytest.raises(InputError, match=words):
        optimization.render(photo, [painting], in_tiles(**flags))


def test_by_default_a_quarter_of_the_free_memory_stays_free(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 4_000_000_000)
    config = OptimizeConfig(encoder="lite", size=2048)
    *_, last = optimization.plan(config, (2048, 2048), [(500, 500)])
    assert last.tile and footprint.bytes_needed(config, [last], [(500, 500)]) < 3e9
    monkeypatch.setattr(memory, "available", lambda: None)
    assert not optimization.plan(config, (2048, 2048), [(500, 500)])[-1].tile


def test_pairs_in_half_the_memory_serve_as_well():
    scale = np.geomspace(1, 50, 40).astype("float32")

    def bowl(x):
        return 0.5 * np.sum(scale * (x - 1.0) ** 2), scale * (x - 1.0)

    optimizer = LeanLBFGS(bowl, 4)
    optimizer.start(np.zeros(40, "float32"))
    values = [optimizer.step() for _ in range(60)]
    assert values == sorted(values, reverse=True)
    np.testing.assert_allclose(optimizer.position, 1.0, atol=1e-2)


def test_the_lean_optimizer_never_leaves_a_bad_vector():
    def cliff(x):
        """Infinite where an entry is below 0.5; the slope leads there."""
        return (np.sum(x**3) if (x > 0.5).all() else np.inf), 3 * x**2

    lean = LeanLBFGS(cliff, first_step=3.0)
    lean.start(np.full(3, 1.3, "float32"))
    values = [lean.step() for _ in range(30)]
    assert np.isfinite(values).all() and values == sorted(values, reverse=True)
    assert (lean.position > 0.5).all() and values[-1] < 1.0
    with pytest.raises(ValueError, match="not finite at the start"):
        lean.start(np.zeros(3, "float32"))
