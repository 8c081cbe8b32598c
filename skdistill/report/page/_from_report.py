"""The case of a comparison: two or three models as a leaderboard, and the rows it kept."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from skdistill._estimators._inside import last_step
from skdistill.auto._held_out import HeldOut
from skdistill.auto._leaderboard import TEACHER, leaderboard
from skdistill.auto._provenance import provenance
from skdistill.auto._selection import pareto_front
from skdistill.classifier import DistilledClassifier
from skdistill.report.page._anatomy import feature_names
from skdistill.report.page._case import Case, Rows

_METRIC = "neg_log_loss"


def case_of_report(report):
    """The case of a `DistillationReport`.

    Parameters
    ----------
    report : DistillationReport

    Returns
    -------
    Case

    Raises
    ------
    ValueError
        If it was pickled or copied, and holds numbers alone.
    """
    kept = _kept(report)
    compared, model = kept.compared, last_step(kept.model)
    family = type(last_step(kept.student)).__name__
    names = {"teacher": TEACHER, "plain": f"{family}, plain", "distilled": family}
    names = {role: names[role] for role in compared.probas}
    held_out = _held_out(compared, names)
    return Case(
        board=_board(report, held_out, names, family),
        metric=_METRIC,
        scoring=_METRIC,
        classes=compared.classes,
        held_out=held_out,
        chosen=family,
        plain=names.get("plain"),
        distilled=family,
        model=model if isinstance(model, DistilledClassifier) else None,
        student=kept.student,
        fitted_to_train=kept.model,
        names=_names(kept.X),
        limits={"bytes": None, "latency_us": None},
        provenance=_provenance(kept),
        rows=_rows(kept),
        fit_names=[],
        no_rows="",
        no_refit=_no_refit(kept, model),
    )


def _kept(report):
    if report.kept is None:
        raise ValueError(
            "this report holds its numbers alone, as after pickling or copying, and a page "
            "needs its models and rows: call distillation_report again"
        )
    return report.kept


def _held_out(compared, names):
    """As ``AutoDistiller.held_out_``."""
    return Bunch(
        y=compared.y,
        sample_weight=compared.weight,
        groups=None,
        proba={name: compared.probas[role] for role, name in names.items()},
    )


def _board(report, held_out, names, family):
    kept, twin = report.kept, names.get("plain", "")
    measure = HeldOut(
        kept.X,
        held_out.y,
        kept.compared.classes,
        _METRIC,
        sample_weight=held_out.sample_weight,
        groups=None,
        seed=0,
    ).measure
    rows, draws = [], {}
    for role, name in names.items():
        row = {"name": name, "family": TEACHER if role == TEACHER else family, "kind": role}
        row |= {
            "plain_twin": twin if role == "distilled" else "",
            "params": _params(kept, role),
        }
        row |= _cost(report["footprint"][role]) | {"chosen": role == "distilled"}
        measured, draws[name] = measure(held_out.proba[name], held_out.proba[TEACHER])
        rows.append(row | measured)
    board = leaderboard(rows, _METRIC, draws)
    score = np.where(board["kind"] == TEACHER, np.nan, board[_METRIC])
    board["on_front"] = pareto_front(score, board)
    return board


def _params(kept, role):
    distils = isinstance(last_step(kept.model), DistilledClassifier)
    return kept.compared.scale if distils and role == "distilled" else {}


def _cost(cost):
    known = ("bytes", "n_parameters", "latency_us", "latency_us_low", "latency_us_high")
    return {name: np.nan if cost[name] is None else float(cost[name]) for name in known}


def _provenance(kept):
    known = Bunch(classes_=kept.compared.classes, n_features_in_=None)
    known.random_state = getattr(last_step(kept.model), "random_state", None)
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(kept.model, name):
            known[name] = getattr(kept.model, name)
    y = kept.compared.y
    splits = [(np.arange(0), np.arange(len(y)))]  # what it was fitted on is not known here
    found = provenance(known, kept.X, y, kept.teacher, {}, splits, kept.begun)
    return found | {"seconds": None}


def _no_refit(kept, model):
    if not isinstance(model, DistilledClassifier):
        return (
            f"The report was given a student alone, a {type(model).__name__}: give it the "
            "DistilledClassifier, which says how it was distilled."
        )
    if not hasattr(model, "teacher_"):
        return "The model was fitted with teacher_proba, which the report was not given."
    if kept.X_train is None:
        return (
            "Needs the rows it was fitted on: "
            "distillation_report(..., X_train=X_train, y_train=y_train)."
        )
    return ""


def _names(X):
    return list(X.columns) if hasattr(X, "columns") else None


def _rows(kept):
    return Rows(
        X_test=kept.X,
        X_student=_behind_head(kept.model, kept.X),
        names=feature_names(kept.model, _names(kept.X)),
        unseen=np.ones(len(kept.compared.y), dtype=bool),
        X_train=None if kept.X_train is None else _behind_head(kept.model, kept.X_train),
        y_train=kept.y_train,
        fit_params={},
        groups=None,
    )


def _behind_head(model, X):
    """Rows behind the fitted steps of a pipeline."""
    while isinstance(model, Pipeline):
        for _, step in model.steps[:-1]:
            X = X if step in (None, "passthrough") else step.transform(X)
        model = model.steps[-1][1]
    return X
