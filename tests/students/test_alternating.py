"""Splits chosen anew: exact, never worse, within the limits of the tree."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier, export_text

from skdistill.loss import CombinedLoss, logits
from skdistill.students import _alternating, fit_student
from skdistill.students._registry import refine_pays

every_tree = pytest.mark.parametrize("tree", [DecisionTreeClassifier, ExtraTreeClassifier])


def rows(n_classes=3, n_samples=300, seed=0):
    X, y = make_classification(
        n_samples, 6, n_informative=4, n_classes=n_classes, flip_y=0.1, random_state=seed
    )
    blur = np.random.default_rng(seed).dirichlet(np.ones(n_classes), size=n_samples)
    return X, y, 0.6 * np.eye(n_classes)[y] + 0.4 * blur


def refined(student, X, loss, refine=True):
    return fit_student(student, X, loss, refine=refine, random_state=0)


def total(student, X, loss):
    return loss.parts(logits(student.predict_proba(X))).total


@settings(deadline=None, max_examples=40)
@given(
    n_classes=st.integers(2, 4),
    temperature=st.sampled_from([0.5, 1.0, 3.0]),
    alpha=st.sampled_from([0.3, 1.0]),
    criterion=st.sampled_from(["gini", "entropy"]),
    depth=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_every_sweep_lowers_the_loss(n_classes, temperature, alpha, criterion, depth, seed):
    X, y, proba = rows(n_classes, seed=seed)
    loss = CombinedLoss(proba, y, temperature=temperature, alpha=alpha)
    student = DecisionTreeClassifier(max_depth=depth, criterion=criterion)
    grown = refined(student, X, loss, refine=False).student
    fitted = refined(student, X, loss)
    curve = [parts.total for parts in fitted.curve]
    assert curve[0] == pytest.approx(total(grown, X, loss))
    assert np.all(np.diff(curve) < 0)
    assert curve[-1] == pytest.approx(total(fitted.student, X, loss))


def test_a_rule_that_greedy_growing_misses_is_found():
    """Of four squares of a chessboard no first split is better than another."""
    X = np.random.default_rng(0).uniform(-1, 1, size=(400, 2))
    odd = (X[:, 0] > 0) != (X[:, 1] > 0)
    loss = CombinedLoss(np.where(odd[:, None], [[0.9, 0.1]], [[0.1, 0.9]]), alpha=1)
    student = DecisionTreeClassifier(max_depth=2)
    grown = total(refined(student, X, loss, refine=False).student, X, loss)
    assert total(refined(student, X, loss).student, X, loss) < 0.02 * grown


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_no_other_split_of_any_node_is_better(missing, temperature, monkeypatch):
    """Against brute force over nodes, columns, thresholds and sides."""
    monkeypatch.setattr(_alternating, "_TOL", 0)
    X, y, proba = rows(3, 80)
    X = np.round(X, 1).astype(np.float32)
    if missing:
        X[np.random.default_rng(1).uniform(size=X.shape) < 0.15] = np.nan
    loss = CombinedLoss(proba, y, temperature=temperature, alpha=0.7)
    fitted = refined(DecisionTreeClassifier(max_depth=2, min_samples_leaf=3), X, loss)
    tree = fitted.student.tree_
    by_leaf = np.column_stack(
        [loss.by_row(np.tile(row, (len(X), 1))) for row in logits(tree.value[:, 0])]
    )
    for node in np.flatnonzero(tree.children_left >= 0):
        reach = tree.decision_path(X).toarray()[:, node] == 1
        now = by_leaf[np.arange(len(X)), tree.apply(X)][reach].sum()
        ways = [
            _route(tree, X, child)
            for child in (tree.children_left[node], tree.children_right[node])
        ]
        for feature in range(X.shape[1]):
            value = X[:, feature]
            for threshold in np.append(np.unique(value[~np.isnan(value)]), np.inf):
                for missing_left in (False, True):
                    left = (value <= threshold) | (np.isnan(value) & missing_left)
                    for one, other in (ways, ways[::-1]):
                        leaf = np.where(left, one, other)
                        counts = np.bincount(leaf[reach], minlength=tree.node_count)
                        if min(counts[np.unique(np.r_[ways[0][reach], ways[1][reach]])]) < 3:
                            continue
                        loss_of_it = by_leaf[np.arange(len(X)), leaf][reach].sum()
                        assert loss_of_it >= now - 1e-7


def _route(tree, X, node):
    """Leaf of every row below a node."""
    at = np.full(len(X), node)
    while np.any(inner := tree.children_left[at] >= 0):
        value = X[np.arange(len(X)), np.maximum(tree.feature[at], 0)]
        left = np.where(
            np.isnan(value), tree.missing_go_to_left[at] == 1, value <= tree.threshold[at]
        )
        at = np.where(
            inner, np.where(left, tree.children_left[at], tree.children_right[at]), at
        )
    return at


@every_tree
@pytest.mark.parametrize(
    ("params", "least"),
    [
        ({"min_samples_leaf": 9}, (9, 18, 0)),
        ({"min_samples_leaf": 0.041}, (13, 26, 0)),
        ({"min_samples_split": 31, "min_samples_leaf": 2}, (2, 31, 0)),
        ({"min_weight_fraction_leaf": 0.03}, (1, 2, 0.03)),
        ({"max_leaf_nodes": 9}, (1, 2, 0)),
        ({"max_features": 2, "max_depth": 4}, (1, 2, 0)),
    ],
    ids=str,
)
def test_limits_of_nodes_are_kept(tree, params, least):
    sweeps = 0
    for seed in range(4):
        X, y, proba = rows(seed=seed)
        weight = np.random.default_rng(seed).uniform(0, 2, len(y)) * (
            np.arange(len(y)) % 7 > 0
        )
        loss = CombinedLoss(proba, y, sample_weight=weight, temperature=2)
        student = tree(random_state=0, **params)
        grown = refined(student, X, loss, refine=False).student.tree_
        fitted = refined(student, X, loss)
        own, leaf = fitted.student.tree_, fitted.student.tree_.children_left < 0
        assert (own.n_leaves, own.max_depth) == (grown.n_leaves, grown.max_depth)
        assert own.n_node_samples[leaf].min() >= least[0]
        assert own.n_node_samples[~leaf].min() >= least[1]
        mass = own.weighted_n_node_samples
        assert mass[leaf].min() >= least[2] * mass[0] * (1 - 1e-6)
        sweeps += len(fitted.curve) - 1
    assert sweeps > 0


def missing(X):
    X = X.copy()
    X[np.random.default_rng(0).uniform(size=X.shape) < 0.1] = np.nan
    return X


def paths(tree, X):
    """Nodes that each row passes; scikit-learn 1.7's own know no missing values."""
    nodes, leaf = tree.tree_, tree.apply(X)
    path = (leaf[:, None] == np.arange(nodes.node_count)).astype(int)
    for node in reversed(np.flatnonzero(nodes.children_left >= 0)):
        path[:, node] = (
            path[:, nodes.children_left[node]] + path[:, nodes.children_right[node]]
        )
    return path


@every_tree
@pytest.mark.parametrize("criterion", ["gini", "entropy"])
@pytest.mark.parametrize("container", [np.asarray, missing, sp.csr_matrix, sp.csc_array])
def test_the_refined_tree_is_a_native_one_in_every_respect(tree, criterion, container):
    X, y, proba = rows()
    X = container(X)
    student = tree(random_state=0, max_depth=4, criterion=criterion)
    student = refined(student, X, CombinedLoss(proba, y)).student
    native = clone(student).fit(X, y)
    assert {k: type(v) for k, v in vars(student).items()} == {
        k: type(v) for k, v in vars(native).items()
    }
    revived = pickle.loads(pickle.dumps(student))
    assert_array_equal(revived.predict_proba(X), student.predict_proba(X))
    assert "class: " in export_text(student)
    path = paths(student, X)
    assert_array_equal(path.sum(axis=0), student.tree_.n_node_samples)
    assert_allclose(path.sum(axis=0), student.tree_.weighted_n_node_samples)
    blend = CombinedLoss(proba, y).blend()
    mean = (path.T @ blend) / path.sum(axis=0)[:, None]
    assert_allclose(student.tree_.value[:, 0], mean, atol=1e-9)
    gini = criterion == "gini"
    impurity = 1 - (mean**2).sum(1) if gini else -(mean * np.log2(mean)).sum(1)
    assert_allclose(student.tree_.impurity, impurity, atol=1e-9)


def test_thresholds_lie_between_neighbours_of_float32():
    X, y, proba = rows(n_samples=500)
    tree = refined(DecisionTreeClassifier(max_depth=3), X, CombinedLoss(proba, y)).student
    path, X = tree.decision_path(X).toarray() == 1, X.astype(np.float32)
    for node in np.flatnonzero(tree.tree_.children_left >= 0):
        value = X[path[:, node], tree.tree_.feature[node]]
        threshold = tree.tree_.threshold[node]
        below, above = value[value <= threshold].max(), value[value > threshold].min()
        assert threshold == pytest.approx((float(below) + float(above)) / 2, abs=1e-12)


@pytest.mark.parametrize("refine", [True, "auto"])
def test_at_alpha_zero_the_plain_tree_is_left_alone(refine):
    X, y, proba = rows()
    student = DecisionTreeClassifier(max_depth=3, random_state=0)
    fitted = refined(student, X, CombinedLoss(proba, y, alpha=0, temperature=3), refine)
    native = clone(student).fit(X, y)
    assert fitted.path == "direct"
    assert_array_equal(fitted.student.tree_.threshold, native.tree_.threshold)
    assert_array_equal(fitted.student.tree_.value, native.tree_.value)


def test_integer_weights_are_repeated_rows():
    X, y, proba = rows()
    times = np.random.default_rng(0).integers(1, 4, len(y))
    again = np.repeat(np.arange(len(y)), times)
    student = DecisionTreeClassifier(max_depth=4, random_state=0)
    weighted = refined(student, X, CombinedLoss(proba, y, sample_weight=times))
    repeated = refined(student, X[again], CombinedLoss(proba[again], y[again]))
    assert_allclose(
        weighted.student.predict_proba(X), repeated.student.predict_proba(X), atol=1e-9
    )


def test_constraints_on_features_are_kept():
    X, y, proba = rows(2, 600)
    student = DecisionTreeClassifier(max_depth=5, monotonic_cst=[1, -1, 0, 1, 0, 0])
    fitted = refined(student, X, CombinedLoss(proba, y, temperature=2))
    assert len(fitted.curve) > 1
    profiles = np.random.default_rng(0).normal(scale=2, size=(1000, 1, 6))
    for feature, sign in ((0, 1), (1, -1), (3, 1)):
        grid = np.repeat(profiles, 25, axis=1)
        grid[:, :, feature] = np.linspace(-5, 5, 25)
        up = fitted.student.predict_proba(grid.reshape(-1, 6))[:, 1].reshape(1000, 25)
        assert (sign * np.diff(up, axis=1)).min() >= 0


def test_auto_leaves_a_tree_as_it_is():
    _, y, proba = rows(3, 2000)
    assert not refine_pays(DecisionTreeClassifier(max_depth=4), CombinedLoss(proba, y))
