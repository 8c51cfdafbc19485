"""What is measured, kept and summed up: pairs, systems, results, intervals."""

import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from tfstyle import files, images, metrics
from tfstyle.config import EvaluateCommand
from tfstyle.errors import InputError
from tfstyle.evaluation import imports, summary
from tfstyle.evaluation import pairs as pairing
from tfstyle.evaluation.litert_painter import LiteRTPainter, load_style_network
from tfstyle.evaluation.measuring import Measurer
from tfstyle.evaluation.pairs import Pair, find_pairs
from tfstyle.evaluation.results import Key, Results
from tfstyle.evaluation.summary import Estimate
from tfstyle.evaluation.systems import (
    Folder,
    LiteRTPair,
    TrainedModel,
    code_digest,
    make_systems,
)
from tfstyle.evaluation.tables import format_number
from tfstyle.metrics.networks import load_features, load_fid_network

PAIR = Pair(pathlib.Path("a.png"), pathlib.Path("b.png"))


def make_folders(folder, contents, styles):
    for kind, count in (("contents", contents), ("styles", styles)):
        (folder / kind).mkdir()
        for number in range(count):
            (folder / kind / f"{number}.png").touch()
    return str(folder / "contents"), str(folder / "styles")


@pytest.mark.parametrize(("contents", "styles"), [(4, 6), (3, 3), (2, 5), (1, 4)])
def test_all_pairs_once_and_evenly_from_the_beginning(tmp_path, contents, styles):
    found = find_pairs(*make_folders(tmp_path, contents, styles))
    assert len(set(found)) == len(found) == contents * styles
    for count in range(1, len(found) + 1):
        for used, of in (("content", contents), ("style", styles)):
            names = [getattr(pair, used).stem for pair in found[:count]]
            times = [names.count(str(number)) for number in range(of)]
            assert max(times) - min(times) <= 1, (count, used)
    assert sorted(pairing.by_content(found), key=found.index) == found
    assert sorted(pairing.by_block(found), key=found.index) == found


def test_folders_that_do_not_do(tmp_path):
    contents, styles = make_folders(tmp_path, 2, 0)
    with pytest.raises(InputError, match="--style_dir: .* holds no image files"):
        find_pairs(contents, styles)
    with pytest.raises(InputError, match="--content_dir: .*nowhere: no such folder"):
        find_pairs(str(tmp_path / "nowhere"), contents)
    (tmp_path / "contents" / "0.jpg").touch()
    with pytest.raises(InputError, match="two pictures called 0; rename one"):
        find_pairs(contents, contents)
    for name in ("contents/a.png", "contents/a__0.png", "styles/0__b.png", "styles/b.png"):
        (tmp_path / name).touch()
    (tmp_path / "contents" / "0.jpg").unlink()
    with pytest.raises(InputError, match="two pairs would be called a__0__b; rename"):
        find_pairs(contents, styles)


def flags(**values):
    return EvaluateCommand(content_dir="c", style_dir="s", **values)


def test_systems_are_named_by_flags(tmp_path):
    for name in ("encoder.tflite", "transfer.tflite", "mine.keras"):
        (tmp_path / name).touch()
    (tmp_path / "pictures").mkdir()
    pair = f"{tmp_path / 'encoder.tflite'},{tmp_path / 'transfer.tflite'}"
    systems = make_systems(
        flags(
            model=("quality", f"{tmp_path / 'mine.keras'}", f"other={tmp_path / 'mine.keras'}"),
            tflite=(pair, f"small={pair}"),
            images=(f"theirs={tmp_path / 'pictures'}",),
        )
    )
    names = [system.name for system in systems]
    trivial = ["content itself", "style itself"]
    assert names == ["quality", "mine", "other", "transfer", "small", "theirs", *trivial]
    kinds = [TrainedModel] * 3 + [LiteRTPair] * 2 + [Folder]
    assert [type(system) for system in systems[:6]] == kinds
    assert [one.name for one in make_systems(flags())] == ["quality", *trivial]
    assert systems[1].fingerprint() == systems[2].fingerprint() != systems[0].fingerprint()


def modules_of(*names):
    package = pathlib.Path(imports.__file__).parent.parent
    found = set().union(*(imports.sources(name) for name in names))
    return {str(path.relative_to(package)) for path in found}


def test_a_fingerprint_is_of_the_code_that_makes_the_pictures():
    """Directly or not, inside functions, or by a name of the registry; and of no other code."""
    model, renderer, metric = (
        modules_of(*names)
        for names in (
            ("tfstyle.stylization.transfer",),
            ("tfstyle.optimization.renderer",),
            ("tfstyle.evaluation.measuring", "tfstyle.metrics.networks"),
        )
    )
    shared = {"encoders/vgg19.py", "statistics.py", "losses/distributions.py"}
    models = {"models/adain.py", "models/draft_revision.py", "models/base.py"}
    optimization = {f"optimization/{name}.py" for name in ("lbfgs", "objective", "scales")}
    assert model >= {*shared, *models, "layers/geometry.py", "stylization/tiling.py"}
    assert renderer >= {*shared, *optimization}
    assert metric >= {"metrics/pictures.py", "evaluation/measuring.py", "encoders/vgg19.py"}
    assert not (model | metric) & optimization and not (renderer | metric) & models
    for found in (model, renderer, metric):
        assert not {path for path in found if path.startswith(("commands", "training", "export"))}


def test_a_digest_follows_the_sources(tmp_path, monkeypatch):
    """Of a package of two modules, of which one names the other in a function."""
    (tmp_path / "a.py").write_text("def f():\n    from tfstyle import b\n")
    (tmp_path / "b.py").write_text("x = 1\n")
    (tmp_path / "c.py").write_text("x = 1\n")
    monkeypatch.setattr(imports, "_PACKAGE", tmp_path)
    digests = []
    for name in ("", "c.py", "b.py", "a.py"):
        if name:
            (tmp_path / name).write_text((tmp_path / name).read_text() + "y = 2\n")
        imports.sources.cache_clear()
        digests.append(code_digest("tfstyle.a"))
    imports.sources.cache_clear()
    assert digests[0] == digests[1] and len(set(digests)) == 3


def test_a_digest_is_not_of_what_has_no_effect(tmp_path, monkeypatch):
    """Otherwise a help text that is edited would have everything measured again."""
    source = """
'''Says what it is.'''
size: int = option(3, "Side in pixels.", section="Look")  # of a picture
class A:
    '''About a class.'''
    def f(self):
        '''About a function.'''
        return "text"
"""
    monkeypatch.setattr(imports, "_PACKAGE", tmp_path)

    def digest(*change):
        (tmp_path / "a.py").write_text(source.replace(*change))
        imports.sources.cache_clear()
        return code_digest("tfstyle.a")

    before = digest("", "")
    for text in ("it is", "Side", "of a picture", "a class", "a function"):
        assert digest(text, "something else") == before, text
    for text in ("3", "Look", '"text"', "def f"):
        assert digest(text, {"def f": "def g"}.get(text, "4")) != before, text
    imports.sources.cache_clear()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": ("mobil",)}, "--model: 'mobil' is no .keras .* did you mean 'mobile'"),
        ({"model": ("mobile", "mobile")}, "two systems are called 'mobile'; rename one"),
        ({"model": ("A=mobile", "a=mobile")}, "two systems are called 'A'; rename one"),
        ({"model": ("../x=mobile",)}, "'../x': cannot be the name of a folder"),
        ({"tflite": ("one.tflite",)}, "--tflite: 'one.tflite': give two files"),
        ({"tflite": ("a.tflite,b.tflite",)}, "--tflite: a.tflite: no such file"),
        ({"model": ("mobile@0.5=mobile",)}, "'mobile@0.5': cannot be the name of a folder"),
        ({"model": ("_x=mobile",)}, "'_x': cannot be the name of a folder"),
        ({"images": ("pictures",)}, "--images: 'pictures': give NAME=FOLDER"),
        ({"images": ("a=nowhere",)}, "--images: nowhere: no such folder"),
        ({"baseline": "qualty"}, "--baseline: 'qualty'; did you mean 'quality'"),
    ],
)
def test_systems_that_cannot_be(values, message):
    with pytest.raises(InputError, match=message):
        make_systems(flags(**values))


def test_pictures_made_elsewhere_are_found_by_name(tmp_path):
    (tmp_path / "a__b.jpg").touch()
    system = Folder("theirs", tmp_path)
    before = system.fingerprint()
    assert system.find(PAIR) == tmp_path / "a__b.jpg"
    (tmp_path / "a__b.jpg").write_bytes(b"another")
    assert system.fingerprint() != before
    (tmp_path / "a__b.jpg").unlink()
    with pytest.raises(InputError, match=r"--images: .*a__b.png: no such file"):
        system.find(PAIR)


@pytest.mark.parametrize("turned", [False, True])
def test_an_interval_draws_photographs_and_paintings(random, turned):
    """Pairs of one photograph are no independent samples, nor are those of one painting."""
    effects = random.normal(size=10)
    values = {(str(c), str(s)): effects[c] for c in range(10) for s in range(40)}
    if turned:
        values = {pair[::-1]: value for pair, value in values.items()}
    found = Estimate.of(values)
    assert found.count == 400
    assert found.mean == pytest.approx(effects.mean())
    assert found.median == pytest.approx(np.median(effects))
    # Ten samples' standard error, not four hundred's; a bootstrap's quantiles vary by a tenth.
    assert found.high - found.low == pytest.approx(2 * 1.96 * effects.std() / np.sqrt(10), rel=0.2)
    assert Estimate.of({}) is None


def test_an_interval_takes_several_photographs_and_paintings():
    one = Estimate.of({("a", "b"): 3.0, ("a", "c"): 5.0})
    assert one.mean == 4.0 and np.isnan(one.low) and np.isnan(one.high)
    square = {(c, s): 3.0 for c in "abe" for s in "cdf"}
    infinite = Estimate.of({**square, ("a", "c"): float("inf")})
    assert infinite.mean == float("inf") and np.isnan(infinite.low)
    # Rounding leaves no mean outside of its interval, which a plot could not draw.
    for count in range(3, 40):
        same = Estimate.of({(str(c), s): 0.1 for c in range(count) for s in "cde"})
        assert same.low <= same.mean <= same.high
    # Pairs along a diagonal, as a few of many are chosen.
    sparse = Estimate.of({(str(k), str(k)): float(k) for k in range(10)})
    assert sparse.low < sparse.mean == 4.5 < sparse.high


def make_results(folder, pictures=None, **settings):
    results = Results(folder / "out", {"size": 128, **settings}, pictures or {"content/a": "1"})
    results.close()
    return results


def fill(results, *rows):
    """Adds rows `(system, strength, content, style, value)`."""
    for *key, value in rows:
        results.register(key[0], "first")
        results.rows[Key(*key)] = {"content_distance": value, "style_distance": -value}
        results.embeddings[Key(*key)] = {"features": np.full(3, value, "f4")}


def test_differences_are_over_shared_pairs(tmp_path):
    results = make_results(tmp_path)
    fill(results, ("x", 1.0, "a", "b", 1.0), ("x", 1.0, "a", "c", 5.0), ("y", 1.0, "a", "b", 4.0))
    fill(results, ("y", 0.5, "a", "c", 9.0))
    found = summary.difference(results, "y", "x", "content_distance")
    assert (found.count, found.mean) == (1, 3.0)
    assert summary.values(results, "x", "ssim") == {}


def test_sets_are_compared_by_their_embeddings(tmp_path, random):
    results = make_results(tmp_path)
    for content in "abcd":
        for style in "vwxyz":
            vector = random.normal(size=3)
            moved = {"x": 0.0, "content itself": 2.0, "style itself": 0.0}
            for system, by in moved.items():
                results.embeddings[Key(system, 1.0, content, style)] = {"features": vector + by}
            results.embeddings[Key("x", 0.5, content, style)] = {"features": vector + 9.0}
    assert summary.set_distances(results, "x") == {
        "frechet_to_styles": pytest.approx(0.0, abs=1e-9),
        "frechet_to_contents": pytest.approx(12.0),
    }
    assert summary.set_distances(results, "y") == {}


def test_only_what_a_run_planned_is_shown(tmp_path):
    results = make_results(tmp_path)
    fill(results, ("x", 1.0, "a", "b", 0.1), ("x", 1.0, "a", "c", 0.2))
    results.save()
    results.show_only([Key("x", 1.0, "a", "c"), Key("x", 1.0, "a", "d")])
    assert [key.style for key in results.rows] == [key.style for key in results.embeddings] == ["c"]
    assert len(make_results(tmp_path).rows) == 2


def test_ranks_put_what_is_best_in_both_distances_first(tmp_path):
    results = make_results(tmp_path)
    for style, content_distance, style_distance in (("a", 3, 3), ("b", 1, 2), ("c", 2, 1.5)):
        key = Key("x", 1.0, "p", style)
        results.rows[key] = {"content_distance": content_distance, "style_distance": style_distance}
    assert [key.style for key in summary.ranked(results, "x")] == ["b", "c", "a"]


def test_large_numbers_have_three_digits():
    numbers = (0.1254, 99999.4, 2485119.17, -241034.3, float("inf"))
    texts = [format_number(number, 2) for number in numbers]
    assert texts == ["0.13", "99999.40", "2.49e6", "-2.41e5", "∞"]


def test_results_come_back_as_they_were(tmp_path):
    results = make_results(tmp_path)
    fill(results, ("x", 1.0, "a", 'b, c"d', 0.1), ("x", 0.25, "a", "b", np.inf))
    results.save()
    again = make_results(tmp_path)
    assert again.rows == results.rows
    assert again.systems == results.systems
    for key, found in results.embeddings.items():
        np.testing.assert_array_equal(again.embeddings[key]["features"], found["features"])


def test_a_system_that_changed_is_measured_anew(tmp_path):
    results = make_results(tmp_path)
    fill(results, ("x", 1.0, "a", "b", 0.1), ("y", 1.0, "a", "b", 0.2))
    results.save()
    again = make_results(tmp_path)
    again.register("x", "second")
    again.register("y", "first")
    assert [key.system for key in again.rows] == [key.system for key in again.embeddings] == ["y"]


def test_rows_of_other_settings_or_pictures_are_not_mixed(tmp_path):
    make_results(tmp_path, size=512)  # nothing was measured with them
    results = make_results(tmp_path)
    fill(results, ("x", 1.0, "a", "b", 0.1))
    results.save()
    with pytest.raises(InputError, match="holds results with --size=128, not 256"):
        make_results(tmp_path, size=256)
    with pytest.raises(InputError, match="measured by another version of this program"):
        make_results(tmp_path, metrics="other")
    with pytest.raises(InputError, match="results of another picture content/a"):
        make_results(tmp_path, {"content/a": "2"})
    make_results(tmp_path, {"content/b": "2"})
    (tmp_path / "out" / "metrics.csv").write_text("nonsense\n1\n")
    with pytest.raises(InputError, match="its results are damaged"):
        make_results(tmp_path)
    (tmp_path / "out" / "run.json").unlink()
    with pytest.raises(InputError, match="holds other files"):
        make_results(tmp_path)


def test_two_programs_do_not_work_in_one_folder(tmp_path):
    first = Results(tmp_path / "out", {}, {})
    with pytest.raises(InputError, match="--output_dir: another program is working in"):
        Results(tmp_path / "out", {}, {})
    first.close()
    Results(tmp_path / "out", {}, {}).close()


@pytest.mark.parametrize("killed_before", ["metrics.csv", "embeddings.npz", "run.json"])
def test_a_run_killed_between_two_files_loses_and_mixes_nothing(
    tmp_path, monkeypatch, killed_before
):
    """Whatever was written last, each row is of the system that run.json names."""
    results = make_results(tmp_path)
    fill(results, ("x", 1.0, "a", "b", 0.1))
    results.save()
    again = make_results(tmp_path)
    replacing = files.replacing

    def kill(path):
        if path.name == killed_before:
            raise KeyboardInterrupt
        return replacing(path)

    monkeypatch.setattr(files, "replacing", kill)
    with pytest.raises(KeyboardInterrupt):
        again.register("x", "second")
    monkeypatch.undo()
    found = make_results(tmp_path)
    found.register("x", "second")
    assert not found.rows and not found.embeddings
    fill(results, ("x", 1.0, "a", "c", 0.2))
    results.save()
    monkeypatch.setattr(files, "replacing", kill)
    fill(results, ("x", 1.0, "a", "d", 0.3))
    with pytest.raises(KeyboardInterrupt):
        results.save()
    monkeypatch.undo()
    kept = [key.style for key in make_results(tmp_path).rows]
    assert kept == (["b", "c", "d"] if killed_before == "run.json" else ["b", "c"])


def test_a_row_is_the_metrics_of_its_pictures(tmp_path, photo, painting, random):
    content, style = (images.cover(one, (128, 128)) for one in (photo, painting))
    output = np.clip(0.5 * content + 0.5 * style, 0, 1)
    paths = [tmp_path / f"{name}.png" for name in ("content", "style", "output")]
    for path, picture in zip(paths, (content, style, output), strict=True):
        images.write_image(path, picture)
    content, style, output = (images.read_image(path) for path in paths)
    features, identity = load_features("lite")
    assert identity.startswith("lite ")
    measurer = Measurer(features, 128)
    pair = Pair(*paths[:2])
    row, embeddings = measurer.measure(pair, paths[2])
    found, wanted_content, wanted_style = (features(one) for one in (output, content, style))
    grams = [metrics.gram_matrices(one) for one in (found, wanted_style)]
    assert row["content_distance"] == metrics.content_distance(found, wanted_content)
    assert row["style_distance"] == metrics.style_distance(*grams)
    assert row["ssim"] == metrics.ssim(output, content)
    colors = map(metrics.coarse_colors, (output, content))
    assert row["color_explained"] == metrics.color_explained(*colors)
    sharp = [metrics.sharpness(one) for one in (output, content, style)]
    assert row["sharpness_to_content"] == sharp[0] / sharp[1]
    assert row["sharpness_to_style"] == sharp[0] / sharp[2]
    assert row["seam_energy"] == metrics.seam_energy(output)
    assert embeddings["features"].shape == (512,)
    nothing, _ = measurer.measure(pair, pair.content)
    assert (nothing["content_distance"], nothing["ssim"]) == (0.0, pytest.approx(1.0))
    assert nothing["color_explained"] == pytest.approx(1.0)
    assert nothing["sharpness_to_content"] == 1.0
    everything, _ = measurer.measure(pair, pair.style)
    assert everything["sharpness_to_style"] == 1.0
    assert (everything["style_distance"], everything["color_distance"]) == (0.0, 0.0)
    assert everything["content_distance"] > row["content_distance"] > 0
    assert set(row) == set(metrics.METRICS) - {"lpips", "style_embedding", "seconds"}


def save_module(folder, function, shape):
    """A SavedModel with that one function."""
    module = tf.Module()
    module.run = tf.function(function, input_signature=[tf.TensorSpec(shape, tf.float32)])
    tf.saved_model.save(module, str(folder), signatures=module.run)
    return str(folder)


def test_an_encoder_may_be_a_saved_model(tmp_path, photo):
    def layers(image):
        return {f"relu{block}_1": image * block for block in range(1, 6)}

    path = save_module(tmp_path / "encoder", layers, (1, None, None, 3))
    features, identity = load_features(path)
    np.testing.assert_allclose(features(photo)["relu3_1"], photo * 3)
    assert identity.startswith("encoder ")
    path = save_module(tmp_path / "narrow", lambda x: {"relu1_1": x}, (1, None, None, 3))
    with pytest.raises(InputError, match="narrow: returns no relu2_1, relu3_1"):
        load_features(path)
    path = save_module(tmp_path / "codes", lambda x: {"relu1_1": x @ tf.ones((5, 2))}, (1, 5))
    with pytest.raises(InputError, match="does not take .* pictures"):
        load_features(path)
    for name in ("lightt", str(tmp_path)):
        with pytest.raises(InputError, match="is not lite, vgg19 or a SavedModel folder"):
            load_features(name)


def test_fid_takes_the_published_network(tmp_path, photo):
    def inception(image):
        mean = tf.reduce_mean(image, (1, 2))
        return {"pool_3": mean[:, None, None], "logits": mean}

    path = save_module(tmp_path / "inception", inception, (None, 299, 299, 3))
    pool, _ = load_fid_network(path)
    np.testing.assert_allclose(pool(photo), 2 * photo.mean((0, 1, 2)) - 1, atol=0.02)
    path = save_module(tmp_path / "other", lambda x: {"pool": x}, (None, 299, 299, 3))
    with pytest.raises(InputError, match="--fid_network: .*other: does not take"):
        load_fid_network(path)


def test_a_style_network_adds_the_distance_of_its_vectors(tmp_path, photo, painting):
    colors = write_tflite(
        tmp_path / "colors.tflite", lambda x: tf.reduce_mean(x, (1, 2)), (1, 128, 128, 3)
    )
    paths = [tmp_path / name for name in ("content.png", "style.png")]
    for path, picture in zip(paths, (photo, painting), strict=True):
        images.write_image(path, images.cover(picture, (128, 128)))
    network = load_style_network(colors, 128)
    measurer = Measurer(load_features("lite")[0], 128, style_network=network)
    vectors = [images.read_image(path).mean((0, 1, 2)) for path in paths]
    cosine = vectors[0] @ vectors[1] / np.prod([np.linalg.norm(one) for one in vectors])
    row, _ = measurer.measure(Pair(*paths), paths[0])
    assert row["style_embedding"] == pytest.approx(1 - cosine, abs=1e-5)
    row, _ = measurer.measure(Pair(*paths), paths[1])
    assert row["style_embedding"] == pytest.approx(0, abs=1e-6)
    both = write_tflite(tmp_path / "both.tflite", lambda x, y: x + y, *[(1, 8, 8, 3)] * 2)
    with pytest.raises(InputError, match="--style_network: .*both.tflite: takes more than a"):
        load_style_network(both, 64)


def write_tflite(path, function, *shapes, samples=None, kind=None):
    """A TFLite file of a function of float32 tensors; with samples, of integers of that kind."""
    specs = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    function = tf.function(function).get_concrete_function(*specs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    if samples:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: iter(samples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = kind
    path.write_bytes(converter.convert())
    return path


@pytest.fixture
def litert(tmp_path):
    """A style encoder at 16 pixels, the mean colour, and two transfer networks for 32 pixels."""
    encoder = write_tflite(
        tmp_path / "encoder.tflite", lambda x: tf.reduce_mean(x, (1, 2)), (1, 16, 16, 3)
    )
    plain = write_tflite(
        tmp_path / "plain.tflite", lambda x, c: 0.1 * x + 0.9 * c[:, None, None],
        (1, 32, 32, 3), (1, 3),
    )  # fmt: skip
    slider = write_tflite(
        tmp_path / "slider.tflite",
        lambda x, c, s: x + s * (c[:, None, None] - x),
        (1, 32, 32, 3), (1, 3), (1,),
    )  # fmt: skip
    return encoder, plain, slider


def test_tflite_files_paint(litert, photo, painting):
    encoder, plain, slider = litert
    content, style = (images.cover(one, (32, 32)) for one in (photo, painting))
    painter = LiteRTPainter(encoder, plain, 32)
    code = painter.encode(style)
    # Half the size by bilinear interpolation: means of two by two pixels.
    (color,) = code.values()
    np.testing.assert_allclose(color, style.mean((1, 2)), atol=1e-6)
    full = painter.paint(content, code, 1.0)
    np.testing.assert_allclose(full, 0.1 * content + 0.9 * color, atol=1e-6)
    # Strength mixes the code with that of the content.
    half = painter.paint(content, code, 0.5)
    (own,) = painter.encode(content).values()
    np.testing.assert_allclose(half, 0.1 * content + 0.45 * (color + own), atol=1e-6)
    half = LiteRTPainter(encoder, slider, 32).paint(content, code, 0.5)
    np.testing.assert_allclose(half, 0.5 * content + 0.5 * color, atol=1e-6)


@pytest.mark.parametrize("kind", [tf.uint8, tf.int8])
def test_tflite_files_of_integers_paint(tmp_path, random, photo, kind):
    """Codes have other ranges than pictures; each tensor has its scale."""
    kernel = tf.constant(random.normal(size=(1, 1, 3, 3)), tf.float32)
    encode = lambda x: tf.reduce_mean(tf.nn.conv2d(x, 4.0 * kernel, 1, "SAME"), (1, 2)) - 1.0
    transfer = lambda x, c: tf.sigmoid(tf.nn.conv2d(x, kernel, 1, "SAME") + c[:, None, None])
    content = images.cover(photo, (32, 32))
    style = images.cover(photo[:, :, ::-1] ** 2, (32, 32))
    samples = [content, style, 1 - content, 1 - style]
    codes = [encode(x).numpy() for x in samples]
    encoder = write_tflite(
        tmp_path / "encoder.tflite", encode, (1, 32, 32, 3), samples=[[x] for x in samples],
        kind=kind,
    )  # fmt: skip
    path = write_tflite(
        tmp_path / "transfer.tflite", transfer, (1, 32, 32, 3), (1, 3),
        samples=[[x, c] for x in samples for c in codes], kind=kind,
    )  # fmt: skip
    painter = LiteRTPainter(encoder, path, 32)
    code = painter.encode(style)
    spread = np.ptp(codes)
    assert spread > 1.5
    # Steps of 8 bits: one of the input, the weights and the output each.
    (vector,) = code.values()
    np.testing.assert_allclose(vector, encode(style), atol=3 * spread / 255)
    wanted = transfer(content, encode(style))
    np.testing.assert_allclose(painter.paint(content, code, 1.0), wanted, atol=0.03)


def test_tflite_files_of_free_size_paint(tmp_path, photo):
    encoder = write_tflite(
        tmp_path / "encoder.tflite", lambda x: tf.reduce_mean(x, (1, 2)), (1, None, None, 3)
    )
    # A graph that has no meaning for the one pixel that a free size starts with.
    transfer = write_tflite(
        tmp_path / "transfer.tflite",
        lambda x, c: tf.nn.depth_to_space(tf.nn.space_to_depth(x, 2), 2) * c[:, None, None],
        (1, None, None, 3), (1, 3),
    )  # fmt: skip
    content = images.cover(photo, (48, 48))
    painter = LiteRTPainter(encoder, transfer, 48)
    code = painter.encode(content)
    (color,) = code.values()
    np.testing.assert_allclose(painter.paint(content, code, 1.0), content * color, atol=1e-6)


def test_tflite_files_of_several_codes_paint(tmp_path, photo, painting):
    """The transfer network takes them by their names, whatever their order."""

    def save(name, function, *shapes):
        specs = [tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes]
        module = tf.Module()
        module.run = tf.function(function, input_signature=specs)
        tf.saved_model.save(module, str(tmp_path / name), signatures=module.run)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / name))
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(converter.convert())
        return path

    def encode(style):
        low, high = tf.reduce_min(style, (1, 2)), tf.reduce_max(style, (1, 2))
        return {"code_low": low, "code_high": high}

    def transfer(code_high, content, strength, code_low):
        low, high = code_low[:, None, None], code_high[:, None, None]
        return {"stylized": content + strength * (low + (high - low) * content - content)}

    encoder = save("encoder", encode, ("style", (1, 32, 32, 3)))
    pair = ("content", (1, 32, 32, 3)), ("strength", (1,))
    path = save("transfer", transfer, ("code_high", (1, 3)), *pair, ("code_low", (1, 3)))
    content, style = (images.cover(one, (32, 32)) for one in (photo, 0.2 + 0.5 * painting))
    painter = LiteRTPainter(encoder, path, 32)
    code = painter.encode(style)
    low, high = style.min((1, 2)), style.max((1, 2))
    np.testing.assert_allclose(code["code_low"], low, atol=1e-6)
    np.testing.assert_allclose(code["code_high"], high, atol=1e-6)
    expected = 0.5 * content + 0.5 * (low + (high - low) * content)
    np.testing.assert_allclose(painter.paint(content, code, 0.5), expected, atol=1e-6)
    other = save("other", lambda content, code: {"stylized": content + code[:, None, None]},
                 pair[0], ("code", (1, 3)))  # fmt: skip
    with pytest.raises(InputError, match="takes other inputs than a picture, the code"):
        LiteRTPainter(encoder, other, 32)


def test_tflite_files_that_do_not_fit(litert, tmp_path):
    encoder, plain, _ = litert
    wide = write_tflite(tmp_path / "wide.tflite", lambda x: x, (1, 32, 48, 3))
    with pytest.raises(InputError, match="takes pictures of 48 × 32 pixels; squares"):
        LiteRTPainter(wide, plain, 32)
    with pytest.raises(InputError, match="takes pictures of 32 × 32 pixels; .* --size 32"):
        LiteRTPainter(encoder, plain, 64)
    with pytest.raises(InputError, match="takes other inputs than a picture, the code"):
        LiteRTPainter(encoder, encoder, 16)
    (tmp_path / "broken.tflite").write_bytes(b"nothing of that kind")
    with pytest.raises(InputError, match="broken.tflite: not a TFLite file"):
        LiteRTPainter(tmp_path / "broken.tflite", plain, 32)
    code = write_tflite(tmp_path / "code.tflite", lambda x: x + 1.0, (1, 3))
    with pytest.raises(InputError, match=r"code.tflite: has no input \(1, height, width, 3\)"):
        LiteRTPainter(code, plain, 32)


def test_a_config_says_what_is_wrong():
    for values, message in (
        ({"size": 100}, "--size: must be from 128"),
        ({"page": "x.html"}, "--page: x.html: the suffix must be .md"),
        ({"output_dir": ""}, "--output_dir: is empty"),
        ({"vgg_weights": "a.h5", "encoder": "lite"}, "--vgg_weights: is not used with --encoder"),
    ):
        with pytest.raises(InputError, match=message):
            flags(**values)
    assert json.loads(json.dumps(flags().pairs)) == 0
