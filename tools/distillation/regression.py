"""Optimizer, targets and losses to train a narrow VGG-19 on the features of the wide one."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfstyle import encoders, statistics
from tfstyle.encoders import layer_names

_PROBES = 16
_WINDOW = 48  # largest side of the window that a loss uses, in positions


class Muon(keras.optimizers.Muon):
    """Muon whose steps are relative to a kernel's own root mean square, for kernels of any rank.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024. A convolution is
    the matrix from its inputs and taps to its outputs. Keras' version leaves those to Adam.
    """

    def _should_use_adamw(self, variable):
        return len(variable.shape) < 2

    def _muon_update_step(self, gradient, variable, lr, m):
        self.assign_add(m, gradient + m * (self.momentum - 1))
        direction = ops.reshape(gradient + self.momentum * m, (-1, variable.shape[-1]))
        update = self.zeropower_via_newtonschulz5(direction, self.ns_steps)
        # An orthogonal matrix has entries of root mean square 1 / sqrt(max(rows, columns)).
        size = ops.sqrt(ops.mean(ops.square(variable))) * float(np.sqrt(max(update.shape)))
        self.assign_sub(variable, lr * size * ops.reshape(update, variable.shape))


class Targets:
    """VGG-19's features of numbered crops, computed on first use and cached.

    Args:
        encoder: VGG-19 with taps at `layer_names.HEAD_LAYERS`.
        crop: function from an index to a `(size, size, 3)` float32 crop.
        capacity: number of crops to cache.
    """

    def __init__(self, encoder, crop, capacity):
        self._crop = crop
        self._capacity = capacity
        self._kept = {}
        self._encode = tf.function(
            lambda image: {layer: window(maps) for layer, maps in encoder(image).items()},
            input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)],
        )

    def batch(self, indices):
        """`(batch, size, size, 3)` crops and a dict of the `window`s of their features."""
        missing = sorted({int(index) for index in indices} - self._kept.keys())
        if missing:
            crops = np.stack([self._crop(index) for index in missing])
            features = {k: v.numpy().astype(np.float16) for k, v in self._encode(crops).items()}
            for place, index in enumerate(missing):
                maps = {layer: found[place] for layer, found in features.items()}
                self._kept[index] = crops[place], maps
        kept = [self._kept[int(index)] for index in indices]
        for index in sorted(self._kept)[: max(0, len(self._kept) - self._capacity)]:
            del self._kept[index]
        features = {
            layer: np.stack([maps[layer] for _, maps in kept]).astype(np.float32)
            for layer in layer_names.HEAD_LAYERS
        }
        return np.stack([crop for crop, _ in kept]), features


def window(maps):
    """The centre of `(b, n, n, c)` maps, without the tenth at each border that padding affects."""
    size = maps.shape[1] or ops.shape(maps)[1]
    start = ops.maximum(-(-size // 10), (size - _WINDOW) // 2)
    return maps[:, start : size - start, start : size - start]


def batch_indices(seed, step, batch, repeats, pool, first):
    """Indices of a step's crops, drawn from the latest `pool` of those added so far."""
    newest = first + step * batch // repeats
    generator = np.random.default_rng((seed, step))
    return generator.integers(max(0, newest - pool), newest, batch)


def losses_of(feature, target, seed):
    """Scalar relative squared errors of features and of Gram matrices, `(b, h, w, c)` maps.

    That of Gram matrices is estimated with `_PROBES` random vectors p: the expectation of
    ‖(G - T) p‖² is ‖G - T‖², and G p = Fᵀ(F p) costs far less than G.
    """
    feature, target = statistics.flatten(feature), statistics.flatten(target)
    error = ops.mean(ops.square(feature - target)) / ops.mean(ops.square(target))
    probes = tf.random.stateless_normal((target.shape[-1], _PROBES), seed)
    product, product_target = _gram_product(feature, probes), _gram_product(target, probes)
    gram_error = ops.sum(ops.square(product - product_target), (1, 2)) / ops.sum(
        ops.square(product_target), (1, 2)
    )
    return error, ops.mean(gram_error)


def _gram_product(flat, probes):
    return ops.einsum("bnc,bnk->bck", flat, ops.matmul(flat, probes))


def load_student(start, margin=0):
    """The trainable network of the arrays `start`, from `tools.prune` or `tools.distill`."""
    widths = [start[f"conv{block}_1/kernel"].shape[-1] for block in range(1, 6)]
    student = encoders.VGG19(widths=widths, head_widths=encoders.VGG_WIDTHS, margin=margin)
    student.build((None, None, None, 3))
    for variable in student.weights:
        variable.assign(start[weight_name(variable)])
    return student


def weight_name(variable):
    """`conv1_1/kernel`, as in weight files."""
    return "/".join(variable.path.split("/")[-2:])
