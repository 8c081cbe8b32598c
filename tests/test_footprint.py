"""Size and speed of an estimator: exact counts, consistent times, any container."""

import pickle
import time

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.footprint import (
    compression_ratio,
    footprint,
    latencies_us,
    latency_us,
    n_bytes,
    n_features_used,
    n_parameters,
)

X, y = load_iris(return_X_y=True)


def test_bytes_are_those_of_the_pickle_and_grow_with_the_model():
    small = DecisionTreeClassifier(max_depth=1).fit(X, y)
    large = RandomForestClassifier(20, random_state=0).fit(X, y)
    assert n_bytes(small) == len(pickle.dumps(small, protocol=pickle.HIGHEST_PROTOCOL))
    assert n_bytes(small) < n_bytes(large)


def test_a_linear_model_counts_coefficients_and_intercepts():
    linear = LogisticRegression(max_iter=1000)
    assert n_parameters(linear.fit(X, y)) == 3 * 4 + 3
    assert n_parameters(linear.fit(X, y == 2)) == 4 + 1


def test_a_network_counts_every_layer():
    network = MLPClassifier((5,), solver="lbfgs", max_iter=5000, random_state=0).fit(X, y)
    assert n_parameters(network) == (4 * 5 + 5) + (5 * 3 + 3)


def test_trees_count_their_leaves():
    tree = DecisionTreeClassifier(max_leaf_nodes=5, random_state=0).fit(X, y)
    assert n_parameters(tree) == tree.get_n_leaves() == 5
    forest = RandomForestClassifier(3, max_leaf_nodes=4, random_state=0).fit(X, y)
    assert n_parameters(forest) == sum(t.get_n_leaves() for t in forest.estimators_)


@pytest.mark.parametrize(
    "boosting", [GradientBoostingClassifier, HistGradientBoostingClassifier]
)
def test_boosting_counts_the_leaves_of_each_class_and_round(boosting):
    rounds = {"n_estimators": 2} if boosting is GradientBoostingClassifier else {"max_iter": 2}
    stumps = boosting(max_depth=1, **rounds).fit(X, y)
    assert n_parameters(stumps) == 2 * 3 * 2


@pytest.mark.parametrize(
    ("module", "name", "rounds"),
    [
        ("lightgbm", "LGBMClassifier", {"n_estimators": 2, "num_leaves": 2, "verbose": -1}),
        ("xgboost", "XGBClassifier", {"n_estimators": 2, "max_depth": 1}),
        ("catboost", "CatBoostClassifier", {"iterations": 2, "depth": 1, "verbose": 0}),
    ],
)
def test_the_boosting_libraries_count_leaves_too(module, name, rounds):
    rounds = dict(rounds, allow_writing_files=False) if module == "catboost" else rounds
    stumps = getattr(pytest.importorskip(module), name)(**rounds).fit(X, y)
    expected = 2 * 2 * 3
    if module == "catboost":  # a leaf there holds a value for each class
        expected = stumps.get_leaf_values().size
    assert n_parameters(stumps) == expected


def test_of_pipelines_and_searches_the_final_estimator_counts():
    student = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_leaf_nodes=3))
    search = GridSearchCV(student, {"decisiontreeclassifier__max_leaf_nodes": [3]})
    assert n_parameters(student.fit(X, y)) == 3
    assert n_parameters(search.fit(X, y)) == 3


def test_a_stack_counts_its_members_and_what_combines_them():
    tree = DecisionTreeClassifier(max_leaf_nodes=3, random_state=0)
    stack = StackingClassifier([("tree", tree)], LogisticRegression()).fit(X, y)
    assert n_parameters(stack) == 3 + (3 * 3 + 3)


def test_an_unknown_estimator_or_member_has_no_count():
    naive = GaussianNB().fit(X, y)
    assert n_parameters(naive) is None
    tree = DecisionTreeClassifier(random_state=0)
    assert n_parameters(VotingClassifier([("a", GaussianNB()), ("b", tree)]).fit(X, y)) is None


def test_the_compression_ratio_compares_pickles():
    small = DecisionTreeClassifier(max_depth=1).fit(X, y)
    large = RandomForestClassifier(20, random_state=0).fit(X, y)
    assert compression_ratio(large, small) == n_bytes(large) / n_bytes(small) > 1
    assert compression_ratio(small, small) == 1


STUMP = DecisionTreeClassifier(max_depth=1, random_state=0)


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (STUMP, 1),
        (make_pipeline(StandardScaler(), "passthrough", STUMP), 1),
        (make_pipeline(OneHotEncoder(handle_unknown="ignore"), STUMP), None),
        (GridSearchCV(STUMP, {"min_samples_leaf": [1]}), 1),
        (DistilledClassifier(GaussianNB(), STUMP, cv=3), 1),
        (LogisticRegression(max_iter=1000), 4),
        (MLPClassifier((3,), solver="lbfgs", max_iter=5000, random_state=0), 4),
        (HistGradientBoostingClassifier(max_iter=1, max_depth=1), 1),
        (GradientBoostingClassifier(n_estimators=1, max_depth=1, random_state=0), 1),
        (StackingClassifier([("stump", STUMP)], LogisticRegression()), 1),
        (StackingClassifier([("stump", STUMP)], LogisticRegression(), passthrough=True), 4),
        (VotingClassifier([("a", GaussianNB()), ("b", STUMP)]), None),
    ],
)
def test_features_used_are_the_columns_that_have_a_say(estimator, expected):
    decisive = np.column_stack([np.zeros(len(X)), X[:, 2], np.zeros((len(X), 2))])
    rows = X if expected == 4 else decisive
    assert n_features_used(estimator.fit(rows, y == 0)) == expected


def test_members_that_see_other_columns_are_counted_by_the_columns_they_see():
    bag = BaggingClassifier(STUMP, 40, max_features=1, random_state=0).fit(X, y)
    assert n_features_used(bag) == 4
    none = DecisionTreeClassifier(max_depth=1).fit(np.zeros_like(X), y)
    assert n_features_used(none) == 0


@pytest.mark.parametrize(
    ("module", "name", "rounds"),
    [
        ("lightgbm", "LGBMClassifier", {"n_estimators": 1, "num_leaves": 2, "verbose": -1}),
        ("xgboost", "XGBClassifier", {"n_estimators": 1, "max_depth": 1}),
        ("catboost", "CatBoostClassifier", {"iterations": 1, "depth": 1, "verbose": 0}),
    ],
)
def test_the_boosting_libraries_say_which_columns_they_split(module, name, rounds):
    rounds = dict(rounds, allow_writing_files=False) if module == "catboost" else rounds
    stump = getattr(pytest.importorskip(module), name)(**rounds)
    assert n_features_used(stump.fit(X, (y == 0).astype(int))) == 1


class Recorder(BaseEstimator):
    """Predicts slowly and remembers what it was asked."""

    def __init__(self):
        self.seen = []

    def predict(self, X):
        self.seen.append(X)
        time.sleep(0.002)


def test_what_slows_a_machine_for_a_while_does_not_slow_the_model(monkeypatch):
    class Disturbed:
        clock, calls = 0.0, 0

        def predict(self, X):
            self.calls += 1
            self.clock += 0.5 if self.calls <= 25 else 0.125

    model = Disturbed()
    monkeypatch.setattr("skdistill.footprint.perf_counter", lambda: model.clock)
    rows = np.arange(6).reshape(3, 2)
    assert latency_us(model, rows, method="predict", n_calls=40, seconds=60).value == 125_000


def test_what_slows_a_machine_slows_models_that_are_compared_alike(monkeypatch):
    clock = [0.0]

    def model(seconds):
        def predict(X):
            clock[0] += seconds * (1 if clock[0] < 4 or clock[0] > 8 else 10)

        return predict

    monkeypatch.setattr("skdistill.footprint.perf_counter", lambda: clock[0])
    rows = np.arange(6).reshape(3, 2)
    same, again, twice = latencies_us([model(0.1), model(0.1), model(0.2)], rows, seconds=60)
    assert same.value == pytest.approx(1e5)
    assert again.value == pytest.approx(same.value)
    assert twice.value == pytest.approx(2 * same.value)
    assert same.low <= same.value <= same.high


def test_latency_is_at_least_what_a_call_takes_and_changes_rows():
    model = Recorder()
    rows = np.arange(6).reshape(3, 2)
    assert latency_us(model, rows, method="predict", n_calls=5).value >= 2000
    assert len(model.seen) == 1 + 5
    assert {len(batch) for batch in model.seen} == {1}
    assert {int(batch[0, 0]) for batch in model.seen} == {0, 2, 4}


def test_batches_repeat_few_rows_and_slow_models_are_called_three_times():
    model = Recorder()
    latency_us(model, np.arange(6).reshape(3, 2), n_rows=1000, method="predict", seconds=0)
    assert len(model.seen) == 1 + 3
    assert {len(batch) for batch in model.seen} == {1000}


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, csr_array, np.ndarray.tolist])
def test_a_footprint_takes_the_rows_that_the_estimator_takes(container):
    rows = container(X)
    linear = LogisticRegression(max_iter=1000).fit(rows, y)
    found = footprint(linear, rows)
    assert found.bytes == n_bytes(linear)
    assert found.n_parameters == 15
    assert found.n_features_used == 4
    assert found.latency_us > 0
    assert found.latency_1000_rows_us > 0
