"""The files of the encoders' weights.

Loads neither Keras nor TensorFlow, so that errors are reported before they load.
"""

import os
import pathlib
import zipfile
from collections.abc import Iterable

import numpy as np
from absl import logging

from tfstyle import files
from tfstyle.errors import InputError, brief
from tfstyle.parsing import archives, hdf5

VGG_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"  # as in keras.applications
VGG_URL = f"https://storage.googleapis.com/tensorflow/keras-applications/vgg19/{VGG_FILE}"
VGG_MD5 = "253f8cb515780f3b799900260a226db6"
_PRETRAINED = pathlib.Path(__file__).parent.parent / "pretrained"
LITE_PATH = _PRETRAINED / "lite.npz"
VGG19_PATH = _PRETRAINED / "vgg19.npz"


def check_encoder(name: str = "auto", vgg_weights: str = "") -> None:
    """Raises InputError for a weight file that is missing or not used."""
    if name == "lite" and vgg_weights:
        raise InputError("--vgg_weights: not used with --encoder=lite; omit one of them")
    if vgg_weights and not os.path.isfile(vgg_weights):
        problem = "is a folder" if os.path.isdir(vgg_weights) else "no such file, or not readable"
        raise InputError(f"{vgg_weights}: {problem}; omit --vgg_weights to use the packaged file")


def choose_encoder(
    name: str = "auto", vgg_weights: str = "", has_gpu: bool = False, on_processor: str = "lite"
) -> str:
    """The encoder that "auto" stands for here, which is logged; any other name unchanged.

    Args:
        name: "lite", "vgg19", "mixed" or "auto": vgg19 on a GPU or where its weights are given.
        vgg_weights: path of VGG-19's weights, or empty.
        has_gpu: of `devices`.
        on_processor: what "auto" is otherwise.
    Raises: InputError of `check_encoder`.
    """
    check_encoder(name, vgg_weights)
    if name != "auto":
        return name
    if not vgg_weights and not has_gpu:
        logging.info(
            "Encoder: %s, as TensorFlow sees no GPU; on a CPU --encoder=vgg19 takes eight times as "
            "long as lite.",
            on_processor,
        )
        return on_processor
    logging.info(
        "Encoder: vgg19, as %s; --encoder=lite needs an eleventh of the arithmetic.",
        "--vgg_weights is given" if vgg_weights else "TensorFlow sees a GPU",
    )
    return "vgg19"


def encoder_path(name: str, vgg_weights: str = "") -> pathlib.Path:
    """The file of an encoder's weights.

    Args:
        name: "lite" or "vgg19".
        vgg_weights: path of VGG-19's; if empty, the float32 file in Keras' cache or, if there is
            none, the packaged one.
    """
    if name == "lite":
        return LITE_PATH
    if vgg_weights:
        return pathlib.Path(vgg_weights)
    cached = _cached_vgg_path()
    return cached if cached.is_file() else VGG19_PATH


def download_vgg_weights() -> pathlib.Path:
    """Downloads VGG-19's float32 weights to Keras' cache and checks them; returns their path.

    Raises: InputError if the download fails.
    """
    import keras

    try:
        return pathlib.Path(
            keras.utils.get_file(VGG_FILE, VGG_URL, cache_subdir="models", file_hash=VGG_MD5)
        )
    except Exception as error:  # Keras raises a bare Exception for network errors
        raise InputError(f"{VGG_URL}: download failed ({error})") from error


def _cached_vgg_path():
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    return pathlib.Path(home, "models", VGG_FILE)


def read_weights(path: str | os.PathLike, layers: Iterable[str]) -> dict[str, np.ndarray]:
    """`{"conv1_1/kernel": array, "conv1_1/bias": array, …}`, float32, for those in the file.

    Args:
        path: of a file in the packaged format (.npz) or in Keras' (HDF5): VGG-19's weights or a
            whole saved VGG-19.
        layers: such as "conv1_1" or "head1_1"; no other is read.
    Raises: InputError for a file of neither format, or a damaged one.
    """
    try:
        arrays = (_read_npz if zipfile.is_zipfile(path) else _read_keras_h5)(path, layers)
        return {name: archives.as_float32(array, name) for name, array in arrays.items()}
    except files.UNREADABLE as error:
        remedy = "; `tfstyle download` fetches it again" if path == _cached_vgg_path() else ""
        raise InputError(
            f"{path}: not a file of VGG-19's weights, or damaged ({brief(error)}){remedy}"
        ) from error


def _read_npz(path, layers):
    """Arrays are stored directly, or as 8-bit indices into a table."""
    layers, arrays = tuple(layers), {}
    found = archives.read_arrays(path, lambda name: name.partition("/")[0] in layers)
    for key in (f"{layer}/{kind}" for layer in layers for kind in ("kernel", "bias")):
        if key in found:
            arrays[key] = found[key]
        elif f"{key}.index" in found:
            arrays[key] = found[f"{key}.table"][found[f"{key}.index"]]
    return arrays


def _read_keras_h5(path, layers):
    import h5py

    arrays = {}
    with hdf5.open_hdf5(path, os.path.getsize(path)) as file:
        root = file.get("model_weights", file)
        for layer in layers:
            group = root.get("block{}_conv{}".format(*layer.removeprefix("conv").split("_")))
            if group is None:
                continue
            names: list[str] = []
            group.visit(names.append)
            for item in map(group.get, names):
                if isinstance(item, h5py.Dataset):
                    kind = "kernel" if item.ndim == 4 else "bias"
                    arrays[f"{layer}/{kind}"] = item[()]
    return arrays
