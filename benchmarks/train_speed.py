"""Measures training: speed against PyTorch, waiting for data, two devices against one.

    python -m benchmarks.train_speed [--pictures FOLDER] [--only NAME …]

Prints the machine and a table of ratios of alternatives timed in turn in this process. The
comparison with PyTorch needs the extra `torch` and some minutes: it runs VGG-19's widths.
"""

import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags, logging

from benchmarks.table import print_table
from tfstyle import encoders, models, training
from tfstyle.config import TrainConfig
from tfstyle.models.adain import STYLE_LAYERS
from tfstyle.runtime import devices
from tfstyle.training.steps import Stepper

PARTS = ("data", "devices", "torch")
_EXAMPLES = str(pathlib.Path(__file__).parent.parent / "examples")
_PICTURES = flags.DEFINE_string("pictures", _EXAMPLES, "Folder to read training pictures from.")
_ONLY = flags.DEFINE_multi_enum("only", None, PARTS, "What to measure; all by default.")
_BATCH, _SIZE = 8, 256
_LOGICAL = 2


def main(_):
    devices.hide_retracing_warnings()
    logging.set_verbosity(logging.ERROR)
    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration()] * _LOGICAL
    tf.config.set_logical_device_configuration(cpu, logical)
    print_table(_ONLY.value or PARTS, globals())


def measure_data(steps=60, window=15):
    """Share of the step time that the loop waits for its next batch."""
    for precision in ("float32", "mixed_bfloat16"):
        waits, rates = [], []

        class Record(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None, waits=waits, rates=rates):
                waits.append(100 * logs["data_wait"])
                rates.append(logs["images_per_second"])

        with tempfile.TemporaryDirectory() as folder:
            config = TrainConfig(
                content_dir=_PICTURES.value, style_dir=_PICTURES.value, output_dir=folder,
                encoder="lite", steps=steps, batch_size=_BATCH, crop_size=_SIZE, strategy="one",
                precision=precision, log_every=window, sample_every=10**6, checkpoint_every=10**6,
            )  # fmt: skip
            training.train(config, callbacks=[Record()])
        yield f"lite, {precision}, waiting for data, % of a step", "≤ 3", waits[1:], 2
        yield f"lite, {precision}, images a second with everything", "", rates[1:], 1


def measure_devices(rounds=5):
    """Images a second on two logical devices over one, with the same global batch."""
    batch = _random_batch()
    one, two = (
        _make_step("lite", "float32", strategy, batch)
        for strategy in (
            tf.distribute.get_strategy(),
            tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(_LOGICAL)]),
        )
    )
    ratios = [_seconds(one) / _seconds(two) for _ in range(rounds)]
    yield "lite, images a second, two logical devices / one", "≥ 0.95", ratios, 2


def measure_torch(rounds=3):
    """Images a second over PyTorch's, with VGG-19's widths and seeded random weights."""
    try:
        import torch

        from benchmarks.torch_adain import Reference, to_torch
    except ImportError:
        print("(the comparison with PyTorch needs it: pip install -e '.[torch]')")
        return
    torch.set_num_threads(os.cpu_count())
    batch = _random_batch()
    inputs = [to_torch(batch[name].astype("float32") / 255.0) for name in ("content", "style")]
    strategy = tf.distribute.get_strategy()
    model = _make_model("vgg19", "float32")
    same, paper = Reference(model), Reference(model, paper=True)
    small = {name: image[:1, :64, :64].astype("float32") / 255.0 for name, image in batch.items()}
    agreement = float(model.compute_loss(small)) / float(
        same.loss(*(to_torch(small[name]) for name in ("content", "style")))
    )
    yield "first loss, tfstyle / PyTorch (that it is the same loss)", "1", [agreement], 4
    runs = {
        "float32": _make_step("vgg19", "float32", strategy, batch),
        "bfloat16": _make_step("vgg19", "mixed_bfloat16", strategy, batch),
        "same": lambda: same.step(*inputs),
        "paper": lambda: paper.step(*inputs),
    }
    for run in runs.values():
        run()
    seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            seconds[name].append(_seconds(run, 1))
    for ours, target in (("float32", "≥ 1.3"), ("bfloat16", "≥ 2")):
        for theirs, what in (("paper", "PyTorch as the paper pads"), ("same", "the same network")):
            ratios = [a / b for a, b in zip(seconds[theirs], seconds[ours], strict=True)]
            name = f"VGG-19, images a second, {ours} / float32 of {what}"
            yield name, target if theirs == "paper" else "", ratios, 2


def _make_model(encoder, precision):
    if encoder == "lite":
        return models.AdaINModel.create("lite", dtype=precision)
    keras.utils.set_random_seed(1)
    network = encoders.VGG19(STYLE_LAYERS, dtype=precision)
    network.build((None, None, None, 3))
    model = models.AdaINModel(network, dtype=precision)
    model.build()
    return model


def _make_step(encoder, precision, strategy, batch):
    """A compiled function without arguments that runs one whole training step."""
    config = TrainConfig(batch_size=_BATCH, precision=precision)
    with strategy.scope():
        model = _make_model(encoder, precision)
    stepper = Stepper(model, config, strategy)
    per_replica = _BATCH // strategy.num_replicas_in_sync
    data = tf.data.Dataset.from_tensor_slices(batch).batch(per_replica).repeat()
    iterator = iter(strategy.distribute_datasets_from_function(lambda _: data))
    batches = next(iterator)

    def step():
        return float(stepper.train_step(batches)["total"])

    step()
    return step


def _random_batch():
    random = np.random.default_rng(0)
    shape = (_BATCH, _SIZE, _SIZE, 3)
    return {name: random.integers(0, 256, shape, "uint8") for name in ("content", "style")}


def _seconds(run, repeats=3):
    started = time.perf_counter()
    for _ in range(repeats):
        run()
    return time.perf_counter() - started


if __name__ == "__main__":
    app.run(main)
