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
            declared = 0

            def add_link(name, link):
                if not isinstance(link, h5py.HardLink):
                    raise ValueError(f"{name}: a link to another place")

            def add(name, item):
                nonlocal declared
                if isinstance(item, h5py.Dataset):
                    if item.external or item.is_virtual:
                        raise ValueError(f"{name}: in another file")
                    declared += item.nbytes
                    if declared > size:
                        raise ValueError(f"{name}: declares more than the file holds")

            opened.visititems_links(add_link)
            opened.visititems(add)
            yield opened
    except (OSError, KeyError, RuntimeError, TypeError, AttributeError) as error:
        raise ValueError(f"a damaged HDF5 file, {error}") from error
