"""HDF5 files: a dataset may declare any size without holding it, or lie in another file."""

import contextlib
import os
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import h5py


@contextlib.contextmanager
def open_hdf5(file: str | os.PathLike | IO[bytes], size: int) -> "Iterator[h5py.File]":
    """An opened HDF5 file whose datasets lie in it, and are as large as they declare.

    Args:
        file: path, or opened file.
        size: of the file in bytes.
    Raises: ValueError for another file, also from within the block.
    """
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            problem = opened.visititems_links(_link_problem) or opened.visititems(_Sizes(size))
            if problem:
                raise ValueError(problem)
            yield opened
    except Exception as error:  # h5py lets any through for damaged data
        raise ValueError(f"a damaged HDF5 file, {error}") from error


def _link_problem(name, link):
    """What h5py stops at, and returns."""
    import h5py

    return None if isinstance(link, h5py.HardLink) else f"{name}: a link to another place"


class _Sizes:
    """The same for datasets."""

    def __init__(self, size):
        self.left = size

    def __call__(self, name, item):
        import h5py

        if not isinstance(item, h5py.Dataset):
            return None
        if item.external or item.is_virtual:
            return f"{name}: in another file"
        self.left -= item.nbytes
        return f"{name}: declares more than the file holds" if self.left < 0 else None
