"""Metadata routing of `DistilledClassifier`, by the tests of scikit-learn itself."""

import inspect

import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from skdistill import DistilledClassifier

theirs = pytest.importorskip("sklearn.tests.test_metaestimators_metadata_routing")
TESTS = sorted(
    name
    for name, function in vars(theirs).items()
    if name.startswith("test_") and "metaestimator" in inspect.signature(function).parameters
)


def other_part(estimator, name):
    """The part that is not under test; it says that it wants no weights."""
    if name == "test_default_request":  # which nobody has set
        return estimator
    with sklearn.config_context(enable_metadata_routing=True):
        return estimator.set_fit_request(sample_weight=False)


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize("role", ["student", "teacher"])
def test_metadata_reach_student_and_teacher_as_the_tests_of_scikit_learn_ask(role, name):
    if role == "student":
        others = {"teacher": other_part(GaussianNB(), name), "alpha": 0.0}
    else:
        others = {"student": other_part(LogisticRegression(), name), "cv": 3}
    like = next(
        one
        for one in theirs.METAESTIMATORS
        if one["metaestimator"].__name__ == "CalibratedClassifierCV"
    )
    asked = {
        **{key: like[key] for key in ("X", "y", "estimator", "estimator_routing_methods")},
        "metaestimator": DistilledClassifier,
        "estimator_name": role,
        # the loss weighs the rows of a student; folds of a teacher get theirs
        "preserves_metadata": False if role == "student" else "subset",
        "init_args": others,
    }
    getattr(theirs, name)(metaestimator=asked)
