"""Facts as a page: how numbers read, and the template they go into."""

import re

NONE, _MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


def page(facts, figures):
    """The HTML of a report.

    Parameters
    ----------
    facts : dict
        Of plain values: what ``model_card.json`` holds.
    figures : dict of list of dict
        See `skdistill.report._figures`.

    Returns
    -------
    str
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(
        loader=PackageLoader("skdistill.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= _FILTERS
    env.globals |= {"readable": metric_name, "sign": metric_sign}
    return env.get_template("page.html.jinja").render(**facts, figures=figures)


def metric_name(metric):
    """What readers call a scorer."""
    name = re.sub("^neg_", "", metric).replace("_", " ")
    return {"log loss": "log-loss", "roc auc": "ROC AUC", "f1": "F1"}.get(name, name)


def metric_sign(metric):
    """-1 where a scorer is a loss turned round."""
    return -1 if metric.startswith("neg_") else 1


def number(value, digits=3):
    """Decimals that can be told apart, none where there is no value."""
    return NONE if value is None else f"{value:.{digits}f}".replace("-", _MINUS)


def signed(value, digits=4):
    """With its sign, for differences."""
    return NONE if value is None else f"{value:+.{digits}f}".replace("-", _MINUS)


def percent(value, digits=1):
    return NONE if value is None else f"{100 * value:.{digits}f} %".replace("-", _MINUS)


def size(value):
    """Bytes in the unit that suits them."""
    if value is None:
        return NONE
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000


def microseconds(value):
    return NONE if value is None else f"{float(f'{value:.3g}'):,.10g} µs"


def times(value):
    """A ratio, to two figures."""
    return NONE if value is None else f"{float(f'{value:.2g}'):,.10g}"


_FILTERS = {
    "number": number,
    "signed": signed,
    "percent": percent,
    "size": size,
    "microseconds": microseconds,
    "times": times,
    "metric_name": metric_name,
}
