"""What is read from files of strangers: limits, and what is refused."""

import json
import os
import struct
import zipfile

import h5py
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tfstyle.errors import InputError
from tfstyle.images import read_parameters, write_image
from tfstyle.parsing import archives, hdf5, json_text
from tfstyle.runtime import memory


@pytest.mark.parametrize(
    "text, words",
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("[NaN]", "not a finite number"),
        ("[-Infinity]", "not a finite number"),
        ("[1e999]", "not a finite number"),
        ('{"a": 1, "b": 2, "a": 3}', "'a' is given twice"),
        ("[" + "[]," * (1 << 20) + "[]]", "more than 1048576 values"),
        ("9" * 5000, "4300 digits"),
        ("{", "Expecting"),
    ],
)
def test_json_that_is_refused(text, words):
    with pytest.raises(ValueError, match=words) as caught:
        json_text.parse(text)
    assert len(str(caught.value)) < 200
    with pytest.raises(ValueError, match="longer than 3 characters"):
        json_text.parse("[1,2]", most_characters=3)


def test_json_that_is_read():
    text = '{"a": [1, 2.5, "x", null, true], "b": {"c": -1e300}}'
    assert json_text.parse(text) == json.loads(text)


def write_member(path, data, name="a.npy", **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr(name, data)


def npy(header, data=b""):
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


@pytest.mark.parametrize(
    "data, words",
    [
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000)}"), "declares"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -1)}", bytes(4)), "negative"),
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", bytes(8)), "unusual type"),
        (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", bytes(8)), "declares"),
        (npy("-" * 900 + "1"), "not an array"),
        (npy(" " * 60_000), "not an array"),
        (b"text", "not an array"),
    ],
)
def test_arrays_that_are_refused(data, words, tmp_path):
    write_member(tmp_path / "a.npz", data)
    with pytest.raises(ValueError, match=words):
        archives.read_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_an_array_that_is_not_finite_is_named(value, dtype, tmp_path):
    np.savez(tmp_path / "a.npz", good=np.zeros(3), bad=np.array([1.0, value], dtype))
    with pytest.raises(ValueError, match="bad: NaN or infinity"):
        archives.read_arrays(tmp_path / "a.npz")
    found = archives.read_arrays(tmp_path / "a.npz", lambda name: name == "good")
    assert list(found) == ["good"]


def test_arrays_that_are_read(tmp_path, random):
    arrays = {
        "f": np.asfortranarray(random.normal(size=(3, 4))),
        "big": random.normal(size=5).astype(">f4"),
        "half": random.normal(size=(2, 1, 2)).astype("float16"),
        "index": random.integers(0, 255, size=(4, 4)).astype("uint8"),
        "none": np.zeros((0, 3), "float32"),
        "one": np.array(2.0),
        "flag": np.array(True),
        "text": np.array("é {}"),
    }
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **arrays)
        found = archives.read_arrays(tmp_path / "a.npz")
        assert list(found) == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype.newbyteorder("=")


def test_zip_files_that_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    write_member(path, bytes(100 << 20), compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 200_000
    with pytest.raises(ValueError, match="would unpack to 0.1 GB, from 0.1 MB"):
        archives.read_arrays(path)
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning):
        for _ in range(2):
            archive.writestr("a.npy", b"")
    with pytest.raises(ValueError, match="'a.npy' is in it twice"):
        archives.read_arrays(path)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(10_001):
            archive.writestr(f"{number}.npy", b"")
    with pytest.raises(ValueError, match="10001 members"):
        archives.read_arrays(path)
    write_member(path, b"a", compression=zipfile.ZIP_LZMA)
    with pytest.raises(ValueError, match="unusual compression"):
        archives.read_arrays(path)
    np.savez(path, a=np.arange(100.0))
    data = bytearray(path.read_bytes())
    data[300] ^= 1  # a number: only the checksum shows it
    path.write_bytes(data)
    with pytest.raises(ValueError, match="damaged zip file, Bad CRC"):
        archives.read_arrays(path)


def test_hdf5_files_that_are_refused(tmp_path):
    path = tmp_path / "a.h5"

    def error(write):
        with h5py.File(path, "w") as file:
            write(file)
        with (
            pytest.raises(ValueError) as caught,
            hdf5.open_hdf5(path, path.stat().st_size),
        ):
            pass
        return str(caught.value)

    large = {"shape": (1 << 20, 1 << 20), "chunks": (1, 1 << 20), "dtype": "f4"}
    assert "declares more than" in error(lambda file: file.create_dataset("a", **large))
    (tmp_path / "secret").write_bytes(bytes(64))
    outside = {"shape": (8,), "dtype": "f4", "external": [(tmp_path / "secret", 0, 32)]}
    assert "in another file" in error(lambda file: file.create_dataset("a", **outside))
    link = h5py.ExternalLink("other.h5", "/a")
    assert "a link to another place" in error(lambda file: file.__setitem__("a", link))
    path.write_bytes(b"no HDF5")
    with pytest.raises(ValueError, match="damaged HDF5"), hdf5.open_hdf5(path, 7):
        pass


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_parameters_of_a_picture_are_limited(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    picture = np.zeros((1, 4, 4, 3), np.float32)
    write_image(path, picture, parameters={"size": 64})
    assert read_parameters(path) == {"size": 64}
    write_image(path, picture, parameters={"size": float("nan")})
    with pytest.raises(InputError, match=r"holds no parameters.*NaN is not a finite number"):
        read_parameters(path)


@pytest.mark.parametrize("text", ['{"style": ' + "[" * 100_000, "[1]", '{"a": 1, "a": 1}', "{"])
def test_parameters_that_are_refused(text, tmp_path):
    about = PngInfo()
    about.add_text("Description", text)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", pnginfo=about)
    with pytest.raises(InputError, match=r"a\.png: holds no parameters"):
        read_parameters(tmp_path / "a.png")


def test_what_needs_more_memory_than_there_is_is_refused(monkeypatch):
    assert memory.available() is None or memory.available() > 1e8
    memory.check(1e6, "a picture", "")
    monkeypatch.setattr(memory, "available", lambda: 2_000_000_000)
    with pytest.raises(InputError, match=r"^--size=9: needs about 3.1 GB of memory, and 2.0 GB"):
        memory.check(3.1e9, "--size=9", "a smaller --size needs less")
    monkeypatch.setattr(memory, "available", lambda: None)
    memory.check(1e15, "a picture", "")


@pytest.mark.parametrize("read", [archives.read_arrays, json_text.read])
def test_a_fifo_is_not_waited_for(read, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ValueError, match="no regular file"):
        read(tmp_path / "fifo")


def test_text_without_characters(tmp_path):
    names = np.array(["a", "bc"])
    names.view(np.uint32)[1] = 0x110000
    np.savez(tmp_path / "a.npz", names=names)
    with pytest.raises(ValueError, match="'names': text that has no characters"):
        archives.read_arrays(tmp_path / "a.npz")
