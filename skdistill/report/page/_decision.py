"""What to ship: the headline of a page, the reason for it, and its figures."""

import numpy as np

from skdistill.auto._leaderboard import GAIN, GAP, TEACHER
from skdistill.footprint import n_features_used
from skdistill.metrics import log_loss_by_row, retention
from skdistill.metrics._intervals import mean_intervals
from skdistill.report._mapping import is_share
from skdistill.report.page._words import compared, gain_in_words


def decision(case, model, paid):
    """What to ship, gain and loss with their intervals, and the price.

    Parameters
    ----------
    case : Case
    model : dict
        See `skdistill.report.page._anatomy`; of the chosen row.
    paid : dict
        The ablation, see `skdistill.report.page._refits`; with "missing" where there is none.

    Returns
    -------
    dict
        Quality and price are of the chosen row: held-out rows judge it, and choose nothing.
    """
    gain = _difference(case.row(case.distilled) or {}, GAIN)
    chosen, teacher = case.row(case.chosen), case.row(TEACHER)
    gap, labels = _difference(chosen, GAP), _gain_of_labels(case, paid)
    headline, reason = _verdict(case, gain, labels)
    reason = " ".join([reason, *_caveats(case, gain)])
    price = _price(chosen, teacher)
    return {
        "headline": headline + _ahead(gap),
        "reason": reason,
        "teacher": _of_teacher(case, gap),
        "for_managers": _for_managers(case, price),
        "chosen": case.chosen,
        "plain": case.plain,
        "distilled": case.distilled,
        "n_held_out": len(case.held_out.y),
        "weighted": case.held_out.sample_weight is not None,
        "metric": case.metric,
        "score": _difference(chosen, case.metric),
        "gain_over_plain": gain,
        "gain_of_labels": labels,
        "gap_to_teacher": gap,
        "lead_kept": _lead_kept(case),
        **price,
        "limits": case.limits,
        "n_columns": case.provenance["n_features"],
        "n_columns_used": _columns_used(case, model),
    }


def _price(chosen, teacher):
    """Size and time of the chosen row, and how many times larger the teacher's are."""
    columns = ("latency_us", "latency_us_low", "latency_us_high", "encoding_us", "bytes")
    ratios = {
        name: teacher.get(column, np.nan) / chosen[column]
        for name, column in (("times_faster", "latency_us"), ("times_smaller", "bytes"))
    }
    return {name: chosen.get(name) for name in columns} | ratios


def _difference(row, column):
    ends = (column, f"{column}_low", f"{column}_high")
    found = [row.get(name, np.nan) for name in ends]
    return dict(zip(("value", "low", "high"), found, strict=True))


def _gain_of_labels(case, paid):
    """What the chosen recipe gains over hard labels with the same parameters; None unknown."""
    variants = () if paid.get("missing") or case.chosen == case.plain else paid["variants"]
    return next((one["over_hard"] for one in variants if one["chosen"]), None)


# The verdict -----------------------------------------------------------------------------


def _verdict(case, gain, labels):
    """Headline and reason."""
    chosen = case.in_prose(case.chosen)
    if case.plain is None or case.distilled is None:
        return f"Ship {chosen}", "It stands alone: what distilling gains is not known."
    plain = case.in_prose(case.plain)
    gained = gain_in_words(gain, case.metric, case.distilled)
    reason = (
        f"On held-out rows the {gained} than that of {plain}, the same student on hard labels."
    )
    if case.chosen == case.plain:
        return f"Ship {plain}{_beside_plain(gain)}", reason
    if gain["low"] > 0:
        return _where_it_comes_from(case, chosen, reason, labels)
    if not _within_limits(case, case.plain):
        return f"Ship {chosen}: {plain} does not meet the limits", reason
    other = f"This page is about {chosen}, which was chosen before these rows were looked at."
    if gain["high"] < 0:
        return f"Distilling does harm: prefer {plain}", f"{reason} {other}"
    return f"No detectable gain: {plain} serves as well", f"{reason} {other}"


def _where_it_comes_from(case, chosen, reason, labels):
    """Whether the teacher's labels gain, or the parameters alone."""
    if labels is None:
        return f"Ship {chosen}: distilling pays", reason
    same = gain_in_words(labels, case.metric, case.distilled)
    reason = f"{reason} The {same} than that of the same parameters fitted to hard labels"
    if labels["low"] > 0:
        return (
            f"Ship {chosen}: distilling pays",
            f"{reason}: the gain comes from the teacher's labels.",
        )
    return (
        f"Ship {chosen}: its parameters gain, not the teacher's labels",
        f"{reason}: the gain comes from the parameters, and the same student on hard labels "
        "would do as well.",
    )


def _caveats(case, gain):
    """What the main metric does not say of a gain."""
    probas, y = case.held_out.proba, case.held_out.y
    if not gain["low"] > 0 or not {case.plain, case.distilled} <= probas.keys():
        return
    truth = y[:, None] == case.classes
    brier, right = (
        np.column_stack([measure(probas[name]) for name in (case.plain, case.distilled)])
        for measure in (
            lambda proba: ((proba - truth) ** 2).sum(axis=1),
            lambda proba: truth[np.arange(len(y)), proba.argmax(axis=1)],
        )
    )
    differences = np.column_stack([brier[:, 0] - brier[:, 1], right @ [-1.0, 1.0]])
    given = {"sample_weight": case.held_out.sample_weight, "groups": case.held_out.groups}
    if all(found.low <= 0 for found in mean_intervals(differences, **given)):
        yield "In Brier score and in accuracy no gain is detectable."
    weight = case.held_out.sample_weight
    there = np.ones(len(y), dtype=bool) if weight is None else weight > 0
    if n_ruled_out := np.count_nonzero((probas[case.plain][truth] == 0) & there):
        yield (
            f"{case.in_prose(case.plain).capitalize()} gives no chance to what happened in "
            f"{n_ruled_out} of {len(y)} held-out rows, which costs it much log-loss: compare "
            "with one that is bounded, or searched in more trials."
        )


def _beside_plain(gain):
    if gain["low"] > 0:
        return "; distilling it would pay"
    return (
        ": distilling does harm" if gain["high"] < 0 else ": no detectable gain by distilling"
    )


def _within_limits(case, name):
    row = case.row(name)
    return all(row[column] <= most for column, most in case.limits.items() if most)


# The teacher -----------------------------------------------------------------------------


def _ahead(gap):
    return "; it beats its teacher: give a stronger teacher" if gap["high"] < 0 else ""


def _of_teacher(case, gap):
    """What a weak teacher means, in a sentence; "" where it is not weak."""
    behind = _difference(case.row(case.plain) or {}, GAP)
    turned = {"value": -behind["value"], "low": -behind["high"], "high": -behind["low"]}
    if turned["low"] > 0:
        worse = gain_in_words(turned, case.metric, case.in_prose(case.plain))
        return (
            f"The teacher is worse than the student on hard labels: {worse} than that of the "
            "teacher. A student can hardly learn from it; give a stronger teacher."
        )
    if gap["high"] < 0:
        return (
            f"The chosen student is ahead of its teacher by {-gap['value']:.4f}: a stronger "
            "teacher may give more."
        )
    return ""


# The price, in words ---------------------------------------------------------------------


def _for_managers(case, price):
    """Right answers in 1,000 of each model, and how much smaller and faster the chosen is."""
    whose = {case.in_prose(case.chosen): case.chosen}
    if case.plain not in (None, case.chosen):
        whose["the same student without the teacher"] = case.plain
    whose["the teacher"] = TEACHER
    right = [
        f"{1000 * case.row(name)['accuracy']:.0f} by {who}" for who, name in whose.items()
    ]
    sentence = f"Of 1,000 decisions these are right: {', '.join(right)}."
    ratios = [
        compared(price["times_smaller"], "smaller", "larger"),
        compared(price["times_faster"], "faster", "slower"),
    ]
    if all(ratios):
        sentence += f" The chosen one is {' and '.join(ratios)} than the teacher."
    return sentence


def _columns_used(case, model):
    """As the student tells; else those that change what it says when they are shuffled."""
    used, shuffled = n_features_used(case.student), model["permutation"].get("columns")
    return used if used is not None or shuffled is None else len(shuffled)


def _lead_kept(case):
    """Share of the teacher's lead in log-loss over the plain student.

    None where there is no such lead, or it is so small that its share could be anything.
    """
    if not {"plain", "distilled"} <= set(case.roles):
        return None
    held_out = case.held_out
    losses = [
        log_loss_by_row(held_out.y, held_out.proba[name], classes=case.classes)
        for name in (TEACHER, case.distilled, case.plain)
    ]
    weight, groups = held_out.sample_weight, held_out.groups
    kept = retention(*losses, sample_weight=weight, groups=groups)
    return kept._asdict() if is_share(kept) else None
