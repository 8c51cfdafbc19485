"""The temporal term of training: warps, motions, the loss, and runs with it."""

import dataclasses
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import fixed_style_examples
from tests.conftest import ROOT
from tests.model_examples import EXAMPLES, make_adain
from tfstyle import layers, losses
from tfstyle.config import TrainConfig
from tfstyle.data import motions
from tfstyle.training.objectives import loss_terms_of

MODELS = {**EXAMPLES, "stylebank": fixed_style_examples.EXAMPLES["stylebank"]}


def keys(t):
    """Keys' kernel, equation 15 of the paper, at distances `t`."""
    t = np.abs(t)
    near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t < 1, near, np.where(t < 2, far, 0.0))


def golden_warp(picture, places):
    """In float64: the kernel times all pixels of a picture with its edges repeated."""
    height, width, _ = picture.shape
    padded = np.pad(picture.astype(np.float64), ((4, 4), (4, 4), (0, 0)), mode="edge")
    found = np.zeros((*places.shape[:2], picture.shape[2]))
    for at in np.ndindex(*places.shape[:2]):
        x, y = np.float64(places[at])
        of_row, of_column = keys(np.arange(-4, height + 4) - y), keys(np.arange(-4, width + 4) - x)
        found[at] = np.einsum("i,j,ijc->c", of_row, of_column, padded)
    return found


def test_a_warp_is_cubic_convolution(random):
    pictures = random.random((2, 9, 12, 3)).astype(np.float32)
    places = random.uniform(-2, 11.5, (2, 5, 7, 2)).astype(np.float32)
    places[..., 1] = random.uniform(-2, 9.5, (2, 5, 7))
    for function in (layers.warp, tf.function(layers.warp, reduce_retracing=True)):
        found = np.asarray(function(pictures, places))
        for one, picture, own in zip(found, pictures, places, strict=True):
            np.testing.assert_allclose(one, golden_warp(picture, own), atol=2e-6)


def test_motions_are_functions_of_seed_and_number():
    first, again = (motions.Motions(48, (3, 4)) for _ in range(2))
    for name in ("places", "noise"):
        np.testing.assert_array_equal(first[7][name], again[7][name])
        assert first[7][name].dtype == np.float32
        for other in (first[8], motions.Motions(48, (3, 5))[7]):
            assert np.abs(first[7][name] - other[name]).max() > 0.01


def test_motions_are_smooth_and_of_a_size():
    made = motions.Motions(64)
    rows, columns = np.mgrid[:64, :64]
    sizes = []
    for number in range(60):
        found = made[number]
        flow = found["places"] - np.stack([columns, rows], axis=-1)
        slopes = [np.diff(found["places"][..., k], axis=1 - k) for k in (0, 1)]
        assert min(one.min() for one in slopes) > 0.5  # no pixel overtakes the next
        assert max(np.abs(np.diff(flow, axis=k)).max() for k in (0, 1)) < 0.5
        sizes.append(np.sqrt(np.square(flow).sum(-1)).mean())
        assert found["noise"].std() < 0.031
    assert min(sizes) < 0.3 and 3 < max(sizes) < 8  # pixels


def make_pair(random, size=24):
    image = random.random((2, size, size, 3)).astype(np.float32)
    made = motions.Motions(size)
    return image, np.stack([made[k]["places"] for k in (5, 6)])


def test_the_loss_is_a_share_of_the_variance(random):
    last, places = make_pair(random)
    image = random.random(last.shape).astype(np.float32)
    each = losses.TemporalConsistencyLoss().call(
        {"image": last, "places": places}, tf.constant(image)
    )
    for value, one, own, at in zip(each, image, last, places, strict=True):
        known = ((at >= 0) & (at <= 23)).all(-1)
        assert 0.5 < known.mean() < 1
        moved = np.clip(golden_warp(own, at), 0, 1)[known]
        expected = np.square(one[known] - moved).mean() / (moved.var(axis=0).mean() + 1e-3)
        assert float(value) == pytest.approx(expected, rel=1e-4)
        assert expected == pytest.approx(2.0, rel=0.2)  # as for any two that are unrelated


def test_what_is_unknown_does_not_count(random):
    last, places = make_pair(random)
    places[:, :, :12, 0] = -1.0
    loss, image = losses.TemporalConsistencyLoss(), last.copy()
    image[:, :, :12] = 0.0
    value = float(loss({"image": last, "places": places}, image))
    image[:, :, :12] = 1.0
    assert float(loss({"image": last, "places": places}, image)) == value
    assert float(loss({"image": last, "places": 0.0 * places - 1.0}, image)) == 0.0


def test_the_loss_comes_back_from_its_config():
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(losses.TemporalConsistencyLoss(name="other"))
    )
    assert type(copy) is losses.TemporalConsistencyLoss and copy.name == "other"


def batch_of(photo, painting, noise=True):
    content = np.concatenate([photo[:, :, :64], photo[:, :, 32:]])
    made = [motions.Motions(64)[number] for number in (1, 3)]
    moves = {name: np.stack([one[name] for one in made]) for name in made[0]}
    moves["noise"] *= noise
    index = np.array([0, 2], np.int32)
    return {"content": content, "style": np.repeat(painting, 2, 0), "style_index": index, **moves}


class Equivariant:
    """Paints each pixel by its own colours."""

    def encode(self, inputs):
        return {}

    def stylize(self, content, code):
        return content

    def loss_terms(self, inputs):
        return {"total": tf.constant(1.0)}


def test_what_moves_along_costs_nothing_but_the_noise(photo, painting):
    quiet, noisy = (batch_of(photo, painting, noise) for noise in (False, True))
    loss_terms = loss_terms_of(Equivariant(), 3.0)
    assert {k: float(v) for k, v in loss_terms(quiet).items()} == {"temporal": 0.0, "total": 1.0}
    found = loss_terms(noisy)
    assert 1e-4 < found["temporal"] < 0.05 and found["total"] == 1.0 + found["temporal"]


@pytest.mark.parametrize("name", MODELS)
def test_the_term_is_added_and_trains_all_that_paints(name, photo, painting):
    model, batch = MODELS[name](), batch_of(photo, painting)
    with tf.GradientTape() as tape:
        terms = loss_terms_of(model, 2.0)(batch)
    values = [variable.value for variable in model.trainable_variables]
    assert all(np.abs(one).sum() > 0 for one in tape.gradient(terms["temporal"], values))
    alone = model.loss_terms(batch)
    assert {*terms} == {*alone, "temporal"}
    assert 0 < float(terms["temporal"]) < 2 * 2.5
    expected = float(alone["total"]) + float(terms["temporal"])
    assert float(terms["total"]) == pytest.approx(expected, rel=1e-4)


def test_without_a_weight_it_is_the_models_own():
    model = make_adain()
    assert loss_terms_of(model, 0.0) == model.loss_terms


def test_half_precision_is_near_float32(photo, painting):
    batch = batch_of(photo, painting)
    expected, found = (
        loss_terms_of(make_adain(dtype=dtype), 1.0)(batch) for dtype in (None, "mixed_bfloat16")
    )
    assert found["temporal"].dtype == tf.float32
    assert float(found["temporal"]) == pytest.approx(float(expected["temporal"]), rel=0.1)


# In a process of its own, with deterministic operations: a run, its second half again, and
# the sum of a batch's loss over two devices.
_PROGRAM = """
import json, pathlib, shutil, sys
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tfstyle.runtime import devices
devices.start_tensorflow()
from tfstyle import losses, training
from tfstyle.config import TrainConfig
whole, resumed = (TrainConfig(**config) for config in json.loads(sys.argv[1]))
training.train(whole)
name = "checkpoints/step-00000002.npz"
folder = pathlib.Path(resumed.output_dir)
(folder / name).parent.mkdir(parents=True)
shutil.copy(pathlib.Path(whole.output_dir) / name, folder / name)
training.train(resumed)

values = np.random.default_rng(0).random((2, 8, 8, 3)).astype("float32")
places = np.random.default_rng(1).uniform(0, 7, (2, 8, 8, 2)).astype("float32")
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
loss = losses.TemporalConsistencyLoss()

def of_replica():
    k = tf.distribute.get_replica_context().replica_id_in_sync_group
    part = slice(None) if k is None else slice(k, k + 1)
    last = {"image": tf.constant(values)[part], "places": tf.constant(places)[part]}
    return loss(last, 1 - tf.constant(values)[part])

last = {"image": values, "places": places}
both = strategy.reduce("sum", strategy.run(tf.function(of_replica)), axis=None)
print(json.dumps([float(both), float(loss(last, 1 - values))]))
"""


def test_runs_resume_bit_for_bit_and_devices_share_the_loss(examples, tmp_path):
    config = TrainConfig(
        content_dir=str(examples), style=(str(examples / "mosaic.jpg"),), model="johnson",
        encoder="lite", steps=4, batch_size=2, image_size=64, crop_size=32, style_size=64,
        model_arguments=("widths=[4,6,8]", "blocks=1", "kernel=3"), margin=16,
        temporal_weight=3.0, checkpoint_every=2, output_dir=str(tmp_path / "whole"),
    )  # fmt: skip
    again = dataclasses.replace(config, output_dir=str(tmp_path / "resumed"))
    found = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps([*map(dataclasses.asdict, (config, again))])],
        cwd=ROOT, env={**os.environ}, capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    both, alone = json.loads(found.stdout.splitlines()[-1])
    assert both == pytest.approx(alone, rel=1e-5)
    whole, resumed = (arrays(tmp_path / name, 4) for name in ("whole", "resumed"))
    assert whole.keys() == resumed.keys()
    for name in whole:
        np.testing.assert_array_equal(whole[name], resumed[name], err_msg=name)
    early = arrays(tmp_path / "whole", 2)
    assert np.abs(whole["model/0"] - early["model/0"]).max() > 0


def arrays(folder, step):
    with np.load(folder / "checkpoints" / f"step-{step:08d}.npz") as file:
        return {name: file[name] for name in file if name != "meta"}
