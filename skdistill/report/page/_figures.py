"""The displays of `skdistill.plot` as inline SVG, small enough for a phone.

Words stay words, in the fonts of the reader: they can be searched and read aloud, in any
script. Identifiers begin with the name of the figure, so that figures on one page do not
share them.
"""

import re
import warnings
from html import escape
from io import StringIO
from textwrap import fill

import numpy as np

from skdistill.plot import ParetoDisplay, ReliabilityDisplay

_STYLE = {
    "svg.fonttype": "none",
    "svg.image_inline": True,
    "font.size": 11,
    "text.parse_math": False,
}
_LABEL = 30  # characters in a line
_COSTS = {"latency_us": "latency", "bytes": "size"}


def figures(case):
    """Markup by name of the figure.

    Parameters
    ----------
    case : Case

    Returns
    -------
    dict of list of dict
        Under "front" and "reliability": "svg" and what it shows, "label".
    """
    import matplotlib.style

    with matplotlib.style.context(["default", _STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the reader's fonts may well have it
        return {"front": _front(case), "reliability": _reliability(case)}


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
