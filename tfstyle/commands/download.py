"""`tfstyle download`: fetches VGG-19's float32 weights into Keras' cache."""

import dataclasses

from absl import logging

from tfstyle.encoders import weight_files
from tfstyle.runtime import process


@dataclasses.dataclass(frozen=True)
class DownloadCommand:
    """It has no flags."""


FLAGS = DownloadCommand


def main(_: DownloadCommand) -> int | None:
    """Downloads with progress and checks the file."""
    with process.quiet_import():
        import keras  # noqa: F401
    logging.info("VGG-19 in float32 is in %s.", weight_files.download_vgg_weights())
    return 0
