"""Calibration of a teacher's out-of-fold probabilities: pure functions on arrays.

A scalar temperature, T* = argmin of the out-of-fold log-loss of softmax(log p / T) (Guo et
al. 2017, "On Calibration of Modern Neural Networks"), or scikit-learn's sigmoid and
isotonic calibrators on the log-odds of each class. `skdistill.teachers` calls it.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logit
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV

from skdistill._estimators._warnings import warn
from skdistill.loss._soften import FLOOR, soften

_BOUNDS, _NEAR = np.log([0.05, 20]), 0.99  # of T*, and a share of one that counts as it


def fit_calibrator(proba, y, method, sample_weight=None):
    """Learn to calibrate from probabilities that are honest: out of fold.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
    y : ndarray of int of shape (n_samples,)
        Column of the true class.
    method : {"temperature", "sigmoid", "isotonic"}
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    calibrate : callable
        Maps probabilities to calibrated ones.
    temperature : float or None
        T*, where that is the method: below 1 the teacher was under-confident.
    """
    if method == "temperature":
        temperature = _best_temperature(proba, y, sample_weight)
        return lambda other: soften(other, temperature), temperature
    absent = np.setdiff1d(np.arange(proba.shape[1]), y)
    if absent.size:
        raise ValueError(
            f"calibrate_teacher={method!r} needs held-out rows of every class, and cv holds "
            f"out none of {absent.size} classes; use 'temperature' or a stratified cv"
        )
    every = np.arange(len(y))
    calibrated = CalibratedClassifierCV(_LogOdds(), method=method, cv=[(every, every)])
    with config_context(enable_metadata_routing=False):
        calibrated.fit(proba, y, sample_weight=sample_weight)
    return calibrated.predict_proba, None


def _best_temperature(proba, y, sample_weight):
    rows = np.arange(len(y))

    def log_loss(log_temperature):
        softened = soften(proba, np.exp(log_temperature))[rows, y]
        return -np.average(np.log(np.maximum(softened, FLOOR)), weights=sample_weight)

    best = float(np.exp(minimize_scalar(log_loss, bounds=_BOUNDS).x))
    _warn_at_the_bound(best)
    return best


def _warn_at_the_bound(temperature):
    """Say what a temperature means that would go on rising or falling."""
    low, high = np.exp(_BOUNDS)
    if temperature > _NEAR * high:
        warn(
            f"calibrate_teacher='temperature' ends at its upper bound, T* = {high:.0f}: the "
            "teacher's held-out probabilities say no more about y than chance, or less, and "
            "are made almost uniform; look at the order of its columns and its accuracy out "
            "of fold, or use calibrate_teacher='sigmoid'"
        )
    elif temperature * _NEAR < low:
        warn(
            f"calibrate_teacher='temperature' ends at its lower bound, T* = {low:.2f}: the "
            "teacher's class of largest probability is almost always right and its "
            "probabilities hardly differ, so that they are made almost one-hot; use "
            "calibrate_teacher='isotonic'"
        )


class _LogOdds(ClassifierMixin, BaseEstimator):
    """Takes probabilities for features and scores each class by its log-odds."""

    def fit(self, proba, y, sample_weight=None):
        self.classes_ = np.arange(proba.shape[1])
        return self

    def decision_function(self, proba):
        odds = logit(np.clip(proba, FLOOR, 1 - FLOOR))
        return odds[:, 1] if odds.shape[1] == 2 else odds

    def predict(self, proba):
        return proba.argmax(axis=1)
