"""Measures the feed-forward model: Keras beside LiteRT, and the whole program.

    python -m benchmarks.stylize_speed [--only NAME …]

Prints a table of ratios, each of things timed in turn in this one process, and the machine. The
comparison with LiteRT needs the extra `litert`.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks.table import print_heading, print_row
from tfstyle import images, models, optimization
from tfstyle.config import DEFAULT_MODEL, OptimizeConfig

ROOT = pathlib.Path(__file__).parent.parent
PARTS = ("litert", "program", "init")
_ONLY = flags.DEFINE_multi_enum("only", None, PARTS, "What to measure; all by default.")
_PAIRS = flags.DEFINE_multi_string(
    "pair",
    [f"{ROOT}/examples/{c}.jpg,{ROOT}/examples/{s}.jpg"
     for c in ("astronaut", "chelsea") for s in ("brushstrokes", "mosaic")],
    "Content and style file, with a comma.",
)  # fmt: skip
_SIZE = 384  # pixels


def main(_):
    tf.get_logger().setLevel("ERROR")
    print_heading()
    for part in _ONLY.value or PARTS:
        for row in globals()[f"measure_{part}"]():
            print_row(*row)


def measure_litert(rounds=20):
    """Seconds of a transfer in Keras over those in LiteRT, both float32, the style code given."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        print("(the comparison with LiteRT needs it: pip install -e '.[litert]')")
        return
    model = models.load_model(DEFAULT_MODEL)
    random = np.random.default_rng(0)
    content = random.uniform(size=(1, _SIZE, _SIZE, 3)).astype("float32")
    code = np.asarray(model.encode_style(content[:, ::-1]))
    graph = tf.function(model.stylize)
    data = _to_litert(model, content.shape, code.shape)
    interpreter = Interpreter(model_content=data, num_threads=os.cpu_count())
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], content if len(detail["shape"]) == 4 else code)
    runs = {
        "litert": interpreter.invoke,
        "a compiled function": lambda: graph(content, code).numpy(),
        "eager, as in stylize.py": lambda: np.asarray(model.stylize(content, code)),
    }
    for run in runs.values():
        run()
    seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    median = {name: float(np.median(values)) for name, values in seconds.items()}
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    difference = np.abs(found - graph(content, code).numpy()).max()
    yield "largest difference of the pictures", "", [float(difference)], 6
    yield f"LiteRT, {len(data) / 1e6:.2f} MB, milliseconds", "", [1000 * median["litert"]], 0
    for name in list(runs)[1:]:
        yield f"Keras, {name} / LiteRT", "≤ 2", [median[name] / median["litert"]], 2


def _to_litert(model, *shapes):
    """The bytes of a .tflite file of `model.stylize` for inputs of fixed shapes."""
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", model.stylize, [tf.TensorSpec(shape) for shape in shapes])
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        return tf.lite.TFLiteConverter.from_saved_model(folder).convert()


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
    """Iterations from `--init fast` to the losses of a start from the photo, at one scale."""
    shares = {10: [], 20: [], 40: []}
    for pair in _PAIRS.value:
        content, style = (images.read_image(path) for path in pair.split(","))
        losses = {}
        for init in ("content", "fast"):
            config = OptimizeConfig(size=_SIZE, min_size=_SIZE, init=init, iterations=60)
            losses[init] = optimization.stylize(content, [style], config).history[-1]["loss"]
        for iteration, found in shares.items():
            goal = losses["content"][iteration - 1]
            needed = (k for k, loss in enumerate(losses["fast"], 1) if loss <= goal)
            found.append(next(needed, float("inf")) / iteration)
    for iteration, found in shares.items():
        name = f"iterations to the loss of {iteration} from the photo, --init fast / content"
        yield name, "", found, 2


if __name__ == "__main__":
    app.run(main)
