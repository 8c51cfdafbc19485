"""Weights of the style layers for a pair of pictures, of which each layer pulls alike."""

import numpy as np
import tensorflow as tf

from tfstyle.optimization.objective import Objective
from tfstyle.optimization.tiles import TiledObjective


def balanced_factors(objective: Objective | TiledObjective, image: np.ndarray) -> dict[str, float]:
    """Factors on the weights of the style layers that make their gradients as long as these say.

    A weight is then a layer's share of the pull on the picture, not of the loss. The sum of the
    gradients' lengths stays, so that content weighs as much as before.

    Args:
        objective: with its targets; it keeps the factors, and `image` as its start.
        image: where the gradients are taken, `(1, h, w, 3)`.
    Returns: factors by layer; 1 for a layer without gradient.
    """
    vector, evaluate = objective.set_start(image), objective.value_and_gradient
    if isinstance(objective, Objective):
        evaluate = tf.function(
            evaluate, input_signature=[tf.TensorSpec([None], tf.float32)], autograph=False
        )
    weights = {
        layer: sum(weight for _, weight in terms) for layer, terms in objective.loss.style.items()
    }

    def gradient(*active):
        objective.set_factors({layer: float(layer in active) for layer in weights})
        return np.asarray(evaluate(vector)[1])

    others = gradient()
    lengths = {layer: float(np.linalg.norm(gradient(layer) - others)) for layer in weights}
    pull = sum(lengths.values()) / (sum(weights.values()) or 1.0)  # 0 without style
    factors = {
        layer: pull * weights[layer] / length if length else 1.0
        for layer, length in lengths.items()
    }
    objective.set_factors(factors)
    return factors
