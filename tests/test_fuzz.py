"""Changed files of every kind: a good result or an InputError, soon and in little memory.

`make fuzz` tries a hundred times as many, and others each time.
"""

import base64
import contextlib
import copy
import datetime
import io
import json
import os
import pathlib
import resource
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests import clip_files
from tests.model_examples import EXAMPLES, make_adain
from tfstyle import cli, images, models, optimization
from tfstyle.commands import optimize
from tfstyle.config import OptimizeConfig, TrainConfig
from tfstyle.encoders import weight_files
from tfstyle.errors import InputError
from tfstyle.evaluation.results import Key, Results
from tfstyle.images import label_maps
from tfstyle.stylization.library import StyleLibrary
from tfstyle.training.runs import RunFolder
from tfstyle.video import conversion
from tfstyle.web import masks, voting
from tfstyle.web.settings import Settings, of_parameters

FACTOR = int(os.environ.get("TFSTYLE_FUZZ", "1"))  # times as many examples, at random
MOST_SECONDS = 20.0
MOST_MEMORY = 600 << 20  # bytes of growth, of an example; the files have less than a megabyte
MOST_ADDRESSES = 4 << 30  # beyond which the system refuses memory
SCALARS = [
    None, True, False, 0, -1, 1, 3, -16, 1 << 31, 10**9, 1 << 63, 10**400, 0.0, -0.5, 1e-300, 1e300,
    float("nan"), float("-inf"), "", "a", "10", "\0", "\x1b[2J", "\ud800", "é" * 5000, "/dev/zero",
    [], {}, [1, 2], ["a"] * 200, {"class_name": "Dense", "config": {"units": 10**9}},
]  # fmt: skip
randoms = st.randoms(use_true_random=False)


def fuzz(examples):
    """A test of so many mutations, always the same but for `make fuzz`."""
    limits = settings(
        max_examples=examples * FACTOR,
        derandomize=FACTOR == 1,
        database=None,
        deadline=datetime.timedelta(seconds=MOST_SECONDS),
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    return lambda test: limits(given(random=randoms)(test))


@pytest.fixture(autouse=True)
def little_memory():
    """The system refuses gigabytes, so that a bug does not take them from the machine."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    most = pages * os.sysconf("SC_PAGE_SIZE") + MOST_ADDRESSES
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@contextlib.contextmanager
def limits():
    """Only an InputError of one printable line may leave the block, which needs little memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        yield
    except InputError as error:
        assert "\n" not in str(error) and "\x1b" not in str(error) and "\0" not in str(error)
        assert len(str(error)) < 500
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < MOST_MEMORY


def changed_bytes(random, data):
    """Some bytes changed, cut off, left out or repeated."""
    data = bytearray(data)
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(data) + 1)
        stop = min(len(data), start + random.choice([1, 1, 2, 8, 100]))
        kind = random.randrange(6)
        if kind < 3:
            for place in range(start, stop):
                data[place] = random.randrange(256)
        elif kind == 3:
            data[start:stop] = data[start:stop] * 3
        elif kind == 4:
            del data[start:stop]
        else:
            del data[start:]
    return bytes(data)


def changed_json(random, value):
    """A value somewhere in a JSON value replaced, left out or added."""
    value = json.loads(json.dumps(value))
    places = []

    def walk(part):
        for key in range(len(part)) if isinstance(part, list) else list(part):
            places.append((part, key))
            if isinstance(part[key], (list, dict)):
                walk(part[key])

    walk(value)
    for _ in range(random.randint(1, 3)):
        part, key = random.choice(places)
        kind = random.randrange(8)
        with contextlib.suppress(KeyError, IndexError, OverflowError):
            if kind == 0:
                del part[key]
            elif kind == 1 and isinstance(part, list) and part:
                part.append(copy.deepcopy(random.choice(part)))
            elif kind == 2 and isinstance(part[key], (int, float)):
                part[key] *= random.choice([-1, 0, 2, 1e6, 16])
            else:
                part[key] = copy.deepcopy(random.choice(SCALARS))
    return value


def changed_text(random, text):
    """The same in a text of JSON, or of its characters."""
    with contextlib.suppress(ValueError):  # a text that is changed a second time
        value = json.loads(text)
        if random.randrange(4) and isinstance(value, (list, dict)) and value:
            changed = changed_json(random, value)
            return json.dumps(changed, ensure_ascii=random.random() < 0.9)
    return changed_bytes(random, text.encode("utf-8", "replace")).decode("utf-8", "replace")


def changed_array(random, array):
    """Another value, type or shape; for a text of JSON, another text."""
    if array.dtype.kind == "U" and array.ndim == 0:
        return np.array(changed_text(random, str(array)))
    kind = random.randrange(7)
    if kind == 0 and array.dtype.kind != "U":
        return array.astype(random.choice(["f2", "f8", "i4", "u1", "U3", "?", ">f4"]))
    if kind == 1:
        return array[None]
    if kind == 2:
        return array.reshape(-1)[: random.randrange(array.size + 1)]
    if kind == 3:
        return np.asfortranarray(array.T)
    array = np.array(array)
    if array.size and array.dtype.kind in "fiu":
        extremes = [0, -1, 1e4, 3e38, -3e38, np.nan, np.inf, 255, 2**31]
        with np.errstate(all="ignore"):
            place = random.randrange(array.size)
            array.flat[place : place + random.choice([1, array.size])] = np.array(
                random.choice(extremes), "f8"
            ).astype(array.dtype)
    return array


def changed_npz(random, data):
    """An .npz file with changed arrays, headers or bytes."""
    kind = random.randrange(5)
    if kind == 0:
        return changed_bytes(random, data)
    out = io.BytesIO()
    if kind < 4:
        with np.load(io.BytesIO(data)) as file:
            arrays = dict(file)
        for _ in range(random.randint(1, 2)):
            name = random.choice(sorted(arrays))
            arrays[name] = changed_array(random, arrays[name])
            if random.randrange(6) == 0:
                del arrays[name]
        (np.savez_compressed if random.randrange(2) else np.savez)(out, **arrays)
        return out.getvalue()
    return changed_member(random, data)


def changed_member(random, data, names=()):
    """A zip file in which the bytes of one member are changed, and its checksum fits them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        chosen = random.choice(list(names) or old.namelist())
        for name in old.namelist():
            content = old.read(name)
            if name == chosen:
                whole = random.randrange(2)  # or only what comes first, such as a header
                head = len(content) if whole else min(len(content), 400)
                content = changed_bytes(random, content[:head]) + content[head:]
            new.writestr(name, content)
    return out.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def picture_with(text):
    about = PngInfo()
    about.add_text("Description", text)
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG", pnginfo=about)
    return out.getvalue()


@fuzz(500)
def test_parameters_of_a_picture(folder, random):
    parameters = {"content": "a.jpg", "style": ["b.jpg"], "size": 64, "style_weights": [1.0],
                  "style_weight": 2.0, "preserve_color": "none", "bits": 8}  # fmt: skip
    text = json.dumps(parameters)
    if random.randrange(3):
        text = changed_text(random, text).encode("latin-1", "replace").decode("latin-1")
    data = picture_with(text)
    path = folder / "picture.png"
    path.write_bytes(changed_bytes(random, data) if random.randrange(3) == 0 else data)
    with limits():
        cli.parse(
            optimize.FLAGS, [f"--from_picture={path}"], "optimize.py", optimize.read_parameters
        )


@fuzz(60)
def test_a_label_map(folder, random):
    image = Image.new(random.choice(["RGB", "L", "P", "LA"]), (random.randint(1, 50), 30))
    image.paste(1, (0, 0, 20, 20))
    path, data = folder / "map.png", io.BytesIO()
    image.save(data, "PNG")
    path.write_bytes(
        changed_bytes(random, data.getvalue()) if random.randrange(3) else data.getvalue()
    )
    with limits():
        found = label_maps.read_label_map(path, (30, 40), random.choice([8, 64]))
        np.testing.assert_allclose(found.weights.sum(-1), 1.0, atol=1e-5)
    with limits():
        assert label_maps.read_strength_map(path, (30, 40), 64).max() <= 1.0


@pytest.fixture(scope="module")
def asked():
    """A request of the page of `tfstyle web`, with a region."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((24, 16)).save(out, "PNG")
    mask = base64.b64encode(out.getvalue()).decode()
    return {
        "photo": "a", "styles": [{"id": "b", "share": 1.0}], "strength": 1.0, "keep_color": False,
        "brush": 1.0, "size": 256, "iterations": 40,
        "region": {"mask": mask, "style": "b", "strength": 0.5},
    }  # fmt: skip


@fuzz(500)
def test_a_request_of_the_page(asked, random):
    found = copy.deepcopy(asked)
    mask = base64.b64decode(asked["region"]["mask"])
    if random.randrange(2):
        found["region"]["mask"] = base64.b64encode(changed_bytes(random, mask)).decode()
    text = json.dumps(found)
    text = changed_text(random, text) if random.randrange(2) else text
    with limits():
        settings = Settings.parse(text.encode("utf-8", "replace"), 512)
        found = masks.decode(settings.region.mask, (20, 30))
        assert found is None or found.shape == (1, 20, 30, 1) and np.isfinite(found).all()


@fuzz(500)
def test_the_pages_settings_in_a_picture(folder, asked, random):
    stored = {"program": "tfstyle optimize 1", "content": ["a.jpg"], "style": ["b.jpg", "c.jpg"],
              "style_weights": [1.0, 2.0], "style_weight": 3.0, "style_scale": 1.0, "size": 256,
              "page_region": asked["region"]}  # fmt: skip
    path = folder / "picture.png"
    path.write_bytes(picture_with(json.dumps(changed_json(random, stored))))
    with limits():
        found = of_parameters(images.read_parameters(path))
        if found:
            assert 0 <= found["strength"] <= 1 and len(found["styles"]) <= 3
            assert all(0 <= one["share"] <= 1 for one in found["styles"])


@fuzz(60)
def test_votes_of_a_comparison(folder, random):
    place = folder / "systems"
    for system in ("x", "y"):
        (place / system).mkdir(parents=True, exist_ok=True)
        (place / system / "a__b.png").touch()
    (place / voting.VOTES).unlink(missing_ok=True)
    comparison = voting.Comparison(place)
    trial, answers = comparison.next_trial(()), dict.fromkeys(voting.QUESTIONS, "left")
    comparison.vote("me", trial, answers)
    path = place / voting.VOTES
    path.write_bytes(changed_bytes(random, path.read_bytes()))
    with limits():
        voting.Comparison(place).vote("me", trial, answers)


@pytest.fixture(scope="module")
def library(folder):
    random = np.random.default_rng(0)
    library = StyleLibrary("AdaINModel/01")
    for name in ("a", "é"):
        code = {"statistics": random.normal(size=(1, 8)).astype("f"), "n": np.zeros((1, 2), int)}
        library.add(name, code, random.uniform(size=(1, 40, 40, 3)))
    library.save(folder / "good.json")
    return (folder / "good.json").read_text("utf-8")


@fuzz(500)
def test_a_library_of_styles(folder, library, random):
    path = folder / "styles.json"
    if random.randrange(3):
        path.write_text(changed_text(random, library), "utf-8", "replace")
    else:
        path.write_bytes(changed_bytes(random, library.encode()))
    with limits():
        found = StyleLibrary.load(path)
        assert all(
            np.isfinite(part).all() for s in found.styles.values() for part in s.code.values()
        )
        found.save(path)


@fuzz(200)
def test_a_mapped_library_of_styles(folder, library, random):
    path = folder / "styles.safetensors"
    StyleLibrary.load(folder / "good.json").save(path)
    path.write_bytes(changed_bytes(random, path.read_bytes()))
    with limits():
        found = StyleLibrary.load(path)
        for style in found.styles.values():
            assert all(np.isfinite(part).all() for part in style.code.values())
            found.nearest(style.code)
        found.save(path)


@pytest.fixture(scope="module")
def render(folder):
    """A renderer, its pictures and the bytes of a checkpoint of its last iteration."""
    pictures = np.random.default_rng(0).uniform(size=(2, 1, 32, 32, 3)).astype("f")
    renderer = optimization.Renderer(
        OptimizeConfig(encoder="lite", size=32, min_size=32, iterations=2, style_layers="relu1_1",
                       content_layers="relu2_1")
    )  # fmt: skip
    path = folder / "good.npz"
    calls = iter([False, True])
    renderer.render(
        pictures[0], [pictures[1]], checkpoint=path, should_stop=lambda: next(calls, False)
    )
    return renderer, pictures, path.read_bytes()


@fuzz(100)
def test_a_checkpoint_of_a_render(folder, render, random):
    renderer, pictures, data = render
    path = folder / "render.npz"
    path.write_bytes(changed_npz(random, data))
    with limits():
        found = renderer.render(pictures[0], [pictures[1]], checkpoint=path)
        assert np.isfinite(found.image).all()


@pytest.fixture(scope="module")
def run(folder):
    """A run's folder, its variables, and its checkpoint with the bytes of it."""
    import tensorflow as tf

    run = RunFolder(TrainConfig(output_dir=str(folder / "run")), {"encoder": "a"})
    (folder / "run" / "checkpoints").mkdir(parents=True, exist_ok=True)
    variables = {"model/0": tf.Variable([[1.0, 2.0]]), "count": tf.Variable(3)}
    run.write(7, variables)
    path = folder / "run" / "checkpoints" / "step-00000007.npz"
    return run, variables, path, path.read_bytes()


@fuzz(500)
def test_a_checkpoint_of_a_run(run, random):
    folder, variables, path, data = run
    path.write_bytes(changed_npz(random, data))
    with limits():
        assert folder.restore(variables) == 7
        assert np.isfinite(variables["model/0"]).all()


@pytest.fixture(scope="module")
def model_files(folder):
    """The bytes of small models: two .keras files and a packed one."""
    make_adain().save(folder / "adain.keras")
    model = EXAMPLES["mobile"](blocks=1)
    model.save(folder / "mobile.keras")
    models.pack_model(model, folder / "mobile.npz")
    names = ("adain.keras", "mobile.keras", "mobile.npz")
    return {name: (folder / name).read_bytes() for name in names}


def load_and_paint(path):
    with limits():
        model = models.load_model(path)
        side = min(model.min_size, 64)
        ramp = np.linspace(0, 1, 3 * side**2, dtype="f").reshape(1, side, side, 3)
        if side == model.min_size:
            assert np.isfinite(model({"content": ramp, "style": ramp})).all()


def changed_config(random, data):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                content = changed_text(random, content.decode()).encode("utf-8", "replace")
            new.writestr(name, content)
    return out.getvalue()


@fuzz(40)
@pytest.mark.filterwarnings("ignore")
def test_a_keras_file(folder, model_files, random):
    data = model_files[random.choice(["adain.keras", "mobile.keras"])]
    change = random.choice([changed_config, changed_config, changed_member, changed_bytes])
    path = folder / "model.keras"
    path.write_bytes(change(random, data))
    load_and_paint(path)


@fuzz(40)
@pytest.mark.filterwarnings("ignore")
def test_a_packed_model(folder, model_files, random):
    path = folder / "model.npz"
    path.write_bytes(changed_npz(random, model_files["mobile.npz"]))
    load_and_paint(path)


@pytest.fixture(scope="module")
def weights(folder):
    """The bytes of weights of an encoder in both formats."""
    kernel, bias = np.ones((3, 3, 3, 4), "f"), np.zeros(4, "f")
    index, table = np.ones(kernel.shape, "u1"), np.linspace(-1, 1, 256, dtype="f")
    np.savez(folder / "encoder.npz", **{
        "conv1_1/kernel.index": index, "conv1_1/kernel.table": table, "conv1_1/bias": bias
    })  # fmt: skip
    with h5py.File(folder / "encoder.h5", "w") as file:
        file["block1_conv1/block1_conv1/kernel:0"] = kernel
        file["block1_conv1/block1_conv1/bias:0"] = bias
    return [(folder / name).read_bytes() for name in ("encoder.npz", "encoder.h5")]


@fuzz(500)
def test_weights_of_an_encoder(folder, weights, random):
    npz, hdf5 = weights
    path = folder / "weights"
    is_npz = random.randrange(2)
    path.write_bytes(changed_npz(random, npz) if is_npz else changed_bytes(random, hdf5))
    with limits():
        found = weight_files.read_weights(path, ["conv1_1"])
        assert all(np.isfinite(array).all() for array in found.values())


@pytest.fixture(scope="module")
def results(folder):
    """A folder of results with a function that opens it, and the bytes of its files."""
    place = folder / "results"

    def load():
        return Results(place, {"size": 64, "encoder": "lite"}, {"a": "01", "b": "02"})

    found = load()
    found.register("x", "03")
    key = Key("x", 1.0, "a", "b")
    found.rows[key], found.embeddings[key] = {"content": 0.5}, {"features": np.ones(3, "f")}
    found.save()
    found.close()
    return load, {path: path.read_bytes() for path in sorted(place.iterdir())}


@fuzz(200)
def test_results_of_an_evaluation(results, random):
    load, contents = results
    for path, data in contents.items():
        path.write_bytes(data)
    path = random.choice(list(contents))
    data = contents[path]
    if path.suffix == ".json":
        data = changed_text(random, data.decode()).encode("utf-8", "replace")
    else:
        data = (changed_npz if path.suffix == ".npz" else changed_bytes)(random, data)
    path.write_bytes(data)
    with limits():
        load().close()


@pytest.fixture(scope="module")
def clips(folder):
    """Bytes of clips by suffix."""
    frames = clip_files.moving_colors(6)
    for suffix in ("mp4", "mkv"):
        clip_files.write_clip(folder / f"clip.{suffix}", frames, sound=suffix == "mp4")
    first, *others = (Image.fromarray(frame) for frame in frames)
    for suffix in ("gif", "webp"):
        first.save(folder / f"clip.{suffix}", save_all=True, append_images=others, duration=40)
    return {path.suffix: path.read_bytes() for path in folder.glob("clip.*")}


@fuzz(80)
def test_a_clip(folder, clips, random):
    suffix = random.choice(list(clips))
    path = folder / f"changed{suffix}"
    path.write_bytes(changed_bytes(random, clips[suffix]))
    with limits():
        for frame in conversion.open_clip(path).frames():
            assert frame.image.dtype == np.uint8 and frame.duration > 0
