"""Class labels that stand for targets: weighted copies of rows, or one label per row.

`skdistill.students._reduction` draws them from the target and weight of each row; whoever
stratifies or scores by labels takes `hard_columns`.
"""

import numpy as np

from skdistill._estimators._warnings import warn

_TRACE = 1e-9  # weight of a class that no target names, so that no class is lost


def hard_columns(loss):
    """Column of each row's hard label, or of its most probable class if it has none.

    Parameters
    ----------
    loss : CombinedLoss

    Returns
    -------
    ndarray of int of shape (n_samples,)
    """
    likely = np.nan_to_num(loss.soft_labels).argmax(axis=1)
    return np.where(loss.y >= 0, loss.y, likely)


def check_held_out(columns, loss, parameter):
    """Refuse early stopping where a class has one row: rows are held out by class.

    Parameters
    ----------
    columns : ndarray of int of shape (n_samples,)
        Class column of each row.
    loss : CombinedLoss
    parameter : str
        Which asks for it, with its value.

    Raises
    ------
    ValueError
    """
    counts = np.bincount(columns, minlength=loss.n_classes)
    if rare := loss.classes[counts == 1].tolist():
        raise ValueError(
            f"{parameter} holds rows out by class, and y has one row only of the classes "
            f"{rare}; leave early stopping off, or leave these classes out"
        )


def weighted_copies(target, weight, y):
    """Give each row once per class of positive target.

    Parameters
    ----------
    target : ndarray of shape (n_samples, n_classes)
        Rows sum to 1.
    weight : ndarray of shape (n_samples,)
    y : ndarray of int of shape (n_samples,)
        Hard label of each row, -1 for none; bears the trace of a class without weight.

    Returns
    -------
    rows, columns : ndarray of int of shape (n_copies,)
        Row and class of each copy.
    weight : ndarray of shape (n_copies,)
    """
    mass = target * weight[:, None]
    for lost in np.flatnonzero(~mass.any(axis=0)):
        bearer = np.argmax((y == lost) if np.any(y == lost) else target[:, lost])
        mass[bearer, lost] = _TRACE
    rows, columns = np.nonzero(mass)
    return rows, columns, mass[rows, columns]


class LabelSampler:
    """Draws one label per row from its target, as `weighted_copies` returns them.

    Weights become ``sample_weight`` where the student takes it; else rows are drawn by
    weight, evenly spaced on the line of summed weights.

    Parameters
    ----------
    student_name : str
        Named in the warning that the first draw gives.
    random_state : int or None
    takes_weight : bool
        Whether the student takes ``sample_weight``.

    Attributes
    ----------
    drawn : bool
        Whether chance had a part.
    """

    def __init__(self, student_name, random_state, takes_weight):
        self.student_name = student_name
        self.rng = np.random.RandomState(random_state)
        self.takes_weight = takes_weight
        self.drawn = False

    def __call__(self, target, weight, y):
        rows = np.flatnonzero(weight)
        if not self.takes_weight and np.ptp(weight[rows]) > 1e-9 * weight.max():
            rows = self._draw_rows(rows, weight[rows])
        columns = target[rows].argmax(axis=1)
        if np.any(target[rows, columns] < 1):
            columns = self._draw_columns(target[rows])
        columns = keep_classes(columns, target[rows])
        return rows, columns, weight[rows] if self.takes_weight else np.ones(len(rows))

    def _draw_rows(self, rows, weight):
        self._warn_once()
        levels = np.cumsum(weight) / weight.sum()
        points = (np.arange(len(rows)) + self.rng.uniform()) / len(rows)
        return rows[np.minimum(np.searchsorted(levels, points), len(rows) - 1)]

    def _draw_columns(self, target):
        self._warn_once()
        levels = np.cumsum(target, axis=1) / target.sum(axis=1, keepdims=True)
        return (levels[:, :-1] <= self.rng.uniform(size=(len(target), 1))).sum(axis=1)

    def _why(self):
        return "holds rows out by itself" if self.takes_weight else "takes no sample_weight"

    def _warn_once(self):
        if not self.drawn:
            warn(
                f"{self.student_name} {self._why()}: it is fitted on labels sampled from the "
                "soft labels, an approximation that varies with random_state"
            )
        self.drawn = True


def keep_classes(columns, target):
    """Give each class without a row, in place, the row that names it most.

    Parameters
    ----------
    columns : ndarray of int of shape (n_samples,)
        One class column for each row.
    target : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    ndarray of int of shape (n_samples,)
        `columns`.
    """
    counts = np.bincount(columns, minlength=target.shape[1])
    for lost in np.flatnonzero(counts == 0):
        bearer = np.argmax(np.where(counts[columns] > 1, target[:, lost], -1))
        counts[columns[bearer]] -= 1
        columns[bearer], counts[lost] = lost, 1
    return columns
