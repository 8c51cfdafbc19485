"""The table of the pictures: what it says is there, after any end of the program."""

import csv
import os

import pytest

from tfstyle.batch.manifest import COLUMNS, FAILED, NAME, Failures, Manifest
from tfstyle.errors import InputError

HASH, SETTINGS = "a" * 64, "s" * 16


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "out").mkdir()
    for name in ("a", "b", 'c, "d" é'):
        (tmp_path / f"{name}.jpg").write_bytes(b"photo")
    return tmp_path / "out"


def add(manifest, folder, name, size=3):
    photo = folder.parent / f"{name}.jpg"
    (folder / f"{name}.png").write_bytes(b"x" * size)
    modified = photo.stat().st_mtime_ns
    manifest.add(f"{name}.png", str(photo), "wave", size, HASH, modified, SETTINGS)


def has(manifest, folder, name, settings=SETTINGS):
    return manifest.has(f"{name}.png", str(folder.parent / f"{name}.jpg"), settings)


def rows(folder, name=NAME):
    with open(folder / name, encoding="utf-8", newline="") as file:
        return [*csv.reader(file)]


def test_what_was_added_is_there_also_for_the_next_program(folder):
    names = ('c, "d" é', "a", "b")
    manifest = Manifest(folder)
    for name in names:
        assert not has(manifest, folder, name)
        add(manifest, folder, name)
    for one in (manifest, Manifest(folder)):  # which was not finished
        assert all(has(one, folder, name) for name in names)
        assert not has(one, folder, "a", "t" * 16), "other flags"
    manifest.finish(["a.png", "b.png", "none.png", 'c, "d" é.png'])
    assert [row[0] for row in rows(folder)] == ["output", "a.png", "b.png", 'c, "d" é.png']
    assert rows(folder)[0] == [*COLUMNS]
    assert rows(folder)[1][2:5] == ["wave", "3", HASH]
    assert all(has(Manifest(folder), folder, name) for name in names)


def test_what_changed_is_not_there(folder):
    manifest = Manifest(folder)
    add(manifest, folder, "a")
    add(manifest, folder, "b")
    os.utime(folder.parent / "a.jpg", ns=(5, 5))  # another photo, though an older one
    (folder / "b.png").write_bytes(b"damaged")
    assert not has(manifest, folder, "a") and not has(manifest, folder, "b")
    add(manifest, folder, "a", 4)
    assert has(manifest, folder, "a")
    (folder / "a.png").unlink()
    assert not has(manifest, folder, "a")


def test_a_line_counts_once_and_the_last_one(folder):
    manifest = Manifest(folder)
    for size in (3, 4, 5):
        add(manifest, folder, "a", size)
    manifest.finish(["a.png"])
    assert [row[3] for row in rows(folder)[1:]] == ["5"]
    before = (folder / NAME).stat()
    Manifest(folder).finish(["a.png"])
    assert (folder / NAME).stat() == before, "nothing to write"


@pytest.mark.parametrize("left", range(1, 30, 4))
def test_a_torn_line_is_none_and_the_next_one_is_whole(folder, left):
    manifest = Manifest(folder)
    add(manifest, folder, "a")
    size = (folder / NAME).stat().st_size
    add(manifest, folder, "b")
    os.truncate(folder / NAME, size + left)
    manifest = Manifest(folder)
    assert has(manifest, folder, "a") and not has(manifest, folder, "b")
    add(manifest, folder, "b")
    assert has(Manifest(folder), folder, "b")
    assert [row[0] for row in rows(folder)] == ["output", "a.png", "b.png"]


def test_pictures_of_other_photos_stay_in_it_while_they_exist(folder):
    manifest = Manifest(folder)
    for name in ("a", "b", 'c, "d" é'):
        add(manifest, folder, name)
    (folder / "a.png").unlink()
    manifest.finish(['c, "d" é.png'])
    assert [row[0] for row in rows(folder)[1:]] == ['c, "d" é.png', "b.png"]


def test_another_table_is_not_touched(folder):
    (folder / NAME).write_text("path,price\n")
    with pytest.raises(InputError, match="manifest.csv was not written by this program"):
        Manifest(folder)
    assert (folder / NAME).read_text() == "path,price\n"


def test_failures_are_known_at_once_and_in_order_at_the_end(folder):
    failures = Failures(folder)
    assert rows(folder, FAILED) == [["path", "error"]]
    failures.add(7, "z.jpg", "--input: z.jpg: no such file")
    failures.add(3, "y, y.jpg", "--input: y, y.jpg: empty")
    assert [row[0] for row in rows(folder, FAILED)] == ["path", "z.jpg", "y, y.jpg"]
    failures.finish()
    assert rows(folder, FAILED)[1:] == [["y, y.jpg", "empty"], ["z.jpg", "no such file"]]
    Failures(folder)
    assert rows(folder, FAILED) == [["path", "error"]], "of this run"
