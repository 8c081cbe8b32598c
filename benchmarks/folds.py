"""What out-of-fold labels cost: `cv=5` against the six teacher fits it needs.

    python benchmarks/folds.py

Each round times, in turn, labels out of five folds with a teacher on all rows, and the
six fits alone; the ratio is the median over rounds.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from time import perf_counter

import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import StratifiedKFold

from skdistill.teachers._cv import resolve_cv
from skdistill.teachers._labels import label_rows

TEACHERS = {
    "forest of 100": RandomForestClassifier(100, random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=100, early_stopping=False),
}


def six_fits(teacher, X, y):
    for train, _ in StratifiedKFold(5).split(X, y):
        clone(teacher).fit(X[train], y[train])
    clone(teacher).fit(X, y)


def main():
    X, y = make_classification(5000, 20, n_informative=10, n_classes=3, random_state=0)
    for name, teacher in TEACHERS.items():
        ratios = []
        for _ in range(5):
            start = perf_counter()
            label_rows(teacher, X, y, np.unique(y), cv=resolve_cv(5, teacher, y))
            middle = perf_counter()
            six_fits(teacher, X, y)
            ratios.append((middle - start) / (perf_counter() - middle))
        print(f"{name}: {np.median(ratios):.3f} times the six fits")


if __name__ == "__main__":
    main()
