"""Soft labels that were made elsewhere: their shape, and the order of their columns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.teachers._given import check_teacher_proba, warn_of_column_order

TREE = DecisionTreeClassifier(max_depth=3, random_state=0)


def rare(share=0.02, n_samples=2000):
    X, y = make_classification(n_samples, weights=[1 - share], random_state=0)
    return X, y, LogisticRegression().fit(X, y).predict_proba(X)


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_one_column_is_the_probability_of_the_second_class(shape):
    X, y, proba = rare()
    whole = DistilledClassifier(student=TREE).fit(X, y, teacher_proba=proba)
    half = DistilledClassifier(student=TREE).fit(
        X, y, teacher_proba=proba[:, 1].reshape(shape)
    )
    assert_allclose(half.predict_proba(X), whole.predict_proba(X), atol=1e-12)


def test_one_column_is_refused_for_three_classes_and_outside_of_the_unit_interval():
    with pytest.raises(ValueError, match=r"shape \(5,\), expected \(5, 3\)"):
        check_teacher_proba(np.full(5, 0.3), 5, np.arange(3))
    with pytest.raises(ValueError, match="negative values"):
        check_teacher_proba(np.array([0.2, 1.5]), 2, np.arange(2))


@pytest.mark.parametrize("share", [0.005, 0.02, 0.2, 0.5])
def test_swapped_columns_are_warned_of_however_rare_a_class_is(share):
    _, y, proba = rare(share)
    warn_of_column_order(proba, y, np.arange(2))
    with pytest.warns(UserWarning, match=r"if its columns were those of \[1, 0\]"):
        warn_of_column_order(proba[:, ::-1], y, np.arange(2))


def test_a_teacher_of_balanced_classes_is_not_taken_for_a_swapped_one():
    X, y, _ = rare()
    balanced = LogisticRegression(class_weight="balanced").fit(X, y).predict_proba(X)
    warn_of_column_order(balanced, y, np.arange(2))
    warn_of_column_order(np.full_like(balanced, 0.5), y, np.arange(2))


def test_a_mark_of_rows_without_a_label_is_not_taken_for_a_class_in_silence():
    X, y, _ = rare(0.4, 200)
    marked = np.where(np.arange(200) % 3 == 0, -1, y)
    with pytest.warns(UserWarning, match="pass them as X_unlabeled"):
        DistilledClassifier(TREE, TREE).fit(X, marked)
    two = DistilledClassifier(TREE, TREE, cv=3).fit(X, 2 * y - 1)  # warnings are errors
    assert_array_equal(two.classes_, [-1, 1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1, 1.1])
@pytest.mark.parametrize("row", [0, 77, -1])
def test_one_bad_value_among_all_is_enough_to_refuse_soft_labels(bad, row):
    _, _, proba = rare()
    proba[row, 1] = bad
    with pytest.raises(ValueError, match=f"row {row % len(proba)} has"):
        check_teacher_proba(proba, len(proba), np.arange(2))
