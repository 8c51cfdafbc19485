"""`evaluate.py` as a user runs it."""

import csv
import os
import re
import signal

import numpy as np
import pytest

from tests.model_examples import make_adain
from tfstyle import images
from tfstyle.__main__ import main
from tfstyle.runtime import terminal


@pytest.fixture
def folders(tmp_path, photo, painting, monkeypatch):
    """Two photos, two paintings, a model, and pictures of every pair in `theirs`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for folder in ("photos", "paintings", "theirs"):
        (tmp_path / folder).mkdir()
    contents = {"left": photo, "right": photo[:, :, ::-1]}
    styles = {"one": painting, "two": 1 - painting}
    for name, picture in contents.items():
        images.write_image(tmp_path / "photos" / f"{name}.png", picture)
    for name, picture in styles.items():
        images.write_image(tmp_path / "paintings" / f"{name}.jpg", picture)
    for content, first in contents.items():
        for style, second in styles.items():
            mixed = 0.5 * images.cover(first, (64, 64)) + 0.5 * images.cover(second, (64, 64))
            images.write_image(tmp_path / "theirs" / f"{content}__{style}.png", mixed)
    make_adain().save("mine.keras")
    return tmp_path


BASE = ("--content_dir=photos", "--style_dir=paintings", "--size=128", "--encoder=lite")


def run(*arguments):
    """Exit status of `tfstyle evaluate …`, in this process."""
    return main(["evaluate", *BASE, *map(str, arguments)])


def errors(capfd):
    return [line for line in capfd.readouterr().err.splitlines() if line.startswith("error")]


def rows():
    with open("evaluation/metrics.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_model_beside_pictures_and_again_with_more(folders, capfd):
    arguments = ("--model=mine.keras", "--images=theirs=theirs", "--sweep_pairs=1")
    assert run(*arguments, "--page=quality.md", "--baseline=theirs") == 0
    printed = capfd.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith(("| mine ", "| theirs "))]
    found = rows()
    full = [row for row in found if row["strength"] == "1.0"]
    names = ["mine", "theirs", "content itself", "style itself"]
    assert {name: [row["system"] for row in full].count(name) for name in names} == dict.fromkeys(
        names, 4
    )
    strengths = sorted({row["strength"] for row in found if row["system"] == "mine"})
    assert strengths == ["0.0", "0.25", "0.5", "0.75", "1.0"]
    means = [
        np.mean([float(row["content_distance"]) for row in full if row["system"] == name])
        for name in ("mine", "theirs")
    ]
    for line, mean in zip(lines, means, strict=True):
        assert f"| 4     | {mean:.3f} " in line
    assert f"{means[0] - means[1]:+.3f} (" in lines[0]
    for row in full:
        if row["system"] == "content itself":
            assert float(row["content_distance"]) == 0.0 < float(row["style_distance"])
        if row["system"] == "mine":
            assert 0.0 < float(row["seconds"]) < 10.0
            assert images.image_size(
                f"evaluation/pictures/mine/{row['content']}__{row['style']}.png"
            ) == (128, 128)

    report = (folders / "evaluation" / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', report)
    assert len(sources) > 20 and all(source.startswith("data:image/") for source in sources)
    page = (folders / "quality.md").read_text(encoding="utf-8")
    assert lines[0] in page and "--baseline=theirs" in page
    assert images.read_image("quality.jpg").shape[2] > 4 * 180
    with open("evaluation/summary.csv", newline="", encoding="utf-8") as file:
        entries = {(row["system"], row["metric"]): row for row in csv.DictReader(file)}
    assert float(entries["mine", "content_distance"]["mean"]) == pytest.approx(means[0])

    # Of a folder made by a run with a mistake the next one makes use; it has nothing in it yet.
    assert run("--output_dir=other", "--tflite=mine.keras,mine.keras") == 1
    assert run("--output_dir=other", "--images=theirs=theirs", "--pairs=1") == 0
    capfd.readouterr()

    # Fewer pairs are shown of what there is.
    assert run(*arguments[1:], "--pairs=3") == 0
    assert "| theirs         | 3 " in capfd.readouterr().out

    # Again: nothing is made anew but what a changed picture or another system needs.
    painted = {
        path: path.stat().st_mtime_ns for path in (folders / "evaluation/pictures").rglob("*.png")
    }
    images.write_image("theirs/left__one.png", np.full((1, 64, 64, 3), 0.5))
    assert run(*arguments) == 0
    assert "theirs has changed since it was measured" in capfd.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in painted} == painted
    again = {tuple(row.values())[:4]: row for row in rows()}
    for row in found:
        changed = row["system"] == "theirs" and (row["content"], row["style"]) == ("left", "one")
        assert (again[tuple(row.values())[:4]] == row) is not changed
    assert again["theirs", "1.0", "left", "one"]["broken"] == "1.0"


def test_a_run_that_is_stopped_goes_on(folders, capfd, monkeypatch):
    arguments = ("--images=theirs=theirs", "--images=same=theirs")
    show = terminal.show_progress

    shares = []

    def stop(done, text, remaining=None):
        show(done, text, remaining=remaining)
        shares.append(done)
        if text.startswith("same: 1 of"):
            os.kill(os.getpid(), signal.SIGINT)

    # Ctrl-C goes to the worker of a model, too, which leaves it to this process.
    monkeypatch.setattr(terminal, "show_progress", stop)
    assert run(*arguments) == 130
    assert "Stopped: evaluation holds what was measured so far; the same command goes on" in (
        capfd.readouterr().err
    )
    known = [share for share in shares if share is not None]
    assert known == [number / 16 for number in range(1, 6)], "of all four systems"
    assert not (folders / "evaluation" / "report.html").exists()
    before = rows()
    assert len(before) == 4 + 1
    monkeypatch.undo()
    monkeypatch.chdir(folders)
    assert run(*arguments) == 0
    assert "Going on from evaluation: 5 of 16 pictures are measured (31 %)" in (
        capfd.readouterr().err
    )
    assert len(rows()) == 4 * 4
    assert [row for row in rows() if row in before] == before


def test_a_folder_without_some_of_the_pictures(folders, capfd):
    (folders / "theirs" / "right__two.png").unlink()
    assert run("--images=theirs=theirs") == 1
    (line,) = errors(capfd)
    assert line == "error: --images: theirs/right__two.png: no such file"
    assert not (folders / "evaluation").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model=nothing.keras",), "nothing.keras: no such file"),
        (("--model=paintings/one.jpg",), "'paintings/one.jpg' is no .keras file"),
        (("--tflite=mine.keras,mine.keras",), "--tflite: mine.keras: not a TFLite file"),
        (("--style_dir=nowhere",), "--style_dir: nowhere: no such folder"),
        (("--page=notes.md",), "--page: notes.md was not written by this program"),
        (("--lpips_weights=nowhere.npz",), "--lpips_weights: nowhere.npz: no such file"),
        (("--page=nowhere/page.md",), "nowhere/page.md: the folder nowhere does not exist"),
        (("--output_dir=photos",), "--output_dir: photos holds other files"),
        (("--lpips_weights=mine.keras",), "mine.keras: not LPIPS' weights"),
        (("--style_network=no.tflite",), "--style_network: no.tflite: no such file"),
        (("--style_network=mine.keras",), "--style_network: mine.keras: not a TFLite file"),
        (("--fid_network=photos",), "--fid_network: 'photos' is not a SavedModel folder"),
        (("--encoder=photos",), "--encoder: 'photos' is not lite, vgg19 or a SavedModel"),
        (("--baseline=mein", "--model=mine.keras"), "--baseline: 'mein'"),
        (("--size=64",), "--size: must be from 128 to 4096, not 64"),
    ],
)
def test_what_is_wrong_is_one_line(folders, capfd, arguments, message):
    (folders / "notes.md").write_text("my own")
    before = sorted(folders.iterdir())
    assert run("--pairs=1", *arguments) == 1
    (line,) = errors(capfd)
    assert message in line
    made = set(folders.iterdir()) - set(before)
    assert made <= {folders / "evaluation"} and not list(folders.glob("evaluation/pictures/*/*"))
