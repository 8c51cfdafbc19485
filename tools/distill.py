"""Trains the `lite` encoder by feature regression, from random weights, resumably.

    python -m tools.distill --teacher FILE.npz --images DIR --images DIR --output DIR

The student sees random crops with flips, scale and colour jitter. At each head the loss is the
squared error of the features over the mean square of the teacher's, plus the same for Gram
matrices. The batch is a pure function of seed and step and the checkpoint holds all other state, so
a run that was stopped goes on as if it had not been. Each checkpoint also writes `lite.npz`, in
float16, as it ships; `python -m tools.distill_report` measures it.
"""

import pathlib
import time

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags, logging
from keras import ops
from PIL import Image, ImageEnhance

from tfstyle import encoders, files, statistics
from tools.teacher import Teacher

_TEACHER = flags.DEFINE_string("teacher", None, "Array file of the teacher.", required=True)
_IMAGES = flags.DEFINE_multi_string("images", None, "Folder of JPEG or PNG files.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "Folder of checkpoints and weights.", required=True)
_STEPS = flags.DEFINE_integer("steps", 16000, "Training steps in all.")
_BATCH = flags.DEFINE_integer("batch", 8, "Crops a step.")
_CROP = flags.DEFINE_integer("crop", 160, "Side of a crop in pixels, a multiple of 16.")
_RATE = flags.DEFINE_float("learning_rate", 0.02, "Peak relative step of a kernel.")
_GRAM = flags.DEFINE_float("gram_weight", 0.5, "Weight of the Gram matrices' errors.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the initial weights and of the batches.")
_SAVE_EVERY = flags.DEFINE_integer("save_every", 500, "Steps between checkpoints.")
_INPUT_DEVIATION = 64.0  # of an image minus the channel means
_PROBES = 16
_WARMUP = 300  # steps


class Muon(keras.optimizers.Muon):
    """Muon whose steps are relative to a kernel's He deviation, for kernels of any rank.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024. A convolution is
    the matrix from its inputs and taps to its outputs. Keras' version leaves those to Adam.
    """

    def _should_use_adamw(self, variable):
        return len(variable.shape) < 2

    def _muon_update_step(self, gradient, variable, lr, m):
        self.assign_add(m, gradient + m * (self.momentum - 1))
        direction = ops.reshape(gradient + self.momentum * m, (-1, variable.shape[-1]))
        update = self.zeropower_via_newtonschulz5(direction, self.ns_steps)
        rows, columns = update.shape
        # An orthogonal matrix has entries of deviation 1 / sqrt(max(rows, columns)).
        scale = float(np.sqrt(max(rows, columns) * 2.0 / rows))
        if variable.shape[-2] == 3:  # reads pixels
            scale /= _INPUT_DEVIATION
        self.assign_sub(variable, lr * scale * ops.reshape(update, variable.shape))


def load_pixels(folders):
    """List of `(h, w, 3)` uint8 RGB images."""
    files = sorted(f for folder in folders for f in pathlib.Path(folder).glob("*.[jp][pn]g"))
    return [np.asarray(Image.open(file).convert("RGB")) for file in files]


def make_batch(pixels, seed, step, batch, crop):
    """`(batch, crop, crop, 3)` float32 crops in [0, 1], the same for equal `seed` and `step`."""
    generator = np.random.default_rng((seed, step))
    return np.stack([_crop(generator, pixels, crop) for _ in range(batch)])


def _crop(generator, pixels, crop):
    image = pixels[generator.integers(len(pixels))]
    side = int(min(*image.shape[:2], crop * np.exp2(generator.uniform(-0.5, 1.0))))
    top = generator.integers(image.shape[0] - side + 1)
    left = generator.integers(image.shape[1] - side + 1)
    window = Image.fromarray(image[top : top + side, left : left + side])
    window = window.resize((crop, crop), Image.Resampling.BICUBIC)
    if generator.random() < 0.5:
        window = window.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if generator.random() < 0.5:
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            window = enhance(window).enhance(generator.uniform(0.6, 1.4))
    return np.asarray(window, "float32") / 255.0


def head_losses(features, targets, seed):
    """Scalar losses of each head: relative squared error of features and of Gram matrices.

    The Gram matrices' is an estimate from `_PROBES` random vectors p: ‖(G - T) p‖² has ‖G - T‖² for
    its mean, and G p = Fᵀ(F p) costs far less than G.
    """
    losses = {}
    for name, target in targets.items():
        # A tenth at each border sees padding; a window of the large maps is sample enough.
        size = target.shape[1]
        start = max(-(-size // 10), (size - 48) // 2)
        window = slice(start, size - start)
        target = statistics.flatten(target[:, window, window])
        feature = statistics.flatten(features[name][:, window, window])
        error = ops.mean(ops.square(feature - target)) / ops.mean(ops.square(target))
        probes = tf.random.stateless_normal((target.shape[-1], _PROBES), seed)
        product, product_target = _gram_product(feature, probes), _gram_product(target, probes)
        gram_error = ops.sum(ops.square(product - product_target), (1, 2)) / ops.sum(
            ops.square(product_target), (1, 2)
        )
        losses[name] = error, ops.mean(gram_error)
    return losses


def _gram_product(flat, probes):
    return ops.einsum("bnc,bnk->bck", flat, ops.matmul(flat, probes))


def main(_):
    keras.utils.set_random_seed(_SEED.value)
    output = pathlib.Path(_OUTPUT.value)
    output.mkdir(parents=True, exist_ok=True)
    student = encoders.VGG19(
        widths=encoders.LITE_WIDTHS, head_widths=encoders.VGG_WIDTHS, dtype="mixed_bfloat16"
    )
    student.build((None, None, None, 3))
    first = student.weights[0]
    first.assign(first / _INPUT_DEVIATION)
    teacher = Teacher(_TEACHER.value, dtype="bfloat16")
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
    shape = (_BATCH.value, _CROP.value, _CROP.value, 3)
    batches = tf.data.Dataset.range(int(optimizer.iterations), _STEPS.value).map(
        lambda step: tf.ensure_shape(
            tf.numpy_function(
                lambda s: make_batch(pixels, _SEED.value, int(s), _BATCH.value, _CROP.value),
                [step],
                tf.float32,
            ),
            shape,
        )
    )

    @tf.function
    def train_step(image):
        targets = teacher(image)
        with tf.GradientTape() as tape:
            seed = tf.stack([tf.cast(_SEED.value, tf.int64), optimizer.iterations.value])
            losses = head_losses(student(image), targets, seed)
            total = sum(feature + _GRAM.value * gram for feature, gram in losses.values())
        gradients = tape.gradient(total, student.trainable_variables)
        optimizer.apply(gradients, student.trainable_variables)
        return ops.stack(list(losses.values()))

    sums, start, count = 0.0, time.time(), 0
    for image in batches.prefetch(4):
        sums, count = sums + train_step(image).numpy(), count + 1
        step = int(optimizer.iterations)
        if step % 100 == 0:
            means = sums / count
            logging.info(
                "step %d, %.3f s a step, features %s, Gram %s",
                step,
                (time.time() - start) / count,
                np.round(means[:, 0], 4),
                np.round(means[:, 1], 4),
            )
            sums, start, count = 0.0, time.time(), 0
        if step % _SAVE_EVERY.value == 0 or step == _STEPS.value:
            manager.save()
            _save_weights(student, output / "lite.npz")


def _save_weights(student, path):
    arrays = {
        "/".join(variable.path.split("/")[-2:]): variable.numpy().astype("float16")
        for variable in student.weights
    }
    with files.replacing(path) as temporary:
        np.savez_compressed(temporary, **arrays)


if __name__ == "__main__":
    app.run(main)
