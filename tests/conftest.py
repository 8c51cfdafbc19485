"""Shared fixtures: pictures of the project, small, and programs run as a user runs them."""

import gc
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parent.parent
# What compiles much, trains or converts; `make fast` leaves it out, and whole programs, too.
SLOW = {
    "test_adding_a_model", "test_architectures_page", "test_distill", "test_evaluate_program",
    "test_export_programs", "test_exporting", "test_fixed_style_programs", "test_fixed_styles",
    "test_fuzz", "test_half_precision", "test_models", "test_optimization",
    "test_optimize_program", "test_quality", "test_ray_evaluation", "test_ray_pool", "test_readme",
    "test_train_keras", "test_training", "test_web_browser",
}  # fmt: skip
# Whose fixtures take long to make: one worker runs all of a module, and makes them once.
TOGETHER = {
    "test_adding_a_model", "test_distill", "test_exporting", "test_fixed_style_programs",
    "test_half_precision", "test_quality", "test_strangers_files", "test_train_keras",
    "test_training", "test_web", "test_web_browser",
}  # fmt: skip


_CACHE = tempfile.TemporaryDirectory()
os.environ["TFSTYLE_CACHE"] = _CACHE.name  # not the user's, also in the programs that tests run


def pytest_collection_finish():
    """Makes TensorFlow's graphs cheap here; the programs that tests run are as users run them.

    Most are computed a few times, on small pictures: to optimize them takes longer than it saves.
    One thread each is enough, since workers share the cores. What is loaded is no garbage.
    """
    if tf := sys.modules.get("tensorflow"):
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
        tf.config.threading.set_intra_op_parallelism_threads(1)
    gc.freeze()


def pytest_collection_modifyitems(items):
    for item in items:
        module = item.module.__name__.rpartition(".")[2]
        if module in SLOW or "run_program" in item.fixturenames:
            item.add_marker("slow")
        if module in TOGETHER:
            item.add_marker(pytest.mark.xdist_group(module))


@pytest.fixture(scope="session")
def examples():
    """Folder of the example pictures."""
    return ROOT / "examples"


@pytest.fixture
def photo(examples):
    """A real photograph, `(1, 64, 96, 3)` float32."""
    from tfstyle import images

    return images.read_image(examples / "astronaut.jpg")[:, 60:252:3, 100:388:3].copy()


@pytest.fixture
def painting(examples):
    """A painting, `(1, 64, 64, 3)` float32."""
    from tfstyle import images

    return images.resize(images.read_image(examples / "brushstrokes.jpg")[:, :384, :384], (64, 64))


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture
def run_program(tmp_path):
    """Runs `python NAME.py …` of the checkout in an empty folder, with nothing in Keras' cache."""

    def run(*arguments, **variables):
        home = str(tmp_path / "keras")
        environment = {**os.environ, "KERAS_HOME": home, "COLUMNS": "100", **variables}
        program, *rest = (str(argument) for argument in arguments)
        start = [program] if program == "-m" else [ROOT / program]
        return subprocess.run(
            [sys.executable, *start, *rest],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run
