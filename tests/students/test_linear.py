import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.special import log_softmax, softmax, xlogy
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skdistill.loss import CombinedLoss
from skdistill.students import fit_student, search_space
from skdistill.students._reduction import fit_by_labels

SINCE_1_8 = LogisticRegression().penalty == "deprecated"
SOLVERS = ["lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"]
NO_PENALTY = {"C": np.inf} if SINCE_1_8 else {"penalty": None}


def make_task(n_classes, n_samples=200):
    """Rows, codes of their labels, and a teacher that is right half the time."""
    X, y = make_classification(
        n_samples, 6, n_informative=5, n_redundant=0, n_classes=n_classes, random_state=0
    )
    proba = np.random.RandomState(1).dirichlet(np.ones(n_classes), n_samples)
    return X, y, (proba + np.eye(n_classes)[y]) / 2


def objective(coef, X, y, proba, T, alpha, C):
    """The penalised loss and its gradient as the textbook has them, column by class."""
    n_samples, n_classes = proba.shape
    coef = coef.reshape(1 if n_classes == 2 else n_classes, -1)
    z = X @ coef[:, :-1].T + coef[:, -1]
    if n_classes == 2:
        z = np.hstack([np.zeros_like(z), z])
    p_T, onehot = softmax(np.log(proba) / T, axis=1), np.eye(n_classes)[y]
    divergence = np.sum(xlogy(p_T, p_T) - p_T * log_softmax(z / T, axis=1))
    cross_entropy = -np.sum(onehot * log_softmax(z, axis=1))
    by_logit = alpha * T * (softmax(z / T, axis=1) - p_T)
    by_logit += (1 - alpha) * (softmax(z, axis=1) - onehot)
    gradient = np.column_stack([by_logit.T @ X, by_logit.sum(axis=0)])[-len(coef) :]
    weights = np.column_stack([coef[:, :-1], np.zeros(len(coef))])
    value = alpha * T**2 * divergence + (1 - alpha) * cross_entropy
    value += np.sum(weights**2) / (2 * C)
    return value / n_samples, (gradient + weights / C).ravel() / n_samples


def flat(model):
    return np.column_stack([model.coef_, model.intercept_]).ravel()


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("alpha", [0, 0.3, 0.7, 1])
@pytest.mark.parametrize("T", [0.5, 1, 3, 10])
def test_no_other_optimiser_finds_a_lower_objective(T, alpha, n_classes):
    X, y, proba = make_task(n_classes)
    args = (X, y, proba, T, alpha, 0.3)
    start = np.zeros((1 if n_classes == 2 else n_classes) * (X.shape[1] + 1))
    best = minimize(objective, start, args, jac=True, method="BFGS", options={"gtol": 1e-8})
    loss = CombinedLoss(proba, y, temperature=T, alpha=alpha)
    for solver in SOLVERS[:2]:
        for tol, excess, slope in ((1e-4, 1e-6, 1e-4), (1e-8, 1e-12, 1e-6)):
            student = LogisticRegression(C=0.3, tol=tol, solver=solver)
            value, gradient = objective(flat(fit_student(student, X, loss).student), *args)
            assert value <= best.fun + excess
            assert np.abs(gradient).max() <= slope


@pytest.mark.parametrize("params", [{}, {"C": 0.1, "fit_intercept": False}, NO_PENALTY])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_hard_labels_take_the_native_steps(n_classes, params):
    X, y, proba = make_task(n_classes)
    weight = np.random.RandomState(2).uniform(0, 2, len(y))
    native = LogisticRegression(**params).fit(X, y, weight)
    for soft, alpha, T in ((np.eye(n_classes)[y], 0.5, 1), (proba, 0, 3)):
        loss = CombinedLoss(soft, y, temperature=T, alpha=alpha, sample_weight=weight)
        own = fit_student(LogisticRegression(**params), X, loss).student
        assert own.n_iter_ == native.n_iter_
        assert own.n_iter_.dtype == native.n_iter_.dtype
        assert own.coef_.shape == native.coef_.shape
        np.testing.assert_allclose(own.coef_, native.coef_, rtol=0, atol=1e-10)
        np.testing.assert_allclose(own.intercept_, native.intercept_, rtol=0, atol=1e-10)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_finds_the_native_optimum(solver, n_classes):
    X, y, proba = make_task(n_classes)
    student = LogisticRegression(solver=solver, tol=1e-8, max_iter=5000)
    own = fit_student(student, X, CombinedLoss(proba, y, alpha=0)).student
    native = student.fit(X, y)
    np.testing.assert_allclose(own.coef_, native.coef_, atol=1e-5)
    np.testing.assert_allclose(own.intercept_, native.intercept_, atol=1e-5)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("solver", ["newton-cg", "newton-cholesky"])
def test_newton_solvers_need_no_scaling_of_columns(solver, n_classes):
    X, y, proba = make_task(n_classes)
    scale = 10.0 ** np.arange(-3, 3)
    loss = CombinedLoss(proba, y, temperature=3)
    student = LogisticRegression(solver=solver, tol=1e-7, **NO_PENALTY)
    scaled = fit_student(student, X * scale, loss).student
    plain = fit_student(student, X, loss).student
    assert scaled.n_iter_[0] < 30
    np.testing.assert_allclose(
        scaled.decision_function(X * scale), plain.decision_function(X), atol=1e-3
    )


@pytest.mark.parametrize("solver", SOLVERS[:2])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_sparse_rows_give_what_dense_rows_give(n_classes, solver):
    X, y, proba = make_task(n_classes)
    X[np.abs(X) < 0.7] = 0
    loss = CombinedLoss(proba, y, temperature=3)
    student = LogisticRegression(solver=solver, tol=1e-8)
    dense = fit_student(student, X, loss).student
    sparse = fit_student(student, csr_array(X), loss).student
    np.testing.assert_allclose(sparse.coef_, dense.coef_, atol=1e-7)


@pytest.mark.parametrize("solver", SOLVERS[:3])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_single_precision_is_kept_where_natively_kept(n_classes, solver):
    X, y, proba = make_task(n_classes)
    single = X.astype(np.float32)
    student = LogisticRegression(solver=solver)
    own = fit_student(student, single, CombinedLoss(proba, y, temperature=3)).student
    native = LogisticRegression(solver=solver).fit(single, y)
    assert own.coef_.dtype == native.coef_.dtype
    assert own.intercept_.dtype == native.intercept_.dtype
    double = fit_student(student, X, CombinedLoss(proba, y, temperature=3)).student
    np.testing.assert_allclose(own.coef_, double.coef_, atol=1e-3)


def test_frames_name_the_columns_and_labels_name_the_classes():
    X, y, proba = make_task(2)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    loss = CombinedLoss(proba, y, classes=np.array(["no", "yes"]))
    own = fit_student(LogisticRegression(), frame, loss).student
    assert list(own.feature_names_in_) == list("abcdef")
    assert own.n_features_in_ == 6
    assert set(own.predict(frame)) == {"no", "yes"}
    native = LogisticRegression().fit(frame, loss.labels)
    assert vars(own).keys() == vars(native).keys()


def test_the_curve_falls_to_the_loss_that_was_reached():
    X, y, proba = make_task(3)
    loss = CombinedLoss(proba, y, temperature=3)
    for solver in SOLVERS[:2]:
        fitted = fit_student(LogisticRegression(solver=solver), X, loss)
        assert len(fitted.curve) == fitted.student.n_iter_[0]
        assert fitted.curve[0].total > fitted.curve[-1].total
        reached = loss.parts(fitted.student.decision_function(X))
        np.testing.assert_allclose(fitted.curve[-1], reached, rtol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_too_few_iterations_warn_and_name_the_solver(solver):
    X, y, proba = make_task(3)
    student = LogisticRegression(solver=solver, max_iter=1, tol=1e-8)
    with pytest.warns(ConvergenceWarning, match=f"{solver}.*max_iter=1"):
        own = fit_student(student, X, CombinedLoss(proba, y)).student
    assert own.n_iter_ == [1]


def test_a_verbose_student_reports_its_loss(capsys):
    X, y, proba = make_task(2)
    fit_student(LogisticRegression(verbose=1), X, CombinedLoss(proba, y))
    assert "iteration 1: loss " in capsys.readouterr().out


@pytest.mark.parametrize(
    "params", [{"C": -1}, {"tol": -1}, {"max_iter": "ten"}, {"solver": "adam"}, {"dual": True}]
)
def test_parameters_are_validated_in_the_native_words(params):
    X, y, proba = make_task(2)
    with pytest.raises(ValueError) as native:  # noqa: PT011
        LogisticRegression(**params).fit(X, y)
    with pytest.raises(type(native.value)) as own:
        fit_student(LogisticRegression(**params), X, CombinedLoss(proba, y))
    assert str(own.value) == str(native.value)


@pytest.mark.parametrize(
    "params", [{}, {"penalty": "l2"}, {"penalty": None}, {"l1_ratio": None}, {"n_jobs": 1}]
)
def test_deprecated_parameters_warn_as_natively(params):
    X, y, proba = make_task(2)

    def messages(fit):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit()
        return [str(warning.message) for warning in caught]

    loss = CombinedLoss(proba, y)
    native = messages(lambda: LogisticRegression(**params).fit(X, y))
    assert messages(lambda: fit_student(LogisticRegression(**params), X, loss)) == native


SPELLINGS = [{"l1_ratio": 0}, {"l1_ratio": None}, {"penalty": "l2"}]


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:(l1_ratio|Inconsistent)")
@pytest.mark.parametrize("params", SPELLINGS)
def test_all_spellings_of_the_l2_penalty_are_one(params):
    X, y, proba = make_task(2)
    loss = CombinedLoss(proba, y)
    plain = fit_student(LogisticRegression(), X, loss)
    spelt = fit_student(LogisticRegression(**params), X, loss)
    assert spelt.path == "direct"
    np.testing.assert_array_equal(spelt.student.coef_, plain.student.coef_)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:Setting penalty")
def test_no_penalty_has_two_spellings():
    X, y, proba = make_task(2)
    loss = CombinedLoss(proba, y)
    by_C = fit_student(LogisticRegression(C=np.inf), X, loss).student
    by_penalty = fit_student(LogisticRegression(C=0.01, penalty=None), X, loss).student
    np.testing.assert_array_equal(by_C.coef_, by_penalty.coef_)


L1 = {"l1_ratio": 1.0} if SINCE_1_8 else {"penalty": "l1"}
OTHER_PROBLEMS = [{"solver": "liblinear"}, {"solver": "saga", "max_iter": 5000} | L1]
if not SINCE_1_8:
    OTHER_PROBLEMS += [{"multi_class": "ovr"}, {"multi_class": "multinomial"}]


@pytest.mark.filterwarnings("ignore:'multi_class' was deprecated")
@pytest.mark.parametrize("params", OTHER_PROBLEMS)
def test_other_problems_take_the_general_path(params):
    X, y, proba = make_task(2)
    fitted = fit_student(LogisticRegression(**params), X, CombinedLoss(proba, y))
    assert fitted.path == "label-reduction"


@pytest.mark.skipif(not SINCE_1_8, reason="callbacks came later")
def test_callbacks_are_called_by_the_native_fit():
    callback = pytest.importorskip("sklearn.callback")
    X, y, proba = make_task(2)
    student = LogisticRegression().set_callbacks(callback.ProgressBar())
    assert fit_student(student, X, CombinedLoss(proba, y)).path == "label-reduction"


def test_unknown_fit_parameters_are_refused():
    X, y, proba = make_task(2)
    with pytest.raises(TypeError, match="colour"):
        fit_student(LogisticRegression(), X, CombinedLoss(proba, y), colour="red")


def test_search_space_is_the_penalty_where_there_is_one():
    assert search_space(LogisticRegression())["C"].log
    assert search_space(LogisticRegression(penalty=None)) == {}


def test_label_reduction_comes_near_the_direct_optimum():
    X, y, _ = make_task(3, n_samples=500)
    forest = RandomForestClassifier(100, random_state=0).fit(X, y).predict_proba(X)
    loss = CombinedLoss((100 * forest + 1 / 3) / 101, y, temperature=3)
    student = LogisticRegression(tol=1e-8, max_iter=1000)
    direct = fit_student(student, X, loss).student
    reduced = fit_by_labels(student, X, loss).student

    def penalised(model):
        return loss.parts(model.decision_function(X)).total + np.sum(model.coef_**2) / 2000

    assert 0 < penalised(reduced) - penalised(direct) < 1e-3
