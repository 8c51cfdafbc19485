"""`lbfgs.LBFGS` for vectors that fill the memory: NumPy's arrays, in pieces, with a short history.

The method is the same, but where no unit step fits, the step is halved instead of searched for.
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from tfstyle.optimization.lbfgs import FIRST_STEP, SCALE_FACTOR, SUFFICIENT_DECREASE

HISTORY = 5
_PIECE = 2**20  # entries that are computed with at once
_NEWTON_HALVINGS = 4
_HALVINGS = 20


class LeanLBFGS:
    """Minimizes a smooth function of a float32 vector, one iteration per call.

    Four vectors are kept while the function is evaluated, beside the stored pairs: positions and
    gradients before and after a step. Arguments, attributes and methods are those of `lbfgs.LBFGS`,
    with arrays instead of tensors, and:

    Args:
        storage: NumPy's type of the stored pairs, "float32" or "bfloat16".
    """

    def __init__(
        self, value_and_gradient, history=HISTORY, storage="bfloat16", first_step=FIRST_STEP
    ):
        if history < 1:
            raise ValueError(f"`history` must be positive. Received: history={history}")
        self.history = history
        self.first_step = first_step
        self._type = np.dtype(tf.as_dtype(storage).as_numpy_dtype)
        self.use(value_and_gradient)
        self.position: Any = None
        self._gradient: Any = None
        self._rows: Any = None
        self.value = np.inf
        self.evaluations = self.iterations = 0
        self.converged = False
        self._forget()

    def use(self, value_and_gradient):
        """Sets another function, before `start`."""

        def evaluate(vector):
            value, gradient = value_and_gradient(vector)
            return float(value), np.asarray(gradient)

        self._evaluate = evaluate

    def start(self, position, rescale=None):
        """Sets the vector to `position`, `(n,)` float32, resets all other state and evaluates."""
        del rescale
        self.position = self._gradient = self._rows = None  # before more is taken
        self.position = np.asarray(position)
        self._rows = np.zeros((2 * self.history, len(position)), self._type)
        self.evaluations, self.iterations = 0, 0
        self._forget()
        self._begin()

    def switch(self, value_and_gradient):
        """Continues with another function of the same vector, keeping the history."""
        self.use(value_and_gradient)
        self._begin()

    def _begin(self):
        self._gradient = None
        value, gradient = self._evaluate(self.position)
        if not np.isfinite(value) or not _finite(gradient):
            raise ValueError(f"the function is not finite at the start. Received: value={value}")
        self._gradient, self.value = gradient, value
        self._projections = sum(rows @ gradient[piece] for piece, rows in self._pieces())
        self.evaluations += 1
        self.converged = False

    def step(self):
        """One iteration; does nothing once `converged`. Returns the new value."""
        if not self.converged and not self._descend(self._newton_step(), _NEWTON_HALVINGS):
            self._forget()
            self.converged = not self._descend(self._newton_step(), _HALVINGS)
        return self.value

    def _newton_step(self):
        """The position after a unit step; along the gradient without pairs."""
        weights, gradient_weight = self._coefficients()
        trial = np.empty_like(self.position)
        for piece, rows in self._pieces():
            trial[piece] = weights @ rows
            trial[piece] += gradient_weight * self._gradient[piece] + self.position[piece]
        return trial

    def _descend(self, trial, halvings):
        """Halves the step to the trial until the value is low enough; returns whether it became."""
        slope = math.fsum(
            float(self._gradient[piece] @ (trial[piece] - self.position[piece]))
            for piece in self._spans()
        )
        for _ in range(1 + halvings):
            value, gradient = self._evaluate(trial)
            self.evaluations += 1
            if value < self.value + SUFFICIENT_DECREASE * slope and _finite(gradient):
                self._accept(trial, gradient)
                self.value = value
                self.iterations += 1
                return True
            gradient = None
            slope /= 2
            for piece in self._spans():
                trial[piece] += self.position[piece]
                trial[piece] /= 2
        return False

    def _coefficients(self):
        """As in `lbfgs.LBFGS`: weights of the rows, and of the gradient."""
        if not self._count:
            largest = max(float(self._gradient.max()), -float(self._gradient.min()))
            return np.zeros(2 * self.history, np.float32), np.float32(-self.first_step / largest)
        size, products = self.history, self._products
        slots = [(self._count - 1 - age) % size for age in range(min(size, self._count))]
        weights, alphas = np.zeros(2 * size), []
        for slot in slots:
            inner = self._projections[slot] + products[slot] @ weights
            alphas.append(inner / products[slot, size + slot])
            weights[size + slot] -= alphas[-1]
        newest = size + slots[0]
        scale = SCALE_FACTOR * products[slots[0], newest] / products[newest, newest]
        weights *= scale
        for slot, alpha in zip(slots[::-1], alphas[::-1], strict=True):
            row = size + slot
            inner = scale * self._projections[row] + products[row] @ weights
            weights[slot] += alpha - inner / products[slot, row]
        return np.float32(-weights), np.float32(-scale)

    def _accept(self, position, gradient):
        """Moves and, where the curvature is positive, stores the pair."""
        slot = self._count % self.history
        pair = [slot, self.history + slot]
        inner = np.zeros((3, 2 * self.history))
        curvature = steps = changes = 0.0
        for piece in self._spans():
            step = position[piece] - self.position[piece]
            change = gradient[piece] - self._gradient[piece]
            curvature, steps, changes = (
                total + float(a @ b)
                for total, a, b in (
                    (curvature, step, change), (steps, step, step), (changes, change, change)
                )
            )  # fmt: skip
        curved = curvature > 1e-10 * np.sqrt(steps * changes)
        for piece in self._spans():
            if curved:
                self._rows[pair[0], piece] = position[piece] - self.position[piece]
                self._rows[pair[1], piece] = gradient[piece] - self._gradient[piece]
            rows = self._rows[:, piece].astype(np.float32)
            inner += np.stack([*rows[pair], gradient[piece]]) @ rows.T
        if curved:
            self._products[pair], self._products[:, pair] = inner[:2], inner[:2].T
            self._count += 1
        self._projections = inner[2]
        self.position, self._gradient = position, gradient

    def state(self):
        """The optimizer's state as a dict of NumPy arrays, for `restore`; no copies."""
        scalars = (self.value, self.evaluations, self.iterations, self.converged, self._count)
        return {
            "position": self.position,
            "gradient": self._gradient,
            "basis": self._rows.view(self._stored_type()),
            "products": self._products,
            "projections": self._projections,
            "scalars": np.array(scalars, np.float64),
        }

    def state_kinds(self, size):
        """Shapes and types of `state()`'s arrays for a vector of `size` numbers, by name."""
        rows = 2 * self.history
        return {
            "position": ((size,), "float32"),
            "gradient": ((size,), "float32"),
            "basis": ((rows, size), self._stored_type()),
            "products": ((rows, rows), "float64"),
            "projections": ((rows,), "float64"),
            "scalars": ((5,), "float64"),
        }

    def restore(self, state):
        """Continues from `state()` as if it had not been interrupted."""
        self.position, self._gradient = state["position"], state["gradient"]
        self._rows = state["basis"].view(self._type)
        self._products, self._projections = state["products"], state["projections"]
        self.value = float(state["scalars"][0])
        counts = [int(value) for value in state["scalars"][1:]]
        self.evaluations, self.iterations, converged, self._count = counts
        self.converged = bool(converged)

    def _stored_type(self):
        """The type of pairs in files, of those that NumPy has."""
        return np.dtype("uint16" if self._type.itemsize == 2 else self._type)

    def _forget(self):
        self._products = np.zeros((2 * self.history,) * 2)
        self._projections = np.zeros(2 * self.history)
        self._count = 0

    def _spans(self):
        for start in range(0, len(self.position), _PIECE):
            yield slice(start, start + _PIECE)

    def _pieces(self):
        for piece in self._spans():
            yield piece, self._rows[:, piece].astype(np.float32)


def _finite(vector):
    return bool(np.isfinite(vector.sum(dtype=np.float64)))
