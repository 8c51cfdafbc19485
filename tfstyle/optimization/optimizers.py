"""Other optimizers of pixels, with the interface of `lbfgs.LBFGS`."""

from typing import Any

import numpy as np
import tensorflow as tf

from tfstyle.optimization.lbfgs import HISTORY, VectorOptimizer


class Adam(VectorOptimizer):
    """Adam on one flat vector, with an average of the iterates as its result.

    Kingma and Ba, ICLR 2015; the averaging and the rescaling of moments between scales are those of
    crowsonkb/style-transfer-pytorch. Arguments, attributes and methods are those of `lbfgs.LBFGS`;
    `value` is the function at the last iterate, not at the average.

    Args:
        value_and_gradient: function of an `(n,)` float32 tensor to a scalar and an `(n,)` tensor.
        learning_rate: float > 0.
        decay: of the average of the iterates, in [0, 1).
    """

    def __init__(self, value_and_gradient, learning_rate=0.02, decay=0.99):
        self.learning_rate = learning_rate
        self.decay = decay
        vector = tf.TensorShape([None])
        self._vectors = {
            name: tf.Variable(tf.zeros([0]), shape=vector)
            for name in ("iterate", "first", "second", "average")
        }
        self._updates = tf.Variable(0.0)  # of the moments, over all scales
        self._averaged = tf.Variable(0.0)  # iterates in the average, of this scale
        super().__init__(value_and_gradient)
        self.value, self.evaluations, self.iterations, self.converged = np.inf, 0, 0, False

    @property
    def position(self):
        weight = 1.0 - self.decay**self._averaged
        if self._averaged == 0:
            return self._vectors["iterate"].read_value()
        return self._vectors["average"] / weight

    def _compile(self, evaluate):
        return evaluate, tf.function(self._step, autograph=False)

    switch = VectorOptimizer.use  # nothing else depends on the function

    def start(self, position, rescale=None):
        """Sets the vector to `position`; `rescale` maps the moments of the last scale to this."""
        vectors = self._vectors
        vectors["iterate"].assign(position)
        for name in ("first", "second"):
            if rescale is None:
                vectors[name].assign(tf.zeros_like(position))
                self._updates.assign(0.0)
            else:
                vectors[name].assign(rescale(vectors[name].numpy()))
        vectors["second"].assign(tf.maximum(vectors["second"], 0.0))
        vectors["average"].assign(tf.zeros_like(position))
        self._averaged.assign(0.0)
        self.evaluations, self.iterations = 0, 0

    def step(self):
        """One iteration. Returns the value before it."""
        value = float(self._iterate())
        self.evaluations += 1
        self.iterations += 1
        if np.isfinite(value):
            self.value = value
        return self.value

    def _step(self):
        vectors = self._vectors
        value, gradient = self._evaluate(vectors["iterate"])
        finite = tf.math.is_finite(value) & tf.reduce_all(tf.math.is_finite(gradient))
        gradient = tf.where(finite, gradient, 0.0)  # ignored
        self._updates.assign_add(1.0)
        self._averaged.assign_add(1.0)
        first = vectors["first"].assign(0.9 * vectors["first"] + 0.1 * gradient)
        second = vectors["second"].assign(0.99 * vectors["second"] + 0.01 * gradient**2)
        first = first / (1.0 - 0.9**self._updates)
        second = second / (1.0 - 0.99**self._updates)
        iterate = vectors["iterate"].assign_sub(
            self.learning_rate * first / (tf.sqrt(second) + 1e-12)
        )
        vectors["average"].assign(self.decay * vectors["average"] + (1.0 - self.decay) * iterate)
        return value

    def state(self):
        """All of the optimizer as a dict of NumPy arrays, for `restore`."""
        arrays = {name: variable.numpy() for name, variable in self._vectors.items()}
        scalars = (self.value, self.evaluations, self.iterations)
        counts = (float(self._updates), float(self._averaged))
        return {**arrays, "scalars": np.array(scalars + counts, np.float64)}

    def state_kinds(self, size):
        """Shapes and types of `state()`'s arrays for a vector of `size` numbers, by name."""
        vectors = {name: ((size,), "float32") for name in self._vectors}
        return {**vectors, "scalars": ((5,), "float64")}

    def restore(self, state):
        """Continues from `state()` as if it had not been interrupted."""
        for name, variable in self._vectors.items():
            variable.assign(state[name])
        self._vectors["second"].assign(tf.maximum(self._vectors["second"], 0.0))
        value, evaluations, iterations, updates, averaged = state["scalars"]
        self.value, self.evaluations, self.iterations = value, int(evaluations), int(iterations)
        self._updates.assign(updates)
        self._averaged.assign(averaged)


class StockLBFGS(VectorOptimizer):
    """tensorflow-probability's `lbfgs_minimize`, in chunks that keep its history.

    Arguments, attributes and methods are those of `lbfgs.LBFGS`; it needs about three evaluations
    per iteration.
    """

    def __init__(self, value_and_gradient, history=HISTORY):
        self.history = history
        self._results: Any = None  # of tfp, once it has started
        super().__init__(value_and_gradient)
        self.value, self.evaluations, self.iterations, self.converged = np.inf, 0, 0, False

    @property
    def position(self):
        return self._results.position

    def switch(self, value_and_gradient):
        """Continues with another function of the same vector; tfp's history is lost."""
        self.use(value_and_gradient)
        self.converged = False
        self._begin(self.position)

    def _compile(self, evaluate):
        def minimize(results, iterations):
            import tensorflow_probability as tfp

            return tfp.optimizer.lbfgs_minimize(
                evaluate,
                initial_position=None,
                previous_optimizer_results=results,
                max_iterations=iterations,
                num_correction_pairs=self.history,
                tolerance=0.0,
                x_tolerance=0.0,
                f_relative_tolerance=0.0,
            )

        def first(position):
            import tensorflow_probability as tfp

            return tfp.optimizer.lbfgs_minimize(
                evaluate,
                initial_position=position,
                max_iterations=0,
                num_correction_pairs=self.history,
            )

        return tuple(
            tf.function(one, reduce_retracing=True, autograph=False) for one in (first, minimize)
        )

    def start(self, position, rescale=None):
        """Sets the vector to `position`, resets all other state and evaluates."""
        del rescale
        self.evaluations, self.iterations, self.converged = 0, 0, False
        self._begin(position)

    def _begin(self, position):
        self._results = self._evaluate(tf.convert_to_tensor(position))
        self.evaluations += int(self._results.num_objective_evaluations)
        self.value = float(self._results.objective_value)

    def step(self):
        """One iteration; does nothing once `converged`. Returns the new value."""
        if self.converged:
            return self.value
        before = self._results
        results = self._iterate(before, before.num_iterations + 1)
        self.evaluations += int(
            results.num_objective_evaluations - before.num_objective_evaluations
        )
        if bool(results.failed) or bool(results.converged):
            self.converged = True
        if np.isfinite(float(results.objective_value)):
            self._results = results
            self.value = float(results.objective_value)
            self.iterations += 1
        return self.value

    def state(self):
        """All of the optimizer as a dict of NumPy arrays, for `restore`."""
        arrays = {f"results_{name}": np.asarray(part) for name, part in
                  self._results._asdict().items()}  # fmt: skip
        scalars = (self.evaluations, self.iterations, self.converged)
        return {**arrays, "scalars": np.array(scalars, np.float64)}

    def state_kinds(self, size):
        """Shapes and types of `state()`'s arrays for a vector of `size` numbers, by name."""
        single = {"converged": "bool", "failed": "bool", "num_iterations": "int32",
                  "num_objective_evaluations": "int32", "objective_value": "float32"}  # fmt: skip
        vectors, pairs = ("position", "objective_gradient"), ("position_deltas", "gradient_deltas")
        results = {
            **{name: ((), dtype) for name, dtype in single.items()},
            **{name: ((size,), "float32") for name in vectors},
            **{name: ((self.history, size), "float32") for name in pairs},
        }
        kinds = {f"results_{name}": kind for name, kind in results.items()}
        return {**kinds, "scalars": ((3,), "float64")}

    def restore(self, state):
        """Continues from `state()` as if it had not been interrupted."""
        self._begin(state["results_position"])
        parts = {name: tf.constant(state[f"results_{name}"]) for name in self._results._fields}
        self._results = type(self._results)(**parts)
        self.value = float(self._results.objective_value)
        self.evaluations, self.iterations = (int(value) for value in state["scalars"][:2])
        self.converged = bool(state["scalars"][2])
