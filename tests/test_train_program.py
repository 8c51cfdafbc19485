"""`train.py` and `tfstyle shards` as a user runs them; what a run leaves is in test_training."""

import numpy as np
import pytest
from PIL import Image

from tfstyle import cli, models
from tfstyle.__main__ import main
from tfstyle.config import TrainCommand


@pytest.fixture
def folders(tmp_path, examples, monkeypatch):
    """Photos and paintings in folders of the working directory, with files of no use."""
    monkeypatch.chdir(tmp_path)
    for name, source in (("photos", "astronaut.jpg"), ("paintings", "mosaic.jpg")):
        (tmp_path / name / "nested").mkdir(parents=True)
        picture = Image.open(examples / source).resize((96, 80))
        for i in range(3):
            picture.rotate(90 * i).save(tmp_path / name / "nested" / f"{i}.jpg")
        (tmp_path / name / "notes.txt").write_text("no picture")
    Image.new("RGB", (8, 8)).save(tmp_path / "photos" / "tiny.png")
    return tmp_path


SMALL = "--encoder lite --image_size 48 --crop_size 32 --batch_size 2 --log_every 2".split()
DIRS = "--content_dir photos --style_dir paintings --output_dir run".split()


def errors(capfd):
    return [line for line in capfd.readouterr().err.splitlines() if line.startswith("error")]


def test_shards_train_a_model_that_stylizes(run_program, folders, capfd):
    assert main(["shards", "--pictures", "photos", "--output", "packed", "--per_shard", "2"]) == 0
    assert len(list((folders / "packed").glob("*.tfrecord"))) == 2
    assert "notes.txt" in (folders / "packed" / "skipped.txt").read_text()
    result = run_program(
        "train.py", "--content_dir", "packed", "--style_dir", "paintings", "--output_dir",
        "runs/first", *SMALL, "--steps", 3, "--precision", "mixed_bfloat16",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "step 3 of 3" in result.stderr and "images/s" in result.stderr
    assert "Traceback" not in result.stderr
    skipped = (folders / "runs" / "first" / "skipped.txt").read_text()
    assert "paintings/notes.txt: not a readable image" in skipped
    model = models.load_model("runs/first/model.keras")
    assert {str(variable.dtype) for variable in model.weights} == {"float32"}
    picture = np.random.default_rng(0).uniform(size=(1, 40, 50, 3)).astype("float32")
    assert np.isfinite(model({"content": picture, "style": picture})).all()


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ("--style_dir paintings --output_dir run", "--content_dir: give the folder of photographs"),
        ("--content_dir photos --style_dir paintings", "--output_dir: give the folder"),
        ("DIRS --crop_size 100", "--crop_size: must be a multiple of 8, not 100"),
        ("DIRS --margin 24", "--margin: must be a multiple of 16 or -1, not 24"),
        ("DIRS --image_size 128", "--image_size: must be at least --crop_size, 256, not 128"),
        ("DIRS --steps 0", "--steps: must be from 1"),
        ("DIRS --style_min_crop 1.5", "--style_min_crop: must be from 0 to 1, not 1.5"),
        (
            "DIRS --identity_share 0.75 --photo_share 0.5",
            "--identity_share, --photo_share: must be at most 1 together, not 1.25",
        ),
        ("DIRS --steps 5 --pretrain_steps 6", "--pretrain_steps: must be at most --steps, 5"),
        ("DIRS --precision float16", "unknown 'float16'; use one of float32, mixed_bfloat16"),
        ("DIRS --model jonson", "--model: unknown 'jonson'; use one of adaconv, adain"),
        ("DIRS --one_style --model adain", "--model: is johnson by --one_style; give one of them"),
        ("DIRS --learning_rate nan", "--learning_rate: must be a finite number"),
        ("DIRS --batchsize 4", "--batchsize: no such flag; did you mean 'batch_size'?"),
        ("DIRS --output_dir notes.txt", "notes.txt is a file; give a folder"),
        (
            "DIRS --init_model nothing",
            "--init_model: 'nothing' is no .keras file, and no packaged model",
        ),
        ("DIRS --vgg_weights none.h5", "none.h5: no such file"),
    ],
)
def test_bad_flags_are_one_line_at_once(flags, text, folders, capfd, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(folders / "keras"))
    (folders / "notes.txt").touch()
    before = sorted(folders.rglob("*"))
    assert main(["train", *flags.replace("DIRS", " ".join(DIRS)).split()]) == 1
    (line,) = errors(capfd)
    assert text in line
    assert sorted(folders.rglob("*")) == before


def test_what_a_preset_fixes_may_be_given_alike():
    flags = [*DIRS, "--one_style", "--model=johnson", "--steps=5"]
    config = cli.parse(TrainCommand, flags, "train.py")
    assert (config.model, config.steps, config.init_model) == ("johnson", 5, "gallery")


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ("--content_dir nowhere", "--content_dir: nowhere is not a folder"),
        ("--content_dir empty", "--content_dir: empty holds no pictures"),
        ("--style_dir useless", "--style_dir: none of the 1 files in useless is a usable picture"),
        ("--init_model none.keras", "none.keras: no such file"),
        ("--model microast", "--crop_size=32: too small for microast; give 40"),
        ("--strategy multi_worker", "TF_CONFIG must list the machines"),
        (
            "--batch_size 65536 --crop_size 256 --image_size 256",
            "--batch_size=65536 --crop_size=256: needs about 1718",
        ),
    ],
)
def test_folders_of_no_use_are_one_line(flags, text, folders, capfd):
    (folders / "empty").mkdir()
    (folders / "useless").mkdir()
    (folders / "useless" / "a.txt").write_text("no picture")
    assert main(["train", *DIRS, *SMALL, "--steps", "1", *flags.split()]) == 1
    (line,) = errors(capfd)
    assert text in line


def test_a_cluster_without_this_machine_is_one_line(folders, capfd, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["localhost:1", "localhost:2"]}}')
    assert main(["train", *DIRS, *SMALL, "--steps", "1"]) == 1
    assert "must be JSON with a cluster and this machine's task" in errors(capfd)[0]


def test_when_no_picture_can_be_packed_nothing_is_left(folders, capfd):
    whole = (folders / "photos" / "nested" / "0.jpg").read_bytes()
    (folders / "damaged").mkdir()
    (folders / "damaged" / "a.jpg").write_bytes(whole[: len(whole) // 2])
    assert main(["shards", "--pictures", "damaged", "--output", "new"]) == 1
    assert "none of the pictures can be decoded; for instance" in errors(capfd)[0]
    assert not (folders / "new").exists()


def test_the_users_keras_settings_do_not_matter(run_program, folders):
    (folders / "keras").mkdir()
    settings = '{"image_data_format": "channels_first", "backend": "torch"}'
    (folders / "keras" / "keras.json").write_text(settings)
    result = run_program("stylize.py", "--content", "photos/nested/0.jpg", "--style",
                         "paintings/nested/0.jpg", "--output", "out.png")  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert Image.open("out.png").size == (96, 80)


def test_shards_are_refused_a_folder_that_is_not_empty(folders, capfd):
    assert main(["shards", "--pictures", "photos", "--output", "paintings"]) == 1
    assert "--output: paintings is not empty" in errors(capfd)[0]
    assert main(["shards", "--pictures", "nowhere", "--output", "new"]) == 1
    assert "--pictures: nowhere is not a folder" in errors(capfd)[0]
    assert not (folders / "new").exists()
