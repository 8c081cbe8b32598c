"""Ship what: the sentence a page begins with, and the figures behind it."""

import numpy as np

from skdistill.footprint import n_features_used
from skdistill.metrics import log_loss_by_row, retention
from skdistill.report._case import TEACHER

_GAIN, _GAP = "gain_over_plain", "gap_to_teacher"


def decision(case):
    """What to ship, gain and loss with their intervals, and the price.

    Parameters
    ----------
    case : Case

    Returns
    -------
    dict
    """
    chosen, teacher = case.row(case.chosen), case.row(TEACHER)
    distilled = case.row(case.distilled) or {}
    gain, gap = _difference(distilled, _GAIN), _difference(chosen, _GAP)
    ship = _ship(case, gain)
    return {
        "ship": ship,
        "chosen": case.chosen,
        "plain": case.plain,
        "distilled": case.distilled,
        "kind": chosen["kind"],
        "headline": _headline(case, ship, gain),
        "reason": _reason(case, ship, gain),
        "metric": case.metric,
        "score": _difference(chosen, case.metric),
        "score_of_teacher": _difference(teacher, case.metric),
        "gain_over_plain": gain,
        "gap_to_teacher": gap,
        "lead_kept": _lead_kept(case),
        "latency_us": chosen["latency_us"],
        "times_faster": teacher.get("latency_us", np.nan) / chosen["latency_us"],
        "bytes": chosen["bytes"],
        "times_smaller": teacher.get("bytes", np.nan) / chosen["bytes"],
        "n_columns": case.provenance["n_features"],
        "n_columns_used": n_features_used(case.student),
        "limits": case.limits,
    }


def _difference(row, column):
    ends = (column, f"{column}_low", f"{column}_high")
    found = [row.get(name, np.nan) for name in ends]
    return dict(zip(("value", "low", "high"), found, strict=True))


def _ship(case, gain):
    """The chosen row; its plain twin where distilling shows no gain and limits allow."""
    plain = case.row(case.plain)
    if case.chosen != case.distilled or plain is None or gain["low"] > 0:
        return case.chosen
    limits = [(column, most) for column, most in case.limits.items() if most is not None]
    fits = all(plain[column] <= most for column, most in limits)
    return case.plain if fits else case.chosen


def _headline(case, ship, gain):
    if ship == case.chosen and gain["low"] > 0 and case.chosen == case.distilled:
        return f"Ship {ship}: distilling pays"
    if ship == case.plain:
        word = "does harm" if gain["high"] < 0 else "brings no detectable gain"
        word = "would not pay" if case.chosen == case.plain and gain["low"] > 0 else word
        return f"Ship {ship}: distilling {word}"
    return f"Ship {ship}"


def _reason(case, ship, gain):
    if case.plain is None:
        return "There is no plain student to compare with, so the gain is not known."
    if ship != case.chosen:
        return (
            f"{case.chosen} was chosen, but no gain over the same student on hard labels "
            "can be told from chance on the held-out rows."
        )
    if case.chosen == case.plain:
        return "The search prefers it to every distilled student."
    if gain["low"] > 0:
        return "It gains on the same student, tuned with the same budget on hard labels."
    return "Its gain is not detectable, but its plain twin does not meet the limits."


def _lead_kept(case):
    """Share of the teacher's lead in log-loss over the plain student."""
    if not {"plain", "distilled"} <= set(case.roles):
        return None
    losses = [
        log_loss_by_row(case.held_out.y, case.held_out.proba[name], classes=case.classes)
        for name in (TEACHER, case.distilled, case.plain)
    ]
    return retention(*losses, sample_weight=case.held_out.sample_weight)._asdict()
