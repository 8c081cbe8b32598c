"""Scores against a teacher: one yardstick for candidates of any temperature."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from tasks import Counted

from skdistill import DistillationSearchCV, DistilledClassifier
from skdistill.loss import CombinedLoss, logits
from skdistill.metrics import agreement, kl_divergence, ks_distance, r2_sorted
from skdistill.scorers import SCORES, NegLogLoss, combined_loss_scorer, teacher_scorer

X, CODES = load_iris(return_X_y=True)
X = X + np.random.default_rng(0).normal(scale=0.5, size=X.shape)
Y = np.array(["setosa", "versicolor", "virginica"])[CODES]
TREE = DecisionTreeClassifier(max_depth=2, random_state=0)
KD = DistilledClassifier(GaussianNB(), TREE, temperature=1.0).fit(X[::2], Y[::2])
HELD_OUT, OUTCOME = X[1::2], Y[1::2]


def test_it_is_minus_the_combined_loss_of_the_rows():
    proba = KD.teacher_.predict_proba(HELD_OUT)
    raw = logits(KD.predict_proba(HELD_OUT))
    loss = CombinedLoss(proba, CODES[1::2], temperature=3.0, alpha=0.7)
    score = combined_loss_scorer(3.0, 0.7)(KD, HELD_OUT, OUTCOME)
    assert_allclose(score, -loss.parts(raw).total)


def test_without_a_soft_term_it_is_the_log_loss():
    score = combined_loss_scorer(alpha=0.0)(KD, HELD_OUT, OUTCOME)
    assert_allclose(score, -log_loss(OUTCOME, KD.predict_proba(HELD_OUT)), rtol=1e-6)


def test_weights_are_repeated_rows():
    weight = np.arange(len(OUTCOME)) % 3
    repeated = np.repeat(np.arange(len(OUTCOME)), weight)
    scorer = combined_loss_scorer()
    assert_allclose(
        scorer(KD, HELD_OUT, OUTCOME, sample_weight=weight),
        scorer(KD, HELD_OUT[repeated], OUTCOME[repeated]),
    )


def test_a_teacher_of_ones_own_and_a_pipeline_give_the_same():
    plain = combined_loss_scorer()(KD, HELD_OUT, OUTCOME)
    given = combined_loss_scorer(teacher=KD.teacher_)
    assert given(KD, HELD_OUT, OUTCOME) == plain
    piped = make_pipeline(StandardScaler(), DistilledClassifier(GaussianNB(), TREE))
    piped.fit(X[::2], Y[::2])
    inner = combined_loss_scorer()(piped[-1], piped[0].transform(HELD_OUT), OUTCOME)
    assert combined_loss_scorer()(piped, HELD_OUT, OUTCOME) == inner
    unscaled = make_pipeline(DistilledClassifier(GaussianNB(), TREE, temperature=1.0))
    unscaled.fit(X[::2], Y[::2])
    assert combined_loss_scorer()(unscaled, HELD_OUT, OUTCOME) == plain


def test_it_travels_to_other_processes_and_says_what_it_is():
    scorer = combined_loss_scorer(3.0, 0.25)
    options = "temperature=3.0, alpha=0.25, scale_soft_loss=True"
    assert repr(scorer) == f"teacher_scorer('combined_loss', {options})"
    copied = pickle.loads(pickle.dumps(scorer))
    assert copied(KD, HELD_OUT, OUTCOME) == scorer(KD, HELD_OUT, OUTCOME)


@pytest.mark.filterwarnings("ignore:Persisting input arguments")
def test_a_search_by_it_lets_the_teacher_label_held_out_rows_once():
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    kd = DistilledClassifier(Counted(), TREE)
    scorer = combined_loss_scorer(2.0, 0.5)
    search = DistillationSearchCV(
        kd, n_trials=6, cv=cv, scoring=scorer, refit=False, random_state=0
    ).fit(X, Y)
    assert Counted.rows == 3 * len(X)
    for i, params in enumerate(search.cv_results_["params"]):
        again = kd.__class__(GaussianNB(), clone(TREE)).set_params(**params)
        scores = cross_val_score(again, X, Y, cv=cv, scoring=scorer)
        assert_allclose(scores.mean(), search.cv_results_["mean_test_score"][i])


FIDELITY = {
    "kl_to_teacher": (kl_divergence, -1),
    "ks_to_teacher": (ks_distance, -1),
    "r2_sorted": (r2_sorted, 1),
    "agreement": (agreement, 1),
}


def test_there_is_a_scorer_for_each_name_and_no_other():
    assert set(SCORES) == {*FIDELITY, "combined_loss"}
    with pytest.raises(ValueError, match=r"name must be one of .*'agreement'.* got 'kl'"):
        teacher_scorer("kl")


@pytest.mark.parametrize("name", FIDELITY)
def test_a_scorer_is_its_metric_signed_so_that_greater_is_better(name):
    metric, sign = FIDELITY[name]
    teacher, own = KD.teacher_.predict_proba(HELD_OUT), KD.predict_proba(HELD_OUT)
    weight = np.arange(len(OUTCOME)) % 3
    assert teacher_scorer(name)(KD, HELD_OUT, OUTCOME) == pytest.approx(
        sign * metric(teacher, own)
    )
    weighted = teacher_scorer(name)(KD, HELD_OUT, OUTCOME, sample_weight=weight)
    assert weighted == pytest.approx(sign * metric(teacher, own, sample_weight=weight))


@pytest.mark.parametrize("name", SCORES)
def test_no_student_scores_above_the_teacher_itself(name):
    teacher = KD.teacher_
    stump = DecisionTreeClassifier(max_depth=1).fit(X[::2], Y[::2])
    scorer = teacher_scorer(name, teacher=teacher)
    assert scorer(stump, HELD_OUT, OUTCOME) < scorer(teacher, HELD_OUT, OUTCOME)


@pytest.mark.parametrize("name", SCORES)
def test_a_search_a_pipeline_and_a_bare_student_score_alike(name):
    search = GridSearchCV(
        DistilledClassifier(GaussianNB(), TREE),
        {"temperature": [1.0]},
        scoring=teacher_scorer(name),
        cv=3,
        error_score="raise",
    ).fit(X[::2], Y[::2])
    expected = teacher_scorer(name)(KD, HELD_OUT, OUTCOME)
    assert search.score(HELD_OUT, OUTCOME) == expected
    assert teacher_scorer(name)(search, HELD_OUT, OUTCOME) == expected
    given = teacher_scorer(name, teacher=FrozenEstimator(KD.teacher_))
    assert given(KD.student_, HELD_OUT, OUTCOME) == expected
    assert clone(given, safe=False)(KD.student_, HELD_OUT, OUTCOME) == expected


def test_a_search_by_divergence_takes_the_student_nearest_its_teacher():
    kd = DistilledClassifier(GaussianNB(), TREE, temperature=1.0)
    grid = {"student__max_depth": [1, 2, 3, 8], "alpha": [0.0, 1.0]}
    for name in ("kl_to_teacher", "agreement"):
        scorer = teacher_scorer(name)
        search = GridSearchCV(kd, grid, scoring=scorer, cv=3, error_score="raise").fit(X, Y)
        scores = [
            cross_val_score(clone(kd).set_params(**params), X, Y, cv=3, scoring=scorer).mean()
            for params in search.cv_results_["params"]
        ]
        assert search.best_score_ == pytest.approx(max(scores))
        assert search.best_params_["student__max_depth"] > 1


def test_several_scorers_share_one_search():
    scoring = {name: teacher_scorer(name) for name in SCORES}
    kd = DistilledClassifier(GaussianNB(), TREE)
    search = DistillationSearchCV(
        kd, n_trials=3, cv=2, scoring=scoring, refit="kl_to_teacher", random_state=0
    ).fit(X, Y)
    for name in SCORES:
        assert np.isfinite(search.cv_results_[f"mean_test_{name}"]).all()


@pytest.mark.parametrize("name", SCORES)
def test_precomputed_probabilities_are_routed_and_sliced_with_the_rows(name):
    proba = GaussianNB().fit(X, Y).predict_proba(X)
    with config_context(enable_metadata_routing=True):
        kd = DistilledClassifier(student=TREE).set_fit_request(teacher_proba=True)
        scorer = teacher_scorer(name).set_score_request(teacher_proba=True)
        search = GridSearchCV(kd, {"temperature": [1.0]}, scoring=scorer, cv=3)
        search.set_params(error_score="raise").fit(X, Y, teacher_proba=proba)
    by_hand = [
        teacher_scorer(name)(
            DistilledClassifier(student=TREE, temperature=1.0).fit(
                X[train], Y[train], teacher_proba=proba[train]
            ),
            X[test],
            Y[test],
            teacher_proba=proba[test],
        )
        for train, test in StratifiedKFold(3).split(X, Y)
    ]
    assert search.best_score_ == pytest.approx(np.mean(by_hand))


def test_unrequested_probabilities_are_refused_under_routing():
    with config_context(enable_metadata_routing=True):
        kd = DistilledClassifier(student=TREE).set_fit_request(teacher_proba=True)
        search = GridSearchCV(kd, {"alpha": [0.5]}, scoring=teacher_scorer("agreement"))
        with pytest.raises(UnsetMetadataPassedError, match="teacher_proba"):
            search.fit(X, Y, teacher_proba=np.eye(3)[CODES])


def test_without_a_teacher_to_ask_the_remedy_is_named():
    with pytest.raises(ValueError, match=r"no teacher_ .*teacher=, or route teacher_proba"):
        teacher_scorer("agreement")(TREE.fit(X, Y), X, Y)


def test_the_votes_of_a_forest_are_smoothed_once():
    forest = RandomForestClassifier(5, random_state=0).fit(X[::2], Y[::2])
    prior = np.mean([tree.tree_.value[0, 0] for tree in forest.estimators_], axis=0)
    smoothed = (5 * forest.predict_proba(HELD_OUT) + prior) / 6
    score = teacher_scorer("kl_to_teacher", teacher=forest)(KD, HELD_OUT, OUTCOME)
    assert_allclose(score, -kl_divergence(smoothed, KD.predict_proba(HELD_OUT)))


# --- the default of searches


@pytest.mark.parametrize("weighted", [False, True])
def test_where_every_class_is_there_it_is_scikit_learns(weighted):
    weight = {"sample_weight": np.arange(len(OUTCOME)) % 3} if weighted else {}
    expected = get_scorer("neg_log_loss")(KD, HELD_OUT, OUTCOME, **weight)
    assert_allclose(NegLogLoss()(KD, HELD_OUT, OUTCOME, **weight), expected)


def test_rows_that_lack_a_class_have_a_log_loss():
    two = OUTCOME != "virginica"
    expected = -log_loss(OUTCOME[two], KD.predict_proba(HELD_OUT[two]), labels=KD.classes_)
    assert_allclose(NegLogLoss()(KD, HELD_OUT[two], OUTCOME[two]), expected)


def test_a_class_never_seen_costs_what_a_probability_of_zero_costs():
    two = Y[::2] != "virginica"
    unaware = GaussianNB().fit(X[::2][two], Y[::2][two])
    proba = np.column_stack([unaware.predict_proba(HELD_OUT), np.zeros(len(HELD_OUT))])
    assert_allclose(NegLogLoss()(unaware, HELD_OUT, OUTCOME), -log_loss(OUTCOME, proba))


def test_the_counts_of_a_forest_are_judged_as_it_predicts_them():
    forest = RandomForestClassifier(5, random_state=0).fit(X[::2], Y[::2])
    expected = -log_loss(OUTCOME, forest.predict_proba(HELD_OUT))
    assert_allclose(NegLogLoss()(forest, HELD_OUT, OUTCOME), expected)


def test_margins_are_no_probabilities_unless_asked_for():
    svc = LinearSVC().fit(X[::2], Y[::2])
    with pytest.raises(ValueError, match="LinearSVC has no predict_proba"):
        NegLogLoss()(svc, HELD_OUT, OUTCOME)
    assert NegLogLoss(of_scores=True)(svc, HELD_OUT, OUTCOME) < 0
