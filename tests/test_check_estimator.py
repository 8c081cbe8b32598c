"""scikit-learn's own conformance checks, strict where both parts are."""

import pytest
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

from skdistill import DistilledClassifier

STRICT = {
    "lr-lr": (LogisticRegression(), LogisticRegression()),
    "tree-tree": (DecisionTreeClassifier(), DecisionTreeClassifier()),
    "nb-lr": (GaussianNB(), LogisticRegression()),
}
# weights draw other bootstraps and bins than repeated rows do: scikit-learn expects the
# same failures of forests and of histogram boosting themselves
WEIGHED_OTHERWISE = {
    "boosting-lr": (HistGradientBoostingClassifier(max_iter=5), LogisticRegression()),
    "forest-tree": (RandomForestClassifier(5), DecisionTreeClassifier(max_depth=6)),
    "forest-pipeline": (
        RandomForestClassifier(5),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ),
}
REFINED = {
    "refined tree": (DecisionTreeClassifier(), DecisionTreeClassifier(max_depth=4)),
    "refined forest": (DecisionTreeClassifier(), RandomForestClassifier(5)),
    "refined bagging": (
        DecisionTreeClassifier(),
        BaggingClassifier(DecisionTreeClassifier(), 5),
    ),
}
WEIGHTS = {
    f"check_sample_weight_equivalence_on_{kind}_data": "the teacher's own"
    for kind in ("dense", "sparse")
}


@pytest.mark.filterwarnings("ignore")  # the checks pass odd data on purpose
@pytest.mark.parametrize("name", [*STRICT, *WEIGHED_OTHERWISE, *REFINED])
def test_the_contract_of_scikit_learn_holds(name):
    teacher, student = {**STRICT, **WEIGHED_OTHERWISE, **REFINED}[name]
    expected = {} if name in STRICT else WEIGHTS
    options = {"refine": True} if name in REFINED else {}
    results = check_estimator(
        DistilledClassifier(teacher, student, **options),
        expected_failed_checks=expected,
        on_skip=None,
        on_fail=None,
    )
    failed = [
        f"{result['check_name']}: {result['exception']}"
        for result in results
        if result["status"] == "failed"
    ]
    assert not failed
    assert sum(result["status"] == "passed" for result in results) > 50
