"""A training step as one compiled function of the state: crops, losses, gradients, the update."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np

from tfstyle.training.objectives import loss_terms_of


class State(NamedTuple):
    """What a step changes; lists of arrays, in the order of the variables."""

    step: Any  # () int32
    key: Any  # of `jax.random`
    weights: list
    averages: list  # moving averages of the weights
    slots: list  # the optimizer's variables


def first_state(model, optimizer, seed, step=0, weights=None, averages=None):
    """The state at a step.

    Args:
        model: built.
        optimizer: built for its trainable variables.
        seed: of the crops.
        step: that is done.
        weights: NumPy arrays instead of the model's.
        averages: likewise.
    """
    if weights is None:
        weights = averages = [variable.value for variable in model.trainable_variables]
    copies = [
        [jnp.array(part) for part in parts]  # since a step takes over the memory of its arguments
        for parts in (weights, averages, [variable.value for variable in optimizer.variables])
    ]
    key = jax.random.fold_in(jax.random.key(seed), step)
    return State(jnp.int32(step), key, *copies)


class Stateless:
    """A model's methods as functions of its weights."""

    def __init__(self, model):
        self.model = model

    @property
    def fixed(self):
        """Values of the variables that are not trained."""
        return [variable.value for variable in self.model.non_trainable_variables]

    def __call__(self, method, weights, fixed, *arguments):
        variables = [*self.model.trainable_variables, *self.model.non_trainable_variables]
        mapping = [*zip(variables, [*weights, *fixed], strict=True)]
        with keras.StatelessScope(state_mapping=mapping):
            return method(*arguments)


def make_step(model, optimizer, draw, clip_norm, ema, temporal_weight=0.0):
    """`step(state, rate, fixed, *pictures) → (state, report)`, to be compiled.

    A step whose loss or gradients are not finite changes the key alone.

    Args:
        model: a `StyleTransferModel`.
        optimizer: built.
        draw: function of a key and `pictures` that returns the inputs of `loss_terms`.
        clip_norm: of all gradients together; 0 for no clipping.
        ema: decay of the averages, smaller at first.
        temporal_weight: of `loss_terms_of`.
    Returns: the report has the losses by name, `gradient_norm` and `skipped`.
    """
    stateless, loss_terms = Stateless(model), loss_terms_of(model, temporal_weight)
    place = [variable.name for variable in optimizer.variables].index("learning_rate")

    def losses_of(weights, fixed, inputs):
        terms = stateless(loss_terms, weights, fixed, inputs)
        return terms["total"], terms

    def step(state, rate, fixed, *pictures):
        key, now = jax.random.split(state.key)
        (_, terms), gradients = jax.value_and_grad(losses_of, has_aux=True)(
            state.weights, fixed, draw(now, *pictures)
        )
        norm = jnp.sqrt(sum(jnp.sum(jnp.square(part)) for part in gradients))
        factor = jnp.minimum(1.0, clip_norm / jnp.maximum(norm, 1e-30)) if clip_norm else 1.0
        slots = [*state.slots]
        slots[place] = rate
        weights, slots = optimizer.stateless_apply(
            slots, [factor * part for part in gradients], state.weights
        )
        count = state.step.astype("float32")
        decay = jnp.minimum(ema, (1.0 + count) / (10.0 + count))
        averages = [
            average + (1.0 - decay) * (weight - average)
            for average, weight in zip(state.averages, weights, strict=True)
        ]
        finite = jnp.isfinite(norm) & jnp.isfinite(terms["total"])
        updated = (state.step + 1, weights, averages, slots)
        before = (state.step, state.weights, state.averages, state.slots)
        chosen = jax.tree.map(lambda new, old: jnp.where(finite, new, old), updated, before)
        report = {**terms, "gradient_norm": norm, "skipped": ~finite}
        return State(chosen[0], key, *chosen[1:]), report

    return step


def to_arrays(state: State) -> dict[str, np.ndarray]:
    """The weights and their averages for a file, in six bytes for each.

    The optimizer's variables are left out: it finds its moments again within the warm-up.
    """
    arrays = {}
    for number, (weight, average) in enumerate(zip(state.weights, state.averages, strict=True)):
        average = np.asarray(average)
        arrays[f"average/{number}"] = average
        arrays[f"difference/{number}"] = (np.asarray(weight) - average).astype(np.float16)
    return arrays


def from_arrays(arrays: dict[str, np.ndarray]) -> tuple[list, list]:
    """Weights and averages of `to_arrays`."""
    averages = [arrays[f"average/{number}"] for number in range(len(arrays) // 2)]
    differences = (arrays[f"difference/{number}"] for number in range(len(averages)))
    pairs = zip(averages, differences, strict=True)
    return [one + part.astype(np.float32) for one, part in pairs], averages
