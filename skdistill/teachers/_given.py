"""Soft labels that were made elsewhere (``teacher_proba``), checked and put in order."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from skdistill._estimators._classes import as_named, names_of
from skdistill._estimators._warnings import warn
from skdistill.loss import FLOOR
from skdistill.teachers._ask import check_proba, renormalise

_ENOUGH = 100  # rows that are compared
# by more than these, other names for the columns do better than chance explains
_FAR, _SHARE = 0.3, 0.1  # mean recall, with the share of rows that agree
_NATS = 0.5  # log-loss


def check_teacher_proba(proba, n_samples, classes):
    """Precomputed soft labels, columns in the order of `classes`.

    Parameters
    ----------
    proba : array-like or frame of shape (n_samples, n_classes)
        Columns in the order of the sorted classes; a frame may name them in any order
        and have more. For two classes one column, or shape (n_samples,), is the
        probability of the second.
    n_samples : int
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n_samples, n_classes)

    Raises
    ------
    ValueError
        If the shape is wrong, a class is missing, or a row is NaN, negative or does not
        sum to 1.
    """
    names = names_of(proba)
    values = np.asarray(proba, dtype=np.float64)
    if names:
        named = [as_named(label, names) for label in classes.tolist()]
        if wrong := [name for name in named if names.count(name) != 1]:
            raise ValueError(
                f"teacher_proba has columns {names} and not one for each of the classes "
                f"{wrong}; name its columns by the classes, or pass an array of them in order"
            )
        check_proba(values, "teacher_proba")
        values = renormalise(values[:, [names.index(name) for name in named]])
    elif len(classes) == 2 and values.shape in ((n_samples,), (n_samples, 1)):
        values = np.column_stack([1 - values.ravel(), values.ravel()])
    if values.shape != (n_samples, len(classes)):
        raise ValueError(
            f"teacher_proba has shape {values.shape}, expected ({n_samples}, {len(classes)}): "
            "a row per row of X and a column per sorted class of y; where a training fold "
            "may lack a class, pass a DataFrame with the classes as columns"
        )
    check_proba(values, "teacher_proba")
    return renormalise(values)


def check_row_order(proba, X):
    """Refuse a frame of probabilities whose index is that of `X` in another order.

    Rows are matched by position, as everywhere in scikit-learn. An index that was only
    numbered from 0 is not compared.
    """
    own, theirs = (getattr(frame, "index", None) for frame in (X, proba))
    named = hasattr(own, "equals") and hasattr(theirs, "equals")
    if not named or type(theirs).__name__ == "RangeIndex" or own.equals(theirs):
        return
    if set(own) == set(theirs):  # labels of one index need have no order
        raise ValueError(
            "teacher_proba has the index of X in another order, and rows are matched by "
            "position; pass teacher_proba.loc[X.index]"
        )


def warn_of_column_order(proba, y, classes):
    """Warn where other names for the columns would agree far better with the labels.

    By one of two measures: how many rows of each class the columns find, which a constant
    teacher cannot fool, or the log-loss, which sees rare classes too.
    """
    codes, n_classes = np.searchsorted(classes, y), len(classes)
    if len(y) < _ENOUGH:
        return
    table = np.zeros((n_classes, n_classes))  # columns: true classes
    np.add.at(table, (proba.argmax(axis=1), codes), 1)
    nats = np.zeros((n_classes, n_classes))
    np.add.at(nats.T, codes, np.log(np.maximum(proba, FLOOR)))
    recall = table / np.maximum(table.sum(axis=0), 1)
    by_recall, by_nats = (linear_sum_assignment(m, maximize=True)[1] for m in (recall, nats))
    gained = {
        "recall": _sum(recall, by_recall) / n_classes - np.trace(recall) / n_classes,
        "rows": (_sum(table, by_recall) - np.trace(table)) / len(y),
        "nats": (_sum(nats, by_nats) - np.trace(nats)) / len(y),
    }
    for far, named in (
        (gained["recall"] > _FAR and gained["rows"] > _SHARE, by_recall),
        (gained["nats"] > _NATS, by_nats),
    ):
        if far:
            warn(
                f"teacher_proba has a log-loss of {-np.trace(nats) / len(y):.3g} on y, and "
                f"would have {-_sum(nats, named) / len(y):.3g} if its columns were those of "
                f"{classes[named].tolist()}: they are read as those of the sorted classes "
                f"{classes.tolist()}; a DataFrame may name them"
            )
            return


def _sum(matrix, columns):
    """Sum of one entry of each row."""
    return matrix[np.arange(len(columns)), columns].sum()
