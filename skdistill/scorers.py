"""The combined loss as a score, for searches that compare candidates by it.

A candidate judged by the loss at its own temperature and alpha would win by choosing an
easy loss: the scorer carries its own, the same for all. The teacher's probabilities for
the rows that are scored come from the candidate's own teacher, which did not see them,
or from a teacher given to the scorer.
"""

import numpy as np
from joblib.memory import MemorizedResult
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_memory

from skdistill._probabilities import ask_teacher, last_step, smooth_counts
from skdistill.loss import CombinedLoss, logits


def combined_loss_scorer(temperature=2.0, alpha=0.5, *, teacher=None, scale_soft_loss=True):
    """Minus the combined loss of held-out rows, at one temperature and alpha for all.

    Parameters
    ----------
    temperature : float, default=2.0
        Greater than 0.
    alpha : float, default=0.5
        Weight of the teacher's term, in [0, 1].
    teacher : fitted classifier, default=None
        Gives the soft labels; it must not have seen the rows that are scored. None: the
        ``teacher_`` of the candidate, a :class:`DistilledClassifier` or a Pipeline that
        ends in one.
    scale_soft_loss : bool, default=True
        Whether the teacher's term carries the factor ``temperature**2``.

    Returns
    -------
    callable
        ``scorer(estimator, X, y, sample_weight=None)``, in nats, greater being better;
        for ``scoring=`` of any search.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdistill import DistilledClassifier
    >>> from skdistill.scorers import combined_loss_scorer
    >>> X, y = load_iris(return_X_y=True)
    >>> kd = DistilledClassifier(GaussianNB(), LogisticRegression(max_iter=1000)).fit(X, y)
    >>> float(combined_loss_scorer(alpha=0.0)(kd, X, y)) < 0
    True
    """
    return _CombinedLossScorer(temperature, alpha, teacher, scale_soft_loss)


class _CombinedLossScorer:
    """A class and no closure, so that processes can be sent one."""

    def __init__(self, temperature, alpha, teacher, scale_soft_loss):
        self.temperature = temperature
        self.alpha = alpha
        self.teacher = teacher
        self.scale_soft_loss = scale_soft_loss

    def __repr__(self):
        teacher = "" if self.teacher is None else f", teacher={self.teacher!r}"
        return (
            f"combined_loss_scorer({self.temperature!r}, {self.alpha!r}{teacher}, "
            f"scale_soft_loss={self.scale_soft_loss!r})"
        )

    def __call__(self, estimator, X, y, sample_weight=None):
        classes = estimator.classes_
        if self.teacher is None:
            proba = _label_by_own_teacher(estimator, X)
        else:
            proba = _label(self.teacher, X, classes)
        loss = CombinedLoss(
            proba,
            np.searchsorted(classes, np.asarray(y)),
            temperature=self.temperature,
            alpha=self.alpha,
            sample_weight=sample_weight,
            scale_soft_loss=self.scale_soft_loss,
            classes=classes,
        )
        return -float(loss.parts(logits(estimator.predict_proba(X))).total)


def _label(teacher, X, classes):
    """Probabilities as a student is taught them, before any calibration."""
    return smooth_counts(ask_teacher(teacher, X, classes), last_step(teacher))


def _label_by_own_teacher(estimator, X):
    """Labels of the teacher that taught a candidate; once, for all that it taught."""
    if isinstance(estimator, Pipeline):
        head = estimator[:-1]
        return _label_by_own_teacher(estimator[-1], head.transform(X) if len(head) else X)
    classes, fitted = estimator.classes_, estimator._fitted_teacher
    if not isinstance(fitted, MemorizedResult):
        return _label(estimator.teacher_, X, classes)
    cached = check_memory(estimator.memory).cache(_label_cached, ignore=["fitted"])
    return cached(X, classes, repr(fitted), fitted)


def _label_cached(X, classes, which, fitted):
    return _label(fitted.get(), X, classes)
