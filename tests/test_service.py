"""systemd's unit of docs/training.md is valid, and its command's flags exist."""

import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tfstyle import cli
from tfstyle.config import TrainCommand

UNIT = ROOT / "docs" / "tfstyle-train.service"


def test_its_command_is_one_of_train():
    command = re.search(r"^ExecStart=(.*)$", UNIT.read_text("utf-8"), re.M)[1]
    python, program, *arguments = shlex.split(command)
    assert python.endswith("bin/python") and (ROOT / program).exists()
    config = cli.parse(TrainCommand, arguments, program)
    assert config.strategy == "multi_worker"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_finds_no_fault(tmp_path):
    text = UNIT.read_text("utf-8").replace("/srv/tfstyle/venv/bin/python", sys.executable)
    path = tmp_path / UNIT.name
    path.write_text(text, "utf-8")
    verify = ["systemd-analyze", "verify", "--man=no", path]
    result = subprocess.run(verify, capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    path.write_text(text.replace("on-failure", "on-failures"), "utf-8")
    result = subprocess.run(verify, capture_output=True, text=True)
    assert "on-failures" in result.stderr
