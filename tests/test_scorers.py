"""The combined loss as a score: one yardstick for candidates of any temperature."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistillationSearchCV, DistilledClassifier
from skdistill.loss import CombinedLoss, logits
from skdistill.scorers import combined_loss_scorer

X, CODES = load_iris(return_X_y=True)
X = X + np.random.default_rng(0).normal(scale=0.5, size=X.shape)
Y = np.array(["setosa", "versicolor", "virginica"])[CODES]
TREE = DecisionTreeClassifier(max_depth=2, random_state=0)
KD = DistilledClassifier(GaussianNB(), TREE, temperature=1.0).fit(X[::2], Y[::2])
HELD_OUT, OUTCOME = X[1::2], Y[1::2]


class Counted(GaussianNB):
    """A teacher that counts the rows it labels."""

    rows = 0

    def predict_proba(self, X):
        Counted.rows += len(X)
        return super().predict_proba(X)


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
    assert repr(scorer) == "combined_loss_scorer(3.0, 0.25, scale_soft_loss=True)"
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
        again = kd.__class__(GaussianNB(), TREE).set_params(**params)
        scores = cross_val_score(again, X, Y, cv=cv, scoring=scorer)
        assert_allclose(scores.mean(), search.cv_results_["mean_test_score"][i])
