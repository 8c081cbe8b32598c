"""Soft labels that were made elsewhere (``teacher_proba``), checked and put in order."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from skdistill._estimators._warnings import warn
from skdistill.teachers._ask import check_proba, renormalise

_ENOUGH, _FAR = 100, 0.3  # rows, and a rise of their mean recall that is not chance


def check_teacher_proba(proba, n_samples, classes):
    """Precomputed soft labels, columns in the order of `classes`.

    Parameters
    ----------
    proba : array-like or frame of shape (n_samples, n_classes)
        Columns in the order of the sorted classes; a frame may name them in any order
        and have more.
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
    names = _names_of(proba)
    values = np.asarray(proba, dtype=np.float64)
    if names:
        named = [_as_named(label, names) for label in classes.tolist()]
        if wrong := [name for name in named if names.count(name) != 1]:
            raise ValueError(
                f"teacher_proba has columns {names} and not one for each of the classes "
                f"{wrong}; name its columns by the classes, or pass an array of them in order"
            )
        check_proba(values, "teacher_proba")
        values = renormalise(values[:, [names.index(name) for name in named]])
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

    Rows belong together by their positions, as everywhere in scikit-learn; an index that
    nobody made says nothing else.
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
    """Warn where other names for the columns would agree far better with the labels."""
    n_samples, n_classes = proba.shape
    cell = n_classes * proba.argmax(axis=1) + np.searchsorted(classes, y)
    table = np.bincount(cell, minlength=n_classes**2).reshape(n_classes, n_classes)
    recall = table / np.maximum(table.sum(axis=0), 1)
    _, named = linear_sum_assignment(recall, maximize=True)
    every = np.arange(n_classes)
    gained = (recall[every, named].sum() - np.trace(recall)) / n_classes
    agree, would = np.trace(table), table[every, named].sum()
    if n_samples >= _ENOUGH and gained > _FAR and would - agree > 0.1 * n_samples:
        warn(
            f"teacher_proba agrees with y in {agree} of {n_samples} rows, and would in "
            f"{would} if its columns were those of {classes[named].tolist()}: they are read "
            f"as those of the sorted classes {classes.tolist()}; a DataFrame may name them"
        )


def _names_of(proba):
    """Column names, where somebody gave them."""
    columns = getattr(proba, "columns", ())
    return [] if type(columns).__name__ == "RangeIndex" else list(columns)


def _as_named(label, names):
    """The name of a class: itself, or as text; 1.0 is also 1."""
    whole = int(label) if isinstance(label, float) and label.is_integer() else label
    return next((name for name in (label, whole, str(whole)) if name in names), str(label))
