"""TensorFlow, started quickly, without its chatter, and so that equal runs give equal results."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator

from tfstyle.runtime import process


def start_tensorflow() -> None:
    """Loads TensorFlow, with deterministic operations and GPU memory taken as it is needed.

    Without several machines it also starts the devices here, where what TensorFlow says about GPUs
    that are not there is not shown; with them, the strategy must be the first to do so.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever keras.json says
    with process.quiet_import(), _without_matplotlib():
        import keras
        import tensorflow as tf

        keras.config.set_image_data_format("channels_last")
        # Several scales, encoders and pictures are as many functions; TensorFlow takes it for a
        # mistake in a loop.
        tf.get_logger().addFilter(_is_not_about_retracing)
        tf.config.experimental.enable_op_determinism()
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)
        if not os.environ.get("TF_CONFIG"):
            tf.config.list_logical_devices()


def _is_not_about_retracing(record):
    return "tf.function retracing" not in record.getMessage()


def has_gpu() -> bool:
    """Whether TensorFlow sees a GPU."""
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def computes_bfloat16(cpuinfo: str = "/proc/cpuinfo") -> bool:
    """Whether the GPU or this processor has bfloat16 arithmetic; True where that is not known.

    Without it a backward pass of VGG-19 takes some ten times as long as in float32.
    """
    if has_gpu():
        return True
    try:
        with open(cpuinfo, encoding="utf-8", errors="replace") as file:
            found = re.search(r"^(?:flags|Features)\s*:(.*)$", file.read(), re.MULTILINE)
    except OSError:
        return True
    return found is None or bool({"avx512_bf16", "amx_bf16", "bf16"} & set(found[1].split()))


@contextlib.contextmanager
def _without_matplotlib() -> Iterator[None]:
    """Lets imports do without it: Keras has plots that no program of ours draws, for 0.2 s."""
    hides = "matplotlib" not in sys.modules
    if hides:
        sys.modules["matplotlib"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if hides:
            del sys.modules["matplotlib"]
