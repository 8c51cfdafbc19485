"""Training pictures: what is read, what is skipped, and that samples depend on seed and step."""

import os

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image

from tfstyle import images
from tfstyle.data.batches import Batches
from tfstyle.data.crops import Crops
from tfstyle.data.shards import write_shards
from tfstyle.data.sources import Part, Skipped, open_source
from tfstyle.errors import InputError


@pytest.fixture
def folder(tmp_path, examples):
    """Nested folders with good pictures of several formats, and bad ones."""
    root = tmp_path / "pictures"
    (root / "deep" / "er").mkdir(parents=True)
    picture = Image.open(examples / "astronaut.jpg").convert("RGB").resize((120, 90))
    picture.save(root / "a.jpg")
    picture.save(root / "deep" / "b.webp")
    picture.convert("L").save(root / "deep" / "er" / "c.png")
    picture.convert("P").save(root / "deep" / "er" / "d.gif")
    picture.convert("CMYK").save(root / "e.tif")
    picture.convert("RGBA").save(root / "no_suffix", "PNG")
    (root / ".hidden.jpg").write_bytes((root / "a.jpg").read_bytes())
    (root / "notes.txt").write_text("no picture")
    (root / "empty.jpg").touch()
    picture.resize((20, 40)).save(root / "tiny.png")
    whole = (root / "a.jpg").read_bytes()
    (root / "broken.jpg").write_bytes(whole[: len(whole) // 2])
    return root


def test_all_formats_and_depths_are_found_and_the_rest_is_listed(folder, tmp_path):
    skipped = Skipped()
    source = open_source(folder, "content_dir", 32, skipped)
    skipped.keep_in(tmp_path / "skipped.txt")
    assert source.names == [
        "a.jpg", "broken.jpg", "deep/b.webp", "deep/er/c.png", "deep/er/d.gif", "e.tif",
        "no_suffix",
    ]  # fmt: skip
    lines = (tmp_path / "skipped.txt").read_text().splitlines()
    assert len(lines) == 3
    reasons = {line.split(": ")[0].rsplit("/")[-1]: line for line in lines}
    assert "unknown format" in reasons["notes.txt"]
    assert "empty" in reasons["empty.jpg"]
    assert "too small, 20 × 40 pixels, not 32" in reasons["tiny.png"]


def test_a_damaged_picture_is_replaced_and_listed_once(folder, tmp_path):
    skipped = Skipped()
    source = open_source(folder, "content_dir", 32, skipped)
    skipped.keep_in(tmp_path / "skipped.txt")
    crops = Crops(source, 48, 64, skipped=skipped)
    samples = [crops[number] for number in range(3 * len(source.names))]
    assert all(sample.shape == (48, 48, 3) and sample.dtype == np.uint8 for sample in samples)
    lines = (tmp_path / "skipped.txt").read_text().splitlines()
    assert sum("broken.jpg" in line for line in lines) == 1
    # A later start keeps the list and does not repeat it.
    again = Skipped()
    open_source(folder, "content_dir", 32, again)
    again.keep_in(tmp_path / "skipped.txt")
    assert (tmp_path / "skipped.txt").read_text().splitlines() == lines


def test_when_everything_is_damaged_that_is_said(folder):
    for name in ("a.jpg", "no_suffix", "e.tif"):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])
    for path in (folder / "deep").rglob("*.*"):
        path.unlink()
    source = open_source(folder, "content_dir", 32, Skipped())
    with pytest.raises(InputError, match="in a row are damaged; for instance .*not a reada"):
        Crops(source, 48, 64)[0]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "is not a folder; give one with pictures"),
        ({}, "holds no pictures"),
        ({"a.txt": b"no"}, "none of the 1 files in .* is a usable picture; for instance .*a.txt"),
    ],
)
def test_a_folder_of_no_use_is_one_line(tmp_path, content, text):
    root = tmp_path / "pictures"
    if content is not None:
        root.mkdir()
        for name, data in content.items():
            (root / name).write_bytes(data)
    with pytest.raises(InputError, match="--style_dir: .*" + text):
        open_source(root, "style_dir", 32, Skipped())


def test_floating_point_pictures_are_skipped_not_black(folder):
    Image.fromarray(np.full((64, 64), 0.5, "float32")).save(folder / "float.tif")
    source = open_source(folder, "content_dir", 32, Skipped())
    only = Part(source, [source.names.index("float.tif")])
    with pytest.raises(InputError, match=r"float\.tif: has floating-point pixels"):
        Crops(only, 48, 64)[0]


def test_a_fifo_is_skipped_and_not_waited_for(folder, tmp_path):
    skipped = Skipped()
    os.mkfifo(folder / "a_fifo.png")
    assert "a_fifo.png" not in open_source(folder, "content_dir", 32, skipped).names
    assert sum("a_fifo.png: is not a regular file" in line for line in skipped.lines) == 1
    (tmp_path / "shards").mkdir()
    os.mkfifo(tmp_path / "shards" / "a.tfrecord")
    with pytest.raises(InputError, match="holds no pictures"):
        open_source(tmp_path / "shards", "content_dir", 32, skipped)
    assert "a.tfrecord: is not a regular file" in list(skipped.lines)[-1]


def test_shards_and_pictures_are_kept_apart(folder):
    (folder / "stray.tfrecord").touch()
    with pytest.raises(InputError, match="holds shards and image files; keep them apart"):
        open_source(folder, "content_dir", 32, Skipped())


@pytest.mark.parametrize("suffix", [".jfif", ".avif", ".bmp"])
def test_shards_are_kept_apart_from_pictures_of_every_format(tmp_path, suffix):
    (tmp_path / "stray.tfrecord").touch()
    Image.new("RGB", (64, 64)).save(tmp_path / f"a{suffix}")
    with pytest.raises(InputError, match="holds shards and image files; keep them apart"):
        open_source(tmp_path, "content_dir", 32, Skipped())


def colored(tmp_path, count):
    """A folder of `count` plain pictures; picture i is grey of level 10·i."""
    root = tmp_path / "plain"
    root.mkdir()
    for i in range(count):
        Image.new("RGB", (64, 64), (10 * i,) * 3).save(root / f"{i:02d}.png")
    return open_source(root, "content_dir", 32, Skipped())


def test_each_epoch_has_every_picture_once_in_its_own_order(tmp_path):
    crops = Crops(colored(tmp_path, 12), 32, 32, seed=(5,))
    levels = [int(crops[number][0, 0, 0]) // 10 for number in range(36)]
    epochs = [levels[:12], levels[12:24], levels[24:]]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


@pytest.mark.parametrize("settings", [{"scale_jitter": 2.0}, {"min_crop": 0.5, "recolored": 0.5}])
def test_a_sample_is_a_pure_function_of_seed_and_number(folder, settings):
    def make(seed):
        source = open_source(folder, "content_dir", 32, Skipped())
        return Crops(source, 32, 48, color_jitter=0.3, seed=(seed,), **settings)

    first, second, other = make(1), make(1), make(2)
    backwards = {number: second[number] for number in reversed(range(12))}
    for number in range(12):
        np.testing.assert_array_equal(first[number], backwards[number])
    assert any((first[number] != other[number]).any() for number in range(12))


def test_a_crop_is_the_picture_resized_cut_and_perhaps_flipped(tmp_path):
    """A ramp shows where a crop was cut: its slope is the scale, its first value the place."""
    ramp = np.tile(np.linspace(0, 255, 256).round().astype("uint8"), (128, 1))
    (tmp_path / "one").mkdir()
    Image.fromarray(ramp).convert("RGB").save(tmp_path / "one" / "ramp.png")
    source = open_source(tmp_path / "one", "content_dir", 32, Skipped())
    crops = Crops(source, 32, 64, seed=(3,))  # short side 128 → 64: two levels a pixel
    flips, places = set(), set()
    for number in range(40):
        row = crops[number][16, :, 0].astype(float)
        slopes = np.diff(row)
        assert abs(abs(slopes.mean()) - 2.0) < 0.1
        flips.add(bool(slopes.mean() < 0))
        places.add(round(row.min() / 2))
    assert flips == {True, False}
    assert min(places) < 20 and max(places) > 76 and max(places) <= 96  # of 128 - 32


def test_scale_jitter_is_within_its_bounds_and_never_below_the_crop(tmp_path):
    ramp = np.tile(np.linspace(0, 255, 256).round().astype("uint8"), (256, 1))
    (tmp_path / "one").mkdir()
    Image.fromarray(ramp).convert("RGB").save(tmp_path / "one" / "ramp.png")
    source = open_source(tmp_path / "one", "content_dir", 32, Skipped())
    crops = Crops(source, 48, 64, scale_jitter=2.0, seed=(3,))
    sides = [256 / abs(np.diff(crops[n][24, :, 0].astype(float)).mean()) for n in range(60)]
    assert 46 < min(sides) < 50  # 64 / 2 would be below the crop
    assert 110 < max(sides) < 132


def test_a_crop_has_a_random_share_of_the_shorter_side(tmp_path):
    ramp = np.tile(np.linspace(0, 255, 256).round().astype("uint8"), (160, 1))
    (tmp_path / "one").mkdir()
    Image.fromarray(ramp).convert("RGB").save(tmp_path / "one" / "ramp.png")
    source = open_source(tmp_path / "one", "content_dir", 32, Skipped())
    crops = Crops(source, 32, 999, scale_jitter=4.0, min_crop=0.6, seed=(3,))
    # The ramp rises by one level a pixel, in a crop by as many as pixels become one.
    shares = [abs(np.diff(crops[n][16, 4:-4, 0].astype(float)).mean()) / 5 for n in range(200)]
    assert 0.59 < min(shares) < 0.63 and 0.97 < max(shares) < 1.01
    assert np.mean(shares) == pytest.approx(0.8, abs=0.03), "uniform"


def test_colors_of_a_share_of_crops_are_permuted_and_of_some_inverted(tmp_path):
    (tmp_path / "one").mkdir()
    Image.new("RGB", (64, 64), (100, 150, 200)).save(tmp_path / "one" / "plain.png")
    source = open_source(tmp_path / "one", "style_dir", 32, Skipped())
    crops = Crops(source, 32, 32, recolored=0.5)
    colors = [tuple(crops[n][5, 5].tolist()) for n in range(600)]
    changed = [color for color in colors if color != (100, 150, 200)]
    assert len(changed) / 600 == pytest.approx(0.5 * (1 - 0.7 / 6), abs=0.06)
    orders = {(a, b, 450 - a - b) for a in (100, 150, 200) for b in (100, 150, 200) if a != b}
    inverted = {tuple(255 - level for level in color) for color in orders}
    assert {*colors} == orders | inverted
    share = np.mean([color in inverted for color in changed])
    assert share == pytest.approx(0.3 / (1 - 0.7 / 6), abs=0.08)


def test_styles_are_own_and_other_photographs_in_their_shares(tmp_path):
    """Of photographs darker than all paintings."""
    source = colored(tmp_path, 24)
    parts = [Part(source, list(range(12))), Part(source, list(range(12, 24)))]
    content, style = (Crops(part, 32, 32, seed=(k,)) for k, part in enumerate(parts))
    batches = Batches(content, style, 2, identity_share=0.3, photo_share=0.2)
    pairs = []
    for number in range(400):
        pairs.append([int(crop[0, 0, 0]) // 10 for crop in batches._sample(number)])
        assert pairs[-1][0] == content[number][0, 0, 0] // 10
        assert pairs[-1][1] < 12 or pairs[-1][1] == style[number][0, 0, 0] // 10
    own, photos = (np.array([b == a for a, b in pairs]), np.array([b < 12 for _, b in pairs]))
    assert own.mean() == pytest.approx(0.3, abs=0.07)
    assert (photos & ~own).mean() == pytest.approx(0.2, abs=0.06)
    again = Batches(content, style, 2, identity_share=0.3, photo_share=0.2).dataset(100, 101)
    (batch,) = again
    levels = [(batch[name][:, 0, 0, 0].numpy() // 10).tolist() for name in ("content", "style")]
    assert [list(pair) for pair in zip(*levels, strict=True)] == pairs[200:202]


def test_color_jitter_changes_colors_and_nothing_else(folder):
    source = open_source(folder, "content_dir", 32, Skipped())
    plain, jittered = (Crops(source, 48, 64, color_jitter=share) for share in (0.0, 0.3))
    number = next(n for n in range(20) if plain[n].std() > 30)
    assert (plain[number] != jittered[number]).any()
    correlation = np.corrcoef(plain[number].mean(-1).ravel(), jittered[number].mean(-1).ravel())
    assert correlation[0, 1] > 0.98


def test_shards_hold_the_same_pictures(folder, tmp_path):
    skipped = Skipped()
    source = open_source(folder, "content_dir", 32, skipped)
    shards = tmp_path / "shards"
    shards.mkdir()
    done = list(write_shards(source, shards, 60, 3, skipped))
    assert done[-1] == 7
    assert sorted(path.name for path in shards.iterdir()) == [
        f"{i:05d}-of-00003.tfrecord" for i in range(3)
    ]
    assert any("broken.jpg" in line for line in skipped.lines)
    read = open_source(shards, "content_dir", 32, Skipped())
    assert len(read.names) == 6
    # TensorFlow's own reader finds the same bytes.
    dataset = tf.data.TFRecordDataset([str(path) for path in sorted(shards.iterdir())])
    encoded = [
        tf.train.Example.FromString(record.numpy()).features.feature["image/encoded"]
        for record in dataset
    ]
    assert [value.bytes_list.value[0] for value in encoded] == [read.read(i) for i in range(6)]
    assert tf.io.decode_jpeg(read.read(0)).shape == (60, 80, 3)


def test_a_shard_cut_short_is_skipped(folder, tmp_path):
    source = open_source(folder, "content_dir", 32, Skipped())
    shards = tmp_path / "shards"
    shards.mkdir()
    list(write_shards(source, shards, 60, 3, Skipped()))
    first, *_ = sorted(shards.iterdir())
    first.write_bytes(first.read_bytes()[:-100])
    skipped = Skipped()
    read = open_source(shards, "content_dir", 32, skipped)
    assert len(read.names) == 4
    assert any("cut short" in line for line in skipped.lines)


def test_replicas_and_workers_share_out_the_batch_of_one(tmp_path):
    source = colored(tmp_path, 12)
    parts = [Part(source, list(range(6))), Part(source, list(range(6, 12)))]
    batches = Batches(*(Crops(part, 32, 32, seed=(1,)) for part in parts), batch_size=4)

    def levels(dataset, name):
        return [batch[name][:, 0, 0, 0].numpy().tolist() for batch in dataset]

    for name in ("content", "style"):
        one = levels(batches.dataset(2, 5), name)
        assert np.shape(one) == (3, 4)
        assert one == levels(batches.dataset(0, 9), name)[2:5], "it starts anywhere"
        two = levels(batches.dataset(2, 5, tf.distribute.InputContext(1, 0, 2)), name)
        assert np.reshape(two, (3, 4)).tolist() == one, "two replicas of a machine take turns"
        workers = [
            levels(batches.dataset(2, 5, tf.distribute.InputContext(2, worker, 2)), name)
            for worker in (0, 1)
        ]
        assert np.concatenate(workers, axis=1).tolist() == one, "two machines take halves"


def test_the_reason_of_a_failure_is_kept(folder):
    for path in list(folder.rglob("*")):
        if path.is_file() and path.name != "broken.jpg":
            path.unlink()
    source = open_source(folder, "content_dir", 32, Skipped())
    crops = Crops(source, 48, 64)
    batches = Batches(crops, crops, 2)
    with pytest.raises(tf.errors.OpError):
        next(iter(batches.dataset(0, 1)))
    assert "damaged" in str(batches.error)


def test_planes_of_16_bits_are_read_as_they_are(tmp_path, photo):
    """Pillow decodes such a TIFF wrongly."""
    deep = np.round(photo[0] * 65535).astype(np.uint16)
    tifffile.imwrite(
        tmp_path / "a.tif", np.moveaxis(deep, -1, 0), photometric="rgb", planarconfig="separate"
    )
    found = images.read_training_image((tmp_path / "a.tif").read_bytes(), "a.tif")
    np.testing.assert_allclose(np.asarray(found) / 255, photo[0], atol=0.51 / 255)


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(13, "Permission denied", str(tmp_path / "inside"))

    (tmp_path / "inside").mkdir()
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match=r"inside: cannot be read \(Permission denied\)"):
        open_source(tmp_path, "content_dir", 8, Skipped())
