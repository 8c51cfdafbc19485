"""The one exception that a user's input can cause."""

_LONGEST_REASON = 160  # characters


class InputError(Exception):
    """A file, flag or value given by the user cannot be used.

    The message is one line: it names the file or flag, says what was found and what would work.
    `cli.run` prints it as `error: …` and exits 1; every other exception is a bug.
    """


def reason(error: BaseException) -> str:
    """The first line of an exception of another library, printable and short, for an InputError."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    line = "".join(one if one.isprintable() else "?" for one in line)
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]} …"
