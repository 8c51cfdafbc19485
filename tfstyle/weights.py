"""The encoders' layers by the papers' names, and the files of trained weights.

Loads neither Keras nor TensorFlow, so that a mistake is answered before them.
"""

import os
import pathlib

import numpy as np
from absl import logging

from tfstyle.config import did_you_mean
from tfstyle.errors import InputError

BLOCKS = (2, 2, 4, 4, 4)  # convolutions in each block, Simonyan and Zisserman 2015, configuration E
LAYERS = tuple(f"relu{b}_{k}" for b, n in enumerate(BLOCKS, 1) for k in range(1, n + 1))
HEAD_LAYERS = tuple(f"relu{b}_1" for b in range(1, 6))
TRUNK_LAYERS = LAYERS[: 1 + LAYERS.index(HEAD_LAYERS[-1])]  # of lite, which ends at relu5_1
VGG_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"  # as in keras.applications
VGG_URL = f"https://storage.googleapis.com/tensorflow/keras-applications/vgg19/{VGG_FILE}"
VGG_MD5 = "253f8cb515780f3b799900260a226db6"
PRETRAINED = pathlib.Path(__file__).parent / "pretrained"
LITE_PATH = PRETRAINED / "lite.npz"
PACKAGED_MODELS = {name: PRETRAINED / f"{name}.npz" for name in ("quality", "mobile")}


def model_path(name, flag="model"):
    """The file of a trained model: a packaged one's name, or a path.

    Args:
        name: given by the user.
        flag: that gave it, for errors.
    Raises: InputError if there is none.
    """
    if str(name) in PACKAGED_MODELS:
        return PACKAGED_MODELS[str(name)]
    path = pathlib.Path(name)
    if path.suffix not in (".keras", ".npz"):
        hint = did_you_mean(str(name), tuple(PACKAGED_MODELS))
        raise InputError(f"--{flag}: '{name}' is neither a packaged model nor a .keras file{hint}")
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    return path


def encoder_layers(name, heads=False):
    """Names of the features that an encoder has; `heads` as in `encoders.load_encoder`."""
    return LAYERS if name == "vgg19" else HEAD_LAYERS if heads else TRUNK_LAYERS


def choose_encoder(name="auto", vgg_weights=""):
    """The name, "lite" or "vgg19", that "auto" stands for on this machine, said in a log line.

    Raises: InputError if VGG-19 is asked for and its weights are not on disk.
    """
    if name == "lite" and vgg_weights:
        raise InputError("--vgg_weights: is of no use with --encoder=lite; leave one of them out")
    path = vgg_weights_path(vgg_weights)
    if path.is_file():
        return "vgg19" if name == "auto" else name
    if vgg_weights:
        raise InputError(f"{path}: no such file; `tfstyle download` fetches VGG-19's weights")
    if name == "vgg19":
        raise InputError(
            "--encoder=vgg19: its weights are not on this machine; `tfstyle download` fetches "
            "them, and --vgg_weights=FILE names a copy"
        )
    if name == "auto":
        logging.info("Encoder: lite, which ships; `tfstyle download` gets the full VGG-19.")
    return "lite"


def vgg_weights_path(vgg_weights=""):
    """Where VGG-19's weights are or would be: the path given, or Keras' cache."""
    return pathlib.Path(vgg_weights or os.path.join(_keras_home(), "models", VGG_FILE))


def download_vgg_weights():
    """Fetches VGG-19's weights into Keras' cache, checked; returns their path.

    Raises: InputError if they cannot be fetched.
    """
    import keras

    try:
        return pathlib.Path(
            keras.utils.get_file(VGG_FILE, VGG_URL, cache_subdir="models", file_hash=VGG_MD5)
        )
    except Exception as error:  # Keras raises a bare Exception for whatever the network does
        raise InputError(f"{VGG_URL}: cannot be fetched ({error})") from error


def _keras_home():
    return os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")


def read_npz(path):
    """`{"conv1_1/kernel": array, …}` from the file that ships."""
    with np.load(path) as file:
        return dict(file)


def read_keras_h5(path):
    """`{"conv1_1/kernel": array, …}` from Keras' file of weights, or a whole saved VGG-19."""
    import h5py

    arrays = {}
    try:
        with h5py.File(path) as file:
            root = file.get("model_weights", file)
            for layer in LAYERS:
                group = root.get(f"block{layer[4]}_conv{layer[6]}")
                if group is None:
                    continue
                names: list[str] = []
                group.visit(names.append)
                for item in map(group.get, names):
                    if isinstance(item, h5py.Dataset):
                        kind = "kernel" if item.ndim == 4 else "bias"
                        arrays[f"{layer.replace('relu', 'conv')}/{kind}"] = item[()]
    except OSError as error:
        raise InputError(f"{path}: not an HDF5 file of VGG-19's weights ({error})") from error
    return arrays
