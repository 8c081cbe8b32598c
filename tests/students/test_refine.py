"""Laws of every family whose leaves can be read and written."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from tasks import blurred_task

from skdistill.loss import CombinedLoss
from skdistill.students import Unsupported, _registry, available, fit_student, leaves_of
from skdistill.students._refine import answers

# Smaller than the defaults where those are slow or chatty
SMALL = {
    "BaggingClassifier": {"estimator": DecisionTreeClassifier(max_depth=3), "n_estimators": 5},
    "ExtraTreesClassifier": {"n_estimators": 5, "min_samples_leaf": 5},
    "RandomForestClassifier": {"n_estimators": 5, "min_samples_leaf": 5},
}
FAMILIES = {
    name: cls(**SMALL.get(name, {})) for name, cls in available().items() if name != "Pipeline"
}

N_CLASSES = pytest.mark.parametrize("n_classes", [2, 3])


def bound(n_classes, **params):
    X, y, proba = blurred_task(n_classes, 240)
    return X, CombinedLoss(proba, y, **({"alpha": 0.7} | params))


WITH_LEAVES = [name for name, student in FAMILIES.items() if _registry._family(student).leaves]
every_family_with_leaves = pytest.mark.parametrize("name", WITH_LEAVES)


def said(leaves, X):
    """Class probabilities from leaves alone."""
    answer = answers(leaves, leaves.apply(X))
    if leaves.offset is None:
        return answer
    if answer.shape[1] == 1:
        return np.hstack([expit(-answer), expit(answer)])
    return softmax(answer, axis=1)


@every_family_with_leaves
@N_CLASSES
def test_the_leaves_say_what_the_student_says(name, n_classes):
    X, loss = bound(n_classes)
    student = fit_student(FAMILIES[name], X, loss, random_state=0).student
    assert_allclose(said(leaves_of(student), X), student.predict_proba(X), atol=1e-6)


@every_family_with_leaves
@N_CLASSES
def test_the_student_says_what_is_written_into_its_leaves(name, n_classes):
    X, loss = bound(n_classes)
    student = fit_student(FAMILIES[name], X, loss, random_state=0).student
    before, leaves = student.predict_proba(X), leaves_of(student)
    values = leaves.values[:, ::-1] if leaves.offset is None else leaves.values * 0.5
    leaves.write(values)
    assert np.abs(student.predict_proba(X) - before).max() > 0.01
    assert_allclose(leaves_of(student).values, values, atol=1e-6)
    assert_allclose(
        student.predict_proba(X), said(leaves._replace(values=values), X), atol=1e-6
    )


@every_family_with_leaves
def test_writing_back_what_was_read_changes_nothing(name):
    X, loss = bound(3)
    student = fit_student(FAMILIES[name], X, loss, random_state=0).student
    before, leaves = student.predict_proba(X), leaves_of(student)
    leaves.write(leaves.values)
    assert_allclose(student.predict_proba(X), before, atol=1e-7)
    assert student.get_params().keys() == clone(FAMILIES[name]).get_params().keys()


def test_a_family_without_leaves_has_none():
    X, loss = bound(2)
    assert leaves_of(fit_student(LogisticRegression(), X, loss).student) is None


@pytest.mark.parametrize(
    "student",
    [GaussianNB(), LogisticRegression(), make_pipeline(StandardScaler(), GaussianNB())],
)
def test_a_family_without_a_refiner_is_named(student):
    X, loss = bound(2)
    last = getattr(student, "steps", [(None, student)])[-1][1]
    with pytest.raises(Unsupported, match=f"refine=True .* {type(last).__name__} "):
        fit_student(student, X, loss, refine=True)


def test_refine_false_is_the_fit_as_it_was():
    X, loss = bound(3)
    for name in WITH_LEAVES:
        plain = fit_student(FAMILIES[name], X, loss, random_state=0).student
        again = fit_student(FAMILIES[name], X, loss, random_state=0, refine=False).student
        assert_array_equal(again.predict_proba(X), plain.predict_proba(X))
