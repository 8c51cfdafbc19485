"""The one exception that a user's input can cause."""


class InputError(Exception):
    """A file, flag or value given by the user cannot be used.

    The message is one line: it names the file or flag, says what was found and what would work.
    `cli.run` prints it as `error: …` and exits 1; every other exception is a bug.
    """
