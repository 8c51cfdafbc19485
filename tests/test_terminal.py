"""Progress on standard error: how it is laid out, and when it is written."""

import os
import pty
import subprocess
import sys
import time

import pytest
from absl import logging

from tfstyle.runtime import process, terminal


@pytest.fixture
def screen(monkeypatch):
    """A standard error of so many columns, a clock, and what was written; no columns: a pipe."""

    class Screen:
        columns, now, text = 0, 100.0, ""

        @property
        def lines(self):
            return self.text.replace("\r", "\n").splitlines()

    found = Screen()

    def write(text):
        found.text += text

    monkeypatch.setattr(process, "error_columns", lambda: found.columns)
    monkeypatch.setattr(process, "write_error", write)
    monkeypatch.setattr(time, "monotonic", lambda: found.now)
    monkeypatch.setattr(logging, "level_info", lambda: True)
    terminal.end_progress()
    yield found
    terminal.end_progress()


DETAILS = ("362 × 241 by vgg19", "iteration 20 of 57", "loss 1.2345")


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (120, "████░░░░░░   42 %  1 min 20 s left  362 × 241 by vgg19  iteration 20 of 57  "
         "loss 1.2345  0 s so far"),
        (80, "████░░░░░░   42 %  1 min 20 s left  362 × 241 by vgg19  iteration 20 of 57"),
        (70, "████░░░░░░   42 %  1 min 20 s left  362 × 241 by vgg19"),
        (60, " 42 %  1 min 20 s left  362 × 241 by vgg19"),
        (24, " 42 %  1 min 20 s left"),
        (20, " 42 %"),
        (4, " 42"),
    ],
)  # fmt: skip
def test_what_matters_most_fits_into_any_width(screen, columns, shown):
    screen.columns = columns
    terminal.show_progress(0.42, *DETAILS, remaining=80.0)
    (line,) = [line for line in screen.lines if line]
    assert line.rstrip() == shown and len(line) == columns - 1


def test_the_percentage_of_several_stages_never_falls(screen):
    screen.columns = 80
    for done in (None, 0.3, 0.65, 0.0, None, 0.651):
        terminal.show_progress(done, "stage")
    shown = [line.split("%")[0].split()[-1] for line in screen.lines if "%" in line]
    assert shown == ["30", "65", "65", "65", "65"]
    terminal.show_progress(1.0, "all")
    assert screen.text.endswith("\n"), "the last one stays"
    terminal.show_progress(0.1, "other work")
    assert " 10 %" in screen.lines[-1]


def test_a_percentage_is_not_rounded_up_to_the_end(screen):
    terminal.show_progress(0.999, "nearly", always=True)
    assert " 99 %" in screen.text


def test_a_log_line_takes_the_place_of_the_progress(screen):
    screen.columns = 40
    terminal.show_progress(0.5, "stage")
    record = logging.logging.makeLogRecord({"msg": "Encoder: lite."})
    assert terminal.LogFormatter().format(record) == f"\r{'':39}\rEncoder: lite."
    assert terminal.LogFormatter().format(record) == "Encoder: lite.", "nothing to remove"


def beat(screen, seconds):
    for _ in range(seconds):
        screen.now += 1.0
        terminal._PROGRESS.beat()


def test_elsewhere_there_is_a_line_within_10_seconds_and_every_30(screen):
    terminal.show_progress(None, "loading")
    beat(screen, 10)
    assert screen.lines == ["loading  8 s so far"]
    terminal.show_progress(0.2, "first stage", remaining=100.0)
    assert not screen.lines[1:], "two seconds later"
    beat(screen, 28)
    assert screen.lines[1:] == [" 20 %  1 min 12 s left  first stage  38 s so far"]
    screen.now += 9.0
    terminal.show_progress(0.3, "second stage")
    assert len(screen.lines) == 2
    screen.now += 1.0
    terminal.show_progress(0.4, "second stage")
    assert screen.lines[2:] == [" 40 %  second stage  48 s so far"]
    terminal.show_progress(1.0, "second stage")
    assert screen.lines[3:] == ["100 %  second stage  48 s so far"]
    beat(screen, 100)
    assert len(screen.lines) == 4, "all is done"


def test_short_work_needs_no_lines_elsewhere(screen):
    terminal.show_progress(0.0, "1 picture")
    screen.now += 2.0
    terminal.show_progress(1.0, "1 picture")
    assert screen.text == ""


def test_a_program_shows_progress_while_nothing_reports(monkeypatch, screen):
    monkeypatch.setattr(terminal, "FIRST", -1.0)
    with terminal.heartbeat():
        terminal.show_progress(None, "loading")
        limit = time.time() + 20
        while not screen.text and time.time() < limit:
            time.sleep(0.05)
    assert screen.lines == ["loading  0 s so far"]


def test_progress_is_seen_while_standard_error_is_hidden():
    """As TensorFlow loads, or converts: the terminal is its copy's then."""
    master, slave = pty.openpty()
    program = (
        "import os\n"
        "from tfstyle.runtime import process, terminal\n"
        "with process.hidden_stderr():\n"
        "    os.write(2, b'chatter')\n"
        "    terminal.show_progress(0.25, 'loading')\n"
        "terminal.end_progress()\n"
    )
    subprocess.run([sys.executable, "-c", program], stderr=slave, check=True)
    os.close(slave)
    shown = os.read(master, 10_000).decode()
    os.close(master)
    assert " 25 %  loading" in shown and "chatter" not in shown
    assert len(shown.strip("\r\n")) == 79, "80 columns, as the terminal does not tell its width"


def test_durations_are_readable():
    assert [terminal.duration(s) for s in (12.4, 260, 11_100)] == [
        "12 s",
        "4 min 20 s",
        "3 h 05 min",
    ]
