"""How near the student's probabilities come to the teacher's; no outcome is needed."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import rel_entr
from sklearn.metrics import r2_score, roc_curve

from skdistill._typing import Floats
from skdistill.metrics._arrays import EPS, over_classes, pair


def agreement(
    teacher_proba: ArrayLike,
    student_proba: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Share of rows where teacher and student put the same class first.

    Parameters
    ----------
    teacher_proba, student_proba : array-like of shape (n_samples, n_classes)
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    float
        In [0, 1]. Of tied classes the first counts, as in ``predict``.

    References
    ----------
    Stanton et al. (2021), "Does Knowledge Distillation Really Work?" ("average top-1
    agreement").
    """
    *both, weight = pair(teacher_proba, student_proba, sample_weight)
    return float(np.average(agrees(*both), weights=weight))


def total_variation(
    teacher_proba: ArrayLike,
    student_proba: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Mean over rows of half the summed absolute difference of probabilities.

    Parameters
    ----------
    teacher_proba, student_proba : array-like of shape (n_samples, n_classes)
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    float
        In [0, 1]: the largest difference in the probability of any event, on average.
    """
    *both, weight = pair(teacher_proba, student_proba, sample_weight)
    return float(np.average(variation_by_row(*both), weights=weight))


def kl_divergence(
    teacher_proba: ArrayLike,
    student_proba: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Mean over rows of ``KL(teacher || student)``, in nats.

    The soft term of the loss at temperature 1: what the teacher's own draws would cost
    the student in log-loss beyond what they cost the teacher.

    Parameters
    ----------
    teacher_proba, student_proba : array-like of shape (n_samples, n_classes)
        Of the student, zeros are raised to the spacing of float64, as scikit-learn's
        ``log_loss`` does; the teacher's contribute nothing.
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    float
        At least 0, save for rounding of the order of that spacing.

    References
    ----------
    Kullback, Leibler (1951), "On Information and Sufficiency".
    """
    *both, weight = pair(teacher_proba, student_proba, sample_weight)
    return float(np.average(kl_by_row(*both), weights=weight))


def ks_distance(
    teacher_proba: ArrayLike,
    student_proba: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    average: Literal["macro"] | None = "macro",
) -> float | Floats:
    """Largest gap between the distributions of the teacher's and the student's scores.

    The two-sample Kolmogorov-Smirnov statistic of each class's column; lower is better.
    Not the separation of good from bad that credit scoring calls KS: see `separation_ks`.
    *Marginal*: it compares the two distributions and not the rows, so that a student that
    shuffles the teacher's scores has distance 0.

    Parameters
    ----------
    teacher_proba, student_proba : array-like of shape (n_samples, n_classes)
    sample_weight : array-like of shape (n_samples,), default=None
    average : {"macro", None}, default="macro"
        The mean over the classes, or the value of each.

    Returns
    -------
    float or ndarray of shape (n_classes,)
        In [0, 1]; without weights that of `scipy.stats.ks_2samp`.

    References
    ----------
    Hodges (1958), "The Significance Probability of the Smirnov Two-Sample Test".
    """
    given = pair(teacher_proba, student_proba, sample_weight)
    return over_classes(ks_by_class(*given), average)


def ks_by_class(teacher_proba, student_proba, weight):
    """The distance of each class, of arrays that are checked."""
    is_student, weight = np.repeat([False, True], len(weight)), np.tile(weight, 2)
    scores = np.concatenate([teacher_proba, student_proba]).T
    return [largest_gap(is_student, score, weight) for score in scores]


def largest_gap(group, score, weight):
    """Between the distribution functions of two groups: those of the ROC curve's axes."""
    first, second, _ = roc_curve(group, score, sample_weight=weight)
    return np.abs(first - second).max()


def r2_sorted(
    teacher_proba: ArrayLike,
    student_proba: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    average: Literal["macro"] | None = "macro",
) -> float | Floats:
    """R2 between the sorted scores of teacher and student.

    How near the quantile-quantile plot of each class's column is to the diagonal: 1 less
    the squared 2-Wasserstein distance of the two distributions over the variance of the
    teacher's. *Marginal*: rows are not compared, and a student that shuffles the
    teacher's scores has 1. It is no measure of fidelity on its own.

    Parameters
    ----------
    teacher_proba, student_proba : array-like of shape (n_samples, n_classes)
    sample_weight : array-like of shape (n_samples,), default=None
    average : {"macro", None}, default="macro"
        The mean over the classes, or the value of each.

    Returns
    -------
    float or ndarray of shape (n_classes,)
        At most 1. Of a class to which the teacher gives one score for all rows, 1 if
        the student does too and 0 otherwise, as in `sklearn.metrics.r2_score`.

    References
    ----------
    Wilk, Gnanadesikan (1968), "Probability Plotting Methods for the Analysis of Data".
    """
    given = pair(teacher_proba, student_proba, sample_weight)
    return over_classes(r2_by_class(*given), average)


def r2_by_class(teacher_proba, student_proba, weight):
    """The value of each class, of arrays that are checked."""
    columns = zip(teacher_proba.T, student_proba.T, strict=True)
    return [_r2_of_quantiles(*both, weight) for both in columns]


def _r2_of_quantiles(teacher, student, weight):
    """Both quantile functions are steps; between two steps of either both are constant."""
    orders = [np.argsort(score, kind="stable") for score in (teacher, student)]
    steps = [np.cumsum(weight[order]) for order in orders]
    ends = np.unique(np.concatenate(steps))
    ranks = [np.minimum(np.searchsorted(step, ends), len(step) - 1) for step in steps]
    quantiles = [
        score[order][rank]
        for score, order, rank in zip((teacher, student), orders, ranks, strict=True)
    ]
    return r2_score(*quantiles, sample_weight=np.diff(ends, prepend=0))


def swap_share(
    teacher_proba: ArrayLike,
    student_proba: ArrayLike,
    *,
    positive_rate: float | None = None,
    sample_weight: ArrayLike | None = None,
    average: Literal["macro"] | None = "macro",
) -> float | Floats:
    """Share of the decisions that swap when both models accept equally many rows.

    Each model accepts the rows with its highest scores of a class, the same share of
    them: what changes hands if the student takes over at an unchanged volume. Where a
    score is tied at the cut, each of the tied rows is accepted in part, so that the order
    of the rows has no say.

    Parameters
    ----------
    teacher_proba, student_proba : array-like of shape (n_samples, n_classes)
    positive_rate : float or array-like of shape (n_classes,), default=None
        Share of rows accepted, in [0, 1]; a single one is that of the second of two
        classes, and of each of more. None: the share where the teacher puts the class
        first.
    sample_weight : array-like of shape (n_samples,), default=None
    average : {"macro", None}, default="macro"
        The mean over the classes, or the value of each.

    Returns
    -------
    float or ndarray of shape (n_classes,)
        In [0, 1]. Half of it was accepted and is not, half the reverse. The two classes
        of a binary problem have one value.

    References
    ----------
    Milani Fard et al. (2016), "Launch and Iterate: Reducing Prediction Churn", which
    measures the same without holding the rate; "swap set" in credit scoring.
    """
    given = pair(teacher_proba, student_proba, sample_weight)
    return over_classes(swap_by_class(*given, positive_rate), average)


def swap_by_class(teacher_proba, student_proba, weight, positive_rate=None):
    """The share of each class, of arrays that are checked."""
    rates = _rates(teacher_proba, weight, positive_rate)
    swapped = [
        np.abs(_accepted(teacher, rate, weight) - _accepted(student, rate, weight))
        for teacher, student, rate in zip(teacher_proba.T, student_proba.T, rates, strict=True)
    ]
    return np.average(swapped, axis=1, weights=weight)


def _rates(teacher_proba, weight, positive_rate):
    """Share of rows that is accepted, for each class."""
    n_classes = teacher_proba.shape[1]
    if positive_rate is None:
        first = teacher_proba.argmax(axis=1)
        return np.bincount(first, weight, minlength=n_classes) / weight.sum()
    rates = np.asarray(positive_rate, dtype=np.float64)
    if not np.all((rates >= 0) & (rates <= 1)):
        raise ValueError(f"positive_rate must be in [0, 1], got {positive_rate}")
    if n_classes == 2 and rates.ndim == 0:
        return np.array([1 - rates, rates])
    return np.broadcast_to(rates, n_classes)


def _accepted(score, rate, weight):
    """How far each row is accepted: 1 above the cut, in part at it, 0 below."""
    _, level = np.unique(score, return_inverse=True)
    mass = np.bincount(level, weight)
    above = mass.sum() - np.cumsum(mass)
    left = np.clip(rate * mass.sum() - above, 0, mass)
    return np.divide(left, mass, out=np.zeros_like(mass), where=mass > 0)[level]


def agrees(teacher_proba, student_proba):
    """Whether both put the same class first, in each row."""
    return teacher_proba.argmax(axis=1) == student_proba.argmax(axis=1)


def variation_by_row(teacher_proba, student_proba):
    """Half the summed absolute difference of each row."""
    return np.abs(teacher_proba - student_proba).sum(axis=1) / 2


def kl_by_row(teacher_proba, student_proba):
    """``KL(teacher || student)`` of each row."""
    return rel_entr(teacher_proba, np.maximum(student_proba, EPS)).sum(axis=1)
