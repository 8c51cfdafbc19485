"""The one exception that a user's input can cause."""

import contextlib
from collections.abc import Iterator

_LONGEST = 140  # characters


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


def brief(what: object) -> str:
    """Another library's exception, or a value from a file, as an InputError may show it.

    Its first line, or else its type's name; printable and short.
    """
    line = (str(what).strip().splitlines() or [type(what).__name__])[0]
    line = printable(line)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"


def printable(text: str) -> str:
    """The text for a terminal: lines stay, other controls, and bytes that are no text, become "?".

    Names of files and values in them may hold sequences that command a terminal.
    """
    return "".join(one if one.isprintable() or one == "\n" else "?" for one in text)
