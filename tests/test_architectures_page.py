"""The command that writes the measured parts of `docs/architectures.md`."""

import re

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver

from tests.conftest import ROOT
from tests.model_examples import ALL
from tfstyle import images, registry
from tfstyle.errors import InputError
from tfstyle.evaluation import measurement, painting
from tools import architectures_page as page

PAGE = ROOT / "docs" / "architectures.md"


class _PaintingHere:
    """`painting.Painting` in this process."""

    def __init__(self, system, size):
        self.paint = painting.PairPainter(system, size).paint

    def close(self):
        pass


def test_only_measured_parts_are_replaced(tmp_path):
    text = "# A\n<!-- measured -->\nold\n<!-- end -->\nkept\n<!-- measured: x -->\n<!-- end -->\n"
    found = page.filled(text, {"": "| table |", "x": r"![\1](x.jpg)"}, tmp_path)
    assert found == (
        "# A\n<!-- measured -->\n| table |\n<!-- end -->\nkept\n<!-- measured: x -->\n"
        "![\\1](x.jpg)\n<!-- end -->\n"
    )
    assert page.filled(found, {"": "old", "x": ""}, tmp_path).replace("\n\n", "\n") == text
    with pytest.raises(InputError, match="has no '<!-- measured: y -->' followed by"):
        page.filled(text, {"y": ""}, tmp_path)


def test_sections_are_of_architectures():
    sections = re.split(r"^## (\w+)\n", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    for name, text in zip(sections[::2], sections[1::2], strict=True):
        if name != "Measured":
            assert name in registry.ARCHITECTURES and page.marker(name) in text
            command = "--one_style " if name == "johnson" else f"--model {name} "
            assert f"```sh\npython train.py {command}" in text


def test_a_page_is_written(tmp_path, examples, monkeypatch):
    monkeypatch.setattr(measurement, "Painting", _PaintingHere)
    for kind, names in (("content", ("astronaut", "chelsea")), ("style", ("mosaic", "ink_wash"))):
        (tmp_path / kind).mkdir()
        for name in names:
            picture = images.read_image(examples / f"{name}.jpg", 160)
            images.write_image(tmp_path / kind / f"{name}.png", picture)
    models = []
    for name in ("adaconv", "microast"):
        ALL[name]().save(tmp_path / f"{name}.keras")
        models += [f"--model={name}={tmp_path}/{name}.keras"]
    text = "# Page\n\nBy hand.\n\n<!-- measured -->\n<!-- end -->\n"
    for name in ("adaconv", "microast"):
        text += f"\n## {name}\n\nIts idea.\n\n<!-- measured: {name} -->\nold\n<!-- end -->\n"
    (tmp_path / "page.md").write_text(text)
    with flagsaver.flagsaver():
        flags.FLAGS(
            ["page", *models, f"--content_dir={tmp_path}/content", f"--style_dir={tmp_path}/style",
             f"--output_dir={tmp_path}/measured", f"--page={tmp_path}/page.md", "--encoder=lite",
             "--pairs=2", "--size=128", "--timed_size=128", "--rounds=1"]
        )  # fmt: skip
        page.main([])
    found = (tmp_path / "page.md").read_text()
    assert "By hand." in found and found.count("Its idea.") == 2 and "old" not in found
    table = [line.split("|")[1:-1] for line in found.splitlines() if line.startswith("|")]
    names = [cells[0].strip() for cells in table[2:]]
    assert names == ["adaconv", "microast", "quality"]
    assert [cell.strip() for cell in table[0]][3:5] == ["time at 128 px", "content distance"]
    assert table[-1][3].strip() == "1.00", "the unit of times"
    for cells in table[2:]:
        *others, structure = (float(cell.replace(",", "")) for cell in cells[1:])
        assert min(others) >= 0 and -1 <= structure <= 1  # a correlation, of random weights
    for name, rows in (("adaconv", 1), ("microast", 1), ("pairs", 2)):
        assert f"(pictures/{name}.jpg)" in found
        sheet = images.read_image(tmp_path / "pictures" / f"{name}.jpg")
        assert sheet.shape[2] > 2 * 128 and sheet.shape[1] == 20 + rows * 148
        assert np.ptp(sheet) > 0.2
