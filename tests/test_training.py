"""Training: replicas, resume, skipped steps, schedules, reports."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.conftest import ROOT
from tests.model_examples import make_adain
from tfstyle import files, models, training
from tfstyle.config import TrainConfig
from tfstyle.data.sources import Skipped
from tfstyle.errors import InputError
from tfstyle.models import adain
from tfstyle.training import new_models
from tfstyle.training.data_sets import open_pictures
from tfstyle.training.runs import RunFolder
from tfstyle.training.steps import LearningRate, Stepper

STEPS = 46  # of runs that are interrupted


@pytest.fixture(scope="module")
def folders(tmp_path_factory, examples):
    """Folders of 12 photographs and 11 paintings, crops of the examples."""
    root = tmp_path_factory.mktemp("pictures")
    for name, count, sources in (
        ("content", 12, ("astronaut.jpg", "chelsea.jpg")),
        ("style", 11, ("brushstrokes.jpg", "mosaic.jpg")),
    ):
        (root / name).mkdir()
        for i in range(count):
            picture = Image.open(examples / sources[i % 2])
            box = (20 * i, 10 * i, 20 * i + 120, 10 * i + 100)
            picture.crop(box).save(root / name / f"{i}.png")
    return {"content_dir": str(root / "content"), "style_dir": str(root / "style")}


def small_config(folders, output, **settings):
    small = {
        "encoder": "lite", "steps": 10, "batch_size": 4, "image_size": 48, "crop_size": 32,
        "learning_rate": 1e-4, "warmup_steps": 0, "schedule": "constant", "log_every": 5,
        "sample_every": 5, "checkpoint_every": 5,
    }  # fmt: skip
    return TrainConfig(**{**folders, "output_dir": str(output), **small, **settings})


def flags(config):
    found = []
    for name, value in dataclasses.asdict(config).items():
        found += [f"--{name}={one}" for one in (value if isinstance(value, tuple) else (value,))]
    return found


def checkpoint(folder, step):
    with np.load(folder / "checkpoints" / f"step-{step:08d}.npz") as file:
        return {name: file[name] for name in file if name != "meta"}


# Trains in a process of its own, whose processor is several logical devices.
_PROGRAM = """
import json, os, signal, sys
import keras
import tensorflow as tf
devices, *configs = json.loads(sys.argv[1])
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
from tfstyle import training
from tfstyle.config import TrainConfig
def die(batch, logs=None):
    if str(batch + 1) == os.environ.get("DIES_AFTER"):
        os.kill(os.getpid(), signal.SIGKILL)
for config in configs:
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=die)
    training.train(TrainConfig(**config), callbacks=[callback])
"""


def start_process(devices, *configs, **environment):
    arguments = json.dumps([devices, *(dataclasses.asdict(config) for config in configs)])
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def one_device(folders, tmp_path_factory):
    """Checkpoints of a run on one device, and of the same on two."""
    root = tmp_path_factory.mktemp("devices")
    configs = [
        small_config(folders, root / strategy, strategy=strategy)
        for strategy in ("one", "mirrored")
    ]
    process = start_process(2, *configs)
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output
    return root


def assert_equal_training(first, second):
    """Equal but for rounding: sums of four, and of two and two, differ in the last bits.

    It grows step by step, since rare channels of tiny crops are about to be on or off.
    """
    assert first.keys() == second.keys()
    for name in first:
        difference = np.abs(first[name] - second[name])
        if name.startswith(("model", "average")):
            assert np.mean(difference) < 5e-5, name  # of ten steps of 1e-4
        else:  # Adam's steps do not depend on the gradients' scale; its moments show that.
            # A sum in the place of a mean has 1; 0.03 was seen.
            assert np.linalg.norm(difference) <= 0.1 * np.linalg.norm(first[name]), name


def test_one_device_and_two_leave_equal_weights(one_device):
    first = checkpoint(one_device / "one", 10)
    assert_equal_training(first, checkpoint(one_device / "mirrored", 10))
    early = checkpoint(one_device / "one", 5)
    moved = np.abs(first["model/0"] - early["model/0"]).max()
    assert moved > 2e-4, "far more than the tolerance"


def free_ports():
    sockets = [socket.socket() for _ in range(2)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def cluster(ports, index):
    """TF_CONFIG of a process."""
    workers = [f"localhost:{port}" for port in ports]
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})


def run_machines(config, dying=None, after=0):
    """Exit codes and outputs of two machines, of which one may be killed after a step.

    The other one then ends within a minute.
    """
    ports = free_ports()
    processes = [
        start_process(
            1, config, TF_CONFIG=cluster(ports, index), DIES_AFTER=str(after * (index == dying))
        )
        for index in range(2)
    ]
    if dying is not None:
        assert processes[dying].wait(timeout=200) == -signal.SIGKILL
    seconds = 200 if dying is None else 60
    outputs = [process.communicate(timeout=seconds)[0] for process in processes]
    return [process.returncode for process in processes], outputs


@pytest.fixture(scope="module")
def two_machines(folders, tmp_path_factory):
    """The folder of a run on two machines, with checkpoints of steps 7 and 10."""
    root = tmp_path_factory.mktemp("machines")
    codes, outputs = run_machines(small_config(folders, root, checkpoint_every=7))
    assert codes == [0, 0], "\n".join(outputs)
    return root


def test_two_machines_leave_equal_weights(one_device, two_machines):
    assert_equal_training(checkpoint(one_device / "one", 10), checkpoint(two_machines, 10))
    assert models.load_model(two_machines / "model.keras")


def test_the_other_machine_saves_the_last_step_of_one_that_is_killed(
    folders, two_machines, tmp_path
):
    """First of the one that writes; then of the other, in a run that goes on, bit for bit."""
    config = small_config(folders, tmp_path)
    for lost, after in ((0, 3), (1, 7)):
        codes, outputs = run_machines(config, lost, after)
        assert codes[1 - lost] == 1, outputs
        assert (
            f"another machine has ended or cannot be reached; {tmp_path} holds a checkpoint of "
            f"step {after}, and the same command" in outputs[1 - lost]
        )
    first, second = checkpoint(two_machines, 7), checkpoint(tmp_path, 7)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_a_signal_to_one_machine_stops_all_at_a_report(folders, tmp_path):
    """TensorFlow takes SIGTERM for itself when several machines train; ours must come after."""
    ports = free_ports()
    config = small_config(folders, tmp_path, steps=100_000, log_every=2)
    processes = [
        subprocess.Popen(
            [sys.executable, ROOT / "train.py", *flags(config)],
            env={**os.environ, "TF_CONFIG": cluster(ports, index)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    for line in processes[0].stderr:
        if "step 4 of" in line:
            break
    processes[1].send_signal(signal.SIGTERM)
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [128 + signal.SIGTERM] * 2, errors
    assert "the same command goes on from there" in errors[0]
    assert list((tmp_path / "checkpoints").glob("step-*.npz"))


@pytest.fixture(scope="module")
def whole_run(folders, tmp_path_factory):
    """The folder of a run of the program that nothing interrupted."""
    root = tmp_path_factory.mktemp("whole")
    config = small_config(
        folders, root, steps=STEPS, pretrain_steps=3, checkpoint_every=4, sample_every=20
    )
    result = subprocess.run(
        [sys.executable, ROOT / "train.py", *flags(config)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return root


def interrupt(config, number, random):
    """Starts the program and sends it a signal after a random step; its exit status."""
    process = subprocess.Popen(
        [sys.executable, ROOT / "train.py", *flags(config)], stderr=subprocess.PIPE, text=True
    )
    stop_after = int(random.integers(5, STEPS // 2))
    for line in process.stderr:
        if f"step {stop_after} of" in line:
            break
    time.sleep(float(random.uniform(0, 0.02)))
    process.send_signal(number)
    return process.wait(timeout=60)


def go_on(config):
    """Starts the program again, which goes on to the end."""
    result = subprocess.run(
        [sys.executable, ROOT / "train.py", *flags(config)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert f"Going on from {config.output_dir}: step " in result.stderr


def assert_identical_ends(first, second, step):
    expected, found = checkpoint(first, step), checkpoint(second, step)
    assert expected.keys() == found.keys()
    for name in expected:
        np.testing.assert_array_equal(expected[name], found[name], err_msg=name)
    expected, found = (models.load_model(folder / "model.keras") for folder in (first, second))
    for a, b in zip(expected.weights, found.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_killed_and_started_again_it_ends_bit_for_bit_equal(whole_run, folders, tmp_path):
    random = np.random.default_rng()  # another step each time the tests run
    config = small_config(
        folders, tmp_path, steps=STEPS, pretrain_steps=3, checkpoint_every=4, log_every=1
    )
    assert interrupt(config, signal.SIGKILL, random) == -signal.SIGKILL
    left = sorted((tmp_path / "checkpoints").glob("step-*.npz"))
    assert left and not (tmp_path / "model.keras").exists()
    for path in left:
        np.load(path)["meta"]  # whole
    go_on(config)
    assert_identical_ends(whole_run, tmp_path, STEPS)


def test_sigterm_saves_and_exits(whole_run, folders, tmp_path):
    random = np.random.default_rng()
    config = small_config(
        folders, tmp_path, steps=STEPS, pretrain_steps=3, checkpoint_every=100, log_every=1
    )
    assert interrupt(config, signal.SIGTERM, random) == 128 + signal.SIGTERM
    (saved,) = (tmp_path / "checkpoints").glob("step-*.npz")
    assert 5 <= int(saved.stem[5:]) < STEPS
    go_on(config)
    assert_identical_ends(whole_run, tmp_path, STEPS)


def test_a_run_writes_all_it_promises(whole_run):
    names = {path.name for path in whole_run.iterdir()}
    assert names == {"checkpoints", "config.json", "logs", "model.keras", "samples"}
    config = json.loads((whole_run / "config.json").read_text())
    assert config["steps"] == STEPS and config["encoder"] == "lite" and "version" in config
    steps = [path.name for path in sorted((whole_run / "checkpoints").iterdir())]
    assert steps == ["step-00000040.npz", "step-00000044.npz", "step-00000046.npz"], "newest three"
    grids = [Image.open(path) for path in sorted((whole_run / "samples").iterdir())]
    assert [grid.size for grid in grids] == [(128, 128)] * 2  # one of 12 and of 11 is held out
    first, second = (np.asarray(grid, float) for grid in grids)
    for corner in (np.s_[:64, 64:], np.s_[64:, :64]):  # the style, the content
        np.testing.assert_array_equal(first[corner], second[corner])
    assert np.abs(first[64:, 64:] - second[64:, 64:]).max() > 0


def test_tensorboard_has_each_term_by_name(whole_run):
    (path,) = (whole_run / "logs").iterdir()
    tags = {}
    for event in tf.compat.v1.train.summary_iterator(str(path)):
        for value in event.summary.value:
            tags.setdefault(value.tag, []).append(event.step)
    assert {
        "loss/content/relu4_1", "loss/style/relu1_1", "loss/style/relu4_1", "loss/total",
        "train/learning_rate", "train/images_per_second", "train/data_wait", "samples",
    } <= tags.keys()  # fmt: skip
    assert tags["loss/total"] == [*range(5, 46, 5), 46]
    assert tags["samples"] == [20, 40]


def test_another_runs_folder_is_refused_by_flag(whole_run, folders):
    config = small_config(folders, whole_run, steps=20, pretrain_steps=3, checkpoint_every=4)
    for change, text in (
        ({"batch_size": 2}, "of another training run, which differs in --batch_size"),
        ({"seed": 1, "ema": 0.9}, "differs in --ema, --seed"),
        ({"precision": "mixed_float16"}, "--precision=mixed_float16: this run has no loss scale"),
        ({"resume": "never"}, "--resume=never: .* holds a run"),
        ({"steps": 3, "pretrain_steps": 3}, "--steps: .* has done 46 already"),
    ):
        with pytest.raises(InputError, match=text):
            training.train(dataclasses.replace(config, **change))
    newest = max((whole_run / "checkpoints").iterdir())
    data = newest.read_bytes()
    newest.write_bytes(b"something else")
    with pytest.raises(InputError, match="not a checkpoint of a training run"):
        training.train(config)
    newest.write_bytes(data)


def test_two_programs_cannot_train_in_one_folder(folders, tmp_path):
    config = small_config(folders, tmp_path, steps=2)
    run = RunFolder(config, {})
    run.prepare()
    with pytest.raises(InputError, match="another program is working in"):
        training.train(config)
    run.release()
    assert training.train(config).complete


def test_a_full_disk_is_one_line_and_keeps_what_there_is(folders, tmp_path, monkeypatch):
    config = small_config(folders, tmp_path, steps=4, checkpoint_every=2)
    save = np.savez

    def full(file, **arrays):
        if "step" in str(arrays["meta"]) and json.loads(str(arrays["meta"]))["step"] == 4:
            file.write(b"half")
            raise OSError(28, "No space left on device")
        save(file, **arrays)

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match=r"step-00000004\.npz: cannot be written \(No space left"):
        training.train(config)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000002.npz"]
    monkeypatch.undo()
    assert training.train(config) == training.TrainingResult(step=4, complete=True, skipped=0)


class Recorder(keras.callbacks.Callback):
    """Notes its calls and ends training at step 6."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("begin")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(("epoch", epoch, sorted(logs)[:3], logs["total"] > 0))

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(batch)
        if batch == 5:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.calls.append("end")


def test_keras_callbacks_work_and_can_end_training(folders, tmp_path):
    recorder = Recorder()
    board = keras.callbacks.TensorBoard(tmp_path / "keras", write_graph=False)
    best = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", "total", mode="min")
    result = training.train(
        small_config(folders, tmp_path / "run", log_every=3), callbacks=[recorder, board, best]
    )
    assert models.load_model(tmp_path / "best.keras")
    assert result == training.TrainingResult(step=6, complete=False, skipped=0)
    terms = ["content/relu4_1", "data_wait", "gradient_norm"]
    epochs = [("epoch", 0, terms, True), ("epoch", 1, terms, True)]
    assert recorder.calls == ["begin", 0, 1, 2, epochs[0], 3, 4, 5, epochs[1], "end"]
    assert list((tmp_path / "keras").rglob("events*"))
    assert (tmp_path / "run" / "checkpoints" / "step-00000006.npz").exists()


def test_training_starts_from_a_models_weights(whole_run, folders, tmp_path):
    """Whose margin may be another."""
    trained = str(whole_run / "model.keras")
    training.train(
        small_config(folders, tmp_path, steps=1, learning_rate=1e-9, init_model=trained, margin=16)
    )
    first, second = (models.load_model(f / "model.keras") for f in (whole_run, tmp_path))
    assert (first.margin, second.margin) == (adain.MARGIN, 16)
    for a, b in zip(first.weights, second.weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-7)
    other = make_adain()
    other.save(tmp_path / "narrow.keras")
    with pytest.raises(InputError, match="narrow.keras does not fit --model=adain"):
        training.train(
            small_config(folders, tmp_path / "b", init_model=str(tmp_path / "narrow.keras"))
        )


def test_quality_starts_as_the_packaged_mobile(folders, tmp_path, photo, painting):
    """Whose encoders are lite's; but for the margin, the guided filter and the noise."""
    mobile = models.load_model("mobile")
    margin = (f"margin={mobile.margin}",)
    config = small_config(
        folders, tmp_path, model="quality", init_model="mobile", model_arguments=margin
    )
    quality = new_models.make_model(config, ())
    new_models.start_from(config, quality, mobile)
    assert quality.guidance and quality.revision.grain
    quality.guidance = quality.revision.grain = 0.0
    inputs = {"content": photo, "style": painting}
    np.testing.assert_allclose(quality(inputs), mobile(inputs), atol=1e-4)
    assert quality.revision.count_params() > mobile.revision.count_params()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"schedule": "constant"}, {0: 2.0, 500: 2.0}),
        ({"schedule": "inverse"}, {0: 2.0, 20_000: 1.0, 60_000: 0.5}),
        ({"schedule": "cosine", "steps": 1000}, {0: 2.0, 500: 1.0, 1000: 0.0, 2000: 0.0}),
        ({"schedule": "constant", "warmup_steps": 3}, {0: 0.5, 1: 1.0, 3: 2.0, 9: 2.0}),
    ],
)
def test_learning_rates(settings, expected):
    rate = LearningRate(**{"rate": 2.0, "steps": 100_000, **settings})
    rate = LearningRate.from_config(rate.get_config())
    for step, value in expected.items():
        assert float(rate(step)) == pytest.approx(value, abs=1e-6)


def make_stepper(**settings):
    model = make_adain()
    config = TrainConfig(warmup_steps=0, schedule="constant", **settings)
    return Stepper(model, config, tf.distribute.get_strategy())


def make_batch(random, blank=False):
    """Uint8 crops; a blank painting has no loss that is finite (see `break_blank`)."""
    batch = {
        name: random.integers(0, 256, (2, 32, 32, 3), "uint8") for name in ("content", "style")
    }
    if blank:
        batch["style"][:] = 0
    return {name: tf.constant(value) for name, value in batch.items()}


@pytest.fixture
def break_blank(monkeypatch):
    """Makes the loss NaN wherever the painting is black."""
    terms = models.AdaINModel.loss_terms

    def broken(self, inputs):
        nan = tf.where(tf.reduce_max(inputs["style"]) == 0.0, np.nan, 1.0)
        return {name: value * nan for name, value in terms(self, inputs).items()}

    monkeypatch.setattr(models.AdaINModel, "loss_terms", broken)


def values(variables):
    return {name: variable.numpy().copy() for name, variable in variables.items()}


def test_a_step_without_finite_loss_changes_nothing_but_its_count(break_blank, random):
    stepper = make_stepper()
    stepper.train_step(make_batch(random))
    before = values(stepper.state())
    assert not stepper.train_step(make_batch(random, blank=True))["finite"]
    after = values(stepper.state())
    assert after.pop("skipped") == before.pop("skipped") + 1 == 1
    assert after.pop("bad_in_a_row") == before.pop("bad_in_a_row") + 1 == 1
    for name in before:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)
    assert stepper.train_step(make_batch(random))["finite"]
    assert stepper.bad_in_a_row.numpy() == 0 and stepper.skipped.numpy() == 1


def test_float16_lowers_its_loss_scale_and_steps_stay_the_same(break_blank, random):
    stepper, plain = make_stepper(precision="mixed_float16"), make_stepper()
    assert stepper.loss_scale.numpy() == 2.0**15
    stepper.train_step(make_batch(random, blank=True))
    assert stepper.loss_scale.numpy() == 2.0**14
    assert stepper.bad_in_a_row.numpy() == 0, "a large scale is no fault of the model"
    batch = make_batch(random)
    for each in (stepper, plain):
        each.train_step(batch)
    # The scale cancels: the model's own arithmetic is float32 here.
    for name, value in values(plain.state()).items():
        if name.startswith(("model", "average")):
            np.testing.assert_allclose(stepper.state()[name].numpy(), value, atol=1e-6)
    for _ in range(14 + 3):
        stepper.train_step(make_batch(random, blank=True))
    assert stepper.loss_scale.numpy() == 1.0
    assert stepper.bad_in_a_row.numpy() == 3


def test_several_bad_steps_in_a_row_end_training(break_blank, folders, tmp_path, monkeypatch):
    black = tmp_path / "black"
    black.mkdir()
    Image.new("RGB", (64, 64)).save(black / "black.png")
    config = small_config(
        {**folders, "style_dir": str(black)}, tmp_path / "run", steps=40, pretrain_steps=7
    )
    with pytest.raises(InputError, match="step 1[78]: the loss was not finite 10 times") as caught:
        training.train(config)
    last = checkpoint(tmp_path / "run", 15)
    assert all(np.isfinite(value).all() for value in last.values())
    # The advice can be followed: the same folder, a lower rate, and paintings that are fit.
    assert "resumes from step 15; a lower --learning_rate" in str(caught.value)
    monkeypatch.undo()
    result = training.train(dataclasses.replace(config, steps=20, learning_rate=1e-5))
    assert result.complete


def test_gradients_are_clipped_together(random):
    batch = make_batch(random)
    norms = [make_stepper(clip_norm=limit).train_step(batch)["gradient_norm"] for limit in (0, 0.1)]
    assert float(norms[0]) == pytest.approx(float(norms[1])), "reported as it was"
    # Adam's first moment after one step is a tenth of the gradient.
    stepper = make_stepper(clip_norm=0.1)
    stepper.train_step(batch)
    moments = [v for v in stepper.optimizer.variables if "momentum" in v.path]
    total = np.sqrt(sum((np.asarray(v) ** 2).sum() for v in moments))
    assert total == pytest.approx(0.01, rel=1e-3)


def test_the_average_of_weights_is_the_recurrence(random):
    stepper = make_stepper(ema=0.5, learning_rate=0.01)
    average = stepper.averages[0].numpy().astype(float)
    for count in range(6):
        stepper.train_step(make_batch(random))
        decay = min(0.5, (1 + count) / (10 + count))
        average = decay * average + (1 - decay) * stepper.model.trainable_variables[0].numpy()
    np.testing.assert_allclose(stepper.averages[0].numpy(), average, atol=1e-6)
    np.testing.assert_array_equal(stepper.result_weights()[0], stepper.averages[0].numpy())
    plain = make_stepper(ema=0.0)
    np.testing.assert_array_equal(
        plain.result_weights()[0], plain.model.trainable_variables[0].numpy()
    )


def test_samples_are_held_out_of_training(folders, tmp_path):
    config = small_config(folders, tmp_path)
    pictures = open_pictures(config, Skipped())
    batches, contents, styles = pictures.batches, pictures.contents, pictures.styles
    assert len(contents) == len(styles) == 1
    assert contents[0].shape == (1, 64, 64, 3)
    assert len(batches.content.source.names) == 11 and len(batches.style.source.names) == 10
    for crops, held_out in ((batches.content, contents), (batches.style, styles)):
        pictures = [crops.source.path(index) for index in range(len(crops.source.names))]
        trained = [np.asarray(Image.open(path).resize((8, 8)), float) for path in pictures]
        held = Image.fromarray((held_out[0][0] * 255).astype("uint8")).resize((8, 8))
        assert min(np.abs(np.asarray(held, float) - image).mean() for image in trained) > 3


def test_photographs_change_in_color_and_paintings_in_scale(folders, tmp_path):
    config = small_config(folders, tmp_path, color_jitter=0.3, style_scale_jitter=1.7)
    batches = open_pictures(config, Skipped()).batches
    assert (batches.content.color_jitter, batches.content.scale_jitter) == (0.3, 1.0)
    assert (batches.style.color_jitter, batches.style.scale_jitter) == (0.0, 1.7)


def test_options_of_samples_reach_crops_and_batches(folders, tmp_path):
    shares = {"recolored_share": 0.4, "identity_share": 0.2, "photo_share": 0.1}
    config = small_config(folders, tmp_path, content_min_crop=0.7, style_min_crop=0.5, **shares)
    batches = open_pictures(config, Skipped()).batches
    assert (batches.content.min_crop, batches.style.min_crop) == (0.7, 0.5)
    assert (batches.content.recolored, batches.style.recolored) == (0.0, 0.4)
    assert (batches.identity_share, batches.photo_share) == (0.2, 0.1)
    for name, share in shares.items():
        with pytest.raises(InputError, match=f"--{name}: must be 0 for johnson, whose styles"):
            named = small_config(folders, tmp_path, model="johnson", **{name: share})
            open_pictures(named, Skipped(), named=True)


def test_a_run_from_before_a_flag_existed_resumes(whole_run, folders):
    """Its checkpoints lack the flag, whose default is what the run did."""
    settings = {"steps": STEPS, "pretrain_steps": 3, "checkpoint_every": 4}
    config = small_config(folders, whole_run, **settings)
    later = {"content_min_crop", "style_min_crop", "recolored_share", "identity_share"}
    newest = max((whole_run / "checkpoints").iterdir())
    with np.load(newest) as file:
        flags = json.loads(str(file["meta"]))["identity"]["config"]
    assert not flags.keys() & {*later, "photo_share"} and "color_jitter" in flags
    assert training.train(config).step == STEPS
    with pytest.raises(InputError, match="which differs in --identity_share"):
        training.train(dataclasses.replace(config, identity_share=0.1))


def test_a_damaged_picture_is_not_held_out(tmp_path, folders, examples):
    (tmp_path / "content").mkdir()
    picture = Image.open(examples / "chelsea.jpg").resize((90, 80))
    for i in range(12):
        picture.rotate(i).save(tmp_path / "content" / f"{i}.jpg")
        data = (tmp_path / "content" / f"{i}.jpg").read_bytes()
        if i % 2:
            (tmp_path / "content" / f"{i}.jpg").write_bytes(data[: len(data) // 2])
    for seed in range(4):
        config = small_config({**folders, "content_dir": str(tmp_path / "content")}, tmp_path)
        skipped = Skipped()
        contents = open_pictures(dataclasses.replace(config, seed=seed), skipped).contents
        assert len(contents) == 1 and np.isfinite(contents[0]).all()


def test_a_batch_that_devices_cannot_share_is_refused(tmp_path, folders):
    result = start_process(3, small_config(folders, tmp_path, strategy="mirrored", batch_size=4))
    output, _ = result.communicate(timeout=100)
    assert "--batch_size: 4 cannot be shared equally by 3 devices; use 3" in output


def test_a_folder_that_cannot_be_one_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--output_dir: .*file is a file"):
        files.check_folder("output_dir", tmp_path / "file")
    files.check_folder("output_dir", tmp_path / "not" / "yet")
    assert not (tmp_path / "not").exists()
