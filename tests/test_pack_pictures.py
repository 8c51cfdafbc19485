"""Pictures in one file for `tools.train_keras`, and the schedule of its runs; neither needs JAX."""

import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tfstyle.errors import InputError
from tools.jax_training import packing, schedule


@pytest.fixture
def folders(tmp_path, examples):
    """Folders of a photograph, one that is long, and one that is small; and of a painting."""
    for kind in packing.KINDS:
        (tmp_path / kind).mkdir()
    with Image.open(examples / "astronaut.jpg") as photo:
        photo.crop((0, 0, 300, 200)).save(tmp_path / "content" / "a.png")
        photo.crop((0, 0, 300, 100)).save(tmp_path / "content" / "b.png")
        photo.crop((0, 0, 40, 30)).save(tmp_path / "content" / "c.png")
    with Image.open(examples / "brushstrokes.jpg") as painting:
        painting.crop((0, 0, 150, 300)).save(tmp_path / "style" / "a.jpg")
    return {kind: str(tmp_path / kind) for kind in packing.KINDS}


def test_pictures_are_reduced_and_read_back(folders, tmp_path):
    found = packing.pack(folders, tmp_path / "pack.zip", 100, 200_000)
    assert (found["content"], found["style"]) == (3, 1)
    pictures = packing.read_pack(tmp_path / "pack.zip")
    assert [picture.shape for picture in pictures["content"]] == [
        (100, 150, 3), (100, 150, 3), (30, 40, 3),  # the middle of the long one; none enlarged
    ]  # fmt: skip
    assert [picture.shape for picture in pictures["style"]] == [(150, 100, 3)]
    with Image.open(f"{folders['content']}/b.png") as image:
        expected = np.asarray(image.convert("RGB"), float)[:, 75:225]
    assert np.abs(pictures["content"][1] - expected).mean() < 5.0  # of WebP


def test_the_quality_is_the_best_that_fits(folders, tmp_path):
    large = packing.pack(folders, tmp_path / "large.zip", 100, 22_000)
    small = packing.pack(folders, tmp_path / "small.zip", 100, 12_000)
    assert 30 < small["quality"] < large["quality"] < 95
    assert 8_000 < small["bytes"] <= 12_000 < large["bytes"] <= 22_000
    with pytest.raises(InputError, match="--megabytes: 4 pictures need more"):
        packing.pack(folders, tmp_path / "none.zip", 100, 2_000)
    assert not (tmp_path / "none.zip").exists()


def test_another_file_is_an_error_in_one_line(tmp_path):
    (tmp_path / "text.zip").write_text("no zip file")
    with pytest.raises(InputError, match=r"text\.zip: not a file of tools\.pack_pictures"):
        packing.read_pack(tmp_path / "text.zip")
    with zipfile.ZipFile(tmp_path / "half.zip", "w") as archive:
        data = packing.encode(Image.new("RGB", (20, 20)), 80)
        archive.writestr("content/00000.webp", data)
    with pytest.raises(InputError, match="it needs content and style"):
        packing.read_pack(tmp_path / "half.zip")


def test_stacked_pictures_repeat_their_edges():
    pictures = [np.arange(18, dtype=np.uint8).reshape(2, 3, 3), np.ones((4, 1, 3), np.uint8)]
    pixels, sizes = packing.stack(pictures)
    assert pixels.shape == (2, 4, 4, 3) and sizes.tolist() == [[2, 3], [4, 1]]
    np.testing.assert_array_equal(pixels[0, :2, :3], pictures[0])
    np.testing.assert_array_equal(pixels[0, 3, 3], pictures[0][1, 2])


def test_a_run_ends_on_time_whatever_its_speed():
    clock = schedule.Clock(start=100.0, end=160.0)
    assert [clock.share(now) for now in (90.0, 100.0, 130.0, 160.0, 999.0)] == [0, 0, 0.5, 1, 1]
    resumed = schedule.Clock(start=100.0, end=120.0, done=0.5)
    assert [resumed.share(now) for now in (100.0, 110.0, 120.0)] == [0.5, 0.75, 1]
    assert schedule.Clock(start=100.0, end=100.0).share(100.0) == 1.0  # loading took all of it


def test_the_rate_rises_by_steps_and_falls_by_time():
    rates = [schedule.learning_rate(1e-3, 0.0, step, 3) for step in range(5)]
    np.testing.assert_allclose(rates, [0.25e-3, 0.5e-3, 0.75e-3, 1e-3, 1e-3])
    falling = [schedule.learning_rate(1e-3, share, 99, 3) for share in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(falling, [1e-3, 0.51e-3, 0.02e-3])


def test_the_program_packs_folders(folders, tmp_path):
    arguments = [f"--{kind}_dir={folder}" for kind, folder in folders.items()]
    command = [sys.executable, "-m", "tools.pack_pictures", *arguments]
    path = tmp_path / "pack.zip"
    found = subprocess.run([*command, f"--output={path}"], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0 and "'content': 3" in found.stdout, found.stderr
    found = subprocess.run(
        [*command, f"--output={path}", "--megabytes=0.01", "--side=512"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert found.returncode == 1 and found.stderr.startswith("error: --megabytes: ")
    assert len(packing.read_pack(path)["content"]) == 3  # of the first command
