"""Every kind of file that is read or written, against Pillow's and NumPy's own view of it."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image, ImageCms

from tfstyle import files, images
from tfstyle.errors import InputError
from tfstyle.images import reading, writing


@pytest.fixture
def pixels(random):
    """Smooth `(40, 60, 3)` uint8 picture, so that lossy formats stay close to it."""
    coarse = Image.fromarray(random.integers(0, 256, (5, 7, 3), np.uint8))
    return np.asarray(coarse.resize((60, 40), Image.Resampling.BICUBIC))


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".gif"])
def test_reads_every_format(tmp_path, pixels, suffix):
    image = images.read_image(save(tmp_path / f"a{suffix}", pixels))
    assert image.shape == (1, 40, 60, 3) and image.dtype == np.float32
    lossless = suffix in (".png", ".tif")
    # JPEG, WebP and the 256 colours of GIF stay within a few grey levels in the mean.
    assert np.abs(image[0] * 255 - pixels).mean() <= (1e-4 if lossless else 8)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "CMYK"])
def test_reads_every_mode(tmp_path, pixels, mode):
    source = Image.fromarray(pixels).convert(mode)
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    source.save(path)
    expected = np.asarray(source.convert("RGB"), np.float32) / 255
    np.testing.assert_allclose(images.read_image(path)[0], expected, atol=1e-6)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("deep", [False, True])
def test_applies_exif_orientation(tmp_path, pixels, orientation, deep):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.png"
    grey = pixels[..., 0].astype(np.uint16) * 257
    Image.fromarray(grey if deep else pixels).save(path, exif=exif)
    # The eight orientations of EXIF 2.32, table 4.6.4 A, as a viewer turns the stored rows.
    turn = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: np.rot90(p, -1),
        7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
        8: lambda p: np.rot90(p),
    }[orientation]
    image = images.read_image(path)[0]
    expected = turn(pixels)
    if deep:
        image, expected = image[..., 0], expected[..., 0]
    np.testing.assert_allclose(image * 255, expected, atol=1e-3)


def test_converts_the_colour_profile(tmp_path, pixels):
    # A profile with linear light, made by hand: sRGB's curve must be applied on reading.
    linear = _linear_rgb_profile()
    path = tmp_path / "a.png"
    save(path, pixels, icc_profile=linear)
    light = pixels / 255.0
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    # littlecms computes in 8 bits here: two levels.
    np.testing.assert_allclose(images.read_image(path)[0], srgb, atol=2.5 / 255)
    assert np.abs(images.read_image(path)[0] - light).max() > 0.1


def _linear_rgb_profile():
    """The profile of sRGB with its tone curves replaced by the identity."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", data[128:132])[0]
    for entry in range(count):
        tag, offset, _ = struct.unpack(">4sII", data[132 + 12 * entry : 144 + 12 * entry])
        if tag in (b"rTRC", b"gTRC", b"bTRC"):
            data[offset : offset + 12] = b"curv" + bytes(4) + struct.pack(">I", 0)
    return bytes(data)


def test_a_damaged_profile_is_ignored(tmp_path, pixels):
    path = save(tmp_path / "a.png", pixels, icc_profile=b"not a profile")
    np.testing.assert_allclose(images.read_image(path)[0] * 255, pixels, atol=1e-3)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bits_round_trip(tmp_path, random, suffix, channels):
    image = random.random((1, 9, 13, 3)).astype(np.float32)
    alpha = random.random((1, 9, 13, 1)).astype(np.float32) if channels == 4 else None
    path = tmp_path / f"a{suffix}"
    images.write_image(path, image, alpha=alpha, bits=16, parameters={"a": "ü"})
    rgb, read_alpha = reading._read(path).pixels[..., :3], reading._read(path).alpha()
    if channels == 3 or suffix == ".png":
        np.testing.assert_allclose(rgb, image[0], atol=0.51 / 65535)
    if channels == 4:
        np.testing.assert_allclose(read_alpha, alpha[0, ..., 0], atol=0.51 / 65535)
    assert images.read_parameters(path) == {"a": "ü"}
    Image.open(path).load()  # another reader accepts it


@pytest.mark.parametrize("suffix", writing.SUFFIXES)
def test_eight_bits_round_trip_with_parameters(tmp_path, pixels, suffix):
    path = tmp_path / f"a{suffix}"
    parameters = {"style": ["Großvater \N{SNOWMAN}.jpg"], "size": 3}
    images.write_image(path, pixels[None] / 255.0, parameters=parameters)
    assert images.read_parameters(path) == parameters
    tolerance = 1e-3 if suffix in writing.DEEP_SUFFIXES else 6
    assert np.abs(images.read_image(path)[0] * 255 - pixels).mean() < tolerance


def test_jpeg_keeps_full_chroma(tmp_path, pixels):
    images.write_image(tmp_path / "a.jpg", pixels[None] / 255.0)
    with Image.open(tmp_path / "a.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # sampling factors: 4:4:4
        assert image.quantization[0][0] <= 2  # quality 95


def test_values_outside_are_clipped_and_rounded(tmp_path):
    image = np.array([-0.5, 0.4999 / 255, 0.5001 / 255, 1.7], np.float32)
    image = np.repeat(image[None, None, :, None], 3, axis=-1)
    images.write_image(tmp_path / "a.png", image)
    assert np.asarray(Image.open(tmp_path / "a.png"))[0, :, 0].tolist() == [0, 0, 1, 255]
    with pytest.raises(ValueError, match="finite"):
        images.write_image(tmp_path / "b.png", image * np.nan)
    assert os.listdir(tmp_path) == ["a.png"]


def test_alpha_is_carried_and_hidden_colours_are_not_painted(tmp_path):
    rgba = np.zeros((32, 32, 4), np.uint8)
    rgba[..., :3] = (0, 255, 0)  # what an editor left under the transparent part
    rgba[8:24, 8:24] = (200, 40, 40, 255)
    path = save(tmp_path / "a.png", rgba)
    image, alpha = images.read_image(path), images.read_alpha(path)
    np.testing.assert_allclose(image[0] * 255, np.full((32, 32, 3), (200, 40, 40)), atol=0.5)
    np.testing.assert_array_equal(alpha[0, ..., 0], rgba[..., 3] / 255)
    images.write_image(tmp_path / "b.webp", image, alpha=alpha)
    assert Image.open(tmp_path / "b.webp").mode == "RGBA"
    images.write_image(tmp_path / "b.jpg", image, alpha=alpha)
    assert np.asarray(Image.open(tmp_path / "b.jpg"))[0, 0].min() > 245  # white below
    assert images.read_alpha(save(tmp_path / "c.png", rgba[8:24, 8:24])) is None


@pytest.mark.parametrize("shape", [(64, 97), (97, 64), (1, 200), (33, 33)])
@pytest.mark.parametrize("size", [32, 51, 400])
def test_size_is_the_longest_side_and_keeps_the_aspect(shape, size):
    height, width = images.fit(shape, size)
    assert max(height, width) == size
    expected = min(shape) * size / max(shape)
    assert abs(min(height, width) - max(1, expected)) <= 0.5


def test_resize_is_pillows_lanczos(pixels):
    image = pixels[None].astype(np.float32) / 255
    resized = images.resize(image, (17, 23))
    expected = Image.fromarray(pixels).resize((23, 17), Image.Resampling.LANCZOS)
    np.testing.assert_allclose(resized[0] * 255, np.asarray(expected), atol=1.5)  # 8-bit passes


def test_cover_keeps_the_aspect():
    y, x = np.mgrid[0:60, 0:100].astype(np.float32) / 100
    image = np.stack([x, y, x], -1)[None]
    part = images.cover(image, (60, 60))
    np.testing.assert_array_equal(part, image[:, :, 20:80])


def _damaged(tmp_path, pixels):
    """Path and expected words of each kind of unusable input."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    (tmp_path / "empty.png").touch()
    (tmp_path / "truncated.png").write_bytes(buffer.getvalue()[:-60])
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "folder.png").mkdir()
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    bomb += struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 0) + b"IDAT"
    (tmp_path / "bomb.png").write_bytes(bomb + struct.pack(">I", zlib.crc32(b"IDAT")))
    return {
        "empty.png": "empty",
        "truncated.png": "not a readable image",
        "text.jpg": "unknown format",
        "folder.png": "is a folder",
        "missing.png": "no such file",
        "bomb.png": "million pixels",
    }


def test_unusable_input_is_one_line(tmp_path, pixels):
    for name, words in _damaged(tmp_path, pixels).items():
        with pytest.raises(InputError, match=words) as caught:
            images.read_image(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)


def test_unusable_output_is_one_line(tmp_path):
    (tmp_path / "folder.png").mkdir()
    for name, bits, words in [
        ("a.bmp", 8, ".png, .jpg"),
        ("a", 8, ".png, .jpg"),
        ("a.jpg", 16, "for 16 bits"),
        ("folder.png", 8, "is a folder"),
        ("no/such/a.png", 8, "does not exist"),
    ]:
        with pytest.raises(InputError, match=words):
            images.check_output(tmp_path / name, bits)
    with pytest.raises(InputError, match="cannot be written"):
        images.check_output("/proc/a.png")


def test_parameters_of_another_picture(tmp_path, pixels):
    with pytest.raises(InputError, match="holds no parameters"):
        images.read_parameters(save(tmp_path / "a.png", pixels))


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(InputError, match="No space"):
        with files.replacing(path) as temporary:
            temporary.write_text("half")
            raise OSError(28, "No space left on device")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_a_side_that_the_format_cannot_have(tmp_path):
    with pytest.raises(InputError, match="at most 16383 pixels a side; use .png"):
        images.check_output(tmp_path / "a.webp", size=16384)
    images.check_output(tmp_path / "a.png", size=16384)


def test_sixteen_bit_grey_with_a_profile_keeps_its_levels(tmp_path):
    """A profile that is not sRGB: the ramp stays a ramp, at 8 bits."""
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (8, 1))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.fromarray(ramp).save(tmp_path / "a.png", icc_profile=profile)
    levels = images.read_image(tmp_path / "a.png")[0, 0, :, 0]
    np.testing.assert_allclose(levels, ramp[0] / 65535, atol=0.51 / 255)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_orientation_of_sixteen_bits(tmp_path, random, orientation, suffix, channels):
    pixels = random.integers(0, 65536, (5, 7, channels)).astype(np.uint16)
    turned = {1: 0, 3: 2, 6: -1, 8: 1}[orientation]
    path = tmp_path / f"a{suffix}"
    if suffix == ".tif":
        squeezed = pixels if channels == 3 else pixels[..., 0]
        photometric = "rgb" if channels == 3 else "minisblack"
        tags = [(274, "H", 1, orientation, True)]
        tifffile.imwrite(path, squeezed, photometric=photometric, extratags=tags, metadata=None)
    else:
        data = tf.io.encode_png(pixels).numpy()
        exif = Image.Exif()
        exif[274] = orientation
        body = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        path.write_bytes(data[:33] + chunk + data[33:])
    expected = np.rot90(np.broadcast_to(pixels, (5, 7, 3)), turned) / 65535
    np.testing.assert_allclose(images.read_image(path)[0], expected, atol=0.51 / 65535)


@pytest.mark.parametrize(
    "options", [{"planarconfig": "separate"}, {"extrasamples": ["assocalpha"]}]
)
def test_kinds_of_sixteen_bit_tiff(tmp_path, random, options):
    alpha = np.full((6, 8, 1), 0.5) if "extrasamples" in options else np.ones((6, 8, 1))
    rgb = random.uniform(size=(6, 8, 3))
    stored = np.concatenate([rgb * alpha, alpha], -1) if "extrasamples" in options else rgb
    stored = np.round(stored * 65535).astype(np.uint16)
    if "planarconfig" in options:
        stored = np.moveaxis(stored, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", metadata=None, **options)
    decoded = reading._read(tmp_path / "a.tif")
    found, found_alpha = decoded.pixels[..., :3], decoded.alpha()
    np.testing.assert_allclose(found, rgb, atol=3 / 65535)
    assert found_alpha is None or np.allclose(found_alpha, 0.5, atol=1e-4)


def test_grey_tiff_where_zero_is_white(tmp_path):
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (8, 1))
    tifffile.imwrite(tmp_path / "a.tif", ramp, photometric="miniswhite", metadata=None)
    levels = images.read_image(tmp_path / "a.tif")[0, 0, :, 0]
    np.testing.assert_allclose(levels, 1 - ramp[0] / 65535, atol=1e-4)
