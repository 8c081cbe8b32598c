import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import AdaBoostClassifier, GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from tasks import NAMES, bind, distil, erring_task, one_hot

from skdistill._sklearn.gradient_boosting import train_gradient_boosting
from skdistill.loss import logits
from skdistill.students import fit_student, search_space


def booster(**params):
    return GradientBoostingClassifier(**({"n_estimators": 12, "random_state": 3} | params))


def assert_same_booster(distilled, native, X, atol=0.0):
    assert_allclose(distilled.predict_proba(X), native.predict_proba(X), rtol=0, atol=atol)
    assert distilled.n_estimators_ == native.n_estimators_
    assert_allclose(distilled.train_score_, native.train_score_, rtol=0, atol=atol)
    assert_array_equal(distilled.classes_, native.classes_)


NATIVE = {
    "defaults": {},
    "stopping": {"n_iter_no_change": 2, "tol": 0.03, "n_estimators": 40},
    "subsamples": {"subsample": 0.6},
    "subsamples and stopping": {"subsample": 0.6, "n_iter_no_change": 3},
    "no first prediction": {"init": "zero"},
    "pruned": {"ccp_alpha": 1e-3, "max_features": 3, "max_depth": 5},
    "best first": {"max_leaf_nodes": 6, "learning_rate": 0.5},
}


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("params", NATIVE.values(), ids=NATIVE)
def test_one_hot_soft_labels_give_the_native_fit_to_the_last_bit(params, n_classes):
    X, y, _ = erring_task(n_classes)
    weight = np.random.RandomState(0).randint(0, 3, len(y))
    for sample_weight in (None, weight):
        native = booster(**params).fit(X, NAMES[y], sample_weight=sample_weight)
        loss = bind(one_hot(y), y, alpha=0.3, sample_weight=sample_weight)
        assert_same_booster(distil(booster(**params), X, loss), native, X)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("params", NATIVE.values(), ids=NATIVE)
def test_our_training_on_one_hot_labels_is_the_native_one(params, n_classes, sparse):
    # uneven weights and large leaves leave no ties between splits, which rounding decides
    X, y, _ = erring_task(n_classes)
    X = csr_array(np.maximum(X, 0)) if sparse else X
    weight = np.random.RandomState(0).uniform(0.5, 2, len(y))
    student = booster(min_samples_leaf=30, **params)
    native = clone(student).fit(X, NAMES[y], sample_weight=weight)
    train_gradient_boosting(student, X, y, bind(one_hot(y), y, sample_weight=weight))
    assert_same_booster(student, native, X, atol=1e-9)


def test_alpha_zero_gives_the_native_fit_of_the_labelled_rows():
    X, y, proba = erring_task()
    y[100:200] = -1
    native = booster().fit(X[y >= 0], NAMES[y[y >= 0]])
    distilled = distil(booster(), X, bind(proba, y, alpha=0, temperature=3))
    assert_same_booster(distilled, native, X)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("temperature", [1, 3])
def test_the_curve_is_the_loss_after_each_iteration(n_classes, temperature):
    X, y, proba = erring_task(n_classes)
    loss = bind(proba, y, temperature=temperature)
    fitted = fit_student(booster(), X, loss, random_state=0)
    total = np.array([parts.total for parts in fitted.curve])
    assert fitted.path == "direct"
    assert np.all(np.diff(total) < 0)
    assert_allclose(fitted.student.train_score_, total * (2 if n_classes == 2 else 1))


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("temperature", [0.25, 4])
def test_other_temperatures_lower_their_own_loss(n_classes, temperature):
    X, y, proba = erring_task(n_classes)
    student = booster(n_estimators=60)
    loss = bind(proba, y, temperature=temperature, alpha=0.7)
    at_one = distil(student, X, bind(proba, y, alpha=0.7))
    own = loss.parts(distil(student, X, loss).decision_function(X)).total
    assert own < loss.parts(at_one.decision_function(X)).total


def test_the_first_prediction_is_the_best_constant():
    X, y, proba = erring_task()
    loss = bind(proba, y, temperature=3)
    student = distil(booster(n_estimators=1, learning_rate=1e-12), X, loss)
    constant = loss.parts(np.tile(loss.constant(), (len(y), 1))).total
    assert loss.parts(student.decision_function(X)).total == pytest.approx(constant)


def test_a_leaf_counts_rows_and_not_copies_of_rows():
    X, y, proba = erring_task()
    student = distil(booster(min_samples_leaf=60, max_depth=6), X, bind(proba, y))
    for tree in student.estimators_.ravel():
        leaves = tree.tree_.children_left == -1
        assert tree.tree_.n_node_samples[leaves].min() >= 60


def test_rows_held_out_for_stopping_are_rows_of_their_own():
    X, y, proba = erring_task()
    student = booster(n_iter_no_change=2, tol=0.03, n_estimators=100, learning_rate=0.5)
    student = distil(student, X, bind(proba, y, temperature=2))
    assert student.n_estimators_ < 100
    assert student.estimators_[0, 0].tree_.n_node_samples[0] == 360


def test_a_class_that_only_soft_labels_know_is_kept():
    X, y, proba = erring_task()
    proba = np.column_stack([0.9 * proba, np.full(len(y), 0.1)])
    student = distil(booster(), X, bind(proba, y, temperature=2))
    assert_array_equal(student.classes_, NAMES)
    assert student.predict_proba(X)[:, 3].mean() == pytest.approx(0.05, abs=0.04)


def test_a_monitor_stops_the_training_as_natively():
    X, y, proba = erring_task()
    student = distil(booster(), X, bind(proba, y), monitor=lambda i, *_: i == 4)
    assert student.n_estimators_ == 5


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_student_holds_no_more_than_a_native_one(n_classes):
    X, y, proba = erring_task(n_classes)
    native = booster().fit(X, NAMES[y])
    distilled = distil(booster(), X, bind(proba, y, temperature=2))
    assert type(distilled.init_) is DummyClassifier
    assert vars(distilled.init_).keys() == vars(native.init_).keys()
    assert type(distilled._loss) is type(native._loss)
    assert vars(distilled).keys() == vars(native).keys()
    nodes = [
        sum(t.tree_.node_count for t in m.estimators_.ravel()) for m in (distilled, native)
    ]
    extra = len(pickle.dumps(distilled)) - len(pickle.dumps(native))
    assert extra < 200 * max(nodes[0] - nodes[1], 10)


def test_training_can_be_continued_natively():
    X, y, proba = erring_task()
    student = distil(booster(warm_start=True), X, bind(proba, y))
    before = student.predict_proba(X)
    student.set_params(n_estimators=20).fit(X, NAMES[y])
    assert len(student.estimators_) == 20
    staged = list(student.staged_predict_proba(X))
    assert_array_equal(staged[11], before)


@pytest.mark.parametrize("params", [{"loss": "exponential"}, {"init": LogisticRegression()}])
def test_what_learns_from_labels_itself_takes_the_general_path(params):
    X, y, proba = erring_task(2)
    fitted = fit_student(booster(**params), X, bind(proba, y), random_state=0)
    assert fitted.path == "label-reduction"
    assert np.abs(fitted.student.predict_proba(X) - proba).mean() < 0.2


def test_an_invalid_parameter_is_reported_under_the_students_own_name():
    X, y, proba = erring_task()
    with pytest.raises(ValueError, match="'n_estimators' parameter of GradientBoosting"):
        distil(booster(n_estimators=0), X, bind(proba, y))


def test_a_private_name_that_moved_is_reported(monkeypatch):
    monkeypatch.delattr(GradientBoostingClassifier.__mro__[2], "_fit_stage")
    X, y, proba = erring_task()
    with pytest.raises(ImportError, match="_fit_stage"):
        distil(booster(), X, bind(proba, y))


@pytest.mark.parametrize("temperature", [1, 3])
def test_ada_boost_follows_its_teacher_over_weighted_copies(temperature):
    X, y, proba = erring_task()
    student = AdaBoostClassifier(n_estimators=12, random_state=0)
    loss = bind(proba, y, temperature=temperature, alpha=0.7)
    fitted = fit_student(student, X, loss, random_state=0)
    hard = clone(student).fit(X, NAMES[y])
    assert fitted.path == "label-reduction"
    own, plain = (
        loss.parts(logits(model.predict_proba(X))).total for model in (fitted.student, hard)
    )
    assert own < plain


def test_every_parameter_searched_is_a_parameter():
    assert search_space(booster()).keys() <= booster().get_params().keys()
