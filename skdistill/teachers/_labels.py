"""Where soft labels come from: `label_rows` answers one question for `DistilledClassifier`.

A teacher is any classifier with ``predict_proba`` or ``decision_function``; what it says
is checked and aligned in `skdistill.teachers._ask`. It is fitted on all rows, and labels
them as it learned them (``cv=None``), out of fold, or out of bag. In-sample labels of an
overfitted teacher are nearly one-hot and teach no more than the labels do; out-of-fold
labels of a forest are under-confident, which `skdistill.teachers._calibration` mends.
"""

import time
import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from joblib.memory import MemorizedResult, NotMemorizedResult
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_memory

from skdistill._estimators._classes import fit_labels
from skdistill._estimators._inside import last_step
from skdistill._estimators._params import unset_seeds
from skdistill._estimators._warnings import warn
from skdistill._sklearn.validation import num_samples, take_params, take_rows
from skdistill._typing import Array, Cache, Floats, Rows, Seed, Splits
from skdistill.loss import FLOOR
from skdistill.teachers._ask import (
    ask_teacher,
    class_frequencies,
    counts_votes,
    renormalise,
    smooth_counts,
)
from skdistill.teachers._calibration import fit_calibrator
from skdistill.teachers._check import is_frozen, voters
from skdistill.teachers._cv import check_groups, resolve_cv
from skdistill.teachers._repetition import hint_at_memory
from skdistill.teachers._shelf import shelve

_EACH_FOLD = 11  # of joblib's levels the first that reports every task
_TOO_MANY = 0.1  # share of a class without out-of-bag labels, above which folds are used
_ENOUGH, _FAR = 20, 2.0  # rows of a class, and the ratio of its two shares, worth a word
_ALMOST_ONE_HOT = 0.98  # mean largest probability


class TeacherLabels(NamedTuple):
    """Soft labels, and the teacher that gave them.

    Attributes
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        NaN in the rows that have no soft label.
    extra : ndarray of shape (n_extra, n_classes) or None
        Labels of the extra rows.
    teacher : object
        ``get()`` returns the fitted teacher: from the cache, if there is one, so that a
        fit that only needs the labels does not load it.
    temperature : float or None
        T* of the calibration, where it has one.
    in_sample : bool
        Whether the teacher, or one of a list, may have learned the rows that `proba` labels.
    """

    proba: np.ndarray
    extra: Any
    teacher: Any
    temperature: Any
    in_sample: bool


def label_rows(
    teacher: Any,
    X: Rows,
    y: ArrayLike,
    classes: ArrayLike,
    *,
    rows: Array | None = None,
    extra: Rows = None,
    cv: Splits = None,
    otherwise: Splits = None,
    calibrate: bool | str = False,
    sample_weight: ArrayLike | None = None,
    fit_params: Any = None,
    split_params: Mapping[str, Any] | None = None,
    memory: Cache = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    random_state: Seed = None,
) -> TeacherLabels:
    """Fit a clone of a teacher and let it label rows.

    Parameters
    ----------
    teacher : classifier
        A `FrozenEstimator` is asked as it is.
    X : array-like, frame, sparse matrix or list of n_samples rows
    y : array-like of shape (n_samples,)
        The user's labels.
    classes : ndarray of shape (n_classes,)
        Sorted labels; the order of the columns.
    rows : ndarray of int, default=None
        The rows that need labels. None: all.
    extra : rows like those of X, default=None
        Rows without hard labels, labelled by the teacher fitted on all of X.
    cv : None, "auto", "oob", int, splitter or list of splits, default=None
        None: labels of the rows the teacher was fitted on. Otherwise out of fold, or out
        of bag; see `resolve_cv`.
    otherwise : splitter, default=None
        Takes the place of "oob" where a class has no out-of-bag label in more than a tenth
        of its rows, as happens where weights make every bootstrap draw them.
    calibrate : {False, "temperature", "sigmoid", "isotonic"}, default=False
        Fitted on the out-of-fold labels, applied to all labels.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the calibration and of the class frequencies.
    fit_params : dict, default=None
        Handed to ``teacher.fit``; row-aligned values follow their fold.
    split_params : dict, default=None
        Handed to ``cv.split``.
    memory : str or joblib.Memory, default=None
        Caches the fitted teacher and its labels apart.
    n_jobs : int, default=None
        Folds fitted at a time.
    verbose : int, default=0
        Above 0 each fold of `cv` reports when it is done, on standard error.
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

    Warns
    -----
    UserWarning
        If rows stay without a soft label, a fold lacks a class, in-sample labels are
        almost one-hot, a class is more than twice or less than half as common in the
        labels as in `y`, or the same long work is done again without `memory`.
    """
    y = np.asarray(y)
    cv = resolve_cv(cv, teacher, y)
    teacher = clone(teacher)
    unset_seeds(teacher, random_state)
    rows = np.arange(num_samples(X)) if rows is None else rows
    given = (teacher, X, y, fit_params or {})
    split = partial(_splits, X=X, y=y, split_params=split_params or {})
    splits = [] if cv in (None, "oob") else split(cv)
    prior = class_frequencies(y, classes, sample_weight)
    cache = check_memory(memory).cache
    start = time.perf_counter()
    fitted = shelve(check_memory(memory), _fit_with_oob if cv == "oob" else _fit, *given)

    def ask(Z):
        return cache(_label, ignore=["fitted"])(*given, Z, classes, prior, fitted)

    n_lacking = 0
    if cv == "oob":
        label = cache(_out_of_bag, ignore=["fitted"])
        proba = label(*given, classes, prior, fitted)[rows]
        if otherwise is not None and _loses_a_class(proba, y[rows], classes):
            cv, splits = otherwise, split(otherwise)
    if cv is None:
        proba = ask(take_rows(X, rows))
        _warn_if_one_hot(teacher, proba)
    elif cv != "oob":
        label = cache(_out_of_fold, ignore=["n_jobs", "verbose"])
        how = (rows, splits, classes, sample_weight, n_jobs, verbose)
        proba, n_lacking = label(*given, *how)
        _warn_of_lacking(n_lacking, len(splits))
    _warn_of_absent(proba, y[rows], classes, cv)
    if memory is None:
        hint_at_memory(teacher, X, y, time.perf_counter() - start)
    weight = None if sample_weight is None else sample_weight[rows]
    calibrated, temperature = _calibrator(proba, y[rows], classes, calibrate, weight)
    proba = calibrated(proba)
    if not n_lacking:
        _warn_of_shares(proba, y[rows], classes, weight)
    more = None if extra is None else calibrated(ask(extra))
    in_sample = cv is None or any(is_frozen(one) for one in voters(teacher))
    return TeacherLabels(proba, more, fitted, temperature, in_sample)


def _fit(teacher, X, y, fit_params):
    return fit_labels(clone(teacher), X, y, fit_params)


def _fit_with_oob(teacher, X, y, fit_params):
    fitted = clone(teacher)
    forest = last_step(fitted)
    own = forest.oob_score
    forest.set_params(oob_score=True)
    # rows never out of bag, of which a bag divides 0 by 0, are counted by the caller
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.filterwarnings("ignore", message="Some inputs do not have OOB scores")
        fitted.fit(X, y, **fit_params)
    last_step(fitted).set_params(oob_score=own)
    return fitted


def _label(teacher, X, y, fit_params, Z, classes, prior, fitted):
    return ask_teacher(fitted.get(), Z, classes, prior=prior)


def _out_of_bag(teacher, X, y, fit_params, classes, prior, fitted):
    """Votes of the trees that did not draw the row; NaN where each tree did."""
    forest = last_step(fitted.get())
    votes = np.asarray(forest.oob_decision_function_)
    never = ~(np.nan_to_num(votes).sum(axis=1) > 0)
    proba = renormalise(np.nan_to_num(votes))
    if counts_votes(forest):
        share = len(forest.estimators_samples_[0]) / len(votes)  # that each tree drew
        proba = smooth_counts(proba, np.exp(-share) * len(forest.estimators_), prior)
    proba[never] = np.nan
    return proba


def _splits(cv, X, y, split_params):
    """Row numbers of every fold."""
    check_groups(cv, split_params)
    splits = list(cv.split(X, y, **split_params))
    if not splits:
        raise ValueError("cv makes no split; give a splitter or a list of some")
    every = np.arange(num_samples(X))
    return [(every[train], every[test]) for train, test in splits]


def _out_of_fold(
    teacher, X, y, fit_params, rows, splits, classes, sample_weight, n_jobs, verbose
):
    """Mean label of each row over the folds that held it out, NaN where none did.

    And the number of folds that lack a class.
    """
    folds = [(train, np.intersect1d(test, rows)) for train, test in splits]
    each = _EACH_FOLD if verbose else 0
    labels = Parallel(n_jobs=n_jobs, verbose=each)(
        delayed(_label_fold)(teacher, X, y, fit_params, train, test, classes, sample_weight)
        for train, test in folds
    )
    total, count = np.zeros((num_samples(X), len(classes))), np.zeros(num_samples(X))
    for (_, test), (proba, _) in zip(folds, labels, strict=True):
        total[test] += proba
        count[test] += 1
    with np.errstate(invalid="ignore"):
        proba = (total / count[:, None])[rows]
    return proba, sum(lacks for _, lacks in labels)


def _label_fold(teacher, X, y, fit_params, train, test, classes, sample_weight):
    if not len(test):
        return np.empty((0, len(classes))), False
    present = np.isin(classes, y[train])
    if present.sum() == 1:  # which few classifiers are fitted to
        return np.tile(present.astype(float), (len(test), 1)), True
    params = take_params(X, fit_params, train)
    fitted = fit_labels(clone(teacher), take_rows(X, train), y[train], params)
    weight = None if sample_weight is None else sample_weight[train]
    how = {"known": classes[present], "prior": class_frequencies(y[train], classes, weight)}
    proba = ask_teacher(fitted, take_rows(X, test), classes, fill=True, **how)
    return proba, not present.all()


def _calibrator(proba, y, classes, method, sample_weight):
    """What maps the teacher's labels to calibrated ones, and T*."""
    if not method:
        return lambda other: other, None
    known = ~np.isnan(proba[:, 0])
    weight = None if sample_weight is None else sample_weight[known]
    codes = np.searchsorted(classes, y[known])
    if len(np.unique(codes)) == 1:
        raise ValueError(
            f"calibrate_teacher={method!r} needs soft labels for rows of two classes or more, "
            f"and all rows that have one are of class {classes.tolist()[codes[0]]!r}; use cv=5"
        )
    learned, temperature = fit_calibrator(proba[known], codes, method, weight)

    def calibrate(other):
        known = ~np.isnan(other[:, 0])
        result = np.full_like(other, np.nan)
        result[known] = learned(other[known])
        return result

    return calibrate, temperature


def _warn_of_lacking(n_lacking, n_folds):
    if n_lacking:
        warn(
            f"{n_lacking} of {n_folds} folds of the teacher lack a class of y: its "
            "out-of-fold probability there is 0; use fewer folds or a stratified splitter"
        )


def _lost_by_class(proba, y, classes):
    """Share of the rows of each class that have no soft label."""
    absent, codes = np.isnan(proba[:, 0]), np.searchsorted(classes, y)
    lost = np.bincount(codes[absent], minlength=len(classes))
    return lost / np.maximum(np.bincount(codes, minlength=len(classes)), 1)


def _loses_a_class(proba, y, classes):
    return _lost_by_class(proba, y, classes).max() > _TOO_MANY


def _warn_of_absent(proba, y, classes, cv):
    absent = int(np.isnan(proba[:, 0]).sum())
    if not absent:
        return
    lost = _lost_by_class(proba, y, classes)
    worst = f"{lost.max():.0%} of the rows of class {classes.tolist()[lost.argmax()]!r}"
    why = "cv holds none out"
    if cv == "oob":
        remedy = "use cv=5" if lost.max() > _TOO_MANY else "take more trees, or cv=5"
        why = f"every tree drew them ({remedy})"
    warn(
        f"{absent} of {len(proba)} rows have no soft label, among them {worst}, since {why}: "
        "they keep their hard label only"
    )


def _warn_of_shares(proba, y, classes, sample_weight):
    """Warn of a class that the teacher takes for far more, or less, common than it is."""
    known = ~np.isnan(proba[:, 0])
    weight = None if sample_weight is None else sample_weight[known]
    shares = class_frequencies(y[known], classes, weight)
    told = np.average(proba[known], axis=0, weights=weight)
    enough = shares * known.sum() >= _ENOUGH
    off = np.zeros(len(classes))
    off[enough] = np.abs(np.log(np.maximum(told[enough], FLOOR) / shares[enough]))
    worst = off.argmax()
    if off[worst] > np.log(_FAR):
        warn(
            f"the teacher's mean probability of class {classes.tolist()[worst]!r} is "
            f"{told[worst]:.2g}, and its share of the rows is {shares[worst]:.2g}, as class "
            "weights of a teacher do: students learn the former; calibrate_teacher='sigmoid' "
            "with cv=5 mends it"
        )


def _warn_if_one_hot(teacher, proba):
    sure = proba.max(axis=1).mean()
    if sure > _ALMOST_ONE_HOT and not is_frozen(teacher):
        warn(
            f"the teacher is almost sure of the rows it was fitted on (mean largest "
            f"probability {sure:.3f}), so that its soft labels say little more than y; "
            "out-of-fold labels say more: set cv='auto'"
        )


def ask_fitted(
    fitted: Any, X: Rows, classes: ArrayLike, prior: Floats | None = None, memory: Cache = None
) -> Floats:
    """Probabilities of a fitted teacher, asked once for each X where they can be cached.

    Parameters
    ----------
    fitted : object
        `TeacherLabels.teacher`.
    X : array-like, frame, sparse matrix or list of n_samples rows
    classes : ndarray of shape (n_classes,)
    prior : ndarray of shape (n_classes,), default=None
        See `ask_teacher`.
    memory : str or joblib.Memory, default=None

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    if not isinstance(fitted, MemorizedResult):
        return ask_teacher(fitted.get(), X, classes, prior=prior)
    cached = check_memory(memory).cache(_ask_cached, ignore=["fitted"])
    return cached(X, classes, prior, repr(fitted), fitted)


def _ask_cached(X, classes, prior, which, fitted):
    return ask_teacher(fitted.get(), X, classes, prior=prior)


def forget_cache(teacher: Any) -> Any:
    """What `TeacherLabels.teacher` is once it has been loaded: independent of a cache."""
    return NotMemorizedResult(teacher)
