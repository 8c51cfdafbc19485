"""Clips in `evaluate.py`: their metrics, what is kept of them, and the table."""

import csv

import numpy as np
import pytest

from tests.clip_files import write_clip
from tests.model_examples import make_adain
from tfstyle import images, metrics
from tfstyle.__main__ import main
from tfstyle.config import EvaluateCommand
from tfstyle.evaluation import clip_measuring, clip_results, pairs, systems


class Shifted:
    """Frames that move by two pixels to the left each; the last columns are new."""

    def __init__(self, count, random):
        row = random.random((32, 64 + 2 * count, 3))
        self.frames = np.stack([row[:, 2 * k : 2 * k + 64] for k in range(count)]).astype("float32")

    def motion(self, number, earlier):
        rows, columns = np.mgrid[:32, :64].astype(np.float32)
        columns = columns + 2 * (number - earlier)
        return np.stack([columns, rows], axis=-1), columns <= 63


def test_flicker_is_zero_for_what_moves_along(random):
    clip = Shifted(9, random)
    found = clip_measuring.flicker(1.0 - clip.frames, 1.0 - clip.frames, clip)
    assert found.keys() == metrics.CLIP_METRICS.keys()
    assert found["warping_error"] < 1e-12 and found["long_warping_error"] < 1e-12
    assert found["sharpness_to_isolation"] == 1.0
    assert np.isnan(found["flat_flicker"])  # nothing is flat


def test_flicker_counts_changes_between_neighbours_and_further(random):
    clip = Shifted(13, random)
    clip.frames[:] = 0.5
    light = np.float32(0.01) * (
        np.arange(13, dtype=np.float32) % 2
    )  # frames that are six apart have the same
    painted = clip.frames + light[:, None, None, None]
    found = clip_measuring.flicker(painted, clip.frames, clip)
    assert found["warping_error"] == pytest.approx(1e-4, rel=1e-3)
    assert found["long_warping_error"] < 1e-12
    assert found["flat_flicker"] == pytest.approx(2.55, rel=1e-3)


def test_distances_are_means_over_frames(random):
    clip = Shifted(5, random)

    def features(picture):
        return {f"relu{k}_1": np.maximum(picture - 0.1 * k, 0) for k in range(1, 6)}

    style = random.random((1, 32, 64, 3)).astype(np.float32)
    painted = 0.5 * clip.frames
    found = clip_measuring.distances(painted, clip, style, features)
    each = [
        metrics.content_distance(features(painted[k][None]), features(clip.frames[k][None]))
        for k in (0, 2, 4)
    ]
    assert found["content_distance"] == pytest.approx(np.mean(each))
    same = clip_measuring.distances(np.repeat(style, 5, 0), clip, style, features)
    assert same["style_distance"] == 0.0 < found["style_distance"]


def make_row(way, **values):
    every = dict.fromkeys((*metrics.CLIP_METRICS, "content_distance", "style_distance"), 1.0)
    return clip_results.ClipRow("mine", way, "walk", "one", "0", {**every, **values})


def test_the_table_has_means_over_clips_of_what_is_known():
    rows = [
        make_row("a", warping_error=0.25, flat_flicker=float("nan")),
        make_row("a", warping_error=0.75, flat_flicker=float("nan")),
        make_row("b", flat_flicker=2.0),
    ]
    head, first, second = clip_results.table(rows)
    found = dict(zip(head, first, strict=True))
    assert (first[0], first[1], second[0], second[1]) == ("mine, a", "2", "mine, b", "1")
    assert found["warping error"] == "0.50000" and found["flat flicker"] == "–"
    assert clip_results.table([]) == []


def test_rows_come_back_as_they_were_and_a_damaged_file_is_none(tmp_path):
    path = tmp_path / "clips.csv"
    rows = [make_row("a", warping_error=0.1), make_row("b", style_distance=1 / 3)]
    clip_results._write(path, rows)
    assert clip_results._read(path) == rows
    path.write_text(path.read_text()[:-9] + "x", encoding="utf-8")
    assert clip_results._read(path) == []


BASE = ("--content_dir=photos", "--style_dir=paintings", "--size=128", "--encoder=lite",
        "--pairs=2", "--sweep_pairs=0")  # fmt: skip


@pytest.fixture
def folders(tmp_path, photo, painting, examples, monkeypatch):
    """A photo, two paintings, a model and a clip."""
    monkeypatch.chdir(tmp_path)
    for folder in ("photos", "paintings"):
        (tmp_path / folder).mkdir()
    images.write_image("photos/left.png", photo)
    images.write_image("paintings/one.png", painting)
    images.write_image("paintings/two.png", 1 - painting)
    make_adain().save("mine.keras")
    write_clip("walk.mp4", pan(examples, 0))
    return tmp_path


def pan(examples, start):
    """Eight frames, `(8, 96, 128, 3)` uint8, of a photograph that moves by two pixels each."""
    picture = np.uint8(255 * images.read_image(examples / "chelsea.jpg", 256)[0])
    return np.stack([picture[20:116, 30 + k : 158 + k] for k in range(start, start + 16, 2)])


def rows():
    with open("evaluation/clips.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_model_on_a_clip_and_again(folders, examples, capfd, monkeypatch):
    arguments = ["evaluate", *BASE, "--model=mine.keras", "--clip=walk.mp4", "--clip_frames=8"]
    assert main([*arguments, "--page=page.md"]) == 0
    printed = capfd.readouterr().out
    found = rows()
    assert [(row["way"], row["style"]) for row in found] == [
        (way, style) for style in ("one", "two")
        for way in (clip_measuring.ISOLATED, clip_measuring.CONSISTENT)
    ]  # fmt: skip
    alone, steady = ([float(row["warping_error"]) for row in found[k::2]] for k in (0, 1))
    assert 0 < np.mean(steady) < 0.8 * np.mean(alone)
    line = next(line for line in printed.splitlines() if line.startswith("| mine, video.py"))
    assert f"| 2     | {np.mean(steady):.5f} " in line
    assert line in (folders / "page.md").read_text(encoding="utf-8")
    report = (folders / "evaluation" / "report.html").read_text(encoding="utf-8")
    assert "<td>mine, video.py</td>" in report and "sharpness to isolation" in report

    # Again: only another clip is measured anew.
    painted = []

    def paint(stylizer, code, frames):
        painted.append(code)
        return {clip_measuring.ISOLATED: frames, clip_measuring.CONSISTENT: frames}

    monkeypatch.setattr(clip_results, "paint", paint)
    config = EvaluateCommand(
        content_dir="photos", style_dir="paintings", size=128, encoder="lite",
        model=("mine.keras",), clip=("walk.mp4",), clip_frames=8,
    )  # fmt: skip
    work = (
        config, systems.make_systems(config), pairs.find_pairs("photos", "paintings"),
        lambda *_: None, lambda: False,
    )  # fmt: skip
    kept, complete = clip_results.measure_clips(*work)
    assert complete and not painted and rows() == found
    assert [row.values["warping_error"] for row in kept[::2]] == alone
    write_clip("walk.mp4", pan(examples, 1))
    clip_results.measure_clips(*work)
    assert len(painted) == 2 and len(rows()) == 4 and rows() != found
    assert clip_results.measure_clips(*work[:-1], lambda: True) == ([], False)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--clip=photos"], "--clip: photos: is a folder; give a video file"),
        (["--clip=none.mp4"], "--clip: none.mp4: no such file"),
        (
            ["--clip=photos/left.png"],
            "--clip: photos/left.png: 1 of 7 frames or more; give a longer",
        ),
        (["--clip=walk.mp4", "--clip=./walk.mp4"], "two clips are called walk"),
        (["--clip=walk.mp4", "--clip_frames=3"], "--clip_frames: must be from 8"),
    ],
)
def test_clips_that_cannot_be(folders, arguments, text, capfd):
    assert main(["evaluate", *BASE, "--model=mine.keras", *arguments]) == 1
    assert text in capfd.readouterr().err
    assert not (folders / "evaluation").exists()


def test_a_clip_needs_a_model(folders, capfd):
    assert main(["evaluate", *BASE, "--images=theirs=photos", "--clip=walk.mp4"]) == 1
    assert "--clip: is measured for each --model" in capfd.readouterr().err
