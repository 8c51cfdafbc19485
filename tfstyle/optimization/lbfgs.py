"""L-BFGS on one flat vector, resumable, unit step first; knows nothing of images.

Nocedal and Wright, "Numerical Optimization", 2nd edition, algorithms 7.4 and 7.5, and section 3.1
for the Wolfe conditions. The unit step along a well scaled L-BFGS direction nearly always meets
them, so that one evaluation per iteration is enough; only if it fails, the line search of Hager and
Zhang (tensorflow-probability's) looks for another step.

The two-loop recursion runs on coefficients of the stored vectors, from their inner products (Chen,
Wang and Zhou, "Large-scale L-BFGS using MapReduce", NIPS 2014): the long vectors are read twice per
iteration, by two matrix products, regardless of their number.
"""

import collections

import numpy as np
import tensorflow as tf

HISTORY = 10
FIRST_STEP = 0.1  # largest change of an entry in a step without curvature information
SUFFICIENT_DECREASE = 1e-4  # c₁ and c₂ of Nocedal and Wright, section 3.1
CURVATURE = 0.9
# Of the scale sᵀy / yᵀy of section 7.2, which is too small for the losses of pictures: the slope at
# the unit step is a fifth of that at the start. With this factor it is about 0.
SCALE_FACTOR = 1.7
_SEARCH_ITERATIONS = 10
_HALVINGS = 20

_Point = collections.namedtuple("_Point", ["x", "f", "df", "full_gradient"])  # tfp's protocol


class VectorOptimizer:
    """Base of the optimizers of one flat vector: compiles each function they are given once."""

    def __init__(self, value_and_gradient):
        self._functions = {}
        self.use(value_and_gradient)

    def use(self, value_and_gradient):
        """Sets another function, before `start`."""
        if value_and_gradient not in self._functions:
            vector = [tf.TensorSpec([None], tf.float32)]
            function = tf.function(value_and_gradient, input_signature=vector, autograph=False)
            self._functions[value_and_gradient] = self._compile(function)
        self._evaluate, self._iterate = self._functions[value_and_gradient]

    def _compile(self, evaluate):
        """Compiled functions of this one: `_evaluate`, and `_iterate` for each iteration."""
        raise NotImplementedError


class LBFGS(VectorOptimizer):
    """Minimizes a smooth function of a float32 vector, one iteration per call.

    If neither the unit step nor the line search gives a finite, lower value, the history is dropped
    and a step along the negative gradient is halved until it does. The vector is always the last
    accepted one, so its value never increases or becomes infinite.

    Args:
        value_and_gradient: function of an `(n,)` float32 tensor to a scalar and an `(n,)` tensor.
        history: pairs of steps and gradient changes stored.
        first_step: largest change of an entry in a step without curvature information.

    Attributes:
        position: `(n,)` float32 variable.
        value: float, the function at `position`.
        evaluations: int, calls of the function since `start`.
        iterations: int, accepted steps since `start`.
        converged: bool, True when no step along the gradient gives a lower value.
    """

    def __init__(self, value_and_gradient, history=HISTORY, first_step=FIRST_STEP):
        if history < 1:
            raise ValueError(f"`history` must be positive. Received: history={history}")
        self.history = history
        self.first_step = first_step
        super().__init__(value_and_gradient)
        vector = tf.TensorShape([None])
        self.position = tf.Variable(tf.zeros([0]), shape=vector)
        self._gradient = tf.Variable(tf.zeros([0]), shape=vector)
        # Rows 0 … history - 1 are steps, the others gradient changes; a pair shares its slot.
        self._basis = tf.Variable(tf.zeros([0, 0]), shape=tf.TensorShape([None, None]))
        self._products = tf.Variable(tf.zeros([2 * history, 2 * history], tf.float64))
        self._projections = tf.Variable(tf.zeros([2 * history], tf.float64))  # basis · gradient
        self._count = tf.Variable(0)  # pairs stored since the history was last empty
        self.value = np.inf
        self.evaluations = 0
        self.iterations = 0
        self.converged = False

    def _compile(self, evaluate):
        return evaluate, tf.function(self._propose, autograph=False)

    def start(self, position, rescale=None):
        """Sets the vector to `position`, `(n,)` float32, resets all other state and evaluates.

        `rescale` is for optimizers that keep state between vectors; ignored here.
        Raises: ValueError if the function is not finite there.
        """
        del rescale
        self.position.assign(position)
        self._basis.assign(tf.zeros([2 * self.history, len(position)]))
        self.evaluations, self.iterations = 0, 0
        self._forget()
        self._begin()

    def switch(self, value_and_gradient):
        """Continues with another function of the same vector, keeping the history."""
        self.use(value_and_gradient)
        self._begin()

    def _begin(self):
        value, gradient = self._evaluate(self.position)
        if not np.isfinite(value) or not np.isfinite(gradient).all():
            raise ValueError(f"the function is not finite at the start. Received: value={value}")
        self._gradient.assign(gradient)
        self._projections.assign(tf.cast(tf.linalg.matvec(self._basis, gradient), tf.float64))
        self.value = float(value)
        self.evaluations += 1
        self.converged = False

    def step(self):
        """One iteration; does nothing once `converged`. Returns the new value."""
        if self.converged:
            return self.value
        direction, slope, value, gradient, new_slope = self._iterate()
        self.evaluations += 1
        length = tf.constant(1.0)
        if not self._wolfe(float(slope), float(value), float(new_slope)):
            length, value, gradient, evaluations = self._search(
                direction, tf.constant(self.value), slope, value, new_slope, gradient
            )
            self.evaluations += int(evaluations)
            if not self._lower(value, gradient):
                return self._descend()
        self._accept(direction, length, gradient)
        self.value = float(value)
        self.iterations += 1
        return self.value

    def state(self):
        """The optimizer's state as a dict of NumPy arrays, for `restore`."""
        scalars = (self.value, self.evaluations, self.iterations, self.converged)
        arrays = {name: variable.numpy() for name, variable in self._variables().items()}
        return {**arrays, "scalars": np.array(scalars, np.float64)}

    def state_kinds(self, size):
        """Shapes and types of `state()`'s arrays for a vector of `size` numbers, by name."""
        rows = 2 * self.history
        return {
            "position": ((size,), "float32"),
            "gradient": ((size,), "float32"),
            "basis": ((rows, size), "float32"),
            "products": ((rows, rows), "float64"),
            "projections": ((rows,), "float64"),
            "count": ((), "int32"),
            "scalars": ((4,), "float64"),
        }

    def restore(self, state):
        """Continues from `state()` as if it had not been interrupted."""
        for name, variable in self._variables().items():
            variable.assign(state[name])
        self.value = float(state["scalars"][0])
        self.evaluations, self.iterations = (int(value) for value in state["scalars"][1:3])
        self.converged = bool(state["scalars"][3])

    def _variables(self):
        return {
            "position": self.position,
            "gradient": self._gradient,
            "basis": self._basis,
            "products": self._products,
            "projections": self._projections,
            "count": self._count,
        }

    def _forget(self):
        self._products.assign(tf.zeros_like(self._products))
        self._projections.assign(tf.zeros_like(self._projections))
        self._count.assign(0)

    def _wolfe(self, slope, value, new_slope):
        """The strong Wolfe conditions, without that on curvature while the history is empty."""
        flat = abs(new_slope) <= CURVATURE * abs(slope) or not int(self._count)
        return value <= self.value + SUFFICIENT_DECREASE * slope and flat

    def _lower(self, value, gradient):
        return float(value) < self.value and np.isfinite(gradient).all()

    def _propose(self):
        """The direction, the slope along it, and value, gradient and slope at the unit step."""
        gradient = self._gradient.read_value()
        weights, gradient_weight = self._coefficients(gradient)
        direction = gradient_weight * gradient + tf.linalg.matvec(
            self._basis, weights, transpose_a=True
        )
        value, new_gradient = self._evaluate(self.position + direction)
        return (
            direction,
            _dot(gradient, direction),
            value,
            new_gradient,
            _dot(new_gradient, direction),
        )

    def _coefficients(self, gradient):
        """The direction's coefficients: float32 weights of the basis' rows, and of the gradient.

        The two-loop recursion, last pair first, on coefficients; `products @ weights` are inner
        products of the basis with the vector that the weights represent. Empty slots are zero and
        have no effect.
        """
        products, projections = self._products.read_value(), self._projections.read_value()
        size, identity = self.history, tf.eye(2 * self.history, dtype=tf.float64)
        slots = [tf.math.floormod(self._count - 1 - age, size) for age in range(size)]
        curvatures = [products[slot, size + slot] for slot in slots]  # sᵀy
        weights, alphas = tf.zeros([2 * size], tf.float64), []
        for slot, curvature in zip(slots, curvatures, strict=True):
            inner = projections[slot] + tf.tensordot(products[slot], weights, 1)
            alphas.append(tf.math.divide_no_nan(inner, curvature))
            weights -= alphas[-1] * identity[size + slot]
        newest = size + slots[0]
        first = tf.cast(self.first_step / tf.reduce_max(tf.abs(gradient)), tf.float64)
        scale = tf.where(
            self._count > 0,
            SCALE_FACTOR * tf.math.divide_no_nan(curvatures[0], products[newest, newest]),
            first,
        )
        weights *= scale
        for slot, curvature, alpha in reversed(list(zip(slots, curvatures, alphas, strict=True))):
            row = size + slot
            inner = scale * projections[row] + tf.tensordot(products[row], weights, 1)
            beta = tf.math.divide_no_nan(inner, curvature)
            weights += (alpha - beta) * identity[slot]
        return -tf.cast(weights, tf.float32), -tf.cast(scale, tf.float32)

    @tf.function
    def _accept(self, direction, length, gradient):
        """Moves along `direction` and, where the curvature is positive, stores the pair."""
        step = length * direction
        change = gradient - self._gradient
        self.position.assign_add(step)
        self._gradient.assign(gradient)
        if _dot(step, change) > 1e-10 * tf.norm(step) * tf.norm(change):
            slot = tf.math.floormod(self._count, self.history)
            rows = tf.stack([slot, self.history + slot])
            self._basis.scatter_update(tf.IndexedSlices(tf.stack([step, change]), rows))
            self._count.assign_add(1)
            vectors = tf.stack([step, change, gradient])
            inner = tf.cast(tf.matmul(vectors, self._basis, transpose_b=True), tf.float64)
            pair = inner[:2]
            self._products.scatter_update(tf.IndexedSlices(pair, rows))
            products = tf.transpose(self._products)
            self._products.assign(tf.tensor_scatter_nd_update(products, rows[:, None], pair))
            self._projections.assign(inner[2])
        else:
            self._projections.assign(tf.cast(tf.linalg.matvec(self._basis, gradient), tf.float64))

    def _search(self, direction, start_value, slope, value, new_slope, gradient):
        """Hager and Zhang's line search: length, value, gradient and evaluations.

        Not compiled as a whole: a graph would contain the function many times, for a rare case.
        """
        import tensorflow_probability as tfp

        def along(length):
            value, gradient = self._evaluate(self.position + length * direction)
            return _Point(length, value, _dot(gradient, direction), gradient)

        unit = tf.constant(1.0)
        result = tfp.optimizer.linesearch.hager_zhang(
            along,
            initial_step_size=unit,
            value_at_initial_step=_Point(unit, value, new_slope, gradient),
            value_at_zero=_Point(0.0 * unit, start_value, slope, self._gradient.read_value()),
            max_iterations=_SEARCH_ITERATIONS,
        )
        best = result.left
        return best.x, best.f, best.full_gradient, result.func_evals

    def _descend(self):
        """Without history, a step down the gradient, halved until the value is lower."""
        self._forget()
        length = self.first_step / float(tf.reduce_max(tf.abs(self._gradient)) + 1e-30)
        for _ in range(_HALVINGS):
            step = -length * self._gradient
            value, gradient = self._evaluate(self.position + step)
            self.evaluations += 1
            if self._lower(value, gradient):
                self._accept(step, tf.constant(1.0), gradient)
                self.value = float(value)
                self.iterations += 1
                return self.value
            length /= 2
        self.converged = True
        return self.value


def _dot(a, b):
    return tf.tensordot(a, b, 1)
