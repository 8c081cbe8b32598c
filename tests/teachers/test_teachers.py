"""Soft labels from every kind of teacher, aligned, smoothed, checked, cached."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    BaggingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from tasks import Counted

from skdistill import DistilledClassifier
from skdistill.teachers._ask import ask_teacher
from skdistill.teachers._check import check_teacher
from skdistill.teachers._given import check_teacher_proba
from skdistill.teachers._labels import label_rows

X, CODES = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])
Y = NAMES[CODES]


class Reordered(ClassifierMixin, BaseEstimator):
    """A teacher whose columns are not in sorted order, with a class too many."""

    def fit(self, X, y):
        self.model_ = GaussianNB().fit(X, y)
        self.classes_ = np.array(["virginica", "other", "setosa", "versicolor"])
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        proba = self.model_.predict_proba(X)
        return np.column_stack([proba[:, 2], np.zeros(len(X)), proba[:, :2]])


class Broken(ClassifierMixin, BaseEstimator):
    """A teacher that returns what it is told to."""

    def __init__(self, proba, classes=tuple(NAMES)):
        self.proba = proba
        self.classes = classes

    def fit(self, X, y):
        self.classes_ = np.array(self.classes)
        return self

    def predict(self, X):
        return self.classes_[np.zeros(len(X), dtype=int)]

    def predict_proba(self, X):
        return np.tile(np.asarray(self.proba, dtype=float), (len(X), 1))


def labels_of(teacher, **options):
    return label_rows(teacher, X, Y, NAMES, **options).proba


@pytest.mark.parametrize(
    "teacher",
    [
        LogisticRegression(max_iter=1000),
        make_pipeline(StandardScaler(), GaussianNB()),
        SVC(),
        LinearSVC(),
        RidgeClassifier(),
        RandomForestClassifier(10, random_state=0),
        VotingClassifier(
            [("nb", FrozenEstimator(GaussianNB().fit(X, Y))), ("lr", GaussianNB())],
            voting="soft",
        ),
        StackingClassifier([("nb", GaussianNB())]),
        make_pipeline(StandardScaler(), StackingClassifier([("nb", GaussianNB())])),
        FrozenEstimator(GaussianNB().fit(X, Y)),
    ],
    ids=lambda teacher: type(teacher).__name__,
)
def test_every_teacher_gives_distributions_that_find_the_classes(teacher):
    check_teacher(teacher)
    proba = labels_of(teacher)
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    assert np.mean(NAMES[proba.argmax(axis=1)] == Y) > 0.8


def test_columns_are_aligned_by_name_and_foreign_classes_dropped():
    assert_allclose(labels_of(Reordered()), labels_of(GaussianNB()), atol=1e-12)


def test_two_scores_of_a_linear_model_are_its_own_probabilities():
    rows = CODES < 2
    teacher = LogisticRegression().fit(X[rows], Y[rows])
    expected = teacher.predict_proba(X)

    class OnlyScores:
        classes_ = teacher.classes_
        decision_function = staticmethod(teacher.decision_function)

    assert_allclose(ask_teacher(OnlyScores(), X, NAMES[:2]), expected, atol=1e-12)


def test_forest_counts_are_smoothed_by_one_observation():
    forest = RandomForestClassifier(10, random_state=0)
    raw = forest.fit(X, Y).predict_proba(X)
    assert (raw == 0).any()
    assert_allclose(labels_of(forest), (10 * raw + 1 / 3) / 11, rtol=1e-12)
    assert_allclose(labels_of(FrozenEstimator(forest)), labels_of(forest), rtol=1e-12)


def test_a_bag_of_other_classifiers_is_no_count():
    bag = BaggingClassifier(GaussianNB(), 3, random_state=0)
    assert_allclose(labels_of(bag), bag.fit(X, Y).predict_proba(X), rtol=1e-12)


def test_a_frozen_teacher_keeps_its_labels():
    frozen = FrozenEstimator(GaussianNB().fit(X[::2], Y[::2]))
    assert_allclose(labels_of(frozen), frozen.predict_proba(X), rtol=1e-12)
    labels = label_rows(frozen, X, Y, NAMES)
    assert labels.teacher.get() is frozen


@pytest.mark.parametrize(
    ("proba", "message"),
    [
        ([np.nan, 0.5, 0.5], "NaN"),
        ([-0.5, 1, 0.5], "negative"),
        ([0.9, 0.9, 0.9], "sum to 1"),
        ([0.5, 0.5], "shape"),
    ],
)
def test_a_teacher_of_no_probabilities_is_refused(proba, message):
    with pytest.raises(ValueError, match=message):
        labels_of(Broken(proba))


def test_a_teacher_that_lacks_a_class_is_refused():
    with pytest.raises(ValueError, match=r"does not know the classes .*virginica"):
        labels_of(Broken([0.5, 0.5], classes=("setosa", "versicolor")))


def test_what_cannot_teach_is_refused_before_it_is_fitted():
    with pytest.raises(ValueError, match="neither predict_proba nor decision_function"):
        check_teacher(VotingClassifier([("nb", GaussianNB())], voting="hard"))
    with pytest.raises(NotFittedError, match="never fitted"):
        check_teacher(FrozenEstimator(GaussianNB()))


def test_a_bare_fitted_teacher_is_told_from_the_others():
    assert check_teacher(GaussianNB().fit(X, Y))
    assert not check_teacher(GaussianNB())
    assert not check_teacher(FrozenEstimator(GaussianNB().fit(X, Y)))


@pytest.mark.parametrize("frame", [pd.DataFrame, lambda a, columns: pl.DataFrame(a, columns)])
def test_named_columns_may_come_in_any_order_and_number(frame):
    proba = GaussianNB().fit(X, Y).predict_proba(X)
    mixed = np.column_stack([proba[:, 2], np.zeros(len(X)), proba[:, :2]])
    named = frame(mixed, columns=["virginica", "other", "setosa", "versicolor"])
    if frame is not pd.DataFrame:
        named = pl.DataFrame(dict(zip(named.columns, mixed.T, strict=True)))
    assert_allclose(check_teacher_proba(named, len(X), NAMES), proba, rtol=1e-12)


def test_a_class_absent_from_a_fold_is_dropped_and_rows_renormalised():
    named = pd.DataFrame([[0.2, 0.3, 0.5], [0, 0, 1]], columns=NAMES)
    proba = check_teacher_proba(named, 2, NAMES[:2])
    assert_allclose(proba, [[0.4, 0.6], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("proba", "message"),
    [
        (np.full((5, 3), 1 / 3), "shape"),
        (np.full((150, 2), 1 / 2), "shape"),
        (np.full(150, 1 / 2), "shape"),
        (np.full((150, 3), np.nan), "NaN"),
        (np.tile([-0.5, 1, 0.5], (150, 1)), "negative"),
        (np.ones((150, 3)), "sum to 1"),
        (pd.DataFrame(np.full((150, 2), 0.5), columns=NAMES[:2]), "virginica"),
        (
            pd.DataFrame(np.full((150, 3), 1 / 3), columns=NAMES[[0, 0, 1]]),
            "setosa.*virginica",
        ),
    ],
)
def test_precomputed_labels_of_the_wrong_kind_are_refused(proba, message):
    with pytest.raises(ValueError, match=message):
        check_teacher_proba(proba, 150, NAMES)


@pytest.fixture
def counted():
    Counted.fits = Counted.rows = 0
    return Counted


def test_memory_spares_the_teacher_and_its_scoring(counted, tmp_path):
    for temperature, alpha in [(1, 0.5), (2, 0.5), (4, 0.9)]:
        model = DistilledClassifier(
            counted(),
            LogisticRegression(max_iter=1000),
            temperature,
            alpha,
            memory=str(tmp_path),
        ).fit(X, Y)
    assert (counted.fits, counted.rows) == (1, len(X))
    assert_array_equal(model.teacher_.predict(X), GaussianNB().fit(X, Y).predict(X))
    assert model.teacher_ is model.teacher_
