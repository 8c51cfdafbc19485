"""What the programs do at signals, and with standard streams that are closed or full."""

import itertools
import os
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from tests.conftest import ROOT
from tfstyle import images
from tfstyle.__main__ import main
from tfstyle.runtime import process
from tfstyle.stylization import Stylizer


@pytest.fixture
def pair(tmp_path, photo, painting):
    """Flags of `stylize.py` for a small photo and a small painting."""
    images.write_image(tmp_path / "photo.png", photo)
    images.write_image(tmp_path / "painting.png", painting)
    return ["stylize.py", "--content", "photo.png", "--style", "painting.png"]


def start(folder, program, *flags, **options):
    environment = {**os.environ, "KERAS_HOME": str(folder / "keras")}
    return subprocess.Popen(
        [sys.executable, ROOT / program, *flags], cwd=folder, env=environment, text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("number", "module"),
    [(signal.SIGTERM, "tensorflow"), (signal.SIGHUP, "keras"), (signal.SIGINT, "tensorflow")],
)
def test_a_signal_ends_what_is_still_loading(tmp_path, pair, number, module):
    """A module that is imported by TensorFlow or Keras raises it; then it waits."""
    (tmp_path / "late").mkdir()
    stand_in = f"import os, time\nos.kill(os.getpid(), {int(number)})\ntime.sleep(60)\n"
    (tmp_path / "late" / f"{module}.py").write_text(stand_in)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path / 'late'}:{ROOT}"}
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, ROOT / pair[0], *pair[1:], "--engine=keras"], cwd=tmp_path,
        env=environment, capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert time.monotonic() - started < 30
    assert (result.returncode, result.stderr) == (128 + number, "error: interrupted\n")


def test_an_import_cannot_swallow_a_signal(tmp_path):
    program = (
        "import os, signal, sys\n"
        "from tfstyle import cli\n"
        "from tfstyle.runtime import process\n"
        "def main(_):\n"
        "    with process.quiet_import():\n"
        "        try: signal.raise_signal(signal.SIGTERM)\n"
        "        except: raise ImportError('failed to load')\n"
        "sys.exit(cli.run(main, []))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (found.returncode, found.stderr) == (143, "error: interrupted\n")


def test_a_render_that_has_not_begun_is_interrupted_at_once():
    with pytest.raises(process.Interrupted), process.StopSignal():
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("number", process.STOP_SIGNALS)
def test_work_ends_by_itself_at_a_signal(number):
    with process.StopSignal() as stop:
        assert not stop.requested()
        signal.raise_signal(number)
        assert stop.requested() and stop.number == number
        with pytest.raises(process.Interrupted):
            signal.raise_signal(signal.SIGINT)


def test_nohup_is_respected():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with process.handling(process.interrupt):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_after_the_end_is_no_traceback():
    program = (
        "import atexit, signal\n"
        "from tfstyle.runtime import process\n"
        "atexit.register(signal.raise_signal, signal.SIGINT)\n"
        "process.leave(0)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (found.returncode, found.stderr) == (0, "")


def test_when_interrupted_stylize_says_what_is_kept(tmp_path, pair, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    paint, count = Stylizer.paint, itertools.count()

    def interrupted(*arguments, **options):
        if next(count) == 1:
            signal.raise_signal(signal.SIGINT)
        return paint(*arguments, **options)

    monkeypatch.setattr(Stylizer, "paint", interrupted)
    Image.open("painting.png").rotate(90).save("turned.png")
    arguments = ["stylize", *pair[1:], "--style", "turned.png", "--output", "out"]
    assert main(arguments) == 128 + signal.SIGINT
    assert capfd.readouterr().err.splitlines()[-1] == (
        "error: interrupted; 1 of 2 pictures are in out; the same command paints all again"
    )
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["photo__painting.png"]


def test_with_all_standard_streams_closed_it_still_paints(tmp_path, pair):
    """Otherwise the picture's file would be the one that messages are written to."""
    command = 'exec "$0" "$@" <&- >&- 2>&-'
    shell = ["sh", "-c", command, sys.executable, ROOT / pair[0], *pair[1:]]
    assert subprocess.run(shell, cwd=tmp_path, timeout=100).returncode == 0
    assert images.read_image(tmp_path / "stylized.png").std() > 0.1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_messages_on_a_full_disk_do_not_matter(tmp_path, pair):
    with open("/dev/full", "w") as full:
        assert start(tmp_path, *pair, stdout=full, stderr=full).wait(timeout=100) == 0
        assert Image.open(tmp_path / "stylized.png").size == (96, 64)
        mistaken = start(tmp_path, *pair, "--size=1", stderr=full)
        assert mistaken.wait(timeout=100) == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_help_on_a_full_disk_is_one_line(tmp_path):
    with open("/dev/full", "w") as full:
        helping = start(tmp_path, "optimize.py", "--help", stdout=full)
        _, text = helping.communicate(timeout=60)
    assert helping.returncode == 1
    assert text == "error: the output cannot be written (No space left on device)\n"
