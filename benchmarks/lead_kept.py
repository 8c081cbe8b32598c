"""Draw ``lead_kept.svg``: the table of ``python -m skdistill`` as a picture.

Run ``python benchmarks/lead_kept.py`` (about a minute); it fits everything anew.
"""

from argparse import Namespace
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

from skdistill.classifier import DistilledClassifier
from skdistill.demo import DATASETS, STUDENTS, compare, load

PLAIN, DISTILLED, TEACHER = "#D55E00", "#0072B2", "#555555"  # Okabe and Ito


def draw(axes, dataset, table):
    axes.axvline(table["teacher"].log_loss, color=TEACHER, linestyle="--", linewidth=1.2)
    for height, student in enumerate(reversed(STUDENTS)):
        ends = [table[f"{student}, {kind}"].log_loss for kind in ("plain", "distilled")]
        axes.annotate(
            "",
            xy=(ends[1], height),
            xytext=(ends[0], height),
            arrowprops={"arrowstyle": "-|>", "color": "#999999", "shrinkA": 5, "shrinkB": 5},
        )
        axes.plot(ends[0], height, "o", color=PLAIN, markersize=8, markerfacecolor="white")
        axes.plot(ends[1], height, "o", color=DISTILLED, markersize=8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(STUDENTS)), list(reversed(STUDENTS)))
    axes.set_ylim(-0.6, len(STUDENTS) - 0.4)
    axes.set_title(dataset.replace("_", " "), loc="left")
    axes.set_xlabel("log-loss on test rows (log scale)")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
    axes.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#EEEEEE")
    axes.set_axisbelow(True)


def main():
    plt.rcParams |= {"font.size": 10, "svg.hashsalt": "skdistill", "svg.fonttype": "path"}
    defaults = DistilledClassifier()
    options = Namespace(
        splits=4, seed=0, temperature=defaults.temperature, alpha=defaults.alpha
    )
    figure, panels = plt.subplots(1, len(DATASETS), figsize=(8.6, 2.7), layout="constrained")
    for axes, dataset in zip(panels, DATASETS, strict=True):
        draw(axes, dataset, compare(*load(dataset), options)[0])
    handles = [
        plt.Line2D([], [], color=PLAIN, marker="o", markerfacecolor="white", linestyle=""),
        plt.Line2D([], [], color=DISTILLED, marker="o", linestyle=""),
        plt.Line2D([], [], color=TEACHER, linestyle="--"),
    ]
    names = ["student on hard labels", "the same student, distilled", "teacher"]
    figure.legend(handles, names, loc="outside upper center", ncols=3, frameon=False)
    target = Path(__file__).parents[1] / "docs" / "lead_kept.svg"
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main()
