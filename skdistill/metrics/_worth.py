"""What a student is worth against outcomes, next to its teacher and the plain student."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from skdistill._typing import Floats, Seed
from skdistill.metrics._arrays import outcomes, over_classes, weights
from skdistill.metrics._fidelity import largest_gap
from skdistill.metrics._intervals import (
    CONFIDENCE,
    N_RESAMPLES,
    Interval,
    interval,
    resampled_sums,
)


class Retention(Interval):
    """The share of the teacher's lead that a student keeps, and its interval.

    Attributes
    ----------
    value, low, high : float
    """

    __slots__ = ()


def retention(
    teacher_loss: ArrayLike,
    student_loss: ArrayLike,
    plain_loss: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    confidence: float = CONFIDENCE,
    n_resamples: int = N_RESAMPLES,
    random_state: Seed = 0,
) -> Retention:
    """Share of the teacher's lead over the plain student that the distilled one keeps.

    ``(plain - student) / (plain - teacher)``, of mean losses: 0 is the same student
    fitted on hard labels, 1 is the teacher, below 0 distilling did harm. The interval
    is a percentile bootstrap that resamples rows, each with its three losses.

    Parameters
    ----------
    teacher_loss, student_loss, plain_loss : array-like of shape (n_samples,)
        Loss of each held-out row under the three models, lower being better; see
        `log_loss_by_row`. A row tested several times enters once, with its mean.
    sample_weight : array-like of shape (n_samples,), default=None
    groups : array-like of shape (n_samples,), default=None
        Rows of a group are resampled together.
    confidence : float, default=0.95
        In (0, 1).
    n_resamples : int, default=1000
    random_state : int, default=0
        Seed of the resamples.

    Returns
    -------
    Retention
        `value` is NaN where the teacher has no lead to keep. In a resample without a
        lead the share counts as infinite, with the sign of the student's gain: where
        the lead itself is in doubt the interval says so by an infinite end.

    References
    ----------
    Efron, Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13.
    """
    losses = {"teacher": teacher_loss, "student": student_loss, "plain": plain_loss}
    teacher, student, plain = _losses(losses)
    weight = weights(sample_weight, len(plain))
    sums = weight[:, None] * np.column_stack([plain - student, plain - teacher])
    how = {"groups": groups, "n_resamples": n_resamples, "random_state": random_state}
    share = float(_shares(sums.sum(axis=0, keepdims=True))[0])
    ends = interval(share, _shares(resampled_sums(sums, **how)), confidence)
    return Retention(share if np.isfinite(share) else np.nan, ends.low, ends.high)


def _losses(given):
    """One row of losses for each model."""
    losses = [np.asarray(loss, dtype=np.float64) for loss in given.values()]
    if len({loss.shape for loss in losses}) > 1 or losses[0].ndim != 1 or not losses[0].size:
        raise ValueError(
            "teacher_loss, student_loss and plain_loss must have one shape (n_samples,), got "
            f"{', '.join(str(loss.shape) for loss in losses)}"
        )
    for name, loss in zip(given, losses, strict=True):
        if not np.isfinite(loss).all():
            raise ValueError(f"{name}_loss holds NaN or infinity; give the loss of each row")
    return losses


def _shares(sums):
    """Gain over lead; infinite where there is no lead."""
    gain, lead = sums.T
    return np.divide(gain, lead, out=np.copysign(np.inf, gain), where=lead > 0)


def separation_ks(
    y_true: ArrayLike,
    proba: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    average: Literal["macro"] | None = "macro",
) -> float | Floats:
    """How well the scores of a class separate its rows from the others.

    The Kolmogorov-Smirnov statistic of credit scoring, good against bad; higher is
    better. It compares a model with outcomes, where `ks_distance` compares a student's
    scores with its teacher's.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
    proba : array-like of shape (n_samples, n_classes)
    classes : array-like of shape (n_classes,), default=None
        Sorted labels of the columns. None: the labels of `y_true`.
    sample_weight : array-like of shape (n_samples,), default=None
    average : {"macro", None}, default="macro"
        The mean over the classes, or the value of each.

    Returns
    -------
    float or ndarray of shape (n_classes,)
        In [0, 1]: the largest difference of true and false positive rate. NaN for a
        class that no row or every row has.

    References
    ----------
    Hand, Henley (1997), "Statistical Classification Methods in Consumer Credit Scoring".
    """
    given = outcomes(y_true, proba, classes, sample_weight)
    return over_classes(separation_by_class(*given), average)


def separation_by_class(outcome, proba, weight):
    """The separation of each class, of arrays that are checked."""
    seen = outcome[weight > 0]
    apart = seen.any(axis=0) & ~seen.all(axis=0)
    return [
        largest_gap(event, score, weight) if both else np.nan
        for event, score, both in zip(outcome.T, proba.T, apart, strict=True)
    ]
