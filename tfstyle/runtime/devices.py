"""Starts TensorFlow quickly, quietly and with deterministic operations."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator

from tfstyle.errors import InputError
from tfstyle.runtime import process


def start_tensorflow() -> None:
    """Loads TensorFlow, with deterministic operations and GPU memory taken as it is needed.

    On a single machine it also initializes the devices, while TensorFlow's messages about missing
    GPUs are hidden; with several machines, the strategy must be the first to do so.

    Raises: InputError if it is not installed.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever keras.json says
    with process.quiet_import(), _without_matplotlib():
        try:
            import keras
            import tensorflow as tf
        except ModuleNotFoundError as error:
            if error.name not in ("keras", "tensorflow"):
                raise
            raise InputError(
                "TensorFlow is not installed; pip install -e . installs it, and all that programs "
                "but `tfstyle stylize` need"
            ) from error

        keras.config.set_image_data_format("channels_last")
        hide_retracing_warnings()
        tf.config.experimental.enable_op_determinism()
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)
        if not os.environ.get("TF_CONFIG"):
            tf.config.list_logical_devices()


def hide_retracing_warnings() -> None:
    """Hides TensorFlow's warnings of retracing: each scale, encoder and picture has a function."""
    import tensorflow as tf

    tf.get_logger().addFilter(_is_not_about_retracing)


def _is_not_about_retracing(record):
    return "tf.function retracing" not in record.getMessage()


def names() -> list[str]:
    """Of TensorFlow's devices to compute on: all GPUs, or the processors if there is none."""
    import tensorflow as tf

    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name for device in found]


def processors() -> int:
    """How many processors this process may use."""
    known = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return known or 1


def has_gpu() -> bool:
    """Whether Keras' backend sees a GPU."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() == "gpu"
    if keras.backend.backend() == "torch":
        import torch

        return torch.cuda.is_available()
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def computes_bfloat16(cpuinfo: str = "/proc/cpuinfo") -> bool:
    """Whether the GPU or this CPU has bfloat16 arithmetic; True if unknown.

    Without it, a backward pass of VGG-19 takes about ten times as long as in float32.
    """
    if has_gpu():
        return True
    found = cpu_features(cpuinfo)
    return not found or bool({"avx512_bf16", "amx_bf16", "bf16"} & found)


def cpu_features(cpuinfo: str = "/proc/cpuinfo") -> set[str]:
    """Linux' names of this CPU's features; empty if unknown."""
    try:
        with open(cpuinfo, encoding="utf-8", errors="replace") as file:
            found = re.search(r"^(?:flags|Features)\s*:(.*)$", file.read(), re.MULTILINE)
    except OSError:
        return set()
    return {*found[1].split()} if found else set()


@contextlib.contextmanager
def _without_matplotlib() -> Iterator[None]:
    """Hides Matplotlib from imports: Keras would load it, for plots not used here, in 0.2 s."""
    hides = "matplotlib" not in sys.modules
    if hides:
        sys.modules["matplotlib"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if hides:
            del sys.modules["matplotlib"]
