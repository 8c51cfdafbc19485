"""`tfstyle examples`: copies the example photographs and style pictures to a folder."""

import dataclasses
import pathlib
import shutil
from collections.abc import Sequence

from absl import logging

from tfstyle import cli, files
from tfstyle.config import option
from tfstyle.errors import InputError


@dataclasses.dataclass(frozen=True)
class ExamplesCommand:
    """The flags of `tfstyle examples`."""

    output: str = option("examples", "Folder to copy to; it may exist.", section="Files")


def main(argv: Sequence[str]) -> int | None:
    """Copies the pictures that the package carries; files of the same name are replaced."""
    config = cli.parse(ExamplesCommand, argv, "tfstyle examples")
    if config is None:
        return 0
    folder = pathlib.Path(config.output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--output: {folder} cannot be made ({error.strerror})") from error
    for source in sorted(examples_folder().glob("*.jpg")):
        with files.replacing(folder / source.name) as temporary:
            shutil.copyfile(source, temporary)
        logging.info("%s", folder / source.name)
    return 0


def examples_folder() -> pathlib.Path:
    """Where the pictures are: inside an installed package, beside it in a checkout."""
    package = pathlib.Path(__file__).parent.parent
    inside = package / "examples"
    return inside if inside.is_dir() else package.parent / "examples"
