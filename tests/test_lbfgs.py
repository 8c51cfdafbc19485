"""L-BFGS on functions whose minimum is known, beside SciPy's and tensorflow-probability's."""

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from tfstyle.optimization.lbfgs import LBFGS, SCALE_FACTOR
from tfstyle.optimization.lean_lbfgs import LeanLBFGS
from tfstyle.optimization.optimizers import Adam, StockLBFGS


def differentiated(function):
    def value_and_gradient(x):
        x = tf.convert_to_tensor(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return value, tape.gradient(value, x)

    return value_and_gradient


@differentiated
def rosenbrock(x):
    return tf.reduce_sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


SCALES = np.geomspace(1, 300, 40).astype(np.float32)


@differentiated
def bowl(x):
    return 0.5 * tf.reduce_sum(SCALES * (x - 1.0) ** 2)


def minimize(optimizer, start, iterations):
    optimizer.start(np.asarray(start, np.float32))
    return [optimizer.step() for _ in range(iterations)]


@pytest.mark.parametrize("kind", [LBFGS, LeanLBFGS])
def test_the_direction_is_the_two_loop_recursion(kind, monkeypatch):
    """Against the textbook's algorithm 7.4 in float64, from the pairs that the steps made.

    But for the factor on the scale.
    """
    monkeypatch.setattr("tfstyle.optimization.lean_lbfgs._PIECE", 7)
    optimizer = kind(bowl, history=4)
    if kind is LeanLBFGS:
        optimizer = LeanLBFGS(bowl, history=4, storage="float32")
    optimizer.start(np.zeros(40, np.float32))
    pairs, position, gradient = [], np.zeros(40), -SCALES.astype(np.float64)
    for _ in range(7):
        optimizer.step()
        after = np.asarray(optimizer.position, np.float64)
        pairs.append((after - position, SCALES * (after - 1.0) - gradient))
        position, gradient = after, SCALES * (after - 1.0)
    q, alphas = gradient.copy(), []
    for s, y in reversed(pairs[-4:]):
        alphas.append(s @ q / (s @ y))
        q -= alphas[-1] * y
    s, y = pairs[-1]
    q *= SCALE_FACTOR * s @ y / (y @ y)
    for (s, y), alpha in zip(pairs[-4:], reversed(alphas), strict=True):
        q += (alpha - y @ q / (s @ y)) * s
    if kind is LeanLBFGS:
        direction = optimizer._newton_step() - optimizer.position
    else:
        direction = optimizer._iterate()[0].numpy()
    np.testing.assert_allclose(direction, -q, rtol=2e-3, atol=2e-3 * np.abs(q).max())


def test_reaches_the_minimum_like_scipy():
    optimizer = LBFGS(rosenbrock)
    minimize(optimizer, np.zeros(20), 150)
    assert optimizer.value < 1e-6
    np.testing.assert_allclose(optimizer.position, 1.0, atol=2e-3)
    peer = scipy.optimize.minimize(
        lambda x: [np.float64(v) for v in map(np.asarray, rosenbrock(tf.constant(x, tf.float32)))][
            0
        ],
        np.zeros(20),
        jac=lambda x: np.asarray(rosenbrock(tf.constant(x, tf.float32))[1], np.float64),
        method="L-BFGS-B",
        tol=1e-9,
    )
    assert optimizer.evaluations < 2 * peer.nfev  # 1.52 on one processor, less on another


def test_one_evaluation_an_iteration_where_unit_steps_fit():
    ours, stock = LBFGS(bowl), StockLBFGS(bowl)
    values = minimize(ours, np.zeros(40), 40)
    minimize(stock, np.zeros(40), 40)
    assert values == sorted(values, reverse=True)
    assert ours.evaluations <= 1.25 * 40
    assert stock.evaluations > 2 * ours.evaluations


def test_the_first_step_is_small_and_known():
    optimizer = LBFGS(bowl, first_step=1e-3)
    minimize(optimizer, np.zeros(40), 1)
    assert np.abs(optimizer.position).max() == pytest.approx(1e-3, rel=1e-3)


def test_a_function_with_holes_never_leaves_a_bad_vector():
    @differentiated
    def holed(x):  # not a number left of 0.5 and beyond 1.5, where the first steps lead
        return tf.reduce_sum(tf.math.log(x - 0.5) ** 2 + tf.sqrt(1.5 - x))

    optimizer = LBFGS(holed, first_step=10.0)
    values = minimize(optimizer, np.full(3, 1.3), 30)
    assert np.isfinite(values).all() and values == sorted(values, reverse=True)
    assert np.isfinite(optimizer.position).all() and values[-1] < values[0]


def test_converged_at_the_minimum():
    optimizer = LBFGS(bowl)
    minimize(optimizer, np.ones(40), 2)
    assert optimizer.converged and optimizer.value == 0
    np.testing.assert_array_equal(optimizer.position, 1.0)


def test_a_start_that_is_not_finite():
    with pytest.raises(ValueError, match="not finite at the start"):
        LBFGS(bowl).start(np.full(40, np.nan, np.float32))


@pytest.mark.parametrize("kind", [LBFGS, LeanLBFGS, StockLBFGS, Adam])
def test_restored_state_goes_on_bit_for_bit(kind):
    whole, first, second = kind(rosenbrock), kind(rosenbrock), kind(rosenbrock)
    values = minimize(whole, np.zeros(30), 15)
    minimize(first, np.zeros(30), 7)
    second.restore(first.state())
    assert [second.step() for _ in range(8)] == values[7:]
    np.testing.assert_array_equal(second.position, whole.position)
    assert second.evaluations == whole.evaluations


def test_a_longer_vector_can_follow():
    optimizer = LBFGS(rosenbrock)
    minimize(optimizer, np.zeros(10), 20)
    fresh = LBFGS(rosenbrock)
    assert minimize(optimizer, np.zeros(15), 20) == minimize(fresh, np.zeros(15), 20)


def test_switch_keeps_the_history():
    @differentiated
    def shifted(x):
        return 0.5 * tf.reduce_sum(SCALES * (x - 1.0) ** 2) + 7.0

    optimizer = LBFGS(bowl)
    minimize(optimizer, np.zeros(40), 20)
    value = optimizer.value
    optimizer.switch(shifted)
    assert optimizer.value == pytest.approx(value + 7, rel=1e-5)
    for _ in range(60):
        optimizer.step()
    assert optimizer.value == pytest.approx(7.0, abs=1e-3)


def test_adam_averages_and_carries_moments():
    adam = Adam(bowl, learning_rate=0.05)
    minimize(adam, np.zeros(40), 600)
    np.testing.assert_allclose(adam.position, 1.0, atol=0.02)
    moments = adam._vectors["second"].numpy()
    adam.start(np.ones(80, np.float32), rescale=lambda vector: np.repeat(vector, 2))
    np.testing.assert_array_equal(adam._vectors["second"], np.repeat(moments, 2))


def test_misuse_is_a_value_error():
    with pytest.raises(ValueError, match="Received: history=0"):
        LBFGS(bowl, history=0)
