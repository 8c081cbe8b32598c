import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier, export_text
from tasks import blurred_task, distil

from skdistill._sklearn.tree import nodes_of
from skdistill.loss import CombinedLoss, logits
from skdistill.students import Unsupported, search_space
from skdistill.students._leaves import in_order
from skdistill.students.tree import fit_tree

TREES = [DecisionTreeClassifier, ExtraTreeClassifier]
every_tree = pytest.mark.parametrize("tree", TREES)
every_criterion = pytest.mark.parametrize("criterion", ["gini", "entropy", "log_loss"])

# in smaller nodes two features often make one and the same split, and rounding decides
SIZE = {"min_samples_split": 40, "min_samples_leaf": 5}


def on_copies(student, X, loss):
    """The native tree on K copies of each row, weighted by the target."""
    n_classes = loss.n_classes
    student = clone(student).set_params(**{k: v * n_classes for k, v in SIZE.items()})
    labels = np.tile(loss.classes, loss.n_samples)
    weight = loss.blend() * loss.row_weight[:, None]
    return student.fit(np.repeat(X, n_classes, axis=0), labels, sample_weight=weight.ravel())


def assert_same_tree(tree, expected, atol=1e-12):
    assert tree.__getstate__()["nodes"].dtype == expected.__getstate__()["nodes"].dtype
    for name in ("children_left", "children_right", "feature", "n_node_samples"):
        assert_array_equal(getattr(tree, name), getattr(expected, name))
    for name in ("threshold", "value", "impurity", "weighted_n_node_samples"):
        assert_allclose(getattr(tree, name), getattr(expected, name), atol=atol, rtol=atol)


def node_gradients(student, X, loss):
    """Summed gradient of the rows of each leaf."""
    gradient = loss.gradient(logits(student.predict_proba(X))).reshape(len(X), -1)
    return np.column_stack([np.bincount(student.apply(X), c) for c in gradient.T])


@every_tree
@every_criterion
@pytest.mark.parametrize("weighted", [False, True])
def test_alpha_zero_is_the_native_tree_node_for_node(tree, criterion, weighted):
    X, y, proba = blurred_task()
    weight = np.random.default_rng(1).integers(0, 4, len(y)) if weighted else None
    student = tree(random_state=3, criterion=criterion, ccp_alpha=0.003)
    loss = CombinedLoss(proba, y, alpha=0, temperature=4, sample_weight=weight)
    distilled = distil(student, X, loss)
    assert_same_tree(distilled.tree_, clone(student).fit(X, y, weight).tree_, atol=0)


def test_rows_without_a_label_do_not_move_the_tree_at_alpha_zero():
    X, y, proba = blurred_task()
    student = DecisionTreeClassifier(random_state=0, min_samples_leaf=0.05)
    unlabelled = np.r_[y, np.full(len(y), -1)]
    loss = CombinedLoss(np.vstack([proba, proba]), unlabelled, alpha=0)
    distilled = distil(student, np.vstack([X, X + 1]), loss)
    assert_same_tree(distilled.tree_, clone(student).fit(X, y).tree_, atol=0)


@every_tree
@every_criterion
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(
    "params",
    [
        {"max_depth": 4},
        {"max_leaf_nodes": 9},
        {"ccp_alpha": 0.01},
        {"min_impurity_decrease": 0.004},
        {"min_weight_fraction_leaf": 0.031},
        {"max_features": "sqrt"},
        {"splitter": "random"},
    ],
    ids=str,
)
def test_at_temperature_one_it_is_the_native_tree_on_weighted_copies(
    tree, criterion, n_classes, params
):
    X, y, proba = blurred_task(n_classes)
    student = tree(random_state=0, criterion=criterion, **SIZE, **params)
    loss = CombinedLoss(proba, y, alpha=0.7)
    distilled, expected = distil(student, X, loss), on_copies(student, X, loss)
    assert_allclose(distilled.predict_proba(X), expected.predict_proba(X), atol=1e-12)
    assert_allclose(distilled.tree_.impurity, expected.tree_.impurity, atol=1e-12)


def test_weights_of_soft_labels_are_the_weights_of_their_copies():
    X, y, proba = blurred_task()
    weight = np.random.default_rng(0).uniform(0, 2, len(y)) * (np.arange(len(y)) % 5 > 0)
    student = DecisionTreeClassifier(random_state=0, **SIZE)
    loss = CombinedLoss(proba, y, sample_weight=weight)
    distilled, expected = distil(student, X, loss), on_copies(student, X, loss)
    assert_allclose(distilled.predict_proba(X), expected.predict_proba(X), atol=1e-12)


@every_criterion
@pytest.mark.parametrize("temperature", [0.1, 0.3, 1, 3])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_leaf_is_stationary(criterion, temperature, n_classes):
    X, y, proba = blurred_task(n_classes)
    loss = CombinedLoss(proba, y, temperature=temperature, alpha=0.6)
    student = distil(DecisionTreeClassifier(max_depth=5, criterion=criterion), X, loss)
    assert np.abs(node_gradients(student, X, loss)).max() < 1e-6


@pytest.mark.parametrize("temperature", [0.3, 1, 3])
def test_an_internal_node_holds_the_value_it_would_have_as_a_leaf(temperature):
    X, y, proba = blurred_task()
    loss = CombinedLoss(proba, y, temperature=temperature)
    deep = distil(DecisionTreeClassifier(max_depth=5), X, loss)
    shallow = distil(DecisionTreeClassifier(max_depth=1), X, loss)
    right = deep.tree_.children_right[0]
    assert_allclose(deep.tree_.value[[0, 1, right]], shallow.tree_.value, atol=1e-9)
    assert_allclose(deep.tree_.value[0], softmax(loss.constant(), axis=1), atol=1e-9)


@every_criterion
def test_min_samples_leaf_counts_rows(criterion):
    X, y, proba = blurred_task()
    student = DecisionTreeClassifier(min_samples_leaf=17, criterion=criterion)
    student = distil(student, X, CombinedLoss(proba, y))
    counts = np.bincount(student.apply(X))
    assert counts[counts > 0].min() >= 17
    assert_array_equal(counts[counts > 0], student.tree_.n_node_samples[counts > 0])


@every_criterion
@pytest.mark.parametrize("n_classes", [2, 4])
def test_a_temperature_is_fitted_better_than_by_the_tree_of_temperature_one(
    criterion, n_classes
):
    X, y, _ = blurred_task(n_classes, 1000)
    teacher = RandomForestClassifier(50, min_samples_leaf=3, random_state=0).fit(X, y)
    proba = teacher.predict_proba(X)
    student = DecisionTreeClassifier(max_depth=5, criterion=criterion, random_state=0)
    loss = CombinedLoss(proba, y, temperature=3.0, alpha=0.7)
    at_one, at_three = (
        loss.parts(logits(distil(student, X, fitted).predict_proba(X))).total
        for fitted in (CombinedLoss(proba, y, alpha=0.7), loss)
    )
    assert at_three < at_one


def test_a_node_of_equal_targets_is_a_leaf():
    X = np.random.default_rng(0).normal(size=(5000, 3))
    proba = np.where(X[:, :1] > 0, [[0.97, 0.02, 0.01]], [[0.1, 0.2, 0.7]])
    student = distil(DecisionTreeClassifier(), X, CombinedLoss(proba, alpha=1))
    assert student.get_n_leaves() == 2
    assert_allclose(student.predict_proba(X), proba, atol=1e-12)


def test_targets_are_told_apart_at_a_high_temperature():
    X = np.linspace(-1, 1, 200)[:, None]
    proba = np.where(X > 0, [[0.9, 0.1]], [[0.2, 0.8]])
    loss = CombinedLoss(proba, alpha=1, temperature=1e4)
    student = distil(DecisionTreeClassifier(), X, loss)
    assert student.get_n_leaves() == 2
    assert_allclose(student.predict_proba(X), proba, atol=1e-6)


def test_a_class_the_teacher_excludes_keeps_probability_zero():
    X, y, _ = blurred_task(2)
    proba = np.column_stack([0.9 * np.eye(2)[y] + 0.05, np.zeros(len(y))])
    loss = CombinedLoss(proba, alpha=1)
    student = distil(DecisionTreeClassifier(max_depth=3), X, loss)
    assert_array_equal(student.classes_, [0, 1, 2])
    assert_array_equal(student.predict_proba(X)[:, 2], 0)


@pytest.mark.parametrize("temperature", [1, 3])
@pytest.mark.parametrize("alpha", [0, 0.5, 1])
def test_no_profile_violates_a_monotonic_constraint(temperature, alpha):
    X, y, proba = blurred_task(2, 600)
    sign = np.array([1, -1, 0, 1, 0, 0])
    student = DecisionTreeClassifier(random_state=0, monotonic_cst=sign.tolist())
    loss = CombinedLoss(proba, y, temperature=temperature, alpha=alpha)
    student = distil(student, X, loss)
    profiles = np.random.default_rng(0).normal(scale=2, size=(1000, 1, 6))
    varied = 0
    for feature in np.flatnonzero(sign):
        grid = np.repeat(profiles, 25, axis=1)
        grid[:, :, feature] = np.linspace(-5, 5, 25)
        up = student.predict_proba(grid.reshape(-1, 6))[:, 1].reshape(1000, 25)
        steps = sign[feature] * np.diff(up, axis=1)
        assert steps.min() >= 0
        varied += np.sum(steps > 0)
    assert varied > 0


def test_a_constrained_tree_is_the_native_one_on_weighted_copies():
    X, y, proba = blurred_task(2, 600)
    student = DecisionTreeClassifier(monotonic_cst=[1, -1, 0, 1, 0, 0], random_state=0, **SIZE)
    loss = CombinedLoss(proba, y)
    distilled, expected = distil(student, X, loss), on_copies(student, X, loss)
    assert_allclose(distilled.predict_proba(X), expected.predict_proba(X), atol=1e-12)


def test_a_constrained_tree_at_alpha_zero_is_the_native_one():
    X, y, proba = blurred_task(2)
    student = DecisionTreeClassifier(monotonic_cst=[1, -1, 0, 1, 0, 0], random_state=0)
    distilled = distil(student, X, CombinedLoss(proba, y, alpha=0, temperature=3))
    assert_same_tree(distilled.tree_, clone(student).fit(X, y).tree_, atol=0)


def test_children_in_the_wrong_order_share_the_value_of_their_parent():
    stump = DecisionTreeClassifier(max_depth=1).fit([[0], [1]], [0, 1])
    nodes = nodes_of(stump.tree_)
    assert_allclose(in_order(nodes, np.array([0.4, 0.8, 0.2]), np.array([1])), 0.4)
    kept = np.array([0.4, 0.2, 0.8])
    assert_allclose(in_order(nodes, kept, np.array([1])), kept)
    assert_allclose(in_order(nodes, kept, np.array([-1])), 0.4)
    assert_allclose(in_order(nodes, kept, np.array([0])), kept)


def test_a_constraint_on_several_classes_is_refused_by_name():
    X, y, proba = blurred_task(3)
    student = DecisionTreeClassifier(monotonic_cst=[1, 0, 0, 0, 0, 0])
    with pytest.raises(ValueError, match="monotonic_cst is supported with two classes"):
        distil(student, X, CombinedLoss(proba, y))


def missing(X):
    X = X.copy()
    X[np.random.default_rng(0).uniform(size=X.shape) < 0.1] = np.nan
    return X


def thresholded(X):
    return np.where(X > 0, X, 0)


@every_tree
@pytest.mark.parametrize("temperature", [1, 3])
@pytest.mark.parametrize("criterion", ["gini", "entropy"])
@pytest.mark.parametrize(
    "container",
    [
        missing,
        lambda X: sp.csr_matrix(thresholded(X)),
        lambda X: sp.csc_matrix(thresholded(X)),
        lambda X: X.astype(np.float32),
        lambda X: X.tolist(),
        lambda X: pd.DataFrame(X, columns=list("abcdef")),
    ],
    ids=["missing", "csr", "csc", "float32", "list", "frame"],
)
def test_it_is_a_native_tree_in_every_respect(tree, temperature, criterion, container):
    X, y, proba = blurred_task()
    X = container(X)
    student = tree(random_state=0, max_depth=4, criterion=criterion)
    student = distil(student, X, CombinedLoss(proba, y, temperature=temperature))
    native = clone(student).fit(X, y)
    assert vars(student).keys() == vars(native).keys()
    assert {k: type(v) for k, v in vars(student).items()} == {
        k: type(v) for k, v in vars(native).items()
    }
    revived = pickle.loads(pickle.dumps(student))
    assert_array_equal(revived.predict_proba(X), student.predict_proba(X))
    assert_allclose(student.tree_.value.sum(axis=2), 1)
    assert_allclose(student.tree_.weighted_n_node_samples[0], len(y))
    assert len(student.cost_complexity_pruning_path(X, y).ccp_alphas) > 0
    assert "class: " in export_text(student)
    assert student.score(X, y) > 0.4


def test_the_tree_of_a_frame_speaks_of_its_columns():
    X, y = load_iris(as_frame=True, return_X_y=True)
    student = DecisionTreeClassifier(max_depth=2)
    loss = CombinedLoss(0.8 * np.eye(3)[y] + 0.2 / 3, y)
    student = distil(student, X, loss)
    assert_array_equal(student.feature_names_in_, X.columns)
    assert "petal" in export_text(student, feature_names=list(X.columns))


def test_a_criterion_that_is_an_object_is_refused_by_name():
    X, y, proba = blurred_task()
    student = DecisionTreeClassifier(criterion=_gini(3))
    with pytest.raises(Unsupported, match="criterion="):
        fit_tree(student, X, CombinedLoss(proba, y))


def _gini(n_classes):
    from sklearn.tree._criterion import Gini

    return Gini(1, np.array([n_classes]))


def test_a_parameter_out_of_range_is_named_with_the_students_class():
    X, y, proba = blurred_task()
    with pytest.raises(ValueError, match="'max_depth' parameter of DecisionTreeClassifier"):
        distil(DecisionTreeClassifier(max_depth=-1), X, CombinedLoss(proba, y))


@every_tree
def test_the_search_space_names_parameters_of_the_tree(tree):
    space = search_space(tree())
    assert space.keys() <= tree().get_params().keys()
    assert len(space) > 0
