"""Photos named by folder, pattern and list."""

import os

import pyarrow
import pytest
from pyarrow import parquet

from tfstyle import images
from tfstyle.batch.photo_lists import find_photos
from tfstyle.errors import InputError
from tfstyle.images.outputs import OutputNames


@pytest.fixture
def photos(tmp_path, monkeypatch, photo):
    monkeypatch.chdir(tmp_path)
    for name in ("in/b.png", "in/a.jpg", "in/deep/c.png"):
        os.makedirs(os.path.dirname(name), exist_ok=True)
        images.write_image(name, photo[:, :40, :40])
    (tmp_path / "in" / "notes.txt").write_text("in/a.jpg\n")
    (tmp_path / "in" / ".hidden.jpg").write_text("")
    return tmp_path


def find(*given):
    return find_photos("input", [*map(str, given)])


def test_folders_and_patterns(photos):
    assert find("in") == ["in/a.jpg", "in/b.png"]
    assert find("in/*") == ["in/a.jpg", "in/b.png"]
    assert find("in/**/*.png") == ["in/b.png", "in/deep/c.png"]
    assert find("in/b.png", "in", "in/*.jpg") == ["in/b.png", "in/a.jpg"], "once each"


@pytest.mark.parametrize("kind", ["txt", "csv", "parquet"])
def test_lists_keep_their_order_and_name_files_that_may_be_missing(photos, kind):
    paths = ["in/deep/c.png", "in/a.jpg", "missing, é.jpg", "in/a.jpg"]
    if kind == "txt":
        (photos / "list.txt").write_text("\ufeff" + "\r\n".join(paths) + "\n\n", "utf-8")
    elif kind == "csv":
        lines = ["price,path", *(f'1,"{path}"' for path in paths)]
        (photos / "list.csv").write_text("\n".join(lines), "utf-8")
    else:
        parquet.write_table(pyarrow.table({"price": [1] * 4, "path": paths}), "list.parquet")
    assert find(f"list.{kind}") == paths[:3]


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        (
            "list.csv",
            b"file,price\na.jpg,1\n",
            "not a list of paths .no column 'path', but file, pr",
        ),
        ("list.csv", b"", "no column 'path', but none"),
        ("list.txt", b"\n\n", "names no photos; give a photo, a folder, a pattern in quotes"),
        ("list.parquet", b"PAR1 or not", "list.parquet: not a list of paths"),
        ("none.jpg", None, "none.jpg: no such file; give a photo"),
        ("none/*.jpg", None, r"none/\*.jpg: names no photos"),
    ],
)
def test_what_names_no_photo_is_one_line(photos, name, data, text):
    if data is not None:
        (photos / name).write_bytes(data)
    with pytest.raises(InputError, match=text) as caught:
        find(name)
    assert str(caught.value).startswith("--input: ") and "\n" not in str(caught.value)


def test_a_table_of_numbers_is_no_list(photos):
    parquet.write_table(pyarrow.table({"path": [1, 2]}), "list.parquet")
    with pytest.raises(InputError, match="not a list of paths .1 is no path"):
        find("list.parquet")


def test_names_of_pictures_say_what_they_are_of():
    names = OutputNames("out", ["x/a.jpg", "y/a.jpg", "b__c.jpg"], ["wave", "The Scream"])
    assert names.file(0, 1) == "x_a.jpg__The Scream.png"
    for content in range(3):
        for style in range(2):
            assert names.find(names.file(content, style).upper()) == (content, style)
    for other in ("b__c.png", "b__wave.png", "x_a.jpg__wave.jpg", "manifest.csv"):
        assert names.find(other) is None


@pytest.mark.parametrize(
    ("contents", "styles"),
    [
        (["a.jpg", "a__b.jpg"], ["c", "b__c"]),
        (["a.jpg", "a_.jpg"], ["b", "_b"]),
        (["a.jpg", "a.jpg"], ["b"]),
        (["a.jpg"], ["b?", "b:"]),
    ],
)
def test_two_pictures_of_one_name_are_refused(contents, styles):
    with pytest.raises(InputError, match="would be written twice, for a.jpg, style .* and a"):
        OutputNames("out", contents, styles)
