"""`plain_estimator`: preprocessing and student in one estimator, nothing of ours in it."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    AutoDistiller,
    DistillationSearchCV,
    DistilledClassifier,
    plain_estimator,
)

X, CODES = load_iris(return_X_y=True)
Y = np.array(["setosa", "versicolor", "virginica"])[CODES]
TREE = DecisionTreeClassifier(max_depth=3, random_state=0)
KD = DistilledClassifier(LogisticRegression(C=0.1), TREE)
GRID = {"alpha": [0.3, 0.9]}

MODELS = {
    "model": KD,
    "pipeline": make_pipeline(StandardScaler(), KD),
    "pipeline in a pipeline": make_pipeline(
        "passthrough", make_pipeline(StandardScaler(), KD)
    ),
    "pipeline as student": make_pipeline(
        StandardScaler(),
        DistilledClassifier(
            LogisticRegression(C=0.1), make_pipeline(StandardScaler(), LogisticRegression())
        ),
    ),
    "search": GridSearchCV(KD, GRID, cv=2),
    "search in a pipeline": make_pipeline(StandardScaler(), GridSearchCV(KD, GRID, cv=2)),
    "pipeline in a search": GridSearchCV(
        Pipeline([("scale", StandardScaler()), ("kd", KD)]), {"kd__alpha": [0.3, 0.9]}, cv=2
    ),
    "search of this package": DistillationSearchCV(KD, n_trials=2, cv=2, random_state=0),
    "students compared": AutoDistiller(
        LogisticRegression(C=0.1), [("tree", TREE)], n_trials=2, cv=2, random_state=0
    ),
    "frozen": FrozenEstimator(make_pipeline(StandardScaler(), KD).fit(X, Y)),
}


@pytest.mark.parametrize("name", MODELS)
def test_it_predicts_what_the_model_predicts_and_holds_nothing_of_this_package(name):
    model = MODELS[name].fit(X, Y)
    plain = plain_estimator(model)
    assert_array_equal(plain.predict_proba(X), model.predict_proba(X))
    assert_array_equal(plain.predict(X), model.predict(X))
    assert b"skdistill" not in pickle.dumps(plain)


def test_steps_keep_their_names_and_their_fits():
    model = Pipeline([("scale", StandardScaler()), ("kd", KD)]).fit(X, Y)
    plain = plain_estimator(model)
    assert list(plain.named_steps) == ["scale", "kd"]
    assert plain["scale"] is model["scale"]
    assert plain["kd"] is model["kd"].student_


def test_it_predicts_where_this_package_cannot_be_imported(tmp_path):
    model = MODELS["pipeline"].fit(X, Y)
    (tmp_path / "plain.pickle").write_bytes(pickle.dumps((plain_estimator(model), X)))
    code = (
        "import pickle, sys; sys.modules['skdistill'] = None; "
        "plain, X = pickle.load(open('plain.pickle', 'rb')); print(*plain.predict(X))"
    )
    run = [sys.executable, "-c", code]
    out = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert out.stdout.split() == model.predict(X).tolist()


@pytest.mark.parametrize(
    "model",
    [
        CalibratedClassifierCV(KD, cv=2),
        GridSearchCV(KD, GRID, cv=2, refit=False),
        make_pipeline(
            SelectFromModel(KD, importance_getter="student_.feature_importances_"), KD
        ),
    ],
    ids=["calibrated", "no refit", "transformer"],
)
def test_what_needs_this_package_is_refused_by_name(model):
    with pytest.raises(ValueError, match="still needs DistilledClassifier"):
        plain_estimator(model.fit(X, Y))


@pytest.mark.parametrize("name", ["model", "pipeline", "search"])
def test_an_unfitted_model_is_refused(name):
    with pytest.raises(NotFittedError):
        plain_estimator(clone(MODELS[name]))


def test_a_student_of_codes_is_named():
    xgboost = pytest.importorskip("xgboost")
    student = xgboost.XGBClassifier(n_estimators=2, n_jobs=1)
    model = make_pipeline(
        StandardScaler(), DistilledClassifier(LogisticRegression(C=0.1), student)
    )
    with pytest.warns(UserWarning, match=r"classes \[0, 1, 2\] and not \['setosa'"):
        plain = plain_estimator(model.fit(X, Y))
    assert_array_equal(model.classes_[plain.predict(X)], model.predict(X))
