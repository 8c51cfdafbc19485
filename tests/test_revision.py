"""The draft and its revision: in float64 NumPy, its loss, growth, tiles, and its int8 files."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

from tests.float64_layers import convolve, double, named_weights
from tests.model_examples import make_adain, make_encoder, make_revision, only_with_all, reach
from tests.test_covariances import root_of
from tfstyle import images, losses, models
from tfstyle.__main__ import main
from tfstyle.encoders.layer_names import BLOCKS
from tfstyle.exporting import profiling, tflite
from tfstyle.exporting.signatures import CODE, TRANSFER, Signatures, flatten
from tfstyle.images.guided_filter import guided_filter
from tfstyle.models import guidance
from tfstyle.models.draft_revision import STYLE_LAYERS, DraftRevisionModel, make_draft
from tfstyle.models.revision import Revision
from tfstyle.runtime.litert import Network
from tfstyle.stylization import tiling


def pad(picture, margin):
    return np.pad(picture, ((0, 0), (margin,) * 2, (margin,) * 2, (0, 0)), mode="reflect")


def half(maps):
    return sum(maps[i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4


def moments(maps):
    flat = maps.reshape(-1, maps.shape[-1])
    return flat.mean(0), np.cov(flat.T, bias=True)


def reference_draft(draft, content, style, strength):
    """From pictures of half the size; `content` has its margin, which remains."""
    weights = named_weights(draft.decoder)

    def layer(name, x):
        return convolve(x, weights[f"{name}/kernel"]) + weights[f"{name}/bias"]

    def features_of(picture):
        found = draft.encoder(picture[None].astype("float32"))
        return {k: np.asarray(v, np.float64)[0] / draft.scales[k] for k, v in found.items()}

    def inner(maps, block):
        edge = draft.margin // 2 ** max(block - 1, 0)
        return maps[edge:-edge, edge:-edge]

    before, target = features_of(content), features_of(pad(style[None], draft.margin)[0])
    x = before[f"relu{draft.depth}_1"]
    levels = ((3, 0.3, 1e-3), (2, 0.7, 1e-3), (1, 0.8, 1e-3), (0, 1.0, 5e-7))
    for block, most, epsilon in levels[3 - draft.depth :]:
        mean, spread = moments(inner(x, block))
        known = inner(target[f"relu{block}_1"], block) if block else style
        wanted, wanted_spread = moments(known)
        root = root_of(wanted_spread)
        product = root @ spread @ root  # Lu et al., equation of the optimal transport
        product = product + epsilon * np.trace(product) * np.eye(len(root))
        matrix = root @ root_of(product, -0.5) @ root
        part = most * strength
        x = part * ((x - mean) @ matrix.T + wanted) + (1 - part) * x
        if block:
            x = np.maximum(x, 0)
        if block > 1:
            x = double(np.maximum(layer(f"conv{block}_1", x), 0))
            detail = before[f"relu{block - 1}_{BLOCKS[block - 2]}"]
            x = x + 0.5 * (detail - double(half(detail)))
            for k in range(BLOCKS[block - 2], 1, -1):
                x = np.maximum(layer(f"conv{block - 1}_{k}", x), 0)
        elif block:
            x = layer("image", np.maximum(layer("conv1_1", x), 0))
    return x


def even(detail, number, grain):
    """With noise, and divided by the deviation in windows of 8 × 8, or of 4 × 4."""
    times = 2 if number == 2 else 3
    for pattern in guidance._NOISE[number]:  # whose product is the noise
        rows, columns = (np.arange(length) % len(pattern) for length in detail.shape[:2])
        grain = grain * pattern[rows][:, columns, None]
    detail = detail + grain
    variance = (16 * detail) ** 2
    for _ in range(times):
        variance = half(variance)
    for _ in range(times):
        variance = double(variance)
    return 16 * detail / np.sqrt(variance + 0.01)


def reference_revision(revision, maps, vector):
    weights = named_weights(revision)
    affine = vector @ weights["affine/kernel"] + weights["affine/bias"]
    scales, shifts = np.split(affine, 2)
    start = 0

    def step(name, x, stride=1):
        nonlocal start
        x = convolve(x, weights[f"{name}/kernel"]) + weights[f"{name}/bias"]
        x = x[stride - 1 :: stride, stride - 1 :: stride]  # padded on the right alone
        stop = start + x.shape[-1]
        x = x * (1 + scales[start:stop]) + shifts[start:stop]
        start = stop
        return x

    def active(x):
        return np.minimum(np.where(x > 0, x, 0.2 * x), 6)

    full = active(step("down1", maps))
    middle = active(step("down2", full, 2))
    x = active(step("down3", middle, 2))
    for k in range(1, revision.blocks + 1):
        x = x + step(f"block{k}_2", active(step(f"block{k}_1", x)))
    x = active(step("up1", double(x))) + middle
    x = active(step("up2", double(x))) + full
    return convolve(x, weights["image/kernel"]) + weights["image/bias"]


def reference(model, content, style, strength):
    """The picture of one image, whose sides are multiples of 16, as the classes describe it."""
    photo = np.float64(pad(content, model.margin)[0])
    style = np.float64(style)
    small, small_style = photo, style[0]
    for _ in range(model.halvings):
        small, small_style = half(small), half(small_style)
    draft = reference_draft(model.draft, small, small_style, strength)
    numbers = []
    whole = model.draft.encoder(style.astype("float32"))
    smaller = model.draft.encoder(model.draft.padding(small_style[None].astype("float32")))
    for block in (3, 2, 1):
        for features, margin in ((whole, 0), (smaller, model.draft.margin // 2 ** (block - 1))):
            if features is smaller and block > model.draft.depth:
                continue
            maps = np.asarray(features[f"relu{block}_1"], np.float64)[0]
            maps = maps[margin : len(maps) - margin, margin : maps.shape[1] - margin]
            maps = maps / model.draft.scales[f"relu{block}_1"]
            numbers += [maps.mean((0, 1)), np.sqrt(maps.var((0, 1)) + 1e-5)]
    kernel, bias = (np.asarray(weight, np.float64) for weight in model._to_vector.weights)
    vector = np.maximum((np.concatenate(numbers) - 0.5) @ kernel + bias, 0)
    if model.guidance:
        cells, cells_of_guide = half(half(draft)), half(half(half(photo)))
        filtered = guided_filter(cells, cells_of_guide, guidance._RADIUS, guidance._EPSILON)
        draft = draft + model.guidance * double(double(filtered - cells))
    for _ in range(model.halvings):
        draft = double(draft)
    low = photo @ [[0.299], [0.587], [0.114]]
    maps = [2 * photo - 1, 2 * draft - 1]
    for number in range(model.revision.bands):
        high, low = low, half(low)
        band = high - double(low)
        if not number:
            fine = band
            maps.append(6 * band)
        elif number < model.halvings:
            fine = fine + double(band)
        band = even(band, number, model.revision.grain)
        for _ in range(number):
            band = double(band)
        maps.append(band)
    added = reference_revision(model.revision, np.concatenate(maps, -1), vector)
    margin = slice(model.margin, -model.margin)
    image = (draft + 0.8 * fine + strength * added)[margin, margin]
    rest = (1 - strength) ** 2
    return rest * content[0] + (1 - rest) * np.clip(image, 0, 1)


RICH = {"bands": 3, "grain": 0.006, "guidance": 0.5}  # as `quality`
SMALL = {"halvings": 2, "depth": 2}  # as `nano`


@pytest.fixture
def small(request):
    """With scales and shifts that differ from one another, as after training."""
    model = make_revision(blocks=2, **getattr(request, "param", {}))
    dense = model.revision.get_layer("affine")
    dense.kernel.assign(3.0 * dense.kernel)
    return model


@pytest.mark.parametrize("small", [{}, RICH, SMALL], indirect=True)
@pytest.mark.parametrize("strength", [1.0, 0.6])
def test_pictures_are_those_of_float64(strength, small, photo, painting):
    content = photo[:, :, :64]
    found = small.stylize(content, small.encode_style(painting), strength)
    expected = reference(small, content, painting, strength)
    assert expected.std() > 0.1 and np.mean((expected > 0) & (expected < 1)) > 0.5
    difference = np.abs(found[0] - expected)
    assert difference.max() < 0.01 and difference.mean() < 2e-4


def test_the_loss_is_the_sum_of_what_the_class_names(photo, painting):
    model = make_revision(blocks=1, content_weight=0.5, style_weight=3.0)
    model.eye.weights[0].assign(1.5 * model.eye.weights[0])  # another than that of codes
    content = photo[:, :, :64]
    terms = model.loss_terms({"content": content, "style": painting})
    image = np.asarray(model._paint(content, model.encode_style(painting)))
    before, style, after = (
        {k: np.asarray(v, np.float64)[0] for k, v in model.eye(picture).items()}
        for picture in (content, painting, image)
    )

    def normalized(maps):
        variance = maps.var((0, 1))
        return (maps - maps.mean((0, 1))) / np.sqrt(variance + 1e-3 * variance.mean())

    error = (normalized(after["relu4_1"]) - normalized(before["relu4_1"])) ** 2
    expected = {"content/relu4_1": 0.5 * error.mean()}
    for name in STYLE_LAYERS:
        moments = []
        for maps in (after[name], style[name]):
            flat = maps.reshape(-1, maps.shape[-1])
            moments.append((flat.mean(0), np.cov(flat.T, bias=True)))
        (mean, covariance), (wanted, spread) = moments
        roots = np.sqrt(np.maximum(np.linalg.eigvals(covariance @ spread).real, 0)).sum()
        distance = ((mean - wanted) ** 2).sum() + np.trace(covariance + spread) - 2 * roots
        relative = distance / ((wanted**2).sum() + np.trace(spread))
        expected[f"style/{name}"] = 3.0 / 4 * 6 * relative
    beyond = np.maximum(image - 1, 0) + np.maximum(-image, 0)
    expected["range"] = 20 * (beyond**2).mean()
    expected["grid"] = 300.0 * losses.GridLoss(8, cells=6)(image, image)
    expected["content/edges"] = losses.EdgeLoss((1, 2, 4))(content, image)
    expected["content/smoothness"] = 8.0 * losses.SmoothnessLoss()(content, image)
    colors = losses.SlicedWassersteinLoss(projections=12, levels=256, normalize=False)
    small, wanted = (half(half(np.asarray(one)[0]))[None] for one in (image, painting))
    expected["style/colors"] = 60 * colors(colors.target([wanted]), small)
    expected["total"] = sum(expected.values())
    assert terms.keys() == expected.keys() and expected["range"] > 0
    for name, value in expected.items():
        assert float(terms[name]) == pytest.approx(float(value), rel=2e-3)


def test_mixtures_of_codes_are_those_of_vectors(small, painting):
    """Scales and shifts are an affine function of the vector."""
    codes = [small.encode_style(one)["modulation"] for one in (painting, 1.0 - painting)]
    vectors = np.random.default_rng(0).normal(size=(2, 12)).astype("float32")
    mixed = small.revision.modulation(0.3 * vectors[:1] + 0.7 * vectors[1:])
    first, second = np.asarray(small.revision.modulation(vectors))
    np.testing.assert_allclose(mixed[0], 0.3 * first + 0.7 * second, atol=1e-5)
    assert np.abs(codes[0] - codes[1]).max() > 1e-3


def check_start(model, trained, photo, painting):
    """Checks that a model paints as a trained one once it starts from it, and not before."""
    wanted = trained.stylize(photo, trained.encode_style(painting), 0.7)
    before = model.stylize(photo, model.encode_style(painting), 0.7)
    assert np.abs(before - wanted).max() > 0.05
    model.start_from(trained)
    found = model.stylize(photo, model.encode_style(painting), 0.7)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_larger_model_starts_as_a_trained_one(small, photo, painting):
    """With more channels, blocks and units."""
    small = small.for_inference()  # as they ship
    large = make_revision(widths=(5, 7, 8), blocks=3, hidden=15, bands=3)
    check_start(large, small, photo, painting)
    with tf.GradientTape() as tape:
        total = large.loss_terms({"content": photo[:, :, :64], "style": painting})["total"]
    trained = [v for v in large.revision.trainable_variables if "block3_1" not in v.path]
    for gradient in tape.gradient(total, [v.value for v in trained]):
        assert np.abs(gradient).max() > 0, "it can learn with all of them"


def test_a_smaller_model_keeps_the_channels_that_count(photo, painting, random):
    """Of a model whose other channels, units and blocks add nothing."""
    large = make_revision(widths=(7, 8, 9), blocks=3, hidden=14, bands=3)
    revision = large.revision
    revision.affine.kernel.assign(3.0 * revision.affine.kernel)
    dead = {
        name: random.permutation(count)[:few]
        for name, count, few in (
            ("full", 7, 3), ("half", 8, 3), ("quarter", 9, 2), ("block1", 9, 2), ("block2", 9, 2),
        )
    }  # fmt: skip
    readers = {
        "full": ("down2", "image"), "half": ("down3", "up2"), "block1": ("block1_2",),
        "quarter": ("up1", "block1_1", "block2_1", "block3_1"),
    }  # fmt: skip
    for group, names in readers.items():
        for name in names:
            kernel = np.array(revision.get_layer(name).kernel)
            kernel[:, :, dead[group]] = 0.0
            revision.get_layer(name).kernel.assign(kernel)
    kernel, bias = revision.get_layer("block2_1").get_weights()  # dead by what makes them
    kernel[..., dead["block2"]] = bias[dead["block2"]] = 0.0
    revision.get_layer("block2_1").set_weights([kernel, bias])
    kernel, bias = (np.array(one) for one in revision.affine.weights)
    shifts = len(bias) // 2 + 7 + 8 + 3 * 9 + dead["block2"]
    kernel[:, shifts] = bias[shifts] = 0.0
    revision.affine.set_weights([kernel, bias])
    kernel[random.permutation(14)[:5]] = 0.0
    revision.affine.kernel.assign(kernel)
    kernel = np.array(revision.get_layer("down1").kernel)
    kernel[:, :, -1] = 0.0  # of the third band
    revision.get_layer("down1").kernel.assign(kernel)
    last = revision.get_layer("block3_2")
    start = 2 * 9 * 2 + 7 + 8 + 9  # of the last block's scales
    bias = np.array(revision.affine.bias)
    kernel = np.array(revision.affine.kernel)
    for half in (0, len(bias) // 2):
        place = slice(half + start + 9, half + start + 18)
        kernel[:, place], bias[place] = 0.0, 0.0
    revision.affine.set_weights([kernel, bias])
    last.set_weights([0.0 * one for one in last.get_weights()])
    small = make_revision(widths=(4, 5, 7), blocks=2, hidden=9)
    check_start(small, large, photo, painting)


def test_a_shallower_draft_starts_with_what_it_has_of_a_deeper_one(painting):
    large, small = make_revision(blocks=1), make_revision(blocks=1, hidden=7, depth=2)
    small.start_from(large)
    code = large.encode_style(painting)
    description = np.array(large._description(painting, code))
    size = 2 * large.draft.decoder.widths[2]
    description[:, size : 2 * size] = description[:, :size]  # of relu3_1 in full resolution
    expected = large._to_vector(description - 0.5).numpy()[0]
    found = small._to_vector(small._description(painting, code) - 0.5).numpy()[0]
    assert len(found) == 7 and all(np.abs(one - expected).min() < 1e-5 for one in found)
    assert found.max() > 0.05
    known = named_weights(large.draft.decoder)
    for name, weight in named_weights(small.draft.decoder).items():
        np.testing.assert_array_equal(weight, known[name])
    before = large._to_vector(description - 0.5)
    large.start_from(small)  # and the other way, it describes styles as this one
    code = small.encode_style(painting)
    found = large._to_vector(large._description(painting, large.encode_style(painting)) - 0.5)
    expected = small._to_vector(small._description(painting, code) - 0.5)
    np.testing.assert_allclose(found[:, :7], expected, atol=1e-5)
    assert np.abs(found - before).max() > 1e-3


def with_another_encoder(model):
    first = model.draft.encoder.weights[0]
    first.assign(1.01 * first)
    return model


@pytest.mark.parametrize(
    ("trained", "message"),
    [
        (make_adain, "must be a DraftRevisionModel. Received: AdaINModel"),
        (lambda: with_another_encoder(make_revision()), "must have the same encoder"),
    ],
)
def test_what_no_model_starts_from(trained, message):
    model = make_revision()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.start_from(trained())
    for value, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, other)


def test_for_inference_has_no_eye(photo, painting):
    model = make_revision(blocks=1, style_weight=3.0)
    copy = model.for_inference()
    inputs = {"content": photo, "style": painting, "strength": np.array([0.6], "float32")}
    np.testing.assert_allclose(copy(inputs), model(inputs), atol=1e-6)
    assert copy.eye is None and copy.style_weight == 3.0
    assert len(copy.weights) == len(model.weights) - len(model.eye.weights)
    assert copy.code_identity() == model.code_identity()
    copy.revision.get_layer("image").kernel.assign(0 * copy.revision.get_layer("image").kernel)
    assert np.abs(copy(inputs) - model(inputs)).max() > 1e-3, "a copy"


def test_codes_are_known_by_what_they_are_made_of():
    model = make_revision(blocks=1)
    known = model.code_identity()
    model.revision.get_layer("down1").kernel.assign(2 * model.revision.get_layer("down1").kernel)
    model.draft.decoder.weights[0].assign(2 * model.draft.decoder.weights[0])
    assert model.code_identity() == known
    for part in (model.revision.get_layer("affine"), model._to_vector, model.draft.encoder):
        before, known = part.get_weights(), model.code_identity()
        part.set_weights([2.0 * weight + 1.0 for weight in before])
        assert model.code_identity() != known


@pytest.mark.parametrize(
    ("arguments", "field", "least", "stride"),
    [
        ({}, 112, 104, 16),
        (RICH, 184, 176, 576),
        (SMALL, 112, 96, 16),
        ({"halvings": 2}, 184, 144, 16),
    ],
)
def test_a_pixel_depends_on_what_is_within_the_receptive_field(
    arguments, field, least, stride, painting
):
    """Of a photo whose summary is that of another."""
    model = make_revision(**arguments)  # of five blocks
    random = np.random.default_rng(0)
    photo = random.uniform(size=(1, 384, 384, 3)).astype("float32")
    code = model.encode_style(painting)
    summary = model.summarize([photo], [1.0], code)
    found = reach(lambda picture: model._paint(picture, code, 1.0, summary), photo, 192, 192)
    assert least <= found <= model.receptive_field == field and model.tile_stride == stride


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_revision(widths=(4, 5)), "`widths` must be three numbers, and these"),
        (lambda: make_revision(blocks=0), "at least 1. Received: .* blocks=0, hidden=12"),
        (lambda: make_revision(bands=4), "`bands` must be 2 or 3, .* Received: bands=4, grain=0.0"),
        (lambda: make_revision(grain=-1.0), "`grain` at least 0. Received: bands=2, grain=-1.0"),
        (lambda: make_revision(guidance=1.5), "`guidance` must be from 0 to 1. Received: guid"),
        (lambda: make_revision(margin=24), "multiple of 16, at least 16. Received: margin=24"),
        (
            lambda: DraftRevisionModel(make_draft(make_encoder(STYLE_LAYERS), 32), None),
            "must be 2 times the draft's, 16. Received: margin=16",
        ),
        (lambda: make_revision(halvings=3), "`halvings` must be 1 or 2. Received: halvings=3"),
        (lambda: make_revision(depth=4), "`depth` must be 2 or 3. Received: depth=4"),
        (
            lambda: DraftRevisionModel(None, None, make_encoder(["relu4_1"])),
            "`eye` must tap",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.slow
def test_int8_files_compute_all_convolutions_in_8_bits(photo, painting):
    """And what is between those of the revision; but not its maps, nor matrix roots."""
    model = make_revision(blocks=1).for_inference()
    code = {name: np.asarray(part) for name, part in model.encode_style(painting).items()}
    (entry,) = tflite.entries_of(Signatures(model).by_name[TRANSFER], [(64, 96)], (64, 64))
    contents = (photo, photo[:, ::-1], photo[:, :, ::-1])
    full = np.ones(1, np.float32)
    samples = [{"content": one, "strength": full, **flatten(CODE, code)} for one in contents]
    data = tflite.convert(model, [entry], "int8", calibration=samples)
    file = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = file.subgraphs[0]
    names = {code: name for name, code in vars(schema.BuiltinOperator).items()}
    found = [
        (names[file.operatorCodes[one.opcodeIndex].builtinCode], graph.tensors[one.outputs[0]].type)
        for one in graph.operators
    ]
    in_8_bits = {name for name, dtype in found if dtype == schema.TensorType.INT8}
    in_float = {name for name, dtype in found if dtype == schema.TensorType.FLOAT32}
    assert "CONV_2D" in in_8_bits - in_float and "LEAKY_RELU" in in_8_bits - in_float
    assert {"BATCH_MATMUL", "SUM", "RSQRT", "AVERAGE_POOL_2D"} <= in_float - in_8_bits
    assert sum(name == "MINIMUM" for name, _ in found) == 1  # of the picture; ranges do the others
    network = Network(data, 1, "int8")
    assert set(profiling.operations_of(network).left) == {"REVERSE_V2"}
    stylized = network.run(entry.key, samples[0])["stylized"]
    expected = np.asarray(model.stylize(photo, code))
    assert np.abs(stylized - expected).mean() < 0.08  # with random weights


def test_tiles_of_a_picture_with_noise_are_parts_of_one(examples, painting):
    photo = images.read_image(examples / "chelsea.jpg", 400)[:, :64]
    photo = np.concatenate([photo, photo[:, :, ::-1]] * 2 + [photo[:, :, :103]], axis=2)
    model = make_revision(blocks=1, **RICH)
    code = {name: np.asarray(part) for name, part in model.encode_style(painting).items()}
    seen = []
    found = tiling.paint_tiles(model, photo, code, 0.7, 960, lambda *state: seen.append(state))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    spans = list(tiling._spans(photo.shape[2], 960, model.receptive_field, model.tile_stride))
    parts = [photo[:, :, inner] for inner, _ in spans]
    summary = model.summarize(parts, [part.shape[2] for part in parts], code, 0.7)
    expected = model.stylize_tile(photo, code, 0.7, summary)
    np.testing.assert_allclose(found, expected, atol=5e-4)


def test_files_do_not_store_the_noise_of_a_whole_picture(painting):
    """Which is 65,000 numbers for 256 × 256 pixels; the tables have 12,200."""
    sizes = []
    for arguments in ({}, RICH):
        model = make_revision(blocks=1, **arguments).for_inference()
        (entry,) = tflite.entries_of(Signatures(model).by_name[TRANSFER], [(256, 256)], (64, 64))
        sizes.append(len(tflite.convert(model, [entry], "float32")))
    assert sizes[1] < sizes[0] + 90_000


def test_the_network_is_restored_from_its_config():
    network = Revision((4, 5, 6), 2, 7, 3, 0.01, name="revision")
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))
    assert (twin.widths, twin.blocks, twin.hidden) == ((4, 5, 6), 2, 7)
    assert (twin.bands, twin.grain) == (3, 0.01)


@pytest.mark.slow
@only_with_all
def test_programs_train_grow_and_paint_with_it(tmp_path, photo, painting):
    """With pretraining; resumed; then a larger one that starts from it."""
    for name, picture in (("photos", photo), ("paintings", painting)):
        (tmp_path / name).mkdir()
        for turn in range(2):
            large = picture[:, :: 1 - 2 * turn].repeat(2, axis=1).repeat(2, axis=2)
            images.write_image(tmp_path / name / f"{turn}.png", large)

    def train(folder, steps, *flags):
        assert main([
            "train", f"--content_dir={tmp_path / 'photos'}",
            f"--style_dir={tmp_path / 'paintings'}", "--model=mobile", "--encoder=lite",
            "--batch_size=1", "--crop_size=48", "--image_size=64", "--schedule=constant",
            f"--output_dir={tmp_path / folder}", f"--steps={steps}", *flags,
        ]) == 0  # fmt: skip
        return tmp_path / folder / "model.keras"

    small = ["--pretrain_steps=1", "--model_arguments=widths=(4,5,6)", "--model_arguments=blocks=1"]
    assert train("small", 2, *small) == train("small", 3, *small)  # resumed
    large = train(
        "large", 1, "--model_arguments=widths=(5,6,7)", "--model_arguments=blocks=2",
        f"--init_model={tmp_path / 'small' / 'model.keras'}",
    )  # fmt: skip
    assert models.load_model(large).revision.widths == (5, 6, 7)
    out = tmp_path / "out.png"
    flags = [f"--content={tmp_path / 'photos' / '0.png'}", f"--model={large}", f"--output={out}"]
    style = [f"--style={tmp_path / 'paintings' / f'{k}.png'}" for k in (0, 1)]
    assert main(["stylize", *flags, *style, "--style_weights=1", "--style_weights=2"]) == 0
    assert images.read_image(out).shape == (1, 128, 192, 3)
    assert main([
        "evaluate", f"--content_dir={tmp_path / 'photos'}", f"--model={large}", "--size=128",
        f"--style_dir={tmp_path / 'paintings'}", f"--output_dir={tmp_path / 'evaluation'}",
        "--encoder=lite",
    ]) == 0  # fmt: skip
