"""Where soft labels come from: `label_rows` answers one question for `DistilledClassifier`.

A teacher is any classifier with ``predict_proba`` or ``decision_function``. Its columns
are aligned by ``classes_``; the counts of a forest are smoothed here and nowhere else:
the vote of m trees over K classes becomes ``(m p + 1 / K) / (m + 1)``, the posterior mean
under a flat Dirichlet prior of weight 1, so that no soft label is exactly 0 and a
temperature does not have to invent the logarithm of 0.
"""

from typing import Any, NamedTuple

import numpy as np
from joblib.memory import NotMemorizedResult
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted, check_memory

from skdistill._seeds import unset_seeds

_FORESTS = (RandomForestClassifier, ExtraTreesClassifier, BaggingClassifier)


class TeacherLabels(NamedTuple):
    """Soft labels, and the teacher that gave them, behind ``get()``.

    Attributes
    ----------
    proba : ndarray of shape (n_samples, n_classes)
    teacher : object
        ``get()`` returns the fitted teacher: from the cache, if there is one, so that a
        fit that only needs the labels does not load it.
    """

    proba: np.ndarray
    teacher: Any


def label_rows(teacher, X, y, classes, *, fit_params=None, memory=None, random_state=None):
    """Fit a clone of a teacher and let it label the rows of X.

    Parameters
    ----------
    teacher : classifier
        A `FrozenEstimator` is asked as it is.
    X : array-like, frame, sparse matrix or list of n_samples rows
    y : array-like of shape (n_samples,)
        The user's labels.
    classes : ndarray of shape (n_classes,)
        Sorted labels; the order of the columns.
    fit_params : dict, default=None
        Handed to ``teacher.fit``.
    memory : str or joblib.Memory, default=None
        Caches the fitted teacher and its labels apart.
    random_state : int, default=None
        For the seeds of the teacher that are None.

    Returns
    -------
    TeacherLabels

    Raises
    ------
    ValueError
        If the teacher gives no probabilities, lacks a class of y, or its probabilities
        are NaN, negative or do not sum to 1.
    """
    teacher = clone(teacher)
    unset_seeds(teacher, random_state)
    memory = check_memory(memory)
    arguments = (teacher, X, y, fit_params or {})
    fitted = memory.cache(_fit).call_and_shelve(*arguments)
    proba = memory.cache(_label, ignore=["fitted"])(*arguments, classes, fitted)
    return TeacherLabels(proba, fitted)


def _fit(teacher, X, y, fit_params):
    return clone(teacher).fit(X, y, **fit_params)


def _label(teacher, X, y, fit_params, classes, fitted):
    return teacher_proba(fitted.get(), X, classes)


def teacher_proba(teacher, X, classes):
    """Probabilities of a fitted teacher, columns in the order of `classes`.

    Parameters
    ----------
    teacher : fitted classifier
    X : array-like, frame, sparse matrix or list of n_samples rows
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Rows sum to 1. Classes of the teacher that are not in `classes` are dropped.

    Raises
    ------
    ValueError
        See `label_rows`.
    """
    name = type(teacher).__name__
    if hasattr(teacher, "predict_proba"):
        proba = np.asarray(teacher.predict_proba(X), dtype=np.float64)
    else:
        proba = _proba_of_scores(np.asarray(teacher.decision_function(X), dtype=np.float64))
    own = np.asarray(getattr(teacher, "classes_", classes))
    if proba.ndim != 2 or proba.shape[1] != len(own):
        raise ValueError(
            f"teacher={name} gave probabilities of shape {proba.shape} for {len(own)} classes"
        )
    lacking = np.setdiff1d(classes, own)
    if lacking.size:
        raise ValueError(
            f"teacher={name} does not know the classes {lacking.tolist()} of y; fit it on "
            "labels that have them all"
        )
    _check_proba(proba, f"the probabilities of teacher={name}")
    proba = _smooth_counts(teacher, proba)
    return _renormalise(proba[:, [int(np.flatnonzero(own == c)[0]) for c in classes]])


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
    names = list(getattr(proba, "columns", ()))
    values = np.asarray(proba, dtype=np.float64)
    if names and len(names) == len(set(names)):
        named = [name if name in names else str(name) for name in classes.tolist()]
        lacking = [name for name in named if name not in names]
        if lacking:
            raise ValueError(
                f"teacher_proba has columns {names} and none for the classes {lacking}"
            )
        _check_proba(values, "teacher_proba")
        values = _renormalise(values[:, [names.index(name) for name in named]])
    if values.shape != (n_samples, len(classes)):
        raise ValueError(
            f"teacher_proba has shape {values.shape}, expected ({n_samples}, {len(classes)}): "
            "a row per row of X and a column per sorted class of y; where a training fold "
            "may lack a class, pass a DataFrame with the classes as columns"
        )
    _check_proba(values, "teacher_proba")
    return _renormalise(values)


def check_teacher(teacher):
    """Refuse a teacher that cannot give soft labels, before anything is fitted.

    Parameters
    ----------
    teacher : classifier

    Returns
    -------
    bool
        Whether it is fitted though not frozen: such a teacher is fitted again.

    Raises
    ------
    ValueError
        If it has neither ``predict_proba`` nor ``decision_function``.
    NotFittedError
        If it is frozen and was never fitted.
    """
    name = type(teacher).__name__
    fitted = _is_fitted(teacher)
    if isinstance(teacher, FrozenEstimator) and not fitted:
        raise NotFittedError(
            f"teacher=FrozenEstimator({type(teacher.estimator).__name__}) was never fitted; "
            "fit the estimator before freezing it, or pass it unfrozen"
        )
    if not _gives_proba(teacher):
        raise ValueError(
            f"teacher={name} gives no probabilities: it has neither predict_proba nor "
            "decision_function; wrap it in CalibratedClassifierCV, or pass teacher_proba"
        )
    return fitted and not isinstance(teacher, FrozenEstimator)


def _gives_proba(teacher):
    """Whether it will, once fitted; a default StackingClassifier cannot say so before."""
    last = teacher
    while isinstance(last, Pipeline):
        last = last.steps[-1][1]
    if isinstance(last, StackingClassifier) and last.final_estimator is None:
        return True
    return hasattr(teacher, "predict_proba") or hasattr(teacher, "decision_function")


def _is_fitted(estimator):
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def _smooth_counts(teacher, proba):
    """``(m p + 1 / K) / (m + 1)`` for a forest of m trees; others as they are."""
    if isinstance(teacher, FrozenEstimator):
        teacher = teacher.estimator
    if not isinstance(teacher, _FORESTS):
        return proba
    m = len(teacher.estimators_)
    return (m * proba + 1 / proba.shape[1]) / (m + 1)


def _proba_of_scores(scores):
    if scores.ndim == 1:
        return np.column_stack([expit(-scores), expit(scores)])
    return softmax(scores, axis=1)


def _check_proba(proba, what):
    """Probabilities may be off by what float32 loses."""
    total = proba.sum(axis=1)
    for bad, problem in (
        (~np.isfinite(proba).all(axis=1), "NaN or infinity"),
        ((proba < 0).any(axis=1), "negative values"),
        (np.abs(total - 1) > 1e-3, "values that do not sum to 1"),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(
                f"{what} must be probabilities; row {row} has {problem}: {proba[row].tolist()}"
            )


def _renormalise(proba):
    """Rows that sum to 1; uniform where nothing is left to share out."""
    total = proba.sum(axis=1, keepdims=True)
    return np.where(total > 0, proba / np.where(total > 0, total, 1), 1 / proba.shape[1])


def forget_cache(teacher):
    """What `TeacherLabels.teacher` is once it has been loaded: independent of a cache."""
    return NotMemorizedResult(teacher)
