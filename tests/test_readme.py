"""The README's commands and Python do what it says."""

import re
import shlex
import sys

import numpy as np
from PIL import Image

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_its_first_command_makes_the_picture(run_program, tmp_path):
    """The last part of that very command, with this Python instead of a new environment's."""
    first = README.index("```sh")
    assert README[:first].count("\n") < 8, "it opens with the command"
    *_, render = blocks("sh")[0].strip().split(" && ")
    python, program, *arguments = shlex.split(render)
    assert python == ".venv/bin/python" and program == "optimize.py"
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    result = run_program(program, *arguments)
    assert result.returncode == 0, result.stderr
    picture = np.asarray(Image.open(tmp_path / "stylized.png"), float) / 255
    photo = Image.open(ROOT / "examples" / "astronaut.jpg")
    assert max(picture.shape) == 512
    # It is another picture than the photo, but of the same thing.
    same = np.asarray(photo.resize(picture.shape[1::-1]), float) / 255
    assert np.abs(picture - same).mean() > 0.05
    assert np.corrcoef(picture.mean(-1).ravel(), same.mean(-1).ravel())[0, 1] > 0.6


def test_its_second_command_is_the_check():
    assert "make check" in blocks("sh")[1]


def test_its_python_runs(tmp_path, monkeypatch):
    (code,) = blocks("python")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    small = code.replace("size=384", "size=64, iterations=2")
    assert small != code and len(code.splitlines()) <= 12
    exec(compile(small, "README.md", "exec"), {})
    assert max(Image.open("stylized.png").size) == 64


def test_its_flags_exist():
    from tfstyle.config import OptimizeCommand

    known = {*OptimizeCommand.__dataclass_fields__, *OptimizeCommand.PRESETS, "help"}
    assert set(re.findall(r"--([a-z_]+)", README)) <= known, sys.version


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target
