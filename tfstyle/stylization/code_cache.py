"""Style codes of paintings seen before, in the user's cache folder.

A file is `KEY.npz`, the key a hash of the painting's bytes and of all that its code depends on. The
oldest are removed when there are too many. A cache that cannot be read or written is none: the
code is computed as without it.
"""

import contextlib
import hashlib
import os
import pathlib
import sys
from collections.abc import Mapping

import numpy as np

import tfstyle
from tfstyle import files
from tfstyle.errors import InputError
from tfstyle.parsing import archives

MOST_BYTES = 64_000_000  # of all files; a code of `quality` has some 30 kB
_FOLDER = "TFSTYLE_CACHE"  # environment variable


def folder() -> pathlib.Path:
    """Where codes are: `$TFSTYLE_CACHE`, or `tfstyle` in the system's folder for caches.

    Raises: OSError if this user has none.
    """
    if os.environ.get(_FOLDER):
        return pathlib.Path(os.environ[_FOLDER])
    try:
        home = pathlib.Path.home()
    except RuntimeError as error:
        raise FileNotFoundError(str(error)) from error
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or home / ".cache"
    return pathlib.Path(base) / "tfstyle"


class CodeCache:
    """Codes of one model, by the paintings' files.

    Args:
        model: what codes depend on besides the painting: model, engine and size, as a text.
    """

    def __init__(self, model: str):
        self._model = f"{tfstyle.__version__} {model}"
        self._looked_for: dict[str, pathlib.Path] = {}  # the codes' files by the paintings'

    def get(self, painting: str | os.PathLike) -> dict[str, np.ndarray] | None:
        """The code of a painting, `(1, …)` arrays by name, or None."""
        try:
            path = self._looked_for[str(painting)] = self._path(painting)
            code = archives.read_arrays(path)
        except files.UNREADABLE:
            return None
        with contextlib.suppress(OSError):  # a folder that is not ours
            os.utime(path)
        return code

    def put(self, painting: str | os.PathLike, code: Mapping[str, np.ndarray]) -> None:
        """Stores a code, and removes the oldest of too many.

        A painting that has changed since `get` is left out: the code may be that of before.
        """
        with contextlib.suppress(*files.UNREADABLE, InputError):
            path = self._path(painting)
            if path != self._looked_for.get(str(painting), path):
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.replacing(path) as temporary, open(temporary, "wb") as file:
                np.savez(file, **code)  # type: ignore[arg-type]
            _bound(path.parent)

    def _path(self, painting):
        digest = hashlib.sha256(self._model.encode())
        with open(painting, "rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
        return folder() / "codes" / f"{digest.hexdigest()[:32]}.npz"


def _bound(codes):
    found = []
    for path in codes.glob("*.npz"):
        with contextlib.suppress(FileNotFoundError):  # another process removes them, too
            found.append((path.stat(), path))
    found.sort(key=lambda one: one[0].st_mtime)
    total = sum(stat.st_size for stat, _ in found)
    for stat, path in found:
        if total <= MOST_BYTES:
            break
        path.unlink(missing_ok=True)
        total -= stat.st_size
