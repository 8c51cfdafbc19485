"""Models, libraries, checkpoints and weights that are damaged, or made to do harm."""

import base64
import dataclasses
import io
import json
import zipfile

import h5py
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.model_examples import EXAMPLES, make_adain
from tfstyle import checkpoints, images, models, optimization
from tfstyle.config import OptimizeConfig, TrainConfig
from tfstyle.encoders import weight_files
from tfstyle.errors import InputError
from tfstyle.metrics.lpips import LPIPS
from tfstyle.optimization.lbfgs import LBFGS
from tfstyle.optimization.optimizers import Adam, StockLBFGS
from tfstyle.runtime import memory
from tfstyle.stylization import Stylizer
from tfstyle.stylization.library import StyleLibrary
from tfstyle.training.runs import RunFolder

RENDER = OptimizeConfig(encoder="lite", size=32, min_size=32, iterations=2)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A small model in both formats."""
    folder = tmp_path_factory.mktemp("models")
    model = EXAMPLES["mobile"](blocks=1)
    model.save(folder / "good.keras")
    models.pack_model(model, folder / "good.npz")
    return folder


def change_keras(source, target, config=None, weights=None):
    """Copies a .keras file with changed contents."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "config.json" and config:
                data = json.dumps(config(json.loads(data))).encode()
            if name == "model.weights.h5" and weights:
                data = weights(data)
            new.writestr(name, data)


def change_npz(source, target, change):
    with np.load(source) as file:
        arrays = dict(file)
    np.savez(target, **change(arrays))


def with_value(config, *path_and_value):
    *path, last, value = path_and_value
    part = config
    for name in path:
        part = part[name]
    part[last] = value
    return config


LARGE = 1_000_000_000
DRAFT = "config", "draft", "config"
CONFIGS = [
    ((*DRAFT, "encoder", "config", "widths"), [LARGE] * 5, "asks for more numbers"),
    (("config", "revision", "config", "hidden"), LARGE, "asks for more numbers"),
    (("config", "revision", "config", "widths"), [4, 5, LARGE], "asks for more numbers"),
    (("config", "revision", "config", "hidden"), -1, "at least 1"),
    (("config", "margin"), -16, "margin"),
    ((*DRAFT, "margin"), -16, "margin"),
    ((*DRAFT, "margin"), 1 << 40, ""),
    ((*DRAFT, "scales", "relu1_1"), 0.0, "no finite picture"),
    ((*DRAFT, "scales"), {"relu1_1": 1.0}, ""),
    ((*DRAFT, "scales"), float("nan"), "NaN is not a finite number"),
    (("config", "style_weight"), "10", ""),
    (("config", "draft"), None, ""),
    (("config", "style_encoder"), None, "of another version of tfstyle; train it again"),
    (("config",), [], ""),
    (("registered_name",), "tfstyle>VGG19", "it is a DraftRevisionModel"),
    (("class_name",), 3, "class_name must be a text"),
    (("registered_name",), "tfstyle>MultiLevelModel", "it is a DraftRevisionModel"),  # once known
]


@pytest.mark.parametrize("path, value, words", CONFIGS)
def test_a_model_whose_config_is_changed_is_one_line(path, value, words, files, tmp_path):
    def change(config):
        return with_value(config, *path, value)

    def change_arrays(arrays):
        config = change(json.loads(str(arrays["config"])))
        return {**arrays, "config": np.array(json.dumps(config))}

    change_keras(files / "good.keras", tmp_path / "bad.keras", change)
    change_npz(files / "good.npz", tmp_path / "bad.npz", change_arrays)
    for name in ("bad.keras", "bad.npz"):
        with pytest.raises(
            InputError, match=rf"{name}: not a model of tfstyle, .*{words}"
        ) as found:
            models.load_model(tmp_path / name)
        assert "\n" not in str(found.value)


def test_a_model_with_a_weight_that_is_no_number_is_refused(files, tmp_path):
    model = models.load_model(files / "good.keras")
    kernel = np.array(model.weights[-2])
    kernel.flat[3] = np.nan
    model.weights[-2].assign(kernel)
    model.save(tmp_path / "nan.keras")
    models.pack_model(model, tmp_path / "nan.npz")
    for name in ("nan.keras", "nan.npz"):
        with pytest.raises(InputError, match=f"{name}: .*: NaN or infinity"):
            models.load_model(tmp_path / name)


def test_weights_that_declare_more_than_they_hold_are_refused(files, tmp_path):
    def large(_):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            file.create_dataset("vars/0", (1 << 20, 1 << 20), "f4", chunks=(1, 1 << 20))
        return buffer.getvalue()

    change_keras(files / "good.keras", tmp_path / "large.keras", weights=large)
    with pytest.raises(InputError, match="declares more than the file holds"):
        models.load_model(tmp_path / "large.keras")
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(100 << 20))
    with pytest.raises(InputError, match="would unpack to 0.1 GB, from 0.1 MB"):
        models.load_model(tmp_path / "bomb.keras")


def png(side):
    buffer = io.BytesIO()
    Image.new("RGB", (side, side)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def part(values, **changes):
    array = np.array(values, "<f4")
    data = base64.b64encode(array.tobytes()).decode()
    return {"shape": [*array.shape], "dtype": "float32", "data": data, **changes}


@pytest.fixture
def record():
    """A library of one style, as JSON."""
    style = {"name": "a", "code": {"statistics": part([[1.0, 2.0]])}, "thumbnail": png(96)}
    return {"format": "tfstyle styles", "version": 2, "model": "AdaINModel/01", "styles": [style]}


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda r: r["styles"].append(dict(r["styles"][0])), "the style 'a' is in it twice"),
        (lambda r: r["styles"][0].update(thumbnail=png(9000)), "9000 × 9000 pixels"),
        (lambda r: r["styles"][0].update(thumbnail="AAAA"), "a damaged thumbnail, which is no PNG"),
        (lambda r: r["styles"][0].update(name=7), r"styles\[0\].name must be a text, not 7"),
        (lambda r: r["styles"][0].update(name="\x1b[2J"), r"styles\[0\].name must be a text"),
        (lambda r: r["styles"][0].update(name="\ud800"), r"styles\[0\].name must be a text"),
        (lambda r: r.update(model="\udcff"), "model must be a text"),
        (lambda r: r["styles"][0].pop("code"), r"styles\[0\].code is missing"),
        (lambda r: r["styles"][0]["code"].update(s=part([np.nan])), "s: NaN or infinity"),
        (lambda r: r["styles"][0]["code"].update(s=part([1.0], shape=[1 << 40])), "do not fit"),
        (lambda r: r["styles"][0]["code"].update(s=part([1.0], shape=[-1, -1])), ""),
        (lambda r: r["styles"][0]["code"].update(s=part([1.0], dtype="U1")), "do not fit"),
        (lambda r: r["styles"][0]["code"].update(s=part([1.0], shape=1)), "must be a list"),
        (lambda r: r.update(styles={}), "styles must be a list"),
        (lambda r: r.pop("model"), "model is missing"),
    ],
)
def test_a_damaged_library_is_one_line(change, words, record, tmp_path):
    path = tmp_path / "styles.json"
    path.write_text(json.dumps(record))
    assert StyleLibrary.load(path).names() == ("a",)
    change(record)
    path.write_text(json.dumps(record))
    match = rf"styles\.json: not a style library of tfstyle \(.*{words}"
    with pytest.raises(InputError, match=match) as found:
        StyleLibrary.load(path)
    assert "\n" not in str(found.value)


def test_a_code_that_the_model_cannot_paint_is_refused(painting):
    stylizer = Stylizer(make_adain())
    code = stylizer.encode_style(painting)["statistics"]
    stylizer.check_code({"statistics": code}, "s.json: style 'a'")
    for bad, words in (
        ({"statistics": code[:, :3]}, "not a code of this model"),
        ({"other": code}, "not a code of this model"),
        ({"statistics": code.astype("float64") * 1e300}, "s.json: style 'a': "),
        ({"statistics": np.full_like(code, 3e38)}, "s.json: style 'a': "),
        ({"statistics": np.repeat(code, 2, axis=0)}, "a damaged code"),
    ):
        with pytest.raises(InputError, match=words) as found:
            stylizer.check_code(bad, "s.json: style 'a'")
        assert "\n" not in str(found.value)


@pytest.fixture(scope="module")
def render(tmp_path_factory):
    """The pictures of a render, its checkpoint and a renderer that resumes it."""
    random = np.random.default_rng(0)
    pictures = random.uniform(size=(2, 1, 32, 32, 3)).astype("float32")
    path = tmp_path_factory.mktemp("render") / "good.npz"
    renderer = optimization.Renderer(RENDER)
    renderer.render(pictures[0], [pictures[1]], checkpoint=path, should_stop=lambda: True)
    return renderer, pictures, path


def meta_with(**values):
    return lambda a: {**a, "meta": np.array(json.dumps({**json.loads(str(a["meta"])), **values}))}


def with_nan(array):
    changed = array.copy()
    changed.flat[-1] = np.nan
    return changed


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda a: {**a, "position": with_nan(a["position"])}, "position: NaN or infinity"),
        (lambda a: {**a, "start": with_nan(a["start"])}, "start: NaN or infinity"),
        (lambda a: {**a, "position": a["position"][:-1]}, r"position is float32 \(3071,\), not"),
        (lambda a: {**a, "basis": a["basis"].astype("f8")}, "basis is float64"),
        (lambda a: {k: v for k, v in a.items() if k != "count"}, "count is missing"),
        (lambda a: {**a, "scalars": -a["scalars"]}, "a count is below 0"),
        (lambda a: {**a, "meta": np.array("[" * 5000)}, "nested too deeply"),
        (lambda a: {**a, "meta": np.array("3")}, "must be an object"),
        (meta_with(identity=[]), "identity must be an object"),
        (meta_with(identity={"config": 3}), "config must be an object"),
        (meta_with(stage=5), "its stages are not those"),
        (meta_with(stage=-1), "its stages are not those"),
        (meta_with(stage="0"), "stage must be a whole number"),
        (meta_with(plan=[10**9]), "its stages are not those"),
        (meta_with(history=[{}]), r"history\[0\].height is missing"),
        (meta_with(precise=None), "precise must be true or false"),
    ],
)
def test_a_damaged_checkpoint_of_a_render_is_one_line(change, words, render, tmp_path):
    renderer, pictures, path = render
    change_npz(path, tmp_path / "bad.npz", change)
    with pytest.raises(InputError, match=rf"bad\.npz: .*{words}") as found:
        renderer.render(pictures[0], [pictures[1]], checkpoint=tmp_path / "bad.npz")
    assert "\n" not in str(found.value)


def test_a_checkpoint_that_declares_terabytes_is_refused(render, tmp_path):
    renderer, pictures, path = render
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "bad.npz", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "basis.npy":
                data = data.replace(b"(20, 3072), }        ", b"(20000000, 50000), } ")
                assert b"50000" in data
            new.writestr(name, data)
    with pytest.raises(InputError, match=r"bad\.npz: .*'basis': declares 4000000.0 MB and holds"):
        renderer.render(pictures[0], [pictures[1]], checkpoint=tmp_path / "bad.npz")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_checkpoint_of_a_run_that_is_not_finite_is_refused(value, tmp_path):
    run = RunFolder(TrainConfig(output_dir=str(tmp_path)), {})
    run.prepare()
    run.release()
    variables = {"model/0": tf.Variable([1.0, 2.0]), "count": tf.Variable(3)}
    run.write(7, variables)
    assert run.restore(variables) == 7
    path = tmp_path / "checkpoints" / "step-00000007.npz"
    change_npz(path, path, lambda a: {**a, "model/0": np.array([1.0, value], "float32")})
    with pytest.raises(InputError, match=r"step-00000007\.npz: .*model/0: NaN or infinity"):
        run.restore(variables)
    run.write(7, variables)
    path.rename(path.with_name("step-00000009.npz"))
    with pytest.raises(InputError, match=r"step-00000009\.npz: of step 7"):
        run.restore(variables)
    run.write(9, {**variables, "count": tf.Variable([3])})
    with pytest.raises(InputError, match=r"count is int32 \(1,\), not int32 \(\)"):
        run.restore(variables)


def test_encoder_weights_that_are_not_finite_are_refused(tmp_path):
    kernel, bias = np.ones((3, 3, 3, 4), "float32"), np.zeros(4, "float32")
    index, table = np.full(kernel.shape, 200, "uint8"), np.zeros(16, "float32")
    for name, arrays, words in (
        ("nan", {"conv1_1/kernel": with_nan(kernel)}, "conv1_1/kernel: NaN or infinity"),
        ("large", {"conv1_1/bias": bias.astype("float64") + 1e300}, "conv1_1/bias: NaN or inf"),
        ("index", {"conv1_1/kernel.index": index, "conv1_1/kernel.table": table}, "index 200 is"),
    ):
        np.savez(tmp_path / f"{name}.npz", **arrays)
        with pytest.raises(InputError, match=rf"{name}\.npz: not a file of VGG-19's .*{words}"):
            weight_files.read_weights(tmp_path / f"{name}.npz", ["conv1_1"])
    with h5py.File(tmp_path / "nan.h5", "w") as file:
        file["block1_conv1/kernel"] = with_nan(kernel)
    with pytest.raises(InputError, match=r"nan\.h5: .*conv1_1/kernel: NaN or infinity"):
        weight_files.read_weights(tmp_path / "nan.h5", ["conv1_1"])


def test_weights_of_lpips_are_checked(tmp_path):
    from tests.golden import generate

    state = generate.lpips_state()
    for name, value in (
        ("net.slice1.0.bias", with_nan(state["net.slice1.0.bias"])),
        ("net.slice1.0.weight", state["net.slice1.0.weight"][:, :, :3]),
        ("lin0.model.1.weight", state["lin0.model.1.weight"][:, :3]),
    ):
        np.savez(tmp_path / "bad.npz", **{**state, name: value})
        with pytest.raises(InputError, match=r"bad\.npz: not LPIPS' weights"):
            LPIPS(tmp_path / "bad.npz")


def test_a_render_too_large_for_the_memory_is_refused_at_once(photo, painting, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 8_000_000_000)
    for change, words in (
        (
            {"size": 32768},
            r"--size=32768: needs about (9\d|1\d\d)\.\d GB.* a smaller --size needs less",
        ),
        ({"size": 2048, "encoder": "lite", "max_memory": 1.0}, "--size=2048: needs .* and 1.0 GB"),
    ):
        config = dataclasses.replace(RENDER, **change)
        with pytest.raises(InputError, match=words):
            optimization.render(photo, [painting], config)
    for size, encoder in ((2048, "lite"), (1024, "mixed"), (512, "vgg19")):
        config = OptimizeConfig(size=size, encoder=encoder)
        optimization.plan(config, (640, 1024), [(640, 1024)])
    thin = [(1, 1_000_000)]  # a style image that becomes 32 pixels high
    with pytest.raises(InputError, match="--size=512: needs"):
        optimization.plan(OptimizeConfig(encoder="lite"), (640, 1024), thin)


def test_a_photo_too_large_to_paint_whole_is_refused(photo, painting, monkeypatch):
    stylizer = Stylizer(make_adain(), tile_size=32768)
    code = stylizer.encode_style(painting)
    monkeypatch.setattr(memory, "available", lambda: 2_000_000_000)
    large = np.broadcast_to(photo[:, :1, :1], (1, 2000, 3000, 3))
    with pytest.raises(InputError, match="a.jpg, painted whole, 3000 × 2000 pixels: .*--tile_size"):
        stylizer.check_photo(large, "a.jpg")
    with pytest.raises(InputError, match=r"the photo, painted whole.* about 6.7 GB"):
        stylizer.paint(large, code)
    with pytest.raises(InputError, match="the painting, 3000 × 2000 pixels: .*--style_size"):
        stylizer.encode_style(large)
    assert stylizer.paint(photo, code).shape == photo.shape
    tiled = Stylizer(stylizer.model, tile_size=1024)
    tiled.check_photo(large, "a.jpg")


def test_identity_of_a_checkpoint_survives_its_file(tmp_path):
    """Floats and lists of a config are compared as JSON has them."""
    picture = images.resize(np.zeros((1, 8, 8, 3), "float32"), (4, 4))
    config = dataclasses.replace(RENDER, style_weights=(0.1, 1 / 3))
    identity = checkpoints.render_identity(config, picture, [picture], None)
    checkpoints.write_checkpoint(tmp_path / "a.npz", identity, {}, {"a": np.zeros(2)})
    found = checkpoints.read_checkpoint(tmp_path / "a.npz", identity, dict)
    assert list(found[1]) == ["a"]


@pytest.mark.parametrize("kind", [LBFGS, Adam, StockLBFGS])
def test_an_optimizer_declares_what_its_checkpoints_have(kind, tmp_path):
    def square(vector):
        return tf.reduce_sum(vector**2), 2.0 * vector

    optimizer = kind(square)
    optimizer.start(np.ones(5, "float32"))
    optimizer.step()
    state, kinds = optimizer.state(), optimizer.state_kinds(5)
    assert state.keys() == kinds.keys()
    checkpoints.check_arrays(tmp_path / "a.npz", state, kinds)
    with pytest.raises(InputError, match="does not fit this version"):
        checkpoints.check_arrays(tmp_path / "a.npz", state, optimizer.state_kinds(6))
