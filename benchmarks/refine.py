"""What do leaves and trees gain that are fitted for one another?

    python benchmarks/refine.py --data ../shared/data
    python benchmarks/refine.py --students "forest 10" --seeds 0 1
    python benchmarks/refine.py --quick
    python benchmarks/refine.py --report
    python benchmarks/refine.py --cost

Real classification sets, cut to 2,000 training rows (`--rows`) and scored on up to 8,000
others. The teacher is the mean of two forests and boosted trees; its labels are out of fold
and calibrated, temperature 1, alpha .5. Each student is fitted on hard labels, then on the
labels of the teacher with `refine` False and True, without generated rows and with them
(`--sizes`, multiples of the training rows; `--generator`). With generated rows alpha is .9,
because they carry soft labels only.

Measured is the share of the teacher's lead over the student on hard labels that is kept, in
Brier score and in log-loss: 0 is the plain student, 1 the teacher. Beside it the seconds of
a fit of the student, its nodes and its microseconds a row. A row of the CSV for each fit;
what is there is not fitted again.

`--cost` fits a forest of 100 trees of 1,000 leaves on 100,000 rows of 10 classes, and a
boosting of 100 rounds of 31 leaves on 100,000 rows of 5 classes, times the stages and
measures the memory that they ask for. `--quick` is for a look.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
import tracemalloc
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from skdistill import DistilledClassifier
from skdistill.loss import CombinedLoss
from skdistill.students import Unsupported, fit_student, leaves_of

RESULTS = Path(__file__).parent / "results" / "refine.csv"
SETS = [
    "phoneme", "magic", "electricity", "satimage", "jungle_chess", "covtype_93k",
    "credit_default", "yeast",
]  # fmt: skip
SIZES = [0.0, 20.0]


def boosting(learning_rate=0.2):
    return HistGradientBoostingClassifier(
        max_iter=20, max_leaf_nodes=8, learning_rate=learning_rate, early_stopping=False
    )


STUDENTS = {
    "forest 10": RandomForestClassifier(10, max_depth=10),
    "forest 10, all columns": RandomForestClassifier(10, max_depth=10, max_features=None),
    "extra trees 10": ExtraTreesClassifier(10, max_depth=10, max_features=None),
    "bagging 10": BaggingClassifier(DecisionTreeClassifier(max_depth=10), 10),
    "boosting .1": boosting(0.1),
    "boosting .2": boosting(),
    "boosting .5": boosting(0.5),
    "gradient boosting": GradientBoostingClassifier(n_estimators=20, max_leaf_nodes=8),
    "lightgbm": LGBMClassifier(n_estimators=20, num_leaves=8, n_jobs=1, verbose=-1),
    "xgboost": XGBClassifier(
        n_estimators=20,
        max_leaves=8,
        max_depth=0,
        grow_policy="lossguide",
        learning_rate=0.1,
        n_jobs=1,
    ),
    "catboost": CatBoostClassifier(
        iterations=20,
        depth=3,
        learning_rate=0.1,
        verbose=0,
        thread_count=1,
        allow_writing_files=False,
    ),
    "tree 4": DecisionTreeClassifier(max_depth=4),
    "tree 6": DecisionTreeClassifier(max_depth=6),
    "tree 10": DecisionTreeClassifier(max_depth=10),
}


def load(data, name, seed, n_train, n_test=8000):
    """Training and test rows as frames of numbers, categories by their codes."""
    frame = pd.read_parquet(Path(data) / f"{name}.parquet")
    y = np.unique(frame.pop("target").astype(str), return_inverse=True)[1]
    for column in frame.select_dtypes("category"):
        frame[column] = frame[column].cat.codes.astype(float)
    frame = frame.fillna(frame.median())
    n_train = min(n_train, 2 * len(y) // 3)
    train, test = train_test_split(
        np.arange(len(y)),
        train_size=n_train,
        test_size=min(n_test, len(y) - n_train),
        stratify=y,
        random_state=seed,
    )
    return frame.iloc[train], y[train], frame.iloc[test], y[test]


def teacher():
    many = HistGradientBoostingClassifier(max_iter=100, learning_rate=0.08)
    return [
        ("forest", RandomForestClassifier(150)),
        ("extra trees", ExtraTreesClassifier(150)),
        ("boosting", many.set_params(early_stopping=False)),
    ]


def measure(proba, y):
    hard = np.eye(proba.shape[1])[y]
    clipped = np.clip(proba, 1e-7, 1)
    clipped /= clipped.sum(axis=1, keepdims=True)
    return {
        "brier": ((proba - hard) ** 2).sum(axis=1).mean(),
        "log_loss": log_loss(y, clipped, labels=np.arange(proba.shape[1])),
    }


def arms(sizes):
    """What is fitted: generated rows, refine, alpha. Alpha 0 is the plain student."""
    yield 0.0, False, 0.0
    for size in sizes:
        for refine in (False, True):
            yield size, refine, 0.9 if size else 0.5


def made(arm, options):
    """What makes the generated rows of an arm."""
    return options.generator if arm[0] else "none"


def size_of(student):
    """Leaves of a fitted ensemble."""
    leaves = leaves_of(student)
    return np.nan if leaves is None else len(leaves.values)


def microseconds(student, X):
    """Of a row, in batches of 1,000."""
    X = X.iloc[:1000]
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        student.predict_proba(X)
        times.append(time.perf_counter() - begun)
    return 1e6 * min(times) / len(X)


def run(options, name, seed, wanted, memory):
    """The results of one set that are not there yet, one after the other."""
    X, y, X_test, y_test = load(options.data, name, seed, options.rows)
    for student, size, refine, alpha in wanted:
        model = DistilledClassifier(
            teacher(),
            clone(STUDENTS[student]),
            temperature=1.0,
            alpha=alpha,
            cv=5,
            calibrate_teacher=True,
            transfer=options.generator if size else None,
            transfer_size=size or 1.0,
            refine=refine,
            memory=memory,
            random_state=seed,
        )
        begun = time.perf_counter()
        try:
            model.fit(X, y)
        except Unsupported:  # a family without such a step
            continue
        row = {"set": name, "seed": seed, "rows": options.rows, "student": student}
        row |= {"size": size, "refine": refine, "alpha": alpha}
        row |= {"generator": made((size,), options), "path": model.fit_path_}
        row |= measure(model.predict_proba(X_test), y_test)
        taught = measure(model.teacher_predict_proba(X_test), y_test)
        row |= {f"teacher_{metric}": value for metric, value in taught.items()}
        row |= {"leaves": size_of(model.student_), "us": microseconds(model.student_, X_test)}
        yield row | {"seconds": time.perf_counter() - begun}


def collect(options):
    """Fit what is not in the CSV yet, and append it."""
    key = ["set", "seed", "rows", "student", "size", "refine", "alpha", "generator"]
    there = options.results.exists()
    done = pd.read_csv(options.results)[key].values.tolist() if there else []
    options.results.parent.mkdir(exist_ok=True)
    for seed in options.seeds:
        for name in options.sets:
            wanted = [
                (student, *arm)
                for student in options.students
                for arm in arms(options.sizes)
                if [name, seed, options.rows, student, *arm, made(arm, options)] not in done
            ]
            with TemporaryDirectory() as memory:
                for row in run(options, name, seed, wanted, memory):
                    line = pd.DataFrame([row]).round(6)
                    header = not options.results.exists()
                    line.to_csv(options.results, mode="a", header=header, index=False)
            print(name, seed, "done", flush=True)


def report(table):
    """Share of the teacher's lead that is kept, by student, generated rows and refine."""
    key = ["set", "seed", "rows", "student"]
    plain = table[table["alpha"] == 0].set_index(key)
    table = table[table["alpha"] > 0].join(
        plain[["brier", "log_loss"]], on=key, rsuffix="_plain"
    )
    for metric in ("brier", "log_loss"):
        table[f"{metric} gain"] = table[f"{metric}_plain"] - table[metric]
        lead = table[f"{metric}_plain"] - table[f"teacher_{metric}"]
        table[f"{metric} kept"] = table[f"{metric} gain"] / lead
    by = ["rows", "student", "size", "generator", "refine"]
    shown = ["brier kept", "brier gain", "log_loss gain", "leaves", "us", "seconds"]
    means = table.groupby(by)[shown].mean()
    means["worst set"] = table.groupby([*by, "set"])["brier kept"].mean().groupby(by).min()
    means["fits"] = table.groupby(by).size()
    print(means.round(4).to_string())
    print(f"\nbrier kept by set\n{by_set(table, by).round(2).to_string()}")


def by_set(table, by):
    return table.pivot_table(index=by, columns="set", values="brier kept")


def cost_of_boosting(n_samples=100_000, n_classes=5):
    """Seconds of CPU with leaves together against without, and the memory asked for."""
    X, y = make_classification(
        n_samples, 20, n_informative=10, n_classes=n_classes, flip_y=0.1, random_state=0
    )
    loss = CombinedLoss(0.8 * np.eye(n_classes)[y] + 0.2 / n_classes, y, alpha=0.7)
    student = HistGradientBoostingClassifier(early_stopping=False, random_state=0)
    matrix = 4e-6 * n_samples * n_classes * student.max_iter
    for traced in (False, True):
        for refine in (False, True):
            if traced:
                tracemalloc.start()
            begun = time.process_time()
            fitted = fit_student(student, X, loss, refine=refine)
            seconds = time.process_time() - begun
            if traced:
                peak = tracemalloc.get_traced_memory()[1] / 1e6
                tracemalloc.stop()
                print(f"{fitted.path}: peak {peak:.0f} MB; leaf numbers {matrix:.0f} MB")
            else:
                print(f"{fitted.path}: {seconds:.1f} s of CPU")


def cost(n_samples=100_000, n_classes=10, n_trees=100, n_leaves=1000):
    """Seconds of each stage, and memory against the matrix of leaf numbers."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_samples, 20)).astype(np.float32)
    logits = X @ rng.normal(size=(20, n_classes)) + np.sin(2 * X[:, :n_classes])
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    loss = CombinedLoss(proba, proba.argmax(axis=1), alpha=0.5, temperature=1)
    student = RandomForestClassifier(n_trees, max_leaf_nodes=n_leaves, random_state=0)
    matrix = 4e-6 * n_samples * n_trees
    for refine in (False, True):
        tracemalloc.start()
        begun = time.perf_counter()
        fitted = fit_student(student, X, loss, refine=refine)
        seconds = time.perf_counter() - begun
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        print(
            f"{fitted.path}: {seconds:.1f} s, peak {peak:.0f} MB beside the rows; leaf "
            f"numbers take {matrix:.0f} MB; steps {len(fitted.curve or [])}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--results", default=RESULTS, type=Path)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--sizes", nargs="+", type=float, default=SIZES)
    parser.add_argument("--students", nargs="+", default=list(STUDENTS))
    parser.add_argument("--generator", default="munge", help="munge or conditional")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--report", action="store_true", help="of what is there, no fits")
    parser.add_argument("--cost", action="store_true", help="seconds and memory only")
    parser.add_argument("--trees", type=int, default=100, help="of the forest of --cost")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.cost:
        cost_of_boosting()
        cost(n_trees=options.trees)
        return
    if options.quick:
        options.sets, options.sizes, options.seeds = ["phoneme"], [0.0, 2.0], [0]
        options.students = ["forest 10, all columns"]
        options.results = Path(TemporaryDirectory(prefix="refine-").name + ".csv")
    if not options.report:
        collect(options)
    report(pd.read_csv(options.results))


if __name__ == "__main__":
    main()
