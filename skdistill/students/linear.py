r"""Logistic regression: a convex problem, solved directly.

The raw prediction is :math:`z = X W^\top + b`, and the student minimises

.. math::

    L(z) + \frac{1}{2 C w} \|W\|^2

with :math:`L` the combined loss, a weighted mean, and :math:`w` its total weight: the
very penalty of scikit-learn, which leaves :math:`b` free and gives two classes one row of
:math:`W`. With one-hot soft labels at temperature 1 this is scikit-learn's own problem,
and L-BFGS takes the very same steps.

All solvers share one optimum under an L2 penalty or none, and one rule to stop: no entry
of the gradient above ``tol``. "lbfgs", "sag" and "saga" are answered by L-BFGS;
"newton-cg" and "newton-cholesky", chosen for columns of unequal scale, by Newton's method
with preconditioned conjugate gradients. What changes the optimum (L1, a penalised
intercept, one-versus-rest) is left to the general path.
"""

from typing import Any

import numpy as np
from optuna.distributions import FloatDistribution
from scipy.optimize import minimize
from scipy.sparse import issparse
from scipy.sparse.linalg import LinearOperator, cg
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import validate_data

from skdistill._estimators._warnings import warn
from skdistill._sklearn.callbacks import has_callbacks
from skdistill._sklearn.validation import labels_of
from skdistill._typing import Rows, Seed
from skdistill.loss import BoundClassificationLoss
from skdistill.students._registry import Fitted, Unsupported, register


def fit_logistic_regression(
    student: Any, X: Rows, loss: BoundClassificationLoss, *, random_state: Seed = None
) -> Fitted:
    """Fit a `LogisticRegression` to the loss, penalised as natively.

    Parameters
    ----------
    student : LogisticRegression
        Fitted in place.
    X : array-like, frame or sparse matrix of `loss.n_samples` rows
    loss : CombinedLoss
    random_state : int, default=None
        Unused: the optimum is one, and nothing is drawn.

    Returns
    -------
    Fitted
        With the loss after each iteration.

    Raises
    ------
    Unsupported
        For an L1 or elastic-net penalty, ``solver="liblinear"``, callbacks and, before
        scikit-learn 1.8, ``multi_class`` of another model.
    """
    _refuse_other_problems(student, loss)
    X = validate_data(
        student, X, accept_sparse="csr", dtype=[np.float64, np.float32], order="C"
    )
    blank = _blank_fit(student, X, loss)
    C = np.inf if student.penalty is None else student.C
    problem = _Problem(
        X.astype(blank.coef_.dtype, copy=False),
        loss,
        l2=1 / (C * loss.total_weight),
        fit_intercept=student.fit_intercept,
    )
    coef, curve = _solve(problem, student)
    student.classes_ = blank.classes_
    student.coef_, student.intercept_ = blank.coef_, blank.intercept_
    student.coef_[:], student.intercept_[:] = problem.unpack(coef)
    student.n_iter_ = np.array([len(curve)], dtype=blank.n_iter_.dtype)
    return Fitted(student, curve=curve)


def _refuse_other_problems(student, loss):
    penalty, l1_ratio = student.penalty, student.l1_ratio
    if penalty in ("l1", "elasticnet") or (penalty == "deprecated" and l1_ratio):
        raise Unsupported(
            f"penalty={penalty!r} with l1_ratio={l1_ratio} penalises by L1; use L2 or none"
        )
    if student.solver == "liblinear":
        raise Unsupported("solver='liblinear' penalises the intercept; use solver='lbfgs'")
    multi_class = getattr(student, "multi_class", "deprecated")
    if multi_class == "ovr" or (multi_class == "multinomial" and loss.n_classes == 2):
        raise Unsupported(f"multi_class={multi_class!r} is another model; leave it unset")
    if has_callbacks(student):
        raise Unsupported("set_callbacks: callbacks follow the native fit; unset them")


def _blank_fit(student, X, loss):
    """The native fit of two rows of zeros per class, whose optimum is where it starts.

    Raises and warns about parameters as natively and makes the arrays of the fit.
    """
    labels = labels_of(loss.classes)
    rows = np.zeros((len(labels), X.shape[1]), dtype=X.dtype)
    blank = clone(student).set_params(verbose=0)
    if student.solver in ("newton-cholesky", "sag", "saga"):  # these warn about zeros
        blank.set_params(solver="newton-cg")
    return blank.fit(rows, labels)


def _solve(problem, student):
    """Minimise; warn where that failed. Coefficients, and the loss per iteration."""
    curve = []

    def record(coef):
        curve.append(problem.loss.parts(problem.last_raw))
        if student.verbose:
            print(f"iteration {len(curve)}: loss {curve[-1].total:.6g}")  # noqa: T201

    method = _newton if student.solver in ("newton-cg", "newton-cholesky") else _lbfgs
    coef, converged = method(problem, student.tol, student.max_iter, record)
    if not converged:
        warn(
            f"solver={student.solver!r} did not converge within {len(curve)} iterations; "
            f"scale the data or increase max_iter={student.max_iter}",
            ConvergenceWarning,
        )
    return coef, curve


class _Problem:
    """The penalised loss as a function of one flat vector of coefficients.

    The classes of a column are contiguous and the intercepts come last, as in
    scikit-learn, so that sums run in the same order.
    """

    def __init__(self, X, loss, *, l2, fit_intercept):
        self.X, self.loss, self.l2, self.fit_intercept = X, loss, l2, fit_intercept
        self.n_rows = 1 if loss.n_classes == 2 else loss.n_classes
        self.start = np.zeros(self.n_rows * (X.shape[1] + fit_intercept))

    def unpack(self, coef):
        """Weights of shape (n_rows, n_features), and intercepts."""
        coef = coef.reshape((self.n_rows, -1), order="F")
        return (coef[:, :-1], coef[:, -1]) if self.fit_intercept else (coef, 0.0)

    def value_and_gradient(self, coef):
        """The penalised mean loss and its gradient; keeps the raw predictions."""
        weights, _ = self.unpack(coef)
        self.last_raw = self._raw(coef)
        value, gradient = self.loss.value_and_gradient(self.last_raw)
        value += self.l2 / 2 * np.sum(weights**2)
        return value, self._sum_rows(gradient, self.X, self.l2 * weights)

    def newton_step(self, coef, gradient):
        """Newton's step, to a precision that grows as the gradient falls."""
        raw = self._raw(coef)
        product = self.loss.hessian_product(raw)
        diagonal = self._sum_rows(self.loss.hessian(raw), self._squares(), self.l2)
        diagonal = np.maximum(diagonal, np.finfo(float).tiny)

        def times(v):
            penalty = self.l2 * self.unpack(v)[0]
            return self._sum_rows(product(self._raw(v)), self.X, penalty)

        hessian, scaling = (
            LinearOperator((coef.size, coef.size), matvec=matvec, dtype=float)
            for matvec in (times, lambda v: v / diagonal)
        )
        precision = min(0.5, np.sqrt(np.abs(gradient).sum())) * np.linalg.norm(gradient)
        step = cg(hessian, -gradient, atol=precision, M=scaling)[0]
        if self.n_rows > 1:  # what all classes share moves no probability
            step = step.reshape((self.n_rows, -1), order="F")
            step = (step - step.mean(axis=0)).ravel(order="F")
        return step

    def _raw(self, coef):
        """Raw predictions, each class contiguous."""
        weights, intercept = self.unpack(coef)
        raw = (weights.astype(self.X.dtype, copy=False) @ self.X.T).T + intercept
        return raw.reshape(self.loss.raw_shape)

    def _sum_rows(self, rows, columns, penalty):
        """Mean of ``rows * columns``: derivatives by raw predictions to those by `coef`."""
        rows = rows.reshape((-1, self.n_rows)).T
        weights = rows.astype(self.X.dtype, copy=False) @ columns
        weights = weights / self.loss.total_weight + penalty
        if self.fit_intercept:
            intercept = rows.sum(axis=1) / self.loss.total_weight
            weights = np.column_stack([weights, intercept])
        return weights.ravel(order="F")

    def _squares(self):
        return self.X.multiply(self.X) if issparse(self.X) else self.X**2


def _lbfgs(problem, tol, max_iter, record):
    """L-BFGS with scikit-learn's options."""
    options = {"gtol": tol, "maxiter": max_iter, "maxls": 50, "ftol": _STALLED}
    result = minimize(
        problem.value_and_gradient, problem.start, jac=True, method="L-BFGS-B",
        callback=record, options=options,
    )  # fmt: skip
    return result.x, result.success


def _newton(problem, tol, max_iter, record):
    """Newton's method with a backtracking line search."""
    coef = problem.start
    value, gradient = problem.value_and_gradient(coef)
    noise = 16 * np.finfo(problem.X.dtype).eps
    for _ in range(max_iter):
        if np.abs(gradient).max() <= tol:
            return coef, True
        step = problem.newton_step(coef, gradient)
        slope = gradient @ step
        for length in 0.5 ** np.arange(21):
            new_value, gradient = problem.value_and_gradient(coef + length * step)
            fall = value - new_value
            if fall >= -1e-4 * length * slope - noise * abs(value):
                break
        else:
            return coef, False
        coef, value = coef + length * step, new_value
        record(coef)
        if fall <= _STALLED * max(abs(value), 1):
            return coef, True
    return coef, bool(np.abs(gradient).max() <= tol)


_STALLED = 64 * np.finfo(float).eps  # relative fall of the loss at which a solver stops


def logistic_regression_space(student: Any) -> dict[str, Any]:
    """Search space: the strength of the penalty, where there is one."""
    return {} if student.penalty is None else {"C": FloatDistribution(1e-4, 1e2, log=True)}


register(LogisticRegression, fit_logistic_regression, search_space=logistic_regression_space)
