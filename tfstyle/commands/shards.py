"""`tfstyle shards`: packs a folder of pictures into TFRecord shards for training."""

import pathlib
import shutil
import time

from absl import logging

from tfstyle.config import ShardsCommand
from tfstyle.errors import InputError
from tfstyle.runtime import process, terminal

FLAGS = ShardsCommand


def main(config: ShardsCommand) -> int | None:
    """Writes the shards, and `skipped.txt` beside them if a picture could not be used."""
    from tfstyle import files
    from tfstyle.data.shards import write_shards
    from tfstyle.data.sources import Skipped, open_source

    output = pathlib.Path(config.output)
    files.check_folder("output", output)
    if output.is_dir() and any(output.iterdir()):
        raise InputError(f"--output: {output} is not empty; give a new folder")
    skipped = Skipped()
    source = open_source(config.pictures, "pictures", 1, skipped)
    with process.quiet_import():
        import tensorflow  # noqa: F401
    output.mkdir(parents=True, exist_ok=True)
    count, start = len(source.names), time.monotonic()
    try:
        for done in write_shards(source, output, config.size, config.per_shard, skipped):
            left = (time.monotonic() - start) * (count / done - 1.0)
            terminal.show_progress(done / count, f"{done} of {count} pictures", remaining=left)
    except BaseException:
        shutil.rmtree(output)  # incomplete shards would look complete
        raise
    if skipped.lines:
        with files.replacing(output / "skipped.txt") as temporary:
            temporary.write_text("\n".join(skipped.lines) + "\n", encoding="utf-8")
        logging.info("Left out %d files, listed in %s.", len(skipped.lines), output / "skipped.txt")
    logging.info("Wrote %s.", output)
    return 0
