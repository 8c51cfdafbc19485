"""Systems in processes of their own: pictures, crashes, mistakes.

Imports no TensorFlow, so that the processes start at once.
"""

import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time
from typing import ClassVar

import numpy as np
import pytest

from tests.conftest import ROOT
from tfstyle import images
from tfstyle.errors import InputError
from tfstyle.evaluation.painting import Painting
from tfstyle.evaluation.pairs import Pair
from tfstyle.evaluation.systems import System


@dataclasses.dataclass(frozen=True)
class Mixer(System):
    """Half content and half style; what else it does is in its name."""

    paints: ClassVar[bool] = True
    has_strength: ClassVar[bool] = True

    def open(self, size):
        if self.name == "refuses":
            raise InputError("mixer.keras: not a model")
        return self

    def encode(self, style, name):
        return style

    def paint(self, content, code, strength):
        if self.name == "dies":
            os._exit(1)
        if self.name == "interrupted":
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
        if self.name == "fails":
            raise KeyError("a mistake of ours")
        if self.name == "not finite":
            return np.full_like(content, np.nan)
        return (1 - strength / 2) * content + strength / 2 * code


@pytest.fixture
def pair(tmp_path, photo, painting):
    for name, picture in (("a", photo), ("b", painting)):
        images.write_image(tmp_path / f"{name}.png", picture)
    return Pair(tmp_path / "a.png", tmp_path / "b.png")


@pytest.fixture
def paint(tmp_path, pair):
    """Paints one picture by the mixer of that name, and gives it with what is known about it."""

    def paint(name, strength=1.0):
        painting = Painting(Mixer(name), 64)
        path = tmp_path / "out.png"
        try:
            painted = painting.paint(pair, strength, path)
        finally:
            painting.close()
        return painted, images.read_image(path)

    return paint


def square(path: pathlib.Path):
    return images.cover(images.read_image(path), (64, 64))


@pytest.mark.parametrize("name", ["plain", "interrupted"])  # Ctrl-C is for the parent to handle
def test_a_picture_is_made_elsewhere(paint, pair, name):
    painted, picture = paint(name, 0.5)
    wanted = 0.75 * square(pair.content) + 0.25 * square(pair.style)
    np.testing.assert_allclose(picture, wanted, atol=0.51 / 255)
    assert painted.finite and 0 < painted.seconds < 1
    # A Python with NumPy and Pillow takes 30 to 100 MiB; with TensorFlow, several hundred.
    assert painted.peak_memory == 0 or 20 < painted.peak_memory / 2**20 < 250


def test_a_picture_that_is_not_finite_is_said_to_be(paint):
    painted, picture = paint("not finite")
    assert not painted.finite
    assert not picture.any()


@pytest.mark.parametrize(
    ("name", "message"),
    [("dies", "dies: its process was ended, perhaps"), ("refuses", "^mixer.keras: not a model$")],
)
def test_what_goes_wrong_there_is_said_here(paint, name, message):
    with pytest.raises(InputError, match=message):
        paint(name)


def test_a_mistake_of_ours_keeps_its_traceback(paint):
    with pytest.raises(RuntimeError, match=r'(?s)process of fails:.*in paint.*"?a mistake of ours'):
        paint("fails")


def test_the_process_ends_with_this_one_even_when_killed(tmp_path):
    script = (
        "import os, sys, time\n"
        "from tests.test_painting import Mixer\n"
        "from tfstyle.evaluation.painting import Painting\n"
        "if __name__ == '__main__':\n"
        "    painting = Painting(Mixer('plain'), 64)\n"
        "    print(painting._process.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    (tmp_path / "script.py").write_text(script)
    found = subprocess.run(
        [sys.executable, tmp_path / "script.py"], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    worker = pathlib.Path(f"/proc/{int(found.stdout)}")
    for _ in range(100):
        if not worker.exists() or "Z" in (worker / "stat").read_text().split()[2]:
            return
        time.sleep(0.1)
    raise AssertionError("the worker is still there after ten seconds")
