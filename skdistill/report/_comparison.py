"""`distillation_report`: teacher, plain and distilled student in one mapping.

What decides whether a distilled student ships: every metric of all three on held-out
rows, the paired differences with their intervals, what each costs, and a verdict that may
be that the plain student serves as well.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import column_or_1d

from skdistill._estimators._classes import proba_in_order, same_labels
from skdistill._estimators._inside import best_of, is_fitted, last_step, part_of
from skdistill._sklearn.validation import check_sample_weight
from skdistill._typing import Rows
from skdistill.classifier import DistilledClassifier
from skdistill.footprint import footprints
from skdistill.report._compared import Compared
from skdistill.report._mapping import DistillationReport, verdict
from skdistill.teachers._ask import ask_teacher, teacher_of

MAX_SEGMENTS = 50  # a column with more values is a number or a key


class Kept(NamedTuple):
    """What a report was made of, for the page that is written of it.

    Attributes
    ----------
    model, student, teacher : fitted classifier
        The best estimator of what was given, what ships of it, its teacher.
    compared : Compared
    X, X_train : rows, or None
    y_train : ndarray or None
    begun : datetime
    """

    model: Any
    student: Any
    teacher: Any
    compared: Compared
    X: Any
    X_train: Any
    y_train: np.ndarray | None
    begun: datetime


def distillation_report(
    model: Any,
    X: Rows,
    y: ArrayLike,
    *,
    teacher: Any = None,
    plain: Any = None,
    X_train: Rows = None,
    y_train: ArrayLike | None = None,
    by: str | int | None = None,
    sample_weight: ArrayLike | None = None,
) -> DistillationReport:
    """Compare a distilled student with its teacher and with the plain student.

    Parameters
    ----------
    model : fitted classifier
        A :class:`skdistill.DistilledClassifier`, alone, at the end of a Pipeline or best
        of a search; or a student alone, if `teacher` is given.
    X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)
        Test rows, which none of the models has seen.
    y : array-like of shape (n_samples,)
    teacher : fitted classifier, default=None
        None: the ``teacher_`` of the model. Its votes are smoothed as for soft labels,
        if it is a forest.
    plain : classifier or search, default=None
        The student that hard labels alone give. Fitted here to the training rows unless
        it is fitted already; a search tunes it, as is fair to a distilled student that was
        tuned. None: the student of the model, with the model's parameters.
    X_train, y_train : rows like those of X and their labels, default=None
        The rows the model was fitted on. Without them the report has no "train" part and,
        unless `plain` is fitted, no plain student.
    by : str or int, default=None
        Column of X, its name in a frame or its number in an array; each of its values is
        a segment that is reported apart.
    sample_weight : array-like of shape (n_samples,), default=None
        Of the rows of X: weights their metrics and differences. Training rows have none; a
        model that was fitted with weights needs a `plain` that was too.

    Returns
    -------
    DistillationReport
        A dict. Intervals are 95 % percentile bootstraps, paired: they resample rows of
        the differences, for the ROC AUC to first order (DeLong et al. 1988). They say
        nothing of what other training rows would give.

    Raises
    ------
    ValueError
        If there is no teacher to compare with, `plain` needs training rows and there are
        none, only one of `X_train` and `y_train` is given, or `by` has more than 50 values.

    References
    ----------
    Efron, Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import DistilledClassifier
    >>> from skdistill.report import distillation_report
    >>> X, y = load_iris(return_X_y=True)
    >>> train, test = slice(0, None, 2), slice(1, None, 2)
    >>> tree = DecisionTreeClassifier(max_depth=2, random_state=0)
    >>> kd = DistilledClassifier(GaussianNB(), tree).fit(X[train], y[train])
    >>> report = distillation_report(
    ...     kd, X[test], y[test], X_train=X[train], y_train=y[train]
    ... )
    >>> report["test"]["distilled"]["accuracy"] > 0.9
    True
    """
    begun = datetime.now(UTC)
    if (X_train is None) != (y_train is None):
        raise ValueError("X_train and y_train belong together; give both or neither")
    models = {
        "teacher": teacher_of(model, teacher),
        "plain": _plain_of(model, plain, X_train, y_train),
        "distilled": model,
    }
    models = {name: one for name, one in models.items() if one is not None}
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X, ensure_non_negative=True)
    rows = _compared(models, X, y)._replace(weight=sample_weight)
    report = DistillationReport(verdict="", test=rows.section())
    if "plain" in models:
        report["retention"] = rows.retention()
    report["verdict"] = " ".join(_sentences(model, report, rows))
    if X_train is not None:
        report["train"] = _compared(models, X_train, y_train).section(differences=False)
    if by is not None:
        report["segments"] = _by_segment(rows, X, by)
    report["footprint"] = _footprints(models, X)
    report.kept = _kept(models, rows, X, X_train, y_train, begun)
    return report


def _by_segment(rows, X, by):
    """A section for each value of a column that a row of some weight has."""
    weight = np.ones(len(rows.y)) if rows.weight is None else rows.weight
    return {
        value: rows.take(chosen).section()
        for value, chosen in _segments(X, by)
        if weight[chosen].any()
    }


def _kept(models, rows, X, X_train, y_train, begun):
    model = models["distilled"]
    return Kept(
        model=best_of(model),
        student=part_of(model, "student_"),
        teacher=models["teacher"],
        compared=rows,
        X=X,
        X_train=X_train,
        y_train=None if y_train is None else column_or_1d(y_train),
        begun=begun,
    )


def _sentences(model, report, rows):
    """The verdict on the log-loss, and its limits."""
    student = type(last_step(part_of(model, "student_"))).__name__
    if "retention" not in report:
        yield f"{student}: no plain student to compare with; give X_train and y_train."
        return
    yield f"{student}: {verdict(report['retention'])}."
    gain = report["test"]["distilled - plain"]
    if report["retention"].low > 0 and gain["brier"].high >= 0 and gain["accuracy"].low <= 0:
        yield "In Brier score and in accuracy no gain is detectable."
    ruled_out = rows.probas["plain"][rows.y[:, None] == rows.classes] == 0
    if rows.weight is not None:
        ruled_out &= rows.weight > 0
    if n_ruled_out := np.count_nonzero(ruled_out):
        yield (
            f"The plain student rules out what happened in {n_ruled_out} of {len(rows.y)} "
            "test rows: give plain= one that is bounded, or a search."
        )


# Models ------------------------------------------------------------------------------


def _plain_of(model, plain, X_train, y_train):
    """The plain student, fitted; None where there is nothing to fit it to."""
    if plain is not None and is_fitted(plain):
        return plain
    if X_train is None:
        if plain is None:
            return None
        raise ValueError(
            f"plain={type(plain).__name__} is not fitted and there are no rows to fit it "
            "to; give X_train and y_train"
        )
    plain = _undistilled(model) if plain is None else clone(plain)
    return plain.fit(X_train, y_train)


def _undistilled(model):
    """The model at alpha 0 and without a teacher: what the student's own fit gives."""
    plain = step = clone(best_of(model))
    at = ""
    while isinstance(step, Pipeline):
        name, step = step.steps[-1]
        at += f"{name}__"
    if isinstance(step, DistilledClassifier):
        plain.set_params(**{f"{at}{name}": value for name, value in _HARD_LABELS.items()})
    return plain


_HARD_LABELS = {
    "teacher": DummyClassifier(strategy="uniform"),  # has no say, takes no time
    "temperature": 1.0,
    "alpha": 0.0,
    "cv": None,
    "calibrate_teacher": False,
    "max_samples": None,
    "memory": None,
}


def _footprints(models, X):
    shipped = {
        name: one if name == "teacher" else part_of(one, "student_")
        for name, one in models.items()
    }
    found = footprints(shipped, X, method=_scores)
    costs = {name: cost._asdict() for name, cost in found.items()}
    for cost in costs.values():
        cost["compression_ratio"] = costs["teacher"]["bytes"] / cost["bytes"]
    return costs


def _scores(model):
    return "predict_proba" if hasattr(model, "predict_proba") else "decision_function"


def _compared(models, X, y):
    classes, distilled = models["distilled"].classes_, last_step(best_of(models["distilled"]))
    probas = {name: _ask(name, one, X, classes) for name, one in models.items()}
    if not isinstance(distilled, DistilledClassifier):
        distilled = DistilledClassifier()
    scale = {"temperature": distilled.temperature, "alpha": distilled.alpha}
    return Compared(column_or_1d(y), probas, classes, scale)


def _ask(name, model, X, classes):
    if name == "teacher":
        return ask_teacher(model, X, classes)
    if not same_labels(model, classes):
        raise ValueError(
            f"plain has the classes {np.asarray(model.classes_).tolist()}, the model "
            f"{np.asarray(classes).tolist()}; fit both on the same labels"
        )
    return np.asarray(proba_in_order(model, X, classes), dtype=np.float64)


def _segments(X, by):
    """Values of a column, as text, and the rows that have them."""
    column = np.asarray(X[by] if hasattr(X, "columns") else X[:, by])
    values = np.array([str(value) for value in column])
    names = np.unique(values)
    if len(names) > MAX_SEGMENTS:
        raise ValueError(
            f"by={by!r} has {len(names)} values, more than {MAX_SEGMENTS}: bin it into a "
            "column of its own"
        )
    return [(str(name), np.flatnonzero(values == name)) for name in names]
