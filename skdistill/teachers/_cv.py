"""Which soft labels a teacher gives to its own training rows: the meaning of ``cv``."""

import copy

from sklearn.model_selection import check_cv

from skdistill._estimators._inside import FORESTS, last_step
from skdistill.teachers._check import is_frozen


def resolve_cv(cv, teacher, y):
    """Which labels a teacher gives: in-sample (None), "oob", or those of a splitter.

    Parameters
    ----------
    cv : None, "auto", "oob", int, splitter or list of splits
        "auto" is "oob" for a forest that draws bootstraps, in-sample for a
        `FrozenEstimator`, and 5 stratified folds for others.
    teacher : classifier
    y : ndarray of shape (n_samples,)

    Returns
    -------
    None, "oob" or splitter

    Raises
    ------
    ValueError
        If the teacher has no out-of-bag labels, or is frozen.
    """
    if cv is None:
        return None
    if is_frozen(teacher):
        if isinstance(cv, str) and cv == "auto":
            return None
        raise ValueError(
            f"cv={cv!r} fits the teacher again on each fold, and a FrozenEstimator is never "
            "fitted; use cv=None, or pass the teacher unfrozen"
        )
    forest = last_step(teacher)
    draws = isinstance(forest, FORESTS) and forest.bootstrap
    if isinstance(cv, str) and cv == "auto":
        cv = "oob" if draws else 5
    if not isinstance(cv, str):
        return check_cv(cv, y, classifier=True)
    if not draws:
        remedy = "set bootstrap=True, or use" if isinstance(forest, FORESTS) else "use"
        raise ValueError(
            f"cv='oob' needs a forest that draws bootstraps as teacher, got "
            f"{type(forest).__name__}; {remedy} cv=5"
        )
    return cv


def check_groups(cv, split_params):
    """Refuse a splitter of groups that nobody gave it.

    Parameters
    ----------
    cv : splitter
    split_params : dict
        Handed to ``cv.split``.
    """
    if "groups" in split_params or not hasattr(cv, "get_metadata_routing"):
        return
    if "groups" in cv.get_metadata_routing().consumes("split", ["groups"]):
        name = type(cv).__name__
        raise ValueError(
            f"cv={name} splits by groups and was given none: give the splits themselves, "
            f"cv=list({name}(...).split(X, y, groups)); or, so that a cross-validation slices "
            "the groups too, sklearn.set_config(enable_metadata_routing=True) and fit(X, y, "
            "groups=groups)"
        )


def seeded(cv, seed):
    """A splitter whose own seed is None splits as ``random_state`` says."""
    if seed is None or getattr(cv, "random_state", seed) is not None:
        return cv
    if getattr(cv, "shuffle", True):
        cv = copy.copy(cv)
        cv.random_state = seed
    return cv
