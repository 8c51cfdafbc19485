"""Networks whose features pictures are compared by, in training's loss and in evaluation."""

import hashlib
import pathlib
from collections.abc import Callable

import tensorflow as tf

from tfstyle import encoders, files, weights
from tfstyle.errors import InputError

MARGIN = 16  # pixels of reflection, as in `optimization`; a SavedModel does as it likes


def load_feature_network(
    flag: str, name: str, vgg_weights: str = "", *, batch: int = 1, dtype: str | None = None
) -> tuple[Callable[[tf.Tensor], dict[str, tf.Tensor]], str]:
    """The function from pictures to their features by paper name, and a text that identifies it.

    Args:
        flag: that the name was given by.
        name: "lite" (its heads), "vgg19", "auto", or the folder of a SavedModel that takes
            `(batch, h, w, 3)` float32 in [0, 1] and returns a dict with `weights.HEAD_LAYERS`.
        vgg_weights: path of Keras' VGG-19 weights; if empty, in Keras' cache.
        batch: pictures at once that it is tried with.
        dtype: Keras dtype policy of an encoder of ours.
    Raises: InputError for weights that are missing or of another network.
    """
    if name in ("auto", "lite", "vgg19"):
        name = weights.choose_encoder(name, vgg_weights)
        encoder = encoders.load_encoder(name, vgg_weights=vgg_weights, margin=MARGIN, dtype=dtype)
        path = weights.LITE_PATH if name == "lite" else weights.vgg_weights_path(vgg_weights)
        call, identity = tf.function(encoder, reduce_retracing=True), f"{name} {files.digest(path)}"
    else:
        call, identity = load_saved_model(flag, name)
    try:
        # Traced: in a trace alone a SavedModel minds its shapes.
        found = tf.function(call)(tf.fill((batch, 64, 64, 3), 0.5))
        missing = [layer for layer in weights.HEAD_LAYERS if layer not in found]
    except (AttributeError, TypeError, ValueError, tf.errors.OpError) as error:
        raise InputError(
            f"--{flag}: {name}: does not take ({batch}, h, w, 3) pictures and return a dict of "
            "features"
        ) from error
    if missing:
        raise InputError(f"--{flag}: {name}: returns no {', '.join(missing)}")
    return call, identity


def load_saved_model(flag: str, path: str) -> tuple[Callable, str]:
    """The function of a SavedModel of one input, and a text that identifies it.

    Raises: InputError, which names the flag, for a folder without one.
    """
    folder = pathlib.Path(path)
    if not (folder / "saved_model.pb").is_file():
        known = "lite, vgg19, auto or " if flag != "fid_network" else ""
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
            digest.update(files.digest(file).encode())
    return call, f"{folder.resolve().name} {digest.hexdigest()[:16]}"
