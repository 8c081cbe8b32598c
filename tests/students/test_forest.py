import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from tasks import blurred_task

from skdistill.loss import CombinedLoss, logits
from skdistill.students import Unsupported, fit_student, forest, search_space
from skdistill.students.forest import fit_forest

# in smaller nodes two features often make one and the same split, and rounding decides
SIZE = {"min_samples_split": 40, "min_samples_leaf": 5}
TREE = DecisionTreeClassifier(**SIZE)
FORESTS = [
    RandomForestClassifier(5, random_state=0, **SIZE),
    RandomForestClassifier(5, random_state=0, bootstrap=False, ccp_alpha=0.0107, **SIZE),
    RandomForestClassifier(5, random_state=0, max_samples=0.7, max_leaf_nodes=9, **SIZE),
    ExtraTreesClassifier(5, random_state=0, **SIZE),
    ExtraTreesClassifier(5, random_state=0, bootstrap=True, max_features=None, **SIZE),
    BaggingClassifier(TREE, 5, random_state=0),
    BaggingClassifier(
        ExtraTreeClassifier(**SIZE), 5, random_state=0, max_features=0.7, bootstrap=False
    ),
    BaggingClassifier(TREE, 5, random_state=0, bootstrap_features=True),
]
every_forest = pytest.mark.parametrize("student", FORESTS, ids=str)


def distil(student, X, loss):
    return fit_student(student, X, loss).student


@pytest.fixture
def grown_all_the_same(monkeypatch):
    """Labels alone are grown by the path of soft labels too, to be compared."""
    monkeypatch.setattr(forest, "labels_alone", lambda loss: None)


@every_forest
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_path_of_soft_labels_grows_the_native_forest_from_one_hot_ones(
    student, n_classes, grown_all_the_same
):
    X, y, _ = blurred_task(n_classes)
    distilled = distil(student, X, CombinedLoss(np.eye(n_classes)[y], y))
    native = clone(student).fit(X, y)
    assert_allclose(distilled.predict_proba(X), native.predict_proba(X), atol=1e-12)
    for tree, expected in zip(distilled.estimators_, native.estimators_, strict=True):
        assert str(tree.get_params()) == str(expected.get_params())
        assert_array_equal(tree.tree_.feature, expected.tree_.feature)
        assert_allclose(tree.tree_.value, expected.tree_.value, atol=1e-12)
        assert_allclose(tree.tree_.impurity, expected.tree_.impurity, atol=1e-12)


@every_forest
@pytest.mark.parametrize("unit", [1.0, 0.7])
def test_weights_reach_the_bootstrap_as_they_do_natively(student, unit, grown_all_the_same):
    if isinstance(student, BaggingClassifier) and not student.bootstrap:
        pytest.skip("scikit-learn advises against weights without replacement")
    X, y, _ = blurred_task(2)
    weight = unit * np.random.default_rng(0).integers(0, 5, len(y))
    distilled = distil(student, X, CombinedLoss(np.eye(2)[y], y, sample_weight=weight))
    native = clone(student).fit(X, y, sample_weight=weight).predict_proba(X)
    plain = clone(student).fit(X, y).predict_proba(X)
    assert np.abs(distilled.predict_proba(X) - native).mean() < 0.01
    assert np.abs(plain - native).mean() > 0.03


@every_forest
@pytest.mark.parametrize("temperature", [1, 3])
def test_it_is_a_native_forest_in_every_respect(student, temperature):
    X, y, proba = blurred_task()
    distilled = distil(student, X, CombinedLoss(proba, y, temperature=temperature))
    native = clone(student).fit(X, y)
    for own, expected in [
        (distilled, native),
        (distilled.estimators_[0], native.estimators_[0]),
    ]:
        kinds = {name: type(value) for name, value in vars(expected).items()}
        assert {name: type(value) for name, value in vars(own).items()} == kinds
        assert own.classes_.dtype == expected.classes_.dtype
    revived = pickle.loads(pickle.dumps(distilled))
    assert_array_equal(revived.predict_proba(X), distilled.predict_proba(X))
    assert distilled.score(X, y) > 0.5


@every_forest
def test_leaves_are_stationary_on_the_rows_of_their_bootstrap(student):
    X, y, proba = blurred_task()
    loss = CombinedLoss(proba, y, temperature=3.0, alpha=0.7)
    distilled = distil(student, X, loss)
    features = getattr(distilled, "estimators_features_", [np.arange(6)] * 5)
    for tree, drawn, columns in zip(
        distilled.estimators_, distilled.estimators_samples_, features, strict=True
    ):
        in_bag = loss.take(drawn)
        gradient = in_bag.gradient(logits(tree.predict_proba(X[drawn][:, columns])))
        leaves = tree.apply(X[drawn][:, columns])
        sums = [np.bincount(leaves, column) for column in gradient.T]
        assert np.abs(sums).max() < 1e-6


def test_bootstrap_leaves_are_stationary_under_any_weights():
    X, y, proba = blurred_task(2)
    weight = np.random.default_rng(0).uniform(0.1, 3, len(y))
    loss = CombinedLoss(proba, y, temperature=3.0, sample_weight=weight)
    distilled = distil(RandomForestClassifier(3, random_state=0), X, loss)
    spent = forest.weights_are_drawn()
    for tree, drawn in zip(distilled.estimators_, distilled.estimators_samples_, strict=True):
        gradient = loss.gradient(logits(tree.predict_proba(X))) / (weight if spent else 1)
        leaves = tree.apply(X)
        assert np.abs(np.bincount(leaves[drawn], gradient[drawn])).max() < 1e-6
        expected = len(drawn) if spent else weight[drawn].sum()
        assert_allclose(tree.tree_.weighted_n_node_samples[0], expected)


def test_a_node_above_the_leaves_holds_their_mean():
    X, y, proba = blurred_task()
    loss = CombinedLoss(proba, y, temperature=3.0)
    student = ExtraTreesClassifier(2, random_state=0, max_depth=3)
    for tree in distil(student, X, loss).estimators_:
        mean = tree.predict_proba(X).mean(axis=0)
        assert_allclose(tree.tree_.value[0, 0], mean, atol=1e-12)


@pytest.mark.parametrize("criterion", ["gini", "entropy"])
def test_a_temperature_is_fitted_better_than_by_the_forest_of_temperature_one(criterion):
    X, y, _ = blurred_task(3, 600)
    teacher = RandomForestClassifier(50, min_samples_leaf=3, random_state=1).fit(X, y)
    proba = teacher.predict_proba(X)
    student = RandomForestClassifier(10, max_depth=5, criterion=criterion, random_state=0)
    loss = CombinedLoss(proba, y, temperature=3.0, alpha=0.7)
    at_one, at_three = (
        loss.parts(logits(distil(student, X, fitted).predict_proba(X))).total
        for fitted in (CombinedLoss(proba, y, alpha=0.7), loss)
    )
    assert at_three < at_one


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("student", [FORESTS[0], FORESTS[4], FORESTS[5]], ids=str)
def test_out_of_bag_scores_are_those_of_the_students_own_trees(student, n_classes):
    X, y, proba = blurred_task(n_classes)
    student = clone(student).set_params(oob_score=True, n_estimators=40)
    distilled = distil(student, X, CombinedLoss(proba, y, temperature=2.0))
    votes, counts = np.zeros((len(y), n_classes)), np.zeros((len(y), 1))
    for tree, drawn in zip(distilled.estimators_, distilled.estimators_samples_, strict=True):
        left_out = np.setdiff1d(np.arange(len(y)), drawn)
        votes[left_out] += tree.predict_proba(X[left_out])
        counts[left_out] += 1
    assert_allclose(distilled.oob_decision_function_, votes / counts)
    assert distilled.oob_score_ == np.mean(votes.argmax(axis=1) == y)
    assert distilled.get_params()["oob_score"] is True


def test_an_out_of_bag_score_of_the_users_own_is_used():
    X, y, proba = blurred_task()
    student = RandomForestClassifier(40, random_state=0, oob_score=balanced_accuracy_score)
    distilled = distil(student, X, CombinedLoss(proba, y))
    predicted = distilled.oob_decision_function_.argmax(axis=1)
    assert distilled.oob_score_ == balanced_accuracy_score(y, predicted)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_balanced_subsample_weighs_the_classes_of_each_bootstrap(
    n_classes, grown_all_the_same
):
    X, y, _ = blurred_task(n_classes, 600)
    kept = (y > 0) | (np.arange(600) % 4 == 0)
    X, y = X[kept], y[kept]
    plain = RandomForestClassifier(5, random_state=0, max_features=None, **SIZE)
    student = clone(plain).set_params(class_weight="balanced_subsample")
    distilled = distil(student, X, CombinedLoss(np.eye(n_classes)[y], y))
    expected = clone(student).fit(X, y).predict_proba(X)
    assert np.abs(distilled.predict_proba(X) - expected).mean() < 0.005
    assert np.abs(plain.fit(X, y).predict_proba(X) - expected).mean() > 0.05
    assert distilled.class_weight == "balanced_subsample"


@pytest.mark.parametrize("forest_class", [RandomForestClassifier, ExtraTreesClassifier])
@pytest.mark.parametrize("bootstrap", [True, False])
def test_balanced_counts_what_it_counts_natively(forest_class, bootstrap):
    X, y, proba = blurred_task()
    weight = np.random.default_rng(0).integers(1, 4, len(y)) * np.where(y == 0, 1, 5)
    student = forest_class(
        5, max_depth=3, bootstrap=bootstrap, class_weight="balanced", random_state=0
    )
    distilled = distil(student, X, CombinedLoss(proba, y, alpha=0, sample_weight=weight))
    native = clone(student).fit(X, y, sample_weight=weight)
    assert_allclose(distilled.predict_proba(X), native.predict_proba(X), atol=1e-9)


def test_entropy_grows_the_native_forest_from_one_hot_labels(grown_all_the_same):
    X, y, _ = blurred_task()
    student = clone(FORESTS[0]).set_params(criterion="entropy")
    distilled = distil(student, X, CombinedLoss(np.eye(3)[y], y))
    expected = clone(student).fit(X, y)
    assert_allclose(distilled.predict_proba(X), expected.predict_proba(X), atol=1e-12)


@pytest.mark.parametrize("temperature", [1, 3])
@pytest.mark.parametrize("forest_class", [RandomForestClassifier, ExtraTreesClassifier])
def test_no_profile_violates_a_monotonic_constraint(forest_class, temperature):
    X, y, proba = blurred_task(2)
    student = forest_class(5, random_state=0, monotonic_cst=[1, -1, 0, 0, 0, 0])
    student = distil(student, X, CombinedLoss(proba, y, temperature=temperature))
    grid = np.repeat(np.random.default_rng(0).normal(scale=2, size=(300, 1, 6)), 15, axis=1)
    for feature, sign in enumerate([1, -1]):
        varied = grid.copy()
        varied[:, :, feature] = np.linspace(-5, 5, 15)
        up = student.predict_proba(varied.reshape(-1, 6))[:, 1].reshape(300, 15)
        assert (sign * np.diff(up, axis=1)).min() > -1e-12
        assert np.ptp(up, axis=1).max() > 0


def missing(X):
    X = X.copy()
    X[np.random.default_rng(0).uniform(size=X.shape) < 0.1] = np.nan
    return X


@pytest.mark.parametrize("student", [FORESTS[0], FORESTS[4], FORESTS[6]], ids=str)
@pytest.mark.parametrize(
    "container",
    [
        missing,
        lambda X: sp.csr_matrix(np.where(X > 0, X, 0)),
        lambda X: sp.csc_matrix(np.where(X > 0, X, 0)),
        lambda X: pd.DataFrame(X, columns=list("abcdef")),
        lambda X: X.tolist(),
    ],
    ids=["missing", "csr", "csc", "frame", "list"],
)
def test_it_takes_every_container_that_the_native_forest_takes(student, container):
    X, y, proba = blurred_task()
    X = container(X)
    distilled = distil(student, X, CombinedLoss(proba, y, temperature=2.0))
    assert distilled.score(X, y) > 0.5
    assert hasattr(distilled, "feature_names_in_") == isinstance(X, pd.DataFrame)


def test_threads_do_not_change_the_forest():
    X, y, proba = blurred_task()
    loss = CombinedLoss(proba, y, temperature=2.0)
    alone, together = (
        distil(RandomForestClassifier(8, random_state=0, n_jobs=n), X, loss) for n in (None, 2)
    )
    for tree, other in zip(alone.estimators_, together.estimators_, strict=True):
        assert_array_equal(tree.tree_.value, other.tree_.value)


def test_rows_without_a_hard_label_are_learnt_from():
    X, y, proba = blurred_task(2)
    few = np.where(np.arange(len(y)) < 40, y, -1)
    student = ExtraTreesClassifier(20, min_samples_leaf=3, random_state=0)
    taught, alone = (
        distil(student, X, CombinedLoss(proba, few, alpha=alpha)).predict_proba(X)
        for alpha in (0.7, 0)
    )
    assert np.abs(taught - proba).mean() < 0.8 * np.abs(alone - proba).mean()
    native = clone(student).fit(X[:40], y[:40]).predict_proba(X)
    assert_array_equal(alone, native)


def test_a_class_the_labels_never_name_keeps_its_column():
    X, y, _ = blurred_task(2)
    proba = np.column_stack([0.8 * np.eye(2)[y], np.full(len(y), 0.2)])
    for student in FORESTS:
        distilled = distil(student, X, CombinedLoss(proba, y))
        assert_array_equal(distilled.classes_, [0, 1, 2])
        assert distilled.predict_proba(X)[:, 2].min() > 0.05


def test_bagging_of_other_estimators_is_left_to_the_general_path():
    X, y, proba = blurred_task()
    loss = CombinedLoss(proba, y)
    for estimator in (LogisticRegression(), RandomForestClassifier(2)):
        student = BaggingClassifier(estimator, n_estimators=2, random_state=0)
        with pytest.raises(Unsupported, match=f"estimator={type(estimator).__name__}"):
            fit_forest(clone(student), X, loss)
        assert fit_student(student, X, loss).path == "label-reduction"


def test_class_weight_of_a_bagged_tree_is_refused_by_name():
    X, y, proba = blurred_task()
    student = BaggingClassifier(DecisionTreeClassifier(class_weight="balanced"))
    with pytest.raises(Unsupported, match="class_weight='balanced' of DecisionTreeClassifier"):
        distil(student, X, CombinedLoss(proba, y))


def test_an_out_of_bag_score_without_a_bootstrap_is_the_native_error():
    X, y, proba = blurred_task()
    for student in (ExtraTreesClassifier(oob_score=True), FORESTS[6]):
        student = clone(student).set_params(oob_score=True)
        with pytest.raises(ValueError, match="only available if bootstrap=True"):
            distil(student, X, CombinedLoss(proba, y))


def test_a_parameter_out_of_range_is_named_with_the_students_class():
    X, y, proba = blurred_task()
    for student in (
        RandomForestClassifier(max_samples=-1),
        RandomForestClassifier(min_samples_split=-1),
    ):
        with pytest.raises(ValueError, match="parameter of RandomForestClassifier"):
            distil(student, X, CombinedLoss(proba, y))


@pytest.mark.parametrize(
    "student",
    [*FORESTS, BaggingClassifier(DecisionTreeClassifier())],
    ids=str,
)
def test_the_search_space_names_parameters_of_the_forest(student):
    space = search_space(student)
    assert "n_estimators" in space
    assert space.keys() <= student.get_params().keys()


# Trees for one another ---------------------------------------------------------


def refined(student, X, loss):
    return fit_student(student, X, loss, refine=True)


def total(student, X, loss):
    return loss.parts(logits(student.predict_proba(X))).total


@every_forest
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_trees_for_one_another_have_a_lower_loss_than_trees_alone(student, temperature):
    X, y, proba = blurred_task()
    loss = CombinedLoss(proba, y, alpha=0.7, temperature=temperature)
    alone, together = distil(student, X, loss), refined(student, X, loss)
    assert together.path == "direct+complementary+together"
    falls = np.diff([parts.total for parts in together.curve])
    assert np.all(falls <= 1e-6)
    assert total(together.student, X, loss) == pytest.approx(together.curve[-1].total)
    assert together.curve[-1].total < total(alone, X, loss)
    assert together.student.get_params().keys() == student.get_params().keys()


@pytest.mark.parametrize(("n_rows", "share"), [(300, 0.98), (3000, 0.8)])
def test_they_answer_better_for_rows_that_were_not_seen(n_rows, share):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows + 1000, 4))
    proba = softmax(np.column_stack([X[:, 0] * X[:, 1], 2 * X[:, 2], X[:, 3] ** 2]), axis=1)
    y = (proba.cumsum(axis=1) < rng.uniform(size=(len(X), 1))).sum(axis=1)
    loss = CombinedLoss(proba[:n_rows], y[:n_rows], alpha=0.7)
    truth = CombinedLoss(proba[n_rows:], alpha=1)
    student = RandomForestClassifier(10, max_depth=8, max_features=None, random_state=0)
    alone = total(distil(student, X[:n_rows], loss), X[n_rows:], truth)
    together = total(refined(student, X[:n_rows], loss).student, X[n_rows:], truth)
    assert together < share * alone


@every_forest
def test_one_hot_labels_and_alpha_zero_are_the_plain_forest_refined_or_not(student):
    X, y, proba = blurred_task()
    for loss in (
        CombinedLoss(np.eye(3)[y], y, alpha=0.5),
        CombinedLoss(proba, y, alpha=0, temperature=3),
    ):
        expected = clone(student).fit(X, y).predict_proba(X)
        assert_array_equal(refined(student, X, loss).student.predict_proba(X), expected)


@every_forest
def test_nodes_of_trees_for_one_another_make_sense(student):
    X, y, proba = blurred_task()
    forest = refined(student, X, CombinedLoss(proba, y, alpha=0.7)).student
    for tree in forest.estimators_:
        tree = tree.tree_
        inner = np.flatnonzero(tree.children_left >= 0)
        weight = tree.weighted_n_node_samples[:, None]
        mass = weight * tree.value[:, 0]
        below = mass[tree.children_left[inner]] + mass[tree.children_right[inner]]
        assert_allclose(mass[inner], below, atol=1e-9)
        assert_allclose(tree.value.sum(axis=2), 1)
        assert np.all((tree.impurity >= -1e-12) & (tree.impurity <= 1))
    if hasattr(forest, "feature_importances_"):
        assert forest.feature_importances_.sum() == pytest.approx(1)
        assert np.all(forest.feature_importances_ >= 0)


@pytest.mark.parametrize("criterion", ["entropy", "log_loss"])
def test_other_criteria_grow_trees_alone_and_solve_leaves_together(criterion):
    X, y, proba = blurred_task()
    loss = CombinedLoss(proba, y, alpha=0.7)
    student = RandomForestClassifier(5, max_depth=4, criterion=criterion, random_state=0)
    alone, together = distil(student, X, loss), refined(student, X, loss)
    assert together.path == "direct+together"
    for mine, theirs in zip(together.student.estimators_, alone.estimators_, strict=True):
        assert_array_equal(mine.tree_.threshold, theirs.tree_.threshold)
    assert total(together.student, X, loss) < total(alone, X, loss)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"oob_score": True}, "oob_score=True"),
        ({"class_weight": "balanced_subsample"}, "class_weight='balanced_subsample'"),
    ],
)
def test_what_speaks_of_trees_one_by_one_is_refused(params, named):
    X, y, proba = blurred_task()
    student = RandomForestClassifier(5, random_state=0, **params)
    with pytest.raises(Unsupported, match=named):
        refined(student, X, CombinedLoss(proba, y, alpha=0.7))


def test_bagging_of_anything_but_trees_has_no_leaves_to_refine():
    X, y, proba = blurred_task()
    with pytest.raises(Unsupported, match="LogisticRegression"):
        refined(BaggingClassifier(LogisticRegression()), X, CombinedLoss(proba, y, alpha=0.7))


@pytest.mark.parametrize("temperature", [1.0, 3.0])
@pytest.mark.parametrize("kind", ["forest", "bagging"])
def test_trees_for_one_another_rise_and_fall_as_asked(temperature, kind):
    X, y, proba = blurred_task(2, n_samples=400)
    cst = [1, -1, 0, 1, 0, 0]
    student = RandomForestClassifier(8, max_depth=5, monotonic_cst=cst, random_state=0)
    if kind == "bagging":
        student = BaggingClassifier(
            DecisionTreeClassifier(max_depth=5, monotonic_cst=cst), 8, random_state=0
        )
    loss = CombinedLoss(proba, y, alpha=0.7, temperature=temperature)
    fitted = refined(student, X, loss)
    assert fitted.curve[-1].total < fitted.curve[0].total
    for feature in (0, 1, 3):
        sweep = np.repeat(X[:60], 40, axis=0)
        sweep[:, feature] = np.tile(np.linspace(-4, 4, 40), 60)
        second = fitted.student.predict_proba(sweep)[:, 1].reshape(60, 40)
        assert np.all(cst[feature] * np.diff(second, axis=1) >= -1e-12)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_matrix, pd.DataFrame])
def test_trees_for_one_another_take_what_the_forest_takes(container):
    X, y, proba = blurred_task()
    X = np.where(np.abs(X) < 0.3, 0, X)
    loss = CombinedLoss(proba, y, alpha=0.7)
    student = BaggingClassifier(TREE, 5, max_features=0.5, random_state=0)
    expected = refined(student, X, loss).student.predict_proba(X)
    own = container(X)
    assert_allclose(refined(student, own, loss).student.predict_proba(own), expected)


def test_trees_for_one_another_take_missing_values():
    X, y, proba = blurred_task()
    X[::7, 1] = np.nan
    loss = CombinedLoss(proba, y, alpha=0.7)
    fitted = refined(RandomForestClassifier(5, max_depth=5, random_state=0), X, loss)
    assert total(fitted.student, X, loss) == pytest.approx(fitted.curve[-1].total)


def test_trees_for_one_another_do_not_depend_on_n_jobs():
    X, y, proba = blurred_task()
    loss = CombinedLoss(proba, y, alpha=0.7)
    one, two = (
        refined(RandomForestClassifier(5, random_state=0, n_jobs=n_jobs), X, loss).student
        for n_jobs in (1, 2)
    )
    for mine, theirs in zip(one.estimators_, two.estimators_, strict=True):
        assert_array_equal(mine.tree_.threshold, theirs.tree_.threshold)
        assert_array_equal(mine.tree_.value, theirs.tree_.value)


def test_trees_for_one_another_count_integer_weights_as_rows():
    X, y, proba = blurred_task()
    times = np.random.default_rng(0).integers(1, 4, len(y))
    again = np.repeat(np.arange(len(y)), times)
    student = RandomForestClassifier(
        3, max_depth=4, bootstrap=False, max_features=None, random_state=0
    )
    weighted = CombinedLoss(proba, y, alpha=0.7, sample_weight=times)
    repeated = CombinedLoss(proba[again], y[again], alpha=0.7)
    assert_allclose(
        refined(student, X, weighted).student.predict_proba(X),
        refined(student, X[again], repeated).student.predict_proba(X),
        atol=1e-6,
    )


def test_class_weight_moves_trees_for_one_another_as_it_moves_others():
    X, y, proba = blurred_task(2)
    loss = CombinedLoss(proba, y, alpha=0.7, classes=np.array(["a", "b"]))
    student = RandomForestClassifier(5, max_depth=4, random_state=0)
    weight = {"a": 1.0, "b": 9.0}
    plain = refined(student, X, loss).student.predict_proba(X)[:, 1]
    student = student.set_params(class_weight=weight)
    heavy = refined(student, X, loss).student
    assert heavy.class_weight == weight
    assert heavy.predict_proba(X)[:, 1].mean() > plain.mean() + 0.1
