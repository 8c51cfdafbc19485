"""The tool that trains `lite`, with a random teacher and the example pictures."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import ROOT
from tfstyle import encoders
from tools import distill
from tools.teacher import Teacher


@pytest.fixture
def teacher(tmp_path, random):
    """Path of an array file in the teacher's layout."""
    shapes, channels = {"conv0": (3, 3, 1, 1)}, 3
    for name in encoders.LAYERS[:13]:
        block, index = int(name[4]), name[-1]
        width = encoders.LITE_WIDTHS[block - 1]
        shapes[f"conv{block}{index}"] = (width, channels, 3, 3)
        if index == "1":
            shapes[f"conv{block}1_aux"] = (encoders.VGG_WIDTHS[block - 1], width, 1, 1)
        channels = width
    arrays = {}
    for name, shape in shapes.items():
        scale = 255.0 if name == "conv0" else np.sqrt(2.0 / np.prod(shape[1:]))
        arrays[f"{name}.weight"] = (scale * random.normal(size=shape)).astype("float32")
        arrays[f"{name}.bias"] = np.zeros(shape[0], "float32")
    np.savez(tmp_path / "teacher.npz", **arrays)
    return tmp_path / "teacher.npz"


def train(teacher, output):
    result = subprocess.run(
        [sys.executable, "-m", "tools.distill", f"--teacher={teacher}", "--images=examples",
         f"--output={output}", "--steps=4", "--save_every=2", "--batch=2", "--crop=64"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    with np.load(output / "lite.npz") as file:
        return dict(file)


def test_a_run_that_was_stopped_ends_as_one_that_was_not(teacher, tmp_path):
    whole = train(teacher, tmp_path / "run")
    folder = tmp_path / "run" / "checkpoints"
    (tmp_path / "run" / "lite.npz").unlink()
    first = 'model_checkpoint_path: "ckpt-1"\nall_model_checkpoint_paths: "ckpt-1"\n'
    (folder / "checkpoint").write_text(first)  # as if stopped at step 2
    resumed = train(teacher, tmp_path / "run")
    assert len(whole) == 36
    for name, array in whole.items():
        np.testing.assert_array_equal(array, resumed[name])


def test_losses_are_zero_at_the_target_and_one_for_nothing(teacher, photo):
    targets = Teacher(teacher)(photo)
    for feature, gram in distill.head_losses(targets, targets, (0, 0)).values():
        assert float(feature) == 0 and float(gram) == 0
    nothing = {name: tf.zeros_like(target) for name, target in targets.items()}
    for feature, gram in distill.head_losses(nothing, targets, (0, 0)).values():
        assert float(feature) == pytest.approx(1) and float(gram) == pytest.approx(1)


def test_a_batch_is_a_function_of_seed_and_step(examples):
    pixels = distill.load_pixels([examples])
    first, again, other = (distill.make_batch(pixels, 0, step, 2, 48) for step in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (2, 48, 48, 3) and np.abs(first - other).mean() > 0.01
