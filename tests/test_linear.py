"""The learned transform against float64 NumPy."""

import numpy as np
import pytest

from tests.float64_layers import convolve, named_weights
from tests.model_examples import make_encoder, make_linear
from tfstyle import models


def matrix_of(network, features):
    """Figure 3 of the paper: convolutions, mean products, a dense layer; here plus the identity."""
    weights = named_weights(network)
    x = features
    for number in (1, 2, 3):
        x = convolve(x, weights[f"conv{number}/kernel"]) + weights[f"conv{number}/bias"]
        x = np.maximum(x, 0) if number < 3 else x
    flat = x.reshape(-1, x.shape[-1])
    products = flat.T @ flat / len(flat)
    size = len(products)
    found = products.ravel() @ weights["matrix/kernel"] + weights["matrix/bias"]
    return found.reshape(size, size) + np.eye(size)


@pytest.mark.parametrize("layer", ["relu4_1", "relu3_1"])
def test_features_are_transformed_as_in_float64(layer, photo, painting):
    model = make_linear(layer=layer, margin=0)
    content, style = (
        np.asarray(model._features(picture), np.float64)[0] for picture in (photo, painting)
    )
    means = [maps.mean((0, 1)) for maps in (content, style)]
    matrices = [
        matrix_of(model.networks[name], maps - mean)
        for name, maps, mean in zip(("content", "style"), (content, style), means, strict=True)
    ]
    code = model.encode_style(painting)
    np.testing.assert_allclose(code["mean"][0], means[1], atol=1e-5)
    np.testing.assert_allclose(code["matrix"][0], matrices[1], rtol=1e-3, atol=1e-4)
    (compress, first), (expand, second) = (
        [np.asarray(weight, np.float64) for weight in dense.weights]
        for dense in (model._compress, model._expand)
    )
    compressed = (content - means[0]) @ compress + first
    changed = compressed @ (matrices[1] @ matrices[0]).T
    expected = changed @ expand + second + means[1]
    found = model._transform(model._features(photo), code)
    np.testing.assert_allclose(found[0], expected, rtol=1e-3, atol=1e-3)


def test_mixed_codes_give_mixed_features(photo, painting):
    model = make_linear()
    codes = [model.encode_style(one) for one in (painting, 1.0 - painting)]
    mixed = model.mix_codes(codes, [0.3, 0.7])
    features = model._features(photo)
    first, second, found = (
        np.asarray(model._transform(features, code)) for code in (*codes, mixed)
    )
    np.testing.assert_allclose(found, 0.3 * first + 0.7 * second, atol=1e-4)
    assert np.abs(first - second).max() > 0.01


def test_arguments_that_do_not_do():
    with pytest.raises(ValueError, match="`layer` must be one of .* Received: layer=relu2_1"):
        models.create_model("linear", "lite", layer="relu2_1")
    with pytest.raises(ValueError, match="`encoder` must tap"):
        models.model_class("linear").on_encoder(make_encoder(["relu4_1"]))
