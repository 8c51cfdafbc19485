"""Measures the feed-forward model: Keras beside LiteRT, and the whole program.

    python -m benchmarks.stylize_speed [--only NAME …] [--reference transfer.tflite]

Prints a table of ratios, each of things timed in turn in this one process, and the machine. The
comparisons with LiteRT need the extra `litert`.
"""

import importlib.util
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
PARTS = ("litert", "mobile", "program", "init")
_ONLY = flags.DEFINE_multi_enum("only", None, PARTS, "What to measure; all by default.")
_PAIRS = flags.DEFINE_multi_string(
    "pair",
    [f"{ROOT}/examples/{c}.jpg,{ROOT}/examples/{s}.jpg"
     for c in ("astronaut", "chelsea") for s in ("brushstrokes", "mosaic")],
    "Content and style file, with a comma.",
)  # fmt: skip
_REFERENCE = flags.DEFINE_string(
    "reference", None, "A .tflite file of another transfer network, which `mobile` is timed beside."
)
_SIZE = 384  # pixels
_THREADS = 2


def main(_):
    tf.get_logger().setLevel("ERROR")
    print_heading()
    for part in _ONLY.value or PARTS:
        for row in globals()[f"measure_{part}"]():
            print_row(*row)


def measure_litert(rounds=20):
    """Seconds of a transfer in Keras over those in LiteRT, both float32, the style code given."""
    if not _has_litert():
        return
    model = models.load_model(DEFAULT_MODEL)
    random = np.random.default_rng(0)
    content = random.uniform(size=(1, _SIZE, _SIZE, 3)).astype("float32")
    code = np.asarray(model.encode_style(content[:, ::-1]))
    graph = tf.function(model.stylize)
    data = _to_litert(model.stylize, model, {"content": content.shape, "code": code.shape})
    interpreter = _interpreter(data, content=content, code=code)
    median = _medians(
        {
            "litert": interpreter.invoke,
            "a compiled function": lambda: graph(content, code).numpy(),
            "eager, as in stylize.py": lambda: np.asarray(model.stylize(content, code)),
        },
        rounds,
    )
    difference = np.abs(_output(interpreter) - graph(content, code).numpy()).max()
    yield "largest difference of the pictures", "", [float(difference)], 6
    litert = median.pop("litert")
    yield f"LiteRT, {len(data) / 1e6:.2f} MB, milliseconds", "", [1000 * litert], 0
    for name, seconds in median.items():
        yield f"Keras, {name} / LiteRT", "≤ 2", [seconds / litert], 2


def measure_mobile(rounds=40):
    """`mobile` in int8, with untrained weights: its files, its time beside another network's."""
    if not _has_litert():
        return
    model = models.MODELS["mobile"]("lite").for_inference()
    pictures = {
        name: images.cover(images.read_image(f"{ROOT}/examples/{name}.jpg"), (_SIZE, _SIZE))
        for name in ("astronaut", "chelsea", "brushstrokes", "ink_wash", "mosaic", "stained_glass")
    }
    pairs = [
        {"content": pictures[content], "code": np.asarray(model.encode_style(pictures[style])),
         "strength": np.ones(1, "float32")}
        for content in ("astronaut", "chelsea")
        for style in ("brushstrokes", "ink_wash", "mosaic", "stained_glass")
    ]  # fmt: skip
    shapes = {name: value.shape for name, value in pairs[0].items()}

    def transfer(content, code, strength):
        return model.stylize(content, code, strength)

    data = _to_litert(transfer, model, shapes, pairs)
    styles = [{"style": picture} for picture in pictures.values()]
    encoder = _to_litert(model.encode_style, model, {"style": shapes["content"]}, styles)
    yield "`mobile`, int8, both files, MB", "≤ 1.0", [(len(data) + len(encoder)) / 1e6], 2
    interpreter = _interpreter(data, **pairs[0])
    runs = {"mobile": interpreter.invoke}
    if _REFERENCE.value:
        runs["reference"] = _interpreter(pathlib.Path(_REFERENCE.value).read_bytes()).invoke
    median = _medians(runs, rounds)
    yield "`mobile`'s transfer, int8, milliseconds", "", [1000 * median["mobile"]], 1
    if _REFERENCE.value:
        yield "the reference's, milliseconds", "", [1000 * median["reference"]], 1
        yield "`mobile` / the reference", "≤ 0.40", [median["mobile"] / median["reference"]], 2


def _has_litert():
    if importlib.util.find_spec("ai_edge_litert"):
        return True
    print("(the comparison with LiteRT needs it: pip install -e '.[litert]')")
    return False


def _to_litert(function, model, shapes, calibration=None):
    """The bytes of a .tflite file of a model's function of float32 inputs.

    Args:
        function: of tensors by name.
        model: whose variables it uses.
        shapes: of the inputs, by name.
        calibration: inputs by name, several times; if given, the file computes in int8.
    """
    archive = keras.export.ExportArchive()
    archive.track(model)
    signature = [tf.TensorSpec(shape, name=name) for name, shape in shapes.items()]
    archive.add_endpoint("serve", function, signature)
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if calibration:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: iter(calibration)
        return converter.convert()


def _interpreter(data, **inputs):
    """An interpreter of a file's bytes, with its inputs set by name, or all to 0."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data, num_threads=_THREADS)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        name = detail["name"].removeprefix("serving_default_").split(":")[0]
        value = inputs[name] if inputs else np.zeros(detail["shape"], detail["dtype"])
        interpreter.set_tensor(detail["index"], value)
    return interpreter


def _output(interpreter):
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def _medians(runs, rounds):
    """The median of each function's seconds, all in turn, each after one run in vain."""
    seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            run()
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return {name: float(np.median(values)) for name, values in seconds.items()}


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
