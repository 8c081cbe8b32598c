"""What a study is known by: which part differs, and what cannot be told apart."""

import functools

import pytest
from sklearn.datasets import load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistillationSearchCV, DistilledClassifier
from skdistill.model_selection._fingerprint import (
    differences,
    fingerprint,
    fingerprint_by_part,
)
from skdistill.scorers import teacher_scorer

X, Y = load_iris(return_X_y=True)
TREE = DecisionTreeClassifier(max_depth=3)
KD = DistilledClassifier(GaussianNB(), TREE)
IN_PIPELINE = make_pipeline(StandardScaler(), KD)


def differ(one, other, **parts):
    return differences(fingerprint_by_part(one, **parts), fingerprint_by_part(other, **parts))


@pytest.mark.parametrize(
    ("one", "other", "named"),
    [
        (KD, DistilledClassifier(GaussianNB(), TREE, alpha=0.3), ["alpha"]),
        (KD, DistilledClassifier(GaussianNB(), DecisionTreeClassifier(max_depth=4)),
         ["student__max_depth"]),
        (KD, DistilledClassifier(GaussianNB(), GaussianNB()), ["student"]),
        (KD, DistilledClassifier([("a", GaussianNB())], TREE), ["teacher"]),
        (DistilledClassifier([("a", GaussianNB())], TREE),
         DistilledClassifier([("a", GaussianNB(var_smoothing=0.1))], TREE), ["teacher"]),
        (IN_PIPELINE, make_pipeline(StandardScaler(with_mean=False), KD),
         ["standardscaler__with_mean"]),
        (DistilledClassifier(FrozenEstimator(GaussianNB().fit(X, Y)), TREE),
         DistilledClassifier(FrozenEstimator(GaussianNB().fit(X[::2], Y[::2])), TREE),
         ["teacher"]),
        (make_pipeline(FunctionTransformer(lambda X: X + 1), TREE),
         make_pipeline(FunctionTransformer(lambda X: X + 2), TREE),
         ["functiontransformer__func"]),
    ],
)  # fmt: skip
def test_the_parameter_that_differs_is_named(one, other, named):
    assert differ(one, other) == [f"estimator.{name}" for name in named]
    assert differ(one, one) == []


def test_parameters_that_change_no_result_do_not_count():
    other = DistilledClassifier(GaussianNB(), TREE, memory="cache", n_jobs=2)
    assert differ(KD, other) == []


def scorer_of(weight, share=0.5):
    return lambda estimator, X, y: weight * share * estimator.score(X, y)


class Scorer:
    def __init__(self, weight):
        self.weight = weight

    def __call__(self, estimator, X, y):
        return self.weight * estimator.score(X, y)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda e, X, y: e.score(X, y), lambda e, X, y: -e.score(X, y)),
        (scorer_of(1), scorer_of(2)),
        (scorer_of(1, 0.5), scorer_of(1, 0.6)),
        (functools.partial(scorer_of, 1), functools.partial(scorer_of, 2)),
        (Scorer(1), Scorer(2)),
        (Scorer(1).__call__, Scorer(2).__call__),
        (make_scorer(accuracy_score), make_scorer(f1_score)),
        (make_scorer(accuracy_score), make_scorer(lambda y, p: accuracy_score(y, p))),
        (make_scorer(f1_score, average="macro"), make_scorer(f1_score, average="micro")),
        ({"a": lambda e, X, y: 1.0}, {"a": lambda e, X, y: 2.0}),
        (teacher_scorer("agreement"), teacher_scorer("kl_to_teacher")),
        ("accuracy", "neg_log_loss"),
        (None, "neg_log_loss"),
    ],
)
def test_scorers_that_compute_something_else_are_told_apart(one, other):
    marks = [fingerprint_by_part(TREE, scoring=scoring) for scoring in (one, other)]
    assert differences(*marks) == ["scoring"]


def test_the_same_lines_of_code_are_the_same_scorer():
    marks = [fingerprint_by_part(TREE, scoring=scorer_of(1)) for _ in range(2)]
    assert differences(*marks) == []


def test_functions_of_libraries_count_by_name_and_those_without_a_module_by_their_code():
    one, same, other = scorer_of(1), scorer_of(1), scorer_of(2)
    marks = []
    for function, module in ((one, "sklearn.made"), (other, "sklearn.made"), (same, None)):
        function.__module__ = module
        marks.append(fingerprint_by_part(TREE, scoring=function)["scoring"])
    assert marks[0] == marks[1] != marks[2]
    same.__module__ = "sklearn_not.made"
    assert fingerprint_by_part(TREE, scoring=same)["scoring"] == marks[2]


def test_an_estimator_in_one_part_is_known_by_its_parameters():
    one = fingerprint(KD)
    assert one == fingerprint(DistilledClassifier(GaussianNB(), TREE, n_jobs=2))
    assert one != fingerprint(DistilledClassifier(GaussianNB(), TREE, alpha=0.3))


def test_a_scorer_that_holds_what_cannot_be_known_again_is_refused(tmp_path):
    with open(tmp_path / "file", "w") as file:
        scoring = functools.partial(lambda e, X, y, to: 1.0, to=file)
        with pytest.raises(ValueError, match="scoring holds what another process could not"):
            fingerprint_by_part(TREE, scoring=scoring)


def test_a_resumed_study_with_another_lambda_is_refused(tmp_path):
    def run(scoring):
        return DistillationSearchCV(
            LogisticRegression(max_iter=500), {"C": [0.1, 1.0]}, n_trials=2, cv=2,
            scoring=scoring, storage=tmp_path / "s.log", study_name="s",
        ).fit(X, Y)  # fmt: skip

    run(lambda estimator, X, y: estimator.score(X, y))
    run(lambda estimator, X, y: estimator.score(X, y))
    with pytest.raises(ValueError, match="study 's' was run with other scoring; it goes on"):
        run(lambda estimator, X, y: -estimator.score(X, y))
