"""Style libraries: round trip, and files that do not fit."""

import base64
import json
import struct

import numpy as np
import pytest

from tfstyle import images
from tfstyle.__main__ import main
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


def test_a_sheet_shows_all_styles_with_their_names(library, tmp_path, capfd):
    """Names that are too long are cut; a library without styles has no sheet."""
    library.styles["a name that is far too long for it" * 2] = library.styles["Kandinsky"]
    library.save(tmp_path / "styles.json")
    flags = ["styles", f"--library={tmp_path / 'styles.json'}", f"--sheet={tmp_path / 's.png'}"]
    assert main(flags) == 0
    pixels = np.round(255 * images.read_image(tmp_path / "s.png")[0])
    assert pixels.shape == (122 + 8, 3 * 104 + 8, 3)
    for number, style in enumerate(library.styles.values()):
        left = 8 + 104 * number
        np.testing.assert_array_equal(pixels[8:104, left : left + 96], style.thumbnail)
        assert pixels[106:122, left : left + 96].min() < 128  # its name
        assert pixels[104:, left + 98 : left + 104].min() == 255  # which ends before the next
    StyleLibrary("AdaINModel/0123").save(tmp_path / "styles.json")
    (tmp_path / "s.png").unlink()
    capfd.readouterr()
    assert main(flags) == 1
    assert "error: --sheet: " in capfd.readouterr().err and not (tmp_path / "s.png").exists()
