"""`tfstyle examples`: copies the example photographs, style pictures and clip to a folder."""

import dataclasses
import pathlib
import shutil

from absl import logging

from tfstyle import files
from tfstyle.config import option
from tfstyle.errors import InputError


@dataclasses.dataclass(frozen=True)
class ExamplesCommand:
    """The flags of `tfstyle examples`."""

    output: str = option("examples", "Folder to copy to; it may exist.", section="Files")


FLAGS = ExamplesCommand


def main(config: ExamplesCommand) -> int | None:
    """Copies the packaged pictures; files of the same name are replaced."""
    folder = pathlib.Path(config.output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--output: {folder} cannot be created ({error.strerror})") from error
    examples = files.examples_folder()
    for source in sorted([*examples.glob("*.jpg"), *examples.glob("*.mp4")]):
        with files.replacing(folder / source.name) as temporary:
            shutil.copyfile(source, temporary)
        logging.info("%s", folder / source.name)
    return 0
