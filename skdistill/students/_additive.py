r"""All leaf values of a boosting together: a convex problem at any temperature and alpha.

Boosting adds its trees: the raw prediction of a row is an offset plus the value of the leaf
that the row reaches in each tree. It is linear in all leaf values v at once, so the
combined loss over them is convex. Boosting itself fixes the values of a tree once and for
all, before the next tree is grown. Here

.. math::

    \min_v \; W L(\mathrm{offset} + A v) + \frac{\lambda}{2} \|v - v_0\|^2

is lowered by L-BFGS, where A holds the leaf indicators, :math:`W L` is the loss as a sum
over rows and :math:`v_0` are the values as fitted. It starts at :math:`v_0`, so the loss
never rises. Leaves that no row reaches stay as they are. L-BFGS works in units of
:math:`1/\sqrt{H_{jj} + \lambda}`, H the Hessian at the start.

`Together` does this while a boosting grows, each time that it has grown by a fifth, so that
the next trees answer what all leaves before them leave over; and once more at the end.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from skdistill.students._leaves import labels_alone
from skdistill.students._registry import Unsupported

RIDGE = 10.0  # towards the fitted values, in weights of rows as of L2 penalties of boosting
WHILE_GROWING, AT_THE_END = 6, 20  # steps of L-BFGS
_CAP = 1e9
_GROWTH = 1.2  # since leaves were last solved


class GrownTree(NamedTuple):
    """One tree of a boosting, as its training rows see it.

    Attributes
    ----------
    leaf : ndarray of int of shape (n_samples,)
        Leaf that each row reaches, counted from 0.
    column : int or slice
        Raw column that the tree adds to; ``slice(None)`` for a value per column.
    """

    leaf: Any
    column: Any


def solve_leaves(loss, trees, values, offset, *, ridge=RIDGE, max_iter=AT_THE_END, tol=1e-8):
    """Lower a loss over all leaf values of additive trees.

    Parameters
    ----------
    loss : CombinedLoss
    trees : list of GrownTree
    values : list of ndarray of shape (n_leaves,) or (n_leaves, n_columns)
        Fitted values of the leaves of each tree: the start, and what the penalty pulls to.
    offset : array-like of shape (n_columns,) or (n_samples, n_columns)
        Raw prediction without trees; one column for two classes.
    ridge : float, default=10.0
    max_iter : int, default=20
    tol : float, default=1e-8
        Relative fall of the objective at which to stop.

    Returns
    -------
    values : list of ndarray
        Of the shapes of `values`.
    raw : ndarray of shape (n_samples, n_columns)
        What the trees then say.
    """
    fitted = np.concatenate([value.ravel() for value in values])
    ends = np.cumsum([value.size for value in values])[:-1]
    offset, weight = np.asarray(offset, dtype=np.float64), loss.total_weight

    def split(flat):
        parts = np.split(flat, ends)
        return [part.reshape(v.shape) for part, v in zip(parts, values, strict=True)]

    def raw_of(flat):
        return raw_predictions(trees, split(flat), offset, loss.n_samples)

    bend = _leaf_sums(trees, values, loss.hessian(raw_of(fitted))) + ridge
    unit = 1 / np.sqrt(np.where(bend > 0, bend, 1))

    def objective(step):
        move = unit * step
        value, gradient = loss.value_and_gradient(raw_of(fitted + move))
        slope = _leaf_sums(trees, values, gradient) + ridge * move
        return weight * value + ridge / 2 * move @ move, unit * slope

    options = {"maxiter": max_iter, "ftol": tol, "gtol": 0}
    found = minimize(
        objective, np.zeros_like(fitted), jac=True, method="L-BFGS-B", options=options
    )
    flat = fitted + unit * found.x
    return split(flat), raw_of(flat)


def raw_predictions(trees, values, offset, n_samples):
    """What additive trees say of their training rows.

    Parameters
    ----------
    trees : list of GrownTree
    values : list of ndarray
    offset : ndarray of shape (n_columns,) or (n_samples, n_columns)
    n_samples : int

    Returns
    -------
    ndarray of shape (n_samples, n_columns)
    """
    raw = np.empty((n_samples, offset.shape[-1]), order="F")
    raw[:] = offset
    for (leaf, column), value in zip(trees, values, strict=True):
        raw[:, column] += value.take(leaf, axis=0)
    return raw


def _leaf_sums(trees, values, of_row):
    """Sums over the rows of every leaf, flat as the values are."""
    sums = []
    for (leaf, column), value in zip(trees, values, strict=True):
        columns = np.atleast_2d(of_row[:, column].T)
        sums += [np.stack([np.bincount(leaf, c, len(value)) for c in columns], 1).ravel()]
    return np.concatenate(sums)


class Together:
    """The leaves of a boosting that grows, solved together now and then.

    A round that raises the loss, as a high learning rate makes it of several classes, has
    its own leaves solved from zero first.

    Parameters
    ----------
    loss : CombinedLoss
        Of the rows that the trees are trained on, and of no row held out.
    offset : array-like of shape (n_columns,) or (n_samples, n_columns)

    Attributes
    ----------
    trees : list of GrownTree
    values : list of ndarray
    raw : ndarray of shape (n_samples, n_columns)
        What the trees say of the rows.
    curve : list of LossParts
        The loss at the offset, after each round, and after the last solution.
    """

    def __init__(self, loss, offset):
        self.loss = loss
        self.offset = np.asarray(offset, dtype=np.float64)
        self.trees, self.values = [], []
        self.raw = raw_predictions([], [], self.offset, loss.n_samples)
        self.curve = [loss.parts(self.raw)]
        self._rounds, self._due, self._ended = 0, 1, 0

    def append(self, leaf, value, column):
        """Take a tree that was grown; see `GrownTree`."""
        leaf = np.ascontiguousarray(leaf, dtype=np.min_scalar_type(len(value) - 1))
        self.trees.append(GrownTree(leaf, column))
        self.values.append(np.clip(np.array(value, dtype=np.float64), -_CAP, _CAP))
        self.raw[:, column] += self.values[-1].take(leaf, axis=0)

    def end_round(self, solve=True):
        """Solve the leaves of this round if they raise the loss, all if it is time."""
        now, self._rounds = self.loss.parts(self.raw), self._rounds + 1
        if now.total > self.curve[-1].total:
            self._start_round_anew()
        if solve and self._rounds >= self._due:
            self._due = max(self._rounds + 1, int(_GROWTH * self._rounds))
            self._solve(0, self.values, self.offset, WHILE_GROWING)
        self._ended = len(self.trees)
        self.curve.append(self.loss.parts(self.raw))

    def finish(self):
        """Solve all leaves for the last time."""
        self._solve(0, self.values, self.offset, AT_THE_END)
        self.curve.append(self.loss.parts(self.raw))

    def _start_round_anew(self):
        first = self._ended
        before = raw_predictions(
            self.trees[:first], self.values[:first], self.offset, self.loss.n_samples
        )
        self._solve(first, [0 * value for value in self.values[first:]], before, WHILE_GROWING)

    def _solve(self, first, start, offset, max_iter):
        self.values[first:], self.raw = solve_leaves(
            self.loss, self.trees[first:], start, offset, ridge=RIDGE, max_iter=max_iter
        )


def refuse_own_leaves(params, student_name):
    """Refuse, by name, what leaves that are solved together cannot honour.

    Parameters
    ----------
    params : dict
        Parameters with a say in the values of leaves; None, 0 or all zeros are none.
    student_name : str

    Raises
    ------
    Unsupported
    """
    for name, value in params.items():
        if value is not None and np.any(value):
            raise Unsupported(
                f"refine=True solves all leaves of {student_name} together, which cannot "
                f"honour {name}={value!r}; use refine=False, or leave {name} at its default"
            )


def leaves_together(fit):
    """The refiner of a boosting family.

    Parameters
    ----------
    fit : callable
        Fitter of the family, which takes `Together` as ``together``.

    Returns
    -------
    callable
        A labels-only loss it fits as `fit` does: the plain student.
    """

    def refine(student, X, loss, **params):
        if loss.alpha == 0 or labels_alone(loss) is not None:
            return fit(student, X, loss, **params)
        fitted = fit(student, X, loss, together=Together, **params)
        return fitted._replace(path=f"{fitted.path}+together")

    return refine
