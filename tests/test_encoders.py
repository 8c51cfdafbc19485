"""Encoders against keras.applications and SciPy, and what every encoder must satisfy."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.conftest import ROOT
from tfstyle import encoders, images
from tfstyle.encoders import weight_files
from tfstyle.errors import InputError
from tfstyle.models import packaged


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """keras.applications' network with seeded weights, and the .h5 file of them."""
    keras.utils.set_random_seed(3)
    network = keras.applications.VGG19(include_top=False, weights=None)
    for variable in network.weights:
        if len(variable.shape) == 1:  # zero biases would hide a wrong one
            variable.assign(keras.random.normal(variable.shape, seed=len(variable.path)))
    path = tmp_path_factory.mktemp("vgg") / "vgg19.h5"
    network.save(path)
    return network, path


def test_vgg19_equals_keras_applications_at_every_tap(reference, photo):
    network, path = reference
    outputs = {
        name: network.get_layer(f"block{name[4]}_conv{name[6]}").output for name in encoders.LAYERS
    }
    preprocessed = keras.applications.vgg19.preprocess_input(photo * 255.0)
    expected = keras.Model(network.input, outputs)(preprocessed)
    encoder = encoders.load_encoder("vgg19", encoders.LAYERS, vgg_weights=path)
    features = encoder(photo)
    assert list(features) == list(encoders.LAYERS)
    for name in encoders.LAYERS:
        scale = np.abs(expected[name]).max()
        # The means are subtracted in another order: float32 rounding, amplified by 16 layers.
        np.testing.assert_allclose(features[name] / scale, expected[name] / scale, atol=2e-5)


def test_deeper_layers_are_not_built(reference):
    encoder = encoders.load_encoder("vgg19", ["relu1_2", "relu2_1"], vgg_weights=reference[1])
    assert [w.path.split("/")[-2] for w in encoder.weights[::2]] == [
        "conv1_1",
        "conv1_2",
        "conv2_1",
    ]


def test_the_vgg19_that_ships_has_scipys_features(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with np.load(ROOT / "tests" / "golden" / "vgg19.npz") as file:
        expected = {name: file[name] for name in ("relu1_1", "relu5_4")}
        picture = file["picture"][None] / np.float32(255.0)
    features = encoders.load_encoder("vgg19", encoders.LAYERS)(picture)
    widths = [features[name].shape[-1] for name in encoders.LAYERS]
    assert widths == 2 * [64] + 2 * [128] + 4 * [256] + 8 * [512]
    for name, means in expected.items():
        found = ops.mean(features[name], axis=(0, 1, 2))
        # float32 beside float64: rounding, amplified by 16 layers.
        np.testing.assert_allclose(found, means, atol=2e-5 * means.max())


def narrow(**options):
    keras.utils.set_random_seed(0)
    encoder = encoders.VGG19(widths=(4, 6, 8, 8, 8), **options)
    encoder.build((None, None, None, 3))
    return encoder


def test_a_cut_encoder_has_the_same_features(photo):
    encoder = narrow(taps=("relu1_1", "relu3_1", "relu4_1"), pooling="average")
    expected = encoder(photo)
    cut = encoder.cut(["relu2_2", "relu3_1"])
    assert cut.taps == ("relu2_2", "relu3_1") and len(cut.weights) == 2 * 5
    np.testing.assert_array_equal(cut(photo)["relu3_1"], expected["relu3_1"])
    with pytest.raises(ValueError, match="Received: taps="):
        encoder.cut(["relu4_2"])


def test_heads_are_above_the_trunk(photo):
    """A cut encoder has the trunk's features; heads of a part are a part of the heads."""
    encoder = narrow(taps=("relu1_1", "relu3_1"), head_widths=(3, 4, 5, 6, 7), margin=16)
    trunk = encoder.trunk(photo)
    np.testing.assert_array_equal(trunk["relu3_1"], encoder.cut(["relu3_1"])(photo)["relu3_1"])
    found = encoder.heads({"relu3_1": trunk["relu3_1"][:, 2:7]})
    assert list(found) == ["relu3_1"]
    np.testing.assert_allclose(found["relu3_1"], encoder(photo)["relu3_1"][:, 2:7], atol=1e-6)
    without = narrow(taps=("relu1_1", "relu3_1"))
    np.testing.assert_array_equal(without(photo)["relu1_1"], without.trunk(photo)["relu1_1"])


def test_feature_scales_are_root_mean_squares(photo):
    encoder = narrow(taps=("relu1_1", "relu3_1"))
    noise = np.random.default_rng(0).uniform(size=(1, 64, 64, 3)).astype("float32")
    scales = encoders.feature_scales(encoder)
    for name, feature in encoder(noise).items():
        expected = np.sqrt(np.mean(np.asarray(feature, np.float64) ** 2))
        assert scales[name] == pytest.approx(expected, rel=1e-5)
    assert list(scales) == ["relu1_1", "relu3_1"]


def test_average_pooling_is_scaled(photo):
    first = narrow(taps=("relu1_2",))(photo)["relu1_2"]
    encoder = narrow(taps=("relu1_2", "relu2_1"), pooling="average")
    pooled = np.asarray(first).reshape(1, 32, 2, 48, 2, 4).mean((2, 4)) * 2
    expected = encoder._convolutions["relu2_1"](pooled)
    np.testing.assert_allclose(encoder(photo)["relu2_1"], expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("size", [(64, 96), (61, 75), (17, 40)])
def test_sizes_follow_the_strides(photo, size):
    for margin in (0, 16):
        features = narrow(margin=margin)(photo[:, : size[0], : size[1]])
        for block, name in enumerate(encoders.HEAD_LAYERS):
            assert features[name].shape[1:3] == (size[0] >> block, size[1] >> block)


def test_margin_shows_a_mirrored_surrounding(photo):
    inside = narrow(margin=32)(photo)
    mirrored = np.pad(photo, ((0, 0), (32, 32), (32, 32), (0, 0)), mode="reflect")
    outside = narrow()(mirrored)
    for block, name in enumerate(encoders.HEAD_LAYERS):
        start, (h, w) = 32 >> block, inside[name].shape[1:3]
        np.testing.assert_allclose(
            inside[name], outside[name][:, start : start + h, start : start + w], atol=1e-4
        )


def test_half_precision_stays_close(photo):
    exact = narrow()(photo)
    encoder = narrow(dtype="mixed_bfloat16")
    for name, features in encoder(photo).items():
        assert keras.backend.standardize_dtype(features.dtype) == "bfloat16"
        error = ops.mean((ops.cast(features, "float32") - exact[name]) ** 2)
        # 8 bits of mantissa, 13 layers.
        assert float(error / ops.mean(exact[name] ** 2)) < 1e-3


def test_round_trip_through_config_and_file(tmp_path, photo):
    encoder = narrow(taps=("relu3_2", "relu1_1"), pooling="average", margin=16)
    copy = encoders.VGG19.from_config(encoder.get_config())
    assert copy.get_config() == encoder.get_config()
    encoder(photo)
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    for name, features in encoder(photo).items():
        np.testing.assert_array_equal(loaded(photo)[name], features)


def test_lite_ships_and_sees_like_vgg(photo, painting, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    encoder = encoders.load_encoder("lite")
    widths = [features.shape[-1] for features in encoder(photo).values()]
    assert widths == list(encoders.VGG_WIDTHS) and not encoder.trainable
    assert weight_files.LITE_PATH.stat().st_size <= 4_000_000


def test_lite_sees_what_its_file_says_of_vgg19(examples):
    """The trunk's channels are VGG-19's that they stand for, the heads' all of VGG-19's."""
    with np.load(weight_files.LITE_PATH) as file:
        notes = {name: file[name] for name in file if name.endswith(("channels", "scale", "means"))}
    vgg, lite = (encoders.load_encoder(name, margin=32) for name in ("vgg19", "lite"))
    # The worst are 0.003, 0.096, 0.21, 0.17 and 0.67; nothing at all has 1.
    bounds = {"relu1_1": 0.01, "relu2_1": 0.15, "relu3_1": 0.3, "relu4_1": 0.25, "relu5_1": 0.8}
    for name in ("astronaut", "brushstrokes"):
        image = images.read_image(examples / f"{name}.jpg", 256)
        wide, narrow = vgg(image), lite.trunk(image)
        for (layer, bound), head in zip(bounds.items(), lite.heads(narrow).values(), strict=True):
            key = layer.removeprefix("relu")
            channels = np.asarray(wide[layer])[..., notes[f"conv{key}/channels"]]
            targets = np.asarray(wide[layer]) / notes[f"head{key}/means"]
            for found, target in (
                (narrow[layer], channels / notes[f"conv{key}/scale"]),
                (head, targets),
            ):
                error = np.sum((found - target) ** 2) / np.sum(target**2)
                assert error < bound, layer


def test_the_trunk_lies_below_the_heads(photo):
    heads = encoders.load_encoder("lite", ["relu4_1"])
    trunk = encoders.load_encoder("lite", ["relu4_1", "relu4_2"], heads=False)(photo)
    assert trunk["relu4_2"].shape[-1] == encoders.LITE_WIDTHS[3]
    np.testing.assert_allclose(
        heads._heads["relu4_1"](trunk["relu4_1"]), heads(photo)["relu4_1"], atol=1e-5
    )


def test_auto_takes_vgg19_on_a_gpu(tmp_path, caplog):
    with caplog.at_level("INFO", "absl"):
        assert weight_files.choose_encoder() == "lite" and "no GPU" in caplog.text
        assert weight_files.choose_encoder(has_gpu=True) == "vgg19" and "a GPU" in caplog.text
    (tmp_path / "file.h5").touch()
    assert weight_files.choose_encoder("auto", tmp_path / "file.h5") == "vgg19"
    for name in ("lite", "vgg19"):
        assert weight_files.choose_encoder(name, has_gpu=name == "lite") == name


def test_weights_are_the_named_the_cached_or_those_that_ship(reference, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert weight_files.encoder_path("vgg19") == weight_files.VGG19_PATH
    cached = tmp_path / "models" / weight_files.VGG_FILE
    cached.parent.mkdir()
    cached.symlink_to(reference[1])
    assert weight_files.encoder_path("vgg19") == cached
    found = encoders.load_encoder("vgg19", ["relu1_1"]).get_weights()
    for array, variable in zip(found, reference[0].weights, strict=False):
        np.testing.assert_array_equal(array, variable)
    assert weight_files.encoder_path("vgg19", weight_files.VGG19_PATH) == weight_files.VGG19_PATH
    named = encoders.load_encoder("vgg19", ["relu1_1"], vgg_weights=weight_files.VGG19_PATH)
    assert not np.array_equal(named.get_weights()[0], found[0])
    cached.unlink()
    cached.write_bytes(reference[1].read_bytes()[:100_000])
    with pytest.raises(InputError, match=f"{weight_files.VGG_FILE}: .*damaged .*tfstyle download"):
        encoders.load_encoder("vgg19")


def test_only_what_the_taps_need_is_read(tmp_path):
    with np.load(weight_files.VGG19_PATH) as file:
        first = {name: file[name] for name in file if name.startswith("conv1_1")}
    np.savez(tmp_path / "first.npz", **first)
    encoders.load_encoder("vgg19", ["relu1_1"], vgg_weights=tmp_path / "first.npz")
    with pytest.raises(InputError, match="conv1_2/kernel should be"):
        encoders.load_encoder("vgg19", ["relu1_2"], vgg_weights=tmp_path / "first.npz")


def test_what_cannot_be_loaded_is_one_line(tmp_path):
    with pytest.raises(InputError, match="did you mean 'relu4_1'"):
        encoders.load_encoder("lite", ["relu4_11"])
    with pytest.raises(InputError, match="no such file"):
        encoders.load_encoder("vgg19", vgg_weights=tmp_path / "none.h5")
    with pytest.raises(InputError, match="not used with --encoder=lite"):
        encoders.load_encoder("lite", vgg_weights=weight_files.VGG19_PATH)
    (tmp_path / "text.h5").write_text("<html>not found</html>")
    with pytest.raises(InputError, match="not a file of VGG-19's weights"):
        encoders.load_encoder("vgg19", vgg_weights=tmp_path / "text.h5")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]).save(tmp_path / "other.h5")
    for name in (tmp_path / "other.h5", packaged.PACKAGED_MODELS["mobile"]):
        with pytest.raises(InputError, match="not the weights of vgg19"):
            encoders.load_encoder("vgg19", vgg_weights=name)


@pytest.mark.parametrize(
    "options", [{"taps": ()}, {"taps": ("conv1_1",)}, {"pooling": "avg"}, {"margin": 8}]
)
def test_misuse_is_a_value_error(options):
    with pytest.raises(ValueError, match="Received: "):
        encoders.VGG19(**options)
