import pickle
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from skdistill._sklearn.mlp import train_mlp
from skdistill.loss import CombinedLoss
from skdistill.students import fit_student, search_space

NAMES = np.array(["ash", "beech", "cedar", "fir"])


def make_task(n_classes=3, n_samples=300):
    """Rows, codes of their labels, and a teacher somewhat surer than chance."""
    X, y = make_classification(
        n_samples, 8, n_informative=5, n_classes=n_classes, random_state=0
    )
    proba = np.random.RandomState(1).dirichlet(np.ones(n_classes), n_samples)
    return X, y, (proba + np.eye(n_classes)[y]) / 2


def perceptron(**params):
    defaults = {"hidden_layer_sizes": (12,), "max_iter": 15, "tol": 0, "random_state": 0}
    return MLPClassifier(**(defaults | params))


def quietly(fit, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fit(*args, **kwargs)


def distil(student, X, loss):
    return quietly(fit_student, student, X, loss, random_state=0).student


def assert_same_network(first, second, **tolerance):
    tolerance = {"rtol": 1e-9, "atol": 1e-9} | tolerance
    for a, b in zip(
        first.coefs_ + first.intercepts_, second.coefs_ + second.intercepts_, strict=True
    ):
        np.testing.assert_allclose(a, b, **tolerance)


NATIVE = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1},
    "lbfgs": {"solver": "lbfgs"},
    "two layers": {"hidden_layer_sizes": (6, 5), "activation": "tanh", "alpha": 1.0},
    "a logistic layer": {"activation": "logistic", "shuffle": False, "batch_size": 32},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3, "batch_size": 50},
    "patience": {"tol": 1e-2, "n_iter_no_change": 2, "max_iter": 200},
}


@pytest.mark.parametrize("weighted", [False, True], ids=["unit weights", "weights"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("params", NATIVE.values(), ids=NATIVE)
def test_one_hot_soft_labels_repeat_the_native_training(params, n_classes, weighted):
    X, y, _ = make_task(n_classes)
    weight = np.random.RandomState(2).randint(1, 4, len(X)) if weighted else None
    loss = CombinedLoss(
        np.eye(n_classes)[y], y, alpha=0.3, sample_weight=weight, classes=NAMES[:n_classes]
    )
    native = quietly(perceptron(**params).fit, X, y, sample_weight=weight)
    student = perceptron(**params)
    quietly(train_mlp, student, X, loss.labels, loss)
    assert_same_network(student, native)
    assert student.n_iter_ == native.n_iter_
    np.testing.assert_allclose(student.loss_, native.loss_, rtol=1e-9)
    np.testing.assert_array_equal(student.predict(X), NAMES[native.predict(X)])
    if params.get("early_stopping"):
        np.testing.assert_allclose(student.validation_scores_, native.validation_scores_)


def test_a_float32_network_stays_one():
    X, y, _ = make_task()
    X = X.astype(np.float32)
    native, student = quietly(perceptron().fit, X, y), perceptron()
    quietly(train_mlp, student, X, y, CombinedLoss(np.eye(3)[y], y))
    assert {coef.dtype for coef in student.coefs_} == {np.dtype(np.float32)}
    assert_same_network(student, native, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True], ids=["unit weights", "weights"])
def test_labels_alone_are_fitted_natively_to_the_last_bit_on_unscaled_rows(dtype, weighted):
    X, y = load_breast_cancer(return_X_y=True)
    X = X.astype(dtype)
    weight = np.random.RandomState(2).randint(1, 4, len(X)) if weighted else None
    alone = CombinedLoss(np.full((len(X), 2), 0.5), y, alpha=0.0, sample_weight=weight)
    for seed in range(3):
        network = MLPClassifier(random_state=seed, max_iter=40)
        native = quietly(clone(network).fit, X, y, sample_weight=weight)
        student = distil(network, X, alone)
        assert_same_network(student, native, rtol=0, atol=0)
        assert student.loss_curve_ == native.loss_curve_


def test_a_sparse_matrix_trains_as_the_dense_one():
    X, y, proba = make_task()
    loss = CombinedLoss(proba, y, temperature=2)
    dense = distil(perceptron(early_stopping=True), X, loss)
    assert_same_network(distil(perceptron(early_stopping=True), csr_array(X), loss), dense)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_lbfgs_ends_where_the_combined_loss_and_the_penalty_are_stationary(n_classes):
    X, y, proba = make_task(n_classes, n_samples=60)
    loss = CombinedLoss(proba, y, temperature=3, alpha=0.7)
    student = distil(
        perceptron(solver="lbfgs", activation="tanh", hidden_layer_sizes=(3,), alpha=1.0,
                   max_iter=5000, tol=1e-7), X, loss)  # fmt: skip
    (first, last), (bias, last_bias) = student.coefs_, student.intercepts_

    def objective(first, last):
        raw = np.tanh(X @ first + bias) @ last + last_bias
        penalty = ((first**2).sum() + (last**2).sum()) / 2
        return loss.parts(raw).total + student.alpha * penalty / len(X)

    np.testing.assert_allclose(student.loss_, objective(first, last), rtol=1e-9)
    for seed in range(5):
        draw = np.random.RandomState(seed)
        step, last_step = (1e-4 * draw.randn(*coef.shape) for coef in student.coefs_)
        there = objective(first + step, last + last_step)
        back = objective(first - step, last - last_step)
        assert abs(there - back) / 2e-4 < 1e-3


def test_the_reported_curve_is_the_combined_loss():
    X, y, proba = make_task()
    loss = CombinedLoss(proba, y, temperature=2)
    student = distil(perceptron(alpha=0, batch_size=300, learning_rate_init=1e-9), X, loss)
    with np.errstate(divide="ignore"):
        raw = np.log(student.predict_proba(X))
    np.testing.assert_allclose(student.loss_curve_[-1], loss.parts(raw).total, rtol=1e-6)


def test_a_higher_temperature_is_trained_for():
    X, y, proba = make_task()
    hot = CombinedLoss(proba, y, temperature=4, alpha=1)
    losses = [
        distil(perceptron(solver="lbfgs", alpha=1, max_iter=300), X,
               CombinedLoss(proba, y, temperature=t, alpha=1))
        for t in (1, 4)
    ]  # fmt: skip
    at_1, at_4 = (hot.parts(np.log(s.predict_proba(X))).total for s in losses)
    assert at_4 < at_1


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_row_without_the_label_that_alpha_asks_for_is_no_row(early_stopping):
    X, y, proba = make_task()
    student = perceptron(early_stopping=early_stopping, batch_size=40)
    some = np.where(np.arange(len(y)) % 3 == 0, -1, y)
    labelled = some >= 0
    native = quietly(student.fit, X[labelled], y[labelled])
    assert_same_network(distil(student, X, CombinedLoss(proba, some, alpha=0)), native)


def test_early_stopping_takes_the_teachers_class_where_a_row_has_no_label():
    X, _, proba = make_task()
    student = perceptron(early_stopping=True)
    unlabelled = distil(student, X, CombinedLoss(proba, alpha=1))
    taught = distil(student, X, CombinedLoss(proba, proba.argmax(axis=1), alpha=1))
    assert_same_network(unlabelled, taught)
    assert unlabelled.validation_scores_ == taught.validation_scores_


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_class_that_nobody_bears_keeps_its_column(early_stopping):
    X, y, proba = make_task()
    proba, classes = np.column_stack([proba, np.zeros(len(X))]), NAMES
    loss = CombinedLoss(proba, y, alpha=0.5, classes=classes)
    student = distil(perceptron(early_stopping=early_stopping), X, loss)
    np.testing.assert_array_equal(student.classes_, classes)
    assert student.predict_proba(X).shape == (len(X), 4)


def test_the_student_holds_no_target_and_trains_on_natively():
    X, y, proba = make_task()
    native = quietly(perceptron(early_stopping=True).fit, X, y)
    student = distil(perceptron(early_stopping=True), X, CombinedLoss(proba, y))
    assert type(student) is MLPClassifier
    assert vars(student).keys() == vars(native).keys()
    assert b"skdistill" not in pickle.dumps(student)
    assert len(pickle.dumps(student)) < len(pickle.dumps(native)) + 200
    distil(perceptron(), X, CombinedLoss(proba, y)).partial_fit(X, y)


def test_a_failed_fit_leaves_the_class_alone():
    X, y, proba = make_task()
    student = perceptron(alpha=-1)
    with pytest.raises(ValueError, match="'alpha' parameter of MLPClassifier"):
        fit_student(student, X, CombinedLoss(proba, y))
    assert type(student) is MLPClassifier


def test_stopping_too_soon_warns_as_natively():
    X, y, proba = make_task()
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        fit_student(perceptron(max_iter=2), X, CombinedLoss(proba, y))


def test_the_search_space_holds_parameters_that_fit():
    X, y, proba = make_task()
    space = search_space(perceptron())
    assert space
    for name, distribution in space.items():
        low = getattr(distribution, "low", None) or distribution.choices[0]
        distil(perceptron(max_iter=1).set_params(**{name: low}), X, CombinedLoss(proba, y))
