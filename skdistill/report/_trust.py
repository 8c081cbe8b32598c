"""Whether to trust the student: calibration, swaps, and where it departs from its teacher.

Rows and segments are ranked by total variation, the largest difference that teacher and
student make in the probability of any event. Segments are values or quantile bins of one
column; they are ranked by the lower end of an interval of their mean, so that a handful
of odd rows is no segment.
"""

import numpy as np

from skdistill.metrics import (
    agreement,
    calibration_line,
    expected_calibration_error,
    kl_divergence,
    log_loss_by_row,
    observed_over_expected,
    swap_share,
    total_variation,
)
from skdistill.metrics._fidelity import variation_by_row
from skdistill.report._case import TEACHER
from skdistill.report._columns import columns_of, parts, shown

_WORST, _SEGMENTS, _SMALLEST, _SHOWN = 10, 10, 20, 12


def trust(case):
    """Calibration and fidelity of each model; worst rows and segments of the chosen one.

    Parameters
    ----------
    case : Case

    Returns
    -------
    dict
    """
    teacher, own = (case.held_out.proba[name] for name in (TEACHER, case.chosen))
    apart = variation_by_row(teacher, own)
    columns = {} if case.rows is None else columns_of(case.rows.X_test, case.names)
    return {
        "models": [_model(case, role, name) for role, name in case.roles.items()],
        "disagreement": float(np.average(apart, weights=case.held_out.sample_weight)),
        "worst_rows": [_row(case, i, apart, columns) for i in np.argsort(-apart)[:_WORST]],
        "columns_shown": list(columns)[:_SHOWN],
        "n_columns": len(columns),
        "segments": _segments(case, columns, apart),
        "missing": case.no_rows or ("" if columns else "X has no columns to look at."),
    }


def _model(case, role, name):
    y, weight = case.held_out.y, {"sample_weight": case.held_out.sample_weight}
    proba, teacher = case.held_out.proba[name], case.held_out.proba[TEACHER]
    known = {"classes": case.classes} | weight
    line = calibration_line(y, proba, **known)
    found = {
        "role": role,
        "name": name,
        "log_loss": float(
            np.average(
                log_loss_by_row(y, proba, classes=case.classes),
                weights=weight["sample_weight"],
            )
        ),
        "expected_calibration_error": expected_calibration_error(y, proba, **known),
        "calibration_slope": line.slope,
        "calibration_intercept": line.intercept,
    }
    if len(case.classes) == 2:
        found["observed_over_expected"] = observed_over_expected(y, proba, **known)[1]
    if role != TEACHER:
        for metric in (agreement, swap_share, kl_divergence, total_variation):
            found[metric.__name__] = metric(teacher, proba, **weight)
    return found


def _row(case, i, apart, columns):
    said = {}
    for who, name in (("teacher", TEACHER), ("student", case.chosen)):
        proba = case.held_out.proba[name][i]
        said[who] = {
            "class": str(case.classes[proba.argmax()]),
            "proba": float(proba.max()),
            "proba_of_label": float(proba[case.classes == case.held_out.y[i]].sum()),
        }
    place = getattr(case.held_out, "test", None)
    return {
        "row": int(i if place is None else place[i]),
        "label": str(case.held_out.y[i]),
        "disagreement": float(apart[i]),
        **said,
        "values": {name: shown(values[i]) for name, values in columns.items()},
    }


def _segments(case, columns, apart):
    """Those whose mean is above that of all rows beyond chance, the surest first."""
    least = max(_SMALLEST, len(apart) // 50)
    found, looked_at = [], 0
    overall = apart.mean()
    for column, values in columns.items():
        for text, rows in parts(values):
            if not least <= len(rows) < len(apart):
                continue
            looked_at += 1
            mean, error = apart[rows].mean(), apart[rows].std(ddof=1) / np.sqrt(len(rows))
            if mean - 1.96 * error > overall:
                found.append((mean - 1.96 * error, column, text, rows, mean, error))
    found.sort(key=lambda one: -one[0])
    return {
        "looked_at": looked_at,
        "smallest": least,
        "found": [_segment(case, *one[1:]) for one in found[:_SEGMENTS]],
    }


def _segment(case, column, text, rows, mean, error):
    y = case.held_out.y[rows]
    loss = {
        who: float(
            log_loss_by_row(y, case.held_out.proba[name][rows], classes=case.classes).mean()
        )
        for who, name in (("teacher", TEACHER), ("student", case.chosen))
    }
    return {
        "column": column,
        "part": text,
        "n_samples": len(rows),
        "disagreement": {
            "value": mean,
            "low": mean - 1.96 * error,
            "high": mean + 1.96 * error,
        },
        "log_loss": loss,
    }
