"""Trees that look ahead: what they find, and what they may not do."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_classification
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill.loss import CombinedLoss
from skdistill.students import _lookahead, fit_student
from skdistill.students._alternating import descend
from skdistill.students._lookahead import grow_ahead

LIMITS = {"min_samples_leaf": 1, "min_samples_split": 2}


def rows(n_samples=400, seed=0):
    X, y = make_classification(
        n_samples, 6, n_informative=4, n_classes=3, flip_y=0.1, random_state=seed
    )
    blur = np.random.default_rng(seed).dirichlet(np.ones(3), size=n_samples)
    return X.astype(np.float32), y, 0.6 * np.eye(3)[y] + 0.4 * blur


def leaves(X, target, depth, seed=0, **limits):
    """Leaf of every row of a tree that looked ahead, and its records."""
    rng = np.random.RandomState(seed)
    nodes = grow_ahead(X, target, np.ones(len(X)), depth, rng, **(LIMITS | limits))
    return descend(nodes, X, np.zeros(len(X), dtype=np.intp)), nodes


def squared_error(leaf, target):
    sums = np.column_stack([np.bincount(leaf, column) for column in target.T])
    counts = np.maximum(np.bincount(leaf), 1)[:, None]
    return ((target - (sums / counts)[leaf]) ** 2).sum()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("depth", [2, 3])
def test_its_squared_error_is_at_most_that_of_a_greedy_tree(seed, depth):
    X, _, proba = rows(seed=seed)
    greedy = DecisionTreeRegressor(max_depth=depth, random_state=0).fit(X, proba)
    ahead = squared_error(leaves(X, proba, depth)[0], proba)
    assert ahead <= squared_error(greedy.apply(X), proba) * (1 + 1e-9)


def test_two_levels_are_the_best_there_are_where_values_are_few():
    """Against brute force over first splits, with the best second ones."""
    X, _, proba = rows(150)
    X = np.round(X[:, :3]).clip(-3, 3).astype(np.float32)

    def best(rows, depth):
        found = squared_error(np.zeros(rows.sum(), dtype=int), proba[rows])
        for column in X.T if depth else ():
            for threshold in np.unique(column[rows])[:-1]:
                left = column <= threshold
                error = best(rows & left, depth - 1) + best(rows & ~left, depth - 1)
                found = min(found, error)
        return found

    found = squared_error(leaves(X, proba, 2)[0], proba)
    assert found == pytest.approx(best(np.ones(len(X), dtype=bool), 2))


@pytest.mark.parametrize("n_samples", [400, 1500])
def test_limits_of_nodes_and_the_depth_hold(n_samples, monkeypatch):
    monkeypatch.setattr(_lookahead, "ROWS", 500)
    X, y, proba = rows(n_samples)
    X[np.random.default_rng(0).uniform(size=X.shape) < 0.1] = np.nan
    student = DecisionTreeClassifier(max_depth=4, min_samples_leaf=12, min_samples_split=40)
    fitted = fit_student(student, X, CombinedLoss(proba, y), refine=True, random_state=0)
    tree = fitted.student.tree_
    is_leaf = tree.children_left < 0
    assert fitted.student.get_depth() == tree.max_depth <= 4
    assert tree.n_node_samples[is_leaf].min() >= 12
    assert tree.n_node_samples[~is_leaf].min() >= 40
    assert_array_equal(
        np.bincount(fitted.student.apply(X), minlength=len(is_leaf))[is_leaf],
        tree.n_node_samples[is_leaf],
    )


def test_a_seed_draws_the_same_rows(monkeypatch):
    monkeypatch.setattr(_lookahead, "ROWS", 100)
    X, _, proba = rows()
    first, again, other = (leaves(X, proba, 3, seed)[1] for seed in (0, 0, 1))
    assert_array_equal(first, again)
    assert len(first) != len(other) or np.any(first["threshold"] != other["threshold"])


def test_missing_values_go_where_the_records_say():
    X, _, proba = rows()
    X[np.random.default_rng(0).uniform(size=X.shape) < 0.3] = np.nan
    leaf, nodes = leaves(X, proba, 3)
    assert np.all(nodes["left_child"][leaf] < 0)
    least = squared_error(np.zeros(len(X), dtype=int), proba)
    assert squared_error(leaf, proba) < 0.95 * least
