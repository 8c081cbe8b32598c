"""The leaderboard: a row for each student, distilled and plain, and for the teacher.

A mapping of named columns, each an array. One name stands for one quantity wherever it is
met: in leaderboards, reports, footprints and scorers.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skdistill._typing import Frame
from skdistill.metrics._intervals import interval

TEACHER = "teacher"
KINDS = ("distilled", "plain", TEACHER)
GAIN, GAP = "gain_over_plain", "gap_to_teacher"
_TEXT = ("name", "family", "kind", "plain_twin", "fit_path", "error")
_FLAGS = ("on_front", "chosen")
_FIRST, _LAST = (*_TEXT[:4], "params"), ("fit_path", *_FLAGS, "error")
_UNSEEN = (  # characters that order others, or show nothing
    0x061C,
    0x200B,
    0x200E,
    0x200F,
    *range(0x202A, 0x202F),
    0x2060,
    *range(0x2066, 0x206A),
    0xFEFF,
)
_ESCAPES = {code: f"\\u{code:04x}" for code in _UNSEEN}
_SHOWN = {  # in the rich display: column, heading, format
    "name": ("", "{}"),
    GAIN: ("gain over plain", "{:+.4f}"),
    GAP: ("behind teacher", "{:+.4f}"),
    "accuracy": ("accuracy", "{:.3f}"),
    "bytes": ("bytes", "{:,.0f}"),
    "latency_us": ("µs a row", "{:,.0f}"),
    "error": ("", "{}"),
}


class Leaderboard(dict[str, Any]):
    """Columns by name, each an array with an entry for each row; the best row first.

    Parameters
    ----------
    columns : dict of ndarray of shape (n_rows,)
    metric : str
        The column that rows are ordered by.

    Keys
    ----
    name, family : str
        Of the row, and of the student whose rows belong together.
    kind : {"distilled", "plain", "teacher"}
    plain_twin : str
        Name of the row of the same student on hard labels; "" where there is none.
    params : dict
    search_score, search_se, n_trials : float
        Of the search: its best score, the standard error of that, the trials it finished.
    <metric>, log_loss, accuracy, f1, roc_auc, kl_to_teacher, agreement : float
        On held-out rows, each with ``_low`` and ``_high``.
    ks_to_teacher, r2_sorted : float
        The same, without an interval.
    gain_over_plain, gap_to_teacher : float
        Differences of ``<metric>``, paired, with ``_low`` and ``_high``.
    bytes, n_parameters : float
        Of what ships.
    latency_us : float
        Microseconds of a call with one row, the median, with its quartiles ``_low`` and
        ``_high``.
    encoding_us : float
        The part of it that the steps before the last take.
    fit_path : str
    on_front, chosen : bool
    error : str
        "" where there is none.
    """

    def __init__(
        self,
        columns: Mapping[str, Any] | Iterable[tuple[str, Any]] = (),
        *,
        metric: str = "neg_log_loss",
    ) -> None:
        super().__init__(columns)
        self.metric = metric

    def take(self, rows: ArrayLike) -> "Leaderboard":
        """Some of the rows.

        Parameters
        ----------
        rows : ndarray of int or bool

        Returns
        -------
        Leaderboard
        """
        return Leaderboard(
            {name: column[rows] for name, column in self.items()}, metric=self.metric
        )

    def row(self, name: str) -> dict[str, Any]:
        """The row of a name.

        Parameters
        ----------
        name : str

        Returns
        -------
        dict
        """
        found = np.flatnonzero(self["name"] == name)
        if not found.size:
            raise ValueError(f"no row is called {name!r}; there are {self['name'].tolist()}")
        return {column: values[found[0]] for column, values in self.items()}

    def in_prose(self, name: str) -> str:
        """What a row is called within a sentence.

        Parameters
        ----------
        name : str

        Returns
        -------
        str
        """
        row = self.row(name)
        return f"the plain {row['family']}" if row["kind"] == "plain" else name

    def to_frame(self) -> Frame:
        """A line for each row.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            Without pandas.
        """
        import pandas as pd

        return pd.DataFrame(dict(self))

    def _repr_html_(self):
        return html_table(*self._cells())

    def _cells(self):
        """Headings, and the texts of each row."""
        shown = {self.metric: (self.metric, "{:.4f}")} | _SHOWN
        shown = {name: shown[name] for name in ("name", *shown) if name in self}
        rows = [
            [_text(form, value) for (_, form), value in zip(shown.values(), row, strict=True)]
            for row in zip(*(self[name] for name in shown), strict=True)
        ]
        for cells, chosen in zip(rows, self.get("chosen", [False] * len(rows)), strict=True):
            cells[0] += " (chosen)" * bool(chosen)
        return [heading for heading, _ in shown.values()], rows


def html_table(headings, rows):
    """A table for notebooks; every text is escaped.

    Parameters
    ----------
    headings : list of str
    rows : list of list of str

    Returns
    -------
    str
    """
    head = "".join(f"<th>{escape(one)}</th>" for one in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
        for cells in rows
    )
    return visible(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def visible(text):
    """Text whose bidirectional controls and unseen characters are shown as escapes.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return text.translate(_ESCAPES)


def _text(form, value):
    if isinstance(value, float) and np.isnan(value):
        return ""
    return form.format(value)


def leaderboard(rows, metric, draws):
    """Rows as a leaderboard, compared with their plain twins and with the teacher.

    Parameters
    ----------
    rows : list of dict
        By column. What a row does not have is NaN, "" or False.
    metric : str
        Greater is better.
    draws : dict of ndarray of shape (n_resamples,)
        Of the metric, by name of the row; a row without draws is not compared.

    Returns
    -------
    Leaderboard
    """
    known = {row["name"]: row for row in rows if row["name"] in draws}
    rows = [
        row
        | _compared(GAIN, row["name"], row.get("plain_twin"), known, metric, draws)
        | _compared(GAP, TEACHER, row["name"], known, metric, draws)
        for row in rows
    ]
    rows.sort(key=lambda row: np.nan_to_num(-row.get(metric, np.nan), nan=np.inf))
    others = dict.fromkeys(name for row in rows for name in row if name not in _LAST)
    names = dict.fromkeys([*_FIRST, *others, *_LAST])
    return Leaderboard({name: _column(name, rows) for name in names}, metric=metric)


def _compared(column, better, other, known, metric, draws):
    """How much better one row is than another: a paired difference of the metric."""
    if better == other or not {better, other} <= set(known):
        return interval(np.nan, ()).columns(column)
    value = known[better][metric] - known[other][metric]
    return interval(value, draws[better] - draws[other]).columns(column)


def _column(name, rows):
    if name == "params":
        column = np.empty(len(rows), dtype=object)
        column[:] = [row.get(name, {}) for row in rows]
        return column
    empty = "" if name in _TEXT else name not in _FLAGS and np.nan
    return np.array([row.get(name, empty) for row in rows])
