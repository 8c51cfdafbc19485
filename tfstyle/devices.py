"""TensorFlow, started without its chatter and so that equal runs give equal results."""

import os

from tfstyle import cli


def start_tensorflow() -> None:
    """Loads TensorFlow, with deterministic operations and GPU memory taken as it is needed.

    Without several machines it also starts the devices here, where what TensorFlow says about GPUs
    that are not there is not shown; with them, the strategy must be the first to do so.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever keras.json says
    with cli.quiet_import():
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)
        import keras

        keras.config.set_image_data_format("channels_last")
        if not os.environ.get("TF_CONFIG"):
            tf.config.list_logical_devices()
