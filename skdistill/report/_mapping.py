"""`DistillationReport`: what a comparison found, as a dict that prints as tables."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from skdistill._typing import Frame
from skdistill.auto._leaderboard import html_table, visible
from skdistill.metrics import Retention

_HEADLINES = ("log_loss", "brier", "roc_auc", "accuracy", "agreement")


class DistillationReport(dict[str, Any]):
    """What `distillation_report` found; prints as tables.

    Keys
    ----
    verdict : str
        In a sentence, whether distilling pays on the test rows.
    retention : Retention
        Share of the teacher's lead in log-loss that is kept; absent without a plain
        student.
    test, train : dict
        ``n_samples``; by "teacher", "plain" and "distilled" a dict of metrics; by
        "distilled - plain" and "distilled - teacher" a ``(value, low, high)`` for each
        metric that is a mean over rows, and for the ROC AUC. "train" only where its rows
        were given, without differences.
    segments : dict
        The same as "test" for each value of the column `by`, if one is named.
    footprint : dict
        By model a dict of bytes, parameters, features used, seconds, and
        ``compression_ratio``, how many times fewer bytes it has than the teacher.
    """

    kept = None  # what a page is drawn from

    def __reduce__(self):
        """Leave models and rows behind."""
        return type(self), (dict(self),)

    def to_dict(self) -> dict[str, float]:
        """Its numbers, flat, for loggers.

        Returns
        -------
        dict of float
            With keys like "test/distilled/log_loss" and
            "test/distilled - plain/log_loss/low". What is not known is left out.
        """
        return dict(_flat(self))

    def to_frame(self) -> Frame:
        """A line for each model and part of the rows, a column for each number.

        Returns
        -------
        pandas.DataFrame
            Indexed by part ("test", "train", "segment VALUE") and model; the differences
            are lines too, with their "low" and "high". The footprint of a model is in
            its test line.

        Raises
        ------
        ImportError
            Without pandas.
        """
        import pandas as pd

        lines = {}
        for part, section in self._parts():
            for name, values in section.items():
                if name != "n_samples":
                    lines |= _lines(part, name, values, section["n_samples"])
        for name, cost in self["footprint"].items():
            lines["test", name] |= cost
        index = pd.MultiIndex.from_tuples(lines, names=["part", "model"])
        return pd.DataFrame(list(lines.values()), index=index)

    def _parts(self):
        yield from ((part, self[part]) for part in ("test", "train") if part in self)
        for value, section in self.get("segments", {}).items():
            yield f"segment {value}", section

    def _repr_html_(self):
        tables = []
        for (caption, *headings), *rows in self._tables():
            tables += [f"<p>{escape(caption)}</p>", html_table(["", *headings], rows)]
        return visible(f"<p><strong>{escape(self['verdict'])}</strong></p>") + "".join(tables)

    def _tables(self):
        """Each a heading, whose first cell says what is in it, and rows of text."""
        test, costs = self["test"], self["footprint"]
        models = list(costs)
        yield _table(f"test, {test['n_samples']} rows", test, models)
        if "train" in self:
            rows = f"train, {self['train']['n_samples']} rows"
            yield _table(rows, self["train"], models, _HEADLINES)
        yield _table("footprint", costs, models)
        if "segments" in self:
            yield _segment_table(self["segments"], models)

    def __str__(self):
        blocks = ["\n".join(aligned(table)) for table in self._tables()]
        return "\n\n".join([self["verdict"], *blocks])

    __repr__ = __str__


WIDEST = 1.0  # of an interval of a share that says something: the whole lead


def is_share(share):
    """Whether a share of the teacher's lead says something.

    Parameters
    ----------
    share : Retention

    Returns
    -------
    bool
        Not where the teacher has no lead, or the interval is wider than the lead itself.
    """
    return bool(np.isfinite(share).all() and share.high - share.low <= WIDEST)


def verdict(share: Retention) -> str:
    """What a share of the teacher's lead says, in words.

    Parameters
    ----------
    share : Retention

    Returns
    -------
    str
    """
    if np.isnan(share.value):
        if share.low > 0:
            return (
                "distilling pays, though the teacher is no better than the plain student: "
                "give a stronger teacher"
            )
        return "the teacher is no better than the plain student: ship the plain one"
    if not np.isfinite(share.low + share.high):
        return "the teacher's lead over the plain student is in doubt: ship the plain one"
    return _of_share(share)


def _of_share(share):
    kept = "the teacher's lead over the plain student is too small to give a share of it"
    if is_share(share):
        value, low, high = (100 * end for end in share)
        kept = (
            f"{value:.0f} % of the teacher's lead in log-loss over the plain student, 95 % "
            f"interval over test rows {low:.0f} to {high:.0f} (100 is the teacher itself)"
        )
    if share.low > 1:
        return f"ahead of its teacher: {kept}; give a stronger teacher"
    if share.low > 0:
        return f"keeps {kept}" if is_share(share) else f"distilling pays; {kept}"
    if share.high < 0:
        return f"distilling does harm: {kept}; ship the plain one"
    return f"no detectable gain: {kept}; ship the plain one"


# Numbers as lines ----------------------------------------------------------------------


def _flat(tree, prefix=""):
    for key, value in tree.items():
        value = value._asdict() if hasattr(value, "_asdict") else value
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}/")
        elif isinstance(value, int | float):
            yield f"{prefix}{key}", float(value)


def _lines(part, name, values, n_samples):
    """Lines of a frame: one for a model, three for a difference."""
    if " - " not in name:
        return {(part, name): {"n_samples": n_samples, **values}}
    return {
        (part, name + suffix): {metric: getattr(one, end) for metric, one in values.items()}
        for suffix, end in (("", "value"), (", low", "low"), (", high", "high"))
    }


def _table(title, section, models, metrics=None):
    """A line for each metric, a column for each model and for the gain."""
    gain = section.get("distilled - plain", {})
    heading = [title, *models] + (["distilled - plain, 95 % interval"] if gain else [])
    body = [
        [
            name.replace("_", " "),
            *(_number(section[model][name]) for model in models),
            *([_with_interval(gain.get(name))] if gain else []),
        ]
        for name in metrics or section[models[0]]
    ]
    return [heading, *body]


def _segment_table(segments, models):
    heading = ["segment, log-loss", "rows", *models, "distilled - plain, 95 % interval"]
    body = [
        [
            value,
            str(section["n_samples"]),
            *(_number(section[model]["log_loss"]) for model in models),
            _with_interval(section.get("distilled - plain", {}).get("log_loss")),
        ]
        for value, section in segments.items()
    ]
    return [heading, *body]


def _number(value):
    if value is None:
        return "?"
    if isinstance(value, int):
        return str(value)
    return f"{value if abs(value) > 1e-12 else 0:.4g}"  # no rounding error in the table


def _with_interval(one):
    return "" if one is None else f"{one.value:+.4f}  [{one.low:+.4f}, {one.high:+.4f}]"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines of text: the first column to the left, others to the right.

    Parameters
    ----------
    rows : list of list of str

    Returns
    -------
    list of str
        Columns are two blanks apart or more.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [first.ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        ).rstrip()
        for first, *cells in rows
    ]
