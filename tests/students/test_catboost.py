"""CatBoost students: trees of its own training, leaves solved for the loss."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from tasks import gappy_task, one_hot_loss

from skdistill.loss import CombinedLoss, logits
from skdistill.students import fit_student, search_space
from skdistill.students._reduction import fit_by_labels

catboost = pytest.importorskip("catboost")

both_numbers_of_classes = pytest.mark.parametrize("n_classes", [2, 3])
ANIMALS = np.array(["ant", "bee", "cat"])


def student(**params):
    quiet = {"verbose": 0, "allow_writing_files": False, "thread_count": 1}
    return catboost.CatBoostClassifier(**{"iterations": 10, **quiet, **params})


@pytest.mark.parametrize(
    "params",
    [
        {"subsample": 0.5, "rsm": 0.6, "random_seed": 3},
        {"boosting_type": "Ordered"},
        {"grow_policy": "Lossguide", "min_data_in_leaf": 5},
        {"l2_leaf_reg": 1.0, "learning_rate": 0.1},
        {"leaf_estimation_iterations": 3},
        {"max_bin": 32},
        {"auto_class_weights": "Balanced"},
        {"auto_class_weights": "SqrtBalanced"},
        {"scale_pos_weight": 3.0},
        {"class_weights": (1.0, 3.0)},
        {"monotone_constraints": "(1,0,0,0,0)"},
    ],
    ids=lambda params: next(iter(params)),
)
def test_one_hot_labels_reproduce_the_native_fit_under(params):
    X, y, _ = gappy_task(2, 300)
    weight = np.random.default_rng(0).integers(1, 4, len(y)).astype(float)
    plain = student(**params).fit(X, ANIMALS[y], sample_weight=weight)
    loss = one_hot_loss(y, sample_weight=weight, classes=ANIMALS[:2])
    own = fit_student(student(**params), X, loss)
    assert own.path == "direct"
    assert_allclose(own.student.predict_proba(X), plain.predict_proba(X), atol=1e-6)
    assert_array_equal(own.student.predict(X), plain.predict(X))
    assert own.student.learning_rate_ == plain.learning_rate_


@pytest.mark.parametrize("params", [{}, {"auto_class_weights": "Balanced"}])
def test_one_hot_labels_of_three_classes_are_the_native_fit(params):
    X, y, _ = gappy_task(3, 300)
    plain = student(**params).fit(X, y)
    own = fit_student(student(**params), X, one_hot_loss(y)).student
    assert_allclose(own.predict_proba(X), plain.predict_proba(X), atol=1e-6)


def test_class_weights_weigh_rows_and_do_not_bend_soft_targets():
    X = np.repeat([[0.0], [1.0]], 100, axis=0)
    proba = np.repeat([[0.8, 0.2], [0.4, 0.6]], 100, axis=0)
    y = np.tile(np.repeat([0, 1], [60, 40]), 2)
    own = fit_student(
        student(class_weights=(1.0, 9.0), iterations=300, learning_rate=0.3),
        X,
        CombinedLoss(proba, y, alpha=1.0),
    ).student
    assert_allclose(own.predict_proba(X), proba, atol=1e-3)


def test_a_class_without_weight_is_left_as_it_is_by_balancing():
    X, y, proba = gappy_task(3, 300)
    loss = CombinedLoss(proba, y, sample_weight=(y < 2).astype(float))
    own = fit_student(student(auto_class_weights="Balanced"), X, loss).student
    assert np.isfinite(own.predict_proba(X)).all()


@pytest.mark.parametrize("temperature", [1, 3])
def test_early_stopping_is_by_the_users_labels(temperature):
    X, y, proba = gappy_task(2, 300)
    train, valid = np.arange(200), np.arange(200, 300)
    params = {"iterations": 100, "learning_rate": 0.3}
    fit_params = {"eval_set": (X[valid], ANIMALS[y[valid]]), "early_stopping_rounds": 3}
    plain = student(**params).fit(X[train], ANIMALS[y[train]], **fit_params)
    hard = one_hot_loss(y[train], classes=ANIMALS[:2])
    own = fit_student(student(**params), X[train], hard, **fit_params).student
    assert own.tree_count_ == plain.tree_count_ < 100
    soft = CombinedLoss(proba[train], y[train], temperature=temperature, classes=ANIMALS[:2])
    own = fit_student(student(**params), X[train], soft, **fit_params).student
    assert own.tree_count_ < 100


@both_numbers_of_classes
@pytest.mark.parametrize("temperature", [0.5, 1, 4])
def test_the_model_alone_returns_probabilities(n_classes, temperature, tmp_path):
    X, y, proba = gappy_task(n_classes, 300)
    loss = CombinedLoss(proba, y, temperature=temperature, classes=ANIMALS[:n_classes])
    own = fit_student(student(), X, loss).student
    own.save_model(tmp_path / "model.cbm")
    alone = catboost.CatBoostClassifier().load_model(tmp_path / "model.cbm")
    for model in (alone, pickle.loads(pickle.dumps(own))):
        assert_array_equal(model.predict_proba(X), own.predict_proba(X))
        assert_array_equal(model.classes_, ANIMALS[:n_classes])
    assert set(own.predict(X).ravel()) <= set(ANIMALS)
    assert own.get_all_params()["loss_function"] == ("Logloss", "MultiClass")[n_classes - 2]
    assert b"skdistill" not in pickle.dumps(own)
    assert own.get_params() == student().get_params()
    again = clone(own).fit(X, y).predict_proba(X)
    assert_array_equal(again, student().fit(X, y).predict_proba(X))


@pytest.mark.parametrize("temperature", [1, 3])
def test_monotone_constraints_hold_on_a_grid_of_profiles(temperature):
    X, y, proba = gappy_task(2, 300)
    own = fit_student(
        student(monotone_constraints="(1,0,0,0,0)", iterations=30),
        X,
        CombinedLoss(proba, y, temperature=temperature),
    ).student
    profiles = np.random.default_rng(0).normal(size=(1000, 5))
    sweep = []
    for value in np.linspace(-3, 3, 25):
        profiles[:, 0] = value
        sweep.append(own.predict_proba(profiles)[:, 1])
    assert np.diff(sweep, axis=0).min() >= 0
    assert np.ptp(sweep, axis=0).max() > 0.1


@both_numbers_of_classes
@pytest.mark.parametrize("temperature", [1, 3])
def test_categories_of_a_frame_are_read(temperature, n_classes):
    rng = np.random.default_rng(0)
    group = rng.integers(0, 8, 400)
    frame = pd.DataFrame(
        {"group": np.array(list("abcdefgh"))[group], "x": rng.normal(size=400)}
    )
    of_last = group / 10 + 0.1
    others = np.repeat((1 - of_last[:, None]) / (n_classes - 1), n_classes - 1, axis=1)
    truth = np.column_stack([others, of_last])
    y = (truth.cumsum(axis=1) < rng.random((400, 1))).sum(axis=1)
    loss = CombinedLoss(truth, y, temperature=temperature, alpha=1.0)
    own = fit_student(
        student(iterations=100, learning_rate=0.2), frame, loss, cat_features=["group"]
    )
    assert own.path == "direct"
    assert np.abs(own.student.predict_proba(frame) - truth).mean() < 0.05


@both_numbers_of_classes
def test_a_tempered_fit_serves_the_tempered_loss_best(n_classes):
    X, y, proba = gappy_task(n_classes, 300)
    loss = CombinedLoss(proba, y, temperature=3, alpha=1)
    tempered = fit_student(student(iterations=40), X, loss)
    plain = fit_student(student(iterations=40), X, CombinedLoss(proba, y, alpha=1))
    assert tempered.path == "direct"
    reached = [
        loss.parts(logits(fitted.student.predict_proba(X))).total
        for fitted in (tempered, plain)
    ]
    assert reached[0] < reached[1]


@both_numbers_of_classes
@pytest.mark.parametrize("grow_policy", ["SymmetricTree", "Lossguide"])
def test_solved_leaves_beat_label_copies(n_classes, grow_policy):
    X, y, proba = gappy_task(n_classes, 300)
    loss = CombinedLoss(proba, y, temperature=3)
    own = fit_student(student(grow_policy=grow_policy), X, loss)
    copies = fit_by_labels(student(grow_policy=grow_policy), X, loss)
    assert (own.path, copies.path) == ("direct", "label-reduction")
    values = [
        loss.parts(logits(fitted.student.predict_proba(X))).total for fitted in (own, copies)
    ]
    assert values[0] < values[1]


def test_conditional_probabilities_of_three_classes_are_recovered():
    X = np.repeat([[0.0], [1.0], [2.0]], 50, axis=0)
    truth = np.repeat([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3]], 50, axis=0)
    y = np.tile([0, 1, 2], 50)
    for temperature in (1, 3):
        loss = CombinedLoss(truth, y, temperature=temperature, alpha=1.0)
        own = fit_student(student(iterations=200, learning_rate=0.3), X, loss).student
        assert_allclose(own.predict_proba(X), truth, atol=2e-3)


@both_numbers_of_classes
@pytest.mark.parametrize("temperature", [1, 3])
def test_a_teacher_that_says_the_same_of_every_row_is_followed(n_classes, temperature):
    X, y, _ = gappy_task(n_classes, 300)
    prior = np.tile(
        np.arange(1, n_classes + 1) / np.arange(1, n_classes + 1).sum(), (len(y), 1)
    )
    loss = CombinedLoss(prior, y, temperature=temperature, alpha=1.0)
    own = fit_student(student(iterations=100, learning_rate=0.3), X, loss).student
    assert_allclose(own.predict_proba(X), prior, atol=1e-2)


def test_leaves_of_three_classes_sum_to_zero_and_shap_values_to_predictions():
    X, y, proba = gappy_task(3, 300)
    loss = CombinedLoss(proba, y, temperature=3, sample_weight=np.arange(len(y)) % 3)
    own = fit_student(student(), X, loss).student
    assert_allclose(own.get_leaf_values().reshape(-1, 3).sum(axis=1), 0, atol=1e-9)
    shap = own.get_feature_importance(catboost.Pool(X, y), type="ShapValues")
    raw = own.predict(X, prediction_type="RawFormulaVal")
    assert_allclose(shap.sum(axis=2), raw, atol=1e-9)


@both_numbers_of_classes
def test_without_a_penalty_leaves_that_hold_no_row_stay_at_zero(n_classes):
    X, y, proba = gappy_task(n_classes, 300)
    loss = CombinedLoss(proba, y, temperature=3)
    own = fit_student(student(l2_leaf_reg=0), X, loss).student
    assert np.isfinite(own.get_leaf_values()).all()
    assert np.isfinite(own.predict_proba(X[::-1, ::-1])).all()


def test_more_newton_steps_are_taken_where_the_user_asks_for_them():
    X, y, proba = gappy_task(3, 300)
    loss = CombinedLoss(proba, y, temperature=3)
    few, many = (
        loss.parts(
            logits(
                fit_student(student(leaf_estimation_iterations=n), X, loss).student
                .predict_proba(X)
            )
        ).total
        for n in (1, 5)
    )  # fmt: skip
    assert many < few


def test_boosting_starts_from_the_average_where_the_user_asks_for_it():
    X, y, proba = gappy_task(2, 300)
    loss = CombinedLoss(proba, y, temperature=3)
    held_back = {"iterations": 1, "learning_rate": 1e-6}
    own = fit_student(student(boost_from_average=True, **held_back), X, loss).student
    assert_allclose(
        logits(own.predict_proba(X)), loss.constant(np.zeros(len(y), int), 1)[0], atol=1e-5
    )


@pytest.mark.parametrize(
    "params",
    [
        {"leaf_estimation_method": "Gradient"},
        {"model_shrink_rate": 0.1},
        {"eval_fraction": 0.2},
        {"class_names": ("cat", "bee", "ant")},
        {"loss_function": "MultiClassOneVsAll"},
    ],
    ids=lambda params: next(iter(params)),
)
def test_what_solved_leaves_cannot_honour_takes_the_general_path(params):
    X, y, proba = gappy_task(3, 300)
    loss = CombinedLoss(proba, y, temperature=3, classes=ANIMALS)
    own = fit_student(student(**params), X, loss)
    assert own.path == "label-reduction"
    order = list(own.student.classes_)
    assert own.student.get_params() == student(**params).get_params()
    by_name = own.student.predict_proba(X)[:, [order.index(name) for name in ANIMALS]]
    assert (by_name.argmax(axis=1) == y).mean() > 0.6


def test_rows_known_to_the_teacher_alone_are_learnt():
    X, y, proba = gappy_task(2, 300)
    y = np.where(np.arange(len(y)) < 150, y, -1)
    for temperature in (1, 2):
        loss = CombinedLoss(proba, y, temperature=temperature, classes=ANIMALS[:2])
        own = fit_student(student(), X, loss)
        assert own.path == "direct"
        assert_array_equal(own.student.classes_, ANIMALS[:2])


def test_what_is_not_plain_log_loss_takes_the_general_path():
    X, y, proba = gappy_task(2, 300)
    own = fit_student(student(eval_metric="AUC"), X, CombinedLoss(proba, y))
    assert own.path == "label-reduction"


def test_the_search_space_is_fitted():
    X, y, proba = gappy_task(2, 300)
    space = search_space(student())
    named = student(**{name: values.low for name, values in space.items()})
    own = fit_student(named, X, CombinedLoss(proba, y)).student
    assert own.tree_count_ == space["iterations"].low
