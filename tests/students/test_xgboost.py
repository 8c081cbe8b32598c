"""XGBoost students: its own fit, with the gradient of the distillation loss."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tasks import gappy_task, one_hot_loss

from skdistill.loss import CombinedLoss, logits
from skdistill.students import Unsupported, fit_student, search_space
from skdistill.students.xgboost import fit_xgboost

xgboost = pytest.importorskip("xgboost")

both_numbers_of_classes = pytest.mark.parametrize("n_classes", [2, 3])
ANIMALS = np.array(["ant", "bee", "cat"])


def student(**params):
    return xgboost.XGBClassifier(**{"n_estimators": 15, "n_jobs": 1, **params})


def learner(model):
    return json.loads(model.get_booster().save_config())["learner"]


@both_numbers_of_classes
@pytest.mark.parametrize(
    "params",
    [
        {"subsample": 0.6, "colsample_bytree": 0.5, "colsample_bylevel": 0.8},
        {"reg_alpha": 0.5, "reg_lambda": 3.0, "min_child_weight": 4.1, "gamma": 0.5},
        {"booster": "dart", "rate_drop": 0.3, "random_state": 1},
        {"booster": "gblinear"},
        {"tree_method": "exact"},
        {"base_score": 0.3},
        {"num_parallel_tree": 3, "subsample": 0.6, "random_state": 1},
        {"multi_strategy": "multi_output_tree"},
        {"grow_policy": "lossguide", "max_leaves": 7},
        {"monotone_constraints": (1, 0, 0, 0, 0)},
    ],
    ids=lambda params: next(iter(params)),
)
def test_one_hot_labels_reproduce_the_native_fit_under(params, n_classes):
    X, y, _ = gappy_task(n_classes)
    plain = student(**params).fit(X, y)
    own = fit_student(student(**params), X, one_hot_loss(y, classes=ANIMALS[:n_classes]))
    assert own.path == "direct"
    assert_allclose(own.student.predict_proba(X), plain.predict_proba(X), atol=1e-6)
    assert_array_equal(own.student.predict(X), plain.predict(X))
    assert learner(own.student)["objective"] == learner(plain)["objective"]


@both_numbers_of_classes
def test_weights_weigh_rows_bins_and_baseline_as_natively(n_classes):
    X, y, _ = gappy_task(n_classes)
    weight = np.random.default_rng(0).choice([0.5, 1.0, 2.0], len(y))
    params = {"max_bin": 16, "max_depth": 3}
    plain = student(**params).fit(X, y, sample_weight=weight)
    own = fit_student(student(**params), X, one_hot_loss(y, sample_weight=weight)).student
    assert_allclose(own.predict_proba(X), plain.predict_proba(X), atol=1e-5)


def test_scale_pos_weight_weighs_the_second_class():
    X, y, _ = gappy_task(2)
    plain = student(scale_pos_weight=3.0).fit(X, y)
    own = fit_student(student(scale_pos_weight=3.0), X, one_hot_loss(y)).student
    assert_allclose(own.predict_proba(X), plain.predict_proba(X), atol=1e-6)


@both_numbers_of_classes
@pytest.mark.parametrize("metric", [None, "native", "callable", "both"])
def test_early_stopping_sees_what_it_sees_natively(n_classes, metric):
    def brier(y_true, proba, sample_weight=None):
        truth = y_true if proba.ndim == 1 else np.eye(n_classes)[y_true.astype(int)]
        error = (proba - truth) ** 2
        error = error if error.ndim == 1 else error.sum(axis=1)
        return np.average(error, weights=sample_weight)

    if metric == "both" and int(xgboost.__version__.split(".")[0]) < 3:
        pytest.skip("XGBoost 2 takes no list that holds a callable")
    X, y, _ = gappy_task(n_classes)
    native = "error" if n_classes == 2 else "merror"
    given = {None: None, "native": native, "callable": brier, "both": [native, brier]}[metric]
    params = {"early_stopping_rounds": 3, "n_estimators": 60, "eval_metric": given}
    train, valid = np.arange(300), np.arange(300, 400)
    also = {"sample_weight_eval_set": [np.linspace(1, 2, 100)], "verbose": False}
    plain = student(**params)
    plain.fit(X[train], y[train], eval_set=[(X[valid], y[valid])], **also)
    own = fit_student(
        student(**params),
        X[train],
        one_hot_loss(y[train], classes=ANIMALS[:n_classes]),
        eval_set=[(X[valid], ANIMALS[y[valid]])],
        **also,
    ).student
    assert own.best_iteration == plain.best_iteration
    expected = plain.evals_result()["validation_0"]
    assert list(own.evals_result()["validation_0"]) == list(expected)
    for name, values in expected.items():
        assert_allclose(own.evals_result()["validation_0"][name], values, rtol=1e-3)
    assert own.eval_metric == given


@both_numbers_of_classes
@pytest.mark.parametrize("temperature", [0.5, 1, 4])
def test_the_model_alone_returns_probabilities(n_classes, temperature, tmp_path):
    X, y, proba = gappy_task(n_classes)
    loss = CombinedLoss(proba, y, temperature=temperature, classes=ANIMALS[:n_classes])
    own = fit_student(student(), X, loss, random_state=0).student
    own.save_model(tmp_path / "model.json")
    alone = xgboost.XGBClassifier()
    alone.load_model(tmp_path / "model.json")
    assert_array_equal(alone.predict_proba(X), own.predict_proba(X))
    assert_array_equal(own.classes_, np.arange(n_classes))
    assert b"skdistill" not in pickle.dumps(own)
    assert str(own.get_params()) == str(student().get_params())
    again = clone(own).fit(X, y).predict_proba(X)
    assert_array_equal(again, student().fit(X, y).predict_proba(X))


def test_a_student_at_the_end_of_a_pipeline_keeps_its_booster():
    X, y, proba = gappy_task(3)
    pipeline = make_pipeline(StandardScaler(), student())
    own = fit_student(pipeline, X, CombinedLoss(proba, y), random_state=0).student
    assert_allclose(own.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    assert learner(own[-1])["objective"]["name"] == "multi:softprob"


@pytest.mark.parametrize("temperature", [1, 3])
def test_monotone_constraints_hold_on_a_grid_of_profiles(temperature):
    X, y, proba = gappy_task(2)
    params = {"monotone_constraints": (1, 0, 0, 0, 0), "n_estimators": 40}
    loss = CombinedLoss(proba, y, temperature=temperature)
    own = fit_student(student(**params), X, loss).student
    profiles = np.random.default_rng(0).normal(size=(1000, 5))
    sweep = []
    for value in np.linspace(-3, 3, 25):
        profiles[:, 0] = value
        sweep.append(own.predict_proba(profiles)[:, 1])
    assert np.diff(sweep, axis=0).min() >= 0
    assert np.ptp(sweep, axis=0).max() > 0.1


@both_numbers_of_classes
def test_categories_of_a_frame_are_read_natively(n_classes):
    X, y, _ = gappy_task(n_classes)
    frame = pd.DataFrame(X, columns=list("abcde"))
    groups = np.digitize(np.nan_to_num(X[:, 2]), [-1, 0, 1])
    frame["c"] = pd.Categorical.from_codes(groups, list("wxyz"))
    plain = student(enable_categorical=True).fit(frame, y)
    own = fit_student(student(enable_categorical=True), frame, one_hot_loss(y)).student
    assert_allclose(own.predict_proba(frame), plain.predict_proba(frame), atol=1e-6)
    assert_array_equal(own.feature_names_in_, frame.columns)


@both_numbers_of_classes
def test_training_goes_on_from_an_earlier_model(n_classes):
    X, y, _ = gappy_task(n_classes)
    first = student().fit(X, y)
    plain = student().fit(X, y, xgb_model=first)
    own = fit_student(student(), X, one_hot_loss(y), xgb_model=first).student
    assert_allclose(own.predict_proba(X), plain.predict_proba(X), atol=1e-6)


def test_rows_known_to_the_teacher_alone_can_bring_a_class():
    X, y, proba = gappy_task(3)
    y = np.where(y == 2, -1, y)
    own = fit_student(student(), X, CombinedLoss(proba, y)).student
    assert 2 in own.predict(X)


@both_numbers_of_classes
def test_a_tempered_fit_serves_the_tempered_loss_best(n_classes):
    X, y, proba = gappy_task(n_classes)
    loss = CombinedLoss(proba, y, temperature=3, alpha=1)
    tempered = fit_student(student(), X, loss).student
    plain = fit_student(student(), X, CombinedLoss(proba, y, alpha=1)).student
    reached = [loss.parts(logits(s.predict_proba(X))).total for s in (tempered, plain)]
    assert reached[0] < reached[1]


def test_an_objective_of_its_own_is_refused_by_name():
    X, y, proba = gappy_task(2)
    with pytest.raises(Unsupported, match="objective='binary:hinge'"):
        fit_xgboost(student(objective="binary:hinge"), X, CombinedLoss(proba, y))


def test_the_search_space_names_parameters():
    assert search_space(student()).keys() <= student().get_params().keys()
