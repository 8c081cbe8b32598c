"""How often the leaves of CatBoost are solved for the loss: passes and Newton steps.

    python benchmarks/boosted_leaves.py --data ../shared/data

2,000 rows of a data set, out-of-bag labels of a forest, alpha = .5, 20 and 100 trees.
Against the general path, fitted to label copies at the same T: loss on the training rows
and log-loss on up to 4,000 others, geometric means of the ratios over sets and numbers of
trees, and the worst of the former.
"""

import argparse
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from catboost import CatBoostClassifier
from labels import load
from scipy.stats import gmean
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss

from skdistill.loss import CombinedLoss, logits
from skdistill.students import catboost, fit_student
from skdistill.students._reduction import fit_by_labels
from skdistill.teachers._labels import label_rows

TWO = ["adult", "phoneme", "magic", "electricity"]
SEVERAL = ["satimage", "car", "jungle_chess", "splice", "yeast", "first_order_theorem"]
SOLVED = [(1, 1), (1, 3), (2, 1), (2, 2), (2, 3), (3, 2)]


def ratios(student, train, test, loss):
    """Training and test loss by those of label copies, for each way to solve leaves."""

    def reached(fitted):
        proba = fitted.student.predict_proba(test[0])
        value = loss.parts(logits(fitted.student.predict_proba(train[0]))).total
        return value, log_loss(test[1], proba, labels=fitted.student.classes_)

    copies = np.array(reached(fit_by_labels(clone(student), train[0], loss)))
    for catboost._PASSES, catboost._NEWTON_STEPS in SOLVED:
        yield reached(fit_student(student, train[0], loss)) / copies


def compared(data, name, temperature):
    """`ratios` for few and many trees."""
    X, y, *_ = load(data, name, 0)
    rows = np.random.default_rng(0).permutation(len(y))
    n_train = min(2000, len(y) // 2)
    train, test = (
        (X[part], y[part]) for part in (rows[:n_train], rows[n_train : n_train + 4000])
    )
    forest = RandomForestClassifier(200, random_state=0)
    proba = label_rows(forest, *train, np.unique(y), cv="oob").proba
    loss = CombinedLoss(proba, np.searchsorted(np.unique(y), train[1]), classes=np.unique(y),
                        temperature=temperature)  # fmt: skip
    quiet = {"verbose": 0, "allow_writing_files": False, "thread_count": 1}
    return [
        list(ratios(CatBoostClassifier(n_trees, **quiet), train, test, loss))
        for n_trees in (20, 100)
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", default="../shared/data")
    args = parser.parse_args()
    print(f"{'classes':9}{'T':>4}{'passes':>8}{'steps':>7}{'loss':>8}{'worst':>8}{'test':>8}")
    for classes, sets, temperature in (
        ("two", TWO, 0.5), ("two", TWO, 3.0),
        ("several", SEVERAL, 1.0), ("several", SEVERAL, 3.0),
    ):  # fmt: skip
        each = np.concatenate([compared(args.data, name, temperature) for name in sets])
        for (passes, steps), found in zip(SOLVED, each.swapaxes(0, 1), strict=True):
            mean = gmean(found)
            print(
                f"{classes:9}{temperature:4g}{passes:8}{steps:7}{mean[0]:8.3f}"
                f"{found[:, 0].max():8.3f}{mean[1]:8.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
