"""What distillation costs: seconds of a fit, against the same student's hard-label fit.

    python benchmarks/cost.py

For each student and number of classes, one round times in turn

- hard: ``student.fit(X, y)``;
- T=1, T=3: the bound loss and `fit_student` on it, soft labels given, alpha=0.5;
- copies: label expansion, the usual way to soft labels at T=1: each row once per class,
  weighted by its target.

A ratio is the median over rounds of that round's time by its hard-label fit's, so that
what slows the machine for a while slows both. The losses are those on the training rows
at the temperature of the fit: what the student got for that time, and in brackets what
the copies' (at T=1) or the hard labels' (at T=3) student has there.
"""

import argparse
import os
import warnings

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from time import perf_counter

import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skdistill.loss import CombinedLoss, logits
from skdistill.students import fit_student
from skdistill.students._reduction import fit_by_labels

STUDENTS = {
    "LogisticRegression": LogisticRegression(),
    "DecisionTreeClassifier": DecisionTreeClassifier(max_depth=6, random_state=0),
}


def make_task(n_samples, n_features, n_classes, n_trees):
    """Rows, labels and a forest's probabilities, its zeros smoothed as counts."""
    X, y = make_classification(
        n_samples, n_features, n_informative=12, n_classes=n_classes, flip_y=0.05,
        random_state=0,
    )  # fmt: skip
    forest = RandomForestClassifier(n_trees, max_features="log2", random_state=0, n_jobs=-1)
    proba = forest.fit(X, y).predict_proba(X)
    return X, y, (n_trees * proba + 1 / n_classes) / (n_trees + 1)


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


def measure(student, X, y, proba, n_rounds):
    """Seconds of each way, of shape (n_rounds, n_ways), and the last fitted students."""
    fits, seconds, fitted = ways(student, X, y, proba), [], {}
    for _ in range(n_rounds):
        row = []
        for name, fit in fits.items():
            start = perf_counter()
            fitted[name] = fit()
            row.append(perf_counter() - start)
        seconds.append(row)
    return np.array(seconds), fitted


def losses(fitted, X, y, proba):
    """Loss reached at T=1 and T=3, each with that of its cheaper or dearer rival."""
    pairs = {1: ("T=1", "copies"), 3: ("T=3", "hard")}
    return [
        CombinedLoss(proba, y, temperature=T).parts(logits(fitted[way].predict_proba(X))).total
        for T, names in pairs.items()
        for way in names
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--classes", type=int, nargs="+", default=[2, 10])
    parser.add_argument("--trees", type=int, default=100, help="of the teacher")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--student", nargs="+", choices=STUDENTS, default=list(STUDENTS))
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    print(
        f"{args.samples} rows, {args.features} columns, {args.rounds} rounds\n\n"
        f"{'student':30}{'K':>3}{'hard s':>9}{'T=1':>7}{'T=3':>7}{'copies':>8}"
        f"{'loss T=1 (copies)':>20}{'loss T=3 (hard)':>20}"
    )
    for n_classes in args.classes:
        X, y, proba = make_task(args.samples, args.features, n_classes, args.trees)
        for name in args.student:
            seconds, fitted = measure(STUDENTS[name], X, y, proba, args.rounds)
            one, three, copies = np.median(seconds[:, 1:] / seconds[:, :1], axis=0)
            at = losses(fitted, X, y, proba)
            print(
                f"{name:30}{n_classes:3}{np.median(seconds[:, 0]):9.4f}{one:7.2f}{three:7.2f}"
                f"{copies:8.2f}{at[0]:11.4f} ({at[1]:.4f}){at[2]:11.4f} ({at[3]:.4f})"
            )


if __name__ == "__main__":
    main()
