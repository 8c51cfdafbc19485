"""Makes `clip.mp4`: three seconds of the example photographs in motion, with a tone.

python -m examples.make_clip [OUTPUT]
"""

import pathlib
import sys

import av
import numpy as np

from benchmarks import exact_clips
from tfstyle import images

_FOLDER = pathlib.Path(__file__).parent
_SIZE = (240, 320)  # height, width
_RATE = 25
_SOUND_RATE = 44100
_CENTERS = {"astronaut": ((170, 130), (190, 110)), "chelsea": ((215, 130), (235, 145))}
_NOTES = (220.0, 277.18, 329.63)  # Hz, one each second


def main(output=_FOLDER / "clip.mp4"):
    """Writes the clip."""
    count = len(_NOTES) * _RATE
    half = count // 2
    frames = np.concatenate([shot("astronaut", half, 0.9), shot("chelsea", count - half, 0.75)])
    with av.open(str(output), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=_RATE, options={"crf": "24"})
        video.height, video.width, video.pix_fmt = *_SIZE, "yuv420p"
        context = video.codec_context
        context.colorspace = context.color_primaries = context.color_trc = 6
        context.color_range = 1
        tone = container.add_stream("aac", rate=_SOUND_RATE, layout="mono")
        tone.bit_rate = 48_000
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
                format="yuv420p", src_color_range=2, dst_colorspace=5, dst_color_range=1
            )
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        container.mux(tone.encode(sound()))
        container.mux(tone.encode(None))


def shot(name, count, scale):
    """`(count, h, w, 3)` uint8 frames of a photograph, along which the camera moves and nears."""
    photo = images.read_image(_FOLDER / f"{name}.jpg")[0]
    (x, y), (x2, y2) = _CENTERS[name]
    shares = np.linspace(0.0, 1.0, count)
    maps = [
        exact_clips.view(
            ((1 - k) * x + k * x2, (1 - k) * y + k * y2), _SIZE, scale * (1 - 0.2 * k), 4 * k
        )
        for k in shares
    ]
    layer = exact_clips.Layer(photo, None, maps)
    return np.round(255.0 * exact_clips.make_clip([layer], _SIZE).frames).astype(np.uint8)


def sound():
    """A note each second, as a frame of PyAV."""
    times = np.arange(_SOUND_RATE) / _SOUND_RATE
    samples = np.concatenate(
        [0.2 * np.sin(2 * np.pi * note * times) * np.exp(-3 * times) for note in _NOTES]
    )
    frame = av.AudioFrame.from_ndarray(samples[None].astype("f"), format="fltp", layout="mono")
    frame.sample_rate, frame.pts = _SOUND_RATE, 0
    return frame


if __name__ == "__main__":
    main(*sys.argv[1:])
