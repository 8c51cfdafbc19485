"""Measures the feed-forward models: Keras against LiteRT, and the whole program.

    python -m benchmarks.stylize_speed [--only NAME …] [--reference transfer.tflite]

Prints the machine and a table of ratios of alternatives timed in turn in this process. The
comparisons with LiteRT need the extra `litert`.
"""

import functools
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks.table import print_table
from tfstyle import images, models, optimization
from tfstyle.config import DEFAULT_MODEL, OptimizeConfig
from tfstyle.exporting import profiling, tflite
from tfstyle.exporting.calibration import to_numpy
from tfstyle.exporting.signatures import (
    CODE,
    ENCODE_STYLE,
    TRANSFER,
    Signatures,
    flatten,
    unflatten,
)
from tfstyle.runtime import devices
from tfstyle.runtime.litert import Network
from tfstyle.stylization import Stylizer

ROOT = pathlib.Path(__file__).parent.parent
PARTS = ("litert", "models", "program", "init")
_ONLY = flags.DEFINE_multi_enum("only", None, PARTS, "What to measure; all by default.")
_PAIRS = flags.DEFINE_multi_string(
    "pair",
    [f"{ROOT}/examples/{c}.jpg,{ROOT}/examples/{s}.jpg"
     for c in ("astronaut", "chelsea") for s in ("brushstrokes", "mosaic")],
    "Content and style file, comma-separated.",
)  # fmt: skip
_REFERENCE = flags.DEFINE_string(
    "reference", None, "A .tflite file of another transfer network, to compare `mobile` with."
)
_SIZE = 384  # pixels
_THREADS = 2
_PHOTOS = ("astronaut", "chelsea")
_PAINTINGS = ("brushstrokes", "ink_wash", "mosaic", "stained_glass")


def main(_):
    devices.hide_retracing_warnings()
    print_table(_ONLY.value or PARTS, globals())


def measure_litert(rounds=20):
    """Time of a transfer in Keras over that in LiteRT, both float32, for a given style code."""
    if not _has_litert():
        return
    model, pairs, (entry,) = _prepare("mobile", TRANSFER)
    data = tflite.convert(model, [entry], "float32")
    network = Network(data, _THREADS, "mobile")
    arguments = _arguments(pairs[0])
    graph = tf.function(model.stylize)
    seconds = profiling.median_seconds(
        {
            "LiteRT": lambda: network.run(entry.key, pairs[0]),
            "a compiled function": lambda: graph(**arguments).numpy(),
            "eager, as in stylize.py": lambda: np.asarray(model.stylize(**arguments)),
        },
        rounds,
    )
    difference = network.run(entry.key, pairs[0])["stylized"] - graph(**arguments)
    yield "largest difference of the pictures", "", [float(np.abs(difference).max())], 6
    reference = seconds.pop("LiteRT")
    yield f"LiteRT, {len(data) / 1e6:.2f} MB, milliseconds", "", [1000 * reference], 0
    for name, one in seconds.items():
        yield f"Keras, {name} / LiteRT", "≤ 2", [one / reference], 2


def measure_models(rounds=30):
    """The packaged models compared, and `mobile` in int8 compared with another network."""
    if not _has_litert():
        return
    runs = {}
    for name in ("mobile", "quality"):
        model, pairs, (entry,) = _prepare(name, TRANSFER)
        network = Network(tflite.convert(model, [entry], "float32"), _THREADS, name)
        runs[name] = functools.partial(network.run, entry.key, pairs[0])
    seconds = profiling.median_seconds(runs, rounds)
    ratio = seconds["quality"] / seconds["mobile"]
    yield "a transfer by `quality` / by `mobile`, float32", "≤ 10", [ratio], 1
    model, pairs, (entry,) = _prepare("mobile", TRANSFER)
    _, styles, (encode,) = _prepare("mobile", ENCODE_STYLE)
    data = tflite.convert(model, [entry], "int8", calibration=_mirrored(pairs))
    encoder = tflite.convert(model, [encode], "int8", calibration=_mirrored(styles))
    yield "`mobile`, int8, both files, MB", "≤ 1.0", [(len(data) + len(encoder)) / 1e6], 2
    network = Network(data, _THREADS, "mobile")
    errors = [
        network.run(entry.key, one)["stylized"] - model.stylize(**_arguments(one)) for one in pairs
    ]
    found = [-10.0 * np.log10(np.mean(np.square(error))) for error in errors]
    yield "the same, its pictures beside the Keras model's, dB", "≥ 32", found, 1
    runs = {"mobile": functools.partial(network.run, entry.key, pairs[0])}
    if _REFERENCE.value:
        reference = Network(pathlib.Path(_REFERENCE.value).read_bytes(), _THREADS, _REFERENCE.value)
        key = reference.signatures[0]
        inputs = profiling.random_inputs(reference, key, _SIZE)
        runs["reference"] = functools.partial(reference.run, key, inputs)
    seconds = profiling.median_seconds(runs, rounds)
    yield "`mobile`'s transfer, int8, milliseconds", "", [1000 * seconds["mobile"]], 1
    if _REFERENCE.value:
        yield "the reference's, milliseconds", "", [1000 * seconds["reference"]], 1
        yield "`mobile` / the reference", "≤ 0.40", [seconds["mobile"] / seconds["reference"]], 2


def _has_litert():
    if importlib.util.find_spec("ai_edge_litert"):
        return True
    print("(the comparison with LiteRT needs it: pip install -e '.[litert]')")
    return False


def _prepare(name, signature):
    """A packaged model, a signature's inputs from the example pictures, and its TFLite entries."""
    model = models.load_model(name)
    signature = Signatures(model, (_SIZE, _SIZE)).by_name[signature]
    pictures = {
        picture: images.cover(images.read_image(f"{ROOT}/examples/{picture}.jpg"), (_SIZE, _SIZE))
        for picture in (*_PHOTOS, *_PAINTINGS)
    }
    inputs = [
        {"content": pictures[photo], "style": pictures[painting],
         "strength": np.ones(1, np.float32),
         **flatten(CODE, to_numpy(model.encode_style(pictures[painting])))}
        for photo in _PHOTOS for painting in _PAINTINGS
    ]  # fmt: skip
    size = (_SIZE, _SIZE)
    return (
        model,
        [{name: one[name] for name in signature.inputs} for one in inputs],
        tflite.entries_of(signature, [size], size),
    )


def _arguments(inputs):
    """Arguments of the model's `stylize` from the inputs of its signature."""
    return {
        "content": inputs["content"],
        "code": unflatten(CODE, inputs),
        "strength": inputs["strength"],
    }


def _mirrored(inputs):
    """Calibration inputs: the measured ones mirrored, so similar but not the same."""
    return [
        {name: value[:, :, ::-1] if value.ndim == 4 else value for name, value in one.items()}
        for one in inputs
    ]


def measure_program(runs=5):
    """`stylize.py` at 1024 pixels, from a cold start to the file, in seconds."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            started = time.perf_counter()
            subprocess.run(
                [sys.executable, ROOT / "stylize.py", f"--content={ROOT}/examples/chelsea.jpg",
                 f"--style={ROOT}/examples/brushstrokes.jpg", f"--output={folder}/out.png",
                 "--size=1024"],
                check=True, capture_output=True,
            )  # fmt: skip
            seconds.append(time.perf_counter() - started)
    yield "stylize.py, 1024 × 681 px, cold start to file, seconds", "≤ 3", seconds, 2


def measure_init():
    """Iterations from `--init fast` to the loss reached by `--init content`, at one scale."""
    shares = {10: [], 20: [], 40: []}
    for pair in _PAIRS.value:
        content, style = (images.read_image(path) for path in pair.split(","))
        losses = {}
        for init in ("content", "fast"):
            config = OptimizeConfig(size=_SIZE, min_size=_SIZE, init=init, iterations=60)
            start = _fast_start(content, style) if init == "fast" else None
            result = optimization.render(content, [style], config, init=start)
            losses[init] = result.history[-1]["loss"]
        for iteration, found in shares.items():
            goal = losses["content"][iteration - 1]
            needed = (k for k, loss in enumerate(losses["fast"], 1) if loss <= goal)
            found.append(next(needed, float("inf")) / iteration)
    for iteration, found in shares.items():
        name = f"iterations to the loss of {iteration} from the photo, --init fast / content"
        yield name, "", found, 2


def _fast_start(content, style):
    """The start image of `optimize.py --init=fast`."""
    stylizer = Stylizer(DEFAULT_MODEL)
    code = stylizer.encode_style(images.reduce(style, 512))
    return stylizer.paint(images.resize(content, images.fit(content.shape[1:3], _SIZE)), code)


if __name__ == "__main__":
    app.run(main)
