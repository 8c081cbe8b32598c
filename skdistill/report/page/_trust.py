"""Whether to trust the student: calibration, swaps, and where it departs from its teacher.

Rows and segments are ranked by total variation, the largest difference that teacher and
student make in the probability of any event. Segments are values or quantile bins of one
column; they are ranked by the lower end of an interval of their mean, so that a handful
of odd rows is no segment.
"""

import numpy as np
from scipy.sparse import csr_array

from skdistill.auto._leaderboard import TEACHER
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
from skdistill.metrics._arrays import weights
from skdistill.metrics._fidelity import variation_by_row
from skdistill.metrics._intervals import interval, ratio, resampled_sums
from skdistill.report.page._columns import MANY, columns_of, parts, shown

_FIDELITY = {
    "agreement": agreement,
    "swap_share": swap_share,
    "kl_to_teacher": kl_divergence,
    "total_variation": total_variation,
}
_WORST, _SEGMENTS, _SHOWN = 10, 10, 12  # rows, segments and columns in a table
_SMALLEST, _OF_ROWS = 20, 50  # rows of a segment: 20, and a fiftieth of all
_NO_COLUMNS = f"X has no columns to look at, or more than {MANY}."


def trust(case):
    """Calibration and fidelity of each model; worst rows and segments of the chosen one.

    Parameters
    ----------
    case : Case

    Returns
    -------
    dict
    """
    apart = variation_by_row(*(case.held_out.proba[name] for name in (TEACHER, case.chosen)))
    columns = {} if case.rows is None else columns_of(case.rows.X_test, case.names)
    worst = np.argsort(-apart, kind="stable")[:_WORST]
    return {
        "models": [_model(case, role, name) for role, name in case.roles.items()],
        "disagreement": np.average(apart, weights=case.held_out.sample_weight),
        "worst_rows": [_row(case, i, apart[i], columns) for i in worst],
        "columns_shown": list(columns)[:_SHOWN],
        "n_columns": len(columns),
        "segments": _segments(case, columns, apart),
        "missing": case.no_rows or ("" if columns else _NO_COLUMNS),
    }


def _model(case, role, name):
    y, weight = case.held_out.y, case.held_out.sample_weight
    proba, teacher = case.held_out.proba[name], case.held_out.proba[TEACHER]
    known = {"classes": case.classes, "sample_weight": weight}
    line, ratio = (
        calibration_line(y, proba, **known),
        observed_over_expected(y, proba, **known),
    )
    found = {
        "role": role,
        "name": name,
        "log_loss": np.average(_loss(case, name), weights=weight),
        "observed_over_expected": ratio[1] if len(ratio) == 2 else None,
        "expected_calibration_error": expected_calibration_error(y, proba, **known),
        "calibration_slope": line.slope,
        "calibration_intercept": line.intercept,
    }
    for metric, measured in _FIDELITY.items():
        of_student = role != TEACHER
        found[metric] = measured(teacher, proba, sample_weight=weight) if of_student else None
    return found


def _loss(case, name):
    return log_loss_by_row(case.held_out.y, case.held_out.proba[name], classes=case.classes)


def _row(case, i, apart, columns):
    place = case.held_out.get("test")
    return {
        "row": i if place is None else place[i],
        "apart": apart,
        "outcome": str(case.held_out.y[i]),
        "teacher": _prediction(case, TEACHER, i),
        "student": _prediction(case, case.chosen, i),
        "values": {name: shown(values[i]) for name, values in columns.items()},
    }


def _prediction(case, name, i):
    proba = case.held_out.proba[name][i]
    of_outcome = proba[case.classes == case.held_out.y[i]]
    return {
        "says": str(case.classes[proba.argmax()]),
        "proba": proba.max(),
        "proba_of_outcome": of_outcome.sum(),
    }


def _segments(case, columns, apart):
    """Those whose mean is above that of all rows beyond chance, the surest first."""
    smallest = max(_SMALLEST, len(apart) // _OF_ROWS)
    weight = weights(case.held_out.sample_weight, len(apart))
    named = [
        (column, text, rows[weight[rows] > 0])
        for column, values in columns.items()
        for text, rows in parts(values)
    ]
    named = [one for one in named if smallest <= len(one[2]) < len(apart)]
    overall, means = np.average(apart, weights=weight), _means(case, apart, weight, named)
    found = [
        {"column": column, "part": text} | _segment(case, mean, weight, rows)
        for (column, text, rows), mean in zip(named, means, strict=True)
        if mean.low > overall
    ]
    found.sort(key=lambda segment: -segment["apart"]["low"])
    return {"looked_at": len(named), "smallest": smallest, "found": found[:_SEGMENTS]}


def _means(case, apart, weight, named):
    """Of each segment, with its interval; all on the same resamples of the held-out rows."""
    n, chosen = len(named), [rows for *_, rows in named]
    if not n:
        return []
    rows = np.concatenate(chosen)
    of = np.repeat(np.arange(n), [len(one) for one in chosen])
    values = np.concatenate([(weight * apart)[rows], weight[rows]])
    places = np.tile(rows, 2), np.concatenate([of, n + of])
    sums = csr_array((values, places), shape=(len(apart), 2 * n))
    total, drawn = sums.sum(axis=0), resampled_sums(sums, groups=case.held_out.groups)
    draws = ratio(drawn[:, :n], drawn[:, n:])
    return [interval(total[i] / total[n + i], draws[:, i]) for i in range(n)]


def _segment(case, mean, weight, rows):
    return {
        "n_samples": len(rows),
        "apart": mean._asdict(),
        "log_loss": {
            who: np.average(_loss(case, name)[rows], weights=weight[rows])
            for who, name in (("teacher", TEACHER), ("student", case.chosen))
        },
    }
