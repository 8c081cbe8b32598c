"""What a student is worth against outcomes, next to its teacher and the plain student."""

from typing import NamedTuple

import numpy as np

from skdistill.metrics._arrays import outcomes, over_classes, weights
from skdistill.metrics._fidelity import largest_gap


class Retention(NamedTuple):
    """The share of the teacher's lead that a student keeps, and its interval."""

    value: float
    low: float
    high: float


def retention(
    teacher_loss,
    student_loss,
    plain_loss,
    *,
    sample_weight=None,
    confidence=0.95,
    n_resamples=2000,
    random_state=0,
):
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
    confidence : float, default=0.95
        In (0, 1).
    n_resamples : int, default=2000
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
    losses = np.asarray([teacher_loss, student_loss, plain_loss], dtype=np.float64)
    weight = 1.0 if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    gain = weight * (losses[2] - losses[1])
    lead = weight * (losses[2] - losses[0])
    rng, n_samples = np.random.default_rng(random_state), losses.shape[1]
    draws = (rng.integers(n_samples, size=n_samples) for _ in range(n_resamples))
    shares = [_share(gain[rows].sum(), lead[rows].sum()) for rows in draws]
    tail = (1 - confidence) / 2
    low, high = np.quantile(shares, [tail, 1 - tail], method="inverted_cdf")
    value = _share(gain.sum(), lead.sum()) if lead.sum() > 0 else np.nan
    return Retention(float(value), float(low), float(high))


def _share(gain, lead):
    return gain / lead if lead > 0 else np.copysign(np.inf, gain)


def separation_ks(y_true, proba, *, classes=None, sample_weight=None, average="macro"):
    """How far the scores of a class's own rows stand apart from those of the others.

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
    outcome, proba = outcomes(y_true, proba, classes)
    weight = weights(sample_weight, len(proba))
    seen = outcome[weight > 0]
    apart = seen.any(axis=0) & ~seen.all(axis=0)
    values = [
        largest_gap(own, score, weight) if both else np.nan
        for own, score, both in zip(outcome.T, proba.T, apart, strict=True)
    ]
    return over_classes(values, average)
