"""Measures `tfstyle batch`: a Ray cluster of this machine against processes, and a killed run.

    python -m benchmarks.batch_speed [--only NAME …]

Prints the machine and a table of ratios of alternatives timed in turn. Photos are crops of the
examples.
"""

import functools
import hashlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from absl import app, flags

from benchmarks.table import print_table
from tfstyle import images
from tfstyle.batch.dispatching import dispatch
from tfstyle.batch.local_pool import LocalPool
from tfstyle.batch.manifest import NAME
from tfstyle.batch.photo_worker import PhotoWorker
from tfstyle.batch.ray_pool import RayPool
from tfstyle.batch.tasks import Job, Task
from tfstyle.config import StylizeCommand
from tfstyle.stylization import Stylizer

ROOT = pathlib.Path(__file__).parent.parent
PARTS = ("workers", "killed")
_ONLY = flags.DEFINE_multi_enum("only", None, PARTS, "What to measure; all by default.")
_PHOTOS = flags.DEFINE_integer("photos", 96, "Number of photos.")
_SIZE = flags.DEFINE_integer("size", 320, "Their side in pixels.")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "How often each alternative is timed.")
_MODEL = "mobile"
_WORKERS = 2
_WARM = 8  # pictures at first, while workers start, that are not timed


def main(_):
    with tempfile.TemporaryDirectory() as folder:
        _make_photos(pathlib.Path(folder, "photos"))
        print_table(_ONLY.value or PARTS, globals(), pathlib.Path(folder))


def measure_workers(folder):
    """Pictures a second with two workers each, from when they are all at work."""
    rates = {}
    for number in range(_ROUNDS.value):
        for pool in (LocalPool, RayPool):
            rates.setdefault(pool, []).append(_rate(pool, folder / f"{pool.__name__}{number}"))
    ratios = [ray / local for local, ray in zip(*rates.values(), strict=True)]
    yield "pictures a second, Ray / local, two workers", "≥ 0.9", ratios, 2
    yield "the same, local alone", "", rates[LocalPool], 1


def _rate(pool_class, output):
    output.mkdir()
    (output / NAME).touch()
    painting = images.read_image(ROOT / "examples" / "mosaic.jpg", 512)
    job = Job(
        config=StylizeCommand(content=("photos",), model=_MODEL, style=("mosaic",)),
        names=["mosaic"], codes=[Stylizer(_MODEL, engine="litert").encode_style(painting)],
        folder=str(output), marker=NAME, directory=str(output.parent),
    )  # fmt: skip
    photos = sorted(pathlib.Path(output.parent, "photos").iterdir())
    tasks = [Task(n, str(path), ((0, path.name),)) for n, path in enumerate(photos)]
    pool = pool_class(functools.partial(PhotoWorker, job), _WORKERS)
    times = []
    for _, result in dispatch(pool, tasks):
        assert not result.error, result.error
        times.append(time.monotonic())
    pool.close()
    return (len(times) - _WARM) / (times[-1] - times[_WARM - 1])


def measure_killed(folder):
    """Whole programs: killed when half is done, and started again, against one that is not."""
    ratios = []
    for number in range(_ROUNDS.value):
        broken, whole = folder / f"broken{number}", folder / f"whole{number}"
        started = time.monotonic()
        program = _start(folder, broken)
        while _lines(broken) < _PHOTOS.value // 2:
            time.sleep(0.05)
        program.send_signal(signal.SIGKILL)
        program.wait()
        assert _start(folder, broken).wait() == 0
        between = time.monotonic()
        assert _start(folder, whole).wait() == 0
        ratios.append((between - started) / (time.monotonic() - between))
        assert _digest(broken) == _digest(whole)
    yield "time of a run killed at half and started again / uninterrupted", "≤ 1.1", ratios, 2


def _start(folder, output):
    return subprocess.Popen(
        [sys.executable, "-m", "tfstyle", "batch", f"--input={folder}/photos",
         f"--style={ROOT}/examples/mosaic.jpg", f"--output={output}", f"--model={_MODEL}",
         f"--workers={_WORKERS}"],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _lines(output):
    manifest = output / NAME
    return manifest.read_bytes().count(b"\n") if manifest.exists() else 0


def _digest(output):
    digest = hashlib.sha256()
    for path in sorted(output.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _make_photos(folder):
    folder.mkdir()
    random, side = np.random.default_rng(0), _SIZE.value
    sources = [images.read_image(ROOT / "examples" / f"{n}.jpg") for n in ("astronaut", "chelsea")]
    for number in range(_PHOTOS.value):
        source = images.resize(sources[number % 2], (480, 600))
        top, left = random.integers(480 - side + 1), random.integers(600 - side + 1)
        crop = source[:, top : top + side, left : left + side]
        images.write_image(folder / f"{number:04d}.png", crop)


if __name__ == "__main__":
    app.run(main)
