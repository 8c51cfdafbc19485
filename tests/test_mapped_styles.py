"""Style libraries that are mapped into memory: their file, changes, search, and damaged files."""

import json
import struct
import tracemalloc

import numpy as np
import pytest

from tfstyle.errors import InputError
from tfstyle.parsing import safetensors
from tfstyle.stylization import similarity
from tfstyle.stylization.library import StyleLibrary
from tfstyle.stylization.named_style import Style

NAMES = ("Kandinsky", "wave é", "c")


def make_style(random, size=8):
    code = {
        "statistics": random.normal(size=(1, size)).astype("f"),
        "maps": random.integers(-9, 9, size=(1, 2, 3)),
    }
    side = np.linspace(0, 255, 96)  # smooth, as JPEG needs it
    pixels = side[:, None, None] * random.uniform(size=3) + side[:, None] * random.uniform(0, 0.1)
    return Style(code, np.clip(pixels, 0, 255).round().astype("u1"))


@pytest.fixture
def library(random):
    return StyleLibrary("AdaINModel/0123", {name: make_style(random) for name in NAMES})


@pytest.fixture
def path(library, tmp_path):
    library.save(tmp_path / "s.safetensors")
    return tmp_path / "s.safetensors"


def read_plainly(path):
    """Header and arrays by the format's description alone."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    types = {"F16": "<f2", "F32": "<f4", "I64": "<i8", "U64": "<u8", "U8": "u1"}
    arrays, places = {}, []
    for name, one in header.items():
        if name != "__metadata__":
            begin, end = one["data_offsets"]
            part = data[8 + length + begin : 8 + length + end]
            arrays[name] = np.frombuffer(part, types[one["dtype"]]).reshape(one["shape"])
            places.append((begin, end, (8 + length + begin) % arrays[name].itemsize))
    places.sort()
    assert [begin for begin, *_ in places] == [0, *(end for _, end, _ in places[:-1])]
    assert places[-1][1] == len(data) - 8 - length and not any(rest for *_, rest in places)
    return header["__metadata__"], arrays


def test_a_file_holds_all_that_it_says(library, path):
    metadata, arrays = read_plainly(path)
    assert metadata == {"format": "tfstyle styles", "version": "1", "model": "AdaINModel/0123"}
    assert arrays["names"].tobytes().decode() == "Kandinsky\nwave é\nc"
    codes = [library.code(name) for name in NAMES]
    expected = np.concatenate([code["statistics"] for code in codes]).astype("<f2")
    np.testing.assert_array_equal(arrays["code.statistics"], expected)
    np.testing.assert_array_equal(arrays["code.maps"], np.concatenate([c["maps"] for c in codes]))
    assert arrays["descriptors"].shape == (3, 128)
    begin = arrays["thumbnail_ends"][0]
    assert arrays["thumbnails"][begin : begin + 2].tobytes() == b"\xff\xd8", "a JPEG begins there"


def test_what_is_read_is_what_was_stored(library, path):
    loaded = StyleLibrary.load(path)
    assert loaded.names() == NAMES and loaded.identity == library.identity
    for name in NAMES:
        code, stored = loaded.code(name), library.code(name)
        assert {key: part.dtype for key, part in code.items()} == {"statistics": "f", "maps": "i8"}
        rounded = stored["statistics"].astype("f2").astype("f")
        np.testing.assert_array_equal(code["statistics"], rounded)
        np.testing.assert_array_equal(code["maps"], stored["maps"])
        difference = np.subtract(
            loaded.styles[name].thumbnail, library.styles[name].thumbnail, dtype=float
        )
        assert np.abs(difference).mean() < 2 and difference.shape == (96, 96, 3)
    with pytest.raises(InputError, match="no style 'Kandinski' .*did you mean 'Kandinsky'"):
        loaded.code("Kandinski")


def test_styles_are_added_replaced_and_removed(library, path, random):
    """A style that is replaced keeps its place; what is kept is copied to the byte."""
    before = read_plainly(path)[1]
    new = [make_style(random) for _ in range(2)]
    loaded = StyleLibrary.load(path)
    with loaded.editing(path) as styles:
        styles["new"] = new[0]
        styles["Kandinsky"] = new[1]
        del styles["wave é"]
        assert len(styles) == 3
    found = StyleLibrary.load(path)
    assert found.names() == ("Kandinsky", "c", "new")
    for name, style in (("Kandinsky", new[1]), ("new", new[0])):
        np.testing.assert_array_equal(found.code(name)["maps"], style.code["maps"])
        assert np.abs(found.styles[name].thumbnail - 1.0 * style.thumbnail).mean() < 2
    after = read_plainly(path)[1]
    for key in ("code.statistics", "code.maps", "descriptors"):
        np.testing.assert_array_equal(after[key][1], before[key][2])
    ends, old = after["thumbnail_ends"], before["thumbnail_ends"]
    np.testing.assert_array_equal(
        after["thumbnails"][ends[0] : ends[1]], before["thumbnails"][old[1] : old[2]]
    )
    with found.editing(path) as styles:
        for name in found.names():
            del styles[name]
    assert StyleLibrary.load(path).names() == ()


def test_a_file_is_changed_whole_or_not_at_all(path, random):
    before = path.read_bytes()
    loaded = StyleLibrary.load(path)
    with pytest.raises(KeyboardInterrupt), loaded.editing(path) as styles:
        styles["new"] = make_style(random)
        raise KeyboardInterrupt
    for bad, name in ((make_style(random, size=9), "size"), (make_style(random), "large")):
        if name == "large":
            bad.code["statistics"][0, 0] = 65520  # rounds to infinity
        with pytest.raises(InputError, match=f"style '{name}': .*use a .json library"):
            with loaded.editing(path) as styles:
                styles[name] = bad
    assert path.read_bytes() == before and [*path.parent.iterdir()] == [path]


def test_both_forms_of_a_library_turn_into_each_other(path, tmp_path):
    loaded = StyleLibrary.load(path)
    loaded.save(tmp_path / "s.json")
    plain = StyleLibrary.load(tmp_path / "s.json")
    plain.save(tmp_path / "again.safetensors")
    again = StyleLibrary.load(tmp_path / "again.safetensors")
    for name in NAMES:
        for key, part in loaded.code(name).items():
            np.testing.assert_array_equal(plain.code(name)[key], part)
            np.testing.assert_array_equal(again.code(name)[key], part)


def test_many_styles_take_little_memory(tmp_path, random):
    code = {"statistics": random.normal(size=(1, 10_000)).astype("f")}
    style = Style(code, make_style(random).thumbnail)
    path = tmp_path / "s.safetensors"
    tracemalloc.start()
    try:
        with StyleLibrary("m").editing(path) as styles:
            for number in range(300):
                styles[str(number)] = style
            peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 6e6 and peak < 2e6


@pytest.mark.parametrize("suffix", ["json", "safetensors"])
def test_the_nearest_styles_are_those_of_the_largest_cosines(suffix, tmp_path, random):
    """Also when there are more than descriptors find: of these, the ten are among them."""
    codes = random.normal(size=(40, 8)) @ random.normal(size=(8, 300))
    codes = (np.repeat(codes, 10, axis=0) + 0.3 * random.normal(size=(400, 300))).astype("f2")
    thumbnail = make_style(random).thumbnail
    styles = {
        f"s{n}": Style({"a": row[None, :100].astype("f"), "b": row[None, 100:].astype("f")},
                       thumbnail)
        for n, row in enumerate(codes)
    }  # fmt: skip
    StyleLibrary("m", styles).save(tmp_path / f"s.{suffix}")
    library = StyleLibrary.load(tmp_path / f"s.{suffix}")
    rows = codes.astype(float)
    for number in (0, 137, 399):
        cosines = rows @ rows[number] / np.linalg.norm(rows, axis=1) / np.linalg.norm(rows[number])
        best = np.argsort(-cosines)[:10]
        found = library.nearest(library.code(f"s{number}"))
        assert [name for name, _ in found] == [f"s{n}" for n in best]
        np.testing.assert_allclose([cosine for _, cosine in found], cosines[best], atol=1e-5)
    assert len(library.nearest(library.code("s0"), 3)) == 3
    assert StyleLibrary("m").nearest(library.code("s0")) == []
    with pytest.raises(InputError, match="differ in size"):
        library.nearest({"a": codes[:1, :50]})


def test_descriptors_keep_distances_roughly(random):
    """Of a count sketch, the squared distance has the right mean, and a deviation of √(2/128)."""
    rows = similarity.directions({"a": random.normal(size=(60, 4000))})
    short = similarity.descriptors(rows)
    exact = np.sum((rows[::2] - rows[1::2]) ** 2, axis=1)
    ratios = np.sum((short[::2] - short[1::2]) ** 2, axis=1) / exact
    assert abs(ratios.mean() - 1) < 0.1 and 0.06 < ratios.std() < 0.2
    golden = similarity.descriptors(np.array([[1, 2, 4, 8, 16, 32, 64]], "f"))[0]
    expected = {44: 1, 47: 2, 64: 8, 67: 48, 117: 4, 123: -32}
    assert {n: golden[n] for n in np.flatnonzero(golden)} == expected, "files depend on these lots"


def rewritten(path, change):
    """The file with metadata and arrays that `change` has edited."""
    metadata, arrays = read_plainly(path)
    arrays = {name: array.copy() for name, array in arrays.items()}
    change(metadata, arrays)
    kinds = {name: (array.dtype, array.shape) for name, array in arrays.items()}
    data = safetensors.header(kinds, metadata)
    path.write_bytes(data + b"".join(array.tobytes() for array in arrays.values()))


def with_header(path, change):
    """The file with a header that `change` has edited."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def names(text):
    return np.frombuffer(text.encode(), "u1")


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda m, a: m.update(format="x"), "another format"),
        (lambda m, a: m.update(model="\x1b[2J"), "printable"),
        (lambda m, a: a.pop("names"), "'names' is missing"),
        (lambda m, a: a.pop("descriptors"), "'descriptors' is missing"),
        (lambda m, a: a.update(descriptors=a["descriptors"][:, 1:]), "of another size"),
        (lambda m, a: a.update(names=names("a\nb")), "where there are 2 names"),
        (lambda m, a: a.update(names=names("a\nb\na")), "a name is in it twice"),
        (lambda m, a: a.update(names=names("a\nb\n\x1b[2J")), "printable"),
        (lambda m, a: a.update(names=names("a\nb\n" + "c" * 81)), "more than 80 characters"),
        (lambda m, a: a.update(names=np.array([97, 10, 98, 10, 255], "u1")), "utf-8"),
        (lambda m, a: a["thumbnail_ends"].sort() or a["thumbnail_ends"].put(0, 1 << 40), "order"),
        (lambda m, a: a["thumbnail_ends"].put(2, 3), "order"),
        (lambda m, a: a.update(descriptors=a["descriptors"].astype("f2")), "an unusual kind"),
        (lambda m, a: a.update(extra=np.float32(1)), r"'extra': \(\), where there are 3"),
    ],
)
def test_a_damaged_file_is_one_line(change, words, path):
    rewritten(path, change)
    with pytest.raises(InputError, match=rf"s\.safetensors: not a style library .*{words}") as one:
        StyleLibrary.load(path)
    assert "\n" not in str(one.value)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda h: h["names"].update(dtype="BF16"), "unusual type, BF16"),
        (lambda h: h["names"].update(shape=[1 << 60, 1 << 60]), "do not fit"),
        (lambda h: h["names"].update(shape=[-1]), "do not fit"),
        (lambda h: h["names"].update(data_offsets=[0, 18]), "do not fit"),
        (lambda h: h["names"].update(data_offsets=[0]), "do not fit"),
        (lambda h: h["names"].update(shape="18"), "must be a list"),
        (lambda h: h.update(names=3), "must be an object"),
        (lambda h: h.pop("names"), "do not fit|bytes of arrays"),
        (lambda h: h.update(__metadata__=[]), "must be an object"),
    ],
)
def test_a_header_that_lies_is_one_line(change, words, path):
    with_header(path, change)
    with pytest.raises(InputError, match=rf"not a style library of tfstyle \(.*({words})"):
        StyleLibrary.load(path)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"\xff" * 8, b"\xff" * 100, struct.pack("<Q", 2) + b"[]", bytes(8)]
)
def test_another_file_is_one_line(data, tmp_path):
    (tmp_path / "s.safetensors").write_bytes(data)
    with pytest.raises(InputError, match=r"s\.safetensors: not a style library"):
        StyleLibrary.load(tmp_path / "s.safetensors")
    with pytest.raises(InputError, match="no such file; `tfstyle styles` creates one"):
        StyleLibrary.load(tmp_path / "none.safetensors")


def test_half_a_file_is_one_line(path):
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="bytes of arrays"):
        StyleLibrary.load(path)


def test_another_version_says_what_to_do(path):
    rewritten(path, lambda metadata, _: metadata.update(version="2"))
    with pytest.raises(InputError, match="rebuild it: tfstyle styles --library NEW.safetensors"):
        StyleLibrary.load(path)


def test_a_damaged_style_is_one_line_when_it_is_used(path):
    """The others can be used."""

    def change(_, arrays):
        arrays["code.statistics"][0, 3] = np.nan
        begin, end = arrays["thumbnail_ends"][:2]
        arrays["thumbnails"][begin:end] = 0

    rewritten(path, change)
    library = StyleLibrary.load(path)
    for name in NAMES[:2]:
        with pytest.raises(InputError, match=rf"s\.safetensors: style '{name}': damaged \("):
            library.code(name)
    assert library.code("c")["statistics"].shape == (1, 8)
    with pytest.raises(InputError, match=r"s\.safetensors: damaged \(statistics: NaN"):
        library.nearest(library.code("c"))
