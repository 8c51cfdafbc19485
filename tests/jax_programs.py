"""What tests run with Keras' JAX backend: `KERAS_BACKEND=jax python -m tests.jax_programs NAME …`.

Each prints JSON.
"""

import json
import pathlib
import sys
import time

import jax
import keras
import numpy as np

from tfstyle import models
from tfstyle.config import TrainConfig
from tfstyle.training.objectives import loss_terms_of
from tools.jax_training import running, stepping

CONFIG = {
    "model": "adain", "encoder": "lite", "batch_size": 2, "crop_size": 64, "image_size": 64,
    "warmup_steps": 5, "learning_rate": 3e-3,
}  # fmt: skip


def terms(folder):
    """Loss terms of all model files of a folder, the temporal one too, for its pictures; paints."""
    with np.load(f"{folder}/pictures.npz") as file:
        pictures = {**file}
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*.keras")):
        model = keras.saving.load_model(path)
        loss_terms = jax.jit(loss_terms_of(model, 2.0))
        found[path.stem] = {k: float(v) for k, v in loss_terms(pictures).items()}
        np.save(path.with_suffix(".npy"), np.asarray(jax.jit(model.call)(pictures)))
    return found


def train(folder, pack):
    """Trains for 40 steps in two parts; the file `painted.npy` is of the model that it writes."""
    running._REPORT_SECONDS = -1.0  # a report of each step
    config, steps = TrainConfig(**CONFIG), []
    for last in (30, 40):
        model = models.create_model(config.model, config.encoder)
        plan = running.Plan(pathlib.Path(folder), time.monotonic(), 3600.0, 0.5, 3600.0)
        run = running.Run(config, model, plan, [pack])
        steps.append((int(run.state.step), run.done))
        run.train(lambda run=run, last=last: int(run.state.step) >= last)
        run.save()
    run.write_samples()
    run.write_model()
    contents, styles = run.samples
    painted = run.state.averages
    painted = run._paint(painted, run.fixed, {"content": contents, "style": styles})
    np.savez(f"{folder}/painted.npz", content=contents, style=styles, painted=painted)
    return {"steps": steps}


class Product(keras.Model):
    """A model whose loss is its only weight times the inputs' mean."""

    def build(self, _=None):
        self.factor = self.add_weight((), initializer="ones", name="factor")
        self.built = True

    def loss_terms(self, inputs):
        return {"total": self.factor * keras.ops.mean(inputs)}


def step():
    """Weights and averages after steps of several inputs."""
    model = Product()
    model.build()
    optimizer = keras.optimizers.SGD(1.0)
    optimizer.build(model.trainable_variables)
    function = jax.jit(stepping.make_step(model, optimizer, lambda key, x: x, 2.0, 0.999))
    state, found = stepping.first_state(model, optimizer, 0), []
    for value in (1.0, float("nan"), 10.0):
        state, report = function(state, np.float32(0.1), [], np.float32([value]))
        found.append([int(state.step), float(state.weights[0]), float(state.averages[0]),
                      bool(report["skipped"])])  # fmt: skip
    return found


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
