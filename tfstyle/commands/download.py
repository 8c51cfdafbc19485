"""`tfstyle download`: fetches VGG-19's float32 weights into Keras' cache, where they are found."""

import dataclasses
from collections.abc import Sequence

from absl import logging

from tfstyle import cli, weights


@dataclasses.dataclass(frozen=True)
class DownloadCommand:
    """It has no flags."""


def main(argv: Sequence[str]) -> int | None:
    """Downloads with progress and checks the file."""
    if cli.parse(DownloadCommand, argv, "tfstyle download") is None:
        return 0
    with cli.quiet_import():
        import keras  # noqa: F401
    logging.info("VGG-19 in float32 is in %s.", weights.download_vgg_weights())
    return 0
