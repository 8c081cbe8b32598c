"""Metadata routing, by scikit-learn's own tests of its searches."""

import inspect

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistillationSearchCV, DistilledClassifier

theirs = pytest.importorskip("sklearn.tests.test_metaestimators_metadata_routing")
X, Y = load_iris(return_X_y=True)
WEIGHT = np.random.default_rng(0).uniform(0.1, 3, len(Y))

SEARCHES = {
    GridSearchCV: {"param_grid": {"alpha": [0.1, 0.2]}},
    DistillationSearchCV: {"param_distributions": {"alpha": [0.1, 0.2]}, "n_trials": 2},
}
TESTS = sorted(
    name
    for name, function in vars(theirs).items()
    if name.startswith("test_") and "metaestimator" in inspect.signature(function).parameters
)


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.parametrize("search", SEARCHES)
def test_a_search_routes_metadata_as_the_tests_of_scikit_learn_ask(search, name):
    like_grid_search = next(
        one for one in theirs.METAESTIMATORS if one["metaestimator"] is GridSearchCV
    )
    asked = {**like_grid_search, "metaestimator": search, "init_args": SEARCHES[search]}
    getattr(theirs, name)(metaestimator=asked)


def test_there_are_such_tests():
    assert "test_metadata_is_routed_correctly_to_splitter" in TESTS
    assert len(TESTS) >= 6


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_the_default_scoring_weighs_rows_as_the_fit_does():
    weighed = DistilledClassifier(
        GaussianNB().set_fit_request(sample_weight=True),
        DecisionTreeClassifier(max_depth=2).set_fit_request(sample_weight=True),
    ).set_fit_request(sample_weight=True)
    for estimator, space in (
        (weighed, {"student__random_state": [0]}),
        (weighed.student, {"random_state": [0]}),
    ):
        cv = StratifiedKFold(3)
        search = DistillationSearchCV(estimator, space, n_trials=1, cv=cv)
        search.fit(X, Y, sample_weight=WEIGHT)
        scores = []
        for train, test in cv.split(X, Y):
            model = sklearn.clone(estimator).set_params(**search.best_params_)
            model.fit(X[train], Y[train], sample_weight=WEIGHT[train])
            loss = log_loss(Y[test], model.predict_proba(X[test]), sample_weight=WEIGHT[test])
            scores.append(-loss)
        assert search.best_score_ == pytest.approx(np.mean(scores), rel=1e-6)
        assert search.score(X, Y, sample_weight=WEIGHT) != search.score(X, Y)
