"""Facts as a page: the template, and what it may say."""

from skdistill.report import _words

_SAID = ("number", "signed", "percent", "count", "size", "microseconds")


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
    env.filters |= {name: getattr(_words, name) for name in _SAID}
    env.globals |= {"compared": _words.compared}
    metric = facts["decision"]["metric"]
    return env.get_template("page.html.jinja").render(
        **facts,
        figures=figures,
        metric=metric,
        metric_name=_words.metric_name(metric),
        sign=_words.metric_sign(metric),
    )
