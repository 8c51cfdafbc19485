"""Animations (GIF, WebP) and folders of numbered pictures, as clips."""

import math
import os
import pathlib
import re
import struct
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from absl import logging
from PIL import Image, ImageSequence

from tfstyle import files, images
from tfstyle.errors import InputError, brief
from tfstyle.images.writing import JPEG_QUALITY
from tfstyle.video.clips import Clip, Frame

SUFFIXES = (".gif", ".webp")
PICTURES = (".png", ".jpg")  # of a folder's frames, as they are written
_MILLISECONDS = Fraction(1, 1000)
_DAMAGED = (*files.UNREADABLE, SyntaxError, struct.error, Image.DecompressionBombError)
_UNTIMED = 100  # milliseconds, what players take a duration of 0 for
_SAMPLE = 8000  # pixels, at least, of which a GIF's palettes are made; all would take much longer
_SHORTEST = 20  # milliseconds of a GIF's frame; players slow down shorter ones


class AnimationReader:
    """Frames of a GIF or a WebP file, with their times; transparency becomes white.

    Args:
        path: of the file.
        start: seconds from its beginning.
        end: seconds, or 0 for all.
        size: longest side of the frames in pixels, 0 for the file's own.

    Attributes:
        clip: what the frames share.
        sound: ().

    Raises: InputError if there is no such file, or if it is damaged.
    """

    sound: tuple[str, ...] = ()

    def __init__(
        self, path: str | os.PathLike, start: float = 0.0, end: float = 0.0, size: int = 0
    ):
        self.path = path
        self._start, self._end = round(1000 * start), round(1000 * end) or math.inf
        try:
            with Image.open(path) as file:
                count, loop = getattr(file, "n_frames", 1), file.info.get("loop", 1)
                height, width = images.fit(file.size[::-1], size) if size else file.size[::-1]
        except FileNotFoundError as error:
            raise InputError(f"{path}: no such file") from error
        except _DAMAGED as error:
            raise InputError(f"{path}: not an animation, or damaged ({brief(error)})") from error
        self.clip = Clip(width, height, _MILLISECONDS, Fraction(10), count, loop=loop)
        spans = [(frame.time, frame.duration) for frame in self._read(None, quiet=True)]
        if not spans:
            raise InputError(f"{path}: no frame from {start:g} s" + (f" to {end:g} s" * bool(end)))
        seconds = Fraction(sum(spans[-1]), 1000)
        rate = len(spans) / seconds
        self.clip = Clip(width, height, _MILLISECONDS, rate, len(spans), loop=loop)

    def frames(self, after: int | None = None) -> Iterator[Frame]:
        """Frames in order; reading ends, and says so, at one that cannot be decoded."""
        return self._read(after, quiet=False)

    def _read(self, after, quiet):
        time, shift = 0, None
        with Image.open(self.path) as file:
            try:
                for picture in ImageSequence.Iterator(file):
                    picture.load()  # a WebP file's duration is known only then
                    duration = round(picture.info.get("duration", 0)) or _UNTIMED
                    if self._start <= time < self._end:
                        shift = time if shift is None else shift
                        if after is None or time - shift > after:
                            yield Frame(self._pixels(picture), time - shift, duration)
                    time += duration
            except _DAMAGED as error:
                if not time:
                    raise InputError(f"{self.path}: damaged ({brief(error)})") from error
                if not quiet:
                    logging.warning(
                        "%s: frames after %.2f s cannot be decoded (%s).",
                        self.path, time / 1000, brief(error),
                    )  # fmt: skip

    def _pixels(self, picture):
        whole = picture.convert("RGBA")
        white = Image.new("RGBA", whole.size, "white")
        rgb = Image.alpha_composite(white, whole).convert("RGB")
        if rgb.size != (self.clip.width, self.clip.height):
            rgb = rgb.resize((self.clip.width, self.clip.height), Image.Resampling.LANCZOS)
        return np.asarray(rgb)


class FolderReader:
    """Pictures of a folder, in the order of the numbers in their names, as frames.

    Args:
        path: of the folder.
        start: seconds of the clip that they are.
        end: seconds, or 0 for all.
        size: longest side of the frames in pixels, 0 for the first picture's own.
        rate: frames per second.

    Attributes: as of `AnimationReader`.
    Raises: InputError if there are no pictures, or the first one cannot be read.
    """

    sound: tuple[str, ...] = ()

    def __init__(self, path: str | os.PathLike, start: float, end: float, size: int, rate: float):
        self.path = path
        exact = Fraction(rate).limit_denominator(1001)
        found = sorted(images.find_pictures("input", [path]), key=_number)
        last = math.ceil(end * exact - 1e-6) if end else len(found)
        self._files = found[math.ceil(start * exact - 1e-6) : last]
        if not self._files:
            raise InputError(f"{path}: no frame from {start:g} s, of {len(found)} frames")
        first = images.read_image(self._files[0], size or None)
        height, width = first.shape[1:3]
        self.clip = Clip(width, height, 1 / exact, exact, len(self._files))

    def frames(self, after: int | None = None) -> Iterator[Frame]:
        """Frames in order; the one before a picture that cannot be read stays, and this is said."""
        clip = self.clip
        for time, path in enumerate(self._files):
            if after is not None and time <= after:
                continue
            try:
                picture = images.read_image(path)
            except InputError as error:
                logging.warning("%s; the frame before it stays.", error)
                continue
            picture = images.resize(picture, (clip.height, clip.width))
            yield Frame(np.round(255.0 * picture[0]).astype(np.uint8), time, 1)


def _number(path):
    """A key that sorts frame2 before frame10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)]


def write_animation(path: str | os.PathLike, frames: Iterator[Frame], clip: Clip) -> None:
    """Writes a GIF or a WebP file, which is complete or absent.

    Args:
        path: of the file.
        frames: of the clip.
        clip: their time base, and how often they are shown.
    """
    is_gif = pathlib.Path(path).suffix.lower() == ".gif"
    shortest = _SHORTEST if is_gif else 1
    unit = 10 if is_gif else 1  # milliseconds in which the format counts
    kept: list[int] = []  # when frames begin, in milliseconds
    end = [0]

    def pictures():
        for frame in frames:
            begin = unit * round(1000 * frame.time * clip.time_base / unit)
            end[0] = unit * round(1000 * (frame.time + frame.duration) * clip.time_base / unit)
            if not kept or begin - kept[-1] >= shortest:
                kept.append(begin)
                yield _in_few_colors(frame.image) if is_gif else Image.fromarray(frame.image)

    found = list(pictures())
    stops = [*kept[1:], max(end[0], kept[-1] + shortest)]
    durations = [stop - begin for begin, stop in zip(kept, stops, strict=True)]
    # Players count what follows the first showing; Pillow leaves out the loop that is 1.
    looping = {} if clip.loop == 1 and is_gif else {"loop": clip.loop}
    lossy = {} if is_gif else {"quality": JPEG_QUALITY}
    with files.replacing(path) as temporary:
        found[0].save(
            temporary, save_all=True, append_images=found[1:], duration=durations, **looping,
            **lossy,
        )  # fmt: skip


def _in_few_colors(image):
    """A frame with a palette of its own, by median cut."""
    step = max(1, math.isqrt(image.shape[0] * image.shape[1] // _SAMPLE))
    palette = Image.fromarray(image[::step, ::step].copy()).quantize()
    return Image.fromarray(image).quantize(palette=palette, dither=Image.Dither.NONE)


def write_folder(flag: str, path: str | os.PathLike, frames: Iterator[Frame]) -> None:
    """Writes numbered PNG files to a new folder, which is complete or absent."""
    with files.new_folder(flag, path) as folder:
        for number, frame in enumerate(frames, 1):
            Image.fromarray(frame.image).save(folder / f"{number:06d}.png", compress_level=4)
