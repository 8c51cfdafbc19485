"""The one exception that a user's input can cause."""

import contextlib
from collections.abc import Iterator


class InputError(Exception):
    """A file, flag or value given by the user cannot be used.

    The message is one line: it names the file or flag, says what was found and what would work.
    `cli.run` prints it as `error: …` and exits 1; every other exception is a bug.
    """


@contextlib.contextmanager
def of_flag(name: str) -> Iterator[None]:
    """Puts the flag first in an InputError of the block about the file that it names."""
    try:
        yield
    except InputError as error:
        if str(error).startswith("--"):
            raise
        raise InputError(f"--{name}: {error}") from error
