"""Small clips of moving colours, with a tone, written by PyAV without the package."""

from fractions import Fraction

import av
import numpy as np

RATE = 25


def moving_colors(count, height=48, width=64):
    """`(count, h, w, 3)` uint8 frames: a bright square that moves over a gradient."""
    rows, columns = np.mgrid[:height, :width]
    frames = np.empty((count, height, width, 3), np.uint8)
    for number in range(count):
        frame = np.stack([columns * 3, rows * 4, 0 * rows + 60], axis=-1)
        frame[8:24, (5 + 2 * number) % (width - 16) :][:, :16] = (230, 200, 40)
        frames[number] = np.clip(frame, 0, 255)
    return frames


def write_clip(
    path, frames, times=None, *, time_base=Fraction(1, 12800), sound=False, turn=0, codec="libx264",
    pixel_aspect=1, matrix=1, span=1, options=(),
):  # fmt: skip
    """A video file; `times` are in ticks of `time_base`, by default those of 25 frames a second."""
    step = round(1 / (RATE * time_base))
    times = [step * number for number in range(len(frames))] if times is None else times
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=RATE, options=dict(options))
        if turn:
            video.set_display_rotation(turn)
        context = video.codec_context
        context.height, context.width = frames.shape[1:3]
        context.pix_fmt, context.time_base = "yuv420p", time_base
        context.sample_aspect_ratio = Fraction(pixel_aspect)
        context.colorspace, context.color_range = matrix, span
        tone = container.add_stream("aac", rate=48000, layout="mono") if sound else None
        ends = [*times[1:], times[-1] + step]
        for time, end, frame in zip(times, ends, frames, strict=True):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
                format="yuv420p", src_color_range=2, dst_colorspace=5 if matrix == 6 else matrix,
                dst_color_range=span,
            )  # fmt: skip
            picture.pts, picture.time_base, picture.duration = time, time_base, end - time
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        if tone:
            seconds = (times[-1] + step) * time_base
            samples = np.sin(np.arange(int(48000 * seconds)) * 0.06)
            # Louder from second to second, so that a shift shows.
            samples *= 0.1 * (1 + np.floor(np.arange(len(samples)) / 12000) % 8)
            audio = av.AudioFrame.from_ndarray(
                samples[None].astype(np.float32), format="fltp", layout="mono"
            )
            audio.sample_rate, audio.pts = 48000, 0
            container.mux(tone.encode(audio))
            container.mux(tone.encode(None))


def read_times(path):
    """Times in seconds of the frames of a video file, as decoded."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def read_frames(path):
    """`(count, h, w, 3)` uint8 RGB frames of a video file, by its own matrix and range."""
    with av.open(str(path)) as container:
        return np.stack(
            [
                frame.reformat(
                    format="rgb24", src_colorspace=5 if frame.colorspace == 6 else frame.colorspace,
                    src_color_range=frame.color_range, dst_color_range=2,
                ).to_ndarray()
                for frame in container.decode(video=0)
            ]
        )  # fmt: skip


def read_sound(path):
    """Samples of the first sound of a file with the time of each, in seconds."""
    with av.open(str(path)) as container:
        found = [
            (frame.time + np.arange(frame.samples) / frame.sample_rate, frame.to_ndarray()[0])
            for frame in container.decode(audio=0)
        ]
    times, samples = zip(*found, strict=True)
    return np.concatenate(times), np.concatenate(samples)


def sound_packets(path):
    """Bytes of the packets of a file's sound."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]
