"""`tfstyle batch` as a user runs it."""

import csv
import functools
import hashlib
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.batch_workers import Copier
from tests.conftest import ROOT
from tfstyle import images
from tfstyle.__main__ import main
from tfstyle.batch import local_pool
from tfstyle.batch.dispatching import dispatch
from tfstyle.batch.tasks import Task

FLAGS = ["--style=paintings", "--output=out", "--model=mobile"]


@pytest.fixture
def pictures(tmp_path, photo, painting, monkeypatch):
    """Photos and two paintings in folders of the working directory."""
    monkeypatch.chdir(tmp_path)
    for folder in ("photos", "paintings"):
        (tmp_path / folder).mkdir()
    for number in range(3):
        images.write_image(f"photos/{number}.png", photo[:, :48, 8 * number :][:, :, :48])
    images.write_image("paintings/a.png", painting)
    images.write_image("paintings/b.jpg", painting[:, ::-1, :48])
    return tmp_path


def batch(*flags):
    return main(["batch", "--input=photos", *FLAGS, *flags])


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def state(folder="out"):
    return {one.name: one.stat().st_mtime_ns for one in os.scandir(folder) if "__" in one.name}


def test_pictures_are_those_of_stylize_and_made_once(pictures, capfd):
    """Also with a file that is no photo; then only what changed is made again."""
    (pictures / "photos" / "bad.jpg").write_text("no photo")
    (pictures / "paintings" / "no.jpg").write_text("no painting")
    assert batch("--workers=2") == 1
    line = [one for one in capfd.readouterr().err.splitlines() if one.startswith("error")][-1]
    assert "--input: 1 of 4 photos and --style: 1 of 3 paintings could not be painted" in line
    assert [row["path"] for row in rows("out/failed.csv")] == ["paintings/no.jpg", "photos/bad.jpg"]
    assert rows("out/failed.csv")[1]["error"].startswith("not a readable image")

    assert main(["stylize", "--content=photos", *FLAGS, "--output=other"]) == 1
    manifest = rows("out/manifest.csv")
    assert [row["output"] for row in manifest] == sorted(os.listdir("other"))
    for row in manifest:
        data = (pictures / "out" / row["output"]).read_bytes()
        assert data == (pictures / "other" / row["output"]).read_bytes()
        assert row["sha256"] == hashlib.sha256(data).hexdigest() and row["bytes"] == f"{len(data)}"
        assert row["output"] == f"{row['content'][7]}__{row['style']}.png"
    assert len(manifest) == 6 and len(os.listdir("out")) == 8, "nothing else is left"

    for folder in ("photos/bad.jpg", "paintings/no.jpg"):
        os.unlink(folder)
    before = state()
    capfd.readouterr()
    assert batch() == 0
    assert state() == before and "6 pictures are there already" in capfd.readouterr().err
    assert rows("out/failed.csv") == []
    images.write_image("photos/1.png", images.read_image("photos/2.png"))
    os.utime("photos/1.png", ns=(10**18, 10**18))  # older than the pictures
    images.write_image("paintings/c.png", images.read_image("paintings/a.png")[:, :, ::-1])
    assert batch("--workers=1") == 0
    changed = {name for name, when in state().items() if when != before.get(name)}
    assert changed == {"1__a.png", "1__b.png", "0__c.png", "1__c.png", "2__c.png"}
    assert (pictures / "out/1__a.png").stat().st_size == (pictures / "out/2__a.png").stat().st_size


def test_a_killed_run_goes_on(pictures, photo):
    """Killed without a chance to clean up, with half of the pictures done."""
    for number in range(3, 14):
        images.write_image(f"photos/{number}.png", photo[:, number % 16 :][:, :48, number:])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tfstyle", "batch", "--input=photos", *FLAGS, "--workers=2"]
    program = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while not os.path.exists("out/manifest.csv") or len(rows("out/manifest.csv")) < 6:
        assert program.poll() is None
        time.sleep(0.02)
    program.send_signal(signal.SIGKILL)
    program.wait()
    manifest = rows("out/manifest.csv")
    assert 6 <= len(manifest) < 28
    before = {row["output"]: os.stat(f"out/{row['output']}").st_mtime_ns for row in manifest}
    assert batch() == 0
    assert {name: when for name, when in state().items() if name in before} == before
    assert batch("--output=other") == 0
    assert len(rows("out/manifest.csv")) == 28
    for name in ("manifest.csv", *state()):
        assert (pictures / "out" / name).read_bytes() == (pictures / "other" / name).read_bytes()
    assert {*os.listdir("out")} == {*os.listdir("other")}


def test_a_photo_that_ends_its_process_does_not_end_the_others(tmp_path):
    tasks = []
    for number, name in enumerate(("a", "b", "poison", "c", "d")):
        (tmp_path / name).write_text(name)
        tasks.append(Task(number, str(tmp_path / name), ((0, f"{name}.png"),)))
    pool = local_pool.LocalPool(functools.partial(Copier, tmp_path), 2)
    found = {task.number: result for task, result in dispatch(pool, tasks)}
    pool.close()
    assert sorted(found) == [0, 1, 2, 3, 4] and found.pop(2) is None
    assert all(result.error == "" and len(result.pictures) == 1 for result in found.values())
    assert (tmp_path / "d.png").read_text() == "d"


@pytest.mark.parametrize("library", ["s.json", "s.safetensors"])
def test_a_library_and_other_flags(pictures, library):
    """A style's pictures stay when others are added; other flags make them again."""
    assert main(["styles", f"--library={library}", "--add=paintings", "--model=mobile"]) == 0
    flags = ["batch", "--input=photos/0.png", f"--style_library={library}", "--output=out",
             "--model=mobile", "--workers=1"]  # fmt: skip
    assert main([*flags, "--style_name=a"]) == 0
    before = state()
    assert [*before] == ["0__a.png"]
    assert images.read_parameters("out/0__a.png")["style_name"] == ["a"]
    assert main(flags) == 0
    assert sorted(state()) == ["0__a.png", "0__b.png"] and state()["0__a.png"] == before["0__a.png"]
    assert main([*flags, "--style_name=a", "--strength=0.5"]) == 0
    assert state()["0__a.png"] != before["0__a.png"]
    assert [row["style"] for row in rows("out/manifest.csv")] == ["a", "b"]


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--preserve_color=linear"], "--preserve_color=linear: depends on photo and painting"),
        (["--prepare=match"], "--prepare=match: depends on photo and painting"),
        (["--workers=-1"], "--workers: must be from 0"),
        (["--engine=spark"], "--engine: unknown 'spark'; use one of local, ray"),
        (["--style_name=x"], "--style, --style_name: give one of the two"),
        (["--input=none"], "--input: none: no such file; give a photo, a folder"),
        (["--output=photos/0.png"], "--output: .*0.png is a file; give a folder"),
    ],
)
def test_bad_flags_are_one_line_and_nothing_is_written(pictures, capfd, flags, text):
    assert batch(*flags) == 1
    errors = [one for one in capfd.readouterr().err.splitlines() if one.startswith("error")]
    assert len(errors) == 1
    assert re.search(text, errors[0])
    assert not (pictures / "out").exists()


def test_pictures_that_are_also_photos_are_refused(pictures, capfd):
    os.rename("photos/0.png", "photos/x.png")
    images.write_image("photos/x__a.png", images.read_image("photos/x.png"))
    assert batch("--output=photos") == 1
    assert "photos/x__a.png is also read; give another folder" in capfd.readouterr().err


def test_ray_that_is_missing_is_one_line(pictures, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert batch("--engine=ray") == 1
    assert "ray is not installed; pip install -e '.[batch]'" in capfd.readouterr().err
