"""Models of an encoder and a decoder: what each must do, and their files."""

import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import ROOT
from tests.fixed_style_examples import EXAMPLES as FIXED
from tests.model_examples import ALL, CHECKED, EXAMPLES, OTHERS, rounding
from tfstyle import models, registry
from tfstyle.errors import InputError
from tfstyle.models import packaged
from tfstyle.models.capabilities import Growable, require


@pytest.fixture(params=CHECKED)
def make(request):
    return ALL[request.param]


@pytest.mark.parametrize("name", OTHERS)
def test_an_architecture_keeps_the_contract(name, photo, painting, tmp_path):
    """What the tests below check one by one: size, code, strength, file, graph, gradients."""
    model = OTHERS[name]()
    content = photo[:, :47, :51]
    code = {k: np.asarray(part) for k, part in model.encode_style(painting).items()}
    image = np.asarray(model.stylize(content, code))
    assert image.shape == content.shape and 0 <= image.min() <= image.max() <= 1
    np.testing.assert_array_equal(model({"content": content, "style": painting}), image)
    other = model.stylize(content, model.encode_style(1.0 - painting))
    assert np.abs(other - image).max() > 1e-3
    np.testing.assert_allclose(model.stylize(content, code, np.zeros(1)), content, atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.stylize(content, code), image)
    assert loaded.code_identity() == model.code_identity()
    picture = tf.TensorSpec((None, None, None, 3), tf.float32)
    graph = tf.function(lambda x: model.stylize(x, code, 0.7), input_signature=[picture])
    expected = model.stylize(content, code, 0.7)
    np.testing.assert_allclose(graph(content), expected, atol=rounding(model))
    with tf.GradientTape() as tape:
        terms = model.loss_terms({"content": photo[:, :, :64], "style": painting})
    parts = [float(value) for key, value in terms.items() if key != "total"]
    assert float(terms["total"]) == pytest.approx(sum(parts), rel=1e-5)
    gradients = tape.gradient(terms["total"], [v.value for v in model.trainable_variables])
    reached = [g is not None and bool(tf.reduce_any(tf.not_equal(g, 0.0))) for g in gradients]
    names = [v.path for v, one in zip(model.trainable_variables, reached, strict=True) if not one]
    assert not names


def test_every_architecture_is_tested():
    fixed = {name for name in FIXED if "-" not in name}
    assert set(ALL) | fixed == set(registry.ARCHITECTURES)


@pytest.mark.parametrize("shape", [(64, 64), (47, 51), (40, 43)])
def test_a_picture_has_the_size_of_its_content(make, shape, random):
    model = make()
    shape = [max(side, model.min_size + side % 2) for side in shape]
    content = random.uniform(size=(2, *shape, 3)).astype("float32")
    style = random.uniform(size=(2, 45, 60, 3)).astype("float32")
    image = np.asarray(model({"content": content, "style": style}))
    assert image.shape == content.shape and image.dtype == np.float32
    assert image.min() >= 0 and image.max() <= 1


def test_a_code_is_the_style_and_can_be_used_again(make, photo, painting):
    model = make()
    code = model.encode_style(painting)
    assert all(part.shape[0] == 1 for part in code.values()) and code
    direct = model({"content": photo, "style": painting})
    kept = {name: np.asarray(part) for name, part in code.items()}
    np.testing.assert_array_equal(model.stylize(photo, kept), direct)
    other = model.encode_style(painting[:, ::-1, :, ::-1])
    assert np.abs(model.stylize(photo, other) - direct).max() > 1e-3


def test_one_code_serves_a_batch_of_contents(make, photo, painting):
    model = make()
    contents = np.concatenate([photo, photo[:, ::-1]])
    both = np.asarray(model({"content": contents, "style": painting}))
    for i in range(2):
        alone = model({"content": contents[i : i + 1], "style": painting})
        np.testing.assert_allclose(both[i : i + 1], alone, atol=rounding(model))


def test_strength_0_is_the_photo_and_1_is_the_default(make, photo, painting):
    model = make()
    code = model.encode_style(painting)
    for zero in (0.0, np.zeros(1, "float32")):
        np.testing.assert_allclose(model.stylize(photo, code, zero), photo, atol=1e-6)
    full = model.stylize(photo, code)
    np.testing.assert_allclose(model.stylize(photo, code, 1.0), full, atol=1e-6)
    np.testing.assert_allclose(
        model.stylize(photo, code, np.array([1.0], "float32")), full, atol=1e-6
    )
    changes = [
        np.abs(model.stylize(photo, code, strength) - photo).mean() for strength in (0.25, 0.5, 1.0)
    ]
    assert 0 < changes[0] < changes[1] < changes[2]


def test_a_batch_takes_a_strength_for_each(make, photo, painting):
    model = make()
    code = model.encode_style(painting)
    contents = np.concatenate([photo, photo])
    both = np.asarray(model.stylize(contents, code, np.array([0.2, 0.9], "float32")))
    for i, strength in enumerate((0.2, 0.9)):
        alone = model.stylize(photo, code, strength)
        np.testing.assert_allclose(both[i : i + 1], alone, atol=rounding(model))


def test_a_keras_file_gives_equal_pictures(make, photo, painting, tmp_path):
    model = make(style_weight=3.0)
    model.save(tmp_path / "model.keras")
    loaded = models.load_model(tmp_path / "model.keras")
    inputs = {"content": photo, "style": painting, "strength": np.array([0.7], "float32")}
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    assert loaded.style_weight == 3.0
    assert loaded.code_identity() == model.code_identity()
    assert len(loaded.trainable_variables) == len(model.trainable_variables), "still frozen"
    batch = {"content": photo[:, :, :64], "style": painting}
    assert float(loaded.compute_loss(batch)) == float(model.compute_loss(batch))


def test_it_is_summarized_as_made_and_as_loaded(make, photo, painting, tmp_path):
    model = make()
    model.save(tmp_path / "model.keras")
    models.pack_model(model, tmp_path / "model.npz")
    loaded = [models.load_model(tmp_path / f"model.{suffix}") for suffix in ("keras", "npz")]
    used = make()
    used({"content": photo, "style": painting})
    for one in (model, used, *loaded):
        lines = []
        one.summary(print_fn=lines.append, expand_nested=True, show_trainable=True)
        assert "decoder" in lines[0] and ("conv4_1" in lines[0] or "block2" in lines[0])
        assert f"Total params: {one.count_params():,}" in lines[0]


def test_keras_itself_loads_files_once_the_classes_are_imported(tmp_path):
    """As docs/training.md says, in a process of its own."""
    for name, make in EXAMPLES.items():
        make().save(tmp_path / f"{name}.keras")
    code = f"""
import keras
def load():
    return [type(keras.saving.load_model(f"{{name}}.keras")).__name__ for name in {[*EXAMPLES]}]
try:
    load()
except TypeError as error:
    print(str(error)[:40])
import tfstyle
print(*load())
"""
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    without, names = found.stdout.splitlines()
    assert without == "Could not locate class 'AdaINModel'. Mak"
    assert names.split() == [models.model_class(name).__name__ for name in EXAMPLES]


def test_a_packed_file_gives_nearly_equal_pictures(make, photo, painting, tmp_path):
    model = make()
    models.pack_model(model, tmp_path / "model.npz")
    loaded = models.load_model(tmp_path / "model.npz")
    inputs = {"content": photo, "style": painting}
    difference = np.abs(loaded(inputs) - model(inputs))  # of float16 weights
    assert np.quantile(difference, 0.99) < 0.01 and difference.mean() < 2e-3
    assert {str(v.dtype) for v in loaded.weights} == {"float32"}
    assert len(loaded.trainable_variables) == len(model.trainable_variables), "still frozen"


def test_it_starts_from_a_packed_file(make, tmp_path):
    """Whose encoder is rounded to float16, too."""
    trained, model = make(), make()
    for variable in trained.trainable_variables:
        variable.assign(variable + 0.01)
    models.pack_model(trained, tmp_path / "model.npz")
    require(model, Growable, "--init_model").start_from(models.load_model(tmp_path / "model.npz"))
    for found, expected in zip(model.trainable_variables, trained.trainable_variables, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


def test_a_graph_of_unknown_size_gives_the_same(make, photo, painting):
    model = make()
    picture = tf.TensorSpec((None, None, None, 3), tf.float32)
    graph = tf.function(
        lambda content, style, strength: model(
            {"content": content, "style": style, "strength": strength}
        ),
        input_signature=[picture, picture, tf.TensorSpec((None,), tf.float32)],
    )
    for content in (photo, photo[:, :41, :53]):
        half = np.array([0.5], "float32")
        expected = model({"content": content, "style": painting, "strength": half})
        found = graph(content, painting, half)
        np.testing.assert_allclose(found, expected, atol=rounding(model))


@pytest.mark.parametrize("terms", ["loss_terms", "reconstruction_terms"])
def test_gradients_reach_what_is_trained_and_nothing_else(make, photo, painting, terms):
    model = make(tv_weight=1.0)
    if not hasattr(model, terms):
        pytest.skip("it cannot be pretrained")
    photo = photo[:, :, :64]
    inputs = {"content": photo, "style": painting} if terms == "loss_terms" else photo
    with tf.GradientTape() as tape:
        losses = getattr(model, terms)(inputs)
    assert float(losses["total"]) == pytest.approx(
        sum(float(value) for name, value in losses.items() if name != "total"), rel=1e-5
    )
    trained = model.trainable_variables
    if terms == "reconstruction_terms" and isinstance(model, models.DraftRevisionModel):
        trained = model.draft.trainable_variables
    gradients = tape.gradient(losses["total"], [v.value for v in trained])
    for gradient in gradients:
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0
    assert len(model.trainable_variables) < len(model.weights), "the encoder is frozen"


def test_it_trains_by_fit_too(make, photo, painting):
    """Keras' own loop, on one device of any backend, sees `compute_loss`."""
    model = make()
    model.compile(optimizer=keras.optimizers.Adam(3e-3))
    batch = {"content": photo[:, :, :64], "style": painting}
    dataset = tf.data.Dataset.from_tensors(batch).repeat(12)
    losses = model.fit(dataset, epochs=3, verbose=0).history["loss"]
    assert losses[2] < losses[1] < losses[0]


def test_mixed_bfloat16_is_near_float32(make, photo, painting):
    batch = {"content": photo[:, :, :64], "style": painting}
    expected, found = (make(dtype=dtype).loss_terms(batch) for dtype in (None, "mixed_bfloat16"))
    for name, value in found.items():
        assert value.dtype == tf.float32
        # 8 bits of mantissa; the absolute part is for terms that are small in sums of them.
        assert float(value) == pytest.approx(float(expected[name]), rel=0.1, abs=2e-3)
        assert float(value) != float(expected[name]) or name == "contrast"  # of a batch of one


def test_codes_are_known_by_the_encoder_alone():
    first, second = EXAMPLES["adain"](), EXAMPLES["adain"]()
    second.decoder.weights[0].assign(second.decoder.weights[0] * 2.0)
    assert first.code_identity() == second.code_identity()
    second.encoder.weights[0].assign(second.encoder.weights[0] * 2.0)
    assert first.code_identity() != second.code_identity()


@pytest.mark.parametrize(
    ("text", "other"), [('"style_loss": ""', '"style_loss": "gone"'), ("AdaINModel", "Gone" * 99)]
)
def test_a_model_that_cannot_be_made_is_one_short_line(text, other, tmp_path):
    EXAMPLES["adain"]().save(tmp_path / "good.keras")
    with (
        zipfile.ZipFile(tmp_path / "good.keras") as good,
        zipfile.ZipFile(tmp_path / "bad.keras", "w") as bad,
    ):
        for name in good.namelist():
            data = good.read(name)
            if name == "config.json":
                assert text.encode() in data
                data = data.replace(text.encode(), other.encode())
            bad.writestr(name, data)
    with pytest.raises(InputError, match=r"bad\.keras: not a model of tfstyle") as caught:
        models.load_model(tmp_path / "bad.keras")
    assert len(str(caught.value)) < 200 + len(str(tmp_path)) and "\n" not in str(caught.value)


def test_files_that_are_no_model_are_one_line(tmp_path):
    (tmp_path / "text.keras").write_text("no model")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    (tmp_path / "empty.npz").touch()
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "dense.keras")
    for name, text in (
        ("text.keras", "not a model of tfstyle, or damaged"),
        ("other.npz", "not a model of tfstyle"),
        ("empty.npz", "not a model of tfstyle"),
        ("dense.keras", "not a model of tfstyle, or damaged: it is a Sequential"),
        ("missing.keras", "no such file"),
    ):
        with pytest.raises(InputError, match=text) as caught:
            models.load_model(tmp_path / name)
        assert "\n" not in str(caught.value) and name in str(caught.value)
    with pytest.raises(InputError, match="did you mean 'mobile'"):
        packaged.model_path("mobil")
