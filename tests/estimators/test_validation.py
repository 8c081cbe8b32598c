"""What cannot work is said early, and in words that name the way out."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

from skdistill import DistilledClassifier
from skdistill._sklearn.validation import is_per_row, take_params
from skdistill.teachers import label_rows

X, Y = load_iris(return_X_y=True)
FOREST = RandomForestClassifier(10, random_state=0)
TREE = DecisionTreeClassifier(max_depth=3, random_state=0)
NAMES = np.array(["a", "b", "c"], dtype=object)


def refused(message, teacher=FOREST, student=TREE, X=X, y=Y, kind=ValueError, **options):
    given = options.pop("fit", {})
    with pytest.raises(kind, match=message) as told:
        DistilledClassifier(teacher, student, **options).fit(X, y, **given)
    return told.value


# y -------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [np.nan, None, pd.NA], ids=["nan", "None", "NA"])
@pytest.mark.parametrize("make", [np.asarray, pd.Series], ids=["array", "series"])
def test_text_labels_that_are_missing_belong_to_unlabelled_rows(nothing, make):
    y = NAMES[Y]
    y[3] = nothing
    refused("1 of 150 rows, the first is row 3; .* as X_unlabeled", y=make(y))


def test_labels_of_several_types_are_named():
    y = NAMES[Y]
    y[3] = 7
    refused(r"several types, \['int', 'str'\]", y=y)


def test_probabilities_and_quantities_in_place_of_labels_are_told_where_they_belong():
    proba = GaussianNB().fit(X, Y).predict_proba(X)
    for y in (proba, np.eye(3)[Y], np.eye(3, dtype=int)[Y]):
        refused(r"fit\(X, y, teacher_proba=P\)", y=y)
    for y in (proba[:, 0], X[:, 0] + 0.123):
        refused("Unknown label type: continuous.* teacher_proba", y=y)


# Estimators ----------------------------------------------------------------------------


class Duck:
    """A classifier that knows nothing of scikit-learn."""

    def fit(self, X, y):
        self.model_ = GaussianNB().fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


@pytest.mark.filterwarnings("ignore:The following error was raised:DeprecationWarning")
def test_a_class_without_baseestimator_is_told_to_derive_from_it_or_frozen_works():
    refused("teacher=Duck .* BaseEstimator, in this order; .*FrozenEstimator", Duck())
    refused("teacher=Duck .* BaseEstimator", [("a", GaussianNB()), ("duck", Duck())])
    refused("student=Duck .* BaseEstimator, in this order$", student=Duck())
    frozen = FrozenEstimator(Duck().fit(X, Y))
    kd = DistilledClassifier(frozen, TREE).fit(X, Y)
    assert_allclose(kd.teacher_predict_proba(X), GaussianNB().fit(X, Y).predict_proba(X))
    assert kd.score(X, Y) > 0.9


@pytest.mark.parametrize(
    "params", [{"cat_features": [3]}, {"class_weights": {0: 1.0, 1: 2.0, 2: 1.0}}]
)
def test_what_catboost_does_not_let_clone_is_told_the_way_out(params):
    catboost = pytest.importorskip("catboost")
    quiet = {"verbose": 0, "allow_writing_files": False, "iterations": 3}
    kept = catboost.CatBoostClassifier(**quiet, **params)
    for parts, role in (({"student": kept}, "student"), ({"teacher": kept}, "teacher")):
        refused(f"{role}=CatBoostClassifier cannot be cloned.* cat_features.* to fit", **parts)
        with pytest.raises(ValueError, match=f"{role}=CatBoost"):
            clone(DistilledClassifier(**parts))
        with pytest.raises(ValueError, match=f"{role}=CatBoost"):
            GridSearchCV(DistilledClassifier(**parts), {"alpha": [0.5]}).fit(X, Y)
    frame = pd.DataFrame(X[:, :3]).assign(kind=NAMES[Y].astype(str)).rename(columns=str)
    student = catboost.CatBoostClassifier(**quiet, class_weights=(1.0, 2.0, 1.0))
    teacher = HistGradientBoostingClassifier(max_iter=3, categorical_features=["kind"])
    kd = DistilledClassifier(teacher, student).fit(frame, Y, cat_features=["kind"])
    assert kd.score(frame, Y) > 0.9


@pytest.mark.parametrize("role", ["teacher", "student"])
def test_a_frame_of_categories_points_to_the_encoder(role):
    frame = pd.DataFrame({"x": X[:, 0], "kind": pd.Categorical(NAMES[Y])})
    boosting = HistGradientBoostingClassifier(max_iter=3)
    for simple in (
        LogisticRegression(max_iter=2000),
        TREE,
        FOREST,
        MLPClassifier(),
        GaussianNB(),
    ):
        parts = {"teacher": boosting, "student": boosting} | {role: simple}
        message = f"{role}={type(simple).__name__} takes numbers only, .*'kind'.*OneHotEncoder"
        refused(message, **parts, X=frame)
    numbers = frame.assign(kind=Y.astype(str).astype(object))  # which are read as numbers
    assert DistilledClassifier(FOREST, TREE).fit(numbers, Y).score(numbers, Y) == 1


@pytest.mark.parametrize(
    "student",
    [
        HistGradientBoostingClassifier(early_stopping=True),
        GradientBoostingClassifier(n_iter_no_change=2),
        MLPClassifier(early_stopping=True),
    ],
    ids=lambda student: type(student).__name__,
)
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_early_stopping_names_the_class_of_one_row_as_the_user_does(student, alpha):
    y = np.where(np.arange(150) == 7, "rare", "usual")
    message = r"one row only of the classes \['rare'\]"
    refused(message, DummyClassifier(strategy="uniform"), student, y=y, alpha=alpha)


@pytest.mark.filterwarnings("ignore:.* rows have no soft label")
@pytest.mark.parametrize("cv", ["oob", 3])
def test_classes_without_any_weight_are_named(cv):
    kd = DistilledClassifier(FOREST, TREE, cv=cv, random_state=0)
    with pytest.warns(UserWarning, match=r"0 in every row of the classes \['b', 'c'\]"):
        kd.fit(X, NAMES[Y], sample_weight=(Y == 0).astype(float))
    assert set(kd.predict(X)) == {"a"}


# Splits --------------------------------------------------------------------------------


def test_label_rows_takes_every_cv_that_it_documents():
    classes = np.unique(Y)
    for cv in (3, "auto", GroupKFold(2), list(GroupKFold(3).split(X, Y, np.arange(150) % 3))):
        split = {"groups": np.arange(150) % 5} if isinstance(cv, GroupKFold) else None
        for y in (Y, Y.tolist(), pd.Series(Y, index=np.arange(150)[::-1])):
            labels = label_rows(GaussianNB(), X, y, classes, cv=cv, split_params=split)
            assert np.mean(labels.proba.argmax(axis=1) == Y) > 0.9
            assert not labels.in_sample


def test_a_splitter_of_groups_without_groups_is_told_both_ways_to_give_them():
    refused(r"cv=list\(GroupKFold.*enable_metadata_routing=True", cv=GroupKFold(3))


class Flagged(ClassifierMixin, BaseEstimator):
    """A third-party student whose `cv` is whatever its author wanted."""

    def __init__(self, cv=False):
        self.cv = cv

    def fit(self, X, y, sample_weight=None):
        assert isinstance(self.cv, (bool, int, float, type(None)))
        self.model_ = GaussianNB().fit(X, y, sample_weight)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


class FlaggedCV(Flagged):
    """One that is named after cross-validation."""


@pytest.mark.parametrize("cv", [True, False, None, 3, 0.2])
def test_a_third_party_cv_that_is_a_flag_or_a_number_is_no_splitter(cv):
    kd = DistilledClassifier(FOREST, Flagged(cv), 1.0).fit(X, Y)
    assert kd.fit_path_ == "label-reduction"
    assert kd.student_.cv is cv


def test_a_third_party_cv_of_folds_is_a_splitter():
    with pytest.warns(UserWarning, match="holds rows out by itself"):
        kd = DistilledClassifier(FOREST, FlaggedCV(3), 1.0, random_state=0).fit(X, Y)
    assert kd.fit_path_ == "sampled-labels"


# Containers, missing values, methods ---------------------------------------------------


def test_a_table_of_pyarrow_goes_through():
    pa = pytest.importorskip("pyarrow")
    table = pa.table({f"f{i}": column for i, column in enumerate(X.T)})
    for options in ({}, {"cv": 3}, {"max_samples": 0.5, "random_state": 0}):
        kd = DistilledClassifier(FOREST, TREE, **options).fit(table, Y)
        expected = DistilledClassifier(FOREST, TREE, **options).fit(X, Y)
        assert_array_equal(kd.predict(table), expected.predict(X))
    kd = DistilledClassifier(FOREST, TREE).fit(table, Y, X_unlabeled=table.slice(0, 40))
    assert kd.score(table, Y) > 0.9
    assert cross_val_score(DistilledClassifier(FOREST, TREE), table, Y, cv=3).min() > 0.8
    twice = pa.Table.from_arrays([*X.T[:2]], names=["f", "f"])
    refused("several columns called", X=twice)
    refused(r"X.to_pandas\(\)", X=table, transfer="munge", kind=TypeError)


@pytest.mark.parametrize(
    ("teacher", "student"),
    [
        (GaussianNB(), HistGradientBoostingClassifier(max_iter=5)),
        (LogisticRegression(max_iter=2000), DecisionTreeClassifier(max_depth=3)),
        ([("a", LogisticRegression(max_iter=2000)), ("b", FOREST)], FOREST),
    ],
    ids=["boosting", "tree", "list"],
)
def test_predict_takes_missing_values_just_where_the_tag_says_so(teacher, student):
    holes = np.where(np.arange(X.size).reshape(X.shape) % 7 == 0, np.nan, X)
    kd = DistilledClassifier(teacher, student).fit(X, Y)
    for method in (kd.predict, kd.predict_proba):
        with pytest.raises(
            ValueError, match="Input X contains NaN or infinity, which teacher="
        ):
            method(holes)
    assert kd.student_.predict(holes).shape == Y.shape
    filled = make_pipeline(SimpleImputer(), GaussianNB())  # whose tag knows nothing of it
    assert DistilledClassifier(filled, student).fit(holes, Y).score(holes, Y) > 0.8
    assert DistilledClassifier(filled, student).fit(X, Y).predict(holes).shape == Y.shape


@pytest.mark.filterwarnings("ignore:the teacher is almost sure")
def test_check_estimator_holds_where_the_teacher_refuses_nan_and_the_student_takes_it():
    kd = DistilledClassifier(
        LogisticRegression(max_iter=2000), DecisionTreeClassifier(max_depth=3), random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(kd, on_fail=None, on_skip=None)
    failed = {one["check_name"] for one in results if one["status"] == "failed"}
    assert not {name for name in failed if "sample_weight_equivalence" not in name}


class OnlyProba(ClassifierMixin, BaseEstimator):
    def fit(self, X, y, sample_weight=None):
        self.model_ = GaussianNB().fit(X, y, sample_weight)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


def test_there_is_a_predict_where_the_student_has_one():
    assert hasattr(DistilledClassifier(FOREST, TREE), "predict")
    kd = DistilledClassifier(FOREST, OnlyProba())
    assert not hasattr(kd, "predict")
    assert not hasattr(kd.fit(X, Y), "predict")
    assert kd.predict_proba(X).shape == (150, 3)


# Fit parameters and calibration --------------------------------------------------------


class Tagged(GaussianNB):
    def fit(self, X, y, sample_weight=None, note=None, options=None, shift=None):
        self.given_ = note, options, shift
        return super().fit(X, y, sample_weight)


def test_text_and_mappings_as_long_as_x_are_no_rows():
    few = np.arange(0, 150, 15)
    note, options, shift = "0123456789", dict.fromkeys(range(10)), np.arange(10)
    assert [is_per_row(one, 10) for one in (note, options, shift)] == [False, False, True]
    given = {"note": note, "options": options, "shift": shift}
    taken = take_params(X[few], given, np.array([1, 3]))
    assert (taken["note"], taken["options"]) == (note, options)
    assert taken["shift"].tolist() == [1, 3]
    kd = DistilledClassifier(FOREST, Tagged(), max_samples=0.9, random_state=0)
    kd.fit(X[few], np.arange(10) % 2, **given)
    assert kd.student_.given_[:2] == (note, options)
    assert len(set(kd.student_.given_[2].tolist())) == 9
    del given["shift"]
    DistilledClassifier(FOREST, Tagged()).fit(
        X[few], np.arange(10) % 2, X_unlabeled=X[:3], **given
    )


class Reversed(GaussianNB):
    def predict_proba(self, X):
        return super().predict_proba(X)[:, ::-1]


class Timid(GaussianNB):
    """Right, and hardly surer than chance."""

    def predict_proba(self, X):
        hit = np.eye(2)[super().predict_proba(X).argmax(axis=1)]
        return 0.5 + 0.02 * (hit - 0.5)


@pytest.mark.parametrize(
    ("teacher", "bound"), [(Reversed(), "upper"), (Timid(), "lower")], ids=["wrong", "timid"]
)
def test_a_calibration_that_ends_at_its_bound_says_what_that_means(teacher, bound):
    X, y = load_breast_cancer(return_X_y=True)
    kd = DistilledClassifier(teacher, TREE, cv=3, calibrate_teacher=True)
    with pytest.warns(UserWarning, match=f"ends at its {bound} bound"):
        kd.fit(X, y)


def test_a_calibration_inside_its_bounds_says_nothing():
    X, y = load_breast_cancer(return_X_y=True)
    kd = DistilledClassifier(GaussianNB(), TREE, cv=3, calibrate_teacher=True).fit(X, y)
    assert 0.05 < kd.teacher_temperature_ < 20
