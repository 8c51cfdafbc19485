"""Photographs and paintings in one file of a given size: a zip file of WebP pictures."""

import concurrent.futures
import functools
import io
import os
import pathlib
import zipfile

import numpy as np
from PIL import Image

from tfstyle import files, images
from tfstyle.errors import InputError, brief
from tfstyle.parsing import archives

KINDS = ("content", "style")
LONGEST = 1.5  # longer side over the shorter; the middle of longer pictures is kept
_QUALITIES = range(30, 96)
_EVERY = 16  # a quality is chosen by every 16th picture
_SPARE = 0.98  # of the size that they may predict
_THREADS = os.cpu_count() or 1  # Pillow works outside of Python's lock


def read_reduced(path: os.PathLike, side: int) -> Image.Image:
    """A picture whose shorter side has at most `side` pixels, and the longer `LONGEST` times."""
    image = images.read_image(path)
    height, width = image.shape[1:3]
    short = min(height, width)
    height, width = (min(length, int(LONGEST * short)) for length in (height, width))
    top, left = (
        (full - part) // 2 for full, part in zip(image.shape[1:3], (height, width), strict=True)
    )
    image = image[:, top : top + height, left : left + width]
    scale = min(1.0, side / short)
    image = images.resize(image, (round(scale * height), round(scale * width)))
    return Image.fromarray(np.uint8(np.rint(255.0 * image[0])))


def encode(picture: Image.Image, quality: int) -> bytes:
    """The bytes of a WebP file."""
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=quality, method=4)
    return stream.getvalue()


def pack(folders: dict[str, str], path: str | os.PathLike, side: int, most: int) -> dict:
    """Writes the pictures of folders to one file.

    Args:
        folders: of image files, by `KINDS`.
        path: of the zip file.
        side: of `read_reduced`.
        most: bytes that the file may have; the quality is chosen accordingly.
    Returns: the `quality`, the numbers of pictures by kind, and the `bytes`.
    Raises: InputError for a folder without pictures, or if they do not fit.
    """
    paths = {kind: images.find_pictures(f"{kind}_dir", [folders[kind]]) for kind in KINDS}
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        read = functools.partial(read_reduced, side=side)
        pictures = {kind: [*pool.map(read, found)] for kind, found in paths.items()}
        everything = [picture for kind in KINDS for picture in pictures[kind]]

        def encoded(some, quality):
            return [*pool.map(functools.partial(encode, quality=quality), some)]

        def fits(quality):
            size = sum(map(len, encoded(everything[::_EVERY], quality)))
            return size * len(everything) / len(everything[::_EVERY]) < _SPARE * most

        low, high = -1, len(_QUALITIES) - 1  # the largest that fits is in [low, high]
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(_QUALITIES[middle]) else (low, middle - 1)
        while low >= 0:
            members = encoded(everything, _QUALITIES[low])
            if sum(map(len, members)) + 256 * len(members) < most:  # with the zip's own
                break
            low -= 1
        else:
            raise InputError(
                f"--megabytes: {len(everything)} pictures need more, or a smaller --side"
            )
    names = [f"{kind}/{k:05d}.webp" for kind in KINDS for k in range(len(pictures[kind]))]
    with files.replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, data in zip(names, members, strict=True):
            archive.writestr(name, data)
    counts = {kind: len(found) for kind, found in pictures.items()}
    return {"quality": _QUALITIES[low], **counts, "bytes": pathlib.Path(path).stat().st_size}


def read_pack(path: str | os.PathLike) -> dict[str, list[np.ndarray]]:
    """The pictures by kind, each `(h, w, 3)` uint8; InputError for another file."""
    try:
        with archives.open_zip(path) as archive:
            data = {name: archive.read(name) for name in sorted(archive.namelist())}
        with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
            decoded = [*pool.map(_decode, data.values())]
    except files.UNREADABLE as error:
        raise InputError(f"{path}: not a file of tools.pack_pictures ({brief(error)})") from error
    pictures = {kind: [] for kind in KINDS}
    for name, picture in zip(data, decoded, strict=True):
        pictures.setdefault(name.partition("/")[0], []).append(picture)
    if sorted(pictures) != sorted(KINDS) or not all(pictures.values()):
        raise InputError(f"{path}: not a file of tools.pack_pictures; it needs content and style")
    return pictures


def _decode(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def stack(pictures: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of several sizes in one array of squares, and their sizes.

    Returns: `(n, s, s, 3)` uint8, each picture at the top left, its last row and column repeated
        below and to the right; and `(n, 2)` int32, height and width.
    """
    sizes = np.array([picture.shape[:2] for picture in pictures], np.int32)
    side = sizes.max()
    padded = [
        np.pad(picture, ((0, side - height), (0, side - width), (0, 0)), "edge")
        for picture, (height, width) in zip(pictures, sizes, strict=True)
    ]
    return np.stack(padded), sizes
