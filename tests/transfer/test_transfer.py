"""`DistilledClassifier(transfer=...)`: generated rows, labelled by the teacher."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

from skdistill import DistillationSearchCV, DistilledClassifier

TREE = DecisionTreeClassifier(max_depth=4, random_state=0)
X, Y = make_classification(300, 5, n_informative=4, n_redundant=0, random_state=3)
NEW = np.random.RandomState(0).standard_normal((2000, 5))


class Given(BaseEstimator):
    """A generator whose rows are known, and which remembers what it was fitted to."""

    seen = []  # noqa: RUF012 (a record for the test)

    def fit(self, X, y=None):
        type(self).seen.append(len(X))
        return self

    def sample(self, n_samples, random_state=None):
        return NEW[:n_samples]


@pytest.fixture(autouse=True)
def _nothing_seen():
    Given.seen = []


def distilled(transfer="munge", student=TREE, teacher=None, **options):
    teacher = GaussianNB() if teacher is None else teacher
    options = {"alpha": 0.9, "random_state": 0, "transfer": transfer} | options
    return DistilledClassifier(teacher, student, 1.0, **options)


def test_generated_rows_teach_as_unlabelled_rows_do():
    generated = distilled(Given(), transfer_size=2000).fit(X, Y)
    unlabelled = distilled(None).fit(X, Y, X_unlabeled=NEW)
    assert_array_equal(generated.predict_proba(X), unlabelled.predict_proba(X))
    assert generated.loss_ == unlabelled.loss_
    assert generated.loss_ != distilled(None).fit(X, Y).loss_


def test_generated_and_unlabelled_rows_go_together():
    both = distilled(Given(), transfer_size=200).fit(X, Y, X_unlabeled=NEW[200:])
    shuffled = distilled(None).fit(X, Y, X_unlabeled=NEW)
    assert_allclose(both.loss_, shuffled.loss_, rtol=1e-9)


def test_at_alpha_zero_no_row_is_generated():
    model = distilled(Given(), alpha=0).fit(X, Y)
    assert not Given.seen
    assert_array_equal(model.predict_proba(X), clone(TREE).fit(X, Y).predict_proba(X))


@pytest.mark.parametrize(("size", "expected"), [(0.5, 450), (2.0, 900), (10, 310)])
def test_the_size_is_a_multiple_or_a_number_of_rows(size, expected):
    model = distilled("munge", transfer_size=size).fit(X, Y)
    assert model.student_.tree_.n_node_samples[0] == expected


def test_a_multiple_is_of_the_rows_that_the_student_is_fitted_on():
    model = distilled("munge", transfer_size=2.0, max_samples=100).fit(X, Y)
    assert model.student_.tree_.n_node_samples[0] == 300


def test_rows_without_weight_are_as_good_as_absent():
    weight = np.r_[np.ones(200), np.zeros(100)]
    weighed = distilled("munge", transfer_size=1.0).fit(X, Y, sample_weight=weight)
    absent = distilled("munge", transfer_size=1.0).fit(X[:200], Y[:200], np.ones(200))
    assert_allclose(weighed.predict_proba(NEW), absent.predict_proba(NEW))


def test_the_scale_of_the_weights_does_not_matter():
    weight = np.random.RandomState(0).rand(300)
    one = distilled("munge").fit(X, Y, sample_weight=weight)
    other = distilled("munge").fit(X, Y, sample_weight=1024 * weight)
    assert_allclose(one.predict_proba(X), other.predict_proba(X))


def test_rows_are_generated_from_the_training_part_alone():
    cross_val_score(distilled(Given(), cv=5), X, Y, cv=3)
    assert Given.seen == [200, 200, 200]


def test_rows_of_noise_teach_nothing_about_held_out_rows():
    rng = np.random.RandomState(0)
    noise, y = rng.standard_normal((400, 4)), rng.randint(2, size=400)
    forest = RandomForestClassifier(30, random_state=0)
    model = distilled("conditional", DecisionTreeClassifier(), forest, cv="oob")
    assert cross_val_score(model, noise, y, cv=5).mean() == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize("transfer", ["munge", "conditional"])
def test_a_deep_tree_comes_nearer_to_its_teacher(transfer):
    digits = train_test_split(*load_digits(return_X_y=True), random_state=0, train_size=600)
    forest = RandomForestClassifier(60, random_state=0)
    model = distilled(transfer, DecisionTreeClassifier(random_state=0), forest, cv="oob")
    with_them = model.set_params(transfer_size=5.0).fit(digits[0], digits[2])
    without = clone(model).set_params(transfer=None).fit(digits[0], digits[2])
    losses = [log_loss(digits[3], m.predict_proba(digits[1])) for m in (with_them, without)]
    assert losses[0] < 0.9 * losses[1]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_one_seed_gives_one_student(n_jobs):
    forest = RandomForestClassifier(10)
    model = distilled("conditional", TREE, forest, cv=3, n_jobs=n_jobs)
    first = clone(model).set_params(n_jobs=None).fit(X, Y)
    assert_array_equal(model.fit(X, Y).predict_proba(X), first.predict_proba(X))


def test_memory_shares_rows_and_labels_over_what_the_student_alone_sees(tmp_path):
    changes = [{}, {"temperature": 3.0}, {"alpha": 0.5}, {"student": LogisticRegression()}]
    for change in changes:
        distilled(Given(), memory=str(tmp_path)).set_params(**change).fit(X, Y)
    assert len(Given.seen) == 1
    distilled(Given(), memory=str(tmp_path), transfer_size=3).fit(X, Y)
    assert len(Given.seen) == 2


def test_a_search_generates_rows_once_for_each_fold():
    search = DistillationSearchCV(distilled(Given()), n_trials=6, cv=3, random_state=0)
    search.fit(X, Y)
    assert sorted(Given.seen) == [200, 200, 200, 300]


def test_a_search_may_choose_the_generator():
    search = DistillationSearchCV(
        distilled(None),
        {"transfer": [None, "munge"], "transfer_size": [1.0, 2.0]},
        n_trials=4,
        cv=2,
        random_state=0,
    ).fit(X, Y)
    assert set(search.cv_results_["param_transfer"]) == {None, "munge"}


def test_frames_of_any_columns_reach_a_student_that_takes_them():
    frame = pd.DataFrame(X[:, :3]).add_prefix("x").assign(c=pd.Categorical(Y + 3))
    frame.iloc[::7, 0] = np.nan
    boosting = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
    for transfer in ("munge", "conditional"):
        model = distilled(transfer, boosting, boosting, cv=3).fit(frame, Y)
        assert model.score(frame, Y) > 0.9


@pytest.mark.parametrize("kind", ["Float64", "double[pyarrow]", "polars"])
@pytest.mark.parametrize("transfer", ["munge", "conditional"])
def test_frames_of_other_types_stay_what_they_are(kind, transfer):
    frame = pd.DataFrame(X).add_prefix("x")
    frame = pl.from_pandas(frame) if kind == "polars" else frame.astype(kind)
    assert distilled(transfer).fit(frame, Y).score(frame, Y) > 0.7


def test_inside_and_around_pipelines():
    head = make_pipeline(StandardScaler(), distilled("munge", LogisticRegression()))
    tail = distilled("munge", make_pipeline(StandardScaler(), TREE))
    for model in (head, tail):
        assert model.fit(X, Y).score(X, Y) > 0.7


def test_teachers_in_a_list_and_frozen_ones_label_the_rows():
    members = [("nb", GaussianNB()), ("lr", LogisticRegression())]
    frozen = FrozenEstimator(RandomForestClassifier(10, random_state=0).fit(X, Y))
    for teacher in (members, frozen):
        assert distilled("munge", teacher=teacher).fit(X, Y).score(X, Y) > 0.7


def test_text_is_taken_whole():
    texts = ["good film", "bad film", "a good one", "a bad one"] * 10
    from sklearn.feature_extraction.text import CountVectorizer

    teacher = make_pipeline(CountVectorizer(), LogisticRegression())
    model = distilled("munge", make_pipeline(CountVectorizer(), TREE), teacher)
    assert model.fit(texts, [1, 0, 1, 0] * 10).score(texts, [1, 0, 1, 0] * 10) == 1


def test_a_density_generates_rows():
    model = distilled(KernelDensity(bandwidth=0.2)).fit(X, Y)
    assert model.score(X, Y) > 0.7


def test_the_soft_labels_are_those_of_the_given_rows():
    assert distilled(Given()).soft_labels(X, Y).shape == (300, 2)
    assert not Given.seen


def test_given_labels_are_refused_for_rows_that_nobody_labels():
    proba = GaussianNB().fit(X, Y).predict_proba(X)
    with pytest.raises(ValueError, match="transfer needs a teacher to label its rows"):
        distilled("munge").fit(X, Y, teacher_proba=proba)


def test_sparse_rows_are_refused_by_name_before_the_teacher_is_fitted():
    with pytest.raises(TypeError, match="X is sparse"):
        distilled("munge", LogisticRegression()).fit(csr_array(np.abs(X)), Y)


def test_fit_parameters_of_each_row_are_refused():
    class Marked(StandardScaler):
        def fit(self, X, y=None, marks=None):
            return super().fit(X)

    model = distilled(Given(), make_pipeline(Marked(), TREE), transfer_size=20)
    assert model.fit(X, Y, marked__marks=np.arange(7)).score(X, Y) > 0.7
    Given.seen.clear()
    with pytest.raises(ValueError, match="'marked__marks' has a value per row of X"):
        model.fit(X, Y, marked__marks=np.arange(300))
    assert not Given.seen


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"transfer": "gauss"}, "'transfer' parameter"),
        ({"transfer": DecisionTreeClassifier()}, "'transfer' parameter"),
        ({"transfer_size": 0}, "'transfer_size' parameter"),
        ({"transfer_size": 0.0}, "'transfer_size' parameter"),
        ({"transfer_size": "all"}, "'transfer_size' parameter"),
    ],
)
def test_bad_values_are_named(options, says):
    with pytest.raises(ValueError, match=says):
        distilled(**options).fit(X, Y)


@pytest.mark.filterwarnings("ignore")  # the checks pass odd data on purpose
@pytest.mark.parametrize("transfer", ["munge", "conditional"])
def test_the_contract_of_scikit_learn_holds_with_a_transfer_set(transfer):
    weights = {
        f"check_sample_weight_equivalence_on_{kind}_data": "rows are drawn at random"
        for kind in ("dense", "sparse")
    }
    results = check_estimator(
        DistilledClassifier(LogisticRegression(), LogisticRegression(), transfer=transfer),
        expected_failed_checks=weights,
        on_skip=None,
        on_fail=None,
    )
    failed = [
        f"{result['check_name']}: {result['exception']}"
        for result in results
        if result["status"] == "failed"
    ]
    assert not failed
