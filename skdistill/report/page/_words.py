"""How a report writes numbers: units, signs, digits."""

import math
import re

NONE, _MINUS, _TIMES = "\N{EN DASH}", "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
_GAP = "\N{NO-BREAK SPACE}"  # between a number and its unit
_UNITS = ("bytes", "kB", "MB", "GB")
_NAMES = {"log loss": "log-loss", "roc auc": "ROC AUC", "f1": "F1"}


def metric_name(metric):
    """The name of a scorer as readers know it."""
    name = re.sub("^neg_", "", metric).replace("_", " ")
    return _NAMES.get(name, name)


def metric_sign(metric):
    """-1 where a scorer is a loss turned round."""
    return -1 if metric.startswith("neg_") else 1


def number(value, digits=4):
    """Fixed decimals; a dash where there is no value."""
    return NONE if _absent(value) else f"{value:.{digits}f}".replace("-", _MINUS)


def signed(value, digits=4):
    """With its sign, for differences."""
    return NONE if _absent(value) else f"{value:+.{digits}f}".replace("-", _MINUS)


def percent(value, digits=1):
    """Of 100."""
    return NONE if _absent(value) else f"{number(100 * value, digits)}{_GAP}%"


def count(value):
    """A whole number."""
    return NONE if _absent(value) else f"{value:,.0f}"


def size(value):
    """Bytes in the unit that suits them."""
    if _absent(value):
        return NONE
    power = min(int(math.log10(max(value, 1)) // 3), len(_UNITS) - 1)
    return f"{_figures(value / 1000**power)}{_GAP}{_UNITS[power]}"


def microseconds(value):
    """To three figures."""
    return NONE if _absent(value) else f"{_figures(value)}{_GAP}µs"


def compared(ratio, more, less):
    """How many times `more`; the other way round below 1."""
    if _absent(ratio):
        return ""
    ratio, word = (ratio, more) if ratio >= 1 else (1 / ratio, less)
    return f"{_figures(ratio, 2)}{_GAP}{_TIMES} {word}"


def _absent(value):
    return value is None or value != value


def _figures(value, n=3):
    return f"{float(f'{value:.{n}g}'):,.10g}"


def gain_in_words(gain, metric, whose):
    """A difference, as "log-loss of tree is lower by 0.0123 (95 % interval ...)".

    Parameters
    ----------
    gain : dict
        "value", "low" and "high"; above 0 is better.
    metric, whose : str

    Returns
    -------
    str
    """
    better, worse = ("lower", "higher") if metric_sign(metric) < 0 else ("higher", "lower")
    turned = 1 if gain["value"] >= 0 else -1
    low, high = sorted(turned * gain[end] for end in ("low", "high"))
    holds = ", which holds 0" if low <= 0 <= high else ""
    return (
        f"{metric_name(metric)} of {whose} is {better if turned > 0 else worse} by "
        f"{number(turned * gain['value'])} (95 % interval {number(low)} to "
        f"{number(high)}{holds})"
    )
