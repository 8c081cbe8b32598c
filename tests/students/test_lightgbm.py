"""LightGBM students: its own fit, with the gradient of the distillation loss."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from tasks import gappy_task, one_hot_loss

from skdistill.loss import CombinedLoss, logits
from skdistill.students import Unsupported, fit_student, search_space
from skdistill.students.lightgbm import fit_lightgbm

lightgbm = pytest.importorskip("lightgbm")

both_numbers_of_classes = pytest.mark.parametrize("n_classes", [2, 3])
pytestmark = [
    # of eval_X and eval_y, which older versions lack
    pytest.mark.filterwarnings("ignore:The argument 'eval_set' is deprecated"),
]


def student(**params):
    return lightgbm.LGBMClassifier(
        **{"n_estimators": 15, "n_jobs": 1, "verbose": -1, "random_state": 0, **params}
    )


@both_numbers_of_classes
@pytest.mark.parametrize(
    "params",
    [
        {"subsample": 0.6, "subsample_freq": 1, "colsample_bytree": 0.5},
        {"reg_alpha": 0.5, "reg_lambda": 3.0, "min_child_weight": 4.1},
        {"boosting_type": "goss"},
        {"boost_from_average": False},
        {"scale_pos_weight": 3.0},
        {"is_unbalance": True},
        {"sigmoid": 2.0},
        {"monotone_constraints": [1, 0, 0, 0, 0], "max_depth": 3},
        {"class_weight": {0: 2.0, 1: 1.0, 2: 1.0}},
    ],
    ids=lambda params: next(iter(params)),
)
def test_one_hot_labels_reproduce_the_native_fit_under(params, n_classes):
    X, y, _ = gappy_task(n_classes)
    if n_classes == 2 and "class_weight" in params:
        params = {"class_weight": {0: 2.0, 1: 1.0}}
    weight = np.random.default_rng(0).integers(1, 4, len(y)).astype(float)
    plain = student(**params).fit(X, y, sample_weight=weight)
    fitted = fit_student(student(**params), X, one_hot_loss(y, sample_weight=weight))
    assert fitted.path == "direct"
    assert_allclose(fitted.student.predict_proba(X), plain.predict_proba(X), atol=1e-6)
    raw = {"raw_score": True}
    assert_allclose(fitted.student.predict(X, **raw), plain.predict(X, **raw), atol=1e-6)


@pytest.mark.parametrize(
    ("n_classes", "params", "eval_metric"),
    [
        (2, {}, None),
        (3, {}, None),
        (2, {"metric": ["binary_error", "auc"], "first_metric_only": True}, None),
        (3, {}, ["auc_mu", "error"]),
        (3, {"metric": "None"}, "accuracy"),
        (2, {}, "accuracy"),
    ],
)
def test_early_stopping_sees_what_it_sees_natively(n_classes, params, eval_metric):
    def accuracy(y_true, proba, weight):
        labels = proba.argmax(axis=1) if proba.ndim == 2 else proba > 0.5
        return "accuracy", np.average(labels == y_true, weights=weight), True

    X, y, _ = gappy_task(n_classes)
    labels = np.array(["ant", "bee", "cat"])[y]
    train, valid = np.arange(300), np.arange(300, 400)
    fit_params = {
        "eval_set": [(X[valid], labels[valid])],
        "eval_sample_weight": [np.linspace(1, 2, 100)],
        "eval_metric": accuracy if eval_metric == "accuracy" else eval_metric,
    }
    params = {**params, "early_stopping_round": 3, "n_estimators": 60}
    plain = student(**params).fit(X[train], labels[train], **fit_params)
    loss = one_hot_loss(y[train], classes=np.unique(labels))
    own = fit_student(student(**params), X[train], loss, **fit_params).student
    assert own.best_iteration_ == plain.best_iteration_
    expected = plain.evals_result_["valid_0"]
    assert list(own.evals_result_["valid_0"]) == list(expected)
    for metric, values in expected.items():
        assert_allclose(own.evals_result_["valid_0"][metric], values, rtol=1e-3)
    assert_array_equal(own.predict(X), plain.predict(X))


@both_numbers_of_classes
@pytest.mark.parametrize("temperature", [0.5, 1, 4])
def test_the_model_alone_returns_probabilities(n_classes, temperature, tmp_path):
    X, y, proba = gappy_task(n_classes)
    own = fit_student(student(), X, CombinedLoss(proba, y, temperature=temperature)).student
    own.booster_.save_model(tmp_path / "model.txt")
    alone = lightgbm.Booster(model_file=tmp_path / "model.txt").predict(X)
    expected = own.predict_proba(X)
    assert_allclose(alone, expected[:, 1] if n_classes == 2 else expected)
    assert b"skdistill" not in pickle.dumps(own)
    assert own.objective_ == student().fit(X, y).objective_
    assert own.get_params() == student().get_params()
    again = clone(own).fit(X, y).predict_proba(X)
    assert_array_equal(again, student().fit(X, y).predict_proba(X))


@both_numbers_of_classes
def test_a_fitted_model_can_be_refitted_on_new_data(n_classes):
    X, y, proba = gappy_task(n_classes)
    own = fit_student(student(), X, CombinedLoss(proba, y)).student
    refitted = own.booster_.refit(np.nan_to_num(X), y)
    assert np.all((refitted.predict(X) >= 0) & (refitted.predict(X) <= 1))


@pytest.mark.parametrize("temperature", [1, 3])
def test_monotone_constraints_hold_on_a_grid_of_profiles(temperature):
    X, y, proba = gappy_task(2)
    params = {"monotone_constraints": [1, 0, 0, 0, 0], "n_estimators": 40}
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
    frame["c"] = pd.Categorical.from_codes(
        np.digitize(np.nan_to_num(X[:, 2]), [-1, 0, 1]), list("wxyz")
    )
    plain = student().fit(frame, y)
    own = fit_student(student(), frame, one_hot_loss(y)).student
    assert_allclose(own.predict_proba(frame), plain.predict_proba(frame), atol=1e-6)
    assert_array_equal(own.feature_names_in_, frame.columns)


def test_training_goes_on_from_an_init_model_and_an_init_score():
    X, y, _ = gappy_task(2)
    first = student().fit(X, y)
    for given in ({"init_model": first}, {"init_score": np.full(len(y), 0.3)}):
        plain = student().fit(X, y, **given)
        own = fit_student(student(), X, one_hot_loss(y), **given).student
        assert_allclose(own.predict_proba(X), plain.predict_proba(X), atol=1e-6)


def test_rows_known_to_the_teacher_alone_can_bring_a_class():
    X, y, proba = gappy_task(3)
    y = np.where(y == 2, -1, y)
    classes = np.array(["ant", "bee", "cat"])
    own = fit_student(student(), X, CombinedLoss(proba, y, classes=classes)).student
    assert_array_equal(own.classes_, classes)
    assert "cat" in own.predict(X)


@both_numbers_of_classes
def test_a_tempered_fit_serves_the_tempered_loss_best(n_classes):
    X, y, proba = gappy_task(n_classes)
    loss = CombinedLoss(proba, y, temperature=3, alpha=1)
    tempered = fit_student(student(), X, loss).student
    plain = fit_student(student(), X, CombinedLoss(proba, y, alpha=1)).student
    reached = [loss.parts(logits(s.predict_proba(X))).total for s in (tempered, plain)]
    assert reached[0] < reached[1]


@pytest.mark.parametrize(
    ("params", "fit_params"),
    [
        ({"boosting_type": "dart"}, {}),
        ({"boosting_type": "rf"}, {}),
        ({"linear_tree": True}, {}),
        ({"objective": "multiclassova"}, {}),
        ({"device_type": "cuda"}, {}),
        ({}, {"eval_init_score": [np.zeros(1)]}),
        ({"metric": "l2"}, {"eval_set": [(np.zeros((1, 5)), [0])]}),
    ],
)
def test_what_a_callable_objective_cannot_do_is_refused_by_name(params, fit_params):
    X, y, proba = gappy_task(3)
    with pytest.raises(Unsupported, match=next(iter(params or fit_params))):
        fit_lightgbm(student(**params), X, CombinedLoss(proba, y), **fit_params)


@pytest.mark.parametrize(
    "params",
    [{"boosting_type": "dart"}, {"pos_subsample": 0.5, "subsample_freq": 1}],
    ids=["dart", "bagging by class"],
)
def test_what_is_refused_is_fitted_by_the_general_path(params):
    X, y, _ = gappy_task(2)
    fitted = fit_student(student(**params), X, one_hot_loss(y))
    assert fitted.path == "label-reduction"
    expected = student(**params).fit(X, y).predict_proba(X)
    assert_allclose(fitted.student.predict_proba(X), expected, atol=1e-6)


def test_the_search_space_names_parameters():
    assert search_space(student()).keys() <= student().get_params().keys()
