"""The model of several levels: its decoder in float64 NumPy, its loss, its margins."""

import itertools

import numpy as np
import pytest
import scipy.linalg
from keras import ops

from tests.model_examples import ALL, make_adain, make_encoder, make_multilevel
from tfstyle import encoders, models
from tfstyle.losses.relative import EPSILON
from tfstyle.models import conditioned_decoder, palette

MODELS = {name: ALL[name] for name in ("mobile", "quality")}


def named_weights(part):
    return {"/".join(v.path.split("/")[-2:]): np.asarray(v, np.float64) for v in part.weights}


def convolve(x, kernel):
    """A zero-padded 3 × 3 convolution of `(h, w, c)`."""
    height, width = x.shape[:2]
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    return sum(
        padded[i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3)
    )


def double(x):
    """Bilinear, with half-pixel centres and the edge repeated."""
    for axis in (0, 1):
        edges = [(1, 1) if i == axis else (0, 0) for i in range(3)]
        padded = np.moveaxis(np.pad(x, edges, mode="edge"), axis, 0)
        pairs = [
            0.75 * padded[1:-1] + 0.25 * padded[:-2],
            0.75 * padded[1:-1] + 0.25 * padded[2:],
        ]
        x = np.moveaxis(np.stack(pairs, 1).reshape(-1, *padded.shape[1:]), 0, axis)
    return x


def normalize(x):
    return (x - x.mean((0, 1))) / np.sqrt(x.var((0, 1)) + 1e-5)


def reference_decoder(decoder, features, code, content_code):
    """The picture of one image's stylized features, as the class describes it."""
    weights = named_weights(decoder)
    both = np.concatenate([code, content_code])
    hidden = np.maximum(both @ weights["hidden/kernel"] + weights["hidden/bias"], 0)
    x = None
    for block in (4, 3, 2, 1):
        name = f"relu{block}_1"
        x = None if x is None else double(x)
        if name in features:
            skip = np.clip(features[name], 0, 6)
            x = skip if x is None else np.concatenate([x, skip], -1)
        for k in range(1, 1 + len(decoder.widths[block - 1])):
            layer = f"{block}_{k}"
            x = convolve(x, weights[f"conv{layer}/kernel"]) + weights[f"conv{layer}/bias"]
            if name in features:
                affine = hidden @ weights[f"affine{layer}/kernel"] + weights[f"affine{layer}/bias"]
                shift, scale = np.split(affine, 2)
                x = x * 2 / (1 + np.exp(-scale)) + shift
            x = np.where(x > 0, x, (0.2 if name in features else 0.0) * x)
            x = np.minimum(x, 6)
    x = convolve(x, weights["image/kernel"]) + weights["image/bias"]
    return 1 / (1 + np.exp(-x))


def statistics_of(features):
    return features.mean((0, 1)), features.std((0, 1))


def pad(picture, margin):
    return np.pad(picture, ((0, 0), (margin,) * 2, (margin,) * 2, (0, 0)), mode="reflect")


def features_of(model, picture, margin=0, heads=False):
    """`{layer: (h, w, c)}` in float64; with a margin, of the padded picture without it."""
    found = (model.encoder if heads else model.encoder.trunk)(pad(picture, margin))
    return {k: inner(np.asarray(v, np.float64)[0], k, margin) for k, v in found.items()}


def inner(feature, layer, margin):
    edge = margin // 2 ** (int(layer[4]) - 1)
    return feature[edge : feature.shape[0] - edge, edge : feature.shape[1] - edge]


@pytest.mark.parametrize("name", MODELS)
def test_pictures_are_those_of_a_float64_decoder(name, photo, painting):
    """Without a margin, which the reference does not have."""
    model = MODELS[name](margin=0)
    model.scales = tuple(scale / 4 for scale in model.scales)  # features pass 6 in such units
    for variable in model.decoder.trainable_variables:  # as if trained: no zeros, larger norms
        noise = np.random.default_rng(len(variable.path)).normal(size=variable.shape)
        variable.assign_add(0.1 * noise.astype("float32"))
    content = photo[:, :, :64]
    scales = dict(zip(model.decoder.code_layers, model.scales, strict=True))
    own, wanted = palette.encode(content), palette.encode(painting)  # tested by themselves
    recolored = np.asarray(palette.recolor(content, own, wanted))
    assert np.abs(recolored - content).mean() > 0.05
    before, style = (features_of(model, picture) for picture in (recolored, painting))
    code, content_code = (
        np.concatenate([part / scales[k] for k in scales for part in statistics_of(features[k])])
        for features in (style, before)
    )
    stylized = {
        k: (normalize(before[k]) * style[k].std((0, 1)) + style[k].mean((0, 1))) / scale
        for k, scale in scales.items()
        if k[4] < "5"
    }
    expected = reference_decoder(model.decoder, stylized, code, content_code)
    for found, part, its_palette in (
        (model.encode_style(painting), code, wanted),
        (model.summarize([content], [1], model.encode_style(painting)), content_code, own),
    ):
        np.testing.assert_allclose(found["statistics"][0], part, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(found["palette"], its_palette, rtol=1e-4, atol=1e-4)
    found = model({"content": content, "style": painting})
    np.testing.assert_allclose(found[0], expected, atol=2e-4)  # float32 in ten layers


def test_the_loss_is_content_moments_gram_matrices_and_colors(photo, painting):
    """Of what is inside the margin."""
    model = make_multilevel(content_weight=0.5, style_weight=3.0)
    content = photo[:, :, :64]
    terms = model.loss_terms({"content": content, "style": painting})
    image = np.asarray(model({"content": content, "style": painting}))
    before, style, after = (
        {
            **features_of(model, picture, model.margin, heads=True),
            **{k: trunk[k] for k in ("relu1_1", "relu2_1")},
        }
        for picture in (content, painting, image)
        for trunk in [features_of(model, picture, model.margin)]
    )
    error = ((after["relu4_1"] - before["relu4_1"]) ** 2).mean() / (before["relu4_1"] ** 2).mean()
    assert float(terms["content/relu4_1"]) == pytest.approx(0.5 * error, rel=1e-3)
    for layer in encoders.HEAD_LAYERS:
        found, wanted = (np.stack(statistics_of(f[layer])) for f in (after, style))
        for part in (found, wanted):
            part[1] = np.sqrt(part[1] ** 2 + 1e-5)  # of `mean_and_std`
        # A mean for means and one for deviations; EPSILON counts where features are so small.
        moments = 2 * ((found - wanted) ** 2).mean() / (2 * (wanted**2).mean() + EPSILON)
        found, wanted = (
            np.einsum("hwc,hwd->cd", f[layer], f[layer]) / f[layer][..., 0].size
            for f in (after, style)
        )
        gram = ((found - wanted) ** 2).mean() / ((wanted**2).mean() + EPSILON)
        expected = 3.0 / 5 * (moments + gram) / 2
        assert float(terms[f"style/{layer}"]) == pytest.approx(expected, rel=1e-3)
    # Of the pixels, the distance of two normal distributions.
    (m1, c1), (m2, c2) = (
        (pixels.mean(0), np.cov(pixels.T, bias=True))
        for pixels in (picture.reshape(-1, 3).astype(float) for picture in (painting, image))
    )
    spread = np.trace(c1 + c2 - 2 * scipy.linalg.sqrtm(c1 @ c2).real)
    distance = ((m1 - m2) ** 2).sum() + spread
    expected = 3.0 / 2 * distance / ((m1**2).sum() + np.trace(c1))
    assert float(terms["style/colors"]) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", MODELS)
def test_codes_are_statistics_inside_the_margin_and_palettes(name, painting):
    model = MODELS[name]()
    features = features_of(model, painting, model.margin)
    expected = [
        part / scale
        for layer, scale in zip(model.decoder.code_layers, model.scales, strict=True)
        for part in statistics_of(features[layer])
    ]
    code = model.encode_style(painting)
    assert set(code) == {"statistics", "palette"}
    np.testing.assert_allclose(
        code["statistics"][0], np.concatenate(expected), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(code["palette"], palette.encode(painting), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_strength_mixes_the_code_with_the_contents_own(strength, photo, painting):
    model = make_multilevel()
    code = model.encode_style(painting)
    own = model.summarize([photo], [1], code, strength)
    found = model.stylize(photo, code, strength)
    mixed = {name: strength * code[name] + (1 - strength) * own[name] for name in code}
    rest = (1 - strength) ** 2
    expected = rest * photo + (1 - rest) * model.stylize_tile(photo, mixed, 1.0, own)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    if strength == 0.0:  # nothing of the style is left
        for name, part in model.encode_style(photo).items():
            np.testing.assert_allclose(own[name], part, atol=1e-4)


def test_pictures_of_a_batch_are_recoloured_each_by_its_own_palette(photo, painting):
    model = make_multilevel()
    pictures = np.concatenate([photo[:, :, :64], painting])
    code = model.encode_style(1.0 - painting)
    found = model.stylize(pictures, code, np.array([1.0, 0.4], "float32"))
    for picture, strength, one in zip(pictures, (1.0, 0.4), found, strict=True):
        np.testing.assert_allclose(one, model.stylize(picture[None], code, strength)[0], atol=1e-5)
    found = model.summarize([pictures], [1], code)
    for number, picture in enumerate(pictures):
        for name, part in model.summarize([picture[None]], [1], code).items():
            np.testing.assert_allclose(found[name][number], part[0], atol=1e-4)


def test_a_summary_of_one_picture_serves_a_batch_of_parts(photo, painting):
    """All parts are recoloured by the palette of the whole, whose statistics they have."""
    model = make_multilevel()
    pictures = np.concatenate([photo[:, :, :64], painting])
    code = model.encode_style(1.0 - painting)
    summary = model.summarize([photo], [1], code)
    found = model.stylize_tile(pictures, code, 1.0, summary)
    for picture, one in zip(pictures, found, strict=True):
        expected = model.stylize_tile(picture[None], code, 1.0, summary)[0]
        np.testing.assert_allclose(one, expected, atol=1e-5)
    parts = model.summarize([pictures[:1], pictures[1:]], [1, 1], code)
    for part in parts.values():
        assert part.shape[0] == 1
    own = palette.pool(palette.encode(pictures), [1, 1])
    np.testing.assert_allclose(parts["palette"], own, atol=1e-6)
    wanted = ops.broadcast_to(code["palette"], (2, palette.SIZE))
    recolored = palette.recolor(pictures, own, wanted)
    expected = model._pool(model.encode_style(recolored)["statistics"], [1, 1])
    np.testing.assert_allclose(parts["statistics"], expected, atol=1e-4)


def test_the_network_sees_the_photo_in_the_styles_colors(photo, painting):
    """Of two styles that differ in nothing else, so that the decoder itself has the same inputs."""
    model = make_multilevel()
    code = model.encode_style(painting)
    dark = {**code, "palette": palette.encode(0.5 * painting)}
    recolored = palette.recolor(photo, palette.encode(photo), palette.encode(0.5 * painting))
    own = model.encode_style(recolored)
    own["palette"] = code["palette"]  # as if it had been recoloured before
    expected = np.asarray(model.stylize_tile(recolored, code, 1.0, own))
    np.testing.assert_allclose(model.stylize(photo, dark), expected, atol=1e-4)
    assert np.abs(model.stylize(photo, code) - expected).max() > 1e-3


def test_the_margin_is_what_the_decoder_crops(photo, painting):
    """Pictures do not move: with any margin they are the same but for what is near the borders."""
    pictures = [
        np.asarray(make_multilevel(margin=margin)({"content": photo, "style": painting}))
        for margin in (16, 32, 48)
    ]

    def difference(first, second):
        return np.abs(first - second)[:, 20:-20, 20:-20].mean()

    for first, second in itertools.pairwise(pictures):
        aligned = difference(first, second)
        for shift in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            assert 1.5 * aligned < difference(np.roll(first, shift, (1, 2)), second)


def test_for_inference_has_only_what_pictures_need(photo, painting):
    model = make_multilevel(style_weight=3.0)
    small = model.for_inference()
    inputs = {"content": photo, "style": painting, "strength": np.array([0.6], "float32")}
    np.testing.assert_allclose(small(inputs), model(inputs), atol=1e-6)
    assert small.encoder.taps == small.decoder.code_layers and small.style_weight == 3.0
    assert len(small.encoder.weights) == 2 * 9  # conv1_1 to conv4_1
    assert small.code_identity() == model.code_identity()
    small.decoder.trainable_variables[0].assign(0 * small.decoder.trainable_variables[0])
    assert np.abs(small(inputs) - model(inputs)).max() > 1e-3, "a copy"


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match=r"must have relu4_1. Received: code_layers="):
        conditioned_decoder.ConditionedDecoder(("relu3_1",), (8,), ((4,),) * 4, 8)
    decoder = make_multilevel().decoder
    with pytest.raises(ValueError, match=r"must tap \['relu2_1'\] too. Received: taps="):
        models.MultiLevelModel(make_encoder(("relu3_1", "relu4_1")), decoder, (1.0,) * 3, 16)
    with pytest.raises(ValueError, match="multiple of 16. Received: margin=24"):
        make_multilevel(margin=24)


def wider(**arguments):
    widths = ((6,), (9, 6), (10, 9), (12, 11, 10))
    return make_multilevel(**{"widths": widths, "hidden": 15, **arguments})


@pytest.mark.parametrize("code_layers", [encoders.HEAD_LAYERS[1:], encoders.HEAD_LAYERS])
def test_a_larger_model_starts_as_a_trained_one(code_layers, random):
    """With more channels, units and numbers of the code, and able to learn with all of them."""
    small = make_multilevel().for_inference()  # as they ship
    large = wider(code_layers=code_layers)
    for model in (small, large):
        for variable in model.decoder.weights:
            variable.assign(variable + random.normal(scale=0.02, size=variable.shape))
    if "relu1_1" in code_layers:  # which large alone modulates: as small if nothing is modulated
        small.decoder.get_layer("conv1_1").bias.assign([3.0] * 5)  # nor negative
        for variable in large.decoder.get_layer("affine1_1").weights:
            variable.assign(0.0 * variable)
    content, style = random.random((2, 1, 48, 40, 3)).astype(np.float32)
    wanted = small.stylize(content, small.encode_style(style), 0.7)
    before = large.stylize(content, large.encode_style(style), 0.7)
    assert np.abs(before - wanted).max() > 0.05
    large.start_from(small)
    found = large.stylize(content, large.encode_style(style), 0.7)
    np.testing.assert_allclose(found, wanted, atol=2e-6)
    spread = [np.asarray(v).std(axis=(0, 1, 2)) for v in large.decoder.weights if v.ndim == 4]
    assert all((deviations > 0).all() for deviations in spread)


def test_a_model_starts_as_one_of_its_size(random):
    first, second = make_multilevel(), make_multilevel()
    for variable in first.decoder.weights:
        variable.assign(random.normal(size=variable.shape))
    second.start_from(first)
    for a, b in zip(first.decoder.weights, second.decoder.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("trained", "message"),
    [
        (wider, "must not have wider layers"),
        (lambda: make_multilevel(hidden=13), "must not have wider layers"),
        (lambda: make_multilevel(widths=((5,), (7,), (8,), (9,))), "as many convolutions"),
        (lambda: make_multilevel(code_layers=encoders.HEAD_LAYERS), "features that this one"),
        (make_adain, "must be of the class MultiLevelModel. Received: trained=AdaINModel"),
    ],
)
def test_what_no_model_starts_from(trained, message):
    model = make_multilevel()
    before = [np.array(variable) for variable in model.decoder.weights]
    with pytest.raises(ValueError, match=message):
        model.start_from(trained())
    for variable, value in zip(model.decoder.weights, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_another_encoder_is_nothing_to_start_from():
    model, other = make_multilevel(), make_multilevel()
    other.encoder.weights[0].assign(2.0 * other.encoder.weights[0])
    with pytest.raises(ValueError, match="the same encoder"):
        model.start_from(other)
