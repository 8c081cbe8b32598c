"""Whether probabilities may be taken as risks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from skdistill._typing import Array, Floats
from skdistill.metrics._arrays import EPS, outcomes


def observed_over_expected(
    y_true: ArrayLike,
    proba: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Floats:
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
    outcome, proba, weight = outcomes(y_true, proba, classes, sample_weight)
    return observed_over(weight @ outcome, weight @ proba)


def observed_over(observed, expected):
    """Infinite where something came and nothing was promised, NaN where neither."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(observed, expected)


def calibration_event(
    y_true: ArrayLike, proba: ArrayLike, *, classes: ArrayLike | None = None
) -> tuple[Array, Floats]:
    """The event whose probability is judged, and its probability.

    Of two classes the event is the second; of more, that the class which a row's
    probabilities put first is the right one.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
    proba : array-like of shape (n_samples, n_classes)
    classes : array-like of shape (n_classes,), default=None
        Sorted labels of the columns. None: the labels of `y_true`.

    Returns
    -------
    event : ndarray of bool of shape (n_samples,)
    score : ndarray of shape (n_samples,)
        Probability of the event.
    """
    return event_of(*outcomes(y_true, proba, classes)[:2])


def event_of(outcome, proba):
    """The event that is judged and its probability, of arrays that are checked."""
    if proba.shape[1] == 2:
        return outcome[:, 1], proba[:, 1]
    rows, first = np.arange(len(proba)), proba.argmax(axis=1)
    return outcome[rows, first], proba[rows, first]


def expected_calibration_error(
    y_true: ArrayLike,
    proba: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    n_bins: int = 10,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Mean difference, bin by bin, of how often the event came and was promised.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
    proba : array-like of shape (n_samples, n_classes)
    classes : array-like of shape (n_classes,), default=None
        Sorted labels of the columns. None: the labels of `y_true`.
    n_bins : int, default=10
        Of equal width, those of `sklearn.calibration.calibration_curve`. Few rows in
        many bins look worse than they are.
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    float
        In [0, 1]; of the `calibration_event`.

    References
    ----------
    Naeini, Cooper, Hauskrecht (2015), "Obtaining Well Calibrated Probabilities Using
    Bayesian Binning"; Guo et al. (2017), "On Calibration of Modern Neural Networks", for
    more than two classes.
    """
    outcome, proba, weight = outcomes(y_true, proba, classes, sample_weight)
    return calibration_error(*event_of(outcome, proba), weight, n_bins)


def calibration_error(event, score, weight, n_bins=10):
    """The mean difference over the bins, of arrays that are checked."""
    bins = np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], score)
    return float(np.abs(np.bincount(bins, weight * (event - score))).sum() / weight.sum())


class CalibrationLine(NamedTuple):
    """Slope and intercept of outcomes on the logit of their probabilities; see below."""

    slope: float
    intercept: float


def calibration_line(
    y_true: ArrayLike,
    proba: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> CalibrationLine:
    """Calibration slope and intercept, by logistic recalibration.

    The slope is ``b`` of ``logit P(event) = a + b * logit(score)`` by maximum
    likelihood: below 1 the probabilities are too extreme, above 1 too timid. The
    intercept is ``a`` with ``b`` held at 1, calibration in the large: above 0 the event
    comes more often than was promised. (1, 0) is calibrated.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
    proba : array-like of shape (n_samples, n_classes)
        Zeros and ones are moved inwards by the spacing of float64.
    classes : array-like of shape (n_classes,), default=None
        Sorted labels of the columns. None: the labels of `y_true`.
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    CalibrationLine
        Of the `calibration_event`. The slope is infinite where the scores part the
        outcomes without error, and NaN where all scores or all outcomes are one; the
        intercept is infinite where all outcomes are one.

    References
    ----------
    Cox (1958), "Two Further Applications of a Model for Binary Regression"; Van Calster
    et al. (2016), "A calibration hierarchy for risk models was defined".
    """
    outcome, proba, weight = outcomes(y_true, proba, classes, sample_weight)
    return line_of(*event_of(outcome, proba), weight)


def line_of(event, score, weight):
    """The `CalibrationLine` of arrays that are checked."""
    seen = weight > 0
    known = event[seen], logit(np.clip(score[seen], EPS, 1 - EPS)), weight[seen]
    return CalibrationLine(_slope(*known), _intercept(*known))


def _slope(event, score, weight):
    yes, no = score[event], score[~event]
    if not (len(yes) and len(no)) or np.ptp(score) == 0:
        return np.nan
    if no.max() <= yes.min():
        return np.inf
    if yes.max() <= no.min():
        return -np.inf
    line = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10, max_iter=1000)
    return float(line.fit(score[:, None], event, sample_weight=weight).coef_[0, 0])


def _intercept(event, score, weight):
    observed = np.average(event, weights=weight)
    if observed in (0, 1):
        return np.inf if observed else -np.inf

    def excess(shift):
        return np.average(expit(shift + score), weights=weight) - observed

    return float(brentq(excess, -100, 100))
