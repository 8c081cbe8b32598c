"""Scores against a teacher, for searches that compare candidates by them.

The teacher's probabilities for the rows that are scored are routed to the scorer as
``teacher_proba``, or come from a teacher given to it, or from the candidate's own, which
did not see them. Greater is always better: losses and distances are negated.

A candidate judged by the combined loss at its own temperature and alpha would win by
choosing an easy loss: the scorer carries its own, the same for all.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRequest

from skdistill._estimators._classes import proba_in_order
from skdistill._sklearn.scorers import TakesWeights
from skdistill._sklearn.validation import num_samples
from skdistill._typing import Rows
from skdistill.metrics import (
    agreement,
    combined_loss,
    kl_divergence,
    ks_distance,
    log_loss_by_row,
    r2_sorted,
)
from skdistill.teachers._ask import ask, ask_teacher
from skdistill.teachers._given import check_teacher_proba

SCORES = {  # metric, and what makes greater better
    "kl_to_teacher": (kl_divergence, -1),
    "ks_to_teacher": (ks_distance, -1),
    "r2_sorted": (r2_sorted, 1),
    "agreement": (agreement, 1),
    "combined_loss": (combined_loss, -1),
}


def teacher_scorer(name: str, *, teacher: Any = None, **options: Any) -> Callable[..., Any]:
    """A scorer by name that compares a candidate's probabilities with a teacher's.

    Parameters
    ----------
    name : {"kl_to_teacher", "ks_to_teacher", "r2_sorted", "agreement", "combined_loss"}
        `kl_divergence` and `ks_distance` of `skdistill.metrics` negated, `r2_sorted` and
        `agreement` as they are, the total of `combined_loss` negated. A score of
        marginal distributions, `ks_to_teacher` or `r2_sorted`, is no aim of a search on
        its own.
    teacher : fitted classifier, default=None
        Gives the soft labels; it must not have seen the rows that are scored. None: the
        ``teacher_`` of the candidate, a :class:`skdistill.DistilledClassifier`, alone, at
        the end of a Pipeline or best of a search.
    **options
        Handed to the metric: `temperature`, `alpha`, `scale_soft_loss` of `combined_loss`.

    Returns
    -------
    callable
        ``scorer(estimator, X, y, sample_weight=None, teacher_proba=None)``; for
        ``scoring=`` of any search. With metadata routing enabled its
        ``set_score_request(teacher_proba=True)`` asks for precomputed probabilities,
        which then serve instead of a teacher.

    Raises
    ------
    ValueError
        If the name is not known; when scoring, if there is no teacher to ask.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdistill import DistilledClassifier
    >>> from skdistill.scorers import teacher_scorer
    >>> X, y = load_iris(return_X_y=True)
    >>> kd = DistilledClassifier(GaussianNB(), LogisticRegression(max_iter=1000)).fit(X, y)
    >>> teacher_scorer("agreement")(kd, X, y) > 0.9
    True
    """
    if name not in SCORES:
        raise ValueError(f"name must be one of {list(SCORES)}, got {name!r}")
    return _TeacherScorer(name, teacher, options)


def combined_loss_scorer(
    temperature: float = 2.0,
    alpha: float = 0.5,
    *,
    teacher: Any = None,
    scale_soft_loss: bool = True,
) -> Callable[..., Any]:
    """Minus the combined loss of held-out rows, at one temperature and alpha for all.

    Parameters
    ----------
    temperature : float, default=2.0
        Greater than 0.
    alpha : float, default=0.5
        Weight of the teacher's term, in [0, 1].
    teacher : fitted classifier, default=None
        As in `teacher_scorer`.
    scale_soft_loss : bool, default=True
        Whether the teacher's term carries the factor ``temperature**2``.

    Returns
    -------
    callable
        ``teacher_scorer("combined_loss", ...)``, in nats.

    Examples
    --------
    >>> from skdistill.scorers import combined_loss_scorer
    >>> combined_loss_scorer(alpha=0.0)
    teacher_scorer('combined_loss', temperature=2.0, alpha=0.0, scale_soft_loss=True)
    """
    return teacher_scorer(
        "combined_loss",
        teacher=teacher,
        temperature=temperature,
        alpha=alpha,
        scale_soft_loss=scale_soft_loss,
    )


class _Scorer(TakesWeights):
    """A scorer that can ask for metadata; a class and no closure, to be sent to processes."""

    def set_score_request(self, *, sample_weight=None):
        """Which metadata this scorer asks for, where routing is enabled.

        Parameters
        ----------
        sample_weight : bool, str or None, default=None
            As in any ``set_score_request`` of scikit-learn.

        Returns
        -------
        self
        """
        return self._ask_for(sample_weight=sample_weight)

    def _ask_for(self, **requests):
        self._request = MetadataRequest(owner=repr(self))
        for name, alias in requests.items():
            self._request.score.add_request(param=name, alias=alias)
        return self

    def get_metadata_routing(self):
        """What `set_score_request` has set.

        Returns
        -------
        MetadataRequest
        """
        return self._request


class NegLogLoss(_Scorer):
    """scikit-learn's ``"neg_log_loss"``, also where a fold lacks a class.

    A class that only the rows scored hold has probability 0, which counts as the spacing
    of float64; a class that only the rows fitted on hold has its column all the same.

    Parameters
    ----------
    of_scores : bool, default=False
        Whether decision scores are taken for logits where there is no ``predict_proba``.
    """

    def __init__(self, *, of_scores: bool = False) -> None:
        self.of_scores = of_scores
        self.set_score_request()

    def __repr__(self):
        return f"NegLogLoss(of_scores={self.of_scores})"

    def __call__(
        self, estimator: Any, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Minus the mean log-loss, in nats."""
        if not (self.of_scores or hasattr(estimator, "predict_proba")):
            raise ValueError(
                f"{type(estimator).__name__} has no predict_proba, which the default "
                "log-loss needs; give scoring= another score, such as 'accuracy'"
            )
        classes = np.union1d(estimator.classes_, y)
        loss = log_loss_by_row(y, ask(estimator, X, classes, fill=True), classes=classes)
        return -np.average(loss, weights=sample_weight)


class _TeacherScorer(_Scorer):
    """Compares with a teacher."""

    def __init__(self, name, teacher, options):
        self.name = name
        self.teacher = teacher
        self.options = options
        self.set_score_request()

    def __repr__(self):
        given = (
            self.options if self.teacher is None else {"teacher": self.teacher, **self.options}
        )
        arguments = [repr(self.name), *(f"{name}={value!r}" for name, value in given.items())]
        return f"teacher_scorer({', '.join(arguments)})"

    def set_score_request(self, *, sample_weight=None, teacher_proba=None):
        """Which metadata this scorer asks for, where routing is enabled.

        Parameters
        ----------
        sample_weight, teacher_proba : bool, str or None, default=None
            As in any ``set_score_request`` of scikit-learn.

        Returns
        -------
        self
        """
        return self._ask_for(sample_weight=sample_weight, teacher_proba=teacher_proba)

    def __call__(self, estimator, X, y=None, sample_weight=None, teacher_proba=None):
        metric, sign = SCORES[self.name]
        classes = np.unique(estimator.classes_)
        teacher_proba = self._label(estimator, X, classes, teacher_proba)
        proba = proba_in_order(estimator, X, classes)
        given = {"sample_weight": sample_weight, **self.options}
        if metric is combined_loss:
            loss = combined_loss(teacher_proba, proba, y, classes=classes, **given)
            return sign * loss.total
        return sign * metric(teacher_proba, proba, **given)

    def _label(self, estimator, X, classes, teacher_proba):
        """Probabilities as a student is taught them, before any calibration."""
        if teacher_proba is not None:
            return check_teacher_proba(teacher_proba, num_samples(X), classes)
        if self.teacher is not None:
            return ask_teacher(self.teacher, X, classes)
        return _label_by_own_teacher(estimator, X)


def _label_by_own_teacher(estimator, X):
    """Labels of the teacher that taught a candidate; once, for all that it taught."""
    if hasattr(estimator, "best_estimator_"):
        return _label_by_own_teacher(estimator.best_estimator_, X)
    if isinstance(estimator, Pipeline):
        head = estimator[:-1]
        return _label_by_own_teacher(estimator[-1], head.transform(X) if len(head) else X)
    if not hasattr(estimator, "teacher_predict_proba"):
        raise ValueError(
            f"{type(estimator).__name__} has no teacher_ to be compared with; give the "
            "scorer a teacher=, or route teacher_proba to it"
        )
    return estimator.teacher_predict_proba(X)
