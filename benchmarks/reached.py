"""The combined loss that each family reaches at T = 3, on the rows it was fitted on.

    python benchmarks/reached.py --data ../shared/data

Three real sets, 3,000 rows, alpha = .5, out-of-bag labels of a forest. Against the loss of
the family's own fit at T = 1 and of the iterated label expansion at T = 3 (every row once
per class, reweighted and refitted): ratios, below 1 where the family does better; means
over seeds of the rows, the teacher and the student, and in brackets how they vary.
"""

import argparse
import os
import warnings

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from labels import load
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import StandardScaler
from speed import STUDENTS

from skdistill.loss import CombinedLoss, logits
from skdistill.students import fit_student
from skdistill.students._reduction import fit_by_labels
from skdistill.teachers._labels import label_rows


def reached(student, X, loss):
    """Loss at T = 3 of the family's fit, of its fit at T = 1, and of label expansion."""
    at_one = CombinedLoss(loss.soft_labels, loss.y, temperature=1.0)
    fitted = (
        fit_student(student, X, loss, random_state=0).student,
        fit_student(student, X, at_one, random_state=0).student,
        fit_by_labels(clone(student), X, loss, random_state=0).student,
    )
    return [loss.parts(logits(one.predict_proba(X))).total for one in fitted]


def ratios(data, name, n_samples, seed):
    """For each family the loss, and its ratios to the T = 1 fit's and the expansion's."""
    X, y, *_ = load(data, name, 0)
    rows = np.random.default_rng(seed).permutation(len(y))[:n_samples]
    X, y = StandardScaler().fit_transform(X[rows]), y[rows]
    forest = RandomForestClassifier(300, random_state=seed)
    proba = label_rows(forest, X, y, np.unique(y), cv="oob").proba
    loss = CombinedLoss(proba, y, temperature=3.0)
    for student in STUDENTS.values():
        seeds = {"random_state": seed} if "random_state" in student.get_params() else {}
        own, at_one, expanded = reached(clone(student).set_params(**seeds), X, loss)
        yield own, own / at_one, own / expanded


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--sets", nargs="+", default=["phoneme", "satimage", "adult"])
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'set':10}{'student':31}{'loss':>7}{'/ T=1':>15}{'/ expansion':>15}")
    for name in args.sets:
        drawn = [list(ratios(args.data, name, args.rows, seed)) for seed in range(args.seeds)]
        for family, found in zip(STUDENTS, np.swapaxes(drawn, 0, 1), strict=True):
            mean, sd = found.mean(axis=0), found.std(axis=0)
            print(
                f"{name:10}{family:31}{mean[0]:7.4f}"
                f"{mean[1]:9.3f} ({sd[1]:.3f}){mean[2]:9.3f} ({sd[2]:.3f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
