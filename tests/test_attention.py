"""Attention, against its equations in float64, and the models built on it."""

import numpy as np
import pytest

from tests.model_examples import ALL
from tfstyle.models import attention, multistroke
from tfstyle.models.attention import StyleAttention, attend
from tfstyle.stylization import tiling


def softmax(values):
    values = np.exp(values - values.max(axis=-1, keepdims=True))
    return values / values.sum(axis=-1, keepdims=True)


@pytest.fixture
def tensors(random):
    """Queries of two pictures, keys and values of one style."""
    shapes = ((2, 35, 6), (1, 20, 6), (1, 20, 4))
    return [random.normal(size=shape).astype("f4") for shape in shapes]


def test_attention_is_a_mean_weighted_by_likeness(tensors):
    queries, keys, values = (one.astype("f8") for one in tensors)
    expected = softmax(queries @ keys.transpose(0, 2, 1)) @ values
    np.testing.assert_allclose(attend(*tensors), expected, atol=1e-6)


@pytest.mark.parametrize("most", [1, 40, 137])
def test_chunks_are_the_whole(most, tensors, monkeypatch):
    expected = np.asarray(attend(*tensors))
    sizes = []

    def watched(queries, keys, values):
        sizes.append(queries.shape[0] * queries.shape[1] * keys.shape[1])
        return whole(queries, keys, values)

    whole = attention._attend
    monkeypatch.setattr(attention, "_attend", watched)
    monkeypatch.setattr(attention, "MOST_LIKENESSES", most)
    np.testing.assert_allclose(attend(*tensors), expected, atol=1e-6)
    assert len(sizes) > 1 and max(sizes) <= max(most, 2 * 20)  # one query of each picture at least


def test_sharp_attention_to_itself_returns_the_values(tensors):
    _, keys, values = tensors
    unit = keys / np.linalg.norm(keys, axis=-1, keepdims=True)
    np.testing.assert_allclose(attend(2000.0 * unit, unit, values), values, atol=1e-4)


def test_a_layer_is_equation_1_of_sanet(random):
    layer = StyleAttention(5)
    layer.build()
    for weight in layer.weights:
        weight.assign(random.normal(size=weight.shape))
    content, style, plain = (random.normal(size=(1, 3, n, 5)) for n in (4, 6, 6))
    keys, values = layer.encode(style.astype("f4"), plain.astype("f4"))
    found = layer(content.astype("f4"), keys, values)
    kernels = [np.asarray(one, "f8") for one in layer.weights]
    (f, g, h, o), (bf, bg, bh, bo) = ([k[0, 0] for k in kernels[::2]], kernels[1::2])
    queries, keys, values = (
        one.reshape(-1, 5) @ kernel + bias
        for one, kernel, bias in ((content, f, bf), (style, g, bg), (plain, h, bh))
    )
    expected = (softmax(queries @ keys.T) @ values @ o + bo).reshape(content.shape)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_at_itself_is_the_limit_of_attention_to_itself(random):
    layer = StyleAttention(4)
    layer.build()
    features = np.eye(4, dtype="f4").reshape(1, 2, 2, 4)
    for convolution in (layer._query, layer._key):
        convolution.kernel.assign(40.0 * np.eye(4)[None, None])
    found = layer(features, *layer.encode(features, features))
    np.testing.assert_allclose(found, layer.at_itself(features), atol=1e-5)


@pytest.mark.parametrize(("name", "size"), [("sanet", 640), ("microast", 256)])
def test_tiles_are_the_whole_picture(name, size, random, painting):
    model = ALL[name]()
    assert tiling.least_tile_size(model) == size
    photo = random.uniform(size=(1, 90, size + 70, 3)).astype("f4")
    code = model.encode_style(painting)
    summary = tiling.summarize(model, photo, code, 0.7, size)
    found = tiling.paint_tiles(model, photo, code, 0.7, size, summary=summary)
    expected = np.asarray(model.stylize_tile(photo, code, 0.7, summary))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    whole = np.asarray(model.stylize(photo, code, 0.7))
    assert np.abs(found - whole).mean() < 0.01  # statistics are pooled from parts


def test_sanets_terms_are_the_papers(photo, painting):
    """Identity losses weigh as asked, and are those of both pictures."""
    batch = {"content": photo[:, :, :64], "style": painting}
    model = ALL["sanet"]()
    terms = {name: float(value) for name, value in model.loss_terms(batch).items()}
    model.identity = 0.5
    halved = {name: float(value) for name, value in model.loss_terms(batch).items()}
    for name in ("identity/pixels", "identity/features"):
        assert halved[name] == pytest.approx(0.5 * terms[name], rel=1e-5)
    same = {"content": painting, "style": painting}
    code = model._code(model._deep(model.encoder(painting)))
    statistics = model._statistics(model._deep(model.encoder(painting)))
    own = np.asarray(model._decode(model._deep(model.encoder(painting)), code, statistics))
    expected = 0.5 * 50.0 * 2.0 * np.mean((own - painting) ** 2)
    assert float(model.loss_terms(same)["identity/pixels"]) == pytest.approx(expected, rel=1e-4)


def nearest_patches(content, style):
    """Chen and Schmidt 2016 by loops, in float64."""
    pad = ((1, 1), (1, 1), (0, 0))
    whole, other = (np.pad(one[0].astype("f8"), pad) for one in (content, style))
    (height, width), (rows, columns) = content.shape[1:3], style.shape[1:3]
    windows = [other[i : i + 3, j : j + 3] for i in range(rows) for j in range(columns)]
    total = np.zeros_like(whole)
    for i in range(height):
        for j in range(width):
            own = whole[i : i + 3, j : j + 3]
            cosines = [np.sum(own * one) / np.linalg.norm(one) for one in windows]
            total[i : i + 3, j : j + 3] += windows[int(np.argmax(cosines))]
    return total[None, 1:-1, 1:-1] / 9.0


@pytest.fixture
def sharp(monkeypatch):
    monkeypatch.setattr(multistroke, "SHARPNESS", 1e5)
    monkeypatch.setattr(multistroke, "_EPSILON", 1e-9)


def test_patches_are_swapped_with_the_nearest(sharp, random):
    content = random.normal(size=(1, 5, 6, 3)).astype("f4")
    style = random.normal(size=(1, 4, 5, 3)).astype("f4")
    expected = nearest_patches(content, style)
    np.testing.assert_allclose(multistroke.swapped(content, style), expected, atol=1e-4)


def test_a_map_swapped_with_itself_is_itself(sharp, random):
    content = random.normal(size=(1, 6, 7, 3)).astype("f4")
    found = np.asarray(multistroke.swapped(content, content))
    # Positions along the border are in fewer patches; their sums are over nine all the same.
    np.testing.assert_allclose(found[:, 1:-1, 1:-1], content[:, 1:-1, 1:-1], atol=1e-4)


def test_strokes_are_fine_where_attention_is_great():
    attention_map = np.zeros((1, 4, 4, 1), "f4")
    attention_map[:, :2] = 1.0
    shares = np.asarray(multistroke.fusion_shares(attention_map, 2))
    np.testing.assert_allclose(shares.sum(axis=-1), 1.0, atol=1e-6)
    np.testing.assert_allclose(shares[0, :2, :, 0], 1.0, atol=1e-3)
    np.testing.assert_allclose(shares[0, 2:, :, 1], 1.0, atol=1e-3)


def test_the_number_of_stroke_sizes_changes_the_picture(photo, painting):
    pictures = []
    for scales in (1, 3):
        model = ALL["multistroke"](scales=scales)
        pictures.append(np.asarray(model.stylize(photo, model.encode_style(painting))))
    assert np.abs(pictures[0] - pictures[1]).mean() > 1e-4
    with pytest.raises(ValueError, match="`scales` must be at least 1. Received: scales=0"):
        ALL["multistroke"](scales=0)
