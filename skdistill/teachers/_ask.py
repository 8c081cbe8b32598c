"""Probabilities of a fitted teacher, checked and in the order of the student's classes.

Columns are aligned by their names, else by ``classes_``. The counts of a forest are smoothed
here and nowhere else. The vote p of m trees becomes ``(m p + prior) / (m + 1)``, the
posterior mean under a Dirichlet prior of weight 1 whose mean is the frequency of each class.
So hardly a soft label is exactly 0, a temperature does not have to invent the logarithm of
0, and rare classes stay rare. `skdistill.teachers._labels` calls it.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, softmax

from skdistill._estimators._classes import (
    answering,
    columns_of,
    in_order,
    knows_codes_only,
    names_of,
    own_labels,
)
from skdistill._estimators._inside import (
    FORESTS,
    is_tree,
    last_step,
    part_of,
)
from skdistill._estimators._meaning import as_probabilities
from skdistill._typing import Floats, Rows

_ENOUGH, _AGREE = 10, 0.5  # rows, and their share, by which scores are known for others


def ask_teacher(
    teacher: Any,
    X: Rows,
    classes: ArrayLike,
    *,
    fill: bool = False,
    known: ArrayLike | None = None,
    prior: Floats | None = None,
) -> Floats:
    """Probabilities as a fitted teacher teaches them: the counts of a forest smoothed.

    Parameters, result and errors are those of `ask`. `prior` holds the frequency of each
    class, of shape (n_classes,); None takes those that the forest's trees start from.
    """
    proba = ask(teacher, X, classes, fill=fill, known=known, role="teacher")
    forest = last_step(teacher)
    if not counts_votes(forest):
        return proba
    prior = _frequencies_at_roots(forest, classes) if prior is None else prior
    return smooth_counts(proba, len(forest.estimators_), prior)


def ask(
    model: Any,
    X: Rows,
    classes: ArrayLike,
    *,
    fill: bool = False,
    known: ArrayLike | None = None,
    role: str = "estimator",
) -> Floats:
    """Probabilities of a fitted classifier, columns in the order of `classes`.

    Parameters
    ----------
    model : fitted classifier
        With ``predict_proba``, else ``decision_function``.
    X : array-like, frame, sparse matrix or list of n_samples rows
    classes : ndarray of shape (n_classes,)
    fill : bool, default=False
        Whether a class that the model lacks gets a column of zeros.
    known : ndarray, default=None
        The sorted labels that the model was fitted to, where it knows codes only, as
        XGBoost does. None: `classes`.
    role : str, default="estimator"
        What an error calls the model.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
        Rows sum to 1. Classes of the model that are not in `classes` are dropped.

    Raises
    ------
    ValueError
        If the model lacks a class, its rows are NaN, negative or do not sum to 1, or its
        decision scores are no scores of classes.
    """
    name = f"{role}={type(model).__name__}"
    known = classes if known is None else known
    own = own_labels(model, known)
    if hasattr(model, "predict_proba"):
        said = model.predict_proba(X)
        proba = np.asarray(said, dtype=np.float64)
    else:
        said = model.decision_function(X)
        proba = _proba_of_scores(np.asarray(said, dtype=np.float64))
    if proba.ndim != 2 or proba.shape[1] != len(own):
        raise ValueError(
            f"{name} gave probabilities of shape {proba.shape} for {len(own)} classes"
        )
    if not hasattr(model, "predict_proba") and not names_of(said):
        _check_scores(model, X, proba, name)
    columns = columns_of(model, said, classes, known)
    lacking = [label for label, at in zip(classes.tolist(), columns, strict=True) if at < 0]
    codes_of_others = knows_codes_only(model) and len(own) != len(known)
    if lacking and (codes_of_others or not fill):
        raise ValueError(
            f"{name} does not know the classes {lacking} of y, only "
            f"{own}; fit it on labels that have them all"
        )
    proba = as_probabilities(answering(model), proba)
    check_proba(proba, f"the probabilities of {name}")
    return renormalise(in_order(proba, columns))


def teacher_of(model: Any, teacher: Any = None) -> Any:
    """The teacher given, or else that of a distilled model, be it in a pipeline or search."""
    if teacher is not None:
        return teacher
    last = answering(model)
    if not hasattr(last, "teacher_"):
        raise ValueError(
            f"{type(last).__name__} has no teacher_ to ask, as after a fit with "
            "teacher_proba; pass teacher="
        )
    return part_of(model, "teacher_")


def counts_votes(estimator):
    """Whether its probabilities are means over trees."""
    return isinstance(estimator, FORESTS) and is_tree(estimator.estimators_[0])


def smooth_counts(proba, n_trees, prior):
    """``(m p + prior) / (m + 1)`` for the votes of a forest of m trees.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
    n_trees : float
        How many voted: out of bag, about 1 / e of all where each drew as many rows as X has.
    prior : ndarray of shape (n_classes,)
        Frequency of each class.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    return (n_trees * proba + prior) / (n_trees + 1)


def class_frequencies(
    y: ArrayLike, classes: ArrayLike, sample_weight: ArrayLike | None = None
) -> Floats:
    """Share of each class in the weight of the rows.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
        Sorted; they hold all of `y`.
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    ndarray of shape (n_classes,)
    """
    mass = np.bincount(np.searchsorted(classes, y), sample_weight, len(classes))
    return mass / mass.sum()


def _frequencies_at_roots(forest, classes):
    """Mean class shares of the rows that the trees of a forest were grown on."""
    roots = np.mean([tree.tree_.value[0, 0] for tree in forest.estimators_], axis=0)
    own = np.asarray(forest.classes_)
    shares = np.array([roots[own == label].sum() for label in classes])
    return shares / shares.sum()


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


def _check_scores(model, X, proba, name):
    """Refuse scores that do not say which class the model predicts.

    Those of pairs of classes, for three classes, are as many as there are classes.
    """
    if len(proba) < _ENOUGH or not hasattr(model, "predict"):
        return
    own = np.asarray(getattr(model, "classes_", np.arange(proba.shape[1])))
    agree = np.mean(own[proba.argmax(axis=1)] == np.ravel(model.predict(X)))
    if agree < _AGREE:
        raise ValueError(
            f"decision_function of {name} has its largest score at the class that predict "
            f"names in {agree:.0%} of {len(proba)} rows only: its columns are no scores of "
            f"the classes {own.tolist()}; wrap it in CalibratedClassifierCV, or pass "
            "teacher_proba"
        )


def _proba_of_scores(scores):
    if scores.ndim == 1:
        return np.column_stack([expit(-scores), expit(scores)])
    return softmax(scores, axis=1)
