"""Measures of predictions for rows that nothing was chosen by, and their intervals.

Every model is measured on the same rows and the same resamples of them, so that the
difference of two models is paired. Where rows come in groups, groups are resampled. A
resample is a weight for each row, so that means over rows are one matrix product.
"""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import get_scorer

from skdistill._sklearn.scorers import takes_weights
from skdistill._sklearn.validation import take_rows
from skdistill.metrics import ks_distance, r2_sorted
from skdistill.metrics._quality import quality_by_row

N_RESAMPLES = 400
TAILS = (0.025, 0.975)
_OWN = ("neg_log_loss", "accuracy", "roc_auc")  # scorers that need not be called


class Predicted(ClassifierMixin, BaseEstimator):
    """A model that has predicted, for scorers: it knows its rows, whatever X it is given.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
    classes : ndarray of shape (n_classes,)
    teacher : Predicted, default=None
        For scorers that ask a model's own teacher.
    """

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

    def teacher_predict_proba(self, X):
        """The teacher's probabilities.

        Parameters
        ----------
        X : object
            Not looked at.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self.teacher.proba

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
        once, measured = np.ones(len(self.y), dtype=int), self._measured(proba, teacher_proba)
        values = measured(once)
        draws = np.array([list(measured(n).values()) for n in self._resamples()]).T
        columns = self._of_distributions(proba, teacher_proba)
        for name, drawn in zip(values, draws, strict=True):
            columns |= {name: values[name]} | interval(name, drawn)
        return columns, draws[list(values).index(self.metric)]

    def _measured(self, proba, teacher_proba):
        """The metrics as a function of how many times each row is there."""
        by_row = self._by_row(proba, teacher_proba)
        table = np.column_stack(list(by_row.values()))
        n_classes = len(self.classes)
        cell = n_classes * np.searchsorted(self.classes, self.y) + proba.argmax(axis=1)

        def measured(times):
            weight = times if self.weight is None else times * self.weight
            values = dict(zip(by_row, weight @ table / weight.sum(), strict=True))
            confusion = np.bincount(cell, weight, n_classes**2).reshape(n_classes, -1)
            values["f1"] = _macro_f1(confusion)
            values["roc_auc"] = min(values["roc_auc"], 1.0)  # a line, which may pass it
            if self.scoring not in _OWN:
                values[self.metric] = self._score(proba, teacher_proba, times)
            return values

        return measured

    def _by_row(self, proba, teacher_proba):
        """Metrics that are means over rows."""
        rows = quality_by_row(
            self.y, proba, teacher_proba, self.classes, sample_weight=self.weight
        )
        return {
            "neg_log_loss": -rows["log_loss"],
            "log_loss": rows["log_loss"],
            "accuracy": rows["accuracy"],
            "roc_auc": rows["roc_auc"],
            "kl": rows["kl_to_teacher"],
            "agreement": rows["agreement"],
        }

    def _of_distributions(self, proba, teacher_proba):
        """Without an interval: resamples differ more than the distributions they are of."""
        weight = {"sample_weight": self.weight}
        return {
            "ks": ks_distance(teacher_proba, proba, **weight),
            "r2": r2_sorted(teacher_proba, proba, **weight),
        }

    def _score(self, proba, teacher_proba, times):
        """The main metric by its scorer; NaN where it is not defined, as without a class."""
        rows = np.repeat(np.arange(len(times)), times)
        scorer = get_scorer(self.scoring)
        teacher = Predicted(teacher_proba[rows], self.classes)
        model = Predicted(proba[rows], self.classes, teacher)
        X = rows if isinstance(self.scoring, str) else take_rows(self.X, rows)
        weighted = self.weight is not None and takes_weights(scorer)
        weight = {"sample_weight": self.weight[rows]} if weighted else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            try:
                return scorer(model, X, self.y[rows], **weight)
            except (ValueError, ZeroDivisionError):
                return np.nan

    def _resamples(self):
        """How many times each row was drawn; the same for every model."""
        rng, n_samples = np.random.default_rng(self.seed), len(self.y)
        group = np.arange(n_samples)
        if self.groups is not None:
            _, group = np.unique(self.groups, return_inverse=True)
        n_groups = group.max() + 1
        for _ in range(N_RESAMPLES):
            drawn = rng.integers(n_groups, size=n_groups)
            yield np.bincount(drawn, minlength=n_groups)[group]


def _macro_f1(confusion):
    """Mean over the classes that are there or were predicted."""
    found = confusion.sum(axis=0) + confusion.sum(axis=1)
    return np.mean(2 * confusion.diagonal()[found > 0] / found[found > 0])


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
