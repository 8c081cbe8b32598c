"""`distillation_report`: teacher, plain and distilled student in one mapping.

What decides whether a distilled student ships: every metric of all three on held-out
rows, the paired differences with their intervals, what each costs, and a verdict that may
be that the plain student serves as well.
"""

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import column_or_1d

from skdistill._probabilities import ask_teacher, last_step
from skdistill.classifier import DistilledClassifier
from skdistill.footprint import footprint
from skdistill.metrics._comparison import Compared
from skdistill.teachers import is_fitted

MAX_SEGMENTS = 50
_HEADLINES = ("log_loss", "brier", "roc_auc", "accuracy", "agreement")


class DistillationReport(dict):
    """What `distillation_report` found; prints as tables.

    Keys
    ----
    verdict : str
        In a sentence, whether distilling pays on the test rows.
    retention : Retention
        Share of the teacher's lead in log-loss that is kept; absent without a plain
        student.
    test, train : dict
        ``n_samples``; by "teacher", "plain" and "distilled" a dict of metrics; by
        "distilled - plain" and "distilled - teacher" a ``(value, low, high)`` for each
        metric that is a mean over rows, and for the ROC AUC. "train" only where its rows
        were given, without differences.
    segments : dict
        The same as "test" for each value of the column `by`, if one is named.
    footprint : dict
        By model a dict of bytes, parameters, features used, seconds, and
        ``compression_ratio``, how many times fewer bytes it has than the teacher.
    """

    def to_dict(self):
        """Its numbers, flat, for loggers.

        Returns
        -------
        dict of float
            With keys like "test/distilled/log_loss" and
            "test/distilled - plain/log_loss/low". What is not known is left out.
        """
        return dict(_flat(self))

    def to_frame(self):
        """A line for each model and part of the rows, a column for each number.

        Returns
        -------
        pandas.DataFrame
            Indexed by part ("test", "train", "segment VALUE") and model; the differences
            are lines too, with their "low" and "high". The footprint of a model is in
            its test line.

        Raises
        ------
        ImportError
            Without pandas.
        """
        import pandas as pd

        lines = {}
        for part, section in self._parts():
            for name, values in section.items():
                if name != "n_samples":
                    lines |= _lines(part, name, values, section["n_samples"])
        for name, cost in self["footprint"].items():
            lines["test", name] |= cost
        frame = pd.DataFrame.from_dict(lines, orient="index")
        frame.index = pd.MultiIndex.from_tuples(lines, names=["part", "model"])
        return frame

    def _parts(self):
        yield from ((part, self[part]) for part in ("test", "train") if part in self)
        for value, section in self.get("segments", {}).items():
            yield f"segment {value}", section

    def __str__(self):
        test, costs = self["test"], self["footprint"]
        models = list(costs)
        blocks = [[self["verdict"]], _table(f"test, {test['n_samples']} rows", test, models)]
        if "train" in self:
            rows = f"train, {self['train']['n_samples']} rows"
            blocks.append(_table(rows, self["train"], models, _HEADLINES))
        blocks.append(_table("footprint", costs, models))
        if "segments" in self:
            blocks.append(_segment_table(self["segments"], models))
        return "\n\n".join("\n".join(block) for block in blocks)

    __repr__ = __str__


def distillation_report(
    model, X, y, *, teacher=None, plain=None, X_train=None, y_train=None, by=None
):
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
    if (X_train is None) != (y_train is None):
        raise ValueError("X_train and y_train belong together; give both or neither")
    models = {
        "teacher": _teacher_of(model) if teacher is None else teacher,
        "plain": _plain_of(model, plain, X_train, y_train),
        "distilled": model,
    }
    models = {name: one for name, one in models.items() if one is not None}
    rows = _compared(models, X, y)
    report = DistillationReport(verdict="", test=rows.section())
    if "plain" in models:
        report["retention"] = rows.retention()
    report["verdict"] = _sentence(model, report.get("retention"))
    if X_train is not None:
        report["train"] = _compared(models, X_train, y_train).section(differences=False)
    if by is not None:
        report["segments"] = {
            value: rows.take(chosen).section() for value, chosen in _segments(X, by)
        }
    report["footprint"] = _footprints(models, X)
    return report


def verdict(share):
    """What a share of the teacher's lead says, in words.

    Parameters
    ----------
    share : Retention

    Returns
    -------
    str
    """
    if np.isnan(share.value):
        if share.low > 0:
            return "the teacher has no lead to keep, yet distilling pays"
        return "the teacher is no better than the plain student: ship the plain one"
    value, low, high = (100 * end for end in share)
    if not np.isfinite(low + high):
        return "the teacher's lead over the plain student is in doubt: ship the plain one"
    kept = f"{value:.0f} % of the teacher's lead, 95 % interval {low:.0f} to {high:.0f}"
    if low > 0:
        return f"keeps {kept}"
    if high < 0:
        return f"distilling does harm ({kept}): ship the plain one"
    return f"no detectable gain ({kept}): ship the plain one"


def _sentence(model, share):
    student = type(last_step(_part(model, "student_"))).__name__
    if share is None:
        return f"{student}: no plain student to compare with; give X_train and y_train."
    return f"{student}: {verdict(share)}."


# Models ------------------------------------------------------------------------------


def _best(model):
    return getattr(model, "best_estimator_", model)


def _part(model, attribute):
    """What a distilled model holds, behind the steps of its pipeline; others as they are."""
    model = _best(model)
    if isinstance(model, Pipeline):
        *head, (name, last) = model.steps
        return Pipeline([*head, (name, _part(last, attribute))])
    return getattr(model, attribute, model)


def _teacher_of(model):
    last = last_step(_best(model))
    if not hasattr(last, "teacher_"):
        raise ValueError(
            f"{type(last).__name__} has no teacher_ to compare with, as after a fit with "
            "teacher_proba; pass teacher="
        )
    return _part(model, "teacher_")


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
    """The model at alpha 0, which is what its student's own fit gives, and no teacher."""
    plain = step = clone(_best(model))
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
        name: one if name == "teacher" else _part(one, "student_")
        for name, one in models.items()
    }
    costs = {
        name: footprint(one, X, method=_scores(one))._asdict() for name, one in shipped.items()
    }
    for cost in costs.values():
        cost["compression_ratio"] = costs["teacher"]["n_bytes"] / cost["n_bytes"]
    return costs


def _scores(model):
    return "predict_proba" if hasattr(model, "predict_proba") else "decision_function"


def _compared(models, X, y):
    classes, distilled = models["distilled"].classes_, last_step(_best(models["distilled"]))
    probas = {name: _ask(name, one, X, classes) for name, one in models.items()}
    if not isinstance(distilled, DistilledClassifier):
        distilled = DistilledClassifier()
    scale = {"temperature": distilled.temperature, "alpha": distilled.alpha}
    return Compared(column_or_1d(y), probas, classes, scale)


def _ask(name, model, X, classes):
    if name == "teacher":
        return ask_teacher(model, X, classes)
    if not np.array_equal(model.classes_, classes):
        raise ValueError(
            f"plain has the classes {np.asarray(model.classes_).tolist()}, the model "
            f"{np.asarray(classes).tolist()}; fit both on the same labels"
        )
    return np.asarray(model.predict_proba(X), dtype=np.float64)


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


# Numbers as lines ----------------------------------------------------------------------


def _flat(tree, prefix=""):
    for key, value in tree.items():
        value = value._asdict() if hasattr(value, "_asdict") else value
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}/")
        elif isinstance(value, int | float):
            yield f"{prefix}{key}", float(value)


def _lines(part, name, values, n_samples):
    """Lines of a frame: one for a model, three for a difference."""
    if " - " not in name:
        return {(part, name): {"n_samples": n_samples, **values}}
    return {
        (part, name + suffix): {metric: getattr(one, end) for metric, one in values.items()}
        for suffix, end in (("", "value"), (", low", "low"), (", high", "high"))
    }


def _table(title, section, models, metrics=None):
    """A line for each metric, a column for each model and for the gain."""
    gain = section.get("distilled - plain", {})
    heading = [title, *models] + (["distilled - plain, 95 % interval"] if gain else [])
    body = [
        [
            name.replace("_", " "),
            *(_number(section[model][name]) for model in models),
            *([_with_interval(gain.get(name))] if gain else []),
        ]
        for name in metrics or section[models[0]]
    ]
    return aligned([heading, *body])


def _segment_table(segments, models):
    heading = ["segment, log-loss", "rows", *models, "distilled - plain, 95 % interval"]
    body = [
        [
            value,
            str(section["n_samples"]),
            *(_number(section[model]["log_loss"]) for model in models),
            _with_interval(section.get("distilled - plain", {}).get("log_loss")),
        ]
        for value, section in segments.items()
    ]
    return aligned([heading, *body])


def _number(value):
    if value is None:
        return "?"
    if isinstance(value, int):
        return str(value)
    return f"{value if abs(value) > 1e-12 else 0:.4g}"  # no rounding error in the table


def _with_interval(one):
    return "" if one is None else f"{one.value:+.4f}  [{one.low:+.4f}, {one.high:+.4f}]"


def aligned(rows):
    """Rows of cells as lines of text: the first column to the left, others to the right.

    Parameters
    ----------
    rows : list of list of str

    Returns
    -------
    list of str
        Columns are two blanks apart or more.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [first.ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        ).rstrip()
        for first, *cells in rows
    ]
