"""The tools that make `lite`, with the example pictures."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import ROOT
from tfstyle import encoders
from tfstyle.encoders import layer_names, weight_files
from tools.distillation import crops, pruning, regression

WIDTHS = (8, 12, 16, 20, 24)


@pytest.fixture(scope="module")
def vgg():
    names = [layer.replace("relu", "conv") for layer in layer_names.TRUNK_LAYERS]
    return weight_files.read_weights(weight_files.VGG19_PATH, names)


@pytest.fixture(scope="module")
def start(vgg, examples):
    """The arrays of a pruned network."""
    pixels = crops.load_pixels([examples])
    image = np.stack([crops.crop_at(pixels, 0, index, 96) for index in range(4)])
    return pruning.prune(vgg, image, WIDTHS, 2000, np.random.default_rng(0))


def train(start, folder):
    np.savez(folder.parent / "start.npz", **start)
    result = subprocess.run(
        [sys.executable, "-m", "tools.distill", f"--start={folder.parent / 'start.npz'}",
         "--images=examples", f"--output={folder}", "--steps=4", "--save_every=2", "--batch=2",
         "--crop=64", "--first_crops=4", "--pool=4", "--repeats=2"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    with np.load(folder / "lite.npz") as file:
        return dict(file)


def test_a_run_that_was_stopped_ends_as_one_that_was_not(start, tmp_path):
    whole = train(start, tmp_path / "run")
    folder = tmp_path / "run" / "checkpoints"
    (tmp_path / "run" / "lite.npz").unlink()
    first = 'model_checkpoint_path: "ckpt-1"\nall_model_checkpoint_paths: "ckpt-1"\n'
    (folder / "checkpoint").write_text(first)  # as if stopped at step 2
    resumed = train(start, tmp_path / "run")
    assert whole.keys() == start.keys()
    for name, array in whole.items():
        np.testing.assert_array_equal(array, resumed[name])
        if not name.endswith(("/kernel", "/bias")):
            np.testing.assert_array_equal(array, start[name])
    assert np.abs(whole["conv3_1/kernel"] - start["conv3_1/kernel"]).max() > 1e-4


def test_pruned_channels_stand_for_those_of_vgg19(vgg, start, examples):
    """What the arrays say of themselves holds in the network that they make."""
    pixels = crops.load_pixels([examples])
    image = np.stack([crops.crop_at(pixels, 0, index, 96) for index in range(4)])
    wide = encoders.load_encoder("vgg19")(image)
    student = regression.load_student(start)
    narrow = student.trunk(image)
    heads = student(image)
    for layer, bound in (("relu1_1", 1e-3), ("relu2_1", 0.4), ("relu3_1", 0.6)):
        conv, head = layer.replace("relu", "conv"), layer.replace("relu", "head")
        channels = tf.gather(wide[layer], start[f"{conv}/channels"], axis=-1)
        assert pruning.relative_error(narrow[layer] * start[f"{conv}/scale"], channels) < bound
        target = wide[layer] / start[f"{head}/means"]
        assert np.mean(target) == pytest.approx(1.0, rel=1e-3)
        assert pruning.relative_error(heads[layer], target) < 0.8  # of 1 for nothing
    np.testing.assert_allclose(np.mean(np.square(narrow["relu1_1"])), 1.0, rtol=0.1)


def test_layers_below_the_first_other_width_are_kept(vgg, start, examples):
    pixels = crops.load_pixels([examples])
    image = np.stack([crops.crop_at(pixels, 0, index, 96) for index in range(4)])
    trained = {name: array + np.float32(name == "conv1_2/bias") for name, array in start.items()}
    widths = (*WIDTHS[:3], 28, 24)
    grown = pruning.prune(vgg, image, widths, 1000, np.random.default_rng(0), trained)
    assert grown.keys() == start.keys()
    for name, array in grown.items():
        if name[4] in "123":
            np.testing.assert_array_equal(array, trained[name])
    assert grown["conv4_1/kernel"].shape == (3, 3, 16, 28)
    assert grown["conv5_1/kernel"].shape == (3, 3, 28, 24)
    # The kernel above is fitted to the kept layers as they are.
    other = pruning.prune(vgg, image, widths, 1000, np.random.default_rng(0), start)
    assert np.abs(grown["conv4_1/kernel"] - other["conv4_1/kernel"]).max() > 1e-4
    np.testing.assert_array_equal(grown["conv4_1/channels"], other["conv4_1/channels"])


def test_channels_are_chosen_by_what_they_explain(random):
    """Of copies of three independent signals one each is chosen, the strongest first."""
    signals = random.normal(size=(5000, 3)) * [1.0, 3.0, 2.0]
    samples = np.concatenate([signals, signals + 1e-3 * random.normal(size=(5000, 3))], 1)
    chosen = pruning.choose_channels([np.cov(samples.T)], 3)
    assert [index % 3 for index in chosen] == [1, 2, 0]


def test_what_a_chosen_channel_explains_is_gone_by_every_matrix(random):
    """Two channels are copies, each loud in one matrix and faint in the other; the third is not."""
    signals = random.normal(size=(5000, 2))
    covariance = np.cov(signals[:, [0, 0, 1]].T)
    loudness = np.array([[1.1, 0.1, 0.3], [0.1, 1.0, 0.3]])
    matrices = [covariance * np.outer(weights, weights) for weights in loudness]
    chosen = pruning.choose_channels(matrices, 2)
    assert len({0, 1} & set(chosen)) == 1 and 2 in chosen


def test_fit_finds_the_linear_map(random):
    inputs = random.normal(size=(400, 5)) + 2.0
    kernel, bias = random.normal(size=(5, 3)), random.normal(size=3)
    found, found_bias = pruning.fit(inputs, inputs @ kernel + bias)
    np.testing.assert_allclose(found, kernel, atol=0.01)  # the ridge pulls a little
    np.testing.assert_allclose(found_bias, bias, atol=0.05)


def test_losses_are_zero_at_the_target_and_one_for_nothing(random):
    target = tf.constant(random.uniform(size=(2, 6, 6, 5)), tf.float32)
    feature, gram = regression.losses_of(target, target, (0, 0))
    assert float(feature) == 0 and float(gram) == 0
    feature, gram = regression.losses_of(tf.zeros_like(target), target, (0, 0))
    assert float(feature) == pytest.approx(1) and float(gram) == pytest.approx(1)


def test_a_crop_is_a_function_of_seed_and_index(examples):
    pixels = crops.load_pixels([examples])
    first, again, other = (crops.crop_at(pixels, 0, index, 48) for index in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (48, 48, 3) and np.abs(first - other).mean() > 0.01
    assert all(
        0 <= crop.min() and crop.max() <= 1
        for crop in (crops.crop_at(pixels, 0, index, 48) for index in range(40))
    )


def test_batches_draw_from_the_latest_crops():
    """A crop is used `repeats` times in the mean, and none that is older than the pool."""
    steps = range(2000)
    drawn = [regression.batch_indices(0, step, 8, repeats=4, pool=64, first=32) for step in steps]
    counts = np.bincount(np.concatenate(drawn))
    assert np.mean(counts[200:3800]) == pytest.approx(4, rel=0.1)
    for step, indices in enumerate(drawn):
        assert max(0, 32 + 2 * step - 64) <= indices.min() <= indices.max() < 32 + 2 * step


def test_targets_are_computed_once():
    calls = []

    def crop(index):
        calls.append(index)
        return np.full((32, 32, 3), index / 10, np.float32)

    def encoder(image):
        return {layer: image for layer in layer_names.HEAD_LAYERS}

    targets = regression.Targets(encoder, crop, 3)
    image, features = targets.batch(np.array([1, 2, 1]))
    assert calls == [1, 2]
    np.testing.assert_allclose(image[:, 0, 0, 0], [0.1, 0.2, 0.1])
    # In half precision, without a tenth at each border.
    np.testing.assert_allclose(features["relu3_1"], image[:, 4:-4, 4:-4], rtol=1e-3)
    targets.batch(np.array([3, 4, 5, 1]))  # drops the oldest, 1 and 2, afterwards
    assert calls == [1, 2, 3, 4, 5]
    targets.batch(np.array([1]))
    assert calls == [1, 2, 3, 4, 5, 1]
