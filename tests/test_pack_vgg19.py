"""The tool that packs VGG-19, with random kernels."""

import subprocess
import sys

import h5py
import numpy as np
import pytest

from tests.conftest import ROOT
from tfstyle.encoders import layer_names, weight_files


@pytest.fixture
def arrays(random):
    """Kernels and biases of a narrow network with VGG-19's names, of Keras."""
    found, channels = {}, 3
    for name in layer_names.LAYERS:
        layer = f"block{name[4]}_conv{name[6]}"
        found[f"{layer}/kernel"] = random.normal(0.0, 0.1, (3, 3, channels, 64)).astype("float32")
        found[f"{layer}/bias"] = random.normal(size=64).astype("float32")
        channels = 64
    few = random.choice([-0.25, 0.0, 0.5], (3, 3, 3, 64))  # for which a table has entries enough
    found["block1_conv1/kernel"] = few.astype("float32")
    return found


def run(source, tmp_path):
    return subprocess.run(
        [sys.executable, "-m", "tools.pack_vgg19", f"--weights={source}",
         f"--output={tmp_path / 'packed.npz'}"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip


def test_float32_weights_come_back_nearly(arrays, tmp_path):
    with h5py.File(tmp_path / "vgg19.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
    result = run(tmp_path / "vgg19.h5", tmp_path)
    assert result.returncode == 0, result.stderr
    layers = [name.replace("relu", "conv") for name in layer_names.LAYERS]
    found = weight_files.read_weights(tmp_path / "packed.npz", layers)
    assert len(found) == 32
    for name, array in arrays.items():
        packed = found[name.replace("block", "conv").replace("_conv", "_")]
        assert packed.dtype == np.float32
        if name.endswith("bias") or name.startswith("block1_conv1"):
            np.testing.assert_array_equal(packed, array)
        else:
            error = np.sum((packed - array) ** 2.0) / np.sum(array**2.0)
            # √3 π / 2 / n² of the variance is the least for a normal density and many levels n
            # (Panter and Dite 1951), 4.15e-5 for 256; a sample of some thousands is fitted closer.
            assert error < 4.2e-5
            layer = f"conv{name[5]}_{name[11]}"
            assert f"| {layer} | {error:.2e} |" in result.stdout


def test_tables_are_taken_over(arrays, random, tmp_path):
    given = {}
    for name in layer_names.LAYERS:
        layer = f"block{name[4]}_conv{name[6]}"
        shape = arrays[f"{layer}/kernel"].shape
        given[f"{layer}.index"] = random.integers(0, 256, shape).astype(np.uint8)
        given[f"{layer}.table"] = np.sort(random.normal(size=256)).astype("float32")
        given[f"{layer}.bias"] = arrays[f"{layer}/bias"]
    np.savez(tmp_path / "given.npz", **given)
    assert run(tmp_path / "given.npz", tmp_path).returncode == 0
    with np.load(tmp_path / "packed.npz") as packed:
        assert len(packed.files) == len(given) == 48
        for name, array in given.items():
            layer, part = name.replace("block", "conv").replace("_conv", "_").split(".")
            found = packed[f"{layer}/bias" if part == "bias" else f"{layer}/kernel.{part}"]
            assert found.dtype == array.dtype
            np.testing.assert_array_equal(found, array)


def test_other_files_are_refused(tmp_path):
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    for source, words in (
        (weight_files.LITE_PATH, "not a file of indices and tables"),
        (tmp_path / "empty.h5", "has no conv1_1"),
    ):
        result = run(source, tmp_path)
        assert result.returncode and f"{source}: {words}" in result.stderr
    assert not (tmp_path / "packed.npz").exists()
