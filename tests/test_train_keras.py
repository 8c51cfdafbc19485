"""Training with JAX, and what becomes of its files with TensorFlow."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.model_examples import EXAMPLES
from tfstyle import models
from tfstyle.config import TrainConfig
from tfstyle.data import motions
from tfstyle.training.objectives import loss_terms_of
from tools.jax_training import packing

jax = pytest.importorskip("jax")
COMPARED = ("adain", "mobile")  # others have the same operations


def with_jax(*arguments, module="tests.jax_programs"):
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT, env={**os.environ, "KERAS_BACKEND": "jax"}, capture_output=True, text=True,
    )  # fmt: skip


def result_of(*arguments):
    found = with_jax(*arguments)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def pack(examples, tmp_path_factory):
    path = tmp_path_factory.mktemp("pack") / "pictures.zip"
    packing.pack(dict.fromkeys(packing.KINDS, str(examples)), path, 64, 100_000)
    return path


def test_losses_and_pictures_are_those_of_tensorflow(photo, painting, tmp_path):
    moved = {name: value[None] for name, value in motions.Motions(64)[1].items()}
    pictures = {"content": photo[:, :, :64], "style": painting, **moved}
    np.savez(tmp_path / "pictures.npz", **pictures)
    made = {name: EXAMPLES[name]() for name in COMPARED}
    for name, model in made.items():
        model.save(tmp_path / f"{name}.keras")
    found = result_of("terms", tmp_path)
    for name, model in made.items():
        expected = {k: float(v) for k, v in loss_terms_of(model, 2.0)(pictures).items()}
        # Differences of pictures that are nearly the same keep less of their precision.
        temporal, other = found[name].pop("temporal"), expected.pop("temporal")
        assert temporal == pytest.approx(other, rel=2e-3), name
        assert found[name] == pytest.approx(expected, rel=1e-4, abs=1e-6), name
        painted = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_allclose(painted, np.asarray(model(pictures)), atol=1e-4, err_msg=name)


def test_a_run_resumes_and_its_model_loads_with_tensorflow(pack, tmp_path):
    (first, again), share = zip(*result_of("train", tmp_path, pack)["steps"], strict=True)
    assert (first, again) == (0, 30) and share[0] == 0.0 < share[1] < 1.0
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [*range(1, 41)]
    totals = [line["total"] for line in lines]
    assert np.mean(totals[-5:]) < 0.8 * np.mean(totals[:5])
    assert np.mean(totals[30:35]) < 1.2 * np.mean(totals[25:30])  # with the weights of before
    assert {"pairs_per_second", "learning_rate", "gradient_norm"} < lines[0].keys()
    with np.load(tmp_path / "painted.npz") as file:
        inputs = {name: file[name] for name in ("content", "style")}
        painted = file["painted"]
    model = models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(np.asarray(model(inputs)), painted, atol=1e-4)
    packed = models.load_model(tmp_path / "model.npz")  # in float16
    np.testing.assert_allclose(np.asarray(packed(inputs)), painted, atol=0.02)
    assert (tmp_path / "checkpoint.npz").stat().st_size < 2_000_000
    with Image.open(tmp_path / "samples-000040.png") as grid:
        assert grid.size == (128, 128)  # a picture of each kind, and a corner


def test_a_step_clips_averages_and_skips_what_is_not_finite():
    (plain, skipped, clipped) = result_of("step")
    assert plain == [1, pytest.approx(0.9), pytest.approx(0.91), False]  # decays of 1 / 10, 2 / 11
    assert skipped == [*plain[:3], True]
    assert clipped[:2] == [2, pytest.approx(0.7)] and not clipped[3]
    assert clipped[2] == pytest.approx(0.7 + (0.91 - 0.7) * 2 / 11)


def test_the_program_names_what_it_cannot_train(pack, tmp_path):
    found = with_jax(
        f"--pictures={pack}", f"--output_dir={tmp_path}", "--minutes=1",
        "--precision=mixed_float16", module="tools.train_keras",
    )  # fmt: skip
    assert found.returncode == 1
    assert found.stderr.splitlines()[-1] == (
        "error: --precision: mixed_float16 needs a loss scale; give mixed_bfloat16"
    )


def test_a_model_starts_from_a_trained_one(pack, tmp_path):
    """Without any steps, which only writes the model."""
    found = with_jax(
        f"--pictures={pack}", f"--output_dir={tmp_path}", "--minutes=0", "--model=mobile",
        "--init_model=mobile", "--encoder=lite", "--crop_size=48", module="tools.train_keras",
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    made, packaged = (models.load_model(name) for name in (tmp_path / "model.keras", "mobile"))
    for one, other in zip(made.revision.weights, packaged.revision.weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_motions_on_the_device_are_those_of_the_data(sampling):
    unit = np.random.default_rng(2).uniform(-1, 1, (3, *motions.UNITS)).astype(np.float32)
    found = motions.places(jax.numpy.asarray(unit), 40)
    np.testing.assert_allclose(found, motions.places(unit, 40), atol=1e-4)
    made = sampling.moved(jax.random.key(0), 50, 40)
    assert made["noise"].shape == (50, 40, 40, 3) and made["places"].shape == (50, 40, 40, 2)
    flow = np.asarray(made["places"] - motions.places(0 * unit[:1], 40))
    sizes = np.sqrt(np.square(flow).sum(-1)).mean((1, 2))
    assert sizes.min() < 0.4 and 1 < sizes.max() < 4  # pixels
    assert 0.01 < np.asarray(made["noise"]).std((1, 2, 3)).mean() < 0.02


@pytest.fixture(scope="module")
def sampling():
    from tools.jax_training import sampling

    return sampling


def test_crops_are_resized_as_by_pillow(sampling, photo):
    pixels = np.uint8(np.rint(255 * photo))[:, :64, :64]
    for top, left, side in ((0, 0, 64), (5, 9, 40), (30, 41, 23)):
        box = (left, top, left + side, top + side)
        channels = (Image.fromarray(pixels[0, :, :, k].astype(np.float32)) for k in range(3))
        resized = [one.resize((32, 32), Image.Resampling.LANCZOS, box) for one in channels]
        expected = np.clip(np.stack(resized, axis=-1), 0, 255)
        start, side = np.float32([[top, left]]), np.float32([side])
        found = 255 * np.asarray(sampling.cut(pixels, start, side, 32)[0])
        np.testing.assert_allclose(found, expected, atol=0.05)


def test_a_crop_is_part_of_one_picture_and_half_are_flipped(sampling):
    """Pictures that rise from left to right by one level a pixel, each from another level."""
    rises = [np.arange(30)[None, :, None] + 60 * k + np.zeros((20, 1, 3)) for k in range(4)]
    stacked = packing.stack([rise.astype(np.uint8) for rise in rises])
    found = 255 * np.asarray(sampling.crops(jax.random.key(0), stacked, 400, 16, 0.5))
    picture = found.mean((1, 2, 3)) // 60
    assert np.bincount(picture.astype(int)).min() > 60
    assert (found.min((1, 2, 3)) >= 60 * picture - 0.5).all()
    assert (found.max((1, 2, 3)) <= 60 * picture + 29.5).all()
    slopes = (found[:, 8, 12, 0] - found[:, 8, 4, 0]) / 8 * 16  # of crops of 10 to 20 pixels
    assert np.mean(slopes > 0) == pytest.approx(0.5, abs=0.1)
    assert 9.9 < np.abs(slopes).min() < 11 and 19 < np.abs(slopes).max() < 20.1


def test_pairs_have_their_shares(sampling):
    content = packing.stack([np.full((8, 8, 3), k, np.uint8) for k in range(40)])
    painting = np.zeros((8, 8, 3), np.uint8) + np.uint8([100, 150, 200])
    shares = {"recolored_share": 0.25, "identity_share": 0.06, "photo_share": 0.05}
    config = TrainConfig(batch_size=4000, crop_size=32, **shares)
    found = sampling.pairs(jax.random.key(1), content, packing.stack([painting]), config)
    content, style = (np.rint(255 * np.asarray(found[k]))[:, 1, 1] for k in ("content", "style"))
    own = (content == style).all(1)
    assert own.mean() == pytest.approx(0.06, abs=0.015)
    assert ((style.max(1) < 40) & ~own).mean() == pytest.approx(0.05, abs=0.015)
    paintings = style[style.max(1) >= 40]
    changed = paintings[(paintings != [100, 150, 200]).any(1)]
    assert len(changed) / len(paintings) == pytest.approx(0.25 * (1 - 0.7 / 6), abs=0.03)
    assert len({*map(tuple, changed)}) == 5 + 6  # permuted, but for one; inverted, all six
    inverted = np.isin(changed, [155, 105, 55]).all(1)
    assert inverted.mean() == pytest.approx(0.3 / (1 - 0.7 / 6), abs=0.06)
