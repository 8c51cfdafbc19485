"""`optimize.py` as a user runs it."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tfstyle import images
from tfstyle.__main__ import main
from tfstyle.commands import optimize, optimize_job
from tfstyle.config import OptimizeCommand
from tfstyle.errors import InputError
from tfstyle.runtime import process

FILES = ("photo.png", "style.jpg")
FAST = ["--size=64", "--min_size=64", "--iterations=3"]
# Of one term, which is compiled at once, for what does not depend on the loss.
BRIEF = ["--size=64", "--min_size=64", "--encoder=lite", "--style_loss=gram",
         "--style_layers=relu2_1", "--content_layers=relu2_1"]  # fmt: skip


@pytest.fixture
def small(examples, tmp_path):
    """A photograph with alpha of 90 × 61 pixels, and a style picture."""
    photo = Image.open(examples / "astronaut.jpg").resize((90, 61))
    photo.putalpha(Image.linear_gradient("L").resize((90, 61)))
    photo.save(tmp_path / "photo.png")
    Image.open(examples / "mosaic.jpg").resize((80, 80)).save(tmp_path / "style.jpg")
    return ["--content", "photo.png", "--style", "style.jpg"]


def test_writes_the_picture_its_history_and_its_plot(run_program, small, tmp_path):
    result = run_program(
        "optimize.py", *small, *FAST, "--output=out.tif", "--bits=16", "--history=h.json",
        "--plot=p.png", "--checkpoint=c.npz", "--preview_every=1",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "Wrote out.tif" in result.stderr and "Encoder: " in result.stderr
    assert "warning" not in result.stderr.lower() and "cuda" not in result.stderr.lower()
    image, alpha = images.read_image(tmp_path / "out.tif"), images.read_alpha(tmp_path / "out.tif")
    assert image.shape == (1, 43, 64, 3)
    expected = images.read_alpha(tmp_path / "photo.png", 64)
    np.testing.assert_allclose(alpha, expected, atol=1e-4)
    history = json.loads((tmp_path / "h.json").read_text())
    (stage,) = history["stages"]
    assert (stage["height"], stage["width"], len(stage["loss"])) == (43, 64, 2)  # half of 3
    assert history["evaluations"] == stage["evaluations"] >= 3
    assert history["arguments"]["size"] == 64 and "tensorflow" in history["versions"]
    Image.open(tmp_path / "p.png").verify()
    assert set(os.listdir(tmp_path)) - {"keras"} == {*FILES, "out.tif", "h.json", "p.png"}


def test_vgg19_needs_no_download(run_program, small, tmp_path):
    """The address is one that answers nothing, in case that something asks."""
    flags = ["--encoder=vgg19", "--size=64", "--min_size=64", "--iterations=2"]
    proxy = "http://127.0.0.1:9"
    result = run_program("optimize.py", *small, *flags, http_proxy=proxy, https_proxy=proxy)
    assert result.returncode == 0, result.stderr
    assert Image.open(tmp_path / "stylized.png").size == (64, 43)
    assert images.read_parameters(tmp_path / "stylized.png")["encoder"] == "vgg19"
    assert not (tmp_path / "keras" / "models").exists()


def test_auto_on_a_gpu_is_vgg19_with_all_its_layers(small, tmp_path, monkeypatch):
    from tfstyle.runtime import devices

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(devices, "has_gpu", lambda: True)
    flags = ["--size=64", "--min_size=64", "--iterations=1", "--style_layers=relu1_1,relu5_2"]
    assert main(["optimize", *small, *flags]) == 0
    assert images.read_parameters(tmp_path / "stylized.png")["encoder"] == "vgg19"


def test_a_picture_is_reproduced_from_itself(run_program, small, tmp_path):
    flags = ["--init=noise", "--seed=5", "--style_loss=gram"]
    flags += ["--style_layers=relu1_1,relu5_2"]  # of VGG-19 alone
    first = run_program("optimize.py", *small, *FAST, *flags, "--output=a.png")
    assert first.returncode == 0, first.stderr
    second = run_program("optimize.py", "--from_picture=a.png")
    assert second.returncode == 0, second.stderr
    a, b = (np.asarray(Image.open(tmp_path / name)) for name in ("a.png", "stylized.png"))
    np.testing.assert_array_equal(a, b)


def parameters_of(picture, *given):
    return optimize.read_parameters(str(picture), given)


def made_by(program, path, **parameters):
    """A picture in a folder of its own that holds parameters."""
    path.parent.mkdir(exist_ok=True)
    picture = np.zeros((1, 8, 8, 3), np.float32)
    parameters = {"program": f"tfstyle {program} 1.0", **parameters}
    images.write_image(path, picture, parameters=parameters)
    return path


def test_the_files_that_a_picture_names_may_have_moved_with_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture = made_by(
        "optimize", tmp_path / "moved" / "a.png", content="old/photo.png", init="fast", size=99,
        style=["paintings/one.png", "two.png"], style_scale=0.5,
    )  # fmt: skip
    with pytest.raises(InputError) as caught:
        parameters_of(picture)
    assert str(caught.value) == (
        f"--from_picture: old/photo.png, which {picture} was made with, is neither there nor "
        "beside it; give --content"
    )
    (tmp_path / "moved" / "paintings").mkdir()
    for name in ("photo.png", "paintings/one.png"):
        (tmp_path / "moved" / name).touch()
    (tmp_path / "two.png").touch()
    found = parameters_of(picture)
    assert found["content"] == [str(tmp_path / "moved" / "photo.png")]
    assert found["style"] == [str(tmp_path / "moved" / "paintings" / "one.png"), "two.png"]
    assert (found["init"], found["size"], found["style_scale"]) == ("fast", 99, 0.5)
    (tmp_path / "moved" / "photo.png").unlink()
    found = parameters_of(picture, "content", "style_size")
    assert "style_scale" not in found, "--style_size takes its place"
    assert "style_scale" not in parameters_of(picture, "content", "brush")


def test_a_picture_of_the_other_program_is_named(tmp_path):
    picture = made_by("stylize", tmp_path / "a.png", strength=1.0)
    with pytest.raises(InputError, match="a.png was made by stylize.py, .* made by optimize.py"):
        parameters_of(picture)


def test_flags_replace_a_pictures_regions(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("photo.png", "one.png", "map.png"):
        (tmp_path / name).touch()
    maps = {"content_mask": "map.png", "style_mask": ["map.png"], "region": ["red=1"]}
    files = {"content": "photo.png", "style": ["one.png"]}
    picture = made_by("optimize", tmp_path / "a.png", **files, **maps, auto_regions=0)
    regions = {*maps, "auto_regions"}
    assert parameters_of(picture).keys() & regions == regions
    assert parameters_of(picture, "auto_regions").keys() & regions == {"auto_regions"}
    found = parameters_of(picture, "style").keys() & regions
    assert found == regions - {"style_mask"}, "it is of another painting"
    picture = made_by("optimize", tmp_path / "b.png", **files, auto_regions=3)
    assert "auto_regions" not in parameters_of(picture, "content_mask")


def test_a_region_of_the_page_is_not_left_out_silently(tmp_path, caplog):
    region = {"mask": "…", "style": "", "strength": 0.0}
    picture = made_by("optimize", tmp_path / "a.png", page_region=region)
    assert parameters_of(picture, "strength_map") and not caplog.text
    parameters_of(picture)
    assert "a.png: the region that was drawn on the page is painted, too" in caplog.text


def test_a_fast_start_is_painted_once(small, tmp_path, monkeypatch, capfd):
    """What resumes has it in its checkpoint, whatever this machine would paint."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    painted = []
    paint = optimize_job.fast_image

    def painting(*arguments):
        painted.append(paint(*arguments) + len(painted) // 2)
        return painted[-1]

    monkeypatch.setattr(optimize_job, "fast_image", painting)
    flags = [*small, *BRIEF, "--iterations=12", "--init=fast"]
    assert main(["optimize", *flags, "--output=whole.png"]) == 0
    stop = ["--checkpoint=c.npz", "--output=out.png"]
    with monkeypatch.context() as patched:
        patched.setattr(
            process.StopSignal, "requested", lambda stop: setattr(stop, "number", 2) or 1
        )
        assert main(["optimize", *flags, *stop]) == 130
    assert main(["optimize", *flags, *stop]) == 0
    assert len(painted) == 2
    assert "Going on from c.npz: 8 % done, 64 × 43 by lite, iteration 1 of 12." in (
        capfd.readouterr().err
    )
    whole, rest = (np.asarray(Image.open(f"{name}.png")) for name in ("whole", "out"))
    np.testing.assert_array_equal(whole, rest)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_keeps_the_picture_so_far(small, tmp_path, number):
    running = subprocess.Popen(
        [sys.executable, ROOT / "optimize.py", *small, *BRIEF, "--iterations=100000",
         "--output=out.png", "--checkpoint=c.npz"],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in running.stderr:
        if "iteration" in line:
            break
    running.send_signal(number)
    start = time.monotonic()
    _, text = running.communicate(timeout=120)
    assert running.returncode == 128 + number, text
    assert "the same command goes on from c.npz" in text and "Traceback" not in text
    assert "Stopped: out.png holds the picture so far" in text
    assert time.monotonic() - start < 60
    assert Image.open(tmp_path / "out.png").size == (64, 43)
    assert (tmp_path / "c.npz").exists()


def test_mistakes_with_files_come_before_any_work(small, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "empty.jpg").touch()
    Image.new("RGB", (180, 20)).save(tmp_path / "thin.png")
    for flags, words in [
        ([*small, "--output=out.bmp"], "--output: out.bmp: the suffix must be"),
        ([*small, "--output=no/out.png"], "does not exist"),
        ([*small, "--output=photo.png"], "is also read"),
        ([*small, "--output=out.jpg", "--bits=16"], "for 16 bits"),
        ([*small, "--history=no/h.json"], "--history: no/h.json: the folder no does not exist"),
        ([*small, "--history=style.jpg"], "--history: style.jpg is also read"),
        ([*small, "--plot=p.png", "--output=p.png"], "also written for another flag"),
        ([*small, "--init=" + 300 * "x"], "too long"),
        (["--content=thin.png", *small[2:], "--size=64"], "--size: 64 leaves 7 pixels"),
        ([*small, "--plot=p.gif"], "p.gif: the suffix must be one of .png"),
        ([*small, "--init=nothing.png"], "--init: nothing.png: no such file"),
        ([*small, "--style=empty.jpg"], "--style: empty.jpg: not a readable image"),
        ([*small, "--vgg_weights=none.h5"], "none.h5: no such file"),
        ([*small, "--vgg_weights=."], ".: is a folder"),
        ([*small, "--style_layers=relu5_4"], "lite, which this render uses, has no relu5_4"),
        ([*small, "--content_layers=relu6_1"], "--content_layers: unknown name 'relu6_1'"),
        ([*small, "--from_picture=photo.png"], "--from_picture: photo.png: holds no parameters"),
    ]:
        assert main(["optimize", *flags]) == 1
        found = capfd.readouterr().err
        progress = ("Encoder:", "loading")
        lines = [line for line in found.splitlines() if not line.startswith(progress)]
        assert len(lines) == 1, found
        assert lines[0].startswith("error: ") and words in lines[0]
    assert set(os.listdir(tmp_path)) <= {*FILES, "empty.jpg", "thin.png", "keras"}


def test_the_examples_travel_with_the_package(run_program, tmp_path):
    result = run_program("optimize.py", "--help")
    assert result.returncode == 0
    result = subprocess.run(
        [sys.executable, "-m", "tfstyle", "examples", "--output", tmp_path / "copied"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    names = {path.name for path in (tmp_path / "copied").iterdir()}
    assert names == {path.name for path in (ROOT / "examples").glob("*.[jm]p[g4]")}


def test_previews_come_each_so_many_iterations(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    written = []
    monkeypatch.setattr(images, "write_image", lambda path, image, **_: written.append(image))
    flags = [*BRIEF, "--iterations=7", "--preview_every=3", "--preserve_color=luminance"]
    assert main(["optimize", *small, *flags]) == 0
    third, sixth, final = written  # all of the final size, and coloured
    assert third.shape == sixth.shape == final.shape == (1, 43, 64, 3)
    assert np.abs(third - final).mean() > np.abs(sixth - final).mean() > 0
    assert np.ptp(third, axis=-1).mean() > 0.5 * np.ptp(final, axis=-1).mean() > 0


def test_one_device_computes_all_tiles(caplog):
    caplog.set_level("INFO", "absl")
    config = OptimizeCommand(content=("a.png",), style=("b.png",), strategy="mirrored")
    assert optimize_job.start(config).strategy == "mirrored"
    assert "--strategy=mirrored: there is one device, which computes all." in caplog.messages
    optimize_job.start(dataclasses.replace(config, strategy="one"))
    assert len([line for line in caplog.messages if "strategy" in line]) == 1
