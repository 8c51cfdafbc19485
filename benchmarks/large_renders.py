"""Measures renders of large pictures: tiles against whole pictures, and memory against its plan.

    python -m benchmarks.large_renders [--only NAME …] [--memory WIDTHxHEIGHT:GIGABYTES …]

Prints the machine and a table of ratios. Tiles and the whole take turns in this process; each
render whose memory is measured has a process of its own, with all its coarse scales.
"""

import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks.table import print_table
from tfstyle import encoders, images
from tfstyle.config import OptimizeConfig
from tfstyle.exporting import profiling
from tfstyle.optimization.objective import Objective, make_loss
from tfstyle.optimization.renderer import MARGIN
from tfstyle.optimization.tiles import TiledObjective
from tfstyle.runtime import devices

ROOT = pathlib.Path(__file__).parent.parent
PARTS = ("tiles", "memory")
_ONLY = flags.DEFINE_multi_enum("only", None, PARTS, "What to measure; all by default.")
_SIZE = flags.DEFINE_integer("size", 1024, "Side in pixels of the picture in tiles.")
_MEMORY = flags.DEFINE_multi_string(
    "memory", ["2048x2048:2.2", "4096x4096:4.1"], "Sizes of renders, and gigabytes to plan for."
)
_ENCODER = flags.DEFINE_enum("encoder", "lite", ("lite", "vgg19"), "That the renders use.")
_STYLE_LOSS = flags.DEFINE_string("style_loss", "wasserstein", "Of the picture in tiles.")
_REGIONS = flags.DEFINE_integer("auto_regions", 0, "Of the renders whose memory is measured.")
_ITERATIONS = 8  # of those renders, so that all pairs of their history are stored
_PHOTO, _PAINTING = ROOT / "examples/astronaut.jpg", ROOT / "examples/mosaic.jpg"


def main(_):
    devices.hide_retracing_warnings()
    print_table(_ONLY.value or PARTS, globals())


def measure_tiles(tile_sizes=(256, 512, 740, 1024), rounds=5):
    """Time of an evaluation in tiles over that of the whole, and the gradient's relative error."""
    size = _SIZE.value
    loss = make_loss(OptimizeConfig(style_loss=_STYLE_LOSS.value), _ENCODER.value)
    encoder = encoders.load_encoder(_ENCODER.value, loss.layers, heads=False, margin=MARGIN)
    content = images.resize(images.read_image(_PHOTO), (size, size))
    style = images.resize(images.read_image(_PAINTING), (size, size))
    noise = np.random.default_rng(0).normal(scale=0.02, size=content.size).astype("float32")
    whole, functions, errors = Objective(encoder, loss), {}, {}
    compiled = tf.function(whole.value_and_gradient)
    for tile_size in tile_sizes:
        tiled = TiledObjective(encoder, loss, tile_size=tile_size)
        for one in (tiled, whole):
            one.set_targets(content, [style], [1.0])
        vector = tiled.set_start(content) + noise
        zero = tf.constant(whole.set_start(tiled.picture(vector)))
        expected, found = compiled(zero)[1].numpy(), tiled.value_and_gradient(vector)[1]
        errors[tile_size] = np.linalg.norm(found - expected) / np.linalg.norm(expected)
        functions[tile_size] = lambda one=tiled, at=vector: one.value_and_gradient(at)
    functions["whole"] = lambda: compiled(zero)[1].numpy()
    seconds = profiling.median_seconds(functions, rounds)
    for tile_size in tile_sizes:
        figure = f"{_ENCODER.value}, {_STYLE_LOSS.value}, {size} px, tiles of {tile_size}"
        yield f"{figure}, time / whole", "≤ 1.5", [seconds[tile_size] / seconds["whole"]], 2
        yield f"{figure}, gradient's error × 10⁴", "≤ 1", [1e4 * errors[tile_size]], 2


def measure_memory():
    """Peak memory of whole programs, and over the plan."""
    for text in _MEMORY.value:
        width, height, planned = re.fullmatch(r"(\d+)x(\d+):([\d.]+)", text).groups()
        with tempfile.TemporaryDirectory() as folder:
            photo = pathlib.Path(folder) / "photo.png"
            small = (round(512 * int(height) / int(width)), 512)
            images.write_image(photo, images.resize(images.read_image(_PHOTO), small))
            done = subprocess.run(
                [
                    sys.executable, ROOT / "optimize.py", f"--content={photo}",
                    f"--style={_PAINTING}", f"--output={folder}/out.png", f"--size={width}",
                    f"--encoder={_ENCODER.value}", f"--iterations={_ITERATIONS}",
                    f"--max_memory={planned}",
                    f"--auto_regions={_REGIONS.value}",
                ],
                check=True, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        # Of the largest render so far: sizes must grow.
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
        (plan,) = re.findall(r"pixels in (.*): about ([\d.]+) GB", done.stderr)
        regions = f"{_REGIONS.value} regions, " if _REGIONS.value else ""
        figure = f"{_ENCODER.value}, {width} × {height}, {regions}{plan[0]}"
        yield f"{figure}: peak memory, GB", "", [peak], 2
        yield f"{figure}: the same / plan", "0.9 … 1.1", [peak / float(plan[1])], 2


if __name__ == "__main__":
    app.run(main)
