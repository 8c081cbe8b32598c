"""How common students make a rare class: predicted over observed share on test rows.

``python benchmarks/rare.py [--quick]``: data with .1 to 5 % positives, forest and boosting
teachers, with class weights and without, ``cv="auto"``, temperatures 1 and 2, five seeds.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier

TEACHERS = {
    "forest": RandomForestClassifier(100, min_samples_leaf=3),
    "boosting": HistGradientBoostingClassifier(max_iter=50, learning_rate=0.05),
    "balanced forest": RandomForestClassifier(100, class_weight="balanced"),
    "balanced boosting": HistGradientBoostingClassifier(
        max_iter=50, learning_rate=0.05, class_weight="balanced"
    ),
}
SHARES = (0.001, 0.004, 0.01, 0.02, 0.05)


def predicted_over_observed(teacher, share, temperature, calibrate, seed):
    X, y = make_classification(
        30_000, 10, n_informative=6, weights=[1 - share], flip_y=0, class_sep=0.7,
        random_state=seed,
    )  # fmt: skip
    train, test = np.split(np.random.default_rng(seed).permutation(30_000), [10_000])
    model = DistilledClassifier(
        teacher,
        DecisionTreeClassifier(max_depth=5, min_samples_leaf=10),
        temperature=temperature,
        cv="auto",
        calibrate_teacher=calibrate,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model.fit(X[train], y[train])
    return model.predict_proba(X[test])[:, 1].mean() / y[test].mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, two shares")
    parser.add_argument("--temperatures", type=float, nargs="+", default=[1, 2])
    options = parser.parse_args()
    quick, seeds = options.quick, range(1 if options.quick else 5)
    rows = []
    for name, teacher in TEACHERS.items():
        ways = (False, True, "sigmoid") if "balanced" in name else (False, True)
        for calibrate in ways:
            for share in SHARES[1::2] if quick else SHARES:
                for temperature in options.temperatures:
                    how = (teacher, share, temperature, calibrate)
                    found = Parallel(n_jobs=2)(
                        delayed(predicted_over_observed)(*how, seed) for seed in seeds
                    )
                    rows.append((name, str(calibrate), temperature, share, np.mean(found)))
    columns = ["teacher", "calibrate_teacher", "temperature", "share", "ratio"]
    table = pd.DataFrame(rows, columns=columns)
    print(table.pivot(index=columns[:3], columns="share", values="ratio").round(2).to_string())


if __name__ == "__main__":
    main()
