"""Measures of predictions for held-out rows, and their intervals. Nothing is chosen by them.

Every model is measured on the same rows and the same resamples of them, so that the
difference of two models is paired. Where rows come in groups, groups are resampled.
"""

import warnings
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import get_scorer

from skdistill._sklearn.scorers import takes_weights
from skdistill._sklearn.validation import take_rows
from skdistill.metrics._arrays import over_classes, weights
from skdistill.metrics._fidelity import ks_by_class, r2_by_class
from skdistill.metrics._intervals import N_RESAMPLES, interval, resamples
from skdistill.metrics._quality import quality_by_row

_OWN = ("neg_log_loss", "accuracy", "roc_auc")  # scorers that need not be called
FEW_RESAMPLES = 400  # where a scorer is called for each, which takes milliseconds


class Predicted(ClassifierMixin, BaseEstimator):
    """A model whose predictions are made already, for scorers: it returns them for any X.

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
        values, columns = measured(once), self._of_distributions(proba, teacher_proba)
        in_resamples = [list(measured(times).values()) for times in self._resamples()]
        draws = np.reshape(in_resamples, (-1, len(values))).T
        for (name, value), drawn in zip(values.items(), draws, strict=True):
            columns |= interval(value, drawn).columns(name)
        return columns, draws[list(values).index(self.metric)]

    def check_scoring(self):
        """Refuse a scorer whose score is no number, before anything is fitted.

        Raises
        ------
        ValueError
            If it is a mapping, as several metrics are, or something else.
        """
        uniform = np.full((len(self.y), len(self.classes)), 1 / len(self.classes))
        score = self._score(uniform, uniform, np.ones(len(self.y), dtype=int))
        if not isinstance(score, Real):
            raise ValueError(
                f"scoring={self.scoring!r} gives a {type(score).__name__} and no number; give "
                "a scorer of one metric"
            )

    def _resamples(self):
        """The same for every model."""
        n_resamples = N_RESAMPLES if self.scoring in _OWN else FEW_RESAMPLES
        how = {"n_resamples": n_resamples, "random_state": self.seed}
        return resamples(len(self.y), groups=self.groups, **how)

    def _measured(self, proba, teacher_proba):
        """A function from how many times each row was drawn to the metrics."""
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
            "kl_to_teacher": rows["kl_to_teacher"],
            "agreement": rows["agreement"],
        }

    def _of_distributions(self, proba, teacher_proba):
        """Measures without an interval: resamples differ more than the distributions."""
        given = teacher_proba, proba, weights(self.weight, len(proba))
        return {
            "ks_to_teacher": over_classes(ks_by_class(*given), "macro"),
            "r2_sorted": over_classes(r2_by_class(*given), "macro"),
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


def _macro_f1(confusion):
    """Mean over the classes that are there or were predicted."""
    found = confusion.sum(axis=0) + confusion.sum(axis=1)
    return np.mean(2 * confusion.diagonal()[found > 0] / found[found > 0])


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
