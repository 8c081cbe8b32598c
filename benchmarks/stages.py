"""Does a stage between teacher and student help? big -> small against big -> middle -> small.

    python benchmarks/stages.py

Bundled digits and, where ../shared/data is there, satimage (3,000 training rows), five
splits: test log-loss of a tree of depth 8 taught by a forest of 300, and by a
small boosting that the forest taught. Labels are out of bag from the forest; those of the
middle, which is itself a `DistilledClassifier`, are in-sample or out of fold.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier

BIG = RandomForestClassifier(300, random_state=0)
MIDDLE = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=8, early_stopping=False)
SMALL = DecisionTreeClassifier(max_depth=8, min_samples_leaf=5, random_state=0)
MODELS = {
    "big": BIG,
    "small alone": SMALL,
    "middle alone": MIDDLE,
    "big -> middle": DistilledClassifier(BIG, MIDDLE, 1.0, cv="oob"),
    "big -> small": DistilledClassifier(BIG, SMALL, 1.0, cv="oob"),
    "big -> middle -> small": DistilledClassifier(
        DistilledClassifier(BIG, MIDDLE, 1.0, cv="oob"), SMALL, 1.0
    ),
    "big -> middle -> small, 3 folds": DistilledClassifier(
        DistilledClassifier(BIG, MIDDLE, 1.0, cv="oob"), SMALL, 1.0, cv=3
    ),
}


def sets():
    yield "digits", *load_digits(return_X_y=True)
    path = Path(__file__).parents[2] / "shared" / "data" / "satimage.parquet"
    if path.exists():
        import pandas as pd

        frame = pd.read_parquet(path)
        yield "satimage", frame.drop(columns="target").to_numpy(), frame["target"].astype(str)


def main():
    print(f"{'test log-loss':34}" + "".join(f"{name:>12}" for name in ("mean", "se")))
    for name, X, y in sets():
        y = np.asarray(y)
        split = StratifiedShuffleSplit(5, train_size=min(3000, len(y) // 2), random_state=0)
        losses = {key: [] for key in MODELS}
        for train, test in split.split(X, y):
            for key, model in MODELS.items():
                proba = model.fit(X[train], y[train]).predict_proba(X[test])
                losses[key].append(log_loss(y[test], proba))
        print(name)
        for key, values in losses.items():
            print(f"  {key:32}{np.mean(values):12.4f}{np.std(values, ddof=1) / 5**0.5:12.4f}")


if __name__ == "__main__":
    main()
