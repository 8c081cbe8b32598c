"""The case of an `AutoDistiller`: its leaderboard, and the rows it was fitted on."""

import numpy as np
from sklearn.utils import indexable
from sklearn.utils.validation import column_or_1d

from skdistill._sklearn.validation import num_samples, take_rows
from skdistill.auto._leaderboard import TEACHER
from skdistill.auto._provenance import data_hash
from skdistill.report.page._case import Case, Rows
from skdistill.teachers._given import check_teacher_proba

_PROBA = "teacher_proba"
_NO_ROWS = "Needs the rows: write_report(auto, path, X, y), with the X and y of fit."


def case_of_auto(auto, X, y, sample_weight, groups, teacher_proba):
    """The case of a fitted `AutoDistiller`.

    Parameters
    ----------
    auto : AutoDistiller
    X, y, sample_weight, groups, teacher_proba : array-like or None
        As its `fit` had them.

    Returns
    -------
    Case

    Raises
    ------
    ValueError
        If X and y are not those that `fit` had.
    """
    board, held_out = auto.leaderboard_, auto.held_out_
    chosen = str(board["name"][board["chosen"]][0])
    family = board.row(chosen)["family"]
    names = auto.provenance_["feature_names"]
    given = {"sample_weight": sample_weight, "groups": groups, _PROBA: teacher_proba}
    return Case(
        board=board,
        metric=auto.metric_,
        scoring=auto.scoring or "neg_log_loss",
        classes=auto.classes_,
        held_out=held_out,
        chosen=chosen,
        plain=_finished(board, family, "plain"),
        distilled=_finished(board, family, "distilled"),
        model=auto.best_estimator_,
        student=auto.best_student_,
        fitted_to_train=None,
        names=names,
        limits={"bytes": auto.max_bytes, "latency_us": auto.max_latency_us},
        provenance=auto.provenance_,
        rows=None if X is None else _rows_of_auto(auto, X, y, given),
        fit_names=_fit_names(auto),
        no_rows="" if X is not None else _NO_ROWS,
        no_refit=_no_refit(auto, X, teacher_proba),
    )


def _no_refit(auto, X, teacher_proba):
    if X is None:
        return _NO_ROWS
    if _PROBA in _fit_names(auto) and teacher_proba is None:
        return "Needs the soft labels: write_report(..., teacher_proba=P), with those of fit."
    return ""


def _fit_names(auto):
    had = {
        "sample_weight": auto.held_out_.sample_weight is not None,
        _PROBA: auto.provenance_["teacher"] == _PROBA,
    }
    return [name for name, there in had.items() if there]


def _finished(board, family, kind):
    """The row of this kind that was chosen, else the one that the search prefers."""
    of_kind = (board["family"] == family) & (board["kind"] == kind) & (board["error"] == "")
    rows = np.flatnonzero(of_kind)
    if not rows.size:
        return None
    preferred = np.where(board["chosen"][rows], np.inf, board["search_score"][rows])
    return str(board["name"][rows[preferred.argmax()]])


def _rows_of_auto(auto, X, y, given):
    X, y = indexable(X, y)
    y = column_or_1d(y)
    _check_same(auto.provenance_, X, y)
    if (proba := given[_PROBA]) is not None:
        given = given | {_PROBA: check_teacher_proba(proba, len(y), auto.classes_)}
    given = {name: np.asarray(one) for name, one in given.items() if one is not None}
    _check_given(auto, given)
    train, test = auto.held_out_.train, auto.held_out_.test
    given = {name: values[train] for name, values in given.items()}
    X_test = take_rows(X, test)
    return Rows(
        X_test=X_test,
        X_student=X_test,
        names=auto.provenance_["feature_names"],
        unseen=~np.isin(test, train),
        X_train=take_rows(X, train),
        y_train=y[train],
        groups=given.pop("groups", None),
        fit_params=given,
    )


def _check_same(provenance, X, y):
    n_samples = provenance["n_samples"]
    if num_samples(X) != n_samples:
        raise ValueError(
            f"X has {num_samples(X)} rows and fit had {n_samples}: give the X and y of fit"
        )
    if data_hash(X, y) != provenance["data_hash"]:
        raise ValueError(
            "X and y are not those of fit: their fingerprint is another. The held-out rows "
            "could not be found in them; give the same, in the same order"
        )


def _check_given(auto, given):
    """What fit had beside X and y; soft labels may be left out, and then refits are."""
    kept, labelled = auto.held_out_, _PROBA in _fit_names(auto)
    expected = {"sample_weight": kept.sample_weight, "groups": kept.groups}
    if _PROBA in given:
        expected[_PROBA] = kept.proba[TEACHER] if labelled else None
    for name, values in expected.items():
        if (name in given) != (values is not None):
            had = f"fit had no {name}" if name in given else f"fit had {name}"
            raise ValueError(f"{had}: give write_report the same")
        if name in given and not np.array_equal(given[name][kept.test], values):
            raise ValueError(f"{name} is not that of fit: other values for the held-out rows")
