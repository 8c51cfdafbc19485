"""The networks whose features are compared."""

import hashlib
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfstyle import encoders, files
from tfstyle.encoders import layer_names, weight_files
from tfstyle.errors import InputError

MARGIN = 16  # pixels of reflection, as in `optimization`; not for SavedModels
Features = Callable[[np.ndarray], dict[str, np.ndarray]]


def load_features(name: str, vgg_weights: str = "") -> tuple[Features, str]:
    """The function from a picture to its features by paper name, and a text that identifies it.

    Args:
        name: "lite" (its heads), "vgg19", or the folder of a SavedModel that takes
            `(1, h, w, 3)` float32 in [0, 1] and returns a dict with `layer_names.HEAD_LAYERS`.
        vgg_weights: as in `weight_files.encoder_path`.
    Raises: InputError for weights that are missing or of another network.
    """
    if name in ("lite", "vgg19"):
        weight_files.check_encoder(name, vgg_weights)
        encoder = encoders.load_encoder(name, vgg_weights=vgg_weights, margin=MARGIN)
        digest = files.file_digest(weight_files.encoder_path(name, vgg_weights))
        call, identity = (
            tf.function(encoder, reduce_retracing=True, autograph=False),
            f"{name} {digest}",
        )
    else:
        call, identity = _load_saved_model("encoder", name)

    def features(image):
        return {layer: maps.numpy() for layer, maps in call(tf.constant(image)).items()}

    try:
        found = features(np.full((1, 64, 64, 3), 0.5, np.float32))
    except (AttributeError, TypeError, ValueError, tf.errors.OpError) as error:
        raise InputError(
            f"--encoder: {name}: does not take (1, h, w, 3) pictures and return a dict of features"
        ) from error
    missing = [layer for layer in layer_names.HEAD_LAYERS if layer not in found]
    if missing:
        raise InputError(f"--encoder: {name}: returns no {', '.join(missing)}")
    return features, identity


def load_fid_network(path: str) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """The function from a picture to Inception's features for FID, and its identity.

    Heusel et al., NeurIPS 2017, https://arxiv.org/abs/1706.08500. The network is TF-GAN's
    SavedModel of the published Inception, which returns `pool_3` for `(n, 299, 299, 3)` in [-1, 1].

    Raises: InputError for a SavedModel that returns none.
    """
    call, identity = _load_saved_model("fid_network", path)

    def pool(image):
        resized = tf.image.resize(tf.constant(image), (299, 299))
        return tf.reshape(call(2.0 * resized - 1.0)["pool_3"], (-1,)).numpy()

    try:
        pool(np.zeros((1, 299, 299, 3), np.float32))
    except (KeyError, TypeError, ValueError, tf.errors.OpError) as error:
        raise InputError(
            f"--fid_network: {path}: does not take (n, 299, 299, 3) pictures and return 'pool_3'"
        ) from error
    return pool, identity


def _load_saved_model(flag, path):
    folder = pathlib.Path(path)
    if not (folder / "saved_model.pb").is_file():
        known = "lite, vgg19 or " if flag == "encoder" else ""
        raise InputError(f"--{flag}: '{path}' is not {known}a SavedModel folder")
    try:
        model = tf.saved_model.load(folder)
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise InputError(f"--{flag}: {path}: a damaged SavedModel") from error
    if not callable(model):
        if "serving_default" not in model.signatures:
            raise InputError(f"--{flag}: {path}: has no signature 'serving_default'")
        signature = model.signatures["serving_default"]
        (name,) = list(signature.structured_input_signature[1])[:1] or ("",)
        call = lambda image: signature(**{name: image})
    else:
        call = model
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            digest.update(files.file_digest(file).encode())
    return call, f"{folder.resolve().name} {digest.hexdigest()[:16]}"
