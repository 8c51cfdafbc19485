"""The README's commands and Python do what it says."""

import re
import shlex

import av
import numpy as np
import pytest
from PIL import Image

from tests import clip_files
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_its_first_command_makes_the_picture(run_program, tmp_path):
    """The second line, smaller."""
    first = README.index("```sh")
    assert README[:first].count("\n") < 8, "it opens with the command"
    install, render = blocks("sh")[0].strip().splitlines()
    assert install.endswith("pip install -q -e .")
    python, program, *arguments = shlex.split(render)
    assert python == "python" and program == "optimize.py"
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    result = run_program(program, *arguments, "--size=128")
    assert result.returncode == 0, result.stderr
    picture = np.asarray(Image.open(tmp_path / "stylized.png"), float) / 255
    photo = Image.open(ROOT / "examples" / "astronaut.jpg")
    assert max(picture.shape) == 128
    # It is another picture than the photo, but of the same thing.
    same = np.asarray(photo.resize(picture.shape[1::-1]), float) / 255
    assert np.abs(picture - same).mean() > 0.05
    assert np.corrcoef(picture.mean(-1).ravel(), same.mean(-1).ravel())[0, 1] > 0.6


def test_its_last_command_is_the_check():
    assert "make check" in blocks("sh")[-1]


def test_its_stylize_commands_run(run_program, tmp_path):
    """By a painting, and by the name of a style."""
    commands = [block for block in blocks("sh") if "stylize.py" in block]
    assert len(commands) == 2
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    photo = Image.open(ROOT / "examples" / "chelsea.jpg")
    for command in commands:
        python, program, *arguments = shlex.split(command)
        assert python == "python"
        result = run_program(program, *arguments)
        assert result.returncode == 0, result.stderr
        assert Image.open(tmp_path / arguments[-1]).size == photo.size


def test_its_video_command_runs(run_program, tmp_path):
    """What a player shows: all frames at their times, the sound's packets as they are."""
    (commands,) = [block for block in blocks("sh") if "video.py" in block]
    install, command = commands.strip().splitlines()
    assert install == 'pip install -q -e ".[video]"'
    python, program, *arguments = shlex.split(command)
    assert python == "python"
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    result = run_program(program, *arguments, "--size=96")
    assert result.returncode == 0, result.stderr
    clip, output = ROOT / "examples" / "clip.mp4", tmp_path / arguments[-1]
    assert clip_files.read_times(output) == clip_files.read_times(clip)
    assert clip_files.sound_packets(output) == clip_files.sound_packets(clip)
    with av.open(str(output)) as found, av.open(str(clip)) as source:
        assert found.duration == pytest.approx(source.duration, abs=2000)
        stream = found.streams.video[0]
        assert (stream.width, stream.height, stream.codec_context.colorspace) == (96, 72, 6)


def test_its_training_command_runs_and_resumes(run_program, tmp_path, examples):
    command, _ = [block for block in blocks("sh") if "train.py" in block]
    python, program, *arguments = shlex.split(command)
    assert python == "python"
    (tmp_path / "photos").symlink_to(examples)
    (tmp_path / "paintings").symlink_to(examples)
    arguments[arguments.index("--steps") + 1] = "2"
    small = ["--crop_size", "32", "--image_size", "48", "--encoder", "lite"]
    first = run_program(program, *arguments, *small)
    assert first.returncode == 0, first.stderr
    arguments[arguments.index("--steps") + 1] = "3"
    second = run_program(program, *arguments, *small)
    assert second.returncode == 0, second.stderr
    assert "Going on from runs/first: step 2 of 3 (66 %)" in second.stderr
    assert (tmp_path / "runs" / "first" / "model.keras").exists()


def test_its_command_for_one_style_makes_a_model(run_program, tmp_path, examples):
    _, command = [block for block in blocks("sh") if "train.py" in block]
    python, program, *arguments = shlex.split(command)
    assert python == "python"
    (tmp_path / "photos").symlink_to(examples)
    (tmp_path / "painting.jpg").symlink_to(examples / "mosaic.jpg")
    small = ["--steps=1", "--crop_size=48", "--image_size=48", "--style_size=64"]
    first = run_program(program, *arguments, *small)
    assert first.returncode == 0, first.stderr
    model = "runs/one/model.keras"
    photo = f"--content={examples / 'chelsea.jpg'}"
    assert run_program("stylize.py", photo, "--size=64", "--model", model).returncode == 0
    assert (tmp_path / "stylized.png").exists()


def test_its_evaluation_command_runs(run_program, tmp_path, examples):
    (command,) = [block for block in blocks("sh") if "evaluate.py" in block]
    python, program, *arguments = shlex.split(command)
    assert python == "python"
    (tmp_path / "photos").symlink_to(examples)
    (tmp_path / "paintings").symlink_to(examples)
    small = ["--size=128", "--pairs=1", "--sweep_pairs=0", "--encoder=lite"]
    result = run_program(program, *arguments, *small)
    assert result.returncode == 0, result.stderr
    assert "| mobile " in result.stdout
    assert (tmp_path / "evaluation" / "report.html").exists()


def test_its_export_command_and_what_runs_the_files(run_program, tmp_path, monkeypatch):
    """One precision at a small size."""
    (command,) = [block for block in blocks("sh") if "to_tflite.py" in block]
    python, program, *arguments = shlex.split(command)
    assert python == "python"
    small = ["--size=128", "--style_size=128", "--precision=dynamic", "--check_pairs=1"]
    result = run_program(program, *arguments, *small)
    assert result.returncode == 0, result.stderr
    (code,) = [code for code in blocks("python") if "Interpreter" in code]
    assert not re.search("tfstyle|tensorflow|keras", code)
    run_in_empty_folder(code.replace("384", "128"), tmp_path, monkeypatch)
    assert Image.open(tmp_path / "stylized.png").size == (128, 128)


def run_in_empty_folder(code, folder, monkeypatch):
    (folder / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(folder)
    exec(compile(code, "README.md", "exec"), {})


@pytest.mark.parametrize(
    ("part", "text", "less"),
    [("OptimizeConfig", "size=384", "size=64, iterations=2"), ("Stylizer", "512", "64")],
)
def test_its_python_runs(part, text, less, tmp_path, monkeypatch):
    (code,) = [code for code in blocks("python") if part in code]
    assert text in code and len(code.splitlines()) <= 12
    run_in_empty_folder(code.replace(text, less), tmp_path, monkeypatch)
    assert (tmp_path / "stylized.png").exists()


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/architectures.md",
        "docs/training.md",
        "docs/video.md",
        "docs/evaluation.md",
        "docs/strokes.md",
        "docs/adding-a-model.md",
        "docs/architecture.md",
        "docs/web.md",
        "export/android/README.md",
        "CONTRIBUTING.md",
    ],
)
def test_its_flags_exist(page):
    from tfstyle import config

    known = {"help", "no"}  # the latter of pip's --no-deps
    for command in ("Optimize", "Stylize", "Styles", "Video", "Train", "Shards", "Evaluate",
                    "TFLite", "SavedModel", "ONNX", "BenchmarkTFLite", "Web"):  # fmt: skip
        found = getattr(config, f"{command}Command")
        known |= {*found.__dataclass_fields__, *getattr(found, "PRESETS", ())}
    for tool in (ROOT / "tools").glob("*.py"):
        known |= set(re.findall(r"DEFINE_\w+\(\s*\"(\w+)\"", tool.read_text(encoding="utf-8")))
    assert set(re.findall(r"--([a-z_0-9]+)", (ROOT / page).read_text(encoding="utf-8"))) <= known


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target
