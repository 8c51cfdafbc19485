"""Reads what others may have written: limits of size, depth and type come before any work.

Whatever is wrong with a file is a ValueError with a short reason, or an OSError; callers name the
file. Importing this package loads neither NumPy nor TensorFlow.
"""

import os


def check_regular(path: str | os.PathLike) -> None:
    """Raises ValueError for a device, FIFO or socket; opening one may wait for ever."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise ValueError("no regular file")
