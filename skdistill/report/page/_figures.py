"""The displays of `skdistill.plot` as inline SVG, small enough for a phone.

Words stay words, in the fonts of the reader: they can be searched and read aloud, in any
script. Identifiers begin with the name of the figure, so that figures on one page do not
share them.
"""

import re
import warnings
from html import escape
from io import StringIO
from textwrap import fill, shorten

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from skdistill.auto._leaderboard import visible
from skdistill.plot import ParetoDisplay, ReliabilityDisplay
from skdistill.plot._style import BLACK, BLUE, GREY, VERMILION

_STYLE = {
    "svg.fonttype": "none",
    "svg.image_inline": True,
    "font.size": 11,
    "text.parse_math": False,
}
_LABEL = 30  # characters in a line
_BARS = 15
# of teacher, plain and distilled, as in the reliability diagrams
_COLOURS, _DASHES = (BLACK, VERMILION, BLUE), ("-", "--", ":")
_COSTS = {"latency_us": "latency", "bytes": "size"}


def figures(case, found):
    """Markup by name of the figure.

    Parameters
    ----------
    case : Case
    found : dict
        The facts of the page, by section.

    Returns
    -------
    dict of list of dict
        Under "front", "reliability", "curves" and "importances": "svg" and what it shows,
        "label".
    """
    import matplotlib.style

    with matplotlib.style.context(["default", _STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the reader's fonts may well have it
        return {
            "front": _front(case),
            "reliability": _reliability(case),
            "curves": _curves(case),
            "importances": _importances(found["model"]["permutation"]),
        }


def _front(case):
    board, drawn = case.board, []
    for x, word in _COSTS.items():
        if not np.isfinite(board[x]).any():
            continue
        figure, ax = _axes(4.7, 4.6)
        ParetoDisplay.from_leaderboard(
            board, x=x, metric=case.metric, limit=case.limits[x], ax=ax
        )
        label = f"Quality of every row of the leaderboard against its {word}"
        drawn.append({"svg": _svg(figure, f"front-{word}", label), "label": label})
    return drawn


def _reliability(case):
    held_out, made = case.held_out, [_axes(3.3, 3.5) for _ in case.roles]
    probas = {role: held_out.proba[name] for role, name in case.roles.items()}
    ReliabilityDisplay.from_predictions(
        held_out.y,
        probas,
        classes=case.classes,
        sample_weight=held_out.sample_weight,
        ax=[ax for _, ax in made],
    )
    drawn = []
    for (figure, ax), role in zip(made, probas, strict=True):
        ax.set_xlabel(fill(ax.get_xlabel(), _LABEL))
        ax.set_ylabel(fill(made[0][1].get_ylabel(), _LABEL))
        whose = case.in_prose(case.roles[role])
        label = f"Reliability of {whose}: observed share against probability"
        drawn.append({"svg": _svg(figure, f"reliability-{role}", label), "label": label})
    return drawn


def _curves(case):
    """ROC and precision-recall of each role; of two classes only."""
    if len(case.classes) != 2 or len(np.unique(case.held_out.y)) != 2:
        return []
    event, weight = case.held_out.y == case.classes[1], case.held_out.sample_weight
    (roc, ax_roc), (pr, ax_pr) = _axes(3.9, 3.9), _axes(3.9, 3.9)
    for number, (role, name) in enumerate(case.roles.items()):
        score = case.held_out.proba[name][:, 1]
        look = {"color": _COLOURS[number], "linestyle": _DASHES[number], "label": role}
        false, true, _ = roc_curve(event, score, sample_weight=weight)
        ax_roc.plot(false, true, **look)
        precision, recall, _ = precision_recall_curve(event, score, sample_weight=weight)
        ax_pr.step(recall, precision, where="post", **look)
    ax_roc.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
    ax_roc.set(xlabel="false positive rate", ylabel="true positive rate (recall)")
    ax_pr.set(xlabel="recall", ylabel="precision", ylim=(0, 1.02))
    for ax in (ax_roc, ax_pr):
        ax.legend(frameon=False, fontsize="small")
        ax.grid(color="#EEEEEE")
    return [
        {"svg": _svg(figure, f"curve-{name}", label), "label": label}
        for figure, name, label in (
            (roc, "roc", f"ROC curves for {case.classes[1]}"),
            (pr, "pr", f"Precision against recall for {case.classes[1]}"),
        )
    ]


def _importances(permutation):
    """Bars with the standard deviation of the shuffles, the largest on top."""
    if permutation.get("missing") or not permutation["columns"]:
        return []
    top = permutation["columns"][:_BARS][::-1]
    figure, ax = _axes(5.4, 1.1 + 0.27 * len(top))
    names = [shorten(visible(one["column"]), _LABEL, placeholder="…") for one in top]
    places = np.arange(len(top))
    ax.barh(places, [one["value"] for one in top], xerr=[one["sd"] for one in top],
            color=BLUE, ecolor=GREY)  # fmt: skip
    ax.set_yticks(places, names)
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set_xlabel("rise of the log-loss when it is shuffled")
    label = "What each column is worth, with the standard deviation of the shuffles"
    return [{"svg": _svg(figure, "importances", label), "label": label}]


def _axes(width, height):
    """Axes of a figure that no window and no pyplot state knows of."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _svg(figure, name, label):
    """The element alone, named for those who do not see it."""
    import matplotlib

    text, nothing = StringIO(), dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(text, format="svg", metadata=nothing)
    svg = text.getvalue()
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\1{name}-", svg[svg.index("<svg") :])
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1)
