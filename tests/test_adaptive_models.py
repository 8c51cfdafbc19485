"""Kernels and filters that come from the style, against their equations in float64."""

import numpy as np
import pytest

from tests.model_examples import ALL
from tfstyle import layers, losses, models
from tfstyle.models.adaconv import AdaptiveConvolution
from tfstyle.models.micro_networks import _Residual
from tfstyle.models.microast import MicroASTModel


def convolved(picture, depthwise, pointwise, bias):
    """Chandran et al. 2021, equation 5, for one picture `(h, w, c)` by loops."""
    height, width, channels = picture.shape
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)))
    found = np.zeros_like(picture)
    for i in range(height):
        for j in range(width):
            for c in range(channels):
                found[i, j, c] = np.sum(padded[i : i + 3, j : j + 3, c] * depthwise[..., c])
    return found @ pointwise.T + bias


def test_each_picture_is_convolved_with_its_own_kernels(random):
    pictures = random.normal(size=(2, 4, 5, 6))
    depthwise = random.normal(size=(2, 9, 6))
    pointwise, bias = random.normal(size=(2, 6, 6)), random.normal(size=(2, 6))
    single = [one.astype("f4") for one in (pictures, depthwise, pointwise, bias)]
    found = AdaptiveConvolution.convolve(*single)
    expected = [
        convolved(one, kernel.reshape(3, 3, 6), matrix, shift)
        for one, kernel, matrix, shift in zip(pictures, depthwise, pointwise, bias, strict=True)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_kernels_of_nothing_only_normalize(random):
    layer = AdaptiveConvolution(4)
    layer.build((None, None, None, 6))
    features = random.normal(3.0, 2.0, size=(1, 8, 9, 6)).astype("f4")
    found = np.asarray(layer(features, np.zeros((1, 3, 3, 4), "f4")))
    mean, std = features.mean(axis=(1, 2), keepdims=True), features.std(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(found, (features - mean) / std, atol=1e-3)


def test_pointwise_kernels_mix_channels_within_groups(random):
    layer = AdaptiveConvolution(4)
    layer.build((None, None, None, 32))
    _, pointwise, _ = layer.kernels(random.normal(size=(2, 3, 3, 4)).astype("f4"))
    pointwise = np.asarray(pointwise)
    assert pointwise.shape == (2, 32, 32)
    for rows in (slice(16), slice(16, 32)):
        assert (pointwise[:, rows, rows] != 0).all()
    assert not pointwise[:, :16, 16:].any() and not pointwise[:, 16:, :16].any()


def test_a_batch_of_styles_is_each_alone(photo, painting):
    model = ALL["adaconv"]()
    styles = np.concatenate([painting, painting[:, ::-1] ** 2])
    contents = np.concatenate([photo, photo])
    both = np.asarray(model.stylize(contents, model.encode_style(styles)))
    for number in range(2):
        code = model.encode_style(styles[number : number + 1])
        alone = np.asarray(model.stylize(photo, code))
        np.testing.assert_allclose(both[number : number + 1], alone, atol=1e-5)


def test_filters_are_modulated_as_in_equation_5(random):
    block = _Residual(4)
    block.build()
    features = random.normal(size=(1, 5, 5, 4))
    factor, share = random.normal(size=(2, 1, 4))
    single = [one.astype("f4") for one in (features, factor, share)]
    kernels = [np.asarray(one, "f8") for one in block.weights]

    def convolve(x, kernel, bias):
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        parts = [padded[:, i : i + 5, j : j + 5] @ kernel[i, j] for i in range(3) for j in range(3)]
        return sum(parts) + bias

    x = np.maximum(factor * convolve(features, *kernels[:2]) + share * features, 0.0)
    expected = features + factor * convolve(x, *kernels[2:]) + share * x
    np.testing.assert_allclose(block(*single), expected, atol=1e-4)
    plain = features + convolve(np.maximum(convolve(features, *kernels[:2]), 0.0), *kernels[2:])
    np.testing.assert_allclose(block(single[0]), plain, atol=1e-4)


def test_an_untrained_modulation_leaves_filters_as_they_are(random):
    decoder = ALL["microast"]().decoder
    factor, share = decoder.filters(random.normal(size=(2, 8)).astype("f4"), 1)
    np.testing.assert_array_equal(factor, np.ones((2, 8)))
    np.testing.assert_array_equal(share, np.zeros((2, 8)))


def test_microast_is_as_small_as_in_the_paper():
    model = MicroASTModel()
    model.build()
    assert model.count_params() == pytest.approx(0.472e6, rel=0.01)
    with pytest.raises(ValueError, match="`loss_encoder` must be given for training"):
        model.loss_terms({})


def test_microast_needs_no_encoder_to_paint(photo, painting):
    model = ALL["microast"]()
    small = model.for_inference()
    assert small.loss_encoder is None and small.count_params() < model.count_params()
    inputs = {"content": photo, "style": painting}
    np.testing.assert_array_equal(small(inputs), model(inputs))
    assert small.code_identity() == model.code_identity()


def test_the_contrastive_loss_is_its_equation(random):
    target, codes = random.normal(size=(2, 3, 7))
    expected = 0.0
    for i in range(3):
        distances = [np.mean((codes[i] - target[j]) ** 2) for j in range(3)]
        expected += distances[i] / (sum(distances) - distances[i]) / 3
    loss = losses.ContrastiveLoss()
    assert float(loss(target.astype("f4"), codes.astype("f4"))) == pytest.approx(expected, rel=1e-5)
    assert float(loss(target.astype("f4"), target.astype("f4"))) == 0.0
    assert float(loss(target[:1].astype("f4"), codes[:1].astype("f4"))) == 0.0


def test_a_margin_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="`margin` must be a multiple of 4"):
        models.model_class("microast")(margin=6)
    with pytest.raises(ValueError, match="`margin` must be a multiple of 16"):
        ALL["sanet"](margin=8)


def test_statistics_of_a_style_are_means_and_deviations(painting):
    model = ALL["microast"]()
    code = np.asarray(model.encode_style(painting)["statistics"])
    found = model.style_encoder(model.padding(painting))
    expected = [layers.AdaIN().encode(layers.crop(one, 8)) for one in found]
    np.testing.assert_allclose(code, np.concatenate(expected, axis=-1), atol=1e-6)
