"""Which soft labels teach best: in-sample, out-of-fold, out-of-bag, calibrated, corrected.

    python benchmarks/labels.py --data ../shared/data --cache /tmp/labels

Eight real classification sets of different kinds, each cut to 6,000 training rows and
scored on the rest; teachers: a forest of 300, boosting, their mean; students: trees of
depth 6 and 10, 20 boosted trees of 8 leaves, a logistic regression. Every student is also
fitted on hard labels, plainly and tuned. Teacher labels are made once and kept in the
cache, for this and other benchmarks. Prints the mean gain over the plain student, in Brier
score, by labels, alpha and temperature, and writes every row to the cache as CSV.

"corrected" are labels p + gamma (y - p) with one gamma per class, the share of squared
bias in the error that the out-of-fold labels estimate (after Dao et al., "Knowledge
Distillation as Semiparametric Inference", ICLR 2021).
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Memory, Parallel, delayed
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.teachers._ask import ask_teacher
from skdistill.teachers._calibration import fit_calibrator
from skdistill.teachers._cv import resolve_cv
from skdistill.teachers._labels import label_rows

SETS = [
    "adult", "online_shoppers", "credit_g", "phoneme", "jungle_chess", "satimage", "letter",
    "yeast",
]  # fmt: skip
N_TRAIN, N_TEST = 6000, 20_000
STUDENTS = {
    "tree 6": (DecisionTreeClassifier(max_depth=6), {"max_depth": [2, 3, 4, 5, 6]}),
    "tree 10": (DecisionTreeClassifier(max_depth=10), {"max_depth": [4, 6, 8, 10]}),
    "boosting": (
        HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=8, early_stopping=False),
        {"learning_rate": [0.05, 0.1, 0.2, 0.4]},
    ),
    "logistic": (
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
        {"logisticregression__C": [0.01, 0.1, 1, 10]},
    ),
}
for _student, _grid in STUDENTS.values():
    if isinstance(_student, DecisionTreeClassifier):
        _grid["min_samples_leaf"] = [1, 5, 20]


def load(data, name, seed):
    """Numeric training and test rows of one set."""
    frame = pd.read_parquet(Path(data) / f"{name}.parquet")
    y = np.unique(frame.pop("target").astype(str), return_inverse=True)[1]
    small = len(y) <= N_TRAIN * 1.5
    train, test = train_test_split(
        np.arange(len(y)),
        train_size=0.6 if small else N_TRAIN,
        test_size=None if small else min(N_TEST, len(y) - N_TRAIN),
        stratify=y,
        random_state=seed,
    )
    encode = make_column_transformer(
        (
            OneHotEncoder(handle_unknown="ignore", max_categories=20, sparse_output=False),
            make_column_selector(dtype_include="category"),
        ),
        remainder=SimpleImputer(strategy="median"),
    )
    return (
        encode.fit_transform(frame.iloc[train]),
        y[train],
        encode.transform(frame.iloc[test]),
        y[test],
    )


def teacher_of(kind, n_classes, seed):
    if kind == "forest":
        return RandomForestClassifier(300, random_state=seed)
    return HistGradientBoostingClassifier(
        max_iter=60 if n_classes > 9 else 150,
        learning_rate=0.1,
        early_stopping=False,
        random_state=seed,
    )


def teach(data, name, kind, seed):
    """In-sample, out-of-fold, out-of-bag and test labels of one teacher."""
    X, y, X_test, _ = load(data, name, seed)
    classes = np.unique(y)
    teacher = teacher_of(kind, len(classes), seed)
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inside = label_rows(teacher, X, y, classes)
        found["in-sample"] = inside.proba
        found["test"] = ask_teacher(inside.teacher.get(), X_test, classes)
        found["5 folds"] = label_rows(
            teacher, X, y, classes, cv=resolve_cv(5, teacher, y)
        ).proba
        if kind == "forest":
            found["oob"] = label_rows(teacher, X, y, classes, cv="oob").proba
    return found


def correct(proba, y):
    """``p + gamma (y - p)``, gamma per class from the out-of-fold error."""
    hard = np.eye(proba.shape[1])[y]
    variance = (proba * (1 - proba)).mean(axis=0)
    bias = np.maximum(((hard - proba) ** 2).mean(axis=0) - variance, 0)
    corrected = np.clip(proba + bias / (bias + variance) * (hard - proba), 0, None)
    return corrected / corrected.sum(axis=1, keepdims=True)


def variants(labels, y):
    """Every kind of soft label of a teacher's, from those that were made."""
    kinds = {kind: labels[kind] for kind in ("in-sample", "5 folds", "oob") if kind in labels}
    for method in ("temperature", "isotonic"):
        calibrate, _ = fit_calibrator(labels["5 folds"], y, method)
        kinds[f"5 folds, {method}"] = calibrate(labels["5 folds"])
    kinds["5 folds, corrected"] = correct(labels["5 folds"], y)
    return kinds


def score(model, X, y, teacher):
    proba = model.predict_proba(X)
    hard = np.eye(proba.shape[1])[y]
    return {
        "brier": ((proba - hard) ** 2).sum(axis=1).mean(),
        "log_loss": log_loss(y, proba, labels=np.arange(proba.shape[1])),
        "accuracy": accuracy_score(y, proba.argmax(axis=1)),
        # the class whose expected count is furthest from the observed
        "oe_off": np.abs(np.log(hard.mean(axis=0) / proba.mean(axis=0))).max(),
        "agreement": np.mean(proba.argmax(axis=1) == teacher.argmax(axis=1)),
    }


def run(data, name, seed, teach_once):
    """All rows of the table for one set and seed."""
    X, y, X_test, y_test = load(data, name, seed)
    labels = {kind: teach_once(data, name, kind, seed) for kind in ("forest", "boosting")}
    both = labels.values()
    shared = set.intersection(*(set(one) for one in both))
    labels["vote"] = {key: np.mean([one[key] for one in both], axis=0) for key in shared}
    rows = []
    for student_name, (student, grid) in STUDENTS.items():
        base = {"set": name, "seed": seed, "student": student_name}
        student = clone(student)
        plain = student.fit(X, y)
        tuned = GridSearchCV(student, grid, scoring="neg_log_loss").fit(X, y)
        for kind, one in labels.items():
            for label, model in (("hard", plain), ("hard, tuned", tuned)):
                result = score(model, X_test, y_test, one["test"])
                rows.append({**base, "teacher": kind, "labels": label, **result})
            for label, proba in variants(one, y).items():
                for alpha, temperature in ((0.5, 1), (0.5, 2), (1, 1), (1, 2)):
                    model = DistilledClassifier(
                        student=student, alpha=alpha, temperature=temperature
                    ).fit(X, y, teacher_proba=np.nan_to_num(proba, nan=1 / proba.shape[1]))
                    rows.append(
                        {
                            **base,
                            "teacher": kind,
                            "labels": label,
                            "alpha": alpha,
                            "T": temperature,
                            **score(model, X_test, y_test, one["test"]),
                        }
                    )
    return rows


def summarise(table):
    """Gain over the plain student, mean and standard error over sets."""
    key = ["set", "seed", "student", "teacher"]
    metrics = ["brier", "log_loss", "accuracy", "oe_off", "agreement"]
    plain = table[table["labels"] == "hard"].set_index(key)[metrics]
    gains = table.join(plain, on=key, rsuffix="_plain")
    gains["brier gain x1000"] = 1000 * (gains["brier_plain"] - gains["brier"])
    gains["log-loss gain"] = gains["log_loss_plain"] - gains["log_loss"]
    gains["accuracy gain %"] = 100 * (gains["accuracy"] - gains["accuracy_plain"])
    columns = ["brier gain x1000", "log-loss gain", "accuracy gain %", "oe_off", "agreement"]
    by = ["labels", "alpha", "T"]
    grouped = (
        gains.groupby([*by, "set"], dropna=False)[columns].mean().groupby(by, dropna=False)
    )
    summary = grouped.mean()
    summary["se (sets)"] = grouped["brier gain x1000"].sem()
    return summary.round(4), gains


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--cache", default=".labels-cache")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--n-jobs", type=int, default=2)
    options = parser.parse_args()
    cache = Memory(options.cache, verbose=0)
    jobs = [(name, seed) for seed in options.seeds for name in options.sets]
    done = Parallel(n_jobs=options.n_jobs, verbose=5)(
        delayed(cache.cache(_run))(options.data, options.cache, *job) for job in jobs
    )
    table = pd.DataFrame([row for rows in done for row in rows])
    table.to_csv(Path(options.cache) / "labels.csv", index=False)
    summary, gains = summarise(table)
    print(summary.to_string())
    distilled = gains[gains["labels"] != "hard"]
    for by in ("student", "teacher"):
        wide = distilled.pivot_table(
            "brier gain x1000", ["labels", "alpha", "T"], by, dropna=False
        )
        print(f"\nBrier gain x1000 by {by}\n{wide.dropna(how='all').round(2).to_string()}")


def _run(data, cache, name, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return run(data, name, seed, Memory(cache, verbose=0).cache(teach))


if __name__ == "__main__":
    main()
