"""Files and folders: atomic writes, and checks before any work starts that they are writable."""

import contextlib
import functools
import hashlib
import os
import pathlib
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator

from tfstyle.errors import InputError

# Exceptions of Keras, NumPy, zip and JSON for files that are damaged or not ours.
UNREADABLE = (
    OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, ArithmeticError,
    zlib.error, zipfile.BadZipFile,
)  # fmt: skip
_PREFIX = ".tfstyle-"  # of temporary folders' names


def check_writable(path: str | os.PathLike) -> None:
    """Raises InputError if `replacing(path)` could not write a file; never leaves one itself."""
    path = pathlib.Path(path)
    target = _target(path)
    try:
        if not target.parent.is_dir():
            raise InputError(f"{path}: the folder {target.parent} does not exist; create it first")
        with tempfile.TemporaryFile(dir=target.parent):  # has no name that a kill could leave
            pass
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def _target(path: pathlib.Path) -> pathlib.Path:
    """The file to replace: `path`, or what a link there points to.

    Raises: InputError for a folder, device, FIFO or socket, which a file must not replace.
    """
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder; give the name of a file in it")
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is not a regular file; give another name")
        return pathlib.Path(os.path.realpath(path)) if path.is_symlink() else path
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def check_folder(flag: str, path: str | os.PathLike) -> None:
    """Raises InputError if `path` is not a writable folder and cannot be created as one."""
    folder = pathlib.Path(path).absolute()
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise InputError(f"--{flag}: {folder} is a file; give a folder")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"--{flag}: {folder} cannot be written ({error.strerror})") from error


def lock_folder(flag: str, path: str | os.PathLike) -> int | None:
    """Locks a folder until the returned handle is closed or this process ends.

    Returns: None where there are no locks.
    Raises: InputError if another process has locked it.
    """
    try:
        return _lock(path)
    except BlockingIOError as error:
        raise InputError(
            f"--{flag}: another program is working in {path}; give another folder"
        ) from error


def _lock(path):
    """As `lock_folder`, but raises BlockingIOError."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:  # a file system without locks
        os.close(handle)
        return None
    return handle


@contextlib.contextmanager
def temporary_folder(parent: pathlib.Path) -> Iterator[pathlib.Path]:
    """A new folder in `parent`, removed at the end, with those that killed processes have left."""
    _remove_abandoned(parent.absolute())
    folder, handle = _locked_folder(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def _locked_folder(parent):
    """A new folder, and its lock's handle or None."""
    while True:
        folder = pathlib.Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        # Another process may take it for an abandoned one, and remove it, until it is locked.
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            handle = _lock(folder)
            if handle is None or _is_at(handle, folder):
                return folder, handle
            os.close(handle)


def _is_at(handle, path):
    return path.exists() and os.path.samestat(os.fstat(handle), path.stat())


@functools.cache  # once for each run of a program
def _remove_abandoned(parent):
    """Removes temporary folders that no process has locked."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # BlockingIOError: in use
            handle = _lock(folder)
            if handle is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(handle)


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """A temporary file to write to, which becomes `path` when the block succeeds.

    It has the same name, in a temporary folder beside `path`; if `path` is a link, the file that
    the link points to is replaced. If the block fails, it is removed and `path` stays as it was.
    What a killed process leaves is removed by the next one that writes to the folder. Raises
    InputError for a folder, device, FIFO or socket, and if the system refuses, for instance because
    the disk is full.
    """
    path = pathlib.Path(path)
    target = _target(path)
    try:
        with temporary_folder(target.parent) as folder:
            temporary = folder / path.name
            yield temporary
            with open(temporary, "r+b") as file:
                os.fsync(file.fileno())  # the data must reach the disk before the name
            os.replace(temporary, target)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error


@contextlib.contextmanager
def new_folder(flag: str, path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """A temporary folder to fill, which becomes `path` when the block succeeds.

    If the block fails, it is removed, and so are parent folders that were created for it. A folder
    that exists already, perhaps a mounted one, is kept and filled from the temporary one. What a
    killed process leaves is removed by the next one that writes beside it. Raises InputError if the
    folder is not empty, or if the system refuses, for instance because the disk is full.
    """
    folder = pathlib.Path(path)
    check_new_folder(flag, folder)
    parent = folder if folder.is_dir() else folder.absolute().parent
    made = [path for path in (parent, *parent.parents) if not path.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(parent) as temporary:
            yield temporary
            if parent == folder:
                for file in temporary.iterdir():
                    os.replace(file, folder / file.name)
            else:
                temporary.chmod(0o777 & ~_umask())
                os.replace(temporary, folder)
    except OSError as error:
        raise InputError(
            f"--{flag}: {folder} cannot be written ({error.strerror or error})"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            for path in made:  # fails, as it should, if one is not empty
                path.rmdir()


def check_new_folder(flag: str, path: str | os.PathLike) -> None:
    """Raises InputError if `path` is neither an empty folder nor can be created."""
    folder = pathlib.Path(path)
    check_folder(flag, folder)
    if folder.is_dir():
        _remove_abandoned(folder.absolute())
        if any(folder.iterdir()):
            raise InputError(f"--{flag}: {folder} is not empty; give a new folder")


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def examples_folder() -> pathlib.Path:
    """The folder of example pictures: inside an installed package, beside it in a checkout."""
    package = pathlib.Path(__file__).parent
    inside = package / "examples"
    return inside if inside.is_dir() else package.parent / "examples"


def file_digest(path: str | os.PathLike) -> str:
    """The first 16 hexadecimal digits of a file's SHA-256."""
    return sha256(path)[:16]


def sha256(path: str | os.PathLike) -> str:
    """A file's SHA-256, 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
