"""What distillation costs: seconds and memory of a fit, against the hard-label fit.

    python benchmarks/speed.py            # every family, K = 2, 3, 10
    python benchmarks/speed.py --memory   # peak memory instead, each fit in a process

For each student and number of classes, one round times in turn

- hard: ``student.fit(X, y)``;
- T=1, T=3: the bound loss and `fit_student` on it, soft labels given, alpha=0.5;
- copies (first round only): label expansion, the usual way to soft labels at T=1: each
  row once per class, weighted by its target.

The soft labels are a forest's out-of-bag ones. A ratio is the median over rounds of that
round's time by its hard-label fit's, so that what slows the machine for a while slows
both. The losses are those on the training rows at the temperature of the fit: what the
student got for that time, and in brackets what the copies' student (at T=1) and the
T=1 student (at T=3) have there.
"""

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
import warnings

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from skdistill.loss import CombinedLoss, logits
from skdistill.students import available, fit_student
from skdistill.students._reduction import fit_by_labels
from skdistill.teachers._labels import label_rows

STUDENTS = {
    "LogisticRegression": LogisticRegression(),
    "DecisionTreeClassifier": DecisionTreeClassifier(max_depth=6, random_state=0),
    "ExtraTreeClassifier": ExtraTreeClassifier(max_depth=6, random_state=0),
    "RandomForestClassifier": RandomForestClassifier(10, min_samples_leaf=5, random_state=0),
    "ExtraTreesClassifier": ExtraTreesClassifier(10, min_samples_leaf=5, random_state=0),
    "BaggingClassifier": BaggingClassifier(
        DecisionTreeClassifier(min_samples_leaf=5), 5, random_state=0
    ),
    "HistGradientBoostingClassifier": HistGradientBoostingClassifier(
        max_iter=20, early_stopping=False
    ),
    "GradientBoostingClassifier": GradientBoostingClassifier(n_estimators=3, random_state=0),
    "MLPClassifier": MLPClassifier(max_iter=5, random_state=0),
    "SGDClassifier": SGDClassifier(loss="log_loss", random_state=0),
}


def _boosters():
    """Those of the extra `boost` that are installed."""
    few = {
        "LGBMClassifier": {"n_estimators": 20, "n_jobs": 1, "verbose": -1},
        "XGBClassifier": {"n_estimators": 20, "n_jobs": 1},
        "CatBoostClassifier": {
            "n_estimators": 20,
            "thread_count": 1,
            "verbose": 0,
            "allow_writing_files": False,
        },
    }
    classes = available()
    return {name: classes[name](**few[name]) for name in few if name in classes}


STUDENTS |= _boosters()


def make_task(n_samples, n_features, n_classes, n_trees):
    """Rows, labels and the out-of-bag labels of a forest."""
    X, y = make_classification(
        n_samples, n_features, n_informative=12, n_classes=n_classes, flip_y=0.05,
        random_state=0,
    )  # fmt: skip
    forest = RandomForestClassifier(n_trees, max_features="log2", random_state=0, n_jobs=-1)
    return X, y, label_rows(forest, X, y, np.arange(n_classes), cv="oob").proba


def ways(student, X, y, proba):
    """The fits to time, each a function without arguments that returns a classifier."""

    def distilled(temperature, fit=fit_student):
        loss = CombinedLoss(proba, y, temperature=temperature)
        return fit(clone(student), X, loss).student

    return {
        "hard": lambda: clone(student).fit(X, y),
        "T=1": lambda: distilled(1),
        "T=3": lambda: distilled(3),
        "copies": lambda: distilled(1, fit_by_labels),
    }


def measure(student, X, y, proba, n_rounds, names=("hard", "T=1", "T=3", "copies")):
    """Seconds of each way, of shape (n_rounds, n_ways), and the last fitted students."""
    fits, fitted = ways(student, X, y, proba), {}
    fits = {name: fits[name] for name in names}
    seconds = np.full((n_rounds, len(fits)), np.nan)
    for row in range(n_rounds):
        for column, (name, fit) in enumerate(fits.items()):
            if name == "copies" and row:
                continue
            start = perf_counter()
            fitted[name] = fit()
            seconds[row, column] = perf_counter() - start
    return seconds, fitted


def losses(fitted, X, y, proba):
    """Loss reached at T=1 and T=3, each with that of its rival."""
    pairs = {1: ("T=1", "copies"), 3: ("T=3", "T=1")}
    return [
        CombinedLoss(proba, y, temperature=T).parts(logits(fitted[way].predict_proba(X))).total
        for T, names in pairs.items()
        for way in names
    ]


def compare_speed(args):
    print(
        f"{args.samples} rows, {args.features} columns, {args.rounds} rounds\n\n"
        f"{'student':31}{'K':>3}{'hard s':>9}{'T=1':>7}{'T=3':>7}{'copies':>8}"
        f"{'loss T=1 (copies)':>20}{'loss T=3 (at T=1)':>20}"
    )
    ratios = []
    for n_classes in args.classes:
        X, y, proba = make_task(args.samples, args.features, n_classes, args.trees)
        for name in args.student:
            seconds, fitted = measure(STUDENTS[name], X, y, proba, args.rounds)
            one, three, copies = np.nanmedian(seconds[:, 1:] / seconds[:, :1], axis=0)
            at = losses(fitted, X, y, proba)
            ratios.append((one, three))
            print(
                f"{name:31}{n_classes:3}{np.median(seconds[:, 0]):9.4f}{one:7.2f}{three:7.2f}"
                f"{copies:8.2f}{at[0]:11.4f} ({at[1]:.4f}){at[2]:11.4f} ({at[3]:.4f})",
                flush=True,
            )
    one, three = np.median(ratios, axis=0)
    print(f"{'median':31}{'':12}{one:7.2f}{three:7.2f}")


def compare_memory(args):
    """Peak memory of a process that does one fit, above what it held before."""
    print("MB above the process before the fit, in brackets times the peak of the process\n")
    names = ("hard", "T=1", "T=3", "copies")
    print(f"{'student':31}{'K':>3}" + "".join(f"{way:>13}" for way in names))
    for n_classes in args.classes:
        with tempfile.NamedTemporaryFile(suffix=".npz") as file:
            np.savez(file.name, *make_noisy_task(args.samples, args.features, n_classes))
            for name in args.student:
                peaks = [_peak_of(name, way, file.name) for way in names]
                whole = peaks[0][1]
                cells = "".join(f"{own:6.0f} ({peak / whole:4.2f})" for own, peak in peaks)
                print(f"{name:31}{n_classes:3}{cells}", flush=True)


def make_noisy_task(n_samples, n_features, n_classes):
    """Rows, labels and soft labels that cost nothing to make."""
    X, y = make_classification(
        n_samples, n_features, n_informative=12, n_classes=n_classes, random_state=0
    )
    blur = np.random.default_rng(0).dirichlet(np.ones(n_classes), len(y))
    return X, y, 0.7 * np.eye(n_classes)[y] + 0.3 * blur


def _peak_of(name, way, file):
    """MB above, and in all; the rows come from a file, for making them takes more."""
    command = [sys.executable, __file__, "--one-fit", name, way, file]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return tuple(map(float, out.split()))


def one_fit(args):
    """Print the MB by which one fit raised the peak of this process, and that peak."""
    name, way, file = args.one_fit
    X, y, proba = np.load(file).values()
    few = np.arange(0, len(y), 50)
    for fit in ways(STUDENTS[name], X[few], y[few], proba[few]).values():
        fit()  # what a first fit imports is not its cost
    before = _restart_peak()
    ways(STUDENTS[name], X, y, proba)[way]()
    after = _peak()
    print(after - before, after)


def _restart_peak():
    """MB held now, from where the peak is counted anew; Linux only."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--classes", type=int, nargs="+", default=[2, 3, 10])
    parser.add_argument("--trees", type=int, default=100, help="of the teacher")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--student", nargs="+", choices=STUDENTS, default=list(STUDENTS))
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--one-fit", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    run = one_fit if args.one_fit else compare_memory if args.memory else compare_speed
    run(args)


if __name__ == "__main__":
    main()
