"""Whitening and colouring at each level: in float64 NumPy, its properties, and wavelets."""

import numpy as np
import pytest

from tests.float64_layers import convolve, double, named_weights
from tests.model_examples import make_cascade, make_encoder, make_wct
from tests.test_covariances import error, root_of
from tfstyle import covariances, models, statistics
from tfstyle.encoders.layer_names import BLOCKS
from tfstyle.models import wct
from tfstyle.models.inverting_decoder import InvertingDecoder, taps_of
from tfstyle.models.photorealistic import PhotorealisticModel
from tfstyle.models.wct import WCTModel

PAIRS = [("transport", "bilinear"), ("whitening", "nearest")]


def in_decoder_units(model, picture):
    """`{layer: (h, w, c)}` in float64, divided by the model's scales."""
    return {
        name: np.asarray(found, np.float64)[0] / model.scales[name]
        for name, found in model.encoder(picture).items()
    }


def moments(maps):
    flat = maps.reshape(-1, maps.shape[-1])
    return flat.mean(0), np.cov(flat.T, bias=True)


def paper_map(content, style, mapping):
    """Li et al., equations 2 and 3; Lu et al."""
    content = content + 5e-7 * np.trace(content) * np.eye(len(content))
    inverse, root = root_of(content, -0.5), root_of(content)
    if mapping == "whitening":
        return root_of(style) @ inverse
    return inverse @ root_of(root @ style @ root) @ inverse


def average(maps):
    return sum(maps[i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4


def reference(model, content, style, strength, enlarge):
    """The picture of one image, as the classes describe it."""
    weights = named_weights(model.decoder)
    before, target = (in_decoder_units(model, one) for one in (content, style))

    def layer(name, x):
        return convolve(x, weights[f"{name}/kernel"]) + weights[f"{name}/bias"]

    x = before[f"relu{model.depth}_1"]
    for block in range(model.depth, 0, -1):
        (mean, spread), (wanted, wanted_spread) = moments(x), moments(target[f"relu{block}_1"])
        matrix = paper_map(spread, wanted_spread, model.mapping)
        x = np.maximum(strength * ((x - mean) @ matrix.T + wanted) + (1 - strength) * x, 0)
        if block > 1:
            count = BLOCKS[block - 2]
            skip = before[f"relu{block - 1}_{count}"]
            x = enlarge(np.maximum(layer(f"conv{block}_1", x), 0))
            x = x + model.detail * (skip - enlarge(average(skip)))
            for k in range(count, 1, -1):
                x = np.maximum(layer(f"conv{block - 1}_{k}", x), 0)
        else:
            x = layer("image", np.maximum(layer("conv1_1", x), 0))
    (mean, spread), (wanted, wanted_spread) = moments(x), moments(style[0].astype(np.float64))
    matrix = paper_map(spread, wanted_spread, model.mapping)
    x = strength * ((x - mean) @ matrix.T + wanted) + (1 - strength) * x
    rest = (1 - strength) ** 2
    return rest * content[0] + (1 - rest) * np.clip(x, 0, 1)


def repeat(maps):
    return maps.repeat(2, axis=0).repeat(2, axis=1)


@pytest.mark.parametrize(("mapping", "interpolation"), PAIRS)
def test_pictures_are_those_of_float64(mapping, interpolation, photo, painting):
    """Without a margin."""
    kind = WCTModel if interpolation == "bilinear" else PhotorealisticModel
    model = make_wct(
        kind=kind, depth=3, mapping=mapping, detail=0.5, margin=0, epsilon=covariances.EPSILON
    )
    assert model.decoder.interpolation == interpolation
    for variable in model.decoder.trainable_variables:
        if "image" in variable.path:  # within [0, 1], mostly
            variable.assign(0.1 * variable + (0.5 if "bias" in variable.path else 0.0))
    content = photo[:, :, :64]
    found = model.stylize(content, model.encode_style(painting), 0.7)
    enlarge = double if interpolation == "bilinear" else repeat
    expected = reference(model, content, painting, 0.7, enlarge)
    assert 0.05 < expected.std() and np.mean((expected > 0) & (expected < 1)) > 0.5
    difference = np.abs(found[0] - expected)  # of epsilon
    assert difference.max() < 0.04 and difference.mean() < 1e-3


@pytest.mark.parametrize("kind", [WCTModel, PhotorealisticModel])
@pytest.mark.parametrize("mapping", ["transport", "whitening"])
def test_each_level_has_the_styles_mean_and_covariance(kind, mapping, photo, painting):
    """What the decoder gets; it is one that inverts the encoder. With the least epsilon."""
    model, seen = make_wct(kind=kind, mapping=mapping, epsilon=covariances.EPSILON), {}
    content, style = (model._features(picture) for picture in (photo, painting))

    def watched(block, features, *_):
        seen[block] = features
        return content[f"relu{block - 1}_1"] if block > 1 else features[..., :3]

    model.decoder.invert = watched
    *_, (_, picture) = model._levels(model.padding(photo), model.encode_style(painting), 1.0, {})
    found = statistics.covariance(
        picture[:, model.margin : -model.margin, model.margin : -model.margin]
    )
    assert error(found[1], statistics.covariance(painting)[1]) < 1e-3
    assert [*seen] == [4, 3, 2, 1]
    for block, features in seen.items():
        edge = model.margin // 2 ** (block - 1)
        found, wanted = (
            statistics.covariance(maps[:, edge:-edge, edge:-edge])
            for maps in (features, style[f"relu{block}_1"])
        )
        np.testing.assert_allclose(found[0], wanted[0], atol=1e-3)
        assert error(found[1], wanted[1]) < 1e-3


def test_a_picture_in_its_own_style_is_unchanged(photo, monkeypatch):
    """At each level, of a decoder that inverts the encoder."""
    monkeypatch.setattr(wct, "EPSILON", covariances.EPSILON)
    model, seen = make_wct(margin=0), {}
    features = model._features(photo)

    def exact(block, x, *_):
        seen[block] = x
        return features[f"relu{block - 1}_1"] if block > 1 else photo

    model.decoder.invert = exact
    found = model.stylize(photo, model.encode_style(photo))
    np.testing.assert_allclose(found, photo, atol=0.02)
    for block in (4, 3, 2, 1):
        expected = features[f"relu{block}_1"]
        assert np.abs(seen[block] - expected).mean() < 0.02 * np.abs(expected).mean()


@pytest.mark.parametrize("make", [make_wct, make_cascade])
def test_statistics_of_a_photo_take_one_pass(make, photo, painting, monkeypatch):
    """They are those of two equal parts, of which each level takes a pass of each."""
    model, passes = make(), []
    code, levels = model.encode_style(painting), model._levels

    def counted(*arguments):
        passes.append(arguments)
        return levels(*arguments)

    monkeypatch.setattr(model, "_levels", counted)
    whole = model.summarize([photo], [1.0], code, 0.7)
    assert len(passes) == 1
    parts = model.summarize([photo, photo], [1.0, 3.0], code, 0.7)
    assert [*whole] == [*parts]
    for name in whole:
        scale = np.abs(parts[name]).max()
        np.testing.assert_allclose(whole[name], parts[name], atol=1e-4 * scale, err_msg=name)


def test_unpooling_is_the_synthesis_of_haar_wavelets(random):
    """The maps as low pass, the encoder's three other parts: the kernels of Yoo et al."""
    maps = random.normal(size=(1, 6, 8, 3)).astype(np.float32)
    low_maps = random.normal(size=(1, 3, 4, 3)).astype(np.float32)
    low, high = np.array([1.0, 1.0]) / np.sqrt(2), np.array([-1.0, 1.0]) / np.sqrt(2)
    kernels = [np.outer(a, b) for a in (low, high) for b in (low, high)]
    blocks = maps[0].reshape(3, 2, 4, 2, 3)
    parts = [np.einsum("aibjc,ij->abc", blocks, kernel) for kernel in kernels]

    def synthesized(parts):
        found = sum(
            np.einsum("abc,ij->aibjc", part, kernel)
            for part, kernel in zip(parts, kernels, strict=True)
        )
        return found.reshape(maps.shape)

    np.testing.assert_allclose(synthesized(parts), maps, atol=1e-6)
    decoder = InvertingDecoder((3, 3), "nearest")
    found = decoder._upsampling(low_maps) + decoder.residual(maps)
    # The low pass is twice the mean, as the encoder's average pooling.
    np.testing.assert_allclose(found, synthesized([2 * low_maps[0], *parts[1:]]), atol=1e-5)
    encoder = make_encoder(["relu1_1"], pooling="average")
    np.testing.assert_allclose(encoder.pool(maps)[0], parts[0], atol=1e-6)


def test_five_levels(photo, painting):
    model = make_wct(depth=5)
    code = model.encode_style(painting)
    assert sorted(code) == [f"{part}{k}" for part in ("mean", "root") for k in range(6)]
    assert model.stylize(photo, code).shape == photo.shape
    assert model.receptive_field == 224


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"depth": 1}, "`depth` must be from 2 to 5. Received: depth=1"),
        ({"mapping": "svd"}, "`mapping` must be one of .* Received: mapping=svd"),
        ({"detail": 1.5}, "`detail` must be from 0 to 1. Received: detail=1.5"),
        ({"margin": 12}, "`margin` must be a multiple of 16"),
    ],
)
def test_arguments_that_do_not_do(arguments, text):
    with pytest.raises(ValueError, match=text):
        models.create_model("wct", "lite", **arguments)


def test_encoders_that_do_not_fit():
    with pytest.raises(ValueError, match="`encoder` must tap"):
        WCTModel.on_encoder(make_encoder(taps_of(3)))
    with pytest.raises(ValueError, match="must pool by average"):
        PhotorealisticModel.on_encoder(make_encoder(taps_of(4)))
