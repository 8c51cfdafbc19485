"""What kinds of files are pictures: modes, colour profiles, formats, folders, huge pictures."""

import importlib.util
import os
import socket
import stat
import struct
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageFile

from tests.test_images import _linear_rgb_profile, save
from tfstyle import files, images
from tfstyle.errors import InputError
from tfstyle.images import formats, reading
from tfstyle.runtime import memory

COLORS = np.array([[(0, 0, 0), (255, 255, 255), (200, 60, 30), (20, 90, 220)]] * 2, np.uint8)
GREYS = np.array([[0, 255, 120, 37]] * 2, np.uint8)
ALPHA = np.array([[255, 255, 128, 255]] * 2, np.uint8)


def lab():
    lab_profile = ImageCms.createProfile("LAB")
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(Image.fromarray(COLORS), srgb, lab_profile, outputMode="LAB")


def tiff(array, **options):
    return lambda path: tifffile.imwrite(path, array, metadata=None, **options)


def pillow(image, **options):
    return lambda path: image.save(path, **options)


def with_alpha(pixels, depth=1):
    return np.concatenate([pixels * np.array(depth), ALPHA[..., None] * np.array(depth)], -1)


def premultiplied(pixels):
    shares = ALPHA[..., None] / 255 if pixels.ndim == 3 else ALPHA / 255
    return np.round(pixels * shares).astype(np.uint8)


GREY = Image.fromarray(GREYS)
RGB = Image.fromarray(COLORS)
PALETTE = RGB.quantize(4)
LA, RGBA = (
    Image.merge(f"{image.mode}A", [*image.split(), Image.fromarray(ALPHA)]) for image in (GREY, RGB)
)
DEEP = GREYS.astype(np.uint16) * 257
# By the mode that Pillow reads: suffix, writer, colours, whether there is alpha, tolerance in
# levels: 0 for what is stored as it is.
FILES = {
    "1": (".png", pillow(GREY.convert("1", dither=0)), (GREYS > 127) * 255, False, 0),
    "L": (".png", pillow(GREY), GREYS, False, 0),
    "LA": (".png", pillow(LA), GREYS, True, 0),
    "La": (
        ".tif",
        tiff(np.stack([premultiplied(GREYS), ALPHA], -1), photometric="minisblack",
             extrasamples=["assocalpha"]),
        GREYS, True, 1,
    ),
    "P": (".png", pillow(PALETTE), COLORS, False, 0),
    "P with transparency": (
        ".png", pillow(PALETTE, transparency=bytes(
            128 if red == 200 else 255 for red in PALETTE.getpalette()[:12:3]
        )), COLORS, True, 0,
    ),
    "PA": (".tif", None, COLORS, True, 0),
    "RGB": (".bmp", pillow(RGB), COLORS, False, 0),
    "RGBA": (".webp", pillow(RGBA, lossless=True, exact=True), COLORS, True, 0),
    "RGBA, premultiplied": (
        ".tif",
        tiff(np.concatenate([premultiplied(COLORS), ALPHA[..., None]], -1), photometric="rgb",
             extrasamples=["assocalpha"]),
        COLORS, True, 1,
    ),
    "RGBX": (
        ".tif", tiff(with_alpha(COLORS).astype(np.uint8), photometric="rgb",
                     extrasamples=["unspecified"]), COLORS, False, 0,
    ),
    "RGBX, 16 bits": (
        ".tif", tiff(with_alpha(COLORS, 257).astype(np.uint16), photometric="rgb",
                     extrasamples=["unspecified"]), COLORS, False, 0,
    ),
    "CMYK": (".tif", pillow(RGB.convert("CMYK")), COLORS, False, 0),
    "CMYK, 16 bits": (
        ".tif", tiff(np.asarray(RGB.convert("CMYK")).astype(np.uint16) * 257,
                     photometric="separated"), COLORS, False, 0,
    ),
    "YCbCr": (".tif", pillow(RGB.convert("YCbCr")), COLORS, False, 3),
    "LAB": (".tif", lambda path: lab().save(path), COLORS, False, 8),
    "I;16": (".png", pillow(Image.fromarray(DEEP)), GREYS, False, 0),
    "I;16 with transparency": (
        ".png", pillow(Image.fromarray(DEEP), transparency=120 * 257), GREYS, None, 0,
    ),
    "I;16B": (".tif", tiff(DEEP, photometric="minisblack", byteorder=">"), GREYS, False, 0),
    "I;16, 0 is white": (".tif", tiff(65535 - DEEP, photometric="miniswhite"), GREYS, False, 0),
    "I;16 of 12 bits": (".tif", None, GREYS, False, 0.1),
}  # fmt: skip


def _twelve_bits(path):
    """A TIFF of 12 bits, as scanners write it: two values in three bytes."""
    first, second = (GREYS[:, start::2] * (4095 / 255) for start in (0, 1))
    first, second = (np.round(values).astype(int) for values in (first, second))
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], -1)
    Image.fromarray(np.zeros((2, 6), np.uint8)).save(path)
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        tags, place = file.pages.first.tags, file.pages.first.dataoffsets[0]
        offsets = {name: tags[name].valueoffset for name in ("ImageWidth", "BitsPerSample")}
    for name, value in (("ImageWidth", 4), ("BitsPerSample", 12)):
        data[offsets[name] : offsets[name] + 2] = value.to_bytes(2, "little")
    data[place : place + packed.size] = packed.astype(np.uint8).tobytes()
    path.write_bytes(data)


def _palette_with_alpha(path):
    colors = np.zeros((3, 256), np.uint16)
    palette = np.reshape(PALETTE.getpalette()[:12], (-1, 3))
    colors[:, : len(palette)] = palette.T * 257
    pixels = np.stack([np.asarray(PALETTE), ALPHA], -1)
    # tifffile refuses alpha beside a palette, so the photometric tag is changed afterwards.
    tifffile.imwrite(path, pixels, photometric="minisblack", extrasamples=["unassalpha"],
                     extratags=[(320, "H", 768, colors.ravel(), True)], metadata=None)  # fmt: skip
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        place = file.pages.first.tags["PhotometricInterpretation"].valueoffset
    data[place] = 3
    path.write_bytes(data)


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")  # what is tested here
@pytest.mark.parametrize("name", FILES)
def test_every_mode_has_its_colours(tmp_path, name):
    suffix, write, colors, transparent, tolerance = FILES[name]
    path = tmp_path / f"a{suffix}"
    {"PA": _palette_with_alpha, "I;16 of 12 bits": _twelve_bits}.get(name, write)(path)
    mode = name.split(",")[0].split()[0]
    with Image.open(path) as image:
        assert image.mode == {"RGBX": "RGB"}.get(mode, mode)
    expected = np.broadcast_to(colors[..., None] if colors.ndim == 2 else colors, (2, 4, 3))
    shown = images.read_image(path)[0] * 255
    alpha = images.read_alpha(path)
    if transparent is None:
        np.testing.assert_array_equal(alpha[0, ..., 0], GREYS != 120)
        shown, expected = shown[GREYS != 120], expected[GREYS != 120]
    elif transparent:
        np.testing.assert_allclose(alpha[0, ..., 0] * 255, ALPHA, atol=0.01)
        shown, expected = shown[:, [0, 1, 3]], expected[:, [0, 1, 3]]  # half takes its neighbours'
    else:
        assert alpha is None
    np.testing.assert_allclose(shown, expected, atol=tolerance + 0.01)
    trained = np.asarray(images.read_training_image(path.read_bytes(), "a"), float)
    if transparent is not None:
        trained = trained[:, [0, 1, 3]] if transparent else trained
        np.testing.assert_allclose(trained, expected, atol=tolerance + 0.51)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint32", "float32"])
def test_levels_without_a_defined_white_are_refused_in_one_line(tmp_path, dtype):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREYS.astype(dtype), photometric="minisblack", metadata=None)
    for read in (images.read_image, lambda p: images.read_training_image(p.read_bytes(), p)):
        with pytest.raises(InputError, match=r"a\.tif: has .* pixels; save it with 8 or 16 bits"):
            read(path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_profile_is_judged_by_its_curves_not_by_its_name(tmp_path, suffix):
    """As GIMP's "Linear sRGB" at 16 bits; the name here is LittleCMS' "sRGB built-in"."""
    linear = np.linspace(0, 1, 1024) ** 2  # many of them dark
    light = np.tile(np.round(linear * 65535).astype(np.uint16)[:, None], (8, 1, 3))
    path = tmp_path / f"a{suffix}"
    images.write_image(path, light[None] / 65535, bits=16)
    _replace_profile(path, light, _linear_rgb_profile())
    shown = images.read_image(path)[0, 0]
    # A level, or two where the curve bends within the first of 8 bits, without steps.
    np.testing.assert_allclose(shown, np.repeat(_srgb(linear)[:, None], 3, 1), atol=2 / 255)
    assert np.diff(shown[:, 0]).min() >= 0 and np.diff(shown[:, 0]).max() < 1 / 255


def _srgb(light):
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _replace_profile(path, pixels, profile):
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels, photometric="rgb", iccprofile=profile, metadata=None)
        return
    body = b"iCCPlinear sRGB\0\0" + zlib.compress(profile)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    data = path.read_bytes()
    path.write_bytes(data[:33] + chunk + data[33:])


def test_a_profile_that_is_srgb_by_another_name_keeps_sixteen_bits(tmp_path, random):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    unnamed = profile.replace("sRGB".encode("utf-16-be"), "Test".encode("utf-16-be"))
    assert unnamed != profile
    pixels = random.integers(0, 65536, (5, 7, 3)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", iccprofile=unnamed)
    shown = images.read_image(tmp_path / "a.tif")[0]
    np.testing.assert_allclose(shown, pixels / 65535, atol=0.51 / 65535)


def test_a_grey_profile_applies_to_grey(tmp_path):
    """A profile of grey without one for RGB: gamma 1."""
    data = bytearray(_linear_rgb_profile())
    data[16:20] = b"GRAY"
    position = data.index(b"rTRC")
    data[position : position + 4] = b"kTRC"
    path = save(tmp_path / "a.png", GREYS, icc_profile=bytes(data))
    expected = _srgb(GREYS / 255)
    np.testing.assert_allclose(images.read_image(path)[0, ..., 0], expected, atol=2 / 255)
    deep = Image.fromarray(DEEP)
    deep.save(path, icc_profile=bytes(data))
    np.testing.assert_allclose(images.read_image(path)[0, ..., 0], expected, atol=2 / 255)


@pytest.mark.parametrize("suffix", [".avif", ".bmp", ".jfif", ".jpe", ".mpo", ".apng"])
def test_folders_have_every_format_that_can_be_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix.upper()}"
    square = Image.new("RGB", (24, 16), (200, 60, 30))
    second = {"save_all": True, "append_images": [square.convert("L").convert("RGB")]}
    square.save(path, **(second if suffix == ".mpo" else {}))
    assert images.find_pictures("content", [tmp_path]) == [path]
    shown = images.read_image(path)[0] * 255
    np.testing.assert_allclose(shown, np.broadcast_to((200, 60, 30), (16, 24, 3)), atol=4)


class FakeHeic(ImageFile.ImageFile):
    """Stands for pillow-heif's reader: any file is an orange square."""

    format = "HEIF"

    def _open(self):
        self._mode, self._size = "RGB", (8, 8)

    def load(self):
        if self._im is None:
            self.im = Image.new("RGB", self.size, (200, 60, 30)).im
        return super().load()


@pytest.fixture
def registry(monkeypatch):
    """Pillow's and our lists of formats, without HEIC; put back afterwards."""
    formats.formats.cache_clear()
    Image.init()
    for name in ("OPEN", "EXTENSION"):
        kept = {k: v for k, v in getattr(Image, name).items() if "HEIF" not in (k, v)}
        monkeypatch.setattr(Image, name, kept)
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != "HEIF"])
    yield
    formats.formats.cache_clear()


def test_heic_without_its_library_says_what_to_install(registry, tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "a.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0")
    with pytest.raises(InputError, match="HEIC, which needs `pip install pillow-heif`"):
        images.read_image(path)
    with pytest.raises(InputError, match="holds no image files.*1 HEIC.*pip install pillow-heif"):
        images.find_pictures("content", [tmp_path])


def test_heic_is_read_by_pillow_heif(registry, tmp_path, monkeypatch):
    """By the library, if it is installed, or by one that does for Pillow what it does."""
    path = tmp_path / "a.heic"
    if importlib.util.find_spec("pillow_heif"):
        import pillow_heif

        square = Image.new("RGB", (8, 8), (200, 60, 30))
        pillow_heif.from_pillow(square).save(path, quality=95)
    else:
        path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0")

        class FakeLibrary:
            @staticmethod
            def register_heif_opener():
                Image.register_open("HEIF", FakeHeic, lambda head: head[4:12] == b"ftypheic")
                Image.register_extension("HEIF", ".heic")

        monkeypatch.setitem(sys.modules, "pillow_heif", FakeLibrary)
    assert images.find_pictures("content", [tmp_path]) == [path]
    shown = images.read_image(path)[0] * 255
    np.testing.assert_allclose(shown, np.broadcast_to((200, 60, 30), (8, 8, 3)), atol=4)


@pytest.mark.parametrize("suffix", [".avif", ".bmp", ".mpo", ".webp", ".tif"])
def test_a_picture_cut_short_is_one_line(tmp_path, examples, suffix):
    path = tmp_path / f"a{suffix}"
    with Image.open(examples / "mosaic.jpg") as image:
        image.resize((90, 60)).save(path)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(InputError, match="not a readable image") as caught:
        images.read_image(path)
    assert "\n" not in str(caught.value)


def _irregular(tmp_path):
    """A FIFO and a socket."""
    os.mkfifo(tmp_path / "fifo.png")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(tmp_path)  # names of sockets are short
        server.bind("socket.png")
        os.chdir(here)
    return [tmp_path / "fifo.png", tmp_path / "socket.png"]


def test_only_regular_files_are_pictures(tmp_path):
    for path in [*_irregular(tmp_path), "/dev/null"]:
        for read in (images.read_image, images.image_size):
            with pytest.raises(InputError, match="is not a regular file; give an image file"):
                read(path)
        with pytest.raises(InputError, match=f"--style: {path}: is not a regular file"):
            images.find_pictures("style", [path])


def test_a_folder_says_what_it_skips(tmp_path, caplog):
    save(tmp_path / "a.png", COLORS)
    save(tmp_path / ".hidden.png", COLORS)
    for name in ("b.txt", "c.TXT", "d.md", "no_suffix"):
        (tmp_path / name).touch()
    (tmp_path / "more").mkdir()
    (tmp_path / "lost.png").symlink_to("nowhere")
    _irregular(tmp_path)
    with caplog.at_level("INFO", logger="absl"):
        assert images.find_pictures("style", [tmp_path]) == [tmp_path / "a.png"]
    # What other code logs meanwhile does not count.
    assert [one for one in caplog.messages if one.startswith("--style")] == [
        f"--style: {tmp_path}: skipped 8 files: 4 unknown suffix (.md, .txt, none), "
        "3 not a regular file, 1 folder."
    ]
    (tmp_path / "a.png").unlink()
    with pytest.raises(InputError, match="holds no image files, JPEG, PNG.*; skipped 8 files"):
        images.find_pictures("style", [tmp_path])


def test_names_are_distinct_and_do_not_depend_on_the_order(tmp_path):
    folder, other = tmp_path / "one", tmp_path / "two"
    paths = [
        folder / "photo.jpg", folder / "PHOTO.png", folder / "cat.png", folder / "sky.jpg",
        other / "sky.jpg", other / "b.c.png", other / "b.c.png",
    ]  # fmt: skip
    names = ["photo.jpg", "PHOTO.png", "cat", "one_sky.jpg", "two_sky.jpg", "b.c", "b.c"]
    assert images.distinct_names(paths) == names
    assert images.distinct_names(paths[::-1]) == names[::-1]
    assert images.distinct_names([]) == []


def test_a_picture_much_larger_than_its_size_looks_the_same(tmp_path, examples):
    source = Image.open(examples / "brushstrokes.jpg").convert("RGB").resize((800, 601))
    rgba = source.copy()
    rgba.putalpha(Image.linear_gradient("L").resize(source.size))
    for path, picture in (("a.jpg", source), ("a.png", source), ("b.png", rgba), ("a.tif", source)):
        picture.save(tmp_path / path, quality=95)
        whole = images.read_image(tmp_path / path)
        shown = images.read_image(tmp_path / path, 64)
        assert shown.shape == (1, 48, 64, 3)
        # The means of blocks, then Lanczos' filter, against that filter alone: up to three levels.
        opacity = images.read_alpha(tmp_path / path, 64)
        difference = np.abs(shown - images.resize(whole, (48, 64)))
        assert (difference * (1 if opacity is None else opacity)).mean() < 3 / 255
    alpha = images.read_alpha(tmp_path / "b.png", 64)
    expected = images.resize(images.read_alpha(tmp_path / "b.png"), (48, 64))
    np.testing.assert_allclose(alpha, expected, atol=2 / 255)
    small = images.read_image(tmp_path / "a.png", 5000, enlarge=False)
    np.testing.assert_array_equal(small, images.read_image(tmp_path / "a.png"))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp", "a.gif"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_huge_picture_is_read_at_reduced_size(tmp_path, monkeypatch, examples, name, orientation):
    """The limits are lowered, Pillow's too, instead of making files of their size."""
    path = tmp_path / name
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {} if name == "a.gif" else {"exif": exif}
    source = Image.open(examples / "mosaic.jpg").convert("RGB").resize((400, 200))
    source.save(path, **options)
    turned = orientation == 6 and name != "a.gif"
    size = (100, 50) if turned else (50, 100)
    expected = images.resize(images.read_image(path), size)
    monkeypatch.setattr(reading, "MAX_PIXELS", 30_000)
    monkeypatch.setattr(reading, "MAX_REDUCED", 90_000)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 15_000)
    with pytest.raises(InputError, match="has 0 million pixels; .*give such a --size"):
        images.read_image(path)
    found = images.read_image(path, 100)
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 3 / 255  # two filters
    assert max(images.read_ample(path, 40).shape) == 160
    assert max(images.read_ample(path, 300).shape) == 200, "half the file's own"
    monkeypatch.setattr(reading, "MAX_REDUCED", 60_000)
    if name == "a.jpg":
        assert images.read_image(path, 100).shape == expected.shape, "decoded at half size"
        source.save(path, progressive=True)
    with pytest.raises(InputError, match="of a JPEG that is not progressive; save it as one"):
        images.read_image(path, 100)
    assert Image.MAX_IMAGE_PIXELS == 15_000


def test_outputs_never_replace_what_is_not_a_regular_file(tmp_path):
    for path in [*_irregular(tmp_path), tmp_path]:
        kind = stat.S_IFMT(path.stat().st_mode)
        with pytest.raises(InputError, match="is not a regular file|is a folder"):
            files.check_writable(path)
        with pytest.raises(InputError, match="is not a regular file|is a folder"):
            with files.replacing(path) as temporary:
                temporary.write_text("new")
        assert stat.S_IFMT(path.stat().st_mode) == kind
    with pytest.raises(InputError, match="is not a regular file"):
        files.check_writable("/dev/null")


def test_an_output_is_written_through_a_link(tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    link, target = tmp_path / "here" / "a.png", tmp_path / "there" / "b"
    link.symlink_to("../there/b")
    for _ in range(2):  # new, and replaced
        images.check_output(link)
        images.write_image(link, np.ones((1, 2, 2, 3)))
        assert link.is_symlink() and not target.is_symlink()
        assert images.read_image(target).shape == (1, 2, 2, 3)
        assert os.listdir(tmp_path / "there") == ["b"] and os.listdir(tmp_path / "here") == [
            "a.png"
        ]
    (tmp_path / "c.png").symlink_to("nowhere/c.png")
    with pytest.raises(InputError, match="nowhere does not exist"):
        images.check_output(tmp_path / "c.png")


def test_names_that_differ_in_case_only_get_numbers(tmp_path):
    paths = [tmp_path / name for name in ("a.png", "A.PNG", "a.jpg")]
    names = images.distinct_names(paths)
    assert len({name.casefold() for name in names}) == 3
    assert sorted(names) == sorted(images.distinct_names(paths[::-1]))


def test_a_result_that_does_not_fit_into_memory(tmp_path, monkeypatch):
    Image.new("RGB", (96, 64)).save(tmp_path / "a.png")
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    with pytest.raises(InputError, match="a.png, at 32768 × 21845 pixels: needs about .* --size"):
        images.read_image(tmp_path / "a.png", 32768)


@pytest.mark.parametrize("shape", [(8, 8, 3), (1, 8, 8), (2, 8, 8, 3), (1, 8, 8, 4)])
def test_only_a_picture_is_written(shape, tmp_path):
    with pytest.raises(ValueError, match=r"must be `\(1, h, w, 3\)`"):
        images.write_image(tmp_path / "a.png", np.zeros(shape, np.float32))
    assert not any(tmp_path.iterdir())
