"""All leaves of an averaged ensemble together: descent, fixed points, order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.special import rel_entr, softmax

from skdistill.loss import CombinedLoss, logits
from skdistill.students._mixture import solve_mixture
from skdistill.students._refine import mean_of_trees, sum_over_leaves


def problem(n_classes=3, n_trees=3, leaves_of_tree=4, n_samples=60, seed=0, **params):
    """Leaf values, the leaf of each row in each tree, and a loss."""
    rng = np.random.default_rng(seed)
    values = rng.dirichlet(np.ones(n_classes), size=n_trees * leaves_of_tree)
    reached = rng.integers(leaves_of_tree, size=(n_samples, n_trees), dtype=np.int32)
    reached += np.arange(n_trees, dtype=np.int32) * leaves_of_tree
    proba = rng.dirichlet(np.full(n_classes, 0.5), size=n_samples)
    y = rng.integers(n_classes, size=n_samples)
    return values, reached, CombinedLoss(proba, y, **params)


def objective(values, start, reached, loss, prior):
    """As the module states it, in nats a row."""
    held = prior / reached.shape[1] * rel_entr(start, values).sum()
    total = loss.value_and_gradient(logits(mean_of_trees(values, reached)))[0]
    return total + held / loss.total_weight


def scipy_optimum(guess, start, reached, loss, prior):
    """Minimise over unconstrained logits of the leaves."""

    def value(z):
        return objective(softmax(z.reshape(guess.shape), 1), start, reached, loss, prior)

    return minimize(value, np.log(guess).ravel(), method="BFGS", options={"gtol": 1e-7})


@given(
    n_classes=st.integers(2, 4),
    n_trees=st.integers(1, 4),
    temperature=st.sampled_from([0.5, 1.0, 3.0, 10.0]),
    alpha=st.sampled_from([0.3, 0.7, 1.0]),
    prior=st.sampled_from([0.0, 1.0, 5.0]),
    seed=st.integers(0, 1000),
)
def test_every_step_lowers_the_objective_and_the_end_lowers_the_loss(
    n_classes, n_trees, temperature, alpha, prior, seed
):
    start, reached, loss = problem(
        n_classes, n_trees, seed=seed, temperature=temperature, alpha=alpha
    )
    before = objective(start, start, reached, loss, prior)
    for steps in (1, 2, 5, 20):
        values, curve = solve_mixture(start, reached, loss, prior=prior, tol=0, max_iter=steps)
        assert_allclose(values.sum(axis=1), 1)
        assert np.all(values >= 0)
        after = objective(values, start, reached, loss, prior)
        assert after <= before + 1e-12
        before = after
    assert curve[-1].total <= curve[0].total
    if prior == 0:
        assert np.all(np.diff([parts.total for parts in curve]) <= 0)
    answer = logits(mean_of_trees(values, reached))
    assert curve[-1].total == pytest.approx(loss.parts(answer).total)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("prior", [0.5, 2.0])
def test_the_fixed_point_is_the_optimum_of_an_independent_solver(
    temperature, n_classes, prior
):
    start, reached, loss = problem(n_classes, temperature=temperature, alpha=0.7)
    values, _ = solve_mixture(start, reached, loss, prior=prior, tol=0, max_iter=3000)
    found = objective(values, start, reached, loss, prior)
    theirs = scipy_optimum(start, start, reached, loss, prior)
    assert found == pytest.approx(theirs.fun, abs=1e-7)
    assert_allclose(values, softmax(theirs.x.reshape(values.shape), 1), atol=2e-3)


def test_without_a_prior_the_loss_itself_reaches_the_optimum():
    start, reached, loss = problem(alpha=0.7)
    values, curve = solve_mixture(start, reached, loss, prior=0, tol=0, max_iter=5000)
    theirs = scipy_optimum(np.maximum(values, 1e-6), start, reached, loss, 0)
    assert curve[-1].total == pytest.approx(theirs.fun, abs=1e-5)


def test_one_tree_without_a_prior_is_solved_in_one_step():
    start, reached, loss = problem(n_trees=1, temperature=1, alpha=0.5)
    values, _ = solve_mixture(start, reached, loss, prior=0, max_iter=1)
    mean = sum_over_leaves(loss.blend(), reached, len(start))
    assert_allclose(values, mean / mean.sum(axis=1, keepdims=True))


def test_integer_weights_are_repeated_rows():
    start, reached, loss = problem(alpha=0.6, temperature=2)
    times = np.random.default_rng(1).integers(1, 4, loss.n_samples)
    rows = np.repeat(np.arange(loss.n_samples), times)
    weighted = CombinedLoss(
        loss.soft_labels, loss.y, alpha=0.6, temperature=2, sample_weight=times
    )
    repeated = CombinedLoss(loss.soft_labels[rows], loss.y[rows], alpha=0.6, temperature=2)
    assert_allclose(
        solve_mixture(start, reached, weighted)[0],
        solve_mixture(start, reached[rows], repeated)[0],
        atol=1e-8,
    )


def test_a_leaf_that_no_row_reaches_keeps_its_value():
    start, reached, loss = problem()
    reached = np.where(reached == 2, 1, reached).astype(np.int32)
    for prior in (0.0, 1.0):
        values, _ = solve_mixture(start, reached, loss, prior=prior)
        assert_allclose(values[2], start[2])
        assert np.abs(values[1] - start[1]).max() > 1e-3


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_an_order_of_leaves_is_kept_and_the_loss_still_falls(temperature):
    start, reached, loss = problem(2, temperature=temperature)

    def order(values):
        """Within each tree the probability of the second class must not fall."""
        second = np.maximum.accumulate(values[:, 1].reshape(3, 4), axis=1).ravel()
        return np.column_stack([1 - second, second])

    start = order(start)
    values, curve = solve_mixture(start, reached, loss, order=order)
    assert np.all(np.diff(values[:, 1].reshape(3, 4)) >= -1e-12)
    assert curve[-1].total < curve[0].total
