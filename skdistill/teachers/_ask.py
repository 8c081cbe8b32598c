"""Probabilities of a fitted teacher, checked and in the order of the student's classes.

Columns are aligned by ``classes_``; the counts of a forest are smoothed here and nowhere
else: the vote of m trees over K classes becomes ``(m p + 1 / K) / (m + 1)``, the posterior
mean under a flat Dirichlet prior of weight 1, so that no soft label is exactly 0 and a
temperature does not have to invent the logarithm of 0. `skdistill.teachers` calls it.
"""

import warnings

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import expit, softmax
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

_ENOUGH, _FAR = 100, 0.3  # rows, and a rise of their mean recall that is not chance
FORESTS = (RandomForestClassifier, ExtraTreesClassifier, BaggingClassifier)


def ask_teacher(teacher, X, classes, *, fill=False):
    """Probabilities as a fitted teacher teaches them: the counts of a forest smoothed.

    Parameters, result and errors are those of `ask`.
    """
    return smooth_counts(
        ask(teacher, X, classes, fill=fill, role="teacher"), last_step(teacher)
    )


def ask(model, X, classes, *, fill=False, role="estimator"):
    """Probabilities of a fitted classifier, columns in the order of `classes`.

    Parameters
    ----------
    model : fitted classifier
        With ``predict_proba``, else ``decision_function``.
    X : array-like, frame, sparse matrix or list of n_samples rows
    classes : ndarray of shape (n_classes,)
    fill : bool, default=False
        Whether a class that the model lacks gets a column of zeros.
    role : str, default="estimator"
        What an error calls the model.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Rows sum to 1. Classes of the model that are not in `classes` are dropped.

    Raises
    ------
    ValueError
        If the model lacks a class, or its rows are NaN, negative or do not sum to 1.
    """
    name = f"{role}={type(model).__name__}"
    if hasattr(model, "predict_proba"):
        proba = np.asarray(model.predict_proba(X), dtype=np.float64)
    else:
        proba = _proba_of_scores(np.asarray(model.decision_function(X), dtype=np.float64))
    own = np.asarray(getattr(model, "classes_", classes))
    if proba.ndim != 2 or proba.shape[1] != len(own):
        raise ValueError(
            f"{name} gave probabilities of shape {proba.shape} for {len(own)} classes"
        )
    lacking = [label for label in classes.tolist() if not np.any(own == label)]
    if lacking and not fill:
        raise ValueError(
            f"{name} does not know the classes {lacking} of y, only "
            f"{own.tolist()}; fit it on labels that have them all"
        )
    check_proba(proba, f"the probabilities of {name}")
    aligned = np.zeros((len(proba), len(classes)))
    for column, label in enumerate(classes):
        aligned[:, column] = proba[:, own == label].sum(axis=1)
    return renormalise(aligned)


def last_step(estimator):
    """The estimator inside a FrozenEstimator and at the end of a Pipeline."""
    while isinstance(estimator, (Pipeline, FrozenEstimator)):
        frozen = isinstance(estimator, FrozenEstimator)
        estimator = estimator.estimator if frozen else estimator.steps[-1][1]
    return estimator


def best_of(model):
    """The model that a search has found; others as they are."""
    return getattr(model, "best_estimator_", model)


def part_of(model, attribute):
    """What a distilled model holds, behind the steps of its pipeline; others as they are."""
    model = best_of(model)
    if isinstance(model, Pipeline):
        *head, (name, last) = model.steps
        return Pipeline([*head, (name, part_of(last, attribute))])
    return getattr(model, attribute, model)


def teacher_of(model, teacher=None):
    """The teacher given, or else that of a distilled model, be it in a pipeline or search."""
    if teacher is not None:
        return teacher
    last = last_step(best_of(model))
    if not hasattr(last, "teacher_"):
        raise ValueError(
            f"{type(last).__name__} has no teacher_ to ask, as after a fit with "
            "teacher_proba; pass teacher="
        )
    return part_of(model, "teacher_")


def is_tree(estimator):
    """Whether its probabilities are counts of rows in a leaf."""
    return isinstance(estimator, (DecisionTreeClassifier, ExtraTreeClassifier))


def smooth_counts(proba, forest, share=1.0):
    """``(m p + 1 / K) / (m + 1)`` for the votes of a forest; other teachers as they are.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
    forest : fitted classifier
    share : float, default=1.0
        Share of the trees that voted: out of bag, about 1 / e of them.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    if not isinstance(forest, FORESTS) or not is_tree(forest.estimators_[0]):
        return proba
    m = share * len(forest.estimators_)
    return (m * proba + 1 / proba.shape[1]) / (m + 1)


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
        warnings.warn(
            f"teacher_proba agrees with y in {agree} of {n_samples} rows, and would in "
            f"{would} if its columns were those of {classes[named].tolist()}: they are read "
            f"as those of the sorted classes {classes.tolist()}; a DataFrame may name them",
            UserWarning,
            stacklevel=6,
        )


def _names_of(proba):
    """Column names, where somebody gave them."""
    columns = getattr(proba, "columns", ())
    return [] if type(columns).__name__ == "RangeIndex" else list(columns)


def _as_named(label, names):
    """The name of a class: itself, or as text; 1.0 is also 1."""
    whole = int(label) if isinstance(label, float) and label.is_integer() else label
    return next((name for name in (label, whole, str(whole)) if name in names), str(label))


def check_proba(proba, what):
    """Refuse rows that are not probabilities; float32 may be off by what it loses."""
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


def renormalise(proba):
    """Rows that sum to 1; uniform where nothing is left to share out."""
    total = proba.sum(axis=1, keepdims=True)
    return np.where(total > 0, proba / np.where(total > 0, total, 1), 1 / proba.shape[1])


def _proba_of_scores(scores):
    if scores.ndim == 1:
        return np.column_stack([expit(-scores), expit(scores)])
    return softmax(scores, axis=1)
