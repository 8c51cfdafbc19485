"""Measures whitening and colouring by matrix products against eigendecompositions.

    python -m benchmarks.covariance_speed

The transform of a content's features, at all levels, given the style's statistics: covariance, its
inverse root, and the features' product with the map. In turn, in one process, for a photograph of
512 pixels: ours, compiled, by products and by eigenvalues, and float32 NumPy's `eigh`.
"""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks.table import print_heading, print_row
from tfstyle import covariances, encoders, images, statistics
from tfstyle.exporting import profiling

_EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
_ENCODERS = flags.DEFINE_multi_enum("encoder", ["lite", "vgg19"], ["lite", "vgg19"], "Encoders.")
_SIZE = flags.DEFINE_integer("size", 512, "Pixels a side.")


def main(_):
    print_heading()
    for name in _ENCODERS.value:
        _measure(name)


def _measure(name, rounds=5):
    encoder = encoders.load_encoder(name, heads=False)
    scales = encoders.feature_scales(encoder)
    shape = (_SIZE.value, _SIZE.value)
    content, style = (
        encoder(images.resize(images.read_image(_EXAMPLES / f"{picture}.jpg"), shape))
        for picture in ("chelsea", "mosaic")
    )
    features = [content[tap] / scales[tap] for tap in encoder.taps]
    codes = []
    for tap in encoder.taps:
        mean, covariance = statistics.covariance(style[tap] / scales[tap])
        codes.append((mean, covariances.roots_by_eigenvalues(covariance)[0]))

    def compiled(roots):
        @tf.function
        def transformed(features, codes):  # as arguments, which are not folded into constants
            results = []
            for maps, (target, root) in zip(features, codes, strict=True):
                mean, covariance = statistics.covariance(maps)
                matrix = tf.matmul(root, roots(covariance)[1])
                results.append(covariances.transform(maps, mean, matrix, target))
            return results

        return lambda: [one.numpy() for one in transformed(features, codes)]

    arrays = [maps.numpy() for maps in features]
    targets = [(mean.numpy(), root.numpy()[0]) for mean, root in codes]
    ways = {
        "products": compiled(covariances.roots),
        "eigenvalues": compiled(covariances.roots_by_eigenvalues),
        "NumPy": lambda: [
            _in_numpy(maps, *target) for maps, target in zip(arrays, targets, strict=True)
        ],
    }
    pictures = {way: compute() for way, compute in ways.items()}
    seconds = profiling.median_seconds(ways, rounds)
    for way in ("products", "eigenvalues"):
        differences = [
            np.linalg.norm(one - other) / np.linalg.norm(other)
            for one, other in zip(pictures[way], pictures["NumPy"], strict=True)
        ]
        print_row(
            f"{name}: time, {way} / NumPy's eigh", "< 1", [seconds[way] / seconds["NumPy"]], 3
        )
        print_row(f"{name}: relative difference, {way}, by level", "≤ 1e-3", differences, 6)


def _in_numpy(maps, target, root):
    """The paper's transform of `(1, h, w, c)` features, in float32."""
    flat = maps.reshape(-1, maps.shape[-1])
    flat = flat - flat.mean(0)
    covariance = flat.T @ flat / np.float32(len(flat))
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values, 0) + covariances.EPSILON * values.sum()
    matrix = root @ (vectors / np.sqrt(values)) @ vectors.T
    return (flat @ matrix.T + target).reshape(maps.shape)


if __name__ == "__main__":
    app.run(main)
