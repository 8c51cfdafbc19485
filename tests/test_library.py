"""Style libraries: round trip, blending, and files that do not fit."""

import json

import numpy as np
import pytest

from tfstyle.errors import InputError
from tfstyle.stylization.library import StyleLibrary


@pytest.fixture
def library(random):
    library = StyleLibrary("AdaINModel/0123")
    for name in ("Kandinsky", "wave é"):
        library.add(name, random.normal(size=(1, 8)), random.uniform(size=(1, 50, 80, 3)))
    return library


def test_a_file_holds_everything_exactly(library, tmp_path):
    library.save(tmp_path / "styles.json")
    loaded = StyleLibrary.load(tmp_path / "styles.json")
    assert loaded.names() == ("Kandinsky", "wave é")
    assert loaded.identity == library.identity
    for name in library.names():
        np.testing.assert_array_equal(loaded.styles[name].code, library.styles[name].code)
        assert loaded.styles[name].code.dtype == np.float32
        np.testing.assert_array_equal(loaded.styles[name].thumbnail, library.styles[name].thumbnail)
        assert loaded.styles[name].thumbnail.shape == (96, 96, 3)


def test_the_file_is_plain_json_for_apps(library, tmp_path):
    library.save(tmp_path / "styles.json")
    record = json.loads((tmp_path / "styles.json").read_text())
    assert record["format"] == "tfstyle styles" and record["version"] == 1
    assert len(record["styles"][0]["code"]) == 8


def test_blend_is_the_weighted_mean(library):
    a, b = (library.styles[name].code for name in library.names())
    found = library.blend({"Kandinsky": 3.0, "wave é": 1.0})
    assert found.shape == (1, 8) and found.dtype == np.float32
    np.testing.assert_allclose(found[0], 0.75 * a + 0.25 * b, rtol=1e-6)
    np.testing.assert_array_equal(library.blend({"Kandinsky": 1.0})[0], a)
    with pytest.raises(InputError, match="no style 'Kandinski' .*did you mean 'Kandinsky'"):
        library.blend({"Kandinski": 1.0})
    with pytest.raises(ValueError, match="Received: weights"):
        library.blend({"Kandinsky": 0.0})


def test_codes_of_another_model_are_refused(library):
    library.check_model("AdaINModel/0123", "styles.json")
    with pytest.raises(InputError, match=r"styles\.json: of another model, AdaINModel/0123"):
        library.check_model("AdaINModel/4567", "styles.json")


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "{}", '{"format": "tfstyle styles", "version": 2}', "\0"]
)
def test_another_file_is_one_line(text, tmp_path):
    (tmp_path / "styles.json").write_text(text)
    with pytest.raises(InputError, match=r"styles\.json: not a style library") as caught:
        StyleLibrary.load(tmp_path / "styles.json")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no such file; `tfstyle styles` makes one"):
        StyleLibrary.load(tmp_path / "none.json")
