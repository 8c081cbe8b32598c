"""`ParetoDisplay`: what quality costs, in time or space."""

import textwrap
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skdistill._typing import Axes
from skdistill.plot._style import (
    ABOVE,
    BESIDE,
    BLACK,
    COLOURS,
    GREY,
    MARKERS,
    axes,
    readable,
    tick_decades,
)

_COST_NAMES = {"latency_us": "latency of a single row (µs)", "bytes": "size (bytes)"}

_NARROW = {**ABOVE, "ncols": 2, "fontsize": "x-small", "labelspacing": 0.3}
_UNITS = {"latency_us": "µs", "bytes": "bytes"}


class ParetoDisplay:
    """Quality against latency or bytes: the front, the limits, the choice.

    Parameters
    ----------
    cost, quality : array-like of shape (n_rows,)
        Rows where either is not finite, such as failed ones, are not drawn.
    low, high : array-like of shape (n_rows,), default=None
        Ends of the interval of `quality`.
    name, family, kind : array-like of str of shape (n_rows,)
        `kind` is "distilled", "plain" (fitted on hard labels) or "teacher".
    chosen : array-like of bool of shape (n_rows,)
    limit : float, default=None
        Hard limit of `cost`.
    x : str, default="latency_us"
        What `cost` is.
    metric : str, default="neg_log_loss"
        What `quality` is, by scikit-learn's names of scorers; where it begins with
        "neg_" the loss is drawn.
    greater_is_better : bool, default=True
        Of `quality`, as it is given.

    Attributes
    ----------
    points_ : dict of PathCollection
        By ``(family, kind)``.
    error_bars_ : LineCollection or None
    front_ : Line2D
        What can be had for a cost: the best quality of the rows that are drawn up to it.
    limit_ : Line2D or None
    chosen_ : PathCollection
    legend_ : Legend
    ax_, figure_ : Axes, Figure
    """

    def __init__(
        self,
        cost: ArrayLike,
        quality: ArrayLike,
        *,
        name: ArrayLike,
        family: ArrayLike,
        kind: ArrayLike,
        chosen: ArrayLike,
        low: ArrayLike | None = None,
        high: ArrayLike | None = None,
        limit: float | None = None,
        x: str = "latency_us",
        metric: str = "neg_log_loss",
        greater_is_better: bool = True,
    ) -> None:
        self.cost = cost
        self.quality = quality
        self.name = name
        self.family = family
        self.kind = kind
        self.chosen = chosen
        self.low = low
        self.high = high
        self.limit = limit
        self.x = x
        self.metric = metric
        self.greater_is_better = greater_is_better

    @classmethod
    def from_estimator(
        cls,
        auto: Any,
        *,
        x: str = "latency_us",
        metric: str = "neg_log_loss",
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the leaderboard of a fitted `AutoDistiller`, with its limit.

        Parameters
        ----------
        auto : AutoDistiller
            With ``leaderboard_``, and ``max_latency_us`` or ``max_bytes``.
        x, metric, ax, **kwargs
            As in `from_leaderboard`.

        Returns
        -------
        ParetoDisplay
        """
        check_is_fitted(auto, "leaderboard_")
        limit = getattr(auto, f"max_{x}", None)
        return cls.from_leaderboard(
            auto.leaderboard_, x=x, metric=metric, limit=limit, ax=ax, **kwargs
        )

    @classmethod
    def from_leaderboard(
        cls,
        leaderboard: Mapping[str, Any],
        *,
        x: str = "latency_us",
        metric: str = "neg_log_loss",
        limit: float | None = None,
        greater_is_better: bool = True,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw arrays, a row for each model.

        Parameters
        ----------
        leaderboard : dict of array-like of shape (n_rows,), or frame
            With "name", "family", "kind", "chosen", the column `x`, the column `metric`
            and, where there is an interval, ``<metric>_low`` and
            ``<metric>_high``.
        x : {"latency_us", "bytes"}, default="latency_us"
        metric : str, default="neg_log_loss"
        limit : float, default=None
            Hard limit, in the unit of `x`.
        greater_is_better : bool, default=True
            Whether that holds of the column `metric`, as it does of scikit-learn's
            scores.
        ax : Axes, default=None
            None: a new figure.
        **kwargs : dict
            For ``Axes.scatter``.

        Returns
        -------
        ParetoDisplay

        Raises
        ------
        ValueError
            If a column is missing.
        """
        columns = ["name", "family", "kind", "chosen", x, metric]
        if missing := [column for column in columns if column not in leaderboard]:
            raise ValueError(
                f"leaderboard has no column {missing[0]!r}; it has {sorted(leaderboard)}"
            )
        values = {column: np.asarray(leaderboard[column]) for column in columns}
        cost, quality = values.pop(x), values.pop(metric)
        display = cls(
            cost,
            quality,
            **values,
            **{
                end: np.asarray(leaderboard[f"{metric}_{end}"])
                for end in ("low", "high")
                if f"{metric}_{end}" in leaderboard
            },
            limit=limit,
            x=x,
            metric=metric,
            greater_is_better=greater_is_better,
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            None: a new figure.
        **kwargs : dict
            For ``Axes.scatter``.

        Returns
        -------
        ParetoDisplay
        """
        self.ax_, self.figure_ = ax, _ = axes(self, ax)
        label, sign = readable(self.metric)
        cost, quality = (np.asarray(a, dtype=np.float64) for a in (self.cost, self.quality))
        rows = np.flatnonzero(np.isfinite(cost) & np.isfinite(quality))
        if not rows.size:
            raise ValueError(
                f"no row of the leaderboard has finite {self.x} and {self.metric}"
            )
        ax.set_xscale("log")
        self.points_ = self._draw_points(rows, cost, sign * quality, kwargs)
        self.error_bars_ = self._draw_error_bars(rows, cost, sign)
        self.front_ = self._draw_front(rows, cost, quality, sign)
        self.chosen_ = self._draw_chosen(rows, cost, sign * quality)
        self.limit_ = self._draw_limit()
        tick_decades(ax.xaxis, *ax.get_xlim(), in_bytes=self.x == "bytes")
        if sign < 0 and ax.dataLim.ymin > 0:
            ax.set_yscale("log")
            tick_decades(ax.yaxis, *ax.get_ylim())
        ax.set_xlabel(_COST_NAMES.get(self.x, self.x), fontsize="small")
        ax.set_ylabel(label, fontsize="small")
        ax.grid(color="#EEEEEE")
        ax.set_axisbelow(True)
        place = BESIDE if ax.bbox.width / self.figure_.dpi > 4 else _NARROW  # inches
        self.legend_ = ax.legend(handles=self._legend_handles(rows), **place)
        return self

    def _look(self, family, kind):
        """Marker, colour of the edge and of the inside."""
        if kind == "teacher":
            return {"marker": "*", "edgecolors": BLACK, "facecolors": BLACK, "s": 150}
        students = [f for f, k in zip(self.family, self.kind, strict=True) if k != "teacher"]
        number = list(dict.fromkeys(students)).index(family)
        colour = COLOURS[number % len(COLOURS)]
        inside = "none" if kind == "plain" else colour
        marker = MARKERS[number % len(MARKERS)]
        return {"marker": marker, "edgecolors": colour, "facecolors": inside, "s": 45}

    def _draw_points(self, rows, cost, shown, kwargs):
        points, groups = {}, {}
        for row in rows:
            groups.setdefault((self.family[row], self.kind[row]), []).append(row)
        for group, members in groups.items():
            look = self._look(*group) | {"linewidths": 1.5, "zorder": 3} | kwargs
            points[group] = self.ax_.scatter(cost[members], shown[members], **look)
        return points

    def _draw_error_bars(self, rows, cost, sign):
        if self.low is None or self.high is None:
            return None
        low, high = (sign * np.asarray(a, dtype=np.float64) for a in (self.low, self.high))
        known = rows[np.isfinite(low[rows]) & np.isfinite(high[rows])]
        looks = (self._look(self.family[row], self.kind[row]) for row in known)
        colours = [look["edgecolors"] for look in looks]
        style = {"colors": colours, "linewidth": 1.2, "alpha": 0.5, "zorder": 2}
        return self.ax_.vlines(cost[known], low[known], high[known], **style)

    def _draw_front(self, rows, cost, quality, sign):
        """Of what is drawn: the rows that no cheaper one equals."""
        turned = quality if self.greater_is_better else -quality
        ordered = rows[np.lexsort([-turned[rows], cost[rows]])]
        best = np.maximum.accumulate(turned[ordered])
        front = ordered[np.diff(best, prepend=-np.inf) > 0]
        reached = sign * quality[front]
        style = {"color": BLACK, "linewidth": 1.2, "drawstyle": "steps-post", "zorder": 1}
        return self.ax_.plot(cost[front], reached, **style)[0]

    def _draw_chosen(self, rows, cost, shown):
        chosen = rows[np.asarray(self.chosen, dtype=bool)[rows]]
        style = {"s": 230, "facecolors": "none", "edgecolors": BLACK, "linewidths": 1.8}
        return self.ax_.scatter(cost[chosen], shown[chosen], **style, zorder=4)

    def _draw_limit(self):
        if self.limit is None:
            return None
        line = self.ax_.axvline(self.limit, color=BLACK, linestyle="--", linewidth=1.2)
        left, right = self.ax_.get_xlim()
        self.ax_.axvspan(self.limit, right, color=GREY, alpha=0.15, linewidth=0, zorder=0)
        self.ax_.set_xlim(left, right)
        return line

    def _legend_handles(self, rows):
        from matplotlib.lines import Line2D

        def mark(marker, edge, inside, label, size=6.5):
            return Line2D(
                [], [], linestyle="", marker=marker, markersize=size, markeredgewidth=1.5,
                markeredgecolor=edge, markerfacecolor=inside, label=label,
            )  # fmt: skip

        kinds = {self.kind[row] for row in rows}
        families = dict.fromkeys(self.family[r] for r in rows if self.kind[r] != "teacher")
        looks = {family: self._look(family, "distilled") for family in families}
        handles = [
            mark(k["marker"], k["edgecolors"], k["facecolors"], f) for f, k in looks.items()
        ]
        if "distilled" in kinds:
            handles.append(mark("o", GREY, GREY, "distilled (filled)"))
        if "plain" in kinds:
            handles.append(mark("o", GREY, "none", "plain (hollow)"))
        if "teacher" in kinds:
            handles.append(mark("*", BLACK, BLACK, "teacher", 12))
        handles.append(Line2D([], [], color=BLACK, linewidth=1.2, label="Pareto front"))
        if self.limit is not None:
            unit = _UNITS.get(self.x, "")
            text = f"limit: {self.limit:,g} {unit}".rstrip()
            handles.append(Line2D([], [], color=BLACK, linestyle="--", label=text))
        for row in rows[np.asarray(self.chosen, dtype=bool)[rows]]:
            text = textwrap.fill(f"chosen: {self.name[row]}", 24)
            handles.append(mark("o", BLACK, "none", text, 12))
        return handles
