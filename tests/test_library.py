"""Style libraries: round trip, and files that do not fit."""

import base64
import json
import struct

import numpy as np
import pytest

from tfstyle.errors import InputError
from tfstyle.stylization.library import StyleLibrary


@pytest.fixture
def library(random):
    library = StyleLibrary("AdaINModel/0123")
    for name in ("Kandinsky", "wave é"):
        code = {
            "statistics": random.normal(size=(1, 8)).astype("float32"),
            "maps": random.integers(-9, 9, size=(1, 2, 3)),
        }
        library.add(name, code, random.uniform(size=(1, 50, 80, 3)))
    return library


def test_a_file_holds_everything_exactly(library, tmp_path):
    library.save(tmp_path / "styles.json")
    loaded = StyleLibrary.load(tmp_path / "styles.json")
    assert loaded.names() == ("Kandinsky", "wave é")
    assert loaded.identity == library.identity
    for name in library.names():
        code = loaded.code(name)
        assert list(code) == ["statistics", "maps"]
        for part, expected in library.code(name).items():
            np.testing.assert_array_equal(code[part], expected)
            assert code[part].dtype == expected.dtype and code[part].shape == expected.shape
        assert code["statistics"].dtype == np.float32
        np.testing.assert_array_equal(loaded.styles[name].thumbnail, library.styles[name].thumbnail)
        assert loaded.styles[name].thumbnail.shape == (96, 96, 3)


def test_the_file_is_plain_json_for_apps(library, tmp_path):
    library.save(tmp_path / "styles.json")
    record = json.loads((tmp_path / "styles.json").read_text())
    assert record["format"] == "tfstyle styles" and record["version"] == 2
    part = record["styles"][0]["code"]["statistics"]
    assert part["shape"] == [1, 8] and part["dtype"] == "float32"
    numbers = struct.unpack("<8f", base64.b64decode(part["data"]))
    np.testing.assert_array_equal(numbers, library.code("Kandinsky")["statistics"][0])


def test_an_unknown_name_is_one_line(library):
    with pytest.raises(InputError, match="no style 'Kandinski' .*did you mean 'Kandinsky'"):
        library.code("Kandinski")


def test_codes_of_another_model_are_refused(library):
    library.check_model("AdaINModel/0123", "styles.json")
    with pytest.raises(InputError, match=r"styles\.json: for another model, AdaINModel/0123"):
        library.check_model("AdaINModel/4567", "styles.json")


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "{}", '{"format": "tfstyle styles", "version": 2}', "\0"]
)
def test_another_file_is_one_line(text, tmp_path):
    (tmp_path / "styles.json").write_text(text)
    with pytest.raises(InputError, match=r"styles\.json: not a style library") as caught:
        StyleLibrary.load(tmp_path / "styles.json")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no such file; `tfstyle styles` creates one"):
        StyleLibrary.load(tmp_path / "none.json")


@pytest.mark.parametrize("version", [1, 3])
def test_a_file_of_another_version_says_what_to_do(version, library, tmp_path):
    library.save(tmp_path / "styles.json")
    record = json.loads((tmp_path / "styles.json").read_text())
    (tmp_path / "styles.json").write_text(json.dumps({**record, "version": version}))
    with pytest.raises(InputError, match="by another version .*; rebuild it: tfstyle styles"):
        StyleLibrary.load(tmp_path / "styles.json")


@pytest.mark.parametrize(
    "part",
    [
        {"shape": [1, 3], "dtype": "float32", "data": ""},
        {"shape": [1, 1], "dtype": "float32", "data": base64.b64encode(b"\0\0\xc0\x7f").decode()},
        {"shape": [1, 1], "dtype": "object", "data": "AAAAAAAAAAA="},
        {"shape": [1, 1], "dtype": "float33", "data": "AAAAAAAAAAA="},
        [0.5],
    ],
)
def test_a_code_that_is_damaged_is_one_line(part, library, tmp_path):
    """Too few numbers, NaN, types that are not numbers, and the codes of old files."""
    library.save(tmp_path / "styles.json")
    record = json.loads((tmp_path / "styles.json").read_text())
    record["styles"][0]["code"]["statistics"] = part
    (tmp_path / "styles.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"styles\.json: not a style library"):
        StyleLibrary.load(tmp_path / "styles.json")


@pytest.mark.parametrize("text", ['{"a": 1}', "[]", "3"])
def test_other_json_is_no_library(text, tmp_path):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(InputError, match=r"not a style library of tfstyle \(another format\)"):
        StyleLibrary.load(tmp_path / "other.json")
