"""What one browser has uploaded and made; others cannot see it."""

import collections
import dataclasses
import itertools
import pathlib
import secrets
import shutil
import threading
from collections.abc import Callable, Iterable
from typing import Any

from tfstyle import images
from tfstyle.errors import InputError
from tfstyle.images import thumbnails
from tfstyle.images.outputs import safe_name
from tfstyle.web import settings
from tfstyle.web.render_queue import Render, RenderQueue
from tfstyle.web.shelf import Picture, jpeg
from tfstyle.web.voting import Trial

_MOST_PICTURES = 24  # of a session; those not used for longest go
_MOST_BYTES = 100_000_000  # of a session's uploads
_DECODERS = threading.Semaphore(2)  # at once; a picture takes some 500 MB

Check = Callable[[str, tuple[int, int], str], None]


@dataclasses.dataclass(frozen=True)
class Result:
    """A picture that was made.

    Attributes:
        path: of the PNG file; one of 16 bits is beside it, a TIFF, or is written by `write_deep`.
        name: for downloads, without a suffix.
        write_deep: writes that file.
    """

    path: pathlib.Path
    name: str
    write_deep: Callable[[pathlib.Path], object]

    def deep_path(self) -> pathlib.Path:
        """The TIFF file, which this writes if it is missing."""
        path = self.path.with_suffix(".tif")
        if not path.exists():
            self.write_deep(path)
        return path

    def remove(self) -> None:
        """Removes the files."""
        for suffix in (".png", ".tif"):
            self.path.with_suffix(suffix).unlink(missing_ok=True)


@dataclasses.dataclass
class _Upload:
    """A picture of the browser.

    Attributes:
        picture: it.
        path: of its file.
        kind: `shelf.PHOTOS` or `shelf.STYLES`.
        used: when it was last, as a count.
    """

    picture: Picture
    path: pathlib.Path
    kind: str
    used: int


@dataclasses.dataclass
class Voter:
    """One who compares pictures.

    Attributes:
        name: that the browser keeps; "" before it asks for a pair.
        trials: what is shown, by its id.
    """

    name: str = ""
    trials: dict[str, Trial] = dataclasses.field(default_factory=dict)


class Session:
    """Uploads, results and the render of one browser.

    Args:
        folder: for its files.
    """

    def __init__(self, folder: pathlib.Path):
        self.id = secrets.token_urlsafe(24)
        self.folder = folder / secrets.token_hex(8)
        self.folder.mkdir(mode=0o700)
        self.render: Render | None = None
        self.voter = Voter()
        self._uploads: dict[str, _Upload] = {}  # by the picture's id, the oldest first
        self._times = itertools.count()
        self._results: dict[str, Result] = {}
        self._lock = threading.Lock()

    def new_file(self, suffix: str) -> pathlib.Path:
        """A path for a new file of this session."""
        return self.folder / f"{secrets.token_hex(8)}{suffix}"

    def add_upload(
        self, path: pathlib.Path, name: str, kind: str, max_pixels: float, check: Check
    ) -> tuple[Picture, dict[str, Any]]:
        """Takes a file that was uploaded.

        Args:
            path: in this session's folder; it is removed if it cannot be used.
            name: that the browser gave.
            kind: `shelf.PHOTOS` or `shelf.STYLES`.
            max_pixels: of the picture, in millions.
            check: raises InputError for a kind, a `(height, width)` and a name that cannot be used.
        Returns: the picture, and the page's settings that it stores, if it does.
        Raises: InputError if it is no picture, or too large, or of `check`.
        """
        name = safe_name(name)
        stem = name.rpartition(".")[0] or name
        try:
            with _DECODERS:
                height, width = images.image_size(path)
                if height * width > max_pixels * 1e6:
                    raise InputError(
                        f"{name}: has {height * width / 1e6:.4g} megapixels; {max_pixels:g} can be "
                        "used at most. Reduce it first"
                    )
                check(kind, (height, width), name)
                small = images.read_image(path, 2 * thumbnails.SIZE, enlarge=False)
        except InputError as error:
            path.unlink(missing_ok=True)
            raise InputError(str(error).replace(str(path), name)) from error
        thumbnail = jpeg(thumbnails.thumbnail(small))
        picture = Picture(secrets.token_urlsafe(12), stem, name, path, thumbnail)
        with self._lock:
            self._uploads[picture.id] = _Upload(picture, path, kind, next(self._times))
            self._make_room()
        try:
            return picture, settings.of_parameters(images.read_parameters(path))
        except InputError:
            return picture, {}

    def _make_room(self):
        """Removes what was not used for longest, but not what a render needs, nor the last two."""
        sizes = {key: one.path.stat().st_size for key, one in self._uploads.items()}
        for key in sorted(sizes, key=lambda key: self._uploads[key].used)[:-2]:
            if len(sizes) <= _MOST_PICTURES and sum(sizes.values()) <= _MOST_BYTES:
                return
            if not self._is_rendered(self._uploads[key]):
                del sizes[key]
                self._remove(key)

    def _is_rendered(self, upload):
        if self.render is None or self.render.is_over:
            return False
        task = self.render.task
        return upload.path in (task.content, *task.styles)

    def _remove(self, identity):
        self._uploads.pop(identity).path.unlink(missing_ok=True)

    def remove(self, identity: str) -> bool:
        """Removes one of the uploads; False if there is no such one.

        Raises: InputError if a render needs it.
        """
        with self._lock:
            if identity not in self._uploads:
                return False
            if self._is_rendered(self._uploads[identity]):
                raise InputError("your render needs this picture; stop or cancel it first")
            self._remove(identity)
        return True

    def mark_used(self, identities: Iterable[str]) -> None:
        """Says that these are used now; others go before them."""
        with self._lock:
            for one in filter(None, map(self._uploads.get, identities)):
                one.used = next(self._times)

    def picture(self, identity: str) -> Picture | None:
        """One of the uploads, by its id."""
        found = self._uploads.get(identity)
        return found.picture if found else None

    def uploads(self, kind: str) -> list[Picture]:
        """Those for `shelf.PHOTOS` or `shelf.STYLES`, the newest first."""
        with self._lock:
            return [one.picture for one in self._uploads.values() if one.kind == kind][::-1]

    def add_result(self, result: Result) -> str:
        """Takes a picture that was made, in this session's folder; returns its id.

        The oldest go, but for the last render.
        """
        identity = secrets.token_urlsafe(12)
        kept = self.render.result if self.render else ""
        with self._lock:
            self._results[identity] = result
            old = [key for key in self._results if key != kept][:-_MOST_PICTURES]
            for key in old:
                self._results.pop(key).remove()
        return identity

    def result(self, identity: str) -> Result | None:
        """A picture that was made, by its id."""
        return self._results.get(identity)


class Sessions:
    """All sessions, by the cookies of their browsers; the ones not used for longest end.

    Args:
        folder: for their files.
        queue: of their renders, if there is one.
        most: sessions at a time.
    """

    def __init__(self, folder: pathlib.Path, queue: RenderQueue | None = None, most: int = 32):
        self._folder, self._queue, self._most = folder, queue, most
        self._sessions: collections.OrderedDict[str, Session] = collections.OrderedDict()
        self._lock = threading.Lock()

    def find(self, identity: str) -> Session | None:
        """The session of a cookie, or None; "" is none."""
        with self._lock:
            if identity not in self._sessions:
                return None
            self._sessions.move_to_end(identity)
            return self._sessions[identity]

    def start(self) -> Session:
        """A new session."""
        session = Session(self._folder)
        with self._lock:
            self._sessions[session.id] = session
            ended = []
            while len(self._sessions) > self._most:
                ended.append(self._sessions.popitem(last=False)[1])
        for one in ended:
            if one.render and self._queue:
                self._queue.cancel(one.render)
            shutil.rmtree(one.folder, ignore_errors=True)
        return session
