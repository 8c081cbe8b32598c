"""Rare classes: how common soft labels make them, and which rows have any."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill._sklearn.forest import weights_are_drawn
from skdistill.teachers import class_frequencies
from skdistill.teachers._ask import ask_teacher, smooth_counts
from skdistill.teachers._labels import label_rows

TREE = DecisionTreeClassifier(max_depth=4, random_state=0)
drawn_by_weight = pytest.mark.skipif(
    not weights_are_drawn(), reason="this scikit-learn does not draw bootstraps by weight"
)


def rare(share, n_samples=3000):
    return make_classification(
        n_samples, 10, n_informative=5, weights=[1 - share], flip_y=0, random_state=1
    )


def test_counts_are_smoothed_towards_the_frequency_of_each_class():
    smoothed = smooth_counts(np.array([[1.0, 0.0]]), 99, np.array([0.99, 0.01]))
    assert_allclose(smoothed, [[0.9999, 0.0001]])


@pytest.mark.parametrize("max_samples", [None, 0.1, 50])
@pytest.mark.parametrize("kind", [BaggingClassifier, RandomForestClassifier])
def test_counts_out_of_bag_are_smoothed_by_the_trees_that_vote(kind, max_samples):
    X, y = rare(0.1, n_samples=500)
    max_samples = 1.0 if max_samples is None else max_samples
    forest = kind(n_estimators=100, max_samples=max_samples, oob_score=True, random_state=0)
    said = label_rows(forest, X, y, np.arange(2), cv="oob").proba[:, 1]
    forest.fit(X, y)
    drawn = [np.bincount(rows, minlength=len(X)) > 0 for rows in forest.estimators_samples_]
    n_trees = np.mean(100 - np.sum(drawn, axis=0))
    expected = (n_trees * forest.oob_decision_function_[:, 1] + y.mean()) / (n_trees + 1)
    assert_allclose(said, expected, atol=5e-4)


@pytest.mark.parametrize("share", [0.004, 0.02])
def test_smoothing_keeps_the_mean_of_a_rare_class(share):
    X, y = rare(share)
    forest = RandomForestClassifier(50, random_state=0).fit(X, y)
    for prior in (None, class_frequencies(y, np.arange(2))):
        told = ask_teacher(forest, X, np.arange(2), prior=prior)[:, 1].mean()
        raw = forest.predict_proba(X)[:, 1].mean()
        assert abs(told / raw - 1) < 0.05


def test_frequencies_are_those_of_the_weights():
    found = class_frequencies(np.array(["a", "b", "b"]), np.array(["a", "b"]), [2, 1, 1])
    assert_allclose(found, [0.5, 0.5])


@drawn_by_weight
def test_auto_goes_out_of_fold_where_bootstraps_draw_a_whole_class():
    X, y = rare(0.03)
    teacher = RandomForestClassifier(60, class_weight="balanced", random_state=0)
    auto, folds = (
        DistilledClassifier(teacher, TREE, cv=cv, random_state=0).soft_labels(X, y)
        for cv in ("auto", 5)
    )
    assert not np.isnan(auto).any()
    assert_allclose(auto, folds)


@drawn_by_weight
def test_out_of_bag_labels_that_lose_a_class_name_it_and_its_share():
    X, y = rare(0.03)
    names = np.array(["no", "yes"])[y]
    teacher = RandomForestClassifier(60, class_weight="balanced", random_state=0)
    with pytest.warns(UserWarning, match=r"\d+% of the rows of class 'yes', .*use cv=5"):
        DistilledClassifier(teacher, TREE, cv="oob", random_state=0).fit(X, names)


def test_nothing_is_calibrated_on_one_class():
    X, y = rare(0.3, 300)
    held_out = np.flatnonzero(y == 0)
    splits = [
        (np.setdiff1d(np.arange(300), part), part) for part in np.split(held_out[:200], 2)
    ]
    model = DistilledClassifier(
        DecisionTreeClassifier(random_state=0), TREE, cv=splits, calibrate_teacher=True
    )
    with (
        pytest.warns(UserWarning, match="among them 100% of the rows of class 1"),
        pytest.raises(ValueError, match="all rows that have one are of class 0; use cv=5"),
    ):
        model.fit(X, y)


def test_a_teacher_of_balanced_classes_is_told_of_and_calibration_mends_it():
    X, y = rare(0.03)
    teacher = HistGradientBoostingClassifier(
        max_iter=20, max_leaf_nodes=4, class_weight="balanced", random_state=0
    )
    model = DistilledClassifier(teacher, TREE, cv=5, random_state=0)
    with pytest.warns(UserWarning, match="mean probability of class 1 is .*'sigmoid'"):
        model.fit(X, y)
    calibrated = model.set_params(calibrate_teacher="sigmoid").soft_labels(X, y)
    assert abs(calibrated[:, 1].mean() / y.mean() - 1) < 0.15
