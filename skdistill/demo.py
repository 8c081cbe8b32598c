"""The demo of ``python -m skdistill``: three students, plain and distilled, in a minute.

On every split each student is tuned twice by the same search inside the training rows:
on hard labels, and distilled, at the temperature and alpha of the command line, by
default those of `DistilledClassifier`. Nothing looks at the test rows. The table holds
means over the splits, losing cases included; each verdict is the share of the teacher's
lead in log-loss over the plain student that the distilled one keeps.
"""

import argparse
import os
import tempfile
import warnings
from time import perf_counter
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill.classifier import DistilledClassifier
from skdistill.footprint import footprint
from skdistill.metrics import agreement, calibration_event, log_loss_by_row, retention
from skdistill.report import aligned, verdict

DATASETS = {"breast_cancer": load_breast_cancer, "digits": load_digits}

_NETWORKS = [
    MLPClassifier(
        (64,),
        alpha=0.7,
        batch_size=100,
        learning_rate_init=0.01,
        tol=0.01,
        n_iter_no_change=5,
        random_state=seed,
    )
    for seed in range(10)
]
TEACHER = make_pipeline(
    StandardScaler(),
    VotingClassifier([(f"network{i}", net) for i, net in enumerate(_NETWORKS)], voting="soft"),
)

STUDENTS = {
    "tree": (
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [2, 4, 6], "min_samples_leaf": [1, 5, 20]},
    ),
    "logistic": (
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)),
        {"logisticregression__C": [0.01, 0.1, 1.0, 10.0]},
    ),
    "boosting": (
        HistGradientBoostingClassifier(
            max_iter=5, max_leaf_nodes=4, early_stopping=False, random_state=0
        ),
        {"learning_rate": [0.2, 0.4, 0.8]},
    ),
}

_LEGEND = """\
Means over test rows and splits. obs/exp: observed over expected {positive},
1 is calibrated; agree: share of rows where the student predicts what the teacher does;
fit s: of a distilled student with the teacher's labels at hand. Times on one thread."""

_SNIPPET = """\
The tree's distilled log-loss again, {log_loss:.4f}, in Python:

from sklearn.model_selection import cross_val_score
from skdistill.demo import load, searches, splitter

X, y = load("{dataset}")
plain, distilled = searches("tree", {temperature}, {alpha}, memory="teacher_cache")
print(-cross_val_score(distilled, X, y, cv={splitter}, scoring="neg_log_loss").mean())
"""


class Line(NamedTuple):
    """One model on the test rows of one split; a line of the table holds the means."""

    log_loss: float
    roc_auc: float
    accuracy: float
    observed_over_expected: float
    agreement: float
    fit_seconds: float
    bytes: float
    latency_us: float
    latency_1000_rows_us: float


_COLUMNS = (  # heading, format, factor
    ("log-loss", ".4f", 1),
    ("ROC AUC", ".4f", 1),
    ("accuracy", ".4f", 1),
    ("obs/exp", ".3f", 1),
    ("agree", ".3f", 1),
    ("fit s", ".3f", 1),
    ("kB", ".1f", 1e-3),
    ("1 row us", ".0f", 1),
    ("1000 rows us", ".0f", 1),
)


def main(arguments=None):
    """Compare on each data set and print what came out.

    Parameters
    ----------
    arguments : list of str, default=None
        Of the command line; None: those of this process.
    """
    options = _parser().parse_args(arguments)
    for dataset in options.dataset:
        X, y = load(dataset)
        print(f"{dataset}: {X.shape[0]} rows, {X.shape[1]} features, {len(set(y))} classes")
        table, shares = compare(X, y, options)
        positive = f"{max(y)} rows" if len(set(y)) == 2 else "hits of the predicted class"
        print("", *_format(table), "", _LEGEND.format(positive=positive), "", sep="\n")
        for student, share in shares.items():
            print(f"{student}: {verdict(share)}.\n    {_cheaper(table, student)}")
        print("", _snippet(dataset, table, options), sep="\n")


def load(dataset):
    """Rows and labels of a data set that scikit-learn ships.

    Parameters
    ----------
    dataset : {"breast_cancer", "digits"}

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
        Named outcomes: "benign", "malignant".
    """
    data = DATASETS[dataset]()
    return data.data, data.target_names[data.target]


def splitter(n_splits, seed=0):
    """Repeated stratified splits, three rows in ten tested.

    Parameters
    ----------
    n_splits : int
    seed : int, default=0

    Returns
    -------
    StratifiedShuffleSplit
    """
    return StratifiedShuffleSplit(n_splits, test_size=0.3, random_state=seed)


def searches(student, temperature=2.0, alpha=0.5, memory=None):
    """The same search over a student's own parameters, on hard labels and distilled.

    Parameters
    ----------
    student : {"tree", "logistic", "boosting"}
    temperature, alpha : float
    memory : str, default=None
        Folder where the candidates share the teacher's work.

    Returns
    -------
    plain, distilled : GridSearchCV
    """
    estimator, grid = STUDENTS[student]
    kd = DistilledClassifier(TEACHER, estimator, temperature, alpha, memory=memory)
    kd_grid = {f"student__{name}": values for name, values in grid.items()}
    return tuple(
        GridSearchCV(*tuned, scoring="neg_log_loss", cv=3, error_score="raise")
        for tuned in ((estimator, grid), (kd, kd_grid))
    )


def compare(X, y, options):
    """Fit and score teacher and students on every split.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    options : argparse.Namespace
        With ``splits``, ``seed``, ``temperature`` and ``alpha``.

    Returns
    -------
    table : dict of Line
        Means over the splits, by "teacher", "tree, plain", "tree, distilled", ...
    shares : dict of Retention
        By student; each row counts with its mean loss over the splits that test it.
    """
    folds = list(splitter(options.splits, options.seed).split(X, y))
    jobs = Parallel(n_jobs=min(options.splits, os.cpu_count()))
    per_fold = jobs(delayed(_one_split)(X, y, *fold, options) for fold in folds)
    tests = np.concatenate([test for _, test in folds])
    counts = np.bincount(tests, minlength=len(y))
    tested = counts > 0
    table, losses = {}, {}
    for name in per_fold[0]:
        lines, by_row = zip(*(fold[name] for fold in per_fold), strict=True)
        table[name] = Line(*np.mean(lines, axis=0))
        sums = np.bincount(tests, weights=np.concatenate(by_row), minlength=len(y))
        losses[name] = sums[tested] / counts[tested]
    shares = {
        student: retention(
            losses["teacher"],
            losses[f"{student}, distilled"],
            losses[f"{student}, plain"],
            sample_weight=counts[tested],
        )
        for student in STUDENTS
    }
    return table, shares


def _one_split(X, y, train, test, options):
    """Line and loss by row of each model, by name."""
    # joblib says so where a busy disk makes the cache slow; the results are the same
    warnings.filterwarnings("ignore", "Persisting input arguments", UserWarning)
    found = {}
    start = perf_counter()
    teacher = clone(TEACHER).fit(X[train], y[train])
    teacher_proba = teacher.predict_proba(X[test])
    found["teacher"] = _score(teacher, X[test], y[test], perf_counter() - start, teacher_proba)
    with tempfile.TemporaryDirectory() as memory:
        for student in STUDENTS:
            both = searches(student, options.temperature, options.alpha, memory)
            for kind, search in zip(("plain", "distilled"), both, strict=True):
                best = search.fit(X[train], y[train]).best_estimator_
                start = perf_counter()
                model = clone(best).fit(X[train], y[train])
                seconds = perf_counter() - start
                model = getattr(model, "student_", model)
                found[f"{student}, {kind}"] = _score(
                    model, X[test], y[test], seconds, teacher_proba
                )
    return found


def _score(model, X, y, fit_seconds, teacher_proba):
    proba, classes = model.predict_proba(X), model.classes_
    loss = log_loss_by_row(y, proba, classes=classes)
    scores = proba if len(classes) > 2 else proba[:, 1]
    cost = footprint(model, X)
    line = Line(
        loss.mean(),
        roc_auc_score(y, scores, multi_class="ovr"),
        accuracy_score(y, classes[proba.argmax(axis=1)]),
        _calibration(y, proba, classes),
        agreement(teacher_proba, proba),
        fit_seconds,
        cost.bytes,
        cost.latency_us,
        cost.latency_1000_rows_us,
    )
    return line, loss


def _calibration(y, proba, classes):
    """Observed over expected positives; of more classes, hits of the predicted class."""
    event, score = calibration_event(y, proba, classes=classes)
    return event.sum() / score.sum()


def _cheaper(table, student):
    teacher, distilled = table["teacher"], table[f"{student}, distilled"]
    return (
        f"{teacher.bytes / distilled.bytes:.0f} times smaller than the teacher, "
        f"{teacher.latency_us / distilled.latency_us:.0f} times faster on a row"
    )


def _format(table):
    """The table as lines of text."""
    heading = ["", *(name for name, _, _ in _COLUMNS)]
    rows = [
        [name, *(format(v * f, spec) for v, (_, spec, f) in zip(line, _COLUMNS, strict=True))]
        for name, line in table.items()
    ]
    return aligned([heading, *rows])


def _snippet(dataset, table, options):
    return _SNIPPET.format(
        dataset=dataset,
        temperature=options.temperature,
        alpha=options.alpha,
        splitter=f"splitter({options.splits}, {options.seed})",
        log_loss=table["tree, distilled"].log_loss,
    )


def _parser():
    defaults = DistilledClassifier()
    parser = argparse.ArgumentParser(
        prog="python -m skdistill",
        description="Distil a vote of ten networks into a tree, a logistic regression and "
        "five rounds of small boosted trees, on data that scikit-learn ships, and compare "
        "each with the same student tuned on hard labels.",
        epilog="python -m skdistill auto: explore students for a CSV or Parquet file of "
        "your own; its options: python -m skdistill auto --help",
    )
    add = parser.add_argument
    add("--dataset", nargs="+", choices=DATASETS, default=list(DATASETS), help="default: both")
    add("--splits", type=int, default=4, help="stratified splits; default: %(default)s")
    add("--seed", type=int, default=0, help="seed of the splits; default: %(default)s")
    for name, text in (
        ("temperature", "softens teacher and student"),
        ("alpha", "weight of the teacher's term"),
    ):
        default = getattr(defaults, name)
        add(f"--{name}", type=float, default=default, help=f"{text}; default: %(default)s")
    return parser
