"""Trains the `lite` encoder by feature regression on VGG-19, from a pruned start, resumably.

    python -m tools.prune --images DIR --images DIR --output start.npz
    python -m tools.distill --start start.npz --images DIR --images DIR --output DIR

The student is trained on crops of pictures, some blended or noisy (`distillation.crops`). At each
head the loss is the squared error of the features over the mean square of VGG-19's, each channel of
which is divided by its mean activation, plus the same for Gram matrices. Targets of the narrow
trunk below the heads are the channels of VGG-19 that it represents. VGG-19 costs eleven times as
much as the student, so each crop is used several times: crops are added one by one, and a batch is
drawn from the latest. A batch is a pure function of seed and step and the checkpoint holds all
other state, so a run that was stopped resumes exactly. Each checkpoint also writes `lite.npz`, in
float16, in the packaged format; `python -m tools.distill_report` measures it.
"""

import pathlib
import time

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags, logging

from tfstyle import encoders, files
from tools.distillation.crops import crop_at, load_pixels
from tools.distillation.regression import (
    Muon,
    Targets,
    batch_indices,
    load_student,
    losses_of,
    weight_name,
    window,
)

_START = flags.DEFINE_string("start", None, "File of `tools.prune`.", required=True)
_IMAGES = flags.DEFINE_multi_string("images", None, "Folder of JPEG or PNG files.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "Folder of checkpoints and weights.", required=True)
_VGG = flags.DEFINE_string("vgg_weights", "", "Keras' VGG-19 weights; cached or packaged if empty.")
_STEPS = flags.DEFINE_integer("steps", 16000, "Training steps in all.")
_BATCH = flags.DEFINE_integer("batch", 8, "Crops a step.")
_CROP = flags.DEFINE_integer("crop", 160, "Side of a crop in pixels, a multiple of 16.")
_REPEATS = flags.DEFINE_integer("repeats", 4, "How often a crop is used, on average.")
_POOL = flags.DEFINE_integer("pool", 2048, "Latest crops that a batch is drawn from.")
_FIRST = flags.DEFINE_integer("first_crops", 256, "Crops that the first batch is drawn from.")
_RATE = flags.DEFINE_float("learning_rate", 0.004, "Peak relative step of a kernel.")
_GRAM = flags.DEFINE_float("gram_weight", 0.5, "Weight of the Gram matrices' errors.")
_TRUNK = flags.DEFINE_float("trunk_weight", 0.2, "Weight of the narrow trunk's errors.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the batches.")
_SAVE_EVERY = flags.DEFINE_integer("save_every", 500, "Steps between checkpoints.")
_WARMUP = 100  # steps


def main(_):
    output = pathlib.Path(_OUTPUT.value)
    output.mkdir(parents=True, exist_ok=True)
    with np.load(_START.value) as file:
        start = dict(file)
    student = load_student(start)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, _STEPS.value, alpha=0.0, warmup_target=_RATE.value, warmup_steps=_WARMUP
    )
    optimizer = Muon(rate, adam_lr_ratio=0.2, weight_decay=None)
    optimizer.build(student.trainable_variables)
    checkpoint = tf.train.Checkpoint(student=student, optimizer=optimizer)
    manager = tf.train.CheckpointManager(checkpoint, output / "checkpoints", max_to_keep=2)
    checkpoint.restore(manager.latest_checkpoint)

    pixels = load_pixels(_IMAGES.value)
    logging.info("%d images, starting at step %d", len(pixels), int(optimizer.iterations))
    targets = Targets(
        encoders.load_encoder("vgg19", vgg_weights=_VGG.value),
        lambda index: crop_at(pixels, _SEED.value, index, _CROP.value),
        _POOL.value,
    )

    @tf.function(reduce_retracing=True)
    def train_step(image, wanted):
        rows = []
        with tf.GradientTape() as tape:
            seed = tf.stack([tf.cast(_SEED.value, tf.int64), optimizer.iterations.value])
            trunk = student.trunk(image)
            trunk = {layer: window(maps) for layer, maps in trunk.items()}
            total = 0.0
            for layer, head in student.heads(trunk).items():
                name = layer.replace("relu", "")
                feature, gram = losses_of(head, wanted[layer] / start[f"head{name}/means"], seed)
                channels = tf.gather(wanted[layer], start[f"conv{name}/channels"], axis=-1)
                narrow, narrow_gram = losses_of(
                    trunk[layer], channels / start[f"conv{name}/scale"], seed
                )
                total += feature + _GRAM.value * gram
                total += _TRUNK.value * (narrow + _GRAM.value * narrow_gram)
                rows.append([feature, gram, narrow, narrow_gram])
        gradients = tape.gradient(total, student.trainable_variables)
        optimizer.apply(gradients, student.trainable_variables)
        return tf.convert_to_tensor(rows)

    sums, started, count = 0.0, time.time(), 0
    while (step := int(optimizer.iterations)) < _STEPS.value:
        image, wanted = targets.batch(
            batch_indices(
                _SEED.value, step, _BATCH.value, _REPEATS.value, _POOL.value, _FIRST.value
            )
        )
        sums, count, step = sums + train_step(image, wanted).numpy(), count + 1, step + 1
        if step % 100 == 0:
            logging.info(
                "step %d, %.3f s a step\n%s",
                step,
                (time.time() - started) / count,
                np.round(sums.T / count, 4),
            )
            sums, started, count = 0.0, time.time(), 0
        if step % _SAVE_EVERY.value == 0 or step == _STEPS.value:
            _save_weights(student, start, output / "lite.npz")
            manager.save()  # last: a run killed before this repeats the step


def _save_weights(student, start, path):
    arrays = {**start, **{weight_name(variable): variable.numpy() for variable in student.weights}}
    for name, array in arrays.items():
        if name.endswith(("/kernel", "/bias")):
            arrays[name] = array.astype("float16")
    with files.replacing(path) as temporary:
        np.savez_compressed(temporary, **arrays)


if __name__ == "__main__":
    app.run(main)
