"""`stylize.py` by LiteRT: without TensorFlow, at once, and with the pictures of Keras."""

import os

import numpy as np
import pytest

from tfstyle import images
from tfstyle.config import StylizeCommand
from tfstyle.errors import InputError
from tfstyle.models import exported, packaged
from tfstyle.runtime import litert
from tfstyle.stylization import Stylizer, background, code_cache, engines


@pytest.fixture
def without_tensorflow(tmp_path, run_program):
    """Runs a program where TensorFlow and Keras cannot be imported."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('tensorflow', 'keras', 'tf_keras'):\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
    )
    path = os.pathsep.join([str(hidden), *filter(None, [os.environ.get("PYTHONPATH")])])
    return lambda *arguments: run_program(*arguments, PYTHONPATH=path)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(engines, "_GPUS", ())


@pytest.mark.parametrize("name", sorted(packaged.PACKAGED_MODELS))
def test_packaged_files_paint_what_the_keras_model_paints(name, photo, painting):
    lite, model = Stylizer(name, engine="litert"), Stylizer(name)
    assert lite.model.code_identity() == model.model.code_identity(), "python -m tools.pack_litert"
    assert lite.model.min_size == model.model.min_size

    def encode(stylizer):
        names = packaged.own_styles(name)
        if not names:
            return stylizer.encode_style(painting)
        return stylizer.mix([*map(stylizer.named_style, [*names][:2])], (0.7, 0.3))

    code = encode(model)
    for content, strength in ((photo, 1.0), (photo[:, 3:60, 5:88], 0.6)):
        found = [s.paint(content, encode(s), strength) for s in (lite, model)]
        assert np.abs(found[0] - found[1]).max() < 2 / 255
        crossed = lite.paint(content, code, strength)
        assert np.abs(crossed - found[1]).max() < 2 / 255, "a library's codes serve both"


def test_a_batch_is_painted_one_by_one(photo, painting):
    lite = Stylizer("mobile", engine="litert")
    code = lite.encode_style(painting)
    both = lite.paint(np.concatenate([photo, photo[:, ::-1]]), code)
    np.testing.assert_array_equal(both[1:], lite.paint(photo[:, ::-1], code))


def test_files_are_not_compiled():
    with pytest.raises(ValueError, match="Received: compiled=True, engine='litert'"):
        Stylizer("mobile", compiled=True, engine="litert")


def test_pictures_need_no_tensorflow(without_tensorflow, examples, tmp_path):
    pair = ("--content", examples / "astronaut.jpg", "--style", examples / "mosaic.jpg")
    found = without_tensorflow("stylize.py", *pair, "--size", 128, "--model", "mobile",
                               "--engine", "litert", "--no_cache")  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert images.image_size(tmp_path / "stylized.png") == (128, 128)
    found = without_tensorflow("stylize.py", *pair, "--engine", "keras")
    assert found.returncode == 1
    assert found.stderr.splitlines()[-1].startswith("error: TensorFlow is not installed; pip ")


def command(**options):
    return StylizeCommand(content=("a.png",), style=("b.png",), **options)


def test_auto_takes_litert_where_it_can(photo, tmp_path, no_gpu, monkeypatch):
    path = tmp_path / "photo.png"
    images.write_image(path, photo)  # 96 × 64 pixels
    assert engines.choose(command(), [path]) == "litert"
    assert engines.choose(command(engine="keras"), [path]) == "keras"
    assert engines.choose(command(wrap="both"), [path]) == "keras"
    assert engines.choose(command(statistics_of="a.png"), [path]) == "keras"
    assert engines.choose(command(tile_size=900), [path]) == "keras"
    long = tmp_path / "long.png"
    images.write_image(long, np.tile(photo, (1, 1, 11, 1)))
    assert engines.choose(command(), [path, long]) == "keras"
    assert engines.choose(command(size=1024), [path, long]) == "litert"
    assert engines.choose(command(model="own.keras"), [path]) == "keras"
    monkeypatch.setattr(engines, "_GPUS", (str(path),))
    assert engines.choose(command(), [path]) == "keras"
    assert engines.choose(command(engine="litert"), [path]) == "litert"
    monkeypatch.setattr(engines, "_GPUS", ())
    monkeypatch.setattr(litert, "is_installed", lambda: False)
    assert engines.choose(command(), [path]) == "keras"
    with pytest.raises(InputError, match="LiteRT is not installed"):
        engines.choose(command(engine="litert"), [path])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wrap": "both"}, "--engine=litert: --wrap needs tiles"),
        ({"statistics_of": "a.png"}, "--engine=litert: --statistics_of needs tiles"),
        ({"tile_size": 900}, "--engine=litert: --tile_size needs tiles"),
        ({"size": 1025}, "photo.png: 1025 pixels, and above 1024"),
        ({"model": "own.keras"}, "'own.keras' has no exported files"),
    ],
)
def test_what_litert_cannot_do_is_one_line(options, message, photo, tmp_path):
    path = tmp_path / "photo.png"
    images.write_image(path, photo)
    with pytest.raises(InputError, match=message):
        engines.choose(command(engine="litert", **options), [path])


def test_a_damaged_description_is_one_line(tmp_path):
    (tmp_path / "model.json").write_text('{"codes": 3}')
    with pytest.raises(InputError, match=r"model\.json: not the description of a model"):
        exported.load_exported(tmp_path)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFSTYLE_CACHE", str(tmp_path / "cache"))
    return code_cache.CodeCache("model")


def test_a_painting_is_known_by_its_bytes(cache, tmp_path):
    path, other = tmp_path / "a.png", tmp_path / "b.png"
    path.write_bytes(b"painting")
    assert cache.get(path) is None
    cache.put(path, {"mean": np.ones((1, 2), np.float32)})
    path.rename(other)
    np.testing.assert_array_equal(cache.get(other)["mean"], [[1.0, 1.0]])
    assert code_cache.CodeCache("another model").get(other) is None
    path.write_bytes(b"another painting")
    assert cache.get(path) is None and cache.get(tmp_path / "missing.png") is None


def test_the_oldest_codes_are_removed(cache, tmp_path, monkeypatch):
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    for age, path in enumerate(paths):
        path.write_bytes(path.name.encode())
        cache.put(path, {"mean": np.zeros((1, 100), np.float32)})
        stored = cache._path(path)
        os.utime(stored, (age, age))
    monkeypatch.setattr(code_cache, "MOST_BYTES", 2 * cache._path(paths[0]).stat().st_size)
    assert cache.get(paths[0]) is not None, "and so it is the newest"
    cache.put(paths[2], {"mean": np.zeros((1, 100), np.float32)})
    assert [cache.get(path) is not None for path in paths] == [True, False, True]


def test_a_damaged_or_unwritable_cache_is_none(cache, tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"painting")
    cache.put(path, {"mean": np.ones((1, 2), np.float32)})
    stored = cache._path(path)
    stored.write_bytes(stored.read_bytes()[:-9])
    assert cache.get(path) is None
    monkeypatch.setenv("TFSTYLE_CACHE", str(path))  # a file
    code_cache.CodeCache("model").put(path, {"mean": np.ones((1, 2), np.float32)})


def test_a_painting_that_changes_meanwhile_gets_no_code_of_before(cache, tmp_path):
    path, code = tmp_path / "a.png", {"mean": np.ones((1, 2), np.float32)}
    path.write_bytes(b"painting")
    assert cache.get(path) is None
    path.write_bytes(b"another painting")
    cache.put(path, code)
    assert cache.get(path) is None
    cache.put(path, code)
    assert cache.get(path) is not None


def test_a_cache_that_is_only_read_serves(cache, tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"painting")
    cache.put(path, {"mean": np.ones((1, 2), np.float32)})

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "utime", refuse)
    assert cache.get(path) is not None


def test_who_has_no_home_has_no_cache(tmp_path, monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("TFSTYLE_CACHE", raising=False)
    monkeypatch.setattr(code_cache.pathlib.Path, "home", homeless)
    path = tmp_path / "a.png"
    path.write_bytes(b"painting")
    cache = code_cache.CodeCache("model")
    cache.put(path, {"mean": np.ones((1, 2), np.float32)})
    assert cache.get(path) is None


def test_two_processes_may_bound_the_cache(cache, tmp_path, monkeypatch):
    for name in "ab":
        (tmp_path / name).write_bytes(name.encode())
        cache.put(tmp_path / name, {"mean": np.zeros((1, 100), np.float32)})
    stored = cache._path(tmp_path / "a")
    os.utime(stored, (1, 1))
    (stored.parent / "0.npz").symlink_to("removed")  # listed, and gone when it is looked at
    monkeypatch.setattr(code_cache, "MOST_BYTES", stored.stat().st_size)
    cache.put(tmp_path / "b", {"mean": np.zeros((1, 100), np.float32)})
    assert not stored.exists()


def test_a_command_uses_the_cache_only_for_the_same_code(
    cache, photo, painting, tmp_path, monkeypatch, no_gpu
):
    from tfstyle.__main__ import main

    monkeypatch.chdir(tmp_path)
    images.write_image("photo.png", photo)
    images.write_image("painting.png", painting)
    encoded = []
    encode = exported.ExportedStylePictures.encode_style
    monkeypatch.setattr(
        exported.ExportedStylePictures,
        "encode_style",
        lambda self, style: encoded.append(style.shape) or encode(self, style),
    )

    def paint(output, *flags):
        count = len(encoded)
        files = ("--content", "photo.png", "--style", "painting.png", "--output", output)
        assert main(["stylize", "--model", "mobile", *files, *flags]) == 0
        return len(encoded) - count

    assert paint("1.png") == 1
    assert paint("2.png") == 0
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()
    assert paint("3.png", "--no_cache") == 1
    assert paint("4.png", "--style_size", "48") == 1
    assert paint("5.png", "--preserve_color", "histogram") == 2, "without and with the photo"
    assert paint("6.png", "--preserve_color", "luminance") == 2


def test_files_are_read_ahead_and_written_in_order():
    events = []

    def read(item):
        if item == 2:
            raise InputError("two")
        return item

    with background.Background() as others:
        for item, result in others.read_ahead(read, [1, 2, 3]):
            try:
                others.write(events.append, result())
            except InputError as error:
                others.write(events.append, f"{item}: {error}")
    assert events == [1, "2: two", 3]


def test_an_error_of_writing_is_not_lost():
    def fail():
        raise InputError("disk full")

    with pytest.raises(InputError, match="disk full"), background.Background() as others:
        others.write(fail)
