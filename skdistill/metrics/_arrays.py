"""The door of every metric: arrays are checked once, and pure functions go on with them.

Each public metric checks what it is given and hands it to a function of plain arrays.
`skdistill.metrics._quality`, which takes many measures of one model, calls those.
"""

import numpy as np
from sklearn.utils import column_or_1d

from skdistill._estimators._classes import by_name, names_of

EPS = np.finfo(np.float64).eps  # smallest probability scikit-learn's `log_loss` takes
_OFF = 1e-3  # a row's sum may be off by what float32 and three decimals lose


def pair(teacher_proba, student_proba, sample_weight=None, *, unlabelled=False):
    """Probabilities of two models and the weights of the rows, checked.

    Parameters
    ----------
    teacher_proba, student_proba : array-like of shape (n_samples, n_classes)
        Of two frames columns of one name belong together.
    sample_weight : array-like of shape (n_samples,), default=None
    unlabelled : bool, default=False
        Whether rows of the teacher may be NaN throughout.

    Returns
    -------
    teacher_proba, student_proba : ndarray of shape (n_samples, n_classes)
    weight : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If shapes differ, rows are no probabilities or weights are none.
    """
    student_proba = by_name(student_proba, names_of(teacher_proba))
    teacher_proba = np.asarray(teacher_proba, dtype=np.float64)
    if teacher_proba.shape != student_proba.shape or teacher_proba.ndim != 2:
        raise ValueError(
            "teacher_proba and student_proba must have one shape (n_samples, n_classes), "
            f"got {teacher_proba.shape} and {student_proba.shape}"
        )
    known = ~np.isnan(teacher_proba).all(axis=1) if unlabelled else slice(None)
    check_proba(teacher_proba[known], "teacher_proba")
    check_proba(student_proba, "student_proba")
    return teacher_proba, student_proba, weights(sample_weight, len(teacher_proba))


def outcomes(y_true, proba, classes, sample_weight=None):
    """Whether each row is of each class, its probabilities and its weight, checked.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
    proba : array-like of shape (n_samples, n_classes)
        A frame may name its columns by the classes, in any order.
    classes : array-like of shape (n_classes,) or None
        None: the labels of `y_true`.
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    outcome : ndarray of bool of shape (n_samples, n_classes)
    proba : ndarray of shape (n_samples, n_classes)
    weight : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If shapes do not fit, a label is none of the classes, rows are no probabilities or
        weights are none.
    """
    y_true = column_or_1d(y_true)
    classes = np.unique(y_true) if classes is None else np.asarray(classes)
    proba = by_name(proba, classes.tolist())
    if proba.shape != (len(y_true), len(classes)):
        raise ValueError(
            f"proba has shape {proba.shape}, expected ({len(y_true)}, {len(classes)}): "
            "a row for each of y_true, a column for each of the classes"
        )
    outcome = y_true[:, None] == classes
    if not outcome.any(axis=1).all():
        unknown = y_true[~outcome.any(axis=1)][0]
        raise ValueError(f"y_true holds {unknown!r}, which is not one of classes {classes}")
    check_proba(proba, "proba")
    return outcome, proba, weights(sample_weight, len(proba))


def check_proba(proba, name):
    """Refuse rows that are no probabilities.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
    name : str
        Of the parameter.

    Raises
    ------
    ValueError
        If a row has NaN, negative values or does not sum to 1.
    """
    for bad, problem in (
        (~np.isfinite(proba).all(axis=1), "NaN or infinity"),
        ((proba < 0).any(axis=1), "negative values, as logits have"),
        (np.abs(proba.sum(axis=1) - 1) > _OFF, "values that do not sum to 1"),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(
                f"{name} must be probabilities, as predict_proba gives them; row {row} has "
                f"{problem}: {proba[row].tolist()}"
            )


def weights(sample_weight, n_samples):
    """Weight of each row; 1 where none is given.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,) or None
    n_samples : int

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If they are of another shape, NaN, infinite or negative, or all 0; if there are no
        rows.
    """
    if not n_samples:
        raise ValueError("there are no rows; a metric needs one or more")
    if sample_weight is None:
        return np.ones(n_samples)
    sample_weight = np.asarray(sample_weight, dtype=np.float64)
    if sample_weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight has shape {sample_weight.shape}, expected ({n_samples},)"
        )
    if not (np.isfinite(sample_weight).all() and (sample_weight >= 0).all()):
        raise ValueError(
            "sample_weight holds NaN, infinity or a negative value; weights are numbers of 0 "
            "or more"
        )
    if not sample_weight.any():
        raise ValueError("sample_weight is 0 in every row; give one a weight above 0")
    return sample_weight


def over_classes(values, average):
    """The value of each class, or the mean of those that are not NaN."""
    values = np.asarray(values, dtype=np.float64)
    if average is None:
        return values
    if average != "macro":
        raise ValueError(f"average must be 'macro' or None, got {average!r}")
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else np.nan
