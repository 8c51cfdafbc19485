"""Models of a transformation network: fixed styles, and styles that a network predicts."""

import numpy as np
import pytest
import tensorflow as tf

from tests import half_precision
from tests.fixed_style_examples import EXAMPLES, inputs_of, make
from tests.golden import generate_fixed_styles as golden
from tfstyle import images, losses, models
from tfstyle.config import TrainConfig
from tfstyle.exporting import tflite
from tfstyle.exporting.signatures import ENCODE_INDEX, ENCODE_STYLE, TRANSFER, Signatures
from tfstyle.metrics import psnr
from tfstyle.models import transform_network
from tfstyle.models.capabilities import MixableCodes
from tfstyle.models.conditional import ConditionalModel
from tfstyle.models.stylebank import StyleBankModel
from tfstyle.runtime.litert import Network
from tfstyle.stylization import Stylizer, tiling
from tfstyle.training.steps import Stepper


@pytest.fixture(scope="module", params=EXAMPLES)
def model(request):
    """One that no test changes."""
    return EXAMPLES[request.param]()


@pytest.fixture(scope="module", params=[name for name in EXAMPLES if "mobilenet" not in name])
def painter(request):
    """A model of each network that paints; how a style is encoded makes no difference to it."""
    return EXAMPLES[request.param]()


def code_of(model, painting, number=0):
    return model.encode(inputs_of(model, None, painting, [number]))


@pytest.mark.parametrize("name", ["residual", "bank"])
def test_pictures_are_those_of_the_papers(name):
    """Float32 and float64 differ by rounding alone."""
    blocks = golden.BLOCKS if name == "residual" else 0
    network = transform_network.TransformNetwork(
        golden.WIDTHS, blocks, golden.KERNEL, golden.MARGIN
    )
    network.build()
    for kernel_name, kernel in golden.kernels(blocks).items():
        network.get_layer(kernel_name).set_weights([kernel])
    content, middle, widths = golden.picture()[None], None, dict(network.normalized)
    if name == "bank":
        bank = golden.filters()
        model = make(StyleBankModel, style_names=("a", "b"), widths=golden.WIDTHS)
        for table, kernel in zip(model.filters, bank, strict=True):
            rows = np.array(table)
            rows[1] = kernel.ravel()
            table.assign(rows)
        widths.update(model._bank_channels)
        vectors = golden.affine(widths)
        own = np.concatenate([vectors[key] for key in model._bank_channels])
        model.affine.assign(np.stack([np.zeros_like(own), own]))
        middle = model._middle({"shares": [[0.0, 1.0]]}, 1.0)
    affine = {key: value[None] for key, value in golden.affine(widths).items()}
    with np.load(golden.PATH) as expected:
        found = network(content, affine, middle=middle)[0]
        np.testing.assert_allclose(found, expected[name], atol=2e-5)


@pytest.mark.parametrize("shape", [(64, 64), (47, 51)])
def test_a_picture_has_the_size_of_its_content(model, shape, random, painting):
    content = random.uniform(size=(2, *shape, 3)).astype("float32")
    code = code_of(model, painting)
    both = np.asarray(model.stylize(content, code))
    assert both.shape == content.shape and both.min() >= 0 and both.max() <= 1
    np.testing.assert_allclose(both[1:], model.stylize(content[1:], code), atol=1e-5)
    np.testing.assert_allclose(model.stylize(content, code, 0.0), content, atol=1e-6)
    half = model.stylize(content, code, np.array([0.0, 1.0], "f4"))
    np.testing.assert_allclose(half[0], content[0], atol=1e-6)
    np.testing.assert_allclose(half[1], both[1], atol=1e-5)


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_a_photo_of_one_colour_has_a_picture(level, painting):
    """Of as many layers as they have by default; features of its margin do not grow and grow."""
    model = make(ConditionalModel, style_names=("one",))
    flat = np.full((1, 64, 64, 3), level, "f4")
    seen = []
    steps = model.network._steps(flat, model._affine(code_of(model, painting)), None)
    _, own = next(steps)
    with pytest.raises(StopIteration) as end:
        while True:
            seen.append(float(np.abs(own).max()))
            _, own = steps.send(own)
    assert len(seen) == 16 and max(seen) < 1e4 and np.isfinite(end.value.value).all()


def test_styles_differ_and_mixtures_are_between(photo, painting):
    for name in ("conditional", "stylebank"):
        stylizer = Stylizer(EXAMPLES[name]())
        codes = [stylizer.named_style(one) for one in ("one", "two")]
        first, second, mixed = (
            stylizer.paint(photo, code) for code in (*codes, stylizer.mix(codes, [3, 1]))
        )
        assert np.abs(first - second).mean() > 1e-3
        assert 0 < np.abs(mixed - first).mean() < np.abs(mixed - second).mean()
        np.testing.assert_allclose(stylizer.mix(codes, [3, 1])["shares"], [[0.75, 0.25, 0.0]])
        assert isinstance(stylizer.model, MixableCodes)


def test_banks_are_mixed_by_region(photo, random):
    model = EXAMPLES["stylebank"]()
    codes = [model.encode_index(np.array([number], "i4")) for number in (0, 1)]
    first, second = (np.asarray(model.stylize(photo, code)) for code in codes)
    weights = np.zeros((1, 64, 96, 2), "f4")
    weights[:, :, :40, 0] = weights[:, :, 40:, 1] = 1
    same = model.stylize(photo, model.mix_by_region(codes[:1] * 2, weights))
    np.testing.assert_allclose(same, first, atol=1e-5)
    ones = model.mix_by_region(codes, np.ones_like(weights) * np.float32([0, 1]))
    np.testing.assert_allclose(model.stylize(photo, ones), second, atol=1e-5)
    code = model.mix_by_region(codes, weights)
    both = np.asarray(model.stylize(photo, code))
    for part, near, far in ((slice(0, 24), first, second), (slice(56, 96), second, first)):
        errors = [np.abs(both - one)[:, :, part].mean() for one in (near, far)]
        assert errors[0] < errors[1] / 2
    np.testing.assert_allclose(model.stylize(photo, code, 0.0), photo, atol=1e-6)

    def features(code):
        """Of the bank, before the decoder; nothing is normalized."""

        def normalize(name, features, vector):
            yield
            return features

        steps = model._middle(code, 1.0)(x, normalize)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return np.asarray(end.value)

    side = (64 + 2 * model.margin) // 4, (96 + 2 * model.margin) // 4
    x = random.normal(size=(1, *side, 8)).astype("f4")
    edge = (40 + model.margin) // 4
    expected = np.concatenate(
        [features(codes[0])[:, :, :edge], features(codes[1])[:, :, edge:]], axis=2
    )
    right = (96 + model.margin) // 4  # beyond it, the margin mirrors the right part
    np.testing.assert_allclose(features(code)[:, :, 2:right], expected[:, :, 2:right], atol=1e-5)


def test_files_give_equal_pictures(model, photo, painting, tmp_path):
    code = code_of(model, painting)
    expected = model.stylize(photo, code)
    model.save(tmp_path / "model.keras")
    models.pack_model(model, tmp_path / "packed.npz")  # without what only training needs
    loaded = models.load_model(tmp_path / "packed.npz")
    np.testing.assert_allclose(loaded.stylize(photo, code), expected, atol=0.02)
    loaded = models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.stylize(photo, code), expected)
    assert loaded.code_identity() == model.code_identity() == model.for_inference().code_identity()
    assert len(loaded.trainable_variables) == len(model.trainable_variables)
    batch = inputs_of(model, photo[:, :, :64], painting, [0])
    assert float(loaded.compute_loss(batch)) == float(model.compute_loss(batch))


def test_gradients_reach_what_is_trained_and_nothing_else(model, photo, painting):
    batch = inputs_of(model, *(np.concatenate([one] * 3) for one in (photo, painting)), [0, 1, 2])
    batch["content"] = batch["content"][:, :, :64]
    with tf.GradientTape() as tape:
        terms = model.loss_terms(batch)
    total = sum(float(value) for name, value in terms.items() if name != "total")
    assert float(terms["total"]) == pytest.approx(total, rel=1e-5)
    variables = model.trainable_variables
    for gradient in tape.gradient(terms["total"], [variable.value for variable in variables]):
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0
    frozen = {id(variable) for variable in model.encoder.weights}
    assert not frozen & {id(variable) for variable in variables}


def test_mixed_precision_is_near_float32(photo, painting):
    for name in ("stylebank", "ghiasi-mobilenet"):
        found = []
        for dtype in (None, "mixed_bfloat16"):
            model = EXAMPLES[name](dtype=dtype)
            batch = inputs_of(model, photo[:, :, :64], painting, [0])
            found.append(float(model.loss_terms(batch)["total"]))
        assert found[0] != found[1] == pytest.approx(found[0], rel=0.05)


def test_targets_are_those_of_whole_paintings(painting, photo):
    """Each sample has its own painting's; sizes may differ."""
    for loss in ("gram:0.5,mean_std", "mmd_gaussian", "wasserstein", "histogram"):
        model = EXAMPLES["conditional"](style_loss=loss)
        paintings = [painting, painting[:, :40, ::-1] ** 2, painting[:, :48] * 0.5]
        pairs = [
            model.loss_terms({**inputs_of(model, photo, one, [number])})
            for number, one in ((0, paintings[0]), (2, paintings[2]))
        ]
        model.set_paintings(paintings)
        contents = np.concatenate([photo, photo])
        both = model.loss_terms({"content": contents, "style_index": np.array([0, 2])})
        for name, value in both.items():
            expected = np.mean([float(one[name]) for one in pairs])
            assert float(value) == pytest.approx(expected, rel=1e-3)  # a histogram of few positions
        assert [len(one) > 500 for one in model.style_thumbnails] == [True] * 3


def test_content_is_what_a_photo_shows_not_its_contrast(photo, painting):
    """Of channels with other means and deviations; a picture without features has lost it all."""
    model = EXAMPLES["conditional"]()
    features = model.encoder(photo)
    targets = model._loss.targets(features, [model.encoder(painting)])

    def content(change):
        terms = model._loss(targets, {name: change(one) for name, one in features.items()}, photo)
        return sum(float(value) for name, value in terms.items() if name.startswith("content/"))

    assert content(lambda one: 3.0 * one + 1.0) < 1e-3
    assert 0.5 < content(lambda one: 0.0 * one) < content(lambda one: -one)


def test_tiles_are_the_picture_with_the_photos_moments(painter, examples, painting):
    model = painter
    wide = images.read_image(examples / "chelsea.jpg", 200)[:, :131, :199].copy()
    code, size = code_of(model, painting), 144
    assert tiling.least_tile_size(model) <= size
    found = tiling.paint_tiles(model, wide, code, 0.8, size)
    summary = tiling.summarize(model, wide, code, 0.8, size)
    everywhere = np.asarray(model.stylize_tile(wide, code, 0.8, summary))
    np.testing.assert_allclose(found, everywhere, atol=2e-5)
    whole = np.asarray(model.stylize(wide, code, 0.8))
    assert 0 < np.abs(found - whole).mean() < 0.01
    exact = model.summarize([wide], [1.0], code, 0.8)
    np.testing.assert_allclose(model.stylize_tile(wide, code, 0.8, exact), whole, atol=1e-5)


def test_moments_of_parts_are_those_of_the_whole(painter, examples, painting):
    """But for features at the parts' borders, of which there are fewer in larger parts."""
    model = painter
    wide = images.read_image(examples / "chelsea.jpg", 256)[:, :128, :256]
    code = code_of(model, painting)
    expected = np.asarray(model.summarize([wide], [1.0], code)["moments"])
    errors = []
    for side in (32, 64):
        places = [(y, x) for y in range(0, 128, side) for x in range(0, 256, side)]
        parts = [wide[:, y : y + side, x : x + side] for y, x in places]
        found = model.summarize(parts, [1.0] * len(parts), code)["moments"]
        errors.append(float(np.abs(found - expected).mean() / np.abs(expected).mean()))
    assert 0 < errors[1] < errors[0] < 0.1


def test_the_receptive_field_is_what_pixels_depend_on(painter, random, painting):
    """With given moments; a pixel further away changes nothing."""
    model = painter
    field = model.receptive_field
    side = 2 * field + 24
    tile = random.uniform(size=(1, side, side, 3)).astype("float32")
    other = tile.copy()
    other[:, :, : field - 4] = random.uniform(size=(field - 4, 3))
    code = code_of(model, painting)
    summary = model.summarize([tile], [1.0], code)
    one, two = (np.asarray(model.stylize_tile(x, code, 1.0, summary)) for x in (tile, other))
    np.testing.assert_array_equal(one[:, :, 2 * field :], two[:, :, 2 * field :])
    assert np.abs(one[:, :, :field] - two[:, :, :field]).max() > 1e-3


def test_a_new_style_leaves_the_others_as_they_are(photo, painting, tmp_path):
    """Those of a packed model, as `gallery`; of a `stylebank` in the tests of programs."""
    trained = make(ConditionalModel, style_names=("one", "two"), blocks=1)
    trained.style_credits = ("By one, 1900.", "")
    trained.set_paintings([painting, painting])
    models.pack_model(trained, tmp_path / "packed.npz")
    trained = models.load_model(tmp_path / "packed.npz")
    grown = make(ConditionalModel, style_names=("one", "two", "new"), blocks=1)
    grown.keep_styles(trained)
    grown.set_paintings([painting[:, ::-1]], 2)
    assert grown.style_credits == ("By one, 1900.", "", "")
    assert grown.style_thumbnails[:2] == trained.style_thumbnails
    before = [np.asarray(grown.stylize(photo, code_of(grown, None, k))) for k in range(3)]
    stepper = stepper_of(grown)
    batch = {"content": np.uint8(255 * photo), "style_index": np.array([2], "i4")}
    for step in range(1, 7):
        stepper.train_step(batch, step)
    for number in range(3):
        found = np.asarray(grown.stylize(photo, code_of(grown, None, number)))
        assert (found == before[number]).all() == (number < 2)
        if number < 2:
            old = trained.stylize(photo, code_of(trained, None, number))
            np.testing.assert_array_equal(found, old)


def stepper_of(model):
    config = TrainConfig(learning_rate=1e-2, warmup_steps=0, steps=100, ema=0.9)
    return Stepper(model, config, tf.distribute.get_strategy())


def test_rows_of_rare_styles_move_as_far(photo, painting):
    """Adam's first step is the rate; with eight styles and two samples, a row has twice that."""
    model = make(ConditionalModel, style_names=tuple("abcdefgh"), blocks=1)
    model.set_paintings([painting] * 8)
    config = TrainConfig(learning_rate=1e-2, warmup_steps=0, steps=10**6, batch_size=2)
    batch = {"content": np.repeat(np.uint8(255 * photo), 2, axis=0)}
    first = model.network.weights[0]
    before = np.array(model.affine), np.array(first)
    stepper = Stepper(model, config, tf.distribute.get_strategy())
    stepper.train_step({**batch, "style_index": np.array([0, 3], "i4")})
    rows, kernel = (
        np.array(model.affine) - before[0],
        np.array(model.network.weights[0]) - before[1],
    )
    assert np.abs(kernel).max() == pytest.approx(0.01, rel=0.05)
    assert np.abs(rows[[0, 3]]).max(axis=1) == pytest.approx([0.02, 0.02], rel=0.05)
    assert not rows[[1, 2, 4, 5, 6, 7]].any()
    grown = make(ConditionalModel, style_names=tuple("abcdefghi"), blocks=1)
    grown.keep_styles(model)
    assert grown.affine.sample_share == 1.0


def test_reconstruction_steps_leave_the_banks_alone_and_learn_it(photo, painting):
    model = make(StyleBankModel, style_names=("one", "two", "three"), widths=(8, 12, 16))
    assert [model.loss_of(step) for step in range(1, 7)] == (
        ["loss_terms", "loss_terms", "identity_terms"] * 2
    )
    model.set_paintings([painting] * 3)
    stepper = stepper_of(model)
    batch = {"content": np.uint8(255 * photo), "style_index": np.array([0], "i4")}

    def values():
        return [[np.array(one) for one in part] for part in (model._tables, model._shared_weights)]

    for step in (1, 3):
        before = values()
        terms = stepper.train_step(batch, step)
        banks, shared = (
            [bool((one != other).any()) for one, other in zip(old, new, strict=True)]
            for old, new in zip(before, values(), strict=True)
        )
        assert all(shared) and (all(banks) if step == 1 else not any(banks))
        assert ("identity" in terms) == (step == 3)
    for _ in range(60):
        last = stepper.train_step(batch, 3)
    assert float(last["identity"]) < 0.2 * float(terms["identity"])
    assert psnr(np.asarray(model.reconstruct(photo)), photo) > 15


def test_it_starts_from_a_model_of_other_styles(painting, photo):
    trained = EXAMPLES["conditional"]()
    new = make(ConditionalModel, style_names=("two", "four"), blocks=1)
    new.start_from(trained)
    same = (
        new.stylize(photo, code_of(new, None, 0)),
        trained.stylize(photo, code_of(trained, None, 1)),
    )
    np.testing.assert_allclose(*same, atol=1e-6)
    np.testing.assert_allclose(new.affine[1], np.mean(trained.affine, axis=0), atol=1e-6)
    with pytest.raises(ValueError, match="must have a network of the same sizes"):
        make(ConditionalModel, style_names=("a",), blocks=2).start_from(trained)
    with pytest.raises(ValueError, match="must be of the class StyleBankModel"):
        EXAMPLES["stylebank"]().keep_styles(trained)


def make_noisy():
    return make(ConditionalModel, style_names=("one", "two"), blocks=1, noise=3)


def test_a_model_with_noise_starts_from_one_without(photo, painting):
    """Whose picture it paints as long as the noise's kernel is 0, as in a new model."""
    trained, model = make(ConditionalModel, style_names=("one", "two"), blocks=1), make_noisy()
    new = type(model).from_config(model.get_config())
    new.build()
    assert not np.any(new.network.noise_kernel)
    code = code_of(model, painting)
    model.start_from(trained)
    expected = np.asarray(trained.stylize(photo, code))
    assert np.abs(model.stylize(photo, code) - expected).max() > 1e-3
    model.network.noise_kernel.assign(np.zeros((3, 3, 3, 4), "f4"))
    np.testing.assert_array_equal(model.stylize(photo, code), expected)
    with pytest.raises(ValueError, match="must have a network of the same sizes"):
        trained.start_from(model)


def test_tiles_with_noise_are_parts_of_one_picture(examples, painting):
    photo = images.read_image(examples / "chelsea.jpg", 400)[:, :64]
    photo = np.concatenate([photo, photo[:, :, ::-1], photo[:, :, :103]], axis=2)
    model = make_noisy()
    size = tiling.least_tile_size(model)
    assert model.tile_stride == 576 < size < 800
    code = code_of(model, painting)
    found = tiling.paint_tiles(model, photo, code, 0.7, size)
    summary = tiling.summarize(model, photo, code, 0.7, size)
    expected = model.stylize_tile(photo, code, 0.7, summary)
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize("name", ["conditional", "stylebank", "ghiasi", "noise"])
def test_it_is_a_tflite_file_in_half_precision_too(name, photo, painting):
    """As an app runs it: the code by itself, the mixture of styles an input."""
    model = (make_noisy if name == "noise" else EXAMPLES[name])().for_inference()
    content, size = photo[:, :, :64], (64, 64)
    signatures = Signatures(model, size).by_name
    names = [key for key in (ENCODE_INDEX, ENCODE_STYLE, TRANSFER) if key in signatures]
    entries = [tflite.entries_of(signatures[key], [size], size)[0] for key in names]
    data = tflite.convert(model, entries, "float32")
    network = Network(data, 1, name)
    code = {key: np.asarray(value) for key, value in code_of(model, painting).items()}
    inputs = {"content": content, "strength": np.ones(1, "f4")}
    if "shares" in code:
        count = len(model.style_names)
        code = {"shares": np.array([[0.2, 0.5, 0.3][:count]], "f4")}
        assert network.inputs(TRANSFER)["code_shares"].shape == (1, count)
    inputs.update({f"code_{key}": value for key, value in code.items()})
    expected = np.asarray(model.stylize(content, code))
    np.testing.assert_allclose(network.run(TRANSFER, inputs)["stylized"], expected, atol=2e-4)
    assert psnr(half_precision.run(data, TRANSFER, inputs)["stylized"], expected) > 40
    small = [abs(one) for one in half_precision.scalars_of(data) if one]
    assert min(small) > 0.99e-4


def test_every_style_loss_compares_batches_with_targets_of_their_own(random):
    """Stacked, they are those of each picture by itself."""
    features = random.uniform(size=(2, 8, 8, 5)).astype("f4")
    other = random.uniform(size=(2, 8, 8, 5)).astype("f4")
    loss = losses.make_style_loss("mmd_gaussian")
    alone = [loss(loss.target([features[k : k + 1]]), other[k : k + 1]) for k in range(2)]
    both = loss(loss.target([features]), other)
    assert float(both) == pytest.approx(np.mean([float(one) for one in alone]), rel=1e-5)
