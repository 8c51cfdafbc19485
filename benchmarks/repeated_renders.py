"""Repeated renders of one size in one process: time and memory of the last against the second.

    python -m benchmarks.repeated_renders [--renders 10] [--size 256] [--precision bfloat16]

Compares one `Renderer` for all renders, which loads and compiles once, with `render`, which does so
each time. Each way runs in its own process, and each render gets a different photo.
"""

import pathlib
import statistics
import subprocess
import sys
import time

from absl import app, flags

_RENDERS = flags.DEFINE_integer("renders", 10, "Renders of each way.", lower_bound=6)
_SIZE = flags.DEFINE_integer("size", 256, "Longest side in pixels.")
_ITERATIONS = flags.DEFINE_integer("iterations", 20, "Iterations of each render.")
_ENCODER = flags.DEFINE_string("encoder", "mixed", "As in optimize.py.")
_PRECISION = flags.DEFINE_string("precision", "float32", "As in optimize.py.")
_WAY = flags.DEFINE_enum("way", None, ("Renderer", "render"), "One way, in this process.")
_EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


def main(argv):
    if _WAY.value:
        measure(_WAY.value)
        return
    print("| way | first, s | second, s | last, s | last / second | memory of the second, MB "
          "| growth, MB |")  # fmt: skip
    print("| --- |" + " --- |" * 6, flush=True)
    for way in ("Renderer", "render"):
        command = [sys.executable, "-m", "benchmarks.repeated_renders", *sys.argv[1:]]
        subprocess.run([*command, f"--way={way}"], check=True)


def measure(way):
    from tfstyle.runtime import devices

    devices.start_tensorflow()
    from tfstyle import images, optimization
    from tfstyle.config import OptimizeConfig

    config = OptimizeConfig(
        size=_SIZE.value,
        iterations=_ITERATIONS.value,
        encoder=_ENCODER.value,
        precision=_PRECISION.value,
    )
    photo = images.read_image(_EXAMPLES / "astronaut.jpg", _SIZE.value)
    style = images.read_image(_EXAMPLES / "brushstrokes.jpg", _SIZE.value)
    renderer = optimization.Renderer(config)
    seconds, megabytes = [], []
    for number in range(_RENDERS.value):
        content = photo * (1.0 - 0.02 * number)
        start = time.perf_counter()
        if way == "Renderer":
            renderer.render(content, [style])
        else:
            optimization.render(content, [style], config)
        seconds.append(time.perf_counter() - start)
        megabytes.append(_resident() / 1e6)
    row = [
        f"{seconds[0]:.1f}", f"{seconds[1]:.1f}", f"{seconds[-1]:.1f}",
        f"{seconds[-1] / seconds[1]:.2f}", f"{megabytes[1]:.0f}",
        f"{statistics.mean(megabytes[-3:]) - statistics.mean(megabytes[1:4]):+.0f}",
    ]  # fmt: skip
    print(f"| `{way}` | {' | '.join(row)} |", flush=True)


def _resident():
    """Resident memory of this process in bytes."""
    lines = pathlib.Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    app.run(main)
