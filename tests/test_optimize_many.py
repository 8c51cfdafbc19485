"""`optimize.py` with several photos and paintings. Only the first test renders."""

import json
import os
import signal

import numpy as np
import pytest
from PIL import Image

from tfstyle import images, optimization
from tfstyle.__main__ import main
from tfstyle.commands import written_files
from tfstyle.images import sheets
from tfstyle.losses import PerceptualLoss
from tfstyle.optimization import RenderResult
from tfstyle.optimization.objective import Objective

ALL = ["--content=photos", "--style=paintings", "--output=out"]
STAGE = {"loss": [2.0, 1.0], "iterations": 2, "evaluations": 3, "seconds": 0.1}
NAMES = ["a__m.png", "a__s.png", "b__m.png", "b__s.png"]


@pytest.fixture
def pictures(tmp_path, photo, painting, monkeypatch):
    """Two photos of unlike shapes and two paintings in folders of the working directory."""
    monkeypatch.chdir(tmp_path)
    found = {
        "photos/a.png": photo,
        "photos/b.jpg": photo[:, :, :48],
        "paintings/m.png": painting,
        "paintings/s.jpg": 1 - painting,
    }
    for path, picture in found.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        images.write_image(path, picture)
    return tmp_path


@pytest.fixture
def painted(monkeypatch):
    """Calls of renders, which return the photo: styles, and the other arguments."""
    calls = []

    class Renderer:
        def __init__(self, config):
            self.config = config

        def render(self, content, styles, **options):
            calls.append((len(styles), options))
            small = images.resize(content, images.fit(content.shape[1:3], self.config.size))
            return RenderResult(small, [STAGE], complete=True)

    def render(content, styles, config, **options):
        return Renderer(config).render(content, styles, **options)

    monkeypatch.setattr(optimization, "Renderer", Renderer)
    monkeypatch.setattr(optimization, "render", render)
    return calls


def run(*flags):
    """Exit status of `optimize.py` at the smallest size."""
    return main(["optimize", "--encoder=lite", "--size=64", "--min_size=45", *map(str, flags)])


def lines_of(capfd):
    """Standard output, which is JSON alone, and the errors of standard error."""
    out, err = capfd.readouterr()
    errors = [line for line in err.splitlines() if line.startswith("error")]
    return [json.loads(line) for line in out.splitlines()], errors


def in_folder(path="out"):
    return sorted(os.listdir(path))


@pytest.mark.slow
def test_every_pair_is_as_it_is_alone(pictures, monkeypatch, capfd):
    """All is compiled once, and the targets of each style are computed once for each scale."""
    traced, computed = [], []
    value, style_targets = Objective.value_and_gradient, PerceptualLoss.style_targets
    monkeypatch.setattr(
        Objective, "value_and_gradient", lambda *given: (traced.append(1), value(*given))[1]
    )
    monkeypatch.setattr(
        PerceptualLoss,
        "style_targets",
        lambda *given: (computed.append(1), style_targets(*given))[1],
    )
    brief = ["--style_loss=gram", "--style_layers=relu2_1", "--content_layers=relu2_1"]
    brief += ["--iterations=2", "--json"]
    assert run(*ALL, *brief) == 0
    assert (len(traced), len(computed)) == (1, 4), "one encoder; two styles at two scales"
    found, errors = lines_of(capfd)
    assert not errors and in_folder() == NAMES
    assert sorted(os.path.basename(one["output"]) for one in found) == NAMES
    alone = ["--content=photos/b.jpg", "--style=paintings/s.jpg", "--output=alone.png"]
    assert run(*alone, *brief) == 0
    ((single,), _), made = lines_of(capfd), found[-1]
    assert (made["content"], made["styles"]) == ("photos/b.jpg", ["paintings/s.jpg"])
    assert made["seconds"] > 0 and made["loss"] == single["loss"]
    assert (made["width"], made["height"]) == (48, 64)
    one, other = (np.asarray(Image.open(path)) for path in ("out/b__s.png", "alone.png"))
    np.testing.assert_array_equal(one, other)
    stored = [images.read_parameters(path) for path in ("out/b__s.png", "alone.png")]
    assert [one.pop("output") for one in stored] == ["out/b__s.png", "alone.png"]
    assert stored[0] == stored[1] and stored[0]["content"] == "photos/b.jpg"
    assert not {"json", "sheet"} & {*stored[0]}


def test_what_is_there_whole_is_skipped(pictures, painted, capfd):
    assert run(*ALL) == 0 and len(painted) == 4
    os.remove("out/a__m.png")
    data = (pictures / "out" / "b__s.png").read_bytes()
    (pictures / "out" / "b__s.png").write_bytes(data[: len(data) // 2])
    later = os.stat("out/a__s.png").st_mtime_ns + 10**9
    os.utime("out/b__m.png", ns=(later, later))
    os.utime("photos/b.jpg", ns=(later, later))
    capfd.readouterr()
    assert run(*ALL, "--json") == 0
    out, err = capfd.readouterr()
    found = {one["output"]: one for one in map(json.loads, out.splitlines())}
    skipped = [name for name, one in found.items() if one.get("skipped")]
    assert skipped == ["out/b__m.png", "out/a__s.png"] and len(painted) == 6 and len(found) == 4
    assert "out/a__s.png: is there already; skipped." in err
    assert (found["out/a__s.png"]["width"], found["out/a__s.png"]["height"]) == (64, 43)
    os.utime("paintings/m.png", ns=(later + 1, later + 1))  # newer than b__m.png, too
    assert run(*ALL) == 0 and len(painted) == 6 + 3  # and b__s.png is older than its photo
    assert run(*ALL, "--style_weight=4") == 0 and len(painted) == 9 + 4


def test_the_same_command_goes_on_where_it_was_stopped(pictures, painted, monkeypatch, capfd):
    renderer = optimization.Renderer
    whole = renderer.render

    def stopped(self, content, styles, **options):
        result = whole(self, content, styles, **options)
        if len(painted) < 3:
            return result
        signal.raise_signal(signal.SIGINT)
        assert options["should_stop"]()
        (pictures / options["checkpoint"]).touch()
        return RenderResult(result.image, result.history, complete=False)

    flags = [*ALL, "--checkpoint=c.npz", "--sheet=sheet.png"]
    with monkeypatch.context() as patched:
        patched.setattr(renderer, "render", stopped)
        assert run(*flags) == 128 + signal.SIGINT
    assert (
        "Stopped: 2 of 4 pictures are in out; the same command goes on." in capfd.readouterr().err
    )
    assert in_folder() == ["a__m.png", "b__m.png"] and os.path.exists("c.npz")
    assert not os.path.exists("sheet.png")
    assert run(*flags) == 0 and len(painted) == 3 + 2 and in_folder() == NAMES
    assert not os.path.exists("c.npz") and os.path.exists("sheet.png")


def test_a_second_signal_says_what_is_kept(pictures, painted, monkeypatch, capfd):
    def interrupted(*_, should_stop, **__):
        should_stop()
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(optimization.Renderer, "render", interrupted)
    assert run(*ALL) == 128 + signal.SIGINT
    assert capfd.readouterr().err.splitlines()[-1] == (
        "error: interrupted; 0 of 4 pictures are in out; the same command goes on"
    )


def test_bad_files_do_not_stop_the_others(pictures, painted, capfd):
    """One that is none, one that is cut off, one too narrow: each is named once."""
    (pictures / "photos" / "broken.png").write_bytes(b"no picture")
    data = (pictures / "paintings" / "m.png").read_bytes()
    (pictures / "paintings" / "cut.png").write_bytes(data[: len(data) // 2])
    Image.new("RGB", (400, 20)).save("photos/narrow.png")
    (pictures / "photos" / "cut.png").write_bytes(data[: len(data) // 2])
    assert run(*ALL, "--json", "--sheet=sheet.png") == 1
    found, errors = lines_of(capfd)
    assert len(found) == len({one["output"] for one in found}) == 5 * 3
    assert sorted(os.path.basename(one["output"]) for one in found if "loss" in one) == NAMES
    assert in_folder() == NAMES
    *each, last = errors
    assert last == "error: 11 of 15 pictures could not be painted; the others are in out"
    expected = [
        "--content: photos/broken.png: not a readable image",
        "--content: photos/narrow.png: --size: 64 leaves 3 pixels",
        "--style: paintings/cut.png: not a readable image",
        "--content: photos/cut.png: not a readable image",
    ]
    for line, words in zip(each, expected, strict=True):
        assert words in line
    failed = [one for one in found if one["content"] == "photos/broken.png"]
    assert len(failed) == 3 and all(one["error"] in errors[0] for one in failed)


def test_the_sheet_has_photos_in_rows_and_paintings_in_columns(pictures, painted, photo, painting):
    (pictures / "photos" / "c.png").write_bytes(b"no picture")
    assert run(*ALL, "--sheet=sheet.png") == 1
    sheet = images.read_image("sheet.png")
    side = sheets.SIDE
    width, height = sheets.sheet_size(4, 3)
    assert sheet.shape == (1, height, width, 3)

    def place(row, column, shape):
        left, top = 4 + column * (side + 4), 20 + row * (side + 4)
        return sheet[:, top : top + shape[0], left : left + shape[1]]

    def near(found, picture):
        return np.abs(found - images.resize(picture, found.shape[1:3])).mean() < 0.03

    assert near(place(0, 1, (side, side)), painting) and near(
        place(0, 2, (side, side)), 1 - painting
    )
    assert near(place(1, 0, (120, side)), photo) and near(place(1, 2, (120, side)), photo)
    assert near(place(2, 1, (side, 135)), photo[:, :, :48])
    assert np.ptp(place(3, 0, (side, side))) == np.ptp(place(3, 2, (side, side))) == 0
    assert place(3, 2, (1, 1)).max() < 0.9, "grey"
    assert place(0, 0, (side, side)).min() == 1, "the corner is empty"


def test_a_sheet_of_one_photo_and_many_styles_has_bands(tmp_path, photo, painting):
    """Eight styles in each, with the photo at its left."""
    path, side = tmp_path / "sheet.png", sheets.SIDE
    styles = [(f"style {n}", [painting * (n / 10)]) for n in range(10)]
    written_files.check_sheet(str(path), 1, len(styles))
    written_files.write_sheet(str(path), [photo], styles, [[photo * (n / 10) for n in range(10)]])
    sheet = images.read_image(path)
    width, height = sheets.sheet_size(2, 9)
    assert sheet.shape == (1, 2 * height, width, 3)
    for number, (top, left) in {7: (0, 8), 8: (height, 1), 9: (height, 2)}.items():
        rows = np.s_[top + 20 + side + 4 : top + 20 + side + 4 + 120]
        columns = np.s_[4 + left * (side + 4) : 4 + left * (side + 4) + side]
        expected = images.resize(photo * (number / 10), (120, side))
        assert np.abs(sheet[:, rows, columns] - expected).mean() < 0.02
    assert sheet[:, height:, 4 + 3 * (side + 4) :].min() == 1.0


PAIR = ["--style=paintings/m.png", "--style=paintings/s.jpg"]
SHARES = ["--style_weights=1", "--style_weights=3"]


@pytest.mark.parametrize(
    ("flags", "mixed", "found"),
    [
        (["--content=photos/a.png", *PAIR, "--output=out/x.png"], 2, ["x.png"]),
        (["--content=photos/a.png", *PAIR, "--output=out"], 1, ["a__m.png", "a__s.png"]),
        ([*ALL[:1], *PAIR, "--output=out"], 1, NAMES),
        ([*ALL, *SHARES], 2, ["a__m+s.png", "b__m+s.png"]),
        ([*ALL[1:2], "--content=photos/b.jpg", "--output=out/x.tif", *SHARES], 2, ["x.tif"]),
        ([ALL[0], ALL[2], "--from_picture=mix.png"], 2, ["a__m+s.png", "b__m+s.png"]),
    ],
)
def test_what_is_mixed(flags, mixed, found, pictures, painted):
    """Several paintings are, for a file as output or with weights; not for a folder."""
    (pictures / "out").mkdir()
    if "mix.png" in flags[-1]:
        assert run("--content=photos/a.png", *PAIR, "--output=mix.png") == 0
        assert images.read_parameters("mix.png")["style_weights"] == []
        painted.clear()
    assert run(*flags) == 0
    assert in_folder() == found
    assert [count for count, _ in painted] == [mixed] * len(found)


def test_one_photo_has_a_sheet_and_json_too(pictures, painted, capfd):
    flags = ["--content=photos/a.png", *PAIR]
    assert run(*flags, "--json", "--sheet=sheet.png", "--history=h.json") == 0
    (found,), errors = lines_of(capfd)
    assert not errors and found.pop("seconds") >= 0
    assert found == {
        "content": "photos/a.png", "styles": ["paintings/m.png", "paintings/s.jpg"],
        "output": "stylized.png", "width": 64, "height": 43, "loss": 1.0,
    }  # fmt: skip
    assert images.read_image("sheet.png").shape[1:3] == sheets.sheet_size(2, 2)[::-1]
    assert run(*flags, "--json", "--output=no/x.png") == 1
    (found,), (error,) = lines_of(capfd)
    assert error == f"error: {found['error']}"


def test_a_start_image_serves_every_picture(pictures, painted):
    assert run(*ALL, "--init=paintings/m.png", "--preserve_color=luminance") == 0
    assert len(painted) == 4 and all(options["init"] is not None for _, options in painted)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (ALL[:2], "--output: 4 pictures cannot be one file, stylized.png; give a folder"),
        (["--content=photos/a.png", *ALL[1:2], "--output=o.png"], "2 pictures cannot be one file"),
        ([*ALL, "--preview_every=5"], "--preview_every: is for one photo and a file as --output"),
        ([*ALL, "--history=h.json"], "--history: is for one photo and a file as --output; --json"),
        ([*ALL, "--plot=p.png"], "--plot: is for one photo and a file as --output; --json"),
        ([*ALL, "--sheet=photos/a.png"], "--sheet: photos/a.png is also read"),
        ([*ALL, "--checkpoint=c", "--sheet=c"], "--sheet: c is also written for another flag"),
        ([*ALL, "--sheet=no/sheet.png"], "--sheet: no/sheet.png: the folder no does not exist"),
        ([*ALL, "--sheet=sheet.bmp"], "--sheet: sheet.bmp: the suffix must be one of"),
        ([*ALL, "--style_weights=1"], "--style_weights: 1 given for 2 --style"),
        ([*ALL, "--content=photos/a.png"], "out/a__m.png would be written twice"),
        ([*ALL, "--init=none.png"], "--init: none.png: no such file"),
        ([*ALL, "--style_layers=relu5_4"], "lite, which this render uses, has no relu5_4"),
        ([*ALL[1:], "--content=none.jpg"], "--content: none.jpg: no such file"),
        (["--content=photos/a.png", *PAIR[:1], "--sheet=stylized.png"], "written for another flag"),
    ],
)
def test_mistakes_are_one_line_before_any_work(flags, words, pictures, painted, capfd):
    before = sorted(pictures.rglob("*"))
    assert run(*flags) == 1
    (line,) = lines_of(capfd)[1]
    assert words in line
    assert sorted(pictures.rglob("*")) == before and not painted


def test_a_sheet_too_long_for_its_format_is_refused(pictures, painted, capfd):
    Image.new("RGB", (64, 64)).save("photos/c.png")
    more = [f"--content=photos/{k}.png" for k in range(90)]
    for name in more:
        os.link("photos/c.png", name.partition("=")[2])
    assert run(*more, *PAIR[:1], "--output=out", "--sheet=sheet.webp") == 1
    assert lines_of(capfd)[1] == [
        "error: --sheet: sheet.webp: such a file has at most 16383 pixels a side; use .png"
    ]
