"""Layers: values worked out in float64 NumPy, properties, and what every layer must do."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfstyle import layers

FEATURES, OTHER = (2, 8, 12, 5), (2, 6, 4, 5)
# One entry for each layer: class, arguments, shapes of the call's arguments.
EXAMPLES = [
    (layers.AdaIN, {"epsilon": 1e-4, "divisor": 3.0}, [FEATURES, OTHER]),
    (layers.InstanceNormalization, {"epsilon": 1e-3}, [FEATURES]),
    (layers.ConditionalInstanceNormalization, {"styles": 3}, [FEATURES, (2, 3)]),
    (layers.ReflectionPadding2D, {"padding": 3, "multiple": 4}, [FEATURES]),
    (layers.Upsampling2D, {"interpolation": "bilinear"}, [FEATURES]),
    (layers.Upsampling2D, {"interpolation": "nearest"}, [FEATURES]),
]
IDS = ["-".join([entry[0].__name__, *map(str, entry[1].values())]) for entry in EXAMPLES]


def inputs(shapes, random):
    return [random.normal(1.0, 2.0, size=shape).astype("float32") for shape in shapes]


@pytest.mark.parametrize(("kind", "arguments", "shapes"), EXAMPLES, ids=IDS)
def test_it_comes_back_from_its_config(kind, arguments, shapes, random):
    layer = kind(**arguments)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(twin) is kind
    for name, value in arguments.items():
        assert getattr(twin, name) == value
    values = inputs(shapes, random)
    expected = layer(*values)
    twin(*values)
    for weight, source in zip(twin.weights, layer.weights, strict=True):
        weight.assign(source)
    np.testing.assert_array_equal(twin(*values), expected)
    assert layer.compute_output_shape(shapes[0], *shapes[1:]) == tuple(expected.shape)


@pytest.mark.parametrize(("kind", "arguments", "shapes"), EXAMPLES, ids=IDS)
def test_gradients_reach_every_weight_and_input(kind, arguments, shapes, random):
    layer = kind(**arguments)
    values = [tf.constant(value) for value in inputs(shapes, random)]
    with tf.GradientTape() as tape:
        tape.watch(values)
        result = tf.reduce_sum(tf.square(layer(*values)) * tf.range(1.0, 1 + FEATURES[-1]))
    gradients = tape.gradient(result, [*values, *(w.value for w in layer.weights)])
    for gradient in gradients:
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


@pytest.mark.parametrize(("kind", "arguments", "shapes"), EXAMPLES, ids=IDS)
def test_in_a_graph_of_unknown_size_it_gives_the_same(kind, arguments, shapes, random):
    layer = kind(**arguments)
    values = inputs(shapes, random)
    expected = layer(*values)
    unknown = [tf.TensorSpec([None] * (len(s) - 1) + [s[-1]], tf.float32) for s in shapes]
    graph = tf.function(layer.__call__, input_signature=unknown)
    np.testing.assert_allclose(graph(*values), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(("kind", "arguments", "shapes"), EXAMPLES, ids=IDS)
def test_half_precision_is_near_float32(kind, arguments, shapes, policy, random):
    # Large features overflow float16 if their squares are summed in it.
    values = [value * 100.0 for value in inputs(shapes[:1], random)] + inputs(shapes[1:], random)
    expected = np.asarray(kind(**arguments)(*values))
    result = kind(**arguments, dtype=policy)(*values)
    assert result.dtype == policy.removeprefix("mixed_")
    tolerance = 0.02 if policy.endswith("bfloat16") else 0.003  # 8 and 11 bits of mantissa
    error = np.abs(np.asarray(tf.cast(result, tf.float32)) - expected).max()
    assert error < tolerance * np.abs(expected).max()


def test_adain_is_equation_8(random):
    content, style = inputs([FEATURES, OTHER], random)
    result = layers.AdaIN(1e-5)(content, style)
    c, s = content.astype(float), style.astype(float)
    axes = {"axis": (1, 2), "keepdims": True}
    scale = s.std(**axes) / np.sqrt(c.var(**axes) + 1e-5)
    expected = (c - c.mean(**axes)) * scale + s.mean(**axes)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)  # float32 arithmetic


def test_adain_of_itself_changes_nothing(random):
    (features,) = inputs([FEATURES], random)
    np.testing.assert_allclose(layers.AdaIN()(features, features), features, atol=1e-4)


def test_adain_of_a_code_is_that_of_its_features(random):
    content, style = inputs([FEATURES, OTHER], random)
    code = layers.AdaIN().encode(style)
    assert code.shape == (2, 10)
    np.testing.assert_array_equal(layers.AdaIN()(content, code), layers.AdaIN()(content, style))


def test_adain_divides_large_features_alone_in_between(random):
    content, style = (1000.0 * value for value in inputs([FEATURES, OTHER], random))
    plain, dividing = layers.AdaIN(), layers.AdaIN(divisor=1000.0)
    np.testing.assert_allclose(dividing.encode(style), plain.encode(style), rtol=1e-5)
    own = plain.encode(content)
    for arguments in ((content, style), (content, plain.encode(style), own)):
        np.testing.assert_allclose(dividing(*arguments), plain(*arguments), rtol=1e-3, atol=0.1)


def test_adain_survives_constant_content():
    content = np.full(FEATURES, 3.0, "float32")
    style = np.random.default_rng(1).normal(size=OTHER).astype("float32")
    result = layers.AdaIN()(content, style)
    mean = style.mean((1, 2), keepdims=True)
    np.testing.assert_allclose(result, np.broadcast_to(mean, FEATURES), atol=1e-5)


def test_adain_of_a_constant_style_has_a_gradient(random):
    (content,) = inputs([FEATURES], random)
    style = tf.ones(OTHER)
    with tf.GradientTape() as tape:
        tape.watch(style)
        result = tf.reduce_sum(layers.AdaIN()(content, style) ** 2)
    assert np.isfinite(tape.gradient(result, style)).all()


def test_instance_normalization_scales_and_shifts(random):
    (features,) = inputs([FEATURES], random)
    layer = layers.InstanceNormalization(epsilon=1e-5)
    layer.build(FEATURES)
    layer.gamma.assign([1, 2, 3, 4, 5])
    layer.beta.assign([5, 4, 3, 2, 1])
    result = np.asarray(layer(features))
    np.testing.assert_allclose(result.mean((1, 2)), [[5, 4, 3, 2, 1]] * 2, atol=1e-5)
    np.testing.assert_allclose(result.std((1, 2)), [[1, 2, 3, 4, 5]] * 2, rtol=1e-4)


def test_conditional_normalization_picks_and_mixes_styles(random):
    (features,) = inputs([FEATURES], random)
    layer = layers.ConditionalInstanceNormalization(styles=2, epsilon=1e-5)
    layer.build(FEATURES)
    layer.gamma.assign([[1] * 5, [3] * 5])
    layer.beta.assign([[0] * 5, [4] * 5])
    result = np.asarray(layer(features, np.array([[0, 1], [0.5, 0.5]], "float32")))
    np.testing.assert_allclose(result[0].mean((0, 1)), 4, atol=1e-5)
    np.testing.assert_allclose(result[0].std((0, 1)), 3, rtol=1e-4)
    np.testing.assert_allclose(result[1].mean((0, 1)), 2, atol=1e-5)
    np.testing.assert_allclose(result[1].std((0, 1)), 2, rtol=1e-4)


def test_reflection_padding_is_numpys(random):
    (features,) = inputs([(1, 7, 10, 2)], random)
    result = layers.ReflectionPadding2D(3, multiple=8)(features)
    expected = np.pad(features, ((0, 0), (3, 6), (3, 3), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(result, expected)  # 7 + 6 + 3 = 16, 10 + 6 = 16


def test_bilinear_upsampling_is_pillows(random):
    (features,) = inputs([(1, 5, 7, 1)], random)
    result = layers.Upsampling2D("bilinear")(features)
    expected = Image.fromarray(features[0, :, :, 0]).resize((14, 10), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(result[0, :, :, 0], expected, rtol=1e-5, atol=1e-5)


def test_nearest_upsampling_repeats(random):
    (features,) = inputs([(1, 5, 7, 2)], random)
    result = layers.Upsampling2D("nearest")(features)
    np.testing.assert_array_equal(result, features.repeat(2, axis=1).repeat(2, axis=2))


@pytest.mark.parametrize(
    ("kind", "arguments", "text"),
    [
        (layers.AdaIN, {"epsilon": 0}, "epsilon=0"),
        (layers.AdaIN, {"divisor": 0}, "divisor=0"),
        (layers.InstanceNormalization, {"epsilon": -1}, "epsilon=-1"),
        (layers.ConditionalInstanceNormalization, {"styles": 0}, "styles=0"),
        (layers.Upsampling2D, {"interpolation": "cubic"}, "interpolation=cubic"),
    ],
)
def test_misuse_names_the_argument(kind, arguments, text):
    with pytest.raises(ValueError, match=f"Received: {text}"):
        kind(**arguments)


def test_adain_takes_the_statistics_of_the_whole_for_a_part(random):
    adain = layers.AdaIN()
    features = random.normal(2.0, 3.0, size=(1, 12, 14, 3)).astype("float32")
    code = np.array([[0.5, 1.0, 2.0, 1.0, 2.0, 3.0]], "float32")
    own = adain.encode(features)
    whole = np.asarray(adain(features, code, own))
    np.testing.assert_allclose(whole, adain(features, code), atol=1e-5)
    np.testing.assert_allclose(adain(features[:, 2:7], code, own), whole[:, 2:7], atol=1e-6)
    assert np.abs(adain(features[:, 2:7], code) - whole[:, 2:7]).max() > 0.1


def test_pooled_statistics_are_those_of_the_whole(random):
    features = random.normal(2.0, 3.0, size=(1, 12, 16, 3)).astype("float32")
    adain = layers.AdaIN()
    parts = [adain.encode(part) for part in (features[:, :, :4], features[:, :, 4:])]
    pooled = adain.pool(np.concatenate(parts), [1, 3])
    np.testing.assert_allclose(pooled, adain.encode(features), rtol=1e-5)
