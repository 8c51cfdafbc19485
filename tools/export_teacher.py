"""Writes the teacher as a SavedModel, which `evaluate.py --encoder FOLDER` takes.

python -m tools.export_teacher --weights vgg19_16x.npz --output teacher
"""

import tensorflow as tf
from absl import app, flags

from tools.teacher import Teacher

_WEIGHTS = flags.DEFINE_string("weights", None, "Array file of the weights.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "Folder to write.", required=True)


def main(_):
    teacher = Teacher(_WEIGHTS.value)
    module = tf.Module()
    picture = tf.TensorSpec((1, None, None, 3), tf.float32, name="image")
    module.features = tf.function(teacher.call, input_signature=[picture])
    tf.saved_model.save(module, _OUTPUT.value, signatures=module.features)


if __name__ == "__main__":
    app.run(main)
