"""Decoding of video files by FFmpeg's libraries (PyAV)."""

import contextlib
import os
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from absl import logging

from tfstyle.errors import InputError, brief
from tfstyle.images import fit
from tfstyle.video.clips import FULL, Clip, Color, Frame, even

_ROUNDING = Fraction(1, 10_000)  # seconds; of times in flags
_RATE = Fraction(25)  # where a file does not say
_LOST = 1  # seconds without frames at the end, from which they are missed


class VideoReader:
    """A video file's frames: upright, in RGB, with their times.

    Args:
        path: of the file.
        start: seconds from its beginning.
        end: seconds, or 0 for all.
        size: longest side of the frames in pixels, 0 for the file's own.

    Attributes:
        clip: what the frames share.
        origin: seconds, by the file's clock, of the first frame to read; of the file's first
            picture or sound, whichever is earlier, if `start` is 0.
        limit: seconds, by the file's clock, where reading ends; None for the file's end.
        trims: whether it starts later than the file.
        sound: names of the codecs of its sounds.

    Raises: InputError if there is no such file, no video in it, or no frame to read.
    """

    def __init__(
        self, path: str | os.PathLike, start: float = 0.0, end: float = 0.0, size: int = 0
    ):
        self.path = path
        self.trims, self._bad = start > 0, 0
        with opened(path) as container:
            stream = self._stream(container)
            self.sound = tuple(one.codec_context.name for one in sounds(container))
            zero = Fraction(container.start_time or 0, 1_000_000)
            self.origin = zero + Fraction(start).limit_denominator(1_000_000)
            self.limit = zero + Fraction(end).limit_denominator(1_000_000) if end else None
            self.time_base = stream.time_base
            self._stop = stream.duration and (stream.start_time or 0) + stream.duration
            rate = _rate_of(stream)
            aspect = Fraction(
                stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or 1
            )
            seconds = Fraction(container.duration or 0, 1_000_000)
        self._after = self.origin - _ROUNDING if start else None
        first = next(self._decoded(), None)
        if first is None:
            what = f"no frame from {start:g} s" + (f" to {end:g} s" if end else "")
            raise InputError(f"{path}: {what if start or end else 'no frame'} can be decoded")
        if start:
            self.origin = first.pts * self.time_base
        self._turns = round(first.rotation / 90) % 4
        self.clip = self._clip_of(first, aspect, rate, seconds, size)

    def _clip_of(self, first, aspect, rate, seconds, size):
        width, height = first.width, first.height
        color = Color.of(
            first.colorspace, first.color_range, first.color_primaries, first.color_trc, height
        )
        if first.format.name.startswith("yuvj"):
            color = Color(color.matrix, FULL, color.primaries, color.transfer)
        if self._turns % 2:
            width, height, aspect = height, width, 1 / aspect
        if size:
            height, width = fit((height, width), size)
        width, height = even(width, height)
        stop = seconds if self.limit is None else min(seconds, self.limit)
        count = max(1, round((stop - self.origin) * rate)) if seconds else 0
        self._exact = not size
        return Clip(width, height, self.time_base, rate, count, color, aspect)

    def frames(self, after: int | None = None) -> Iterator[Frame]:
        """Frames in order; those that cannot be decoded are left out, and reported.

        Args:
            after: ticks; only later frames are read.
        """
        last, end = -1 if after is None else after, None
        for frame in self._decoded(after):
            time = round((frame.pts * self.time_base - self.origin) / self.time_base)
            if after is not None and time <= after:
                continue
            time = max(time, last + 1)  # times that do not rise are damaged
            last, duration = time, frame.duration or self.clip.tick
            if self._stop:  # FFmpeg takes the mean duration for that of the last frame
                duration = max(1, min(duration, self._stop - frame.pts))
            end = time + duration
            yield Frame(self._upright(frame), time, duration)
        if self._bad > 1:
            logging.warning("%s: %d frames could not be decoded.", self.path, self._bad)
        if end is not None:
            self._check_end(self.origin + end * self.time_base)

    def _check_end(self, end):
        """Says so if the last frame's end, by the file's clock, is too early."""
        if not self._stop:
            return
        stop = self._stop * self.time_base
        stop = stop if self.limit is None else min(stop, self.limit)
        if stop - end > _LOST:
            logging.warning(
                "%s: the last %.1f s have no frame that can be decoded; is the file whole?",
                self.path, stop - end,
            )  # fmt: skip

    def _decoded(self, after=None):
        """Frames of PyAV from the start to the end, with times, without damaged ones."""
        first = self._after
        if after is not None:
            first = self.origin + after * self.time_base
        with opened(self.path) as container:
            stream = self._stream(container)
            stream.thread_type = "AUTO"
            if first is not None and _seek(container, stream, first):
                # Some files have no index: reading starts after the frame then.
                found = next(self._in_order(container, stream, quiet=True), None)
                if found is None or found.pts * self.time_base > first:
                    container.seek(0)
                else:
                    _seek(container, stream, first)
            for frame in self._in_order(container, stream):
                time = frame.pts * self.time_base
                if first is not None and time < first:
                    continue
                if self.limit is not None and time >= self.limit - _ROUNDING:
                    return
                yield frame

    def _in_order(self, container, stream, quiet=False):
        known = None
        for found, error in _pictures(container.demux(stream)):
            if error is not None and not quiet:
                self._report(known, error)
            for frame in found:
                if frame.pts is None:
                    step = round(1 / (_rate_of(stream) * self.time_base))
                    frame.pts = frame.dts if frame.dts is not None else (known or 0) + step
                known = frame.pts
                if not frame.is_corrupt:
                    yield frame
                elif not quiet:
                    self._report(known, "damaged")

    def _report(self, known, reason):
        self._bad += 1
        if self._bad == 1:
            when = f"after {float((known or 0) * self.time_base):.2f} s"
            logging.warning(
                "%s: a frame %s cannot be decoded (%s); the one before it stays.",
                self.path, when, reason,
            )  # fmt: skip

    def _stream(self, container):
        import av

        for stream in container.streams.video:
            attached = stream.disposition & av.stream.Disposition.attached_pic  # a cover
            if stream.codec_context is not None and not attached:
                return stream
        raise InputError(f"{self.path}: holds no video that can be decoded")

    def _upright(self, frame) -> np.ndarray:
        clip = self.clip
        color = clip.color
        width, height = clip.width, clip.height
        if self._turns % 2:
            width, height = height, width
        if self._exact:  # cropped to an even size, not resampled
            size: tuple[Any, Any] = (frame.width, frame.height)
            if abs(frame.width - width) > 1 or abs(frame.height - height) > 1:
                size = width, height  # the size changes in the file
        else:
            size = width, height
        rgb = frame.reformat(
            *size, "rgb24", src_colorspace=color.coefficients, src_color_range=color.range,
            dst_color_range=FULL, interpolation=scaling(),
        ).to_ndarray()  # fmt: skip
        return np.ascontiguousarray(np.rot90(rgb, self._turns)[: clip.height, : clip.width])


def sounds(container: Any) -> list[Any]:
    """The streams of sound of a container of PyAV whose codec is known."""
    return [stream for stream in container.streams.audio if stream.codec_context is not None]


def reason(error: Exception) -> str:
    """What FFmpeg, or PyAV, says is wrong."""
    return brief(getattr(error, "strerror", None) or error)


def _pictures(packets):
    """The frames of each packet, and why there are none, or None."""
    import av

    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError as error:
            yield [], reason(error)
            return
        if packet is None:
            return
        try:
            yield packet.decode(), None
        except av.FFmpegError as error:
            yield [], reason(error)


@contextlib.contextmanager
def opened(path: str | os.PathLike) -> Iterator[Any]:
    """A file as a container of PyAV; InputError if it is missing or none that FFmpeg knows."""
    import av

    try:
        container = av.open(os.fspath(path), metadata_errors="replace")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (av.FFmpegError, ValueError) as error:
        raise InputError(
            f"{path}: not a video that can be read, or damaged ({reason(error)})"
        ) from error
    with container:
        yield container


def _seek(container, stream, seconds):
    """Goes to the key frame before; whether the file can."""
    import av

    try:
        container.seek(int(seconds / stream.time_base), stream=stream, backward=True)
    except av.FFmpegError:
        return False
    return True


def _rate_of(stream):
    return Fraction(stream.average_rate or stream.guessed_rate or _RATE)


def scaling() -> int:
    """Swscale's flags: bicubic, chroma at full resolution, the same result for any alignment."""
    from av.video.reformatter import Interpolation as By

    return By.BICUBIC | By.FULL_CHR_H_INT | By.FULL_CHR_H_INP | By.ACCURATE_RND | By.BITEXACT
