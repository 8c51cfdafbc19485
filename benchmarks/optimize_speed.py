"""Measures the renderer: evaluations, optimizers, overhead, precision and the whole program.

    python -m benchmarks.optimize_speed [--pair CONTENT,STYLE …] [--only NAME …]

Prints the machine and a table of ratios of alternatives timed in turn in this process. The
comparison with PyTorch needs the extra `torch`. Pairs default to the example pictures.
"""

import itertools
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

from benchmarks.table import print_table
from tfstyle import encoders, images, optimization
from tfstyle.config import OptimizeConfig
from tfstyle.optimization import objective
from tfstyle.optimization.lbfgs import LBFGS
from tfstyle.optimization.optimizers import StockLBFGS
from tfstyle.optimization.renderer import MARGIN
from tfstyle.optimization.rendering import PRECISE_SHARE
from tfstyle.runtime import devices

ROOT = pathlib.Path(__file__).parent.parent
EXAMPLES = [
    f"examples/{content}.jpg,examples/{style}.jpg"
    for content, style in [
        ("astronaut", "brushstrokes"),
        ("astronaut", "ink_wash"),
        ("chelsea", "stained_glass"),
        ("chelsea", "mosaic"),
        ("chelsea", "brushstrokes"),
    ]
]
PROGRAMS = {  # flags of whole renders, by default of 512 pixels, and the target time in seconds
    "": 60,
    "--quick": 15,
    "--encoder=vgg19": 240,
    "--encoder=vgg19 --precision=bfloat16": 140,
}
PARTS = ("evaluations", "tfp", "overhead", "torch", "bfloat16", "program")
_PAIRS = flags.DEFINE_multi_string("pair", EXAMPLES, "Content and style file, comma-separated.")
_SIZE = flags.DEFINE_integer("size", 384, "Longest side in pixels.")
_VGG_SIZE = flags.DEFINE_integer("vgg_size", 256, "Longest side in pixels for VGG-19.")
_ONLY = flags.DEFINE_multi_enum("only", None, PARTS, "What to measure; all by default.")


def main(_):
    devices.hide_retracing_warnings()
    keras.utils.set_random_seed(0)
    paths = [pair.split(",") for pair in _PAIRS.value]
    pairs = [tuple(images.read_image(path) for path in pair) for pair in paths]
    print_table(_ONLY.value or PARTS, globals(), pairs)


def measure_evaluations(pairs):
    """Evaluations per iteration of whole renders with lite."""
    ratios = []
    for content, style in pairs:
        config = OptimizeConfig(size=_SIZE.value, encoder="lite")
        result = optimization.render(content, [style], config)
        evaluations, iterations = (
            sum(stage[key] for stage in result.history) for key in ("evaluations", "iterations")
        )
        ratios.append(evaluations / iterations)
    yield "evaluations an L-BFGS iteration", "≤ 1.05", ratios, 3


def measure_tfp(pairs, iterations=60):
    """Wall time and final loss relative to tfp's L-BFGS: one scale, equal iterations."""
    times, losses = [], []
    for content, style in pairs:
        function, size = _function(content, style)
        seconds, values = [], []
        for optimizer in (LBFGS(function), StockLBFGS(function)):
            optimizer.start(np.zeros(size, np.float32))
            optimizer.step()  # compiles
            optimizer.start(np.zeros(size, np.float32))
            started = time.perf_counter()
            for _ in range(iterations):
                optimizer.step()
            seconds.append(time.perf_counter() - started)
            values.append(optimizer.value)
        times.append(seconds[0] / seconds[1])
        losses.append(values[0] / values[1])
    yield f"wall time, tfstyle / tfp, {iterations} iterations", "≤ 0.40", times, 2
    yield "final loss, tfstyle / tfp", "≤ 1.01", losses, 3


def measure_overhead(pairs, rounds=40):
    """Time per evaluation, L-BFGS included, relative to the bare encoder and loss passes."""
    ratios = []
    for content, style in pairs[:3]:
        problem = _objective(content, style)
        optimizer = LBFGS(problem.value_and_gradient)
        optimizer.start(np.zeros(_shape(content)[0] * _shape(content)[1] * 3, np.float32))
        image = tf.constant(images.resize(content, _shape(content)))
        targets = keras.tree.map_structure(tf.convert_to_tensor, problem._targets)

        @tf.function
        def bare(image, targets, problem=problem):
            with tf.GradientTape() as tape:
                tape.watch(image)
                total = problem.loss(targets, problem.encoder(image), image)["total"]
            return total, tape.gradient(total, image)

        ours, theirs = [], []
        for _ in range(rounds):
            evaluations, started = optimizer.evaluations, time.perf_counter()
            optimizer.step()
            ours.append((time.perf_counter() - started) / (optimizer.evaluations - evaluations))
            started = time.perf_counter()
            bare(image, targets)[0].numpy()
            theirs.append(time.perf_counter() - started)
        ratios.append(statistics.median(ours[5:]) / statistics.median(theirs[5:]))
    yield "an evaluation / bare forward and backward pass", "≤ 1.15", ratios, 3


def measure_torch(pairs, evaluations=100):
    """Time to reach the final loss of PyTorch's L-BFGS: one scale, compilation excluded."""
    try:
        import torch

        from benchmarks.torch_reference import Reference
    except ImportError:
        print("(the comparison with PyTorch needs it: pip install -e '.[torch]')")
        return
    torch.set_num_threads(os.cpu_count())
    config = OptimizeConfig(size=_SIZE.value)
    ratios, agreements, speeds, reached = [], [], [], []
    for content, style in pairs:
        shape = _shape(content)
        small = images.resize(content, shape)
        reference = Reference(small, _resized_style(style), config)
        function, size = _function(content, style)
        optimizer = LBFGS(function)
        optimizer.start(np.zeros(size, np.float32))
        optimizer.step()
        started = time.perf_counter()
        optimizer.start(np.zeros(size, np.float32))
        agreements.append(optimizer.value / reference.loss(reference.start).item())
        trace = [(time.perf_counter() - started, optimizer.value)]
        for _ in range(evaluations):
            optimizer.step()
            trace.append((time.perf_counter() - started, optimizer.value))
        peer = reference.minimize(evaluations)
        goal = min(loss for _, loss in peer)
        seconds = next((second for second, loss in trace if loss <= goal), float("inf"))
        ratios.append(seconds / peer[-1][0])
        speeds.append((trace[-1][0] / optimizer.evaluations) / (peer[-1][0] / len(peer)))
        reached.append(trace[-1][1] / goal)
    yield "start loss, tfstyle / PyTorch (the same objective)", "1", agreements, 4
    yield f"wall time to PyTorch's loss of {evaluations} evaluations", "≤ 0.8", ratios, 2
    yield "wall time an evaluation, tfstyle / PyTorch", "", speeds, 2
    yield f"loss after {evaluations} iterations, tfstyle / PyTorch", "", reached, 3


def measure_bfloat16(pairs, iterations=20):
    """VGG-19 in bfloat16: time per evaluation and final loss, relative to float32."""
    content, style = pairs[0]
    shape = _shape(content, _VGG_SIZE.value)
    small = images.resize(content, shape)
    config = OptimizeConfig(size=_VGG_SIZE.value)
    loss = objective.make_loss(config, "vgg19")
    problems = {}
    for dtype in ("float32", "mixed_bfloat16"):
        encoder = encoders.load_encoder("vgg19", loss.layers, margin=MARGIN, dtype=dtype)
        problems[dtype] = objective.Objective(encoder, loss)
    precise, fast = problems.values()
    precise.set_targets(small, [_resized_style(style, _VGG_SIZE.value)], [1.0])
    precise.set_start(small)
    fast.share(precise)
    zero = np.zeros(small.size, np.float32)
    optimizers = [LBFGS(problem.value_and_gradient) for problem in problems.values()]
    for optimizer in optimizers:
        optimizer.start(zero)
    seconds = [0.0, 0.0]
    warm = 3
    for iteration, (k, optimizer) in itertools.product(range(iterations), enumerate(optimizers)):
        if k == 1 and iteration == round(iterations * (1 - PRECISE_SHARE)):
            optimizer.switch(precise.value_and_gradient)  # as a render does
        before, started = optimizer.evaluations, time.perf_counter()
        optimizer.step()
        if warm <= iteration < iterations * (1 - PRECISE_SHARE):
            seconds[k] += (time.perf_counter() - started) / (optimizer.evaluations - before)
    evaluate = tf.function(precise.value_and_gradient)
    finals = [float(evaluate(optimizer.position)[0]) for optimizer in optimizers]
    yield "VGG-19, bfloat16 / float32, an evaluation", "≤ 0.60", [seconds[1] / seconds[0]], 2
    yield "VGG-19, final loss in float32, bfloat16 / float32", "≤ 1.02", [finals[1] / finals[0]], 3


def measure_program(_, runs=2):
    """optimize.py with the README's flags, from cold start to file: seconds and peak memory."""
    content, style = EXAMPLES[0].split(",")
    measured = {options: [] for options in PROGRAMS}
    with tempfile.TemporaryDirectory() as folder:
        files = [f"--content={content}", f"--style={style}", f"--output={folder}/out.png"]
        for options in [*PROGRAMS] * runs:
            command = [sys.executable, "optimize.py", *files, *options.split()]
            started = time.perf_counter()
            process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            if status:
                raise SystemExit(f"failed: {' '.join(command)}")
            measured[options].append((time.perf_counter() - started, usage.ru_maxrss / 1e6))
    for options, target in PROGRAMS.items():
        seconds, memory = zip(*measured[options], strict=True)
        figure = f"optimize.py {options}".strip() + ", cold start to file"
        yield f"{figure}, seconds", f"≤ {target}", seconds, 1
        yield f"{figure}, most memory, GB", "", memory, 2


def _shape(content, size=None):
    return images.fit(content.shape[1:3], size or _SIZE.value)


def _resized_style(style, size=None):
    shape = images.fit(style.shape[1:3], min(max(style.shape[1:3]), size or _SIZE.value))
    return images.resize(style, shape)


def _objective(content, style):
    """The objective of a render with lite at its last scale, started from the content."""
    loss = objective.make_loss(OptimizeConfig(), "lite")
    encoder = encoders.load_encoder("lite", loss.layers, heads=False, margin=MARGIN)
    problem = objective.Objective(encoder, loss)
    small = images.resize(content, _shape(content))
    problem.set_targets(small, [_resized_style(style)], [1.0])
    problem.set_start(small)
    return problem


def _function(content, style):
    height, width = _shape(content)
    return _objective(content, style).value_and_gradient, height * width * 3


if __name__ == "__main__":
    app.run(main)
