"""Packs VGG-19's convolutions in the packaged format: 8-bit indices into a table for each kernel.

    python -m tools.pack_vgg19 --weights FILE --output tfstyle/pretrained/vgg19.npz

FILE is Keras' .h5 of float32 weights, for which tables are computed and the errors printed, or an
.npz that has tables already, as `block1_conv1.index` (3, 3, in, out), `.table` (256,) and `.bias`:
these are copied unchanged.
"""

import pathlib

import numpy as np
from absl import app, flags

from tfstyle import files
from tfstyle.encoders import layer_names, weight_files
from tfstyle.errors import InputError

_WEIGHTS = flags.DEFINE_string("weights", None, "File of VGG-19's weights.", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "Array file (.npz) to write.", required=True)
_QUANTILES = 4097  # of a kernel's values, which its first table is made from


def make_table(values, iterations=1000):
    """A `(256,)` float32 table that about minimizes the squared error for `values` of any shape.

    One-dimensional k-means by Lloyd, "Least squares quantization in PCM", 1982: each entry becomes
    the mean of the values nearest to it. The initial density of entries is proportional to the cube
    root of the values' density, the optimum for many entries (Panter and Dite 1951).
    """
    values = np.sort(values, axis=None).astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    # The density between two quantiles is about 1 / distance; its cube root is integrated.
    quantiles = values[np.linspace(0, len(values) - 1, min(len(values), _QUANTILES)).astype(int)]
    share = np.concatenate([[0.0], np.cumsum(np.diff(quantiles) ** (2 / 3))])
    table = np.interp((np.arange(256) + 0.5) / 256 * share[-1], share, quantiles)
    for _ in range(iterations):
        bounds = np.searchsorted(values, (table[1:] + table[:-1]) / 2)
        bounds = np.concatenate([[0], bounds, [len(values)]])
        counts = np.diff(bounds)
        means = np.diff(sums[bounds]) / np.maximum(counts, 1)
        means = np.where(counts, means, table)
        if np.array_equal(means, table):
            break
        table = means
    return table.astype(np.float32)


def nearest(table, values):
    """uint8 indices, of the shape of `values`, of the nearest entries of an ascending table."""
    middles = (table[1:].astype(np.float64) + table[:-1]) / 2
    return np.searchsorted(middles, values).astype(np.uint8)


def pack_float32(path):
    """Arrays of the packed file from Keras' file, and the relative squared errors by layer."""
    layers = [name.replace("relu", "conv") for name in layer_names.LAYERS]
    found = weight_files.read_weights(path, layers)
    arrays, errors = {}, {}
    for layer in layers:
        if f"{layer}/kernel" not in found or f"{layer}/bias" not in found:
            raise InputError(f"{path}: has no {layer}")
        kernel = found[f"{layer}/kernel"]
        table = make_table(kernel)
        index = nearest(table, kernel)
        errors[layer] = np.sum((table[index] - kernel) ** 2.0) / np.sum(kernel**2.0)
        arrays |= _entry(layer, index, table, found[f"{layer}/bias"])
    return arrays, errors


def pack_8bit(path):
    """Arrays of the packed file from a file of indices and tables."""
    arrays = {}
    try:
        with np.load(path) as file:
            for name in layer_names.LAYERS:
                parts = [
                    file[f"block{name[4]}_conv{name[6]}.{part}"]
                    for part in ("index", "table", "bias")
                ]
                arrays |= _entry(name.replace("relu", "conv"), *parts)
    except files.UNREADABLE as error:
        raise InputError(f"{path}: not a file of indices and tables ({error})") from error
    return arrays


def _entry(layer, index, table, bias):
    return {
        f"{layer}/kernel.index": index,
        f"{layer}/kernel.table": table,
        f"{layer}/bias": bias,
    }


def main(_):
    if pathlib.Path(_WEIGHTS.value).suffix == ".npz":
        arrays = pack_8bit(_WEIGHTS.value)
        print("Indices and tables are copied unchanged.")
    else:
        arrays, errors = pack_float32(_WEIGHTS.value)
        print("| layer | relative squared error |\n| --- | --- |")
        for layer, error in errors.items():
            print(f"| {layer} | {error:.2e} |")
    with files.replacing(_OUTPUT.value) as temporary:
        np.savez_compressed(temporary, **arrays)
    print(f"{_OUTPUT.value}: {pathlib.Path(_OUTPUT.value).stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    app.run(main)
