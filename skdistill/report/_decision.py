"""Ship what: the sentence a page begins with, and the figures behind it."""

import numpy as np

from skdistill.footprint import n_features_used
from skdistill.metrics import log_loss_by_row, retention
from skdistill.report._case import TEACHER
from skdistill.report._words import gain_in_words

_GAIN, _GAP = "gain_over_plain", "gap_to_teacher"


def decision(case, model):
    """What to ship, gain and loss with their intervals, and the price.

    Parameters
    ----------
    case : Case
    model : dict
        See `skdistill.report._anatomy`; of the chosen row.

    Returns
    -------
    dict
        Quality and price are of the row that the headline says to ship.
    """
    gain = _difference(case.row(case.distilled) or {}, _GAIN)
    name = _ship(case, gain)
    ship, teacher = case.row(name), case.row(TEACHER)
    headline, reason = _verdict(case, name, gain)
    return {
        "headline": headline,
        "reason": reason,
        "ship": name,
        "searched": "search_score" in case.board,
        "chosen": case.chosen,
        "plain": case.plain,
        "distilled": case.distilled,
        "n_held_out": len(case.held_out.y),
        "weighted": case.held_out.sample_weight is not None,
        "metric": case.metric,
        "score": _difference(ship, case.metric),
        "gain_over_plain": gain,
        "gap_to_teacher": _difference(ship, _GAP),
        "lead_kept": _lead_kept(case),
        "latency_us": ship["latency_us"],
        "times_faster": teacher.get("latency_us", np.nan) / ship["latency_us"],
        "bytes": ship["bytes"],
        "times_smaller": teacher.get("bytes", np.nan) / ship["bytes"],
        "limits": case.limits,
        "n_columns": case.provenance["n_features"],
        "n_columns_used": _columns_used(case, model),
    }


def _difference(row, column):
    ends = (column, f"{column}_low", f"{column}_high")
    found = [row.get(name, np.nan) for name in ends]
    return dict(zip(("value", "low", "high"), found, strict=True))


def _ship(case, gain):
    """The chosen row, or the same student plain if distilling it shows no gain."""
    if case.chosen != case.distilled or case.plain is None or gain["low"] > 0:
        return case.chosen
    plain = case.row(case.plain)
    within = [plain[column] <= most for column, most in case.limits.items() if most]
    return case.plain if all(within) else case.chosen


def _verdict(case, ship, gain):
    """Headline and reason."""
    if case.plain is None or case.distilled is None:
        return f"Ship {ship}", "It stands alone: what distilling gains is not known."
    gained = gain_in_words(gain, case.metric, case.distilled)
    reason = (
        f"On held-out rows the {gained} than that of {case.plain}, the same student on hard "
        "labels."
    )
    if case.chosen == case.plain:
        return f"Ship {ship}: the search prefers hard labels", reason
    if gain["low"] > 0:
        return f"Ship {ship}: distilling pays", reason
    if ship == case.plain:
        word = "distilling does harm" if gain["high"] < 0 else "no detectable gain"
        return f"Ship {ship}: {word}", reason
    return f"Ship {ship}", f"{reason} That one does not meet the limits."


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
    weight = held_out.sample_weight
    if held_out.groups is not None:
        losses, weight = _by_group(losses, weight, held_out.groups)
    return retention(*losses, sample_weight=weight)._asdict()


def _by_group(losses, weight, groups):
    """Mean losses and weight of each group: an interval resamples groups whole."""
    _, group = np.unique(groups, return_inverse=True)
    total = np.bincount(group, weight)
    weight = np.ones(len(group)) if weight is None else weight
    sums = np.array([np.bincount(group, weight * loss) for loss in losses])
    return sums / np.where(total > 0, total, 1), total
