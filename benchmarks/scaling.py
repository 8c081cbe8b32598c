"""How the time of a fit grows with the rows: hard labels against soft ones.

    python benchmarks/scaling.py

Time is taken for n rows of 20 columns and three classes, hard and distilled in turn; the
exponent is the slope of log time against log n between the ends.
"""

import argparse
import os
import warnings

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from speed import measure

from skdistill.students import available

STUDENTS = {
    "LogisticRegression": LogisticRegression(),
    "DecisionTreeClassifier": DecisionTreeClassifier(max_depth=6, random_state=0),
    "HistGradientBoostingClassifier": HistGradientBoostingClassifier(
        max_iter=10, early_stopping=False
    ),
}
if "LGBMClassifier" in available():
    STUDENTS["LGBMClassifier"] = available()["LGBMClassifier"](
        n_estimators=10, n_jobs=1, verbose=-1
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    sizes = "".join(f"{n:>11,}" for n in args.samples)
    print(f"seconds\n\n{'student':31}{'fit':>6}{sizes}{'exponent':>10}")
    for name, student in STUDENTS.items():
        seconds = []
        for n in args.samples:
            X, y = make_classification(
                n, 20, n_informative=8, n_classes=3, flip_y=0.05, random_state=0
            )
            blur = np.random.default_rng(0).dirichlet(np.ones(3), n)
            proba = 0.7 * np.eye(3)[y] + 0.3 * blur
            taken, _ = measure(student, X, y, proba, args.rounds, ("hard", "T=1", "T=3"))
            seconds.append(np.median(taken, axis=0))
        for fit, row in zip(("hard", "T=1", "T=3"), np.transpose(seconds), strict=True):
            exponent = np.log(row[-1] / row[0]) / np.log(args.samples[-1] / args.samples[0])
            cells = "".join(f"{value:11.3f}" for value in row)
            print(f"{name:31}{fit:>6}{cells}{exponent:10.3f}", flush=True)


if __name__ == "__main__":
    main()
