r"""How near a student comes to its teacher, and how much of its lead it keeps.

Pure functions on arrays of probabilities; scikit-learn's own metrics answer the rest
(`log_loss`, `brier_score_loss`, `roc_auc_score`, `accuracy_score`). Two questions:

- *fidelity*, the student against the teacher, no outcome needed: `agreement`,
  `total_variation`, `kl_divergence`;
- *worth*, against outcomes: `retention` of the teacher's lead over the same student
  fitted on hard labels, and `observed_over_expected`, calibration in the large.

Rows are weighted means throughout, so that integer weights are repeated rows.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import rel_entr

EPS = np.finfo(np.float64).eps  # smallest probability scikit-learn's `log_loss` takes


class Retention(NamedTuple):
    """The share of the teacher's lead that a student keeps, and its interval."""

    value: float
    low: float
    high: float


def agreement(teacher_proba, student_proba, *, sample_weight=None):
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
    teacher_proba, student_proba = _pair(teacher_proba, student_proba)
    same = teacher_proba.argmax(axis=1) == student_proba.argmax(axis=1)
    return float(np.average(same, weights=sample_weight))


def total_variation(teacher_proba, student_proba, *, sample_weight=None):
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
    teacher_proba, student_proba = _pair(teacher_proba, student_proba)
    distance = np.abs(teacher_proba - student_proba).sum(axis=1) / 2
    return float(np.average(distance, weights=sample_weight))


def kl_divergence(teacher_proba, student_proba, *, sample_weight=None):
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
    teacher_proba, student_proba = _pair(teacher_proba, student_proba)
    divergence = rel_entr(teacher_proba, np.maximum(student_proba, EPS)).sum(axis=1)
    return float(np.average(divergence, weights=sample_weight))


def log_loss_by_row(y_true, proba, *, classes=None):
    """Minus the logarithm of the probability of each row's outcome.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
    proba : array-like of shape (n_samples, n_classes)
        Zeros are raised to the spacing of float64, as scikit-learn's ``log_loss`` does.
    classes : array-like of shape (n_classes,), default=None
        Sorted labels of the columns. None: the labels of `y_true`.

    Returns
    -------
    ndarray of shape (n_samples,)
        Its weighted mean is ``sklearn.metrics.log_loss``.
    """
    outcome, proba = _outcomes(y_true, proba, classes)
    return -np.log(np.maximum(proba[outcome], EPS))


def observed_over_expected(y_true, proba, *, classes=None, sample_weight=None):
    """Calibration in the large: outcomes of each class over the sum of its probabilities.

    1 is calibrated; 1.05 says that the class came 5 % more often than the probabilities
    promised. Of two classes entry 1 is the usual ratio of positives. A mean over the
    classes would hide what it shows, since probabilities sum to 1, so there is none.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
    proba : array-like of shape (n_samples, n_classes)
    classes : array-like of shape (n_classes,), default=None
        Sorted labels of the columns. None: the labels of `y_true`.
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    ndarray of shape (n_classes,)
        Infinite for a class that came and was promised nothing, NaN for one that
        neither came nor was promised.

    References
    ----------
    Steyerberg (2019), "Clinical Prediction Models", chapter 15 (O:E ratio).
    """
    outcome, proba = _outcomes(y_true, proba, classes)
    observed = np.average(outcome, axis=0, weights=sample_weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        return observed / np.average(proba, axis=0, weights=sample_weight)


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


def _pair(teacher_proba, student_proba):
    teacher_proba = np.asarray(teacher_proba, dtype=np.float64)
    student_proba = np.asarray(student_proba, dtype=np.float64)
    if teacher_proba.shape != student_proba.shape or teacher_proba.ndim != 2:
        raise ValueError(
            "teacher_proba and student_proba must have one shape (n_samples, n_classes), "
            f"got {teacher_proba.shape} and {student_proba.shape}"
        )
    return teacher_proba, student_proba


def _outcomes(y_true, proba, classes):
    """Whether each row is of each class, and its probabilities."""
    y_true, proba = np.asarray(y_true), np.asarray(proba, dtype=np.float64)
    classes = np.unique(y_true) if classes is None else np.asarray(classes)
    if proba.shape != (len(y_true), len(classes)):
        raise ValueError(
            f"proba has shape {proba.shape}, expected ({len(y_true)}, {len(classes)}): "
            "a row for each of y_true, a column for each of the classes"
        )
    outcome = y_true[:, None] == classes
    if not outcome.any(axis=1).all():
        unknown = y_true[~outcome.any(axis=1)][0]
        raise ValueError(f"y_true holds {unknown!r}, which is not one of classes {classes}")
    return outcome, proba
