"""`video.py` as a program: whole runs, stops, kills and one-line errors."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
import types

import av
import numpy as np
import pytest
from PIL import Image

from tests.clip_files import moving_colors, read_sound, read_times, sound_packets, write_clip
from tests.conftest import ROOT
from tfstyle import config
from tfstyle.__main__ import main
from tfstyle.commands import video, video_engines
from tfstyle.errors import InputError
from tfstyle.optimization import scales
from tfstyle.runtime import devices
from tfstyle.video import conversion

# The program with parts of eight frames; `--` are its arguments.
SMALL_PARTS = (
    "import sys\n"
    "from tfstyle.__main__ import main\n"
    "from tfstyle.runtime import process\n"
    "from tfstyle.video import conversion\n"
    "conversion.LENGTH = 8\n"
    "process.leave(main(['video', *sys.argv[1:]]))"
)


@pytest.fixture
def flags(tmp_path, examples):
    write_clip(tmp_path / "clip.mp4", moving_colors(60), sound=True)
    painting = f"--style={examples / 'mosaic.jpg'}"
    return ["--input=clip.mp4", painting, "--style_size=64", "--batch_size=2"]


def start(folder, *flags):
    environment = {**os.environ, "KERAS_HOME": str(folder / "keras"), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", SMALL_PARTS, *flags], cwd=folder, env=environment, text=True,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for(path, process):
    until = time.monotonic() + 120
    while not path.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    assert path.exists(), process.communicate()


def finish(process):
    """The last line that a program wrote; it must have ended well."""
    _, text = process.communicate(timeout=120)
    assert process.returncode == 0, text
    return text.splitlines()[-1]


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_video(tmp_path, flags):
    assert finish(start(tmp_path, *flags, "--output=whole.mp4")) == "Wrote whole.mp4."
    assert [float(one) for one in read_times(tmp_path / "whole.mp4")] == pytest.approx(
        [number / 25 for number in range(60)]
    )
    assert sound_packets(tmp_path / "whole.mp4") == sound_packets(tmp_path / "clip.mp4")

    killed = start(tmp_path, *flags, "--output=copy.mp4")
    wait_for(tmp_path / "copy.mp4.parts" / "state.npz", killed)
    killed.kill()
    killed.communicate()
    assert not (tmp_path / "copy.mp4").exists()

    stopped = start(tmp_path, *flags, "--output=copy.mp4", "--resume")
    wait_for(tmp_path / "copy.mp4.parts" / "000002.nut", stopped)
    stopped.send_signal(signal.SIGTERM)
    _, text = stopped.communicate(timeout=60)
    assert stopped.returncode == 128 + signal.SIGTERM, text
    assert "Going on from copy.mp4.parts: " in text
    assert "Stopped: copy.mp4 holds what is done; the same command with --resume" in text
    times = read_times(tmp_path / "copy.mp4")
    assert 24 <= len(times) < 60
    sound, _ = read_sound(tmp_path / "copy.mp4")
    assert abs(sound[-1] - float(times[-1]) - 0.04) < 0.03

    assert finish(start(tmp_path, *flags, "--output=copy.mp4", "--resume")) == "Wrote copy.mp4."
    assert (tmp_path / "copy.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    left = {path.name for path in tmp_path.iterdir()} - {"keras"}
    assert left == {"clip.mp4", "whole.mp4", "copy.mp4"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("--input=none.mp4", "--input: none.mp4: no such file"),
        ("--input=text.mp4", "--input: text.mp4: not a video that can be read, or damaged ("),
        ("--output=clip.mp4", "--output: clip.mp4 is also read; give it another name"),
        ("--output=none/a.mp4", "none/a.mp4: the folder none does not exist; create it first"),
        ("--codec=x264", "--codec: no encoder 'x264'; did you mean 'libx264'?"),
        ("--start=9", "--input: clip.mp4: no frame from 9 s can be decoded"),
        ("--model=mobil", "--model: 'mobil' is no .keras file, and no packaged model; did you"),
    ],
)
def test_errors_are_one_line_before_any_work(tmp_path, monkeypatch, capfd, flags, change, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.mp4").write_text("no video")
    monkeypatch.setattr(devices, "start_tensorflow", None)  # not called
    assert main(["video", *flags, change]) == 1
    error = capfd.readouterr().err
    assert error.startswith(f"error: {message}") and error.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mp4", "text.mp4"}


def test_without_a_style_it_asks_for_one(tmp_path, monkeypatch, capfd, flags):
    monkeypatch.chdir(tmp_path)
    assert main(["video", "--input=clip.mp4"]) == 1
    assert capfd.readouterr().err == (
        "error: --style: give the painting to take the style of; other flags of styles are for "
        "libraries and for models that have named styles\n"
    )


def test_a_missing_package_is_one_line(tmp_path, flags):
    code = "import sys\nsys.modules['av'] = None\n" + SMALL_PARTS
    result = subprocess.run(
        [sys.executable, "-c", code, *flags, f"--input={tmp_path}/clip.mp4"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr == "error: av is not installed; pip install -e '.[video]'\n"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"input": ""}, "--input: give the video"),
        ({"start": 3.0, "end": 2.0}, "--end: must be after --start=3, not 2"),
        ({"consistency": 1.5}, "--consistency: must be from 0 to 1, not 1.5"),
        ({"batch_size": 3}, "--batch_size: must be 1, 2, 4, 8 or 16, not 3"),
        ({"style_weights": (1.0,)}, "--style_weights: 1 given for 0 --style"),
        ({"style": ("a",), "style_name": "b"}, "--style, --style_name: give one of the two"),
        ({"style": ("a",), "style_library": "b"}, "--style, --style_library: give one of"),
        ({"size": 20}, "--size: must be 0 or from 40"),
        ({"rate": 0.0}, "--rate: must be from 0.01"),
        ({"style_name": "a", "preserve_color": "linear"}, "--preserve_color=linear: recolours"),
    ],
)
def test_flags_are_checked(flags, message):
    with pytest.raises(InputError, match=message):
        config.VideoCommand(**{"input": "clip.mp4", **flags})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"style_weight": 5.0}, "--style_weight=5.0: is of --engine=optimize; leave it out"),
        ({"next_iterations": 5}, "--next_iterations=5: is of --engine=optimize"),
        ({"engine": "keras"}, "--engine: unknown 'keras'; use one of models, optimize"),
        ({"engine": "optimize", "strength": 0.5}, "--strength=0.5: is of --engine=models; leave"),
        ({"engine": "optimize", "style_size": 300}, "--style_size=300: is of --engine=models"),
        ({"engine": "optimize", "style": ()}, "--style: give the painting"),
        ({"engine": "optimize", "iterations": 0}, "--iterations: must be from 1"),
        ({"engine": "optimize", "next_iterations": 0}, "--next_iterations: must be from 1"),
        ({"engine": "optimize", "style_weight": 0.0, "content_weight": 0.0}, "one must be above 0"),
    ],
)
def test_flags_of_engines_are_checked(flags, message):
    with pytest.raises(InputError, match=message):
        config.VideoCommand(**{"input": "clip.mp4", "style": ("a.jpg",), **flags})


def test_a_style_of_a_library_is_that_of_its_painting(flags, tmp_path, monkeypatch, capfd):
    """But for the rounding of its code to float16."""
    monkeypatch.chdir(tmp_path)
    library = "--style_library=s.safetensors"
    assert main(["styles", "--library=s.safetensors", "--model=mobile", "--style_size=64",
                 f"--add={flags[1].partition('=')[2]}"]) == 0  # fmt: skip
    short = ["video", flags[0], "--end=0.1", "--consistency=0"]
    assert main([*short, *flags[1:3], "--output=painting"]) == 0
    assert main([*short, library, "--output=library"]) == 0
    names = sorted(path.name for path in (tmp_path / "painting").iterdir())
    assert len(names) >= 2
    for name in names:
        first, second = (
            np.asarray(Image.open(f"{one}/{name}"), int) for one in ("painting", "library")
        )
        assert np.abs(first - second).max() <= 1
    assert main([*short, library, "--style_name=none", "--output=x"]) == 1
    assert "no style 'none' in the library" in capfd.readouterr().err


def test_flags_of_the_renderer_are_its_own():
    given = {field.name: field for field in dataclasses.fields(config.VideoCommand)}
    render = config.VideoCommand(
        input="a", style=("a",), engine="optimize", style_scale=0.5
    ).render_config(300)
    assert render == config.OptimizeConfig(size=300, style_scale=0.5)
    for field in dataclasses.fields(config.OptimizeConfig):
        if field.name in ("content_weight", "style_weight", "style_scale", "iterations"):
            assert given[field.name].default == field.default
            assert given[field.name].metadata["help"] == field.metadata["help"]


def test_renders_have_the_size_of_the_frames_whose_sides_are_even(tmp_path):
    write_clip(tmp_path / "clip.mp4", moving_colors(2))
    given = config.VideoCommand(
        input="clip.mp4", style=("a",), engine="optimize", encoder="lite", size=95
    )
    clip = conversion.open_clip(tmp_path / "clip.mp4", size=given.size).clip
    render = given.render_config(video_engines.render_size(types.SimpleNamespace(clip=clip)))
    stages = scales.plan_stages(render, "lite", (clip.height, clip.width))
    assert stages[-1].shape == (clip.height, clip.width)


def test_what_must_be_the_same_to_go_on(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"1")
    given = config.VideoCommand(input=str(tmp_path / "clip.mp4"))
    engine = video_engines.Engine([], {"model": "1", "style": "1"})
    first = video._identity(given, engine)
    again = dataclasses.replace(given, resume=True)
    assert video._identity(again, engine) == first
    for other in ({"crf": 20}, {"start": 0.5}, {"model": "quality"}, {"consistency": 0.5}):
        assert video._identity(dataclasses.replace(given, **other), engine) != first
    other = video_engines.Engine([], {"model": "1", "style": "2"})
    assert video._identity(given, other) != first
    (tmp_path / "clip.mp4").write_bytes(b"22")
    assert video._identity(given, engine) != first


def test_a_stop_says_what_is_left():
    def said(output, frames, last):
        folder = f"{output}.parts"
        parts = types.SimpleNamespace(frames=frames, last=last, folder=folder)
        return video._what_is_left(output, parts)

    goes_on = "holds what is done; the same command with --resume goes on"
    assert said("a.mp4", 48, 60) == f": a.mp4 {goes_on}"
    assert said("frames", 48, 60) == f": frames.parts {goes_on}"
    assert said("a.mp4", 0, 20) == ": a.mp4 holds what is done, which is too little to go on from"
    assert said("frames", 0, 20) == " before there was anything to keep"
    assert said("a.mp4", 0, None) == " before there was anything to keep"


def test_progress_has_the_speed_and_the_time_left(monkeypatch):
    shown, now = [], iter([10.0, 11.0, 14.0, 20.0])
    monkeypatch.setattr(video, "time", types.SimpleNamespace(monotonic=lambda: next(now)))
    monkeypatch.setattr(video.terminal, "show_progress", lambda *a, **k: shown.append((a, k)))
    progress = video._Progress(count=40, done=8)
    for done in (9, 10, 17, 29):
        progress.show(done)
    # The first frame, with compiling, does not count, and a second is too little to know.
    assert shown == [
        ((17 / 40, "17 of 40 frames", "2 frames/s"), {"remaining": 23 / 2}),
        ((29 / 40, "29 of 40 frames", "2 frames/s"), {"remaining": 11 / 2}),
    ]


def test_av_has_the_codecs_of_all_containers():
    from tfstyle.video.encoding import CONTAINERS

    assert {*CONTAINERS.values()} <= av.codecs_available


def test_a_style_is_known_by_its_paintings(random):
    """Not by its code, whose last bits depend on the number of threads."""
    first, other = random.uniform(size=(2, 1, 4, 6, 3)).astype("float32")
    turned = first.reshape(1, 6, 4, 3)
    digests = {
        video_engines._digest(paintings)
        for paintings in ([first], [other], [first, other], [other, first], [turned])
    }
    assert len(digests) == 5 and video_engines._digest([first.copy()]) in digests
