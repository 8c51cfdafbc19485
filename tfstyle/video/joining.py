"""Parts of a clip, joined to a video file without encoding them again; the sound is copied."""

import heapq
import os
from collections.abc import Iterator, Sequence
from typing import Any

from tfstyle import files
from tfstyle.video.clips import Clip, Frame
from tfstyle.video.decoding import VideoReader, opened, sounds
from tfstyle.video.encoding import SHIFT, container_format

_MOVIE_SCALE = "90000"


def join(
    path: str | os.PathLike,
    parts: Sequence[str | os.PathLike],
    clip: Clip,
    end: int,
    reader: Any,
    complete: bool = True,
) -> None:
    """Writes a video file of parts, and of the sound of the reader's file; nothing is encoded.

    Args:
        path: of the file, which is complete or absent.
        parts: files of a `PartWriter`, in order.
        clip: that they are parts of.
        end: of the last frame, in ticks.
        reader: of the clip's own file; sound is taken from a `VideoReader` alone.
        complete: whether these are all parts; otherwise the sound ends with the last one.
    """
    import av

    times, delay = _order(parts, clip)
    options = {"fflags": "+bitexact"}  # Matroska's identifiers would be random
    if container_format(path) in ("mp4", "mov"):
        # Time scales in which ticks, and where tracks begin, are whole numbers or nearly.
        scale = str(clip.time_base.denominator)
        options = {"movflags": "+faststart", "video_track_timescale": scale}
        options["movie_timescale"] = _MOVIE_SCALE
    with files.replacing(path) as temporary:
        with av.open(
            os.fspath(temporary), "w", format=container_format(path), options=options
        ) as target:
            with av.open(os.fspath(parts[0])) as first:
                # Opaque, since AV1's decoder, dav1d, is not the name of an encoder.
                video = target.add_stream_from_template(first.streams.video[0], opaque=True)
                video.time_base = clip.time_base
            sources = [_video_packets(parts, video, clip, times, delay, end)]
            if isinstance(reader, VideoReader) and reader.sound:
                stop = reader.limit if complete else reader.origin + end * clip.time_base
                with opened(reader.path) as sound:
                    for stream in sounds(sound):
                        copy = target.add_stream_from_template(stream)
                        copy.metadata.update(stream.metadata)
                        sources.append(_sound_packets(reader, stream.index, copy, stop))
            for _, _, packet in heapq.merge(*sources, key=lambda one: one[:2]):
                target.mux_one(packet)


def read_parts(parts: Sequence[str | os.PathLike], clip: Clip, end: int) -> Iterator[Frame]:
    """The frames of parts that were encoded without loss.

    Args:
        parts: as of `join`.
        clip: likewise.
        end: likewise.
    """
    waiting: Frame | None = None
    for part in parts:
        with opened(part) as container:
            for frame in container.decode(video=0):
                time = _ticks(frame.pts * frame.time_base, clip)
                if waiting is not None:
                    waiting.duration = time - waiting.time
                    yield waiting
                waiting = Frame(frame.to_ndarray(format="rgb24"), time, 1)
    if waiting is not None:
        waiting.duration = end - waiting.time
        yield waiting


def _ticks(seconds, clip):
    """The time of a frame whose time in a part is given."""
    return round(seconds / clip.time_base) - SHIFT * clip.tick


def _order(parts, clip):
    """Times of all frames, in ticks, rising; and how many frames a packet may come early."""
    times: list[int] = []
    delay = 0
    for part in parts:
        found = [time for time, _ in _packets_of(part, clip)]
        place = {time: rank for rank, time in enumerate(sorted(found))}
        delay = max(delay, max(k - place[time] for k, time in enumerate(found)))
        times += sorted(found)
    return times, delay


def _packets_of(part, clip) -> Iterator[tuple[int, Any]]:
    """Packets of a part, in the order of decoding, with the times of their frames."""
    import av

    with av.open(os.fspath(part)) as container:
        for packet in container.demux(container.streams.video[0]):
            if packet.size:
                yield _ticks(packet.pts * packet.time_base, clip), packet


def _video_packets(parts, stream, clip, times, delay, end):
    """Packets with their place in time, 0 and the packet, in the order of decoding.

    Each part's encoder began anew; so the times of decoding are derived again, for the whole: that
    of a packet is the time of the frame so many places earlier.
    """
    following = dict(zip(times, [*times[1:], end], strict=True))
    gaps = [stop - time for time, stop in following.items()]
    # So early that the time from the first decoding to the last is not less than the duration,
    # which FFmpeg would take it for.
    longest, spread = max(gaps), max(gaps) - min(gaps)
    number = 0
    for part in parts:
        for time, packet in _packets_of(part, clip):
            early = number - delay
            decoded = times[early] if early >= 0 else times[0] + early * longest - spread
            packet.stream, packet.time_base = stream, clip.time_base
            packet.pts, packet.dts = time, decoded
            packet.duration = following[time] - time
            number += 1
            yield decoded * clip.time_base, 0, packet


def _sound_packets(reader, index, stream, stop):
    """The same, of a sound of the clip's own file, up to `stop` seconds by its clock."""
    with opened(reader.path) as container:
        source = container.streams[index]
        base = source.time_base
        shift = round(reader.origin / base)
        if reader.trims:
            container.seek(shift, stream=source, backward=True)
        for packet in container.demux(source):
            if packet.pts is None or not packet.size or reader.trims and packet.pts < shift:
                continue
            if stop is not None and packet.pts * base >= stop:
                return
            packet.pts -= shift
            packet.dts = packet.pts if packet.dts is None else packet.dts - shift
            packet.stream = stream
            yield packet.dts * base, index + 1, packet
