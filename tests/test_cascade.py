"""Whitening and colouring level by level through pictures; grain; the guided filter."""

import functools

import numpy as np
import pytest

from tests.model_examples import make_cascade, make_revision, make_wct, reach
from tests.test_covariances import error
from tfstyle import images, models, statistics
from tfstyle.config import TILE_SIZE
from tfstyle.errors import InputError
from tfstyle.images.guided_filter import guided_filter
from tfstyle.models import guidance
from tfstyle.models.capabilities import to_numpy
from tfstyle.models.inverting_decoder import InvertingDecoder
from tfstyle.stylization import Stylizer, tiling


def box(values, side):
    """Means of squares of so many positions a side, `(h, w, c)`."""
    height, width, channels = values.shape
    return values.reshape(height // side, side, width // side, side, channels).mean((1, 3))


def test_the_guided_filter_is_that_of_float64(photo, painting):
    """Of cells; what is finer stays."""
    guide, picture = photo[:, :64, :64], painting[:, :64, :64]
    cells, cells_of_guide = (box(one[0].astype(np.float64), 4) for one in (picture, guide))
    expected = guided_filter(cells, cells_of_guide, guidance._RADIUS, guidance._EPSILON)
    for share, rest in ((1.0, 0.0), (0.5, 0.25)):
        added = np.asarray(guidance.guided(picture, guide, share, rest))
        wanted = share * ((1 - rest) * expected + rest * cells_of_guide - cells)
        found = np.asarray(guidance.double(wanted[None].astype(np.float32), 2))
        np.testing.assert_allclose(added, found, atol=2e-4)


def test_a_recoloured_photo_is_left_alone_by_the_guided_filter(photo):
    """A linear function of the guide, but for epsilon: with halos, it is not one."""
    guide = photo[:, :64, :96]
    picture = guide[..., ::-1] * [0.5, -0.8, 0.9] + [0.1, 0.9, 0.0]
    assert np.abs(guidance.guided(picture.astype("float32"), guide, 1.0, 0.0)).max() < 0.08
    halo = picture.copy()
    halo[:, 20:44, 20:44] += 0.3
    added = np.asarray(guidance.guided(halo.astype("float32"), guide, 1.0, 0.0))
    assert np.abs(added).max() > 0.15


def test_grain_has_the_deviations_that_are_asked_for(random):
    """By bands, where a picture is flat; interpolation smooths coarse noise. None where rough."""
    gray = np.full((1, 96, 768, 3), 0.5, np.float32)
    wanted = np.float32([[0.03, 0.02, 0.05]])
    noise = np.asarray(guidance.grain(gray, wanted))
    found = np.exp(np.asarray(guidance.log_deviations(gray + noise)))
    ratio = (found / wanted)[0]
    assert ratio[0] == pytest.approx(1.0, rel=0.1) and ratio[1:].min() > 0.35 and ratio.max() < 1.1
    np.testing.assert_array_equal(noise[:, :, 8:184], noise[:, :, 584:760])  # it repeats
    for period in (16, 32, 36, 64, 72, 144, 288):  # and not sooner
        first, second = noise[:, :, 8:-period], noise[:, :, 8 + period :]
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1
    rough = random.uniform(size=(1, 64, 64, 3)).astype("float32")
    assert np.abs(guidance.grain(rough, 0.3 * wanted)).max() == 0
    assert np.abs(guidance.grain(gray, 0 * wanted)).max() == 0


def test_deviations_are_those_of_smooth_and_of_rough_parts(random):
    """A geometric mean: half of a picture being flat counts, its edge hardly."""
    noise = 0.1 * random.normal(size=(1, 64, 128, 3)).astype("float32") + 0.5
    rough = np.asarray(guidance.log_deviations(noise))
    flat = np.asarray(guidance.log_deviations(0 * noise))
    np.testing.assert_allclose(flat, 0.5 * np.log(guidance._LEAST_VARIANCE), rtol=1e-5)
    noise[:, :, 64:] = 0.5
    np.testing.assert_allclose(guidance.log_deviations(noise), (rough + flat) / 2, atol=0.5)


def test_each_level_has_the_styles_mean_and_covariance(photo, painting):
    """What the decoder gets; at half resolution first. With the least epsilon."""
    model, seen = make_cascade(shares=(), epsilon=5e-7, guidance=0.0), []
    code, invert = model.encode_style(painting), model.decoder.invert

    def watched(block, features, skips, detail):
        if len(features) and (not seen or seen[-1][0] == 1 or block != seen[-1][0] - 1):
            seen.append((block, features))
        else:
            seen.append((block, None))
        return invert(block, features, skips, detail)

    model.decoder.invert = watched
    *_, (_, picture) = model._levels(model.padding(photo), code, 1.0, {})
    edge = model.margin
    found = statistics.covariance(picture[:, edge:-edge, edge:-edge])
    assert error(found[1], statistics.covariance(painting)[1]) < 1e-3
    starts = [(block, x) for block, x in seen if x is not None]
    assert [block for block, _ in starts] == [3, 2, 1, 2, 1]
    names = ["3half", "2half", "1half", "2", "1"]
    for name, (_, features) in zip(names, starts, strict=True):
        mean, covariance = model._statistics(name, features)
        np.testing.assert_allclose(mean, code[f"mean{name}"], atol=2e-3)
        root = np.asarray(code[f"root{name}"])[0]
        assert error(covariance, (root @ root)[None]) < 5e-3


def test_a_pixel_depends_on_what_is_within_the_receptive_field(painting):
    """Of a photo whose summary is that of another."""
    model = make_cascade()
    random = np.random.default_rng(0)
    side, middle = 384, 192
    photo = random.uniform(0.4, 0.6, size=(1, side, side, 3)).astype("float32")
    code = model.encode_style(painting)
    summary = model.summarize([photo], [1.0], code)

    def paint(picture):
        return model.paint_padded(model.padding(picture), code, 1.0, summary)

    found = reach(paint, photo, middle, middle + model.margin)
    assert 100 < found <= model.receptive_field == 176


def test_tiles_are_parts_of_one_picture(examples, painting):
    photo = images.read_image(examples / "chelsea.jpg", 400)[:, :64]
    photo = np.concatenate([photo, photo[:, :, ::-1]] * 2 + [photo[:, :, :103]], axis=2)
    model = make_cascade()
    assert tiling.least_tile_size(model) == 960
    code = to_numpy(model.encode_style(painting))
    found = tiling.paint_tiles(model, photo, code, 0.7, 960)
    spans = list(tiling._spans(photo.shape[2], 960, model.receptive_field, model.tile_stride))
    parts = [photo[:, :, inner] for inner, _ in spans]
    assert len(parts) == 3
    summary = model.summarize(parts, [part.shape[2] for part in parts], code, 0.7)
    expected = model.stylize_tile(photo, code, 0.7, summary)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_a_model_starts_from_the_draft_of_another(photo):
    draft, model = make_revision(), make_cascade()
    assert not np.array_equal(model.decoder.weights[0], draft.draft.decoder.weights[0])
    model.start_from(draft)
    for found, expected in zip(model.decoder.weights, draft.draft.decoder.weights, strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="must be of the class CascadeModel"):
        model.start_from(make_wct())


def test_one_with_more_levels_starts_from_the_draft_too(painting):
    draft, model = make_revision(), make_cascade(depth=4)
    model.start_from(draft)
    trained = draft.draft.decoder.get_layer
    for name in ("conv1_1", "conv2_1", "conv3_1", "image"):
        for found, expected in zip(
            model.decoder.get_layer(name).weights, trained(name).weights, strict=True
        ):
            np.testing.assert_array_equal(found, expected)
    assert model.receptive_field == 352 and len(model.shares) == 5
    assert Stylizer(model).tile_size == 1536 > TILE_SIZE  # larger than the default
    with pytest.raises(InputError, match="--tile_size: this model needs 1536 pixels or more, not"):
        Stylizer(model, tile_size=1280)
    assert {"mean4half", "mean1half", "mean2", "mean0"} <= set(model.encode_style(painting))
    narrow = InvertingDecoder((3, 4))
    with pytest.raises(ValueError, match="must have the same widths in the first 2 blocks"):
        model.decoder.start_from(narrow)
    first = draft.draft.encoder.weights[0]
    first.assign(1.01 * first)
    with pytest.raises(ValueError, match="must have the same encoder"):
        model.start_from(draft)


def test_arguments_are_kept():
    given = {"grain": 0.5, "guidance": 0.25, "recoloring": 0.1, "shares": (0.5,) * 4}
    model = make_cascade(**given)
    config = model.get_config()
    assert {name: config[name] for name in given} == given
    create = functools.partial(models.create_model, "wct", "lite")
    for name, value in (("grain", -1.0), ("guidance", 1.5), ("recoloring", -0.1)):
        with pytest.raises(ValueError, match=f"`{name}` must be .* Received: {name}={value}"):
            create(**{name: value})
