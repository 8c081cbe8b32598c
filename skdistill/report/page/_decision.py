"""Ship what: the sentence a page begins with, and the figures behind it."""

import numpy as np

from skdistill.auto._leaderboard import TEACHER
from skdistill.footprint import n_features_used
from skdistill.metrics import log_loss_by_row, retention
from skdistill.report.page._words import gain_in_words

_GAIN, _GAP = "gain_over_plain", "gap_to_teacher"


def decision(case, model):
    """What to ship, gain and loss with their intervals, and the price.

    Parameters
    ----------
    case : Case
    model : dict
        See `skdistill.report.page._anatomy`; of the chosen row.

    Returns
    -------
    dict
        Quality and price are of the chosen row: held-out rows judge it, and choose nothing.
    """
    gain = _difference(case.row(case.distilled) or {}, _GAIN)
    chosen, teacher = case.row(case.chosen), case.row(TEACHER)
    headline, reason = _verdict(case, gain)
    return {
        "headline": headline,
        "reason": reason,
        "chosen": case.chosen,
        "plain": case.plain,
        "distilled": case.distilled,
        "n_held_out": len(case.held_out.y),
        "weighted": case.held_out.sample_weight is not None,
        "metric": case.metric,
        "score": _difference(chosen, case.metric),
        "gain_over_plain": gain,
        "gap_to_teacher": _difference(chosen, _GAP),
        "lead_kept": _lead_kept(case),
        "latency_us": chosen["latency_us"],
        "times_faster": teacher.get("latency_us", np.nan) / chosen["latency_us"],
        "bytes": chosen["bytes"],
        "times_smaller": teacher.get("bytes", np.nan) / chosen["bytes"],
        "limits": case.limits,
        "n_columns": case.provenance["n_features"],
        "n_columns_used": _columns_used(case, model),
    }


def _difference(row, column):
    ends = (column, f"{column}_low", f"{column}_high")
    found = [row.get(name, np.nan) for name in ends]
    return dict(zip(("value", "low", "high"), found, strict=True))


def _verdict(case, gain):
    """Headline and reason."""
    chosen = case.in_prose(case.chosen)
    if case.plain is None or case.distilled is None:
        return f"Ship {chosen}", "It stands alone: what distilling gains is not known."
    plain, gained = case.in_prose(case.plain), gain_in_words(gain, case.metric, case.distilled)
    reason = (
        f"On held-out rows the {gained} than that of {plain}, the same student on hard labels."
    )
    if case.chosen == case.plain:
        return f"Ship {plain}{_beside_plain(gain)}", reason
    if gain["low"] > 0:
        return f"Ship {chosen}: distilling pays", reason
    if not _within_limits(case, case.plain):
        return f"Ship {chosen}: {plain} does not meet the limits", reason
    other = f"This page is about {chosen}, which was chosen before these rows were looked at."
    if gain["high"] < 0:
        return f"Distilling does harm: prefer {plain}", f"{reason} {other}"
    return f"No detectable gain: {plain} serves as well", f"{reason} {other}"


def _beside_plain(gain):
    if gain["low"] > 0:
        return "; distilling it would pay"
    return (
        ": distilling does harm" if gain["high"] < 0 else ": no detectable gain by distilling"
    )


def _within_limits(case, name):
    row = case.row(name)
    return all(row[column] <= most for column, most in case.limits.items() if most)


def _columns_used(case, model):
    """As the student tells; else those that change what it says when they are shuffled."""
    used, shuffled = n_features_used(case.student), model["permutation"].get("columns")
    return used if used is not None or shuffled is None else len(shuffled)


def _lead_kept(case):
    """Share of the teacher's lead in log-loss over the plain student."""
    if not {"plain", "distilled"} <= set(case.roles):
        return None
    held_out = case.held_out
    losses = [
        log_loss_by_row(held_out.y, held_out.proba[name], classes=case.classes)
        for name in (TEACHER, case.distilled, case.plain)
    ]
    weight, groups = held_out.sample_weight, held_out.groups
    return retention(*losses, sample_weight=weight, groups=groups)._asdict()
