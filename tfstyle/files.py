"""Files and folders: atomic writes, and checks before any work starts that they are writable."""

import contextlib
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
    OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zlib.error,
    zipfile.BadZipFile,
)  # fmt: skip


def check_writable(path: str | os.PathLike) -> None:
    """Raises InputError if `replacing(path)` could not write a file; leaves nothing behind."""
    path = pathlib.Path(path)
    target = _target(path)
    try:
        if not target.parent.is_dir():
            raise InputError(f"{path}: the folder {target.parent} does not exist; create it first")
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{path.name[:64]}."):
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

    Raises: InputError if another process has locked it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise InputError(
            f"--{flag}: another program is working in {path}; give another folder"
        ) from error
    except OSError:  # a file system without locks
        pass
    return handle


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """A temporary file to write to, renamed to `path` when the block succeeds.

    It is in the same folder and has the same suffix; if `path` is a link, the file that the link
    points to is replaced. If the block fails, the temporary file is removed and `path` stays as it
    was. Raises InputError for a folder, device, FIFO or socket, and if the system refuses, for
    instance because the disk is full.
    """
    path = pathlib.Path(path)
    target = _target(path)
    temporary = target.with_name(f".{path.stem[:64]}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        with open(temporary, "r+b") as file:
            os.fsync(file.fileno())  # the data must reach the disk before the name
        os.replace(temporary, target)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(flag: str, path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """A temporary folder to fill, which becomes `path` when the block succeeds.

    If the block fails, it is removed, and so are parent folders that were created for it. A folder
    that exists already, perhaps a mounted one, is kept and filled from the temporary one. Raises
    InputError if it is not empty, or if the system refuses, for instance because the disk is full.
    """
    folder = pathlib.Path(path)
    check_new_folder(flag, folder)
    temporary = None
    parent = folder if folder.is_dir() else folder.absolute().parent
    made = [path for path in (parent, *parent.parents) if not path.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
        temporary = pathlib.Path(tempfile.mkdtemp(prefix=".tfstyle-", dir=parent))
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
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
        with contextlib.suppress(OSError):
            for path in made:  # fails, as it should, if one is not empty
                path.rmdir()


def check_new_folder(flag: str, path: str | os.PathLike) -> None:
    """Raises InputError if `path` is neither an empty folder nor can be created."""
    folder = pathlib.Path(path)
    check_folder(flag, folder)
    if folder.is_dir() and any(folder.iterdir()):
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
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
