"""`TransferSet`: the rows that a student is fitted on, and what each of them carries.

Nothing else puts rows, labels and weights together by hand.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from skdistill._estimators._validation import check_not_aligned
from skdistill._sklearn.validation import num_samples, take_params, take_rows
from skdistill._typing import Array, Floats, Rows
from skdistill.transfer._rows import stack_rows


@dataclass(frozen=True, eq=False)
class TransferSet:
    """Rows of a student, from X and from elsewhere.

    Parameters
    ----------
    X : array-like, frame, sparse matrix or list of n_samples rows
    target : ndarray of int of shape (n_samples,)
        Column of the hard label, -1 where a row has none.
    soft_labels : ndarray of shape (n_samples, n_classes), default=None
        NaN in the rows that have none. None: the teacher has not labelled the rows yet.
    weight : ndarray of shape (n_samples,), default=None
        None: 1 for each row.
    fit_params : dict, default={}
        Handed to the student's ``fit``; values that have an entry for each row follow
        their rows.
    """

    X: Any
    target: np.ndarray
    soft_labels: np.ndarray | None = None
    weight: np.ndarray | None = None
    fit_params: dict = field(default_factory=dict)

    def __len__(self):
        """Number of rows."""
        return len(self.target)

    def take(self, rows: Array) -> "TransferSet":
        """Some of the rows.

        Parameters
        ----------
        rows : ndarray of int

        Returns
        -------
        TransferSet
        """
        if len(rows) == len(self) and np.array_equal(rows, np.arange(len(self))):
            return self
        return TransferSet(
            take_rows(self.X, rows),
            self.target[rows],
            None if self.soft_labels is None else self.soft_labels[rows],
            None if self.weight is None else self.weight[rows],
            take_params(self.X, self.fit_params, rows),
        )

    def append(self, X: Rows, weight: float = 1.0) -> "TransferSet":
        """More rows, without a hard label and without a soft one so far.

        Parameters
        ----------
        X : rows like those of the set
        weight : float, default=1.0
            Of each new row, where the rows of the set have weights.

        Returns
        -------
        TransferSet

        Raises
        ------
        ValueError
            If a fit parameter has a value for each row: the new rows have none.
        """
        check_not_aligned(self.fit_params, len(self))
        more = num_samples(X)
        soft, weights = self.soft_labels, self.weight
        if soft is not None:
            soft = np.concatenate([soft, np.full((more, soft.shape[1]), np.nan)])
        if weights is not None:
            weights = np.concatenate([weights, np.full(more, float(weight))])
        target = np.concatenate([self.target, np.full(more, -1)])
        return TransferSet(stack_rows(self.X, X), target, soft, weights, self.fit_params)

    def labelled(self, soft_labels: Floats) -> "TransferSet":
        """The same rows with soft labels.

        Parameters
        ----------
        soft_labels : ndarray of shape (n_samples, n_classes)

        Returns
        -------
        TransferSet
        """
        return replace(self, soft_labels=soft_labels)
