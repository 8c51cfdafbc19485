"""A model learns its teacher's pictures."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.model_examples import make_adain, make_revision
from tfstyle import encoders, images, losses, models, training
from tfstyle.config import TrainConfig
from tfstyle.errors import InputError
from tfstyle.training import new_models
from tfstyle.training.distillation import EDGE_WEIGHT, FEATURE_LAYERS, PIXEL_WEIGHT
from tfstyle.training.objectives import loss_terms_of


@pytest.fixture(scope="module")
def folders(tmp_path_factory, examples):
    """Folders of four photographs and four paintings, crops of the examples."""
    root = tmp_path_factory.mktemp("pictures")
    for name, source in (("content", "chelsea.jpg"), ("style", "mosaic.jpg")):
        (root / name).mkdir()
        for i in range(4):
            box = (20 * i, 10 * i, 20 * i + 120, 10 * i + 100)
            Image.open(examples / source).crop(box).save(root / name / f"{i}.png")
    return {f"{name}_dir": str(root / name) for name in ("content", "style")}


@pytest.fixture
def inputs(photo, painting):
    return {"content": photo[:, :, :64], "style": painting}


def test_terms_are_what_the_pictures_differ_by(inputs):
    model, teacher = make_revision(blocks=1), make_adain()
    terms = {k: float(v) for k, v in loss_terms_of(model, teacher=teacher)(inputs).items()}
    target = np.asarray(teacher(inputs), np.float64)
    code = model.encode_style(inputs["style"])
    image = np.asarray(model.paint(inputs["content"], code), np.float64)
    assert image.max() > 1 or image.min() < 0, "pictures are not clipped"
    squared = np.mean((image - target) ** 2)
    assert terms["teacher/pixels"] == pytest.approx(PIXEL_WEIGHT * squared, rel=1e-3)
    edges = losses.EdgeLoss((1, 2))(target.astype("float32"), image.astype("float32"))
    assert terms["teacher/edges"] == pytest.approx(EDGE_WEIGHT * float(edges), rel=1e-3)
    lite = encoders.load_encoder("lite", FEATURE_LAYERS, heads=False)
    wanted, found = (lite(one.astype("float32")) for one in (target, image))
    for name in FEATURE_LAYERS:
        error = np.mean(np.square(found[name] - wanted[name])) / np.mean(np.square(wanted[name]))
        assert terms[f"teacher/{name}"] == pytest.approx(error, rel=1e-3)
    total = terms.pop("total")
    assert total == pytest.approx(sum(terms.values()), rel=1e-5) and len(terms) == 5


def test_one_picture_of_four_is_of_half_strength(inputs):
    """Else what makes no difference at full strength would drift."""
    model, teacher = make_revision(blocks=1), make_adain()
    inputs = {name: np.repeat(one, 4, axis=0) for name, one in inputs.items()}
    found = loss_terms_of(model, teacher=teacher)(inputs)["teacher/pixels"]
    strength = np.array([1.0, 1.0, 1.0, 0.5], "f4")
    target = np.asarray(teacher({**inputs, "strength": strength}))
    image = np.asarray(model.paint(inputs["content"], model.encode(inputs), strength))
    assert float(found) == pytest.approx(PIXEL_WEIGHT * np.mean((image - target) ** 2), rel=1e-3)
    clipped = model.stylize(inputs["content"], model.encode(inputs), strength)
    assert np.abs(np.clip(image, 0, 1) - clipped).max() < 0.3 and image.max() > 1


def test_the_own_pictures_leave_nothing_to_learn(inputs):
    teacher, other = make_adain(), make_revision(blocks=2)
    assert float(loss_terms_of(teacher, teacher=teacher)(inputs)["total"]) < 2e-3
    assert float(loss_terms_of(other, teacher=teacher)(inputs)["total"]) > 0.1


def test_only_the_learner_has_gradients(inputs):
    model, teacher = make_revision(blocks=1), make_revision(blocks=2)
    loss_terms = loss_terms_of(model, teacher=teacher)
    with tf.GradientTape() as tape:
        total = loss_terms(inputs)["total"]
    own, others = (
        [variable.value for variable in one.revision.trainable_variables]
        for one in (model, teacher)
    )
    found = tape.gradient(total, [*own, *others])
    assert all(np.abs(one).max() > 0 for one in found[: len(own)])
    assert all(one is None for one in found[len(own) :])


def config_of(folders, output, **settings):
    small = {
        "encoder": "lite", "steps": 60, "batch_size": 4, "image_size": 64, "crop_size": 48,
        "learning_rate": 5e-4, "warmup_steps": 10, "ema": 0.0, "log_every": 30,
        "sample_every": 60, "checkpoint_every": 60,
    }  # fmt: skip
    return TrainConfig(**folders, output_dir=str(output), **{**small, **settings})


def test_a_run_comes_nearer_and_knows_its_teacher(folders, tmp_path):
    own = {"model": "nano", "init_model": "mobile", "teacher": "mobile"}
    config = config_of(folders, tmp_path / "run", **own)
    teacher, first = models.load_model("mobile"), new_models.make_model(config, ())
    new_models.start_from(config, first, teacher)
    training.train(config)
    trained = models.load_model(tmp_path / "run" / "model.keras")
    assert trained.revision.widths == (8, 16, 32)
    inputs = {
        name: images.cover(images.read_image(f"{folders[f'{name}_dir']}/1.png"), (64, 64))
        for name in ("content", "style")
    }
    before, after = (
        float(loss_terms_of(one, teacher=teacher)(inputs)["total"]) for one in (first, trained)
    )
    assert after < 0.8 * before
    again = training.train(config)  # the same teacher, loaded anew
    assert again.complete and again.step == config.steps
    with pytest.raises(InputError, match="teacher"):
        training.train(config_of(folders, tmp_path / "run", **{**own, "teacher": "quality"}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"teacher": "gallery"},
            "--teacher=gallery: is for a model that takes the style of a picture",
        ),
        ({"teacher": "nowhere.keras"}, "--teacher: nowhere.keras: no such file"),
    ],
)
def test_teachers_that_are_refused(settings, message, folders, tmp_path):
    with pytest.raises(InputError, match=message):
        training.train(config_of(folders, tmp_path / "run", model="adain", **settings))
    assert not list(tmp_path.glob("run/checkpoints/*"))
