"""Measures style libraries of very many styles: open, search, write.

    python -m benchmarks.style_library [--styles 100000]

The styles are synthetic: mixtures of two codes each, of crops of the example paintings, with noise.
Prints the machine and a table; seconds are of a file that the system holds in memory.
"""

import os
import pathlib
import resource
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from absl import app, flags

from benchmarks.table import print_heading, print_row
from tfstyle import images
from tfstyle.images import thumbnails
from tfstyle.stylization import StyleLibrary, Stylizer, similarity
from tfstyle.stylization.named_style import Style

ROOT = pathlib.Path(__file__).parent.parent
_STYLES = flags.DEFINE_integer("styles", 100_000, "Number of styles.")
_ROUNDS = flags.DEFINE_integer("rounds", 7, "How often opening and searching are timed.")
_PAINTINGS = ("brushstrokes", "ink_wash", "mosaic", "stained_glass")
_CROPS, _SIDE = 25, 160  # of each painting
_NOISE = 0.02  # standard deviation, as a share of a number
_AT_ONCE = 2000


def main(_):
    stylizer = Stylizer("quality", engine="litert")
    random = np.random.default_rng(0)
    crops = [crop for name in _PAINTINGS for crop in _crops(name, random)]
    codes = [stylizer.encode_style(crop) for crop in crops]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "styles.safetensors")
        print_heading()
        before = _most_memory()
        seconds = _write(path, stylizer.model.code_identity(), crops, codes, random)
        print_row("seconds to write", "", [seconds], 1)
        print_row("memory that writing takes, MB", "", [_most_memory() - before], 0)
        print_row("file, MB", "", [path.stat().st_size / 1e6], 0)
        library = _measure("open", lambda: StyleLibrary.load(path))
        _measure("nearest ten", lambda: library.nearest(codes[0]))
        recalls = list(_recalls(library, codes[::10]))
        print_row("share of the exact ten that are found", "", recalls, 2)


def _most_memory():
    """Of this program until now, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _crops(name, random):
    painting = images.read_image(ROOT / "examples" / f"{name}.jpg")
    height, width = painting.shape[1:3]
    for _ in range(_CROPS):
        top, left = random.integers(height - _SIDE), random.integers(width - _SIDE)
        yield painting[:, top : top + _SIDE, left : left + _SIDE]


def _write(path, identity, crops, codes, random):
    shown = [thumbnails.thumbnail(crop) for crop in crops]
    started = time.monotonic()
    with StyleLibrary(identity).editing(path) as styles:
        for number in range(_STYLES.value):
            first, second = random.integers(len(codes), size=2)
            styles[f"painting {number:06d}"] = Style(
                _mixed(codes[first], codes[second], random), shown[first]
            )
    return time.monotonic() - started


def _mixed(first, second, random):
    share = random.uniform()
    found = {}
    for name, part in first.items():
        noise = 1.0 + _NOISE * random.standard_normal(part.shape, np.float32)
        found[name] = (share * part + (1.0 - share) * second[name]) * noise
    return found


def _measure(name, function):
    """Prints the milliseconds of each call, and of the processors; what the function returns."""
    times, busy = [], []
    for _ in range(_ROUNDS.value):
        started = time.perf_counter(), time.process_time()
        result = function()
        times.append(1e3 * (time.perf_counter() - started[0]))
        busy.append(1e3 * (time.process_time() - started[1]))
    print_row(f"{name}, ms", "≤ 50", times, 0)
    print_row("… of the processors", "", busy, 0)
    return result


def _recalls(library, codes):
    """For each code, the share of the ten largest cosines of all that `nearest` finds."""
    wanted = np.concatenate([similarity.directions(code) for code in codes])
    cosines = []
    for start in range(0, len(library.styles), _AT_ONCE):
        numbers = np.arange(start, min(start + _AT_ONCE, len(library.styles)))
        cosines.append(similarity.directions(library.styles.codes(numbers)) @ wanted.T)
    best = np.argsort(-np.concatenate(cosines), axis=0)[:10].T
    names = library.names()
    for code, exact in zip(codes, best, strict=True):
        found = {name for name, _ in library.nearest(code)}
        yield len(found & {names[one] for one in exact}) / 10


if __name__ == "__main__":
    app.run(main)
