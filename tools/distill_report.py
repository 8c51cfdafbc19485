"""Measures `lite` against VGG-19: relative squared errors of features and Gram matrices.

    python -m tools.distill_report --images DIR [--size 384] [--lite FILE.npz] [--means FILE.npz]

VGG-19's channels are divided by their mean activations, as the heads' targets are. An error is the
sum of squared differences over the sum of squares of VGG-19's; the table has its mean over the
pictures for each head.
"""

import pathlib

import numpy as np
import tensorflow as tf
from absl import app, flags

from tfstyle import encoders, images, statistics
from tfstyle.encoders import layer_names, weight_files
from tools.distillation.pruning import relative_error
from tools.distillation.regression import load_student

_IMAGES = flags.DEFINE_multi_string("images", None, "Folder of pictures.", required=True)
_SIZE = flags.DEFINE_integer("size", 384, "Longest side in pixels.")
_MARGIN = flags.DEFINE_integer("margin", 32, "Pixels of reflection around the picture.")
_LITE = flags.DEFINE_string("lite", str(weight_files.LITE_PATH), "Array file of lite.")
_MEANS = flags.DEFINE_string("means", "", "Array file with the channels' means, if not --lite's.")
_VGG = flags.DEFINE_string("vgg_weights", "", "Keras' VGG-19 weights; cached or packaged if empty.")


def main(_):
    with np.load(_LITE.value) as file, np.load(_MEANS.value or _LITE.value) as other:
        student = tf.function(load_student(dict(file), _MARGIN.value), reduce_retracing=True)
        means = {
            layer: np.float32(other[layer.replace("relu", "head") + "/means"])
            for layer in layer_names.HEAD_LAYERS
        }
    encoder = encoders.load_encoder("vgg19", vgg_weights=_VGG.value, margin=_MARGIN.value)
    encoder = tf.function(encoder, reduce_retracing=True)
    paths = sorted(p for folder in _IMAGES.value for p in pathlib.Path(folder).iterdir())
    rows = []
    for path in paths:
        image = tf.constant(images.read_image(path, _SIZE.value))
        features, targets = student(image), encoder(image)
        pairs = [
            (features[layer], targets[layer] / means[layer]) for layer in layer_names.HEAD_LAYERS
        ]
        rows.append(
            [
                (
                    relative_error(feature, target),
                    relative_error(statistics.gram_matrix(feature), statistics.gram_matrix(target)),
                )
                for feature, target in pairs
            ]
        )
    print(f"{len(paths)} pictures of {_SIZE.value} px, margin {_MARGIN.value}")
    print("| layer | features | Gram matrix |\n| --- | --- | --- |")
    for layer, (feature, gram) in zip(layer_names.HEAD_LAYERS, np.mean(rows, axis=0), strict=True):
        print(f"| {layer} | {feature:.4f} | {gram:.4f} |")


if __name__ == "__main__":
    app.run(main)
