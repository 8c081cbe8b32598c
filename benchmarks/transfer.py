"""Do rows that a teacher labels make small students better, and which rows do it best?

    python benchmarks/transfer.py --data ../shared/data
    python benchmarks/transfer.py --quick
    python benchmarks/transfer.py --report

Real classification sets, cut to 2,000 training rows and scored on up to 5,000 others. The
teacher is the mean of a forest and boosted trees; its labels are out of fold and
calibrated. Each student is fitted on hard labels, on the labels of the training rows alone
(size 0), and on 1, 5 and 20 times as many generated rows besides. Trees are grown one by
one (`refine=False`) but for those of refined students; the forest among these takes all
columns, and the boosting has a rate of .5. The share of the teacher's lead over the student
on hard labels that is kept is measured in Brier score and in log-loss: 0 is the plain
student, 1 the teacher. A row of the CSV for each fit; what is there is not fitted again.

Besides: how well a classifier tells generated rows from real ones it has not seen (area
under the curve, .5 is not at all), how many generated rows equal a training row or keep a
value that another column determines, how much longer a row-by-row MUNGE takes (`--rows`).
`--quick` is for a look: two sets, few students.
"""

import argparse
import os
from itertools import permutations

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.transfer import ConditionalSampler, Munge

RESULTS = Path(__file__).parent / "results" / "transfer.csv"
SETS = [
    "phoneme", "electricity", "jungle_chess", "adult", "magic", "satimage", "credit_default",
    "covtype_93k", "online_shoppers", "yeast",
]  # fmt: skip
SIZES = [0, 1.0, 5.0, 20.0]
GENERATORS = {"munge": Munge(), "conditional": ConditionalSampler()}
STUDENTS = {
    "tree 6": DecisionTreeClassifier(max_depth=6),
    "tree 10": DecisionTreeClassifier(max_depth=10),
    "tree": DecisionTreeClassifier(),
    "forest 10": RandomForestClassifier(10, max_depth=10),
    "forest, refined": RandomForestClassifier(10, max_depth=10, max_features=None),
    "boosting": HistGradientBoostingClassifier(
        max_iter=20, max_leaf_nodes=8, learning_rate=0.3, early_stopping=False
    ),
    "boosting, refined": HistGradientBoostingClassifier(
        max_iter=20, max_leaf_nodes=8, learning_rate=0.5, early_stopping=False
    ),
    "network": make_pipeline(StandardScaler(), MLPClassifier((32,), max_iter=40)),
    "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
}
QUICK = {name: STUDENTS[name] for name in ("tree 10", "tree")}


def load(data, name, seed, n_train=2000, n_test=5000):
    """Training and test rows as frames of numbers, categories by their codes."""
    frame = pd.read_parquet(Path(data) / f"{name}.parquet")
    y = np.unique(frame.pop("target").astype(str), return_inverse=True)[1]
    for column in frame.select_dtypes("category"):
        frame[column] = frame[column].cat.codes.astype(float)
    frame = frame.fillna(frame.median())
    n_train = min(n_train, len(y) // 2)
    train, test = train_test_split(
        np.arange(len(y)),
        train_size=n_train,
        test_size=min(n_test, len(y) - n_train),
        stratify=y,
        random_state=seed,
    )
    return frame.iloc[train], y[train], frame.iloc[test], y[test]


def teacher():
    boosting = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.1, early_stopping=False
    )
    return [
        ("forest", RandomForestClassifier(100, min_samples_leaf=2)),
        ("boosting", boosting),
    ]


def measure(proba, y):
    hard = np.eye(proba.shape[1])[y]
    return {
        "brier": ((proba - hard) ** 2).sum(axis=1).mean(),
        "log_loss": log_loss(y, np.clip(proba, 1e-4, 1), labels=np.arange(proba.shape[1])),
        "accuracy": accuracy_score(y, proba.argmax(axis=1)),
    }


def runs(students, sizes, alphas):
    """What is fitted for a set: student, generator, size, alpha."""
    for student in students:
        yield student, "hard labels", 0, 0.0
        for alpha in alphas:
            yield student, "none", 0, alpha
            for name in GENERATORS:
                yield from ((student, name, size, alpha) for size in sizes if size)


def run(data, name, seed, wanted, memory):
    """The results of one set that are not there yet, one after the other."""
    X, y, X_test, y_test = load(data, name, seed)
    base = DistilledClassifier(
        teacher(),
        temperature=1.0,
        cv=5,
        calibrate_teacher=True,
        memory=memory,
        random_state=seed,
    )
    for student, generator, size, alpha in wanted:
        model = clone(base).set_params(
            student=clone(STUDENTS[student]),
            alpha=alpha,
            refine="refined" in student and alpha > 0,
            transfer=GENERATORS.get(generator),
            transfer_size=size or 1.0,
        )
        begun = time.perf_counter()
        model.fit(X, y)
        row = {"set": name, "seed": seed, "student": student, "generator": generator}
        row |= {"size": size, "alpha": alpha} | measure(model.predict_proba(X_test), y_test)
        row |= {f"teacher_{k}": v for k, v in _taught(model, X_test, y_test).items()}
        yield row | {"seconds": time.perf_counter() - begun}


def _taught(model, X_test, y_test):
    return measure(model.teacher_predict_proba(X_test), y_test)


def rows_of(data, name, seed, n_drawn=2000):
    """How new and how likely the rows of each generator are."""
    X, _, X_test, _ = load(data, name, seed)
    for generator_name, generator in GENERATORS.items():
        begun = time.perf_counter()
        fitted = clone(generator).set_params(random_state=seed).fit(X)
        between = time.perf_counter()
        drawn = fitted.sample(n_drawn)
        ended = time.perf_counter()
        both = pd.concat([X_test[:n_drawn], drawn], ignore_index=True)
        real = np.arange(len(both)) < len(both) - len(drawn)
        train, test = train_test_split(np.arange(len(both)), stratify=real, random_state=0)
        judge = HistGradientBoostingClassifier(max_iter=100, random_state=0)
        judge.fit(both.iloc[train], real[train])
        auc = roc_auc_score(real[test], judge.predict_proba(both.iloc[test])[:, 1])
        equal = len(drawn.merge(X.drop_duplicates(), how="inner")) / len(drawn)
        row = {"set": name, "generator": generator_name, "auc": auc, "equal": equal}
        row |= {"determined": determined(X, drawn)}
        yield row | {"fit s": between - begun, "sample s": ended - between}


def determined(X, drawn):
    """Share of the rows that keep the value which another column determines in X."""
    kept = []
    for a, b in permutations(X.columns, 2):
        pairs = X[[a, b]].drop_duplicates()
        if len(pairs) == X[a].nunique() <= len(X) / 20 and X[b].nunique() >= 5:
            kept.append(len(drawn[[a, b]].merge(pairs)) / len(drawn))
    return np.mean(kept) if kept else np.nan


def row_by_row(munge, X, n_rows, seed=0):
    """MUNGE of numbers as the paper writes it down: one value after the other."""
    rng, rows = np.random.RandomState(seed), []
    for i in rng.randint(len(X), size=n_rows):
        other, row = X[munge.neighbors_[i, 0]], X[i].copy()
        for j in range(X.shape[1]):
            if rng.rand() < munge.swap_probability:
                row[j] = rng.normal(other[j], abs(row[j] - other[j]) / munge.local_variance)
        rows.append(row)
    return np.array(rows)


def speed(n_samples=100_000, n_columns=50):
    """Seconds for as many mixed rows as there are, and against row by row."""
    rng = np.random.RandomState(0)
    z = rng.standard_normal((n_samples, 8))
    frame = pd.DataFrame(z @ rng.standard_normal((8, n_columns))).add_prefix("x")
    for j in range(n_columns // 2):
        cut = np.digitize(frame[f"x{j}"], np.linspace(-4, 4, 2 + j % 12))
        frame[f"x{j}"] = pd.Categorical(cut.astype(str)) if j % 3 else cut
    for generator in (Munge(random_state=0), ConditionalSampler(n_jobs=2, random_state=0)):
        begun = time.perf_counter()
        generator.fit(frame)
        between = time.perf_counter()
        generator.sample(n_samples)
        ended = time.perf_counter()
        print(
            f"{type(generator).__name__}, {n_samples:,} x {n_columns} mixed columns: fit "
            f"{between - begun:.1f} s, sample {ended - between:.1f} s"
        )
    X = z[:5000]
    munge, seconds = Munge(random_state=0).fit(X), []
    for draw in (lambda: row_by_row(munge, X, 20_000), lambda: munge.sample(20_000)):
        begun = time.perf_counter()
        draw()
        seconds.append(time.perf_counter() - begun)
    print(f"MUNGE row by row takes {seconds[0] / seconds[1]:.0f} times as long")


def report(table):
    """Share of the teacher's lead that is kept, by student, generator and size."""
    key = ["set", "seed", "student"]
    plain = table[table["generator"] == "hard labels"].set_index(key)
    table = table[table["generator"] != "hard labels"].join(
        plain[["brier", "log_loss"]], on=key, rsuffix="_plain"
    )
    for metric in ("brier", "log_loss"):
        gain = table[f"{metric}_plain"] - table[metric]
        table[f"{metric} gain"] = gain
        table[f"{metric} kept"] = gain / (
            table[f"{metric}_plain"] - table[f"teacher_{metric}"]
        )
    by = ["alpha", "generator", "size"]
    for column, how in (
        ("brier kept", "median"),
        ("brier gain", "mean"),
        ("log_loss gain", "mean"),
    ):
        wide = table.groupby([*by, "student"])[column].agg(how).unstack()
        scale = 1 if column == "brier kept" else 1000
        wide = (scale * wide[[name for name in STUDENTS if name in wide]]).round(3)
        print(f"\n{column}, {how}{'' if scale == 1 else ' x 1000'}\n{wide.to_string()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--results", default=RESULTS, type=Path)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--sizes", nargs="+", type=float, default=SIZES)
    parser.add_argument("--alphas", nargs="+", type=float, default=[0.5, 0.9])
    parser.add_argument("--students", nargs="+", default=list(STUDENTS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--report", action="store_true", help="of what is there, no fits")
    parser.add_argument("--rows", action="store_true", help="quality of rows and speed only")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.quick:
        options.sets, options.sizes = ["phoneme", "yeast"], [0, 5.0]
        options.students, options.alphas = list(QUICK), [1.0]
        options.results = Path(TemporaryDirectory(prefix="transfer-").name + ".csv")
    if options.rows:
        found = [row for name in options.sets for row in rows_of(options.data, name, 0)]
        print(pd.DataFrame(found).round(3).to_string(index=False))
        speed()
        return
    if not options.report:
        collect(options)
    report(pd.read_csv(options.results))


def collect(options):
    """Fit what is not in the CSV yet, and append it."""
    columns = ["set", "seed", "student", "generator", "size", "alpha"]
    there = options.results.exists()
    done = pd.read_csv(options.results)[columns].values.tolist() if there else []
    options.results.parent.mkdir(exist_ok=True)
    for seed in options.seeds:
        for name in options.sets:
            wanted = [
                one
                for one in runs(options.students, options.sizes, options.alphas)
                if [name, seed, *one] not in done
            ]
            with TemporaryDirectory() as memory:
                for row in run(options.data, name, seed, wanted, memory):
                    line = pd.DataFrame([row]).round(6)
                    header = not options.results.exists()
                    line.to_csv(options.results, mode="a", header=header, index=False)
            print(name, seed, "done", flush=True)


if __name__ == "__main__":
    main()
