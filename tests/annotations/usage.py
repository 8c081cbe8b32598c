"""What users write, as a type checker reads it: `pyright` in CI, and a plain test.

`assert_type` fails in the type checker where an annotation is missing. A line that ends in
``pyright: ignore`` is a mistake that the type checker must find: it fails if it does not.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    AutoDistiller,
    DistillationSearchCV,
    DistilledClassifier,
    plain_estimator,
)
from skdistill.footprint import Footprint, footprint
from skdistill.loss import CombinedLoss, LossParts, soften
from skdistill.metrics import Retention, agreement, kl_divergence, retention
from skdistill.plot import FidelityDisplay, ParetoDisplay
from skdistill.report import DistillationReport, distillation_report, write_report
from skdistill.scorers import teacher_scorer
from skdistill.students import Fitted, fit_student, search_space
from skdistill.transfer import ConditionalSampler

Floats = NDArray[np.float64]

X, y = load_iris(return_X_y=True)
weight = np.ones(len(y))
forest = RandomForestClassifier(10, random_state=0)
tree = DecisionTreeClassifier(max_depth=3, random_state=0)


def distil() -> DistilledClassifier:
    kd = DistilledClassifier(forest, tree, temperature=2, alpha=0.7, cv="auto", random_state=0)
    assert_type(kd.fit(X, y, weight), DistilledClassifier)
    assert_type(kd.predict_proba(X), Floats)
    assert_type(kd.predict(X), NDArray[Any])
    assert_type(kd.soft_labels(X, y), Floats)
    assert_type(kd.teacher_predict_proba(X), Floats)
    assert_type(kd.classes_, NDArray[Any])
    assert_type(kd.loss_, LossParts)
    assert_type(kd.loss_.total, float)
    assert_type(kd.fit_path_, str)
    return kd


def every_kind_of_teacher_student_and_rows() -> None:
    scaled = make_pipeline(StandardScaler(), LogisticRegression())
    DistilledClassifier([("forest", forest), ("logistic", scaled, 0.5)], scaled)
    DistilledClassifier(FrozenEstimator(forest.fit(X, y)), tree, transfer="conditional")
    DistilledClassifier(forest, tree, cv=StratifiedKFold(3), transfer=ConditionalSampler())
    DistilledClassifier(cv=[([0, 1], [2, 3])], random_state=np.random.RandomState(0))
    DistilledClassifier(student=tree, random_state=0).fit(
        X.tolist(), y.tolist(), teacher_proba=np.eye(3)[y], X_unlabeled=None
    )


def search() -> None:
    kd = DistilledClassifier(forest, tree, cv="oob", random_state=0)
    found = DistillationSearchCV(
        kd, n_trials=2, cv=2, scoring=teacher_scorer("kl_to_teacher"), random_state=0
    )
    assert_type(found.fit(X, y), DistillationSearchCV)
    GridSearchCV(
        make_pipeline(StandardScaler(), kd), {"distilledclassifier__alpha": [0.5, 1.0]}
    )
    plain_estimator(found).predict(X)


def explore() -> None:
    AutoDistiller(students=["tree", tree, {"student": tree, "alpha": [0.5]}], verbose=True)
    auto = AutoDistiller(forest, [("tree", tree)], n_trials=2, cv=2, random_state=0)
    assert_type(auto.fit(X, y, sample_weight=weight), AutoDistiller)
    assert_type(auto.predict_proba(X), Floats)
    auto.leaderboard_["name"].tolist()
    ParetoDisplay.from_leaderboard(auto.leaderboard_)
    with TemporaryDirectory() as folder:
        assert_type(write_report(auto, Path(folder) / "page.html"), Path)


def look(kd: DistilledClassifier) -> None:
    teacher, student = kd.teacher_predict_proba(X), kd.predict_proba(X)
    assert_type(kl_divergence(teacher, student), float)
    assert_type(agreement(teacher.tolist(), student), float)
    assert_type(retention(weight, weight + 1, weight + 2), Retention)
    assert_type(footprint(kd.student_, X).bytes, int)
    assert_type(footprint(kd.student_, X), Footprint)
    assert_type(FidelityDisplay.from_estimator(kd, X), FidelityDisplay)
    assert_type(distillation_report(kd, X, y), DistillationReport)


def underneath() -> None:
    labels = np.full((len(y), 3), 1 / 3)
    assert_type(soften(labels, 2.0), Floats)
    loss = CombinedLoss(labels, y, temperature=2.0, alpha=0.5, sample_weight=weight)
    assert_type(loss.value_and_gradient(np.zeros((len(y), 3))), tuple[float, Floats])
    assert_type(loss.take(np.arange(20)), CombinedLoss)
    assert_type(fit_student(tree, X, loss), Fitted)
    search_space(tree, refine=False).keys()


def mistakes() -> None:
    DistilledClassifier(forest, tree, temperature="2")  # pyright: ignore[reportArgumentType]
    DistilledClassifier("forest", tree)  # pyright: ignore[reportArgumentType]
    DistilledClassifier(forest, X)  # pyright: ignore[reportArgumentType]
    DistilledClassifier(forest, tree, temprature=2)  # pyright: ignore[reportCallIssue]
    DistilledClassifier(forest, tree, cv=2.5)  # pyright: ignore[reportArgumentType]
    DistilledClassifier(forest, tree).fit(X)  # pyright: ignore[reportCallIssue]
    kl_divergence(forest, tree)  # pyright: ignore[reportArgumentType]


def main() -> None:
    kd = distil()
    every_kind_of_teacher_student_and_rows()
    search()
    explore()
    look(kd)
    underneath()
