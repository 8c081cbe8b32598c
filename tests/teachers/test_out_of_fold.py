"""Out-of-fold, out-of-bag, calibrated, sampled and unlabelled rows: what teaches whom."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    RandomForestClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    LeaveOneOut,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.loss import soften
from skdistill.teachers._calibration import fit_calibrator
from skdistill.teachers._cv import resolve_cv
from skdistill.teachers._labels import label_rows
from skdistill.teachers._soft_vote import SoftVote
from skdistill.transfer._rows import draw_rows, stack_rows

X, CODES = load_iris(return_X_y=True)
NAMES = np.unique(["setosa", "versicolor", "virginica"])
Y = NAMES[CODES]
TREE = DecisionTreeClassifier(max_depth=3, random_state=0)


def labels(teacher, cv, **options):
    return label_rows(teacher, X, Y, NAMES, cv=resolve_cv(cv, teacher, Y), **options)


class Seen(GaussianNB):
    """A teacher that remembers which rows it was fitted on and which it scored."""

    fitted_on: list = []  # noqa: RUF012
    scored: list = []  # noqa: RUF012

    def fit(self, X, y, sample_weight=None):
        self.own_ = {row.tobytes() for row in np.asarray(X)}
        Seen.fitted_on.append(self.own_)
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):
        Seen.scored.append((self.own_, {row.tobytes() for row in np.asarray(X)}))
        return super().predict_proba(X)


@pytest.fixture
def seen():
    Seen.fitted_on, Seen.scored = [], []
    return Seen()


# Out of fold


def test_out_of_fold_labels_are_those_of_cross_val_predict():
    expected = cross_val_predict(GaussianNB(), X, Y, cv=4, method="predict_proba")
    assert_allclose(labels(GaussianNB(), 4).proba, expected, atol=1e-12)
    assert_allclose(labels(GaussianNB(), 4, n_jobs=2).proba, expected, atol=1e-12)


def test_no_row_is_labelled_by_a_teacher_that_saw_it(seen):
    rng = np.random.default_rng(0)
    distinct = rng.normal(size=X.shape)
    model = DistilledClassifier(seen, TREE, cv=5).fit(distinct, Y)
    assert len(Seen.fitted_on) == 6
    assert all(not own & scored for own, scored in Seen.scored)
    assert len(model.teacher_.own_) == len(X)


def test_lists_of_splits_and_repeated_splits_are_averaged():
    splits = list(StratifiedKFold(3).split(X, Y))
    assert_array_equal(labels(GaussianNB(), splits).proba, labels(GaussianNB(), 3).proba)
    repeated = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    proba = labels(GaussianNB(), repeated).proba
    once = [
        cross_val_predict(GaussianNB(), X, Y, method="predict_proba", cv=part)
        for part in (list(repeated.split(X, Y))[:3], list(repeated.split(X, Y))[3:])
    ]
    assert_allclose(proba, np.mean(once, axis=0), atol=1e-12)


def test_rows_that_no_split_holds_out_keep_their_hard_label_only():
    rows = np.random.default_rng(0).permutation(len(Y))
    model = DistilledClassifier(GaussianNB(), TREE, cv=TimeSeriesSplit(4))
    with pytest.warns(UserWarning, match="30 of 150 rows have no soft label") as caught:
        model.fit(X[rows], Y[rows])
    assert len(caught) == 1
    assert model.score(X, Y) > 0.9


def test_a_fold_that_lacks_a_class_gives_it_probability_zero_and_one_warning():
    rare = np.where(CODES > 0, NAMES[1], NAMES[0])
    rare[-1] = NAMES[2]
    odd, even = np.arange(1, 150, 2), np.arange(0, 150, 2)  # the rare row is odd
    cv = resolve_cv([(odd, even), (even, odd)], GaussianNB(), rare)
    with pytest.warns(UserWarning, match="1 of 2 folds of the teacher lack a class"):
        proba = label_rows(GaussianNB(var_smoothing=0.1), X, rare, NAMES, cv=cv).proba
    assert_array_equal(proba[odd, 2], 0)
    assert_allclose(proba.sum(axis=1), 1)


def test_a_fold_of_one_class_says_that_class_whatever_the_teacher_takes():
    rare = np.where(CODES == 0, NAMES[0], NAMES[1])
    teacher, (first, last) = LogisticRegression(max_iter=1000), np.split(np.arange(150), [75])
    cv = resolve_cv([(first, last), (last, first)], teacher, rare)
    with pytest.warns(UserWarning, match="1 of 2 folds of the teacher lack a class"):
        proba = label_rows(teacher, X, rare, NAMES[:2], cv=cv).proba
    assert_array_equal(proba[first], np.tile([0, 1], (75, 1)))


def test_weights_follow_their_fold():
    weight = np.random.default_rng(0).uniform(size=len(Y))
    proba = labels(GaussianNB(), 3, fit_params={"sample_weight": weight}).proba
    train, test = next(StratifiedKFold(3).split(X, Y))
    fold = GaussianNB().fit(X[train], Y[train], sample_weight=weight[train])
    assert_allclose(proba[test], fold.predict_proba(X[test]), atol=1e-12)


def test_groups_stay_apart_inside_a_grouped_cross_validation(seen):
    group = np.random.default_rng(0).integers(12, size=len(Y)).astype(float)
    rows = np.column_stack([X, group])
    with sklearn.config_context(enable_metadata_routing=True):
        model = DistilledClassifier(seen, TREE, cv=GroupKFold(3))
        cross_validate(model, rows, Y, cv=GroupKFold(4), params={"groups": group})

    def groups_of(some):
        return {np.frombuffer(row)[-1] for row in some}

    assert len(Seen.scored) == 4 * 3
    assert all(not groups_of(own) & groups_of(scored) for own, scored in Seen.scored)


# Out of bag


@pytest.mark.parametrize(
    "forest",
    [
        RandomForestClassifier(50, random_state=0),
        ExtraTreesClassifier(50, bootstrap=True, random_state=0),
        BaggingClassifier(n_estimators=50, random_state=0),
        make_pipeline(StandardScaler(), RandomForestClassifier(50, random_state=0)),
    ],
    ids=lambda forest: type(forest).__name__,
)
def test_out_of_bag_labels_are_the_forest_s_own_smoothed(forest):
    name = "randomforestclassifier__oob_score" if hasattr(forest, "steps") else "oob_score"
    expected = clone(forest).set_params(**{name: True}).fit(X, Y)
    expected = getattr(expected, "_final_estimator", expected).oob_decision_function_
    votes = 50 / np.e
    found = labels(forest, "oob")
    assert_allclose(found.proba, (votes * expected + 1 / 3) / (votes + 1), rtol=1e-10)
    assert found.teacher.get().get_params()[name] is False


@pytest.mark.parametrize("kind", [RandomForestClassifier, BaggingClassifier])
def test_rows_never_out_of_bag_keep_their_hard_label_only(kind):
    forest = kind(n_estimators=3, random_state=0)
    with pytest.warns(UserWarning, match="rows have no soft label") as caught:
        found = labels(forest, "oob")
    assert len(caught) == 1
    assert 0 < np.isnan(found.proba[:, 0]).sum() < 75


def test_auto_is_out_of_bag_where_the_teacher_can():
    assert resolve_cv("auto", RandomForestClassifier(), Y) == "oob"
    assert resolve_cv("auto", ExtraTreesClassifier(), Y).get_n_splits() == 5
    assert resolve_cv("auto", GaussianNB(), Y).get_n_splits() == 5
    assert resolve_cv("auto", FrozenEstimator(GaussianNB().fit(X, Y)), Y) is None


class NeverFitted:
    def fit(self, X):
        raise AssertionError("rows were generated")

    sample = fit


def test_what_cannot_be_held_out_is_refused_before_any_fit(seen):
    frozen = FrozenEstimator(GaussianNB().fit(X, Y))
    for teacher, options, message in (
        (seen, {"cv": "oob"}, "cv='oob' needs a forest that draws bootstraps"),
        (ExtraTreesClassifier(), {"cv": "oob"}, "bootstrap=True"),
        (frozen, {"cv": 5}, "never fitted"),
        (seen, {"calibrate_teacher": True}, "set cv=5"),
        (frozen, {"cv": "auto", "calibrate_teacher": "sigmoid"}, "needs out-of-fold"),
        (seen, {"cv": 1}, "n_splits"),
        (seen, {"cv": "loo"}, "'cv' parameter"),
        (seen, {"calibrate_teacher": "platt", "cv": 5}, "'calibrate_teacher' parameter"),
        (seen, {"max_samples": 0}, "'max_samples' parameter"),
        (seen, {"max_samples": 1.5}, "'max_samples' parameter"),
    ):
        with pytest.raises(ValueError, match=message):
            DistilledClassifier(teacher, TREE, transfer=NeverFitted(), **options).fit(X, Y)
    assert Seen.fitted_on == []


# Calibration


def test_temperature_scaling_undoes_a_known_temperature():
    rng = np.random.default_rng(0)
    truth = rng.dirichlet(np.ones(3), size=20_000)
    y = (truth.cumsum(axis=1) < rng.uniform(size=(20_000, 1))).sum(axis=1)
    calibrate, temperature = fit_calibrator(soften(truth, 2.0), y, "temperature")
    assert temperature == pytest.approx(0.5, abs=0.03)
    assert_allclose(calibrate(soften(truth, 2.0)), truth, atol=0.02)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("method", ["temperature", "sigmoid", "isotonic"])
def test_every_calibrator_lowers_the_loss_of_a_distorted_teacher(method, n_classes):
    rng = np.random.default_rng(0)
    truth = rng.dirichlet(np.ones(n_classes), size=6000)
    y = (truth.cumsum(axis=1) < rng.uniform(size=(6000, 1))).sum(axis=1)
    distorted = soften(truth, 3.0)
    calibrate, temperature = fit_calibrator(distorted[:3000], y[:3000], method)
    assert (temperature is None) == (method != "temperature")
    calibrated = calibrate(distorted[3000:])
    assert_allclose(calibrated.sum(axis=1), 1)
    assert log_loss(y[3000:], calibrated) < log_loss(y[3000:], distorted[3000:]) - 0.01


def test_calibration_is_fitted_out_of_fold_and_kept():
    forest = RandomForestClassifier(100, random_state=0)
    X, y = make_classification(600, n_informative=6, random_state=0)
    model = DistilledClassifier(forest, TREE, cv="oob", calibrate_teacher=True).fit(X, y)
    assert 0.3 < model.teacher_temperature_ < 0.95  # out-of-bag votes are under-confident
    again = model.set_params(calibrate_teacher="sigmoid").fit(X, y)
    assert not hasattr(again, "teacher_temperature_")


# Ensembles of teachers


class Backwards(GaussianNB):
    """Orders its classes the other way round."""

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.order_, self.classes_ = self.classes_, self.classes_[::-1]
        return self

    def predict_proba(self, X):
        self.classes_ = self.order_
        proba = super().predict_proba(X)[:, ::-1]
        self.classes_ = self.order_[::-1]
        return proba


def test_a_list_of_teachers_is_their_weighted_mean_aligned_by_class():
    lr = LogisticRegression(max_iter=1000)
    frozen = FrozenEstimator(Backwards().fit(X, Y))
    model = DistilledClassifier([("nb", frozen), ("lr", lr, 3)], TREE).fit(X, Y)
    expected = GaussianNB().fit(X, Y).predict_proba(X) + 3 * lr.fit(X, Y).predict_proba(X)
    assert_allclose(model.teacher_.predict_proba(X), expected / 4, atol=1e-12)
    assert type(model.teacher_) is SoftVote


def test_members_know_the_user_s_labels_and_are_seeded():
    weight = {"setosa": 1, "versicolor": 9, "virginica": 1}
    members = [("a", RandomForestClassifier(5, class_weight=weight)), ("b", GaussianNB())]
    proba = [
        DistilledClassifier(members, TREE, random_state=0).fit(X, Y).predict_proba(X)
        for _ in range(2)
    ]
    assert_array_equal(*proba)


# Sampled and unlabelled rows


def test_the_student_learns_from_drawn_rows_and_the_teacher_from_all(seen):
    model = DistilledClassifier(seen, TREE, cv=3, max_samples=60, random_state=0).fit(X, Y)
    assert len(Seen.fitted_on[0]) == len({row.tobytes() for row in X})
    assert len(set().union(*(scored for _, scored in Seen.scored))) <= 60
    assert model.student_.tree_.n_node_samples[0] == 60


def test_folds_that_hold_out_no_drawn_row_are_not_fitted(seen):
    DistilledClassifier(seen, TREE, cv=LeaveOneOut(), max_samples=9, random_state=0).fit(X, Y)
    assert len(Seen.fitted_on) == 1 + 9


@pytest.mark.parametrize("max_samples", [30, 0.2])
def test_draws_are_stratified_seeded_and_lose_no_class(max_samples):
    rows = draw_rows(CODES, max_samples, 0)
    assert_array_equal(np.bincount(CODES[rows]), [10, 10, 10])
    assert_array_equal(rows, draw_rows(CODES, max_samples, 0))
    rare = np.r_[np.zeros(148, int), 1, 2]
    assert set(rare[draw_rows(rare, max_samples, 0)]) == {0, 1, 2}
    assert_array_equal(draw_rows(CODES, 1.0), np.arange(150))


def unlabelled(n=2000):
    X, y = make_classification(n + 300, 5, n_informative=4, n_redundant=0, random_state=3)
    return X[:300], y[:300], X[300:], y[300:]


def test_rows_without_labels_help_a_student_that_lacks_rows():
    X, y, U, truth = unlabelled()
    teacher = RandomForestClassifier(100, random_state=0)
    student = DecisionTreeClassifier(max_depth=6, min_samples_leaf=5)
    model = DistilledClassifier(teacher, student, 1.0, 0.8, cv="oob")
    without = clone(model).fit(X, y)
    with_them = clone(model).fit(X, y, X_unlabeled=U[:1500])
    assert log_loss(truth, with_them.predict_proba(U)) < log_loss(
        truth, without.predict_proba(U)
    )


def test_rows_without_labels_are_labelled_by_the_teacher_alone():
    X, y, U, _ = unlabelled()
    model = DistilledClassifier(GaussianNB(), TREE, 1.0, 1.0).fit(X, y, X_unlabeled=U)
    teacher = GaussianNB().fit(X, y)
    proba = teacher.predict_proba(np.r_[X, U])
    expected = DistilledClassifier(teacher, TREE, 1.0, 1.0).fit(
        np.r_[X, U], np.r_[y, teacher.predict(U)], teacher_proba=proba
    )
    assert_allclose(model.predict_proba(U), expected.predict_proba(U), atol=1e-9)


def test_at_alpha_zero_they_change_nothing():
    X, y, U, _ = unlabelled()
    model = DistilledClassifier(GaussianNB(), TREE, alpha=0)
    expected = clone(TREE).fit(X, y).predict_proba(U)
    assert_array_equal(model.fit(X, y, X_unlabeled=U).predict_proba(U), expected)


def test_a_pipeline_transforms_them_on_their_way():
    X, y, U, _ = unlabelled()
    with sklearn.config_context(enable_metadata_routing=True):
        kd = DistilledClassifier(GaussianNB(), LogisticRegression(), cv=5)
        kd.set_fit_request(X_unlabeled=True)
        pipeline = Pipeline(
            [("scale", StandardScaler()), ("kd", kd)], transform_input=["X_unlabeled"]
        )
        piped = pipeline.fit(X, y, X_unlabeled=U).predict_proba(U)
    scale = StandardScaler().fit(X)
    by_hand = DistilledClassifier(GaussianNB(), LogisticRegression(), cv=5)
    by_hand.fit(scale.transform(X), y, X_unlabeled=scale.transform(U))
    assert_allclose(piped, by_hand.predict_proba(scale.transform(U)), rtol=1e-12)


def test_cross_validation_hands_them_on_whole():
    X, y, U, _ = unlabelled()
    model = DistilledClassifier(GaussianNB(), TREE, cv=5)
    scores = cross_val_score(model, X, y, params={"X_unlabeled": U})
    assert scores.mean() > 0.6


def test_as_many_as_labelled_rows_are_warned_of():
    X, y, U, _ = unlabelled()
    with pytest.warns(UserWarning, match="exactly as many rows"):
        DistilledClassifier(GaussianNB(), TREE).fit(X, y, X_unlabeled=U[:300])


def test_without_a_teacher_they_are_refused():
    X, y, U, _ = unlabelled()
    proba = GaussianNB().fit(X, y).predict_proba(X)
    with pytest.raises(ValueError, match="X_unlabeled needs a teacher"):
        DistilledClassifier().fit(X, y, teacher_proba=proba, X_unlabeled=U)
    with pytest.raises(ValueError, match="calibrate_teacher"):
        DistilledClassifier(cv=5, calibrate_teacher=True).fit(X, y, teacher_proba=proba)
    with pytest.raises(ValueError, match="4 features"):
        DistilledClassifier(GaussianNB()).fit(X, y, X_unlabeled=U[:, :4])


def test_rows_are_stacked_in_their_own_container():
    frame = pd.DataFrame({"a": [1.0, 2.0], "c": pd.Categorical(["x", "y"])})
    more = pd.DataFrame({"c": ["y", "x"], "a": [3, 4]})
    stacked = stack_rows(frame, more)
    assert_array_equal(stacked["a"], [1, 2, 3, 4])
    assert stacked["c"].dtype == frame["c"].dtype
    unseen = stack_rows(frame, more.replace("x", "unseen"))
    assert unseen["c"].dtype == frame["c"].dtype
    assert_array_equal(unseen["c"].isna(), [False, False, False, True])
    polars = stack_rows(pl.DataFrame({"a": [1.0]}), pl.DataFrame({"a": [2]}))
    assert polars["a"].to_list() == [1.0, 2.0]
    assert stack_rows(["text"], ["more"]) == ["text", "more"]
    sparse = stack_rows(csr_array(np.eye(2)), csr_array(np.ones((1, 2))))
    assert_array_equal(sparse.toarray(), [[1, 0], [0, 1], [1, 1]])


# Honesty


SEEDS = range(10)
STANDARD_ERROR = 0.5 / np.sqrt(10 * 400)
PLIABLE = DecisionTreeClassifier(min_samples_leaf=5, random_state=0)


def noise(seed, n=400):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)), rng.integers(2, size=n)


def accuracy_on_noise(seed, frozen=False, **options):
    X, y = noise(seed)
    teacher = RandomForestClassifier(15, min_samples_leaf=3, random_state=seed)
    if frozen:
        teacher = FrozenEstimator(teacher.fit(X, y))
    model = DistilledClassifier(teacher, PLIABLE, 1.0, 1.0, **options)
    outer = StratifiedKFold(5, shuffle=True, random_state=seed)
    return cross_val_score(model, X, y, cv=outer).mean()


@pytest.mark.parametrize(
    "options",
    [{}, {"cv": 5}, {"cv": "oob"}, {"cv": "oob", "calibrate_teacher": True}],
    ids=["in-sample", "folds", "oob", "calibrated"],
)
@pytest.mark.filterwarnings("ignore:.* rows have no soft label")
@pytest.mark.filterwarnings("ignore:.* ends at its upper bound")  # there is nothing to say
def test_nothing_is_learned_from_noise(options):
    scores = [accuracy_on_noise(seed, **options) for seed in SEEDS]
    assert abs(np.mean(scores) - 0.5) < 2 * STANDARD_ERROR


def test_a_teacher_frozen_on_all_rows_leaks_and_shows_it():
    scores = [accuracy_on_noise(seed, frozen=True) for seed in SEEDS]
    assert np.mean(scores) > 0.5 + 5 * STANDARD_ERROR


def test_in_sample_labels_that_say_no_more_than_y_are_warned_of():
    X, y = np.random.default_rng(0).normal(size=(400, 8)), noise(0)[1]
    sure = DecisionTreeClassifier(random_state=0)
    with pytest.warns(UserWarning, match="set cv='auto'") as caught:
        inside = DistilledClassifier(sure, TREE, 1.0, 1.0).fit(X, y)
    assert len(caught) == 1
    outside = DistilledClassifier(sure, TREE, 1.0, 1.0, cv=5).fit(X, y)
    assert outside.score(X, y) < inside.score(X, y) - 0.05


# Cost


def test_a_search_with_memory_fits_each_fold_s_teacher_once_for_all_options(seen, tmp_path):
    model = DistilledClassifier(seen, TREE, cv=3, memory=str(tmp_path))
    grid = {"temperature": [1, 2, 4], "alpha": [0.2, 1], "student__max_depth": [1, 2]}
    GridSearchCV(model, grid, cv=3).fit(X, Y)
    # three outer folds and the refit, each of one fit on all its rows and three folds;
    # the teacher on all rows labels none of them
    assert len(Seen.fitted_on) == 4 * (1 + 3)
    assert len(Seen.scored) == 4 * 3


def test_a_long_fit_made_twice_without_memory_is_warned_of(monkeypatch, tmp_path):
    monkeypatch.setattr("skdistill.teachers._repetition.ENOUGH", 0.0)
    teacher = GaussianNB(var_smoothing=0.123)
    model = DistilledClassifier(teacher, TREE, cv=3).fit(X, Y)
    with pytest.warns(UserWarning, match="set memory="):
        model.set_params(temperature=3).fit(X, Y)
    model.set_params(memory=str(tmp_path)).fit(X, Y)
    model.set_params(memory=None).fit(X[1:], Y[1:])


# Found by use


def test_unlabelled_numbers_keep_what_labelled_integers_lack():
    frame = stack_rows(pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [0.5]}))
    assert_array_equal(frame["a"], [1, 2, 0.5])
    polars = stack_rows(pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [0.5]}))
    assert_array_equal(polars["a"], [1, 2, 0.5])
    for more in (pd.Series(["b"]), ["b"], np.array(["b"])):
        assert list(stack_rows(pd.Series(["a"]), more)) == ["a", "b"]


def test_splits_may_be_masks():
    even = np.arange(len(Y)) % 2 == 0
    masks = labels(GaussianNB(), [(even, ~even), (~even, even)]).proba
    numbers = [tuple(map(np.flatnonzero, pair)) for pair in ((even, ~even), (~even, even))]
    assert_array_equal(masks, labels(GaussianNB(), numbers).proba)


def test_drawn_rows_have_a_weight():
    weight = (np.arange(150) % 10 == 0).astype(float)
    rows = draw_rows(CODES, 9, 0, weight)
    assert len(rows) == 9
    assert weight[rows].all()


@pytest.mark.filterwarnings("ignore:.* rows have no soft label")
def test_a_class_that_is_never_held_out_cannot_be_calibrated_by_class():
    rows = np.flatnonzero(CODES < 2)
    splits = [(np.arange(150), rows)]
    model = DistilledClassifier(GaussianNB(), TREE, cv=splits, calibrate_teacher="isotonic")
    with pytest.raises(ValueError, match="held-out rows of every class"):
        model.fit(X, Y)


def test_weights_and_rare_classes_calibrate_in_silence():
    rare = np.where(CODES == 2, 1, CODES).astype(str)
    rare[-3:] = "rare"
    splitter = StratifiedKFold(3, shuffle=True, random_state=0)
    model = DistilledClassifier(GaussianNB(), TREE, cv=splitter, calibrate_teacher="sigmoid")
    weight = np.random.default_rng(0).uniform(0.5, 1, len(rare))
    assert model.fit(X, rare, sample_weight=weight).score(X, rare) > 0.9


def test_a_random_splitter_splits_as_random_state_says():
    model = DistilledClassifier(
        GaussianNB(), TREE, cv=StratifiedKFold(3, shuffle=True), random_state=0
    )
    first = model.fit(X, Y).predict_proba(X)
    assert_array_equal(first, model.fit(X, Y).predict_proba(X))
    assert model.cv.random_state is None


def test_folds_in_processes_see_the_same_configuration():
    frame = pd.DataFrame(X, columns=list("abcd"))
    with sklearn.config_context(enable_metadata_routing=True):
        teacher = make_pipeline(GaussianNB().set_fit_request(sample_weight=True))
        student = LogisticRegression(max_iter=1000).set_fit_request(sample_weight=True)
        model = DistilledClassifier(teacher, student, cv=2, n_jobs=2)
        model.fit(frame, Y, sample_weight=np.ones(len(Y)))
    assert model.score(frame, Y) > 0.9


@pytest.mark.parametrize(
    "shape", [lambda t: make_pipeline("passthrough", t), lambda t: [("t", t)]]
)
def test_what_holds_frozen_teachers_alone_is_frozen(shape):
    teacher = shape(FrozenEstimator(GaussianNB().fit(X, Y)))
    with pytest.raises(ValueError, match="never fitted"):
        DistilledClassifier(teacher, TREE, cv=3).fit(X, Y)
    assert DistilledClassifier(teacher, TREE, cv="auto").fit(X, Y).score(X, Y) > 0.9


def test_a_list_that_is_frozen_in_part_is_fitted_out_of_fold():
    half = [("fixed", FrozenEstimator(GaussianNB().fit(X, Y))), ("tree", TREE)]
    kd = DistilledClassifier(half, TREE, cv=3, random_state=0)
    in_sample = clone(kd).set_params(cv=None)
    assert not np.allclose(kd.soft_labels(X, Y), in_sample.soft_labels(X, Y))
