"""Encoding of frames to parts of a clip, which `joining` makes one file of."""

import dataclasses
import io
import os
import pathlib
from typing import Any

import numpy as np

from tfstyle.config import did_you_mean
from tfstyle.errors import InputError
from tfstyle.runtime import devices
from tfstyle.video.clips import FULL, Clip, Frame
from tfstyle.video.decoding import VideoReader, opened, reason, scaling, sounds

# Containers that a suffix stands for, and the codec that any player of it has.
CONTAINERS = {
    ".mp4": "libx264",
    ".m4v": "libx264",
    ".mov": "libx264",
    ".mkv": "libx264",
    ".webm": "libvpx-vp9",
}
PART_SUFFIX = ".nut"  # a container that keeps any time base and any codec
# A bit rate of 0 makes `crf` a constant quality. The speeds leave painting the time: files are as
# large and as good within 0.2 dB as with the encoders' own, which take two to three times as long.
_OPTIONS = {
    "libx264": {"preset": "faster"},
    "libx265": {"x265-params": "log-level=error"},  # or it describes itself with each part
    "libvpx-vp9": {"b": "0", "cpu-used": "3"},
}
_QUALITY = str(3 * 118)  # FFmpeg's -qscale 3
_LOSSLESS = "ffv1"
SHIFT = 10_000  # frames that times in parts are late: negative ones, of decoding, would be changed


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How frames become packets.

    Args:
        codec: FFmpeg's name of an encoder.
        crf: constant rate factor: less is better and larger; None for codecs without one.
    """

    codec: str
    crf: int | None = None

    @property
    def is_lossless(self) -> bool:
        """Whether frames come back as they were."""
        return self.codec == _LOSSLESS

    @classmethod
    def lossless(cls) -> "Encoding":
        """For frames that will be written as pictures."""
        return cls(_LOSSLESS)

    def add_stream(self, container: Any, clip: Clip) -> Any:
        """A stream of a container of PyAV for a clip's frames."""
        import av

        os.environ.setdefault("SVT_LOG", "1")  # errors alone, of libsvtav1
        options = {**_OPTIONS.get(self.codec, {})}
        if self.crf is not None:
            # The second is for codecs without a rate factor, in a scale of their own.
            options |= {"crf": str(self.crf), "flags": "+qscale", "global_quality": _QUALITY}
        if "avx512f" in devices.cpu_features():
            # x264's AVX-512 code reads memory that it has not set: bytes would vary.
            options["x264-params"] = "asm=AVX2"
        # Named, since the mean rate may be a fraction that some codecs refuse.
        stream = container.add_stream(
            self.codec, rate=clip.rate.limit_denominator(1001), options=options
        )
        context = stream.codec_context
        known = [one.name for one in av.Codec(self.codec, "w").video_formats or ()]
        wanted = "bgr0" if self.codec == _LOSSLESS else "yuv420p"
        context.pix_fmt = wanted if wanted in known or not known else known[0]
        context.width, context.height = clip.width, clip.height
        context.time_base = clip.time_base
        context.sample_aspect_ratio = clip.pixel_aspect
        color = clip.color
        if context.pix_fmt.startswith("yuv"):
            context.colorspace, context.color_range = color.matrix, color.range
        context.color_primaries, context.color_trc = color.primaries, color.transfer
        return stream


class PartWriter:
    """A part of a clip: a file of consecutive frames, which starts with a key frame.

    Args:
        path: with `PART_SUFFIX`; complete only after `close`.
        clip: that it is a part of.
        encoding: the same for all parts.
    """

    def __init__(self, path: str | os.PathLike | io.BytesIO, clip: Clip, encoding: Encoding):
        import av

        self._clip = clip
        target: Any = path if isinstance(path, io.BytesIO) else os.fspath(path)
        self._container = av.open(target, "w", format=PART_SUFFIX[1:])
        self._stream = encoding.add_stream(self._container, clip)

    def write(self, frame: Frame) -> None:
        """Adds a frame; times rise."""
        import av

        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.image), format="rgb24")
        color, context = self._clip.color, self._stream.codec_context
        if context.pix_fmt.startswith("yuv"):
            picture = picture.reformat(
                format=context.pix_fmt, src_color_range=FULL, dst_colorspace=color.coefficients,
                dst_color_range=color.range, interpolation=scaling(),
            )  # fmt: skip
            picture.colorspace = color.matrix
        else:
            picture = picture.reformat(format=context.pix_fmt)
        picture.pts = frame.time + SHIFT * self._clip.tick
        picture.time_base = self._clip.time_base
        self._container.mux(self._stream.encode(picture))

    def close(self) -> None:
        """Ends the file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def abandon(self) -> None:
        """Closes the file, which is incomplete."""
        self._container.close()


def check_encoding(path: str | os.PathLike, clip: Clip, encoding: Encoding, reader: Any) -> None:
    """Raises InputError unless a file of that name can hold such frames and the reader's sound.

    A part of one grey frame is encoded and joined, in memory.
    """
    import av

    if encoding.codec not in av.codecs_available or not _encodes_video(encoding.codec):
        known = sorted(name for name in av.codecs_available if _encodes_video(name))
        raise InputError(f"--codec: no encoder '{encoding.codec}'{_hint(encoding.codec, known)}")
    grey = np.full((clip.height, clip.width, 3), 128, np.uint8)
    part, whole = io.BytesIO(), io.BytesIO()
    try:
        writer = PartWriter(part, clip, encoding)
        writer.write(Frame(grey, 0, clip.tick))
        writer.close()
    except (av.FFmpegError, ValueError) as error:
        raise InputError(
            f"--codec={encoding.codec}: cannot encode {clip.width} × {clip.height} pixels with "
            f"these settings ({reason(error)})"
        ) from error
    part.seek(0)
    try:
        with av.open(part) as source, av.open(whole, "w", format=container_format(path)) as target:
            target.add_stream_from_template(source.streams.video[0], opaque=True)  # as `join`
            if isinstance(reader, VideoReader):
                with opened(reader.path) as sound:
                    for stream in sounds(sound):
                        target.add_stream_from_template(stream)
            target.start_encoding()
    except (av.FFmpegError, ValueError) as error:
        also = f" and the sound's {', '.join(reader.sound)}" if reader.sound else ""
        raise InputError(
            f"--output: {path}: such a file cannot hold {encoding.codec}{also} "
            f"({reason(error)}); use .mkv"
        ) from error


def _encodes_video(name):
    import av

    try:
        return av.Codec(name, "w").type == "video"
    except (av.FFmpegError, ValueError):
        return False


def _hint(name, known):
    usual = ("libx264", "libx265", "libvpx-vp9", "libsvtav1")
    return did_you_mean(name, tuple(one for one in usual if one in known) or tuple(known))


def container_format(path: str | os.PathLike) -> str:
    """FFmpeg's name of the container of a file name."""
    suffix = pathlib.Path(path).suffix.lower()
    return {".mkv": "matroska", ".m4v": "mp4"}.get(suffix, suffix[1:])
