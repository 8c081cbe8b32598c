"""What a search costs and what it finds.

    python benchmarks/search.py counts
    python benchmarks/search.py time --data ../shared/data
    python benchmarks/search.py overhead
    python benchmarks/search.py quality --data ../shared/data --sets phoneme yeast --seeds 0

- counts: fits of the teacher and rows it labels, of 50 trials with one and two processes.
- time: against `GridSearchCV` over as many candidates, and `OptunaSearchCV` of
  optuna-integration where installed; forest of 300, 5,000 rows.
- overhead: processor time of a trial beside fits and scoring, by storage.
- quality: the searched student against a search of as many trials on hard labels alone, on
  held-out rows, with paired bootstrap intervals over rows. Runs in pieces: each result is a
  row of results/search_quality.csv, and pieces that are there are not run again.
- chance: the search on hard labels against itself with another seed of its sampler, in the
  same way (results/search_chance.csv): what quality finds by chance, for its intervals
  are of rows and know nothing of searches.
"""

import argparse
import csv
import importlib
import os
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import joblib
import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    ParameterGrid,
    StratifiedKFold,
    train_test_split,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistillationSearchCV, DistilledClassifier
from skdistill.students import search_space

RESULTS = Path(__file__).parent / "results"
SETS = [
    "adult", "online_shoppers", "credit_default", "phoneme", "magic", "satimage", "letter",
    "spambase", "yeast",
]  # fmt: skip
STUDENTS = {
    "tree": DecisionTreeClassifier(max_depth=6, random_state=0),
    "boosting": HistGradientBoostingClassifier(
        max_iter=20, max_leaf_nodes=8, early_stopping=False, random_state=0
    ),
    "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
}
GRID = {  # 50 candidates
    "temperature": [0.5, 1.0, 2.0, 3.0, 5.0],
    "alpha": [0.0, 0.25, 0.5, 0.75, 1.0],
    "student__min_samples_leaf": [1, 20],
}
SPACE = {
    "temperature": FloatDistribution(0.5, 5, log=True),
    "alpha": FloatDistribution(0, 1),
    "student__min_samples_leaf": IntDistribution(1, 20, log=True),
}


class Logged(GaussianNB):
    """A teacher that logs its fits and the rows it labels, from any process."""

    def __init__(self, log=None):
        super().__init__()
        self.log = log

    def fit(self, X, y):
        self._write("fit", X)
        return super().fit(X, y)

    def predict_proba(self, X):
        self._write("label", X)
        return super().predict_proba(X)

    def _write(self, verb, X):
        name = f"{verb} {len(X)} {joblib.hash(np.ascontiguousarray(X))} {time.monotonic_ns()}"
        Path(self.log, name).touch()


def counts(args):
    X, y = make_classification(1000, 10, n_informative=5, random_state=0)
    cv = StratifiedKFold(5, shuffle=True, random_state=0)
    parts = [X[train] for train, _ in cv.split(X, y)] + [X]
    expected = sorted(joblib.hash(np.ascontiguousarray(part)) for part in parts)
    teacher = importlib.import_module("search").Logged  # not of __main__: processes find it
    for n_jobs in (1, 2):
        with tempfile.TemporaryDirectory() as log:
            kd = DistilledClassifier(teacher(log), DecisionTreeClassifier(max_depth=4))
            DistillationSearchCV(kd, n_trials=50, cv=cv, n_jobs=n_jobs, random_state=0).fit(
                X, y
            )
            lines = [name.split() for name in os.listdir(log)]
        fits = sorted(rows for verb, _, rows, _ in lines if verb == "fit")
        labelled = sum(int(n) for verb, n, _, _ in lines if verb == "label")
        print(
            f"n_jobs={n_jobs}: {len(fits)} teacher fits, on the rows of the folds and once on "
            f"all: {fits == expected}; {labelled} rows labelled, {sum(map(len, parts))} needed"
        )


def wall_time(args):
    X, y = load(args.data, args.set, 0, n_train=5000)[:2]
    teacher = RandomForestClassifier(300, random_state=0)
    kd = DistilledClassifier(teacher, STUDENTS["tree"], random_state=0)
    options = {"cv": 3, "scoring": "neg_log_loss", "n_jobs": args.n_jobs}
    n = args.candidates
    took = {}
    search = DistillationSearchCV(kd, SPACE, n_trials=n, random_state=0, **options)
    took["DistillationSearchCV"] = clocked(search, X, y)
    few = min(n, args.others)
    grid = [{k: [v] for k, v in one.items()} for one in list(ParameterGrid(GRID))[:few]]
    seconds = clocked(GridSearchCV(kd, grid, refit=False, **options), X, y)
    took["GridSearchCV, no memory"] = seconds * n / few
    try:
        from optuna_integration import OptunaSearchCV
    except ImportError:
        print("OptunaSearchCV left out: optuna-integration is not installed")
    else:
        search = OptunaSearchCV(
            kd, SPACE, n_trials=few, random_state=0, refit=False, **options
        )
        took["OptunaSearchCV"] = clocked(search, X, y) * n / few
    for name, seconds in took.items():
        ratio = seconds / took["DistillationSearchCV"]
        print(f"{name}: {n} candidates in {seconds:.1f} s, {ratio:.1f} times")
    print(f"the others: {few} candidates measured, which cost the same each, and no refit")


def clocked(search, X, y):
    begun = time.perf_counter()
    search.fit(X, y)
    return time.perf_counter() - begun


class Clocked(DistilledClassifier):
    """Adds up the processor time of its fits."""

    inside = 0.0

    def fit(self, X, y):
        begun = time.process_time()
        super().fit(X, y)
        Clocked.inside += time.process_time() - begun
        return self


def clocked_score(estimator, X, y):
    begun = time.process_time()
    score = get_scorer("neg_log_loss")(estimator, X, y)
    Clocked.inside += time.process_time() - begun
    return score


def overhead(args):
    X, y = make_classification(300, 5, random_state=0)
    kd = Clocked(GaussianNB(), DecisionTreeClassifier())
    for kind in ("memory", "journal", "sqlite"):
        each = []
        for _ in range(args.repeats):
            with tempfile.TemporaryDirectory() as folder:
                storage = {
                    "memory": None,
                    "journal": f"{folder}/study.log",
                    "sqlite": f"sqlite:///{folder}/study.db",
                }[kind]
                search = DistillationSearchCV(
                    kd, n_trials=50, scoring=clocked_score, storage=storage, random_state=0
                )
                Clocked.inside, begun = 0.0, time.process_time()
                search.fit(X, y)
                each.append((time.process_time() - begun - Clocked.inside) / 50)
        least, median = 1e3 * min(each), 1e3 * np.median(each)
        print(f"{kind}: {median:.1f} ms of processor time a trial, {least:.1f} at least")


def load(data, name, seed, n_train=6000, n_test=20_000):
    """Numeric training and test rows of one set."""
    import pandas as pd

    path = Path(data) / f"{name}.parquet"
    if not path.exists():
        raise SystemExit(f"{path} is not there; pass --data")
    frame = pd.read_parquet(path)
    y = np.unique(frame.pop("target").astype(str), return_inverse=True)[1]
    numeric = make_column_transformer(
        (
            OneHotEncoder(handle_unknown="ignore", min_frequency=20, sparse_output=False),
            make_column_selector(dtype_exclude="number"),
        ),
        (SimpleImputer(), make_column_selector(dtype_include="number")),
    )
    n_train = min(n_train, int(0.7 * len(y)))
    n_test = min(n_test, len(y) - n_train)
    X, X_test, y, y_test = train_test_split(
        frame, y, train_size=n_train, test_size=n_test, stratify=y, random_state=seed
    )
    return numeric.fit_transform(X), y, numeric.transform(X_test), y_test


def quality(args):
    by_pieces(args, RESULTS / "search_quality.csv", against_hard_labels)


def chance(args):
    by_pieces(args, RESULTS / "search_chance.csv", against_another_seed)


def by_pieces(args, path, compare):
    """A row of results for each set, student and seed that has none yet."""
    path.parent.mkdir(exist_ok=True)
    done = {(r["set"], r["student"], r["seed"]) for r in rows_so_far(path)}
    for name in args.sets:
        for seed in args.seeds:
            for student in args.students:
                if (name, student, str(seed)) not in done:
                    row = {"set": name, "student": student, "seed": seed}
                    add_row(path, row | compare(args, name, student, seed))
    summarise(rows_so_far(path))


def against_hard_labels(args, name, student, seed):
    """Losses of the searched student and of the one searched on hard labels."""
    X, y, X_test, y_test = load(args.data, name, seed, args.rows)
    teacher = RandomForestClassifier(args.trees, min_samples_leaf=2, random_state=seed)
    cv = None if args.cv == "none" else args.cv
    kd = DistilledClassifier(teacher, STUDENTS[student], cv=cv, random_state=seed)
    searched = DistillationSearchCV(kd, **search_options(args, seed)).fit(X, y)
    hard = hard_search(args, student, seed).fit(X, y)
    row = {"rows": len(y), "cv": args.cv, "trials": args.trials}
    row["alpha"] = searched.best_params_["alpha"]
    row["temperature"] = searched.best_params_.get("temperature", "")
    return row | differences(searched, hard, X_test, y_test)


def against_another_seed(args, name, student, seed):
    """Losses of the student searched on hard labels with two seeds of the sampler."""
    X, y, X_test, y_test = load(args.data, name, seed, args.rows)
    one, other = (hard_search(args, student, s).fit(X, y) for s in (seed, seed + 100))
    return {"rows": len(y), "trials": args.trials} | differences(other, one, X_test, y_test)


def search_options(args, seed):
    return {"n_trials": args.trials, "cv": 3, "n_jobs": args.n_jobs, "random_state": seed}


def hard_search(args, student, seed):
    student = STUDENTS[student]
    return DistillationSearchCV(
        clone(student), hard_space(student), **search_options(args, seed)
    )


def differences(searched, hard, X_test, y_test):
    """Losses of both on test rows, with the ends of the paired difference."""
    row = {}
    ours, theirs = (losses(one.predict_proba(X_test), y_test) for one in (searched, hard))
    for metric, own in ours.items():
        low, high = interval(own - theirs[metric])
        row[metric], row[f"{metric}_hard"] = float(own.mean()), float(theirs[metric].mean())
        row[f"{metric}_low"], row[f"{metric}_high"] = float(low), float(high)
    print(row, flush=True)
    return row


def hard_space(student):
    """What "auto" searches of a student: what is at the default of its class."""
    own = student.get_params()
    inner = student[-1] if hasattr(student, "steps") else student
    default = type(inner)().get_params()
    return {
        name: distribution
        for name, distribution in search_space(student).items()
        if own[name] == default[name.rpartition("__")[2]]
    }


def losses(proba, y):
    """Of each row; lower is better."""
    hot = np.eye(proba.shape[1])[y]
    return {
        "brier": ((proba - hot) ** 2).sum(axis=1),
        "log_loss": -np.log(np.maximum(proba[np.arange(len(y)), y], np.finfo(float).eps)),
        "error": (proba.argmax(axis=1) != y).astype(float),
    }


def interval(difference, n_resamples=1000):
    rng = np.random.default_rng(0)
    n = len(difference)
    means = [difference[rng.integers(n, size=n)].mean() for _ in range(n_resamples)]
    return np.quantile(means, [0.025, 0.975])


def rows_so_far(path):
    if not path.exists():
        return []
    with path.open() as file:
        return list(csv.DictReader(file))


def add_row(path, row):
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow(row)


def summarise(rows):
    for student in sorted({row["student"] for row in rows}):
        own = [row for row in rows if row["student"] == student]
        for metric in ("brier", "log_loss", "error"):
            not_worse = np.mean([float(row[f"{metric}_low"]) <= 0 for row in own])
            better = np.mean([float(row[f"{metric}_high"]) < 0 for row in own])
            gain = np.mean([float(row[f"{metric}_hard"]) - float(row[metric]) for row in own])
            print(
                f"{student} {metric}: {len(own)} runs, not worse {not_worse:.2f}, better "
                f"{better:.2f}, mean gain {gain:.4f}"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    jobs = {
        "counts": counts,
        "time": wall_time,
        "overhead": overhead,
        "quality": quality,
        "chance": chance,
    }
    parser.add_argument("job", choices=jobs)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--set", default="magic", help="of time")
    parser.add_argument("--candidates", type=int, default=50, help="of time")
    parser.add_argument("--others", type=int, default=50, help="measured of the others")
    parser.add_argument("--repeats", type=int, default=3, help="of overhead")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--students", nargs="+", default=list(STUDENTS), choices=STUDENTS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--cv", default="auto", help="of the teacher's labels, or none")
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--n-jobs", type=int, default=1)
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    jobs[args.job](args)


if __name__ == "__main__":
    main()
