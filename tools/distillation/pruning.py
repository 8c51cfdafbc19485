"""Prunes VGG-19 to a narrow network: selects channels, and refits layers by least squares.

Channel pruning after He, Zhang and Sun, "Channel Pruning for Accelerating Very Deep Neural
Networks", ICCV 2017: from the image up, each layer keeps some channels, and its kernel is refitted
to predict VGG-19's features from the narrow layers below. Channels are chosen greedily, as in a
pivoted Cholesky factorization: each next one explains most of the others' covariance, weighted by
the next layer's kernel and, where there is a head, with its targets scaled to a mean of 1. Heads
are fitted likewise. Each layer is scaled so that its features have a mean square of 1.
"""

import numpy as np
from absl import logging
from keras import ops

from tfstyle import encoders
from tfstyle.encoders import layer_names

_RIDGE = 3e-4  # of the mean square of the inputs
_FLOOR = 1e-9  # of a variance, relative to the trace


def choose_channels(covariances, count):
    """Indices of `count` channels that explain most of all channels' covariances.

    Args:
        covariances: `(c, c)` matrices of the same channels, each counted relative to its trace.
        count: at most c.
    """
    rest = [one / np.trace(one) for one in covariances]
    chosen: list[int] = []
    for _ in range(count):
        explained = sum((one**2).sum(0) / np.maximum(np.diag(one), _FLOOR) for one in rest)
        explained[chosen] = -1.0
        new = int(np.argmax(explained))
        chosen.append(new)
        rest = [one - np.outer(one[:, new], one[new]) / max(one[new, new], _FLOOR) for one in rest]
    return chosen


def fit(inputs, outputs):
    """Kernel `(n, m)` and bias `(m,)` of the ridge regression from `(p, n)` to `(p, m)`."""
    mean, target = inputs.mean(0, dtype=np.float64), outputs.mean(0, dtype=np.float64)
    centred = inputs - mean
    gram = centred.T @ centred
    ridge = _RIDGE * np.mean(np.square(inputs, dtype=np.float64)) * len(inputs)
    kernel = np.linalg.solve(gram + ridge * np.eye(len(gram)), centred.T @ (outputs - target))
    return kernel, target - mean @ kernel


def relative_error(value, target):
    """Sum of squared differences over the sum of squares of `target`."""
    value, target = np.asarray(value, np.float64), np.asarray(target, np.float64)
    return np.sum((value - target) ** 2) / np.sum(target**2)


def prune(vgg, image, widths, positions, generator, start=None):
    """The weights of a network like `lite`, and how they relate to VGG-19's.

    The latter are `conv*/channels`, the channels of VGG-19 that a layer's channels represent,
    `conv*/scale`, the divisor of those, and `head*/means`, the mean activations that heads' targets
    are divided by.

    Args:
        vgg: dict of VGG-19's kernels and biases.
        image: `(n, h, w, 3)` pictures in [0, 1].
        widths: channels of the five blocks.
        positions: number of positions to fit to.
        generator: of NumPy, to choose them.
        start: arrays of another such network, of which the first layers are kept, up to the first
            of another width.
    """
    start = start or {}
    wide = narrow = image[..., ::-1] * 255.0 - np.float32(encoders.CHANNEL_MEANS_BGR)
    arrays = {}
    for number, layer in enumerate(layer_names.TRUNK_LAYERS):
        name, width = layer.replace("relu", "conv"), widths[int(layer[4]) - 1]
        if layer.endswith("_1") and number:
            wide, narrow = _pool(wide), _pool(narrow)
        before = _convolve(wide, vgg[f"{name}/kernel"], vgg[f"{name}/bias"])
        wide = np.maximum(before, 0.0)
        head = layer.replace("relu", "head")
        if np.shape(start.get(f"{name}/channels")) != (width,):
            start = {}
        if start:
            arrays |= {key: start[key] for key in start if key.split("/")[0] in (name, head)}
            narrow = np.maximum(
                _convolve(narrow, start[f"{name}/kernel"], start[f"{name}/bias"]), 0
            )
            continue
        where = _choose(generator, before.shape, positions)
        features, targets = wide[where], before[where]
        del before
        covariance = np.cov(features.T.astype(np.float64))
        covariances = []
        if number + 1 < len(layer_names.TRUNK_LAYERS):
            reader = layer_names.TRUNK_LAYERS[number + 1].replace("relu", "conv")
            read = np.sqrt(np.square(vgg[f"{reader}/kernel"]).sum((0, 1, 3)))
            covariances.append(covariance * np.outer(read, read))
        if layer in layer_names.HEAD_LAYERS:
            means = np.mean(wide, (0, 1, 2), dtype=np.float64)
            covariances.append(covariance / np.outer(means, means))
        channels = choose_channels(covariances, width)
        kernel, bias = fit(_patches(narrow, where), targets[:, channels])
        scale = np.sqrt(np.mean(np.square(features[:, channels])))
        kernel, bias = kernel.reshape(3, 3, -1, width) / scale, bias / scale
        narrow = np.maximum(_convolve(narrow, kernel, bias), 0.0)
        arrays[f"{name}/kernel"], arrays[f"{name}/bias"] = kernel, bias
        arrays[f"{name}/channels"], arrays[f"{name}/scale"] = np.int16(channels), scale
        text = f"{relative_error(narrow[where] * scale, features[:, channels]):.4f}"
        if layer in layer_names.HEAD_LAYERS:
            kernel, bias = fit(narrow[where], targets / means)
            arrays[f"{head}/kernel"], arrays[f"{head}/bias"] = kernel[None, None], bias
            arrays[f"{head}/means"] = means
            guess = np.maximum(narrow[where] @ kernel + bias, 0.0)
            text += f", head {relative_error(guess, features / means):.4f}"
        logging.info("%s: relative squared error %s", layer, text)
    return {name: np.asarray(array, _type(name)) for name, array in arrays.items()}


def _choose(generator, shape, count):
    """Indices of some positions of `(n, h, w, c)` maps, away from borders, which see padding."""
    number, *sizes = shape[:3]
    inner = (number, *(size - 2 * (size // 10 + 1) for size in sizes))
    chosen = generator.choice(np.prod(inner), min(count, np.prod(inner)), replace=False)
    number, row, column = np.unravel_index(chosen, inner)
    return number, row + sizes[0] // 10 + 1, column + sizes[1] // 10 + 1


def _type(name):
    return np.int16 if name.endswith("/channels") else np.float32


def _convolve(maps, kernel, bias):
    kernel, bias = np.float32(kernel), np.float32(bias)
    parts = [ops.conv(part, kernel, padding="same") for part in np.array_split(maps, len(maps))]
    return np.concatenate(parts) + bias


def _pool(maps):
    return np.concatenate([ops.max_pool(part, 2, 2) for part in np.array_split(maps, len(maps))])


def _patches(maps, where):
    """`(p, 9·c)` values around the positions, in the order of a kernel's first three axes."""
    number, row, column = where
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return np.concatenate(
        [padded[number, row + down, column + right] for down in range(3) for right in range(3)], 1
    )
