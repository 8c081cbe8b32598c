"""Measures of predictions for rows that nothing was chosen by, and their intervals.

Every model is measured on the same rows and the same resamples of them, so that the
difference of two models is paired. Where rows come in groups, groups are resampled.
"""

import warnings
from functools import partial

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import f1_score, get_scorer, roc_auc_score

from skdistill._sklearn.validation import take_rows
from skdistill.metrics import (
    agreement,
    kl_divergence,
    ks_distance,
    log_loss_by_row,
    r2_sorted,
)

N_RESAMPLES = 400
TAILS = (0.025, 0.975)


class Predicted(ClassifierMixin, BaseEstimator):
    """A model that has predicted, for scorers: it knows its rows, whatever X it is given.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
    classes : ndarray of shape (n_classes,)
    teacher : Predicted, default=None
        For scorers that ask a model's own teacher.
    """

    _fitted_teacher = None  # nothing in a cache: `teacher_` is at hand

    def __init__(self, proba, classes, teacher=None):
        self.proba = proba
        self.classes = classes
        self.teacher = teacher

    @property
    def classes_(self):
        """Labels of the columns."""
        return self.classes

    @property
    def teacher_(self):
        """The fitted teacher."""
        return self.teacher

    def predict_proba(self, X):
        """The probabilities.

        Parameters
        ----------
        X : object
            Not looked at.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self.proba

    def predict(self, X):
        """Class of the largest probability.

        Parameters
        ----------
        X : object
            Not looked at.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.classes[self.proba.argmax(axis=1)]


class HeldOut:
    """Held-out rows and what is measured on them.

    Parameters
    ----------
    X : array-like, frame, sparse matrix or list of n_samples rows
    y : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
    scoring : str or callable
        The main metric.
    sample_weight, groups : ndarray of shape (n_samples,) or None
    seed : int
        Of the resamples.
    """

    def __init__(self, X, y, classes, scoring, *, sample_weight, groups, seed):
        self.X, self.y, self.classes, self.scoring = X, y, classes, scoring
        self.metric = scoring_name(scoring)
        self.weight, self.groups, self.seed = sample_weight, groups, seed

    def measure(self, proba, teacher_proba):
        """Metrics of a model.

        Parameters
        ----------
        proba, teacher_proba : ndarray of shape (n_samples, n_classes)

        Returns
        -------
        dict
            Float by column.
        draws : ndarray of shape (n_resamples,)
            Of the main metric.
        """
        score = {
            name: partial(self._mean, values) for name, values in self._by_row(proba).items()
        }
        score.setdefault(self.metric, partial(self._score, proba, teacher_proba))
        draws = {name: self._draws(of_rows) for name, of_rows in score.items()}
        columns, rows = self._whole(proba, teacher_proba), np.arange(len(self.y))
        for name, of_rows in score.items():
            columns |= {name: float(of_rows(rows))} | interval(name, draws[name])
        return columns, draws[self.metric]

    def _by_row(self, proba):
        """Metrics that are means over rows."""
        loss = log_loss_by_row(self.y, proba, classes=self.classes)
        right = (self.classes[proba.argmax(axis=1)] == self.y).astype(float)
        return {"log_loss": loss, "neg_log_loss": -loss, "accuracy": right}

    def _whole(self, proba, teacher_proba):
        """Metrics without an interval."""
        weight = {"sample_weight": self.weight}
        predicted = self.classes[proba.argmax(axis=1)]
        return {
            "kl": kl_divergence(teacher_proba, proba, **weight),
            "ks": ks_distance(teacher_proba, proba, **weight),
            "r2": r2_sorted(teacher_proba, proba, **weight),
            "agreement": agreement(teacher_proba, proba, **weight),
            "f1": f1_score(self.y, predicted, average="macro", zero_division=0, **weight),
            "roc_auc": self._roc_auc(proba),
        }

    def _roc_auc(self, proba):
        if len(np.unique(self.y)) < len(self.classes):
            return np.nan
        score = proba[:, 1] if len(self.classes) == 2 else proba
        return roc_auc_score(self.y, score, multi_class="ovr", sample_weight=self.weight)

    def _mean(self, values, rows):
        weight = None if self.weight is None else self.weight[rows]
        return np.average(values[rows], weights=weight)

    def _score(self, proba, teacher_proba, rows):
        teacher = Predicted(teacher_proba[rows], self.classes)
        model = Predicted(proba[rows], self.classes, teacher)
        X = rows if isinstance(self.scoring, str) else take_rows(self.X, rows)
        weight = {} if self.weight is None else {"sample_weight": self.weight[rows]}
        return get_scorer(self.scoring)(model, X, self.y[rows], **weight)

    def _draws(self, score):
        """A score of each resample; NaN where it is not defined, as without a class."""
        draws = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            for rows in self._resamples():
                try:
                    draws.append(score(rows))
                except (ValueError, ZeroDivisionError):
                    draws.append(np.nan)
        return np.array(draws)

    def _resamples(self):
        """The same for every model."""
        rng, n_samples = np.random.default_rng(self.seed), len(self.y)
        if self.groups is None:
            for _ in range(N_RESAMPLES):
                yield rng.integers(n_samples, size=n_samples)
            return
        _, codes = np.unique(self.groups, return_inverse=True)
        members = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
        for _ in range(N_RESAMPLES):
            drawn = rng.integers(len(members), size=len(members))
            yield np.concatenate([members[code] for code in drawn])


def interval(name, draws):
    """Columns with the ends of a percentile interval of 95 %.

    Parameters
    ----------
    name : str
    draws : ndarray of shape (n_resamples,)

    Returns
    -------
    dict
        ``<name>_low`` and ``<name>_high``.
    """
    draws = draws[np.isfinite(draws)]
    low, high = np.quantile(draws, TAILS) if draws.size else (np.nan, np.nan)
    return {f"{name}_low": float(low), f"{name}_high": float(high)}


def scoring_name(scoring):
    """What a column of this metric is called.

    Parameters
    ----------
    scoring : str or callable

    Returns
    -------
    str
    """
    return scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score")
