"""Measures `lite` against its teacher: relative squared errors of features and Gram matrices.

    python -m tools.distill_report --teacher FILE.npz --images DIR [--size 384] [--lite FILE.npz]

An error is the sum of squared differences over the sum of squares of the teacher's; the table has
its mean over the pictures, for each head.
"""

import pathlib

import numpy as np
from absl import app, flags

from tfstyle import encoders, images, statistics, weights
from tools.teacher import Teacher

_TEACHER = flags.DEFINE_string("teacher", None, "Array file of the teacher.", required=True)
_IMAGES = flags.DEFINE_multi_string("images", None, "Folder of pictures.", required=True)
_SIZE = flags.DEFINE_integer("size", 384, "Longest side in pixels.")
_MARGIN = flags.DEFINE_integer("margin", 32, "Pixels of reflection around the picture.")
_LITE = flags.DEFINE_string("lite", str(weights.LITE_PATH), "Array file of lite.")


def relative_error(value, target):
    """Sum of squared differences over the sum of squares of `target`."""
    value, target = np.asarray(value, np.float64), np.asarray(target, np.float64)
    return np.sum((value - target) ** 2) / np.sum(target**2)


def main(_):
    weights.LITE_PATH = pathlib.Path(_LITE.value)
    student = encoders.load_encoder("lite", margin=_MARGIN.value)
    teacher = Teacher(_TEACHER.value)
    paths = sorted(p for folder in _IMAGES.value for p in pathlib.Path(folder).iterdir())
    rows = []
    for path in paths:
        image = images.read_image(path, _SIZE.value)
        features, targets = student(image), teacher(image)
        rows.append(
            [
                (
                    relative_error(features[layer], targets[layer]),
                    relative_error(
                        statistics.gram_matrix(features[layer]),
                        statistics.gram_matrix(targets[layer]),
                    ),
                )
                for layer in encoders.HEAD_LAYERS
            ]
        )
    means = np.mean(rows, axis=0)
    print(f"{len(paths)} pictures of {_SIZE.value} px, margin {_MARGIN.value}")
    print("| layer | features | Gram matrix |\n| --- | --- | --- |")
    for layer, (feature, gram) in zip(encoders.HEAD_LAYERS, means, strict=True):
        print(f"| {layer} | {feature:.4f} | {gram:.4f} |")


if __name__ == "__main__":
    app.run(main)
