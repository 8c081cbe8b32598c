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

from functools import reduce

import numpy as np
from optuna.distributions import FloatDistribution
from scipy.optimize import minimize

from skdistill.students._registry import Unsupported

RIDGE = 10.0  # towards the fitted values, in weights of rows as L2 penalties of boosting
_SCARCE = 350.0  # over the rows for each leaf of a column, squared and added to it
WHILE_GROWING, AT_THE_END = 3, 12  # steps of L-BFGS
_GROWTH = 1.2  # since leaves were last solved
_ENOUGH_ROWS = 3  # for a leaf, that "auto" solves it
_TREES_IN_ONE = 16  # where trees of one leaf would be joined without end
_JOINT = 2**15  # leaves of several trees at once


class LeafIndicators:
    """Which leaf each row reaches in additive trees.

    Neighbouring trees of a column are kept as one, whose joint leaves are the pairs (or
    triples, ...) of theirs that a row can reach: sums over rows and lookups cost the same
    for several trees as for one.
    """

    def __init__(self):
        self._groups, self._open, self._n_trees = [], {}, 0

    def append(self, leaf, n_leaves, column):
        """Take a tree.

        Parameters
        ----------
        leaf : ndarray of int of shape (n_samples,)
            Leaf that each row reaches, counted from 0.
        n_leaves : int
        column : int or None
            Raw column that the tree adds to; None for a value per column.
        """
        group = self._open.get(column)
        most = min(_JOINT, len(leaf) // 2)
        full = group is None or len(group.trees) == _TREES_IN_ONE
        if full or n_leaves * group.n_joint > most:
            group = self._open[column] = _JointTree(column)
            self._groups.append(group)
        group.append(self._n_trees, leaf, n_leaves)
        self._n_trees += 1

    def add(self, values, raw):
        """Add what the trees say of the rows to raw predictions, in place.

        Parameters
        ----------
        values : list of ndarray of shape (n_leaves, n_outputs)
        raw : ndarray of shape (n_samples, n_columns)
        """
        for group in self._groups:
            group.add([values[tree] for tree in group.trees], raw)
        return raw

    def sums(self, of_row):
        """Sums over the rows of every leaf.

        Parameters
        ----------
        of_row : ndarray of shape (n_samples, n_columns)

        Returns
        -------
        list of ndarray of shape (n_leaves, n_outputs)
        """
        sums = [None] * self._n_trees
        for group in self._groups:
            for tree, of_tree in zip(group.trees, group.sums(of_row), strict=True):
                sums[tree] = of_tree
        return sums


class _JointTree:
    """Several trees of one column as one tree."""

    def __init__(self, column):
        self.trees, self.sizes, self.n_joint, self.leaf = [], [], 1, 0
        self.column = slice(None) if column is None else slice(column, column + 1)

    def append(self, tree, leaf, n_leaves):
        self.trees.append(tree)
        self.sizes.append(n_leaves)
        self.n_joint *= n_leaves
        joint = np.asarray(self.leaf, dtype=np.intp) * n_leaves + leaf.astype(np.intp)
        self.leaf = joint.astype(np.min_scalar_type(self.n_joint - 1))

    def add(self, values, raw):
        table = reduce(lambda a, b: (a[:, None] + b).reshape(-1, b.shape[1]), values)
        for column, of_column in zip(raw.T[self.column], table.T.copy(), strict=True):
            column += of_column.take(self.leaf)

    def sums(self, of_row):
        each = [
            np.bincount(self.leaf, column, self.n_joint).reshape(self.sizes)
            for column in of_row.T[self.column]
        ]
        axes = range(len(self.sizes))
        for axis in axes:
            others = tuple(other for other in axes if other != axis)
            yield np.stack([joint.sum(axis=others) for joint in each], axis=1)


def solve_leaves(loss, indicators, values, raw, *, ridge=RIDGE, max_iter=AT_THE_END, tol=1e-8):
    """Lower a loss over all leaf values of additive trees.

    Parameters
    ----------
    loss : CombinedLoss
    indicators : LeafIndicators
    values : list of ndarray of shape (n_leaves, n_outputs)
        Fitted values of the leaves of each tree: the start, and what the penalty pulls to.
    raw : ndarray of shape (n_samples, n_columns)
        Raw predictions at the start; one column for two classes.
    ridge : float, default=10.0
    max_iter : int, default=12
    tol : float, default=1e-8
        Relative fall of the objective at which to stop.

    Returns
    -------
    values : list of ndarray
        Of the shapes of `values`.
    raw : ndarray of shape (n_samples, n_columns)
        Raw predictions with them.
    """
    ends = np.cumsum([value.size for value in values])[:-1]

    def split(flat):
        parts = np.split(flat, ends)
        return [part.reshape(v.shape) for part, v in zip(parts, values, strict=True)]

    def raw_after(move):
        return indicators.add(split(move), raw.copy(order="F")) if move.any() else raw

    bend = _flat(indicators.sums(loss.hessian(raw))) + ridge
    unit = 1 / np.sqrt(np.where(bend > 0, bend, 1))

    def objective(step):
        move = unit * step
        value, gradient = loss.value_and_gradient(raw_after(move))
        slope = _flat(indicators.sums(gradient)) + ridge * move
        return loss.total_weight * value + ridge / 2 * move @ move, unit * slope

    options = {"maxiter": max_iter, "ftol": tol, "gtol": 0}
    found = minimize(
        objective, np.zeros_like(unit), jac=True, method="L-BFGS-B", options=options
    )
    move = unit * found.x
    return [v + m for v, m in zip(values, split(move), strict=True)], raw_after(move)


def _flat(arrays):
    return np.concatenate([array.ravel() for array in arrays])


class Together:
    """The leaves of a boosting that grows, solved together now and then.

    A round that raises the loss, as a high learning rate makes it of several classes, has
    its own leaves solved from zero first.

    Parameters
    ----------
    loss : CombinedLoss
        Of the rows that the trees are trained on, and of no row held out.
    offset : array-like of shape (n_columns,) or (n_samples, n_columns)
        Raw predictions without trees.

    Attributes
    ----------
    values : list of ndarray of shape (n_leaves, n_outputs)
        Of each tree.
    raw : ndarray of shape (n_samples, n_columns)
        What the trees say of the rows.
    curve : list of LossParts
        The loss at the offset, after each round, and after the last solution.
    """

    def __init__(self, loss, offset):
        offset = np.asarray(offset, dtype=np.float64)
        self.loss = loss
        self.values, self.indicators = [], LeafIndicators()
        self.raw = np.empty((loss.n_samples, offset.shape[-1]), order="F")
        self.raw[:] = offset
        self.curve = [loss.parts(self.raw)]
        self._rounds, self._due = 0, 1
        self._start_round()

    def append(self, leaf, value, column):
        """Take a tree of this round, and the values of its leaves; see `LeafIndicators`."""
        value = np.array(value, dtype=np.float64).reshape(len(value), -1)
        self.values.append(value)
        for indicators in (self.indicators, self._of_round):
            indicators.append(leaf, len(value), column)
        self._n_in_round += 1

    def end_round(self, solve=True):
        """Solve the leaves of this round if they raise the loss, all if it is time.

        Parameters
        ----------
        solve : bool, default=True
            Whether all leaves may be solved.

        Returns
        -------
        bool
            Whether any leaf was.
        """
        first, before = len(self.values) - self._n_in_round, self.raw.copy(order="F")
        self.raw = self._of_round.add(self.values[first:], self.raw)
        parts = self.loss.parts(self.raw)
        if parts.total > self.curve[-1].total:
            anew = [np.zeros_like(value) for value in self.values[first:]]
            self.values[first:], self.raw = solve_leaves(
                self.loss, self._of_round, anew, before, ridge=RIDGE, max_iter=WHILE_GROWING
            )
            parts = None
        self._rounds += 1
        if solve and self._rounds >= self._due:
            self._due = max(self._rounds + 1, int(_GROWTH * self._rounds))
            self._solve(WHILE_GROWING)
            parts = None
        self.curve.append(parts or self.loss.parts(self.raw))
        self._start_round()
        return parts is None

    def finish(self):
        """Solve all leaves for the last time."""
        self._solve(AT_THE_END)
        self.curve.append(self.loss.parts(self.raw))

    def _ridge(self):
        n_leaves = sum(value.size for value in self.values) / self.raw.shape[1]
        return RIDGE + (_SCARCE * n_leaves / self.loss.total_weight) ** 2

    def _start_round(self):
        self._of_round, self._n_in_round = LeafIndicators(), 0

    def _solve(self, max_iter):
        self.values, self.raw = solve_leaves(
            self.loss,
            self.indicators,
            self.values,
            self.raw,
            ridge=self._ridge(),
            max_iter=max_iter,
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


def pays_with(n_leaves):
    """When ``refine="auto"`` solves the leaves of a boosting together.

    Parameters
    ----------
    n_leaves : callable
        Maps a student to the most leaves that its trees for one raw column can have;
        infinite where nothing bounds them.

    Returns
    -------
    callable
        Whether there are rows enough for each leaf (docs/decisions/0012-boosting-leaves.md).
    """

    def pays(student, loss):
        return loss.n_samples >= _ENOUGH_ROWS * n_leaves(student)

    return pays


def any_rate(student):
    """Search space of leaves that are solved together: high learning rates are safe."""
    return {"learning_rate": FloatDistribution(0.02, 1.0, log=True)}


def most_leaves(max_depth, max_leaves):
    """Leaves that a tree can have; None, or a number below 1, bounds nothing."""
    by_depth = 2.0**max_depth if max_depth is not None and max_depth > 0 else np.inf
    return min(by_depth, max_leaves if max_leaves is not None and max_leaves > 0 else np.inf)


def leaves_together(fit):
    """The refiner of a boosting family.

    Parameters
    ----------
    fit : callable
        Fitter of the family, which takes the class `Together` as ``together``.

    Returns
    -------
    callable
    """

    def refine(student, X, loss, **params):
        fitted = fit(student, X, loss, together=Together, **params)
        return fitted._replace(path=f"{fitted.path}+together")

    return refine
