"""The pipeline of `video.py` against the model alone, and its memory.

    python -m benchmarks.video_pipeline [--model mobile] [--width 640] [--height 272]
        [--frames 200] [--long 2000] [--batch_size 1] [--rounds 3]

Rounds alternate: the model alone in a tight loop over frames in memory; the whole way from file to
file without consistency; the same with it. Nothing is compiled in what is timed. Memory is that of
the process, in a run of as many frames as `--long` says, of a small picture if `--long_width` does.
"""

import functools
import os
import pathlib
import tempfile
import time
from fractions import Fraction

import numpy as np
from absl import app, flags

_MODEL = flags.DEFINE_string("model", "mobile", "A packaged model or a .keras file.")
_WIDTH = flags.DEFINE_integer("width", 640, "Pixels.")
_HEIGHT = flags.DEFINE_integer("height", 272, "Pixels.")
_FRAMES = flags.DEFINE_integer("frames", 200, "Frames that are timed.", lower_bound=8)
_LONG = flags.DEFINE_integer("long", 2000, "Frames after which memory is compared; 0 to skip it.")
_LONG_WIDTH = flags.DEFINE_integer("long_width", 0, "Pixels of that run; 0 for --width.")
_BATCH = flags.DEFINE_integer("batch_size", 1, "Frames painted at once.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "How often each is timed.", lower_bound=1)
_EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
_FIRST = 200  # frames, after which memory is first taken


def main(_):
    from tfstyle.runtime import devices

    devices.start_tensorflow()
    from benchmarks import table
    from tfstyle import images
    from tfstyle.stylization import Stylizer

    table.print_heading()
    stylizer = Stylizer(_MODEL.value, 2048, compiled=True)
    code = stylizer.encode_style(images.read_image(_EXAMPLES / "brushstrokes.jpg", 384))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        clip = write_clip(folder / "clip.mp4", _WIDTH.value, _HEIGHT.value, _FRAMES.value)
        ways = {
            "alone": functools.partial(paint_alone, stylizer, code, clip),
            "pipeline": functools.partial(convert, stylizer, code, folder / "clip.mp4", 0.0),
            "consistent": functools.partial(convert, stylizer, code, folder / "clip.mp4", 1.0),
        }
        for way in ways.values():  # compiles
            way()
        seconds = {name: [] for name in ways}
        for _ in range(_ROUNDS.value):
            for name, way in ways.items():
                started = time.perf_counter()
                way()
                seconds[name].append(time.perf_counter() - started)
        rate = {name: [_FRAMES.value / one for one in times] for name, times in seconds.items()}
        what = f"{_MODEL.value}, {_WIDTH.value} × {_HEIGHT.value}"
        table.print_row(f"{what}, alone, frames/s", "", rate["alone"], 1)
        for name, over, target in (
            ("pipeline", "alone", "≥ 0.9"),
            ("consistent", "pipeline", "≥ 0.6"),
        ):
            ratios = [a / b for a, b in zip(rate[name], rate[over], strict=True)]
            table.print_row(f"{name} / {over}", target, ratios, 2)
        if _LONG.value:
            width = _LONG_WIDTH.value or _WIDTH.value
            height = 2 * round(width * _HEIGHT.value / _WIDTH.value / 2)
            write_clip(folder / "long.mp4", width, height, _LONG.value)
            found = measure_memory(stylizer, code, folder / "long.mp4")
            first, last = min(_FIRST, _LONG.value // 2), _LONG.value
            ratio = found[last] / found[first]
            table.print_row(f"memory after {last} frames / {first}", "≤ 1.05", [ratio], 3)


def write_clip(path, width, height, count):
    """A video of a photograph that moves to and fro; returns its frames, as they are decoded."""
    from tfstyle import images
    from tfstyle.video import clips, conversion, encoding, joining

    photo = images.cover(images.read_image(_EXAMPLES / "astronaut.jpg"), (height + 32, width + 32))[
        0
    ]
    pixels = np.round(255.0 * photo).astype(np.uint8)
    clip = clips.Clip(width, height, Fraction(1, 12800), Fraction(25), count)
    part = path.with_suffix(encoding.PART_SUFFIX)
    writer = encoding.PartWriter(part, clip, encoding.Encoding("libx264", 18))
    for number in range(count):
        shift = abs(number % 64 - 32)
        frame = pixels[shift // 2 :][:height, shift:][:, :width]
        writer.write(clips.Frame(frame, clip.tick * number, clip.tick))
    writer.close()
    joining.join(path, [part], clip, clip.tick * count, None)
    part.unlink()
    return [
        frame.image
        for _, frame in zip(range(64), conversion.open_clip(path).frames(), strict=False)
    ]


def paint_alone(stylizer, code, pictures):
    from tfstyle.video.painters import floats

    batch = _BATCH.value
    contents = [floats(pictures[k : k + batch]) for k in range(0, len(pictures) - batch + 1, batch)]
    for number in range(_FRAMES.value // batch):
        stylizer.paint(contents[number % len(contents)], code)


def convert(stylizer, code, path, consistency, on_progress=None):
    from tfstyle.video import conversion, parts
    from tfstyle.video.consistency import ConsistencyFilter
    from tfstyle.video.flow import MotionFilter
    from tfstyle.video.painters import Painter

    filters = [Painter(stylizer, code, batch=_BATCH.value, steady=consistency > 0)]
    if consistency:
        filters = [MotionFilter(), *filters, ConsistencyFilter(consistency)]
    output = path.with_name("out.mp4")
    reader = conversion.open_clip(path)
    encoding = conversion.choose_encoding(output, reader)
    with parts.Parts(output, {"config": {}}, False) as found:
        conversion.convert(output, reader, filters, found, encoding, on_progress)


def measure_memory(stylizer, code, path):
    """Bytes of this process by the number of frames that are written."""
    page, found = os.sysconf("SC_PAGE_SIZE"), {}

    def take(done):
        statm = pathlib.Path("/proc/self/statm").read_text("ascii")
        found[done] = int(statm.split()[1]) * page

    convert(stylizer, code, path, 1.0, take)
    return found


if __name__ == "__main__":
    app.run(main)
