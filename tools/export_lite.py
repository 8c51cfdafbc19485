"""Writes the student of a distillation as `tfstyle/pretrained/lite.npz`, in float16.

    python -m tools.export_lite --checkpoints DIR --output tfstyle/pretrained/lite.npz
"""

import numpy as np
import tensorflow as tf
from absl import app, flags

from tfstyle import encoders, files
from tfstyle.errors import InputError

_CHECKPOINTS = flags.DEFINE_string("checkpoints", None, "Folder of checkpoints.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "Array file to write.", required=True)


def main(_):
    student = encoders.VGG19(widths=encoders.LITE_WIDTHS, head_widths=encoders.VGG_WIDTHS)
    student.build((None, None, None, 3))
    latest = tf.train.latest_checkpoint(_CHECKPOINTS.value)
    if latest is None:
        raise InputError(f"{_CHECKPOINTS.value}: holds no checkpoint")
    tf.train.Checkpoint(student=student).restore(latest).expect_partial()
    arrays = {"/".join(w.path.split("/")[-2:]): w.numpy().astype("float16") for w in student.weights}
    with files.replacing(_OUTPUT.value) as temporary:
        np.savez_compressed(temporary, **arrays)


if __name__ == "__main__":
    app.run(main)
