import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn._loss.loss import HalfBinomialLoss
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import partial_dependence
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score
from tasks import NAMES, bind, distil, one_hot

from skdistill.students import fit_student, search_space


def make_task(n_classes=3, n_samples=400):
    """Rows (some NaN), codes of their labels, and a teacher that errs."""
    X, y = make_classification(
        n_samples, 8, n_informative=6, n_classes=n_classes, flip_y=0.1, random_state=0
    )
    X[::7, 3] = np.nan
    blur = np.random.RandomState(1).dirichlet(np.ones(n_classes), n_samples)
    return X, y, (blur + np.eye(n_classes)[y]) / 2


def booster(**params):
    return HistGradientBoostingClassifier(**({"max_iter": 8, "random_state": 3} | params))


def assert_same_booster(distilled, native, X, atol=1e-9):
    assert_allclose(distilled.predict_proba(X), native.predict_proba(X), atol=atol)
    assert distilled.n_iter_ == native.n_iter_
    assert distilled.n_trees_per_iteration_ == native.n_trees_per_iteration_
    assert_allclose(distilled.train_score_, native.train_score_, atol=atol)
    assert_allclose(distilled.validation_score_, native.validation_score_, atol=atol)


NATIVE = {
    "defaults": {},
    "deep and regularised": {
        "max_leaf_nodes": 63,
        "min_samples_leaf": 5,
        "l2_regularization": 2,
    },
    "random features": {"max_features": 0.4},
    "interactions": {"interaction_cst": [{0, 1}, {2, 3}]},
    "categories by number": {"categorical_features": [8]},
    "categories by mask": {"categorical_features": [False] * 8 + [True]},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "patience": {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 60, "tol": 0.01},
    "early stopping on training rows": {"early_stopping": True, "validation_fraction": None},
    "accuracy": {"early_stopping": True, "scoring": "accuracy"},
    "the estimator's own score": {"early_stopping": True, "scoring": None},
    "a scorer of probabilities": {"early_stopping": True, "scoring": "neg_log_loss"},
    "balanced": {"class_weight": "balanced", "early_stopping": True},
}


@pytest.mark.parametrize(("n_classes", "weighted"), [(2, True), (3, False)])
@pytest.mark.parametrize("params", NATIVE.values(), ids=NATIVE)
def test_one_hot_soft_labels_give_the_native_fit(params, n_classes, weighted):
    X, y, _ = make_task(n_classes)
    X = np.column_stack([X, np.arange(len(y)) % 5])
    weight = np.random.RandomState(0).randint(0, 3, len(y)) if weighted else None
    native = booster(**params).fit(X, NAMES[y], sample_weight=weight)
    loss = bind(one_hot(y), y, alpha=0.3, sample_weight=weight)
    assert_same_booster(distil(booster(**params), X, loss), native, X)


def test_alpha_zero_gives_the_native_fit_of_the_labelled_rows():
    X, y, proba = make_task()
    y[100:200] = -1
    native = booster(early_stopping=True).fit(X[y >= 0], NAMES[y[y >= 0]])
    loss = bind(proba, y, alpha=0, temperature=3)
    assert_same_booster(distil(booster(early_stopping=True), X, loss), native, X)


def test_early_stopping_starts_by_itself_above_ten_thousand_rows():
    X, y, _ = make_task(2, 10_001)
    native = booster(max_iter=3).fit(X[:, :3], NAMES[y])
    distilled = distil(booster(max_iter=3), X[:, :3], bind(one_hot(y), y))
    assert native.do_early_stopping_
    assert_same_booster(distilled, native, X[:, :3])


def test_categories_of_a_frame_are_found_by_their_dtype():
    pandas = pytest.importorskip("pandas")
    X, y, _ = make_task()
    frame = pandas.DataFrame(X, columns=list("abcdefgh"))
    frame["kind"] = pandas.Categorical.from_codes(
        (3 * y + np.arange(len(y))) % 7, list("tuvwxyz")
    )
    native = booster(early_stopping=True).fit(frame, NAMES[y])
    distilled = distil(booster(early_stopping=True), frame, bind(one_hot(y), y))
    assert_array_equal(distilled.feature_names_in_, frame.columns)
    assert distilled.is_categorical_.sum() == 1
    assert_same_booster(distilled, native, frame)


def test_too_many_categories_are_refused_as_natively():
    X, y, proba = make_task()
    X[:, 0] = np.arange(len(y))
    with pytest.raises(ValueError, match="cardinality <= 255"):
        distil(booster(categorical_features=[0]), X, bind(proba, y))


@pytest.mark.parametrize("scoring", ["loss", "accuracy"])
@pytest.mark.parametrize("weighted", [False, True], ids=["unit weights", "weights"])
def test_validation_rows_of_the_user_are_read_as_labels(scoring, weighted):
    X, y, _ = make_task()
    own = {"X_val": X[300:], "y_val": NAMES[y[300:]]}
    if weighted:
        own["sample_weight_val"] = np.random.RandomState(0).uniform(1, 2, 100)
    student = booster(early_stopping=True, scoring=scoring, n_iter_no_change=2, max_iter=60)
    native = clone(student).fit(X[:300], NAMES[y[:300]], **own)
    distilled = distil(student, X[:300], bind(one_hot(y[:300]), y[:300]), **own)
    assert_same_booster(distilled, native, X)


def test_validation_rows_of_the_user_are_judged_by_log_loss():
    X, y, proba = make_task()
    student = distil(
        booster(early_stopping=True), X[:300], bind(proba[:300], y[:300], temperature=3),
        X_val=X[300:], y_val=NAMES[y[300:]],
    )  # fmt: skip
    expected = log_loss(NAMES[y[300:]], student.predict_proba(X[300:]), labels=NAMES[:3])
    assert student.validation_score_[-1] == pytest.approx(-expected)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("temperature", [1, 3])
def test_scores_and_curve_hold_the_loss_after_each_iteration(n_classes, temperature):
    X, y, proba = make_task(n_classes)
    loss = bind(proba, y, temperature=temperature)
    student = booster(early_stopping=True, validation_fraction=None)
    fitted = fit_student(student, X, loss)
    staged = [loss.parts(raw) for raw in fitted.student.staged_decision_function(X)]
    assert_allclose(fitted.curve, staged)
    assert_allclose(fitted.student.train_score_[1:], [-parts.total for parts in staged])
    assert_allclose(fit_student(booster(), X, loss).curve, staged)


def test_held_out_rows_are_split_by_class_and_judged_by_the_loss():
    X, y, proba = make_task()
    y[:] = np.where(np.arange(len(y)) % 20 == 0, 1, 2 * (y % 2))  # one class in twenty
    loss = bind(proba, y, temperature=3)
    fitted = fit_student(booster(early_stopping=True, max_iter=5), X, loss)
    student, last = fitted.student, fitted.curve[-1].total
    assert student.train_score_[-1] == pytest.approx(-last)
    whole = loss.parts(student.decision_function(X)).total
    assert -student.validation_score_[-1] == pytest.approx(10 * whole - 9 * last)


def test_a_scorer_sees_the_users_labels_and_weights():
    X, y, proba = make_task()
    weight = np.random.RandomState(0).randint(1, 3, len(y)).astype(float)
    seen = []

    def scorer(estimator, X, y, sample_weight):
        seen.append(
            (set(y), set(sample_weight), estimator.predict_proba(X).shape == (len(y), 3))
        )
        return 0.0

    student = booster(early_stopping=True, scoring=scorer, max_iter=2)
    distil(student, X, bind(proba, y, temperature=2, sample_weight=weight))
    assert seen == [(set(NAMES[:3]), {1.0, 2.0}, True)] * 6  # 2 data sets, before and after


def test_rows_without_a_hard_label_are_split_and_scored_by_their_teacher():
    X, _, proba = make_task()
    student = booster(early_stopping=True, scoring="accuracy", validation_fraction=None)
    unlabelled = distil(student, X, bind(proba, None, alpha=1.0))
    likeliest = NAMES[proba.argmax(axis=1)]
    assert unlabelled.train_score_[-1] == np.mean(unlabelled.predict(X) == likeliest)


def test_a_class_that_only_soft_labels_know_is_kept():
    X, y, proba = make_task()
    proba = np.column_stack([0.9 * proba, np.full(len(y), 0.1)])
    student = distil(booster(early_stopping=True), X, bind(proba, y, temperature=2))
    assert_array_equal(student.classes_, NAMES)
    assert student.predict_proba(X)[:, 3].mean() == pytest.approx(0.04, abs=0.03)


def test_a_class_that_nobody_gives_a_chance_stays_finite():
    X, y, _ = make_task(2)
    proba = np.column_stack([one_hot(y), np.zeros(len(y))])
    student = distil(booster(), X, bind(proba, y))
    assert np.isfinite(student.decision_function(X)).all()
    assert student.predict_proba(X)[:, 2].max() < 1e-12


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("temperature", [0.25, 4])
def test_other_temperatures_lower_their_own_loss(n_classes, temperature):
    X, y, proba = make_task(n_classes)
    student = booster(max_iter=60)
    loss = bind(proba, y, temperature=temperature, alpha=0.7)
    own = loss.parts(distil(student, X, loss).decision_function(X)).total
    at_one = distil(student, X, bind(proba, y, alpha=0.7))
    assert own < loss.parts(at_one.decision_function(X)).total


@pytest.mark.parametrize("temperature", [1, 3])
def test_a_monotonic_constraint_holds_on_a_sweep_of_profiles(temperature):
    X, y, proba = make_task(2)
    student = booster(monotonic_cst=[1, -1, 0, 0, 0, 0, 0, 0], max_iter=40)
    student = distil(student, X, bind(proba, y, temperature=temperature))
    profiles = X[np.random.RandomState(0).randint(len(X), size=1000)]
    for column, sign in ((0, 1), (1, -1)):
        grid = np.linspace(*np.nanquantile(X[:, column], [0, 1]), 15)
        sweep = np.repeat(profiles, len(grid), axis=0)
        sweep[:, column] = np.tile(grid, len(profiles))
        raw = student.decision_function(sweep).reshape(len(profiles), -1)
        assert np.ptp(raw, axis=1).max() > 0
        assert (sign * np.diff(raw, axis=1)).min() >= 0


@pytest.mark.parametrize("scoring", ["loss", None])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_student_holds_no_more_than_a_native_one(n_classes, scoring):
    X, y, _ = make_task(n_classes)
    student = booster(early_stopping=True, scoring=scoring)
    native = clone(student).fit(X, NAMES[y])
    distilled = distil(student, X, bind(one_hot(y), y))
    assert type(distilled._loss) is type(native._loss)
    assert vars(distilled).keys() == vars(native).keys()
    assert len(pickle.dumps(distilled)) == len(pickle.dumps(native))
    assert distilled.get_params() == native.get_params()


def test_training_can_be_continued_natively():
    X, y, _ = make_task()
    native = booster(warm_start=True, max_features=0.5).fit(X, NAMES[y])
    distilled = distil(booster(warm_start=True, max_features=0.5), X, bind(one_hot(y), y))
    for student in (native, distilled):
        student.set_params(max_iter=20).fit(X, NAMES[y])
    assert_same_booster(distilled, native, X)


def test_partial_dependence_by_recursion_refuses_weighted_rows_as_natively():
    X, y, proba = make_task(2)
    X = np.nan_to_num(X)
    plain = distil(booster(), X, bind(proba, y, alpha=0.3))
    assert partial_dependence(plain, X, [0], method="recursion")["average"].shape[0] == 1
    weighted = distil(booster(), X, bind(proba, y, sample_weight=1.0 + y))
    with pytest.raises(NotImplementedError, match="sample weights"):
        partial_dependence(weighted, X, [0], method="recursion")


def test_a_loss_object_in_place_of_ours_is_refused_by_name():
    X, y, proba = make_task(2)
    student = booster(loss=HalfBinomialLoss(), early_stopping=False)
    fitted = fit_student(student, X, bind(proba, y))
    assert fitted.path == "label-reduction"


def test_an_invalid_parameter_is_reported_under_the_students_own_name():
    X, y, proba = make_task()
    with pytest.raises(ValueError, match="'max_iter' parameter of HistGradientBoosting"):
        distil(booster(max_iter=0), X, bind(proba, y))
    with pytest.raises(ValueError, match="not supported for multiclass"):
        distil(booster(monotonic_cst=[1] * 8), X, bind(proba, y))


def test_a_private_name_that_moved_is_reported(monkeypatch):
    base = HistGradientBoostingClassifier.__mro__[2]
    monkeypatch.delattr(base, "_score_with_raw_predictions")
    X, y, proba = make_task()
    with pytest.raises(ImportError, match="_score_with_raw_predictions"):
        distil(booster(), X, bind(proba, y))


def test_every_parameter_searched_is_a_parameter():
    assert search_space(booster()).keys() <= booster().get_params().keys()


def test_the_distilled_student_works_in_cross_validation():
    X, y, proba = make_task(2)
    student = distil(booster(), X, bind(proba, y))
    assert cross_val_score(student, X, NAMES[y], cv=3).mean() > 0.6
