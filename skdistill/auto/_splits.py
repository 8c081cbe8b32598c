"""Rows that an exploration holds out, and the folds of its searches.

Classes may have one or two rows. Splits made here are by class. The only row of a class is
always a training row: a model fitted without it could not predict that class.
"""

import warnings
from contextlib import contextmanager
from numbers import Integral

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv

_INNER, _OUTER = 3, 4  # folds: what is held out is a quarter
_TOLD = (
    "The least populated class",
    r"\d+ of \d+ folds of the teacher lack",
    "the teacher is frozen",
    "calibrate_teacher=.temperature. ends at its",
)


def outer_splits(cv, X, y, groups, seed):
    """Splits that hold rows out: one of a quarter, or those asked for.

    Parameters
    ----------
    cv : int, splitter, iterable or None
    X : array-like of n_samples rows
    y : ndarray of shape (n_samples,)
    groups : ndarray of shape (n_samples,) or None
    seed : int

    Returns
    -------
    list of (train, test)
        Row numbers.

    Raises
    ------
    ValueError
        If there is no split, one has no rows to fit on or to test, or a row is held out
        twice.
    """
    if cv is None:
        return _folds(_OUTER, y, groups, seed)[:1]
    if isinstance(cv, Integral):
        return _folds(cv, y, groups, seed)
    rows, splitter = np.arange(len(y)), check_cv(cv, y, classifier=True)
    splits = [(rows[train], rows[test]) for train, test in splitter.split(X, y, groups)]
    _check(cv, splits)
    return splits


def _check(cv, splits):
    if not splits:
        raise ValueError(f"cv={cv!r} gives no split; give a number of folds or a splitter")
    if any(not len(part) for split in splits for part in split):
        raise ValueError(f"cv={cv!r} has a split without rows to fit on, or to hold out")
    tested = np.concatenate([test for _, test in splits])
    if len(np.unique(tested)) < len(tested):
        raise ValueError(
            f"cv={cv!r} holds a row out more than once, and an interval would count "
            "it as several; use a splitter that tests each row once"
        )


def inner_folds(y, groups, rows, seed):
    """Folds of some rows that a search compares candidates on.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    groups : ndarray of shape (n_samples,) or None
    rows : ndarray of int
    seed : int

    Returns
    -------
    list of (train, test)
        Positions in `rows`.
    """
    return _folds(_INNER, y[rows], None if groups is None else groups[rows], seed)


@contextmanager
def quiet_about_what_is_told():
    """No warning at each fit of what the documentation or ``provenance_`` tells once.

    That a class has fewer rows than there are folds; that the teacher is frozen; that a small
    fold calibrates at a bound.
    """
    with warnings.catch_warnings():
        for message in _TOLD:
            warnings.filterwarnings("ignore", message, UserWarning)
        yield


def _folds(n_splits, y, groups, seed):
    """Groups stay whole, so that with them a training part may lack a class."""
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    splitter = kind(n_splits, shuffle=True, random_state=seed)
    with quiet_about_what_is_told():
        splits = list(splitter.split(np.zeros(len(y)), y, groups))
    return splits if groups is not None else [_knowing_each_class(y, *one) for one in splits]


def _knowing_each_class(y, train, test):
    alone = ~np.isin(y[test], y[train])
    return np.sort(np.append(train, test[alone])), test[~alone]
