"""AutoDistiller: which student to ship, measured on rows that nothing was chosen by."""

import json
import pickle
import time
from datetime import datetime
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    get_scorer,
    log_loss,
    make_scorer,
    roc_auc_score,
)
from sklearn.model_selection import GroupKFold, ShuffleSplit, cross_val_score, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

from skdistill import AutoDistiller, DistillationSearchCV, DistilledClassifier
from skdistill.auto._candidates import candidates
from skdistill.auto._clock import OutOfTime, Until
from skdistill.auto._defaults import auto_students, auto_teacher
from skdistill.auto._held_out import HeldOut
from skdistill.auto._provenance import _warnings, held_out_in_words
from skdistill.auto._selection import choose, pareto_front
from skdistill.footprint import n_bytes
from skdistill.scorers import teacher_scorer

# joblib times its writes, and a busy disk is no fault
pytestmark = [
    pytest.mark.filterwarnings("ignore:Persisting input arguments"),
    pytest.mark.filterwarnings("ignore:the teacher's neg_log_loss is worse"),
]

X, CODES = make_classification(
    240, 5, n_informative=4, n_redundant=0, flip_y=0.2, random_state=0
)
Y = np.array(["no", "yes"])[CODES]
TREE = DecisionTreeClassifier(max_depth=3)
LINEAR = LogisticRegression()
PAIR = [("tree", TREE), ("linear", LINEAR)]
MEASURED = (  # times, and what depends on them
    "latency_us", "latency_us_low", "latency_us_high", "encoding_us", "on_front", "chosen",
)  # fmt: skip


class Broken(ClassifierMixin, BaseEstimator):
    """A student that cannot be fitted."""

    def fit(self, X, y, sample_weight=None):
        raise RuntimeError("broken on purpose")

    def predict_proba(self, X):
        raise NotImplementedError

    predict = predict_proba


class Interrupted(GaussianNB):
    """A student during whose fit somebody presses Ctrl-C."""

    def fit(self, X, y, sample_weight=None):
        raise KeyboardInterrupt


class Texts(GaussianNB):
    """A classifier that says that it takes text."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        return tags


class Logged(GaussianNB):
    """A teacher that logs each fit with a hash of its rows."""

    def __init__(self, log=None):
        super().__init__()
        self.log = log

    def fit(self, X, y, sample_weight=None):
        rows = joblib.hash(np.ascontiguousarray(X))
        Path(self.log, f"{rows} {time.monotonic_ns()}").touch()
        return super().fit(X, y, sample_weight)


def _column(X, at):
    return X[:, [at]]


def _share_of_no(estimator, X, y):
    return (estimator.predict(X) == "no").mean()


def explore(students=PAIR, *, teacher=None, n_trials=2, X=X, y=Y, fit=None, **options):
    teacher = GaussianNB() if teacher is None else teacher
    auto = AutoDistiller(teacher, students, n_trials=n_trials, random_state=0, **options)
    return auto.fit(X, y, **(fit or {}))


@pytest.fixture(scope="module")
def explored():
    return explore(n_trials=3)


def row_of(auto, name):
    return {
        column: values[auto.leaderboard_["name"] == name][0]
        for column, values in auto.leaderboard_.items()
    }


def board_of(**columns):
    return {name: np.asarray(values) for name, values in columns.items()}


def test_every_student_stands_beside_itself_plain_and_the_teacher(explored):
    kinds = dict(
        zip(*(explored.leaderboard_[c].tolist() for c in ("name", "kind")), strict=True)
    )
    assert kinds == {
        "tree": "distilled", "tree, plain": "plain", "linear": "distilled",
        "linear, plain": "plain", "teacher": "teacher",
    }  # fmt: skip
    assert {len(column) for column in explored.leaderboard_.values()} == {5}
    assert set(explored.results_) == set(kinds) - {"teacher"}
    tried = {len(r.cv_results_["params"]) for r in explored.results_.values()}
    assert tried == {3}  # the same budget for all
    trials = dict(zip(*(explored.leaderboard_[c] for c in ("name", "n_trials")), strict=True))
    assert np.isnan(trials.pop("teacher"))
    assert set(trials.values()) == {3}


def test_a_leaderboard_is_best_first_and_its_intervals_hold_its_values(explored):
    board = explored.leaderboard_
    assert explored.metric_ == "neg_log_loss"
    assert (np.diff(board["neg_log_loss"]) <= 0).all()
    for name in (
        "neg_log_loss",
        "log_loss",
        "accuracy",
        "roc_auc",
        "f1",
        "kl_to_teacher",
        "agreement",
    ):
        assert (board[f"{name}_low"] <= board[name]).all()
        assert (board[name] <= board[f"{name}_high"]).all()
    assert_allclose(board["neg_log_loss"], -board["log_loss"])


def test_what_is_chosen_is_refitted_on_all_rows_and_ships_alone(explored):
    assert type(explored.best_student_) in (DecisionTreeClassifier, LogisticRegression)
    assert explored.best_student_ is explored.best_estimator_.student_
    assert_array_equal(explored.predict(X), explored.best_student_.predict(X))
    assert explored.best_estimator_.teacher_.class_count_.sum() == len(X)
    chosen = explored.leaderboard_["chosen"]
    assert chosen.sum() == 1
    assert explored.leaderboard_["search_score"][chosen] == np.nanmax(
        explored.leaderboard_["search_score"]
    )
    assert explored.leaderboard_["bytes"][chosen] == n_bytes(explored.best_student_)


def test_held_out_rows_are_measured_by_the_model_that_did_not_see_them():
    train, test = train_test_split(np.arange(len(X)), random_state=0)
    auto = explore([("tree", TREE)], n_trials=3, cv=[(train, test)])
    for name in ("tree", "tree, plain"):
        row = row_of(auto, name)
        model = auto.fit_candidate(name, X[train], Y[train])
        proba = model.predict_proba(X[test])
        assert_allclose(row["log_loss"], log_loss(Y[test], proba))
        assert_allclose(row["accuracy"], accuracy_score(Y[test], model.predict(X[test])))
        assert_allclose(row["roc_auc"], roc_auc_score(Y[test], proba[:, 1]))
        assert_allclose(row["f1"], f1_score(Y[test], model.predict(X[test]), average="macro"))
    teacher = GaussianNB().fit(X[train], Y[train]).predict_proba(X[test])
    assert_allclose(row_of(auto, "teacher")["log_loss"], log_loss(Y[test], teacher))


def test_held_out_labels_choose_nothing():
    train, test = train_test_split(np.arange(len(X)), random_state=0)
    wrong = Y.copy()
    wrong[test] = np.where(Y[test] == "no", "yes", "no")
    right, misled = (explore(cv=[(train, test)], y=y) for y in (Y, wrong))
    assert right.best_params_ == misled.best_params_
    for name in right.results_:
        assert row_of(right, name)["search_score"] == row_of(misled, name)["search_score"]


def test_what_was_held_out_gives_the_figures_of_the_leaderboard(explored):
    kept = explored.held_out_
    assert sorted([*kept.train, *kept.test]) == list(range(len(X)))
    assert_array_equal(kept.y, Y[kept.test])
    assert kept.sample_weight is None
    assert set(kept.proba) == set(explored.leaderboard_["name"])
    for name, proba in kept.proba.items():
        assert_allclose(log_loss(kept.y, proba), row_of(explored, name)["log_loss"])


def test_several_splits_keep_their_rows_one_after_the_other():
    weight, groups = np.random.default_rng(0).random(len(X)), np.arange(len(X)) // 6
    splitter = GroupKFold(2)
    fit = {"sample_weight": weight, "groups": groups}
    kept = explore([("tree", TREE)], n_trials=1, cv=splitter, fit=fit).held_out_
    (train, first), (_, second) = splitter.split(X, Y, groups)
    assert_array_equal(kept.train, train)
    assert_array_equal(kept.test, np.concatenate([first, second]))
    assert_array_equal(kept.sample_weight, weight[kept.test])
    assert_array_equal(kept.groups, groups[kept.test])


def test_the_gain_of_distilling_is_paired_with_the_plain_student(explored):
    distilled, plain, teacher = (
        row_of(explored, n) for n in ("tree", "tree, plain", "teacher")
    )
    gain = distilled["neg_log_loss"] - plain["neg_log_loss"]
    assert_allclose(distilled["gain_over_plain"], gain)
    assert distilled["gain_over_plain_low"] <= gain <= distilled["gain_over_plain_high"]
    assert_allclose(plain["gap_to_teacher"], teacher["neg_log_loss"] - plain["neg_log_loss"])
    assert np.isnan(plain["gain_over_plain"])
    assert np.isnan(teacher["gap_to_teacher"])


def test_a_seed_gives_the_same_leaderboard(explored):
    again = explore(n_trials=3).leaderboard_
    for name, column in explored.leaderboard_.items():
        if name not in MEASURED:
            assert_array_equal(again[name], column, err_msg=name)


def test_the_teacher_is_fitted_once_for_each_training_part(tmp_path):
    explore(teacher=Logged(str(tmp_path)), n_trials=4)
    fits = [entry.name.split()[0] for entry in tmp_path.iterdir()]
    # each of 3 inner folds, the outer part, all rows: once, and 5 out-of-fold parts of each
    assert len(fits) == len(set(fits)) == 5 * 6


def test_given_probabilities_call_no_teacher():
    proba = GaussianNB().fit(X, CODES).predict_proba(X)
    auto = explore(teacher=Broken(), n_trials=1, fit={"teacher_proba": proba})
    assert not hasattr(auto.best_estimator_, "teacher_")
    teacher = row_of(auto, "teacher")
    assert teacher["kl_to_teacher"] == 0
    assert np.isnan(teacher["bytes"])
    with pytest.raises(ValueError, match="no row can be fitted as 'teacher'"):
        auto.fit_candidate("teacher", X, Y)


def test_a_student_that_fails_is_a_row_with_its_error():
    auto = explore([("broken", Broken()), ("tree", TREE)], n_trials=1)
    broken = row_of(auto, "broken")
    assert "broken on purpose" in broken["error"]
    assert np.isnan(broken["bytes"])
    assert not broken["on_front"]
    assert row_of(auto, "tree")["error"] == ""
    with pytest.raises(RuntimeError, match="broken on purpose"):
        auto.fit_candidate("broken", X, Y)


def test_a_student_that_cannot_be_shipped_is_a_row_with_its_error():
    local = make_pipeline(FunctionTransformer(lambda X: X), GaussianNB())
    auto = explore([("local", local), ("tree", TREE)], n_trials=1)
    assert "pickle" in row_of(auto, "local")["error"]
    assert "local" not in auto.held_out_.proba
    assert row_of(auto, "tree")["error"] == ""


def test_an_interrupt_keeps_what_was_finished():
    auto = AutoDistiller(
        GaussianNB(), [*PAIR, ("never", Interrupted()), ("late", TREE)], n_trials=1
    )
    with pytest.raises(KeyboardInterrupt):
        auto.fit(X, Y)
    board = auto.leaderboard_
    errors = dict(zip(board["name"], board["error"], strict=True))
    finished = {name for name, error in errors.items() if not error}
    assert finished == {"tree", "tree, plain", "linear", "linear, plain", "teacher"}
    assert len(errors) == 9
    assert all(
        errors[name].startswith("interrupted before") for name in set(errors) - finished
    )
    assert set(auto.held_out_.proba) == finished
    assert auto.predict(X).shape == Y.shape
    assert auto.best_estimator_.teacher_.class_count_.sum() == len(X)
    assert pickle.loads(pickle.dumps(auto)).provenance_ == auto.provenance_


def test_an_error_while_an_interrupt_is_handled_is_that_interrupt(monkeypatch):
    search = DistillationSearchCV.fit

    def interrupted(self, X, y, **params):
        if isinstance(self.estimator.student, LogisticRegression):
            try:
                raise KeyboardInterrupt
            finally:
                raise FileNotFoundError("the lock is gone")
        return search(self, X, y, **params)

    monkeypatch.setattr(DistillationSearchCV, "fit", interrupted)
    auto = AutoDistiller(GaussianNB(), PAIR, n_trials=1)
    with pytest.raises(KeyboardInterrupt):
        auto.fit(X, Y)
    assert row_of(auto, "linear")["error"].startswith("interrupted before")
    assert row_of(auto, "tree")["error"] == ""


def test_an_interrupt_before_any_student_leaves_nothing():
    auto = AutoDistiller(GaussianNB(), [TREE], n_trials=1).fit(X, Y)
    with pytest.raises(KeyboardInterrupt):
        auto.set_params(students=[Interrupted(), TREE]).fit(X, Y)
    assert not hasattr(auto, "best_estimator_")


def test_an_exploration_in_which_everything_fails_says_why():
    with pytest.raises(ValueError, match=r"on purpose(.|\n)*no student could be fitted"):
        explore([("broken", Broken())], n_trials=1)


def test_temperatures_and_alphas_give_the_full_product():
    auto = explore(
        [("tree", TREE)], temperatures=[1, 2.0], alphas=[0.5, 1.0], n_trials=8, n_jobs=1
    )
    pairs = [
        (params["temperature"], params["alpha"])
        for params, kind in zip(
            *(auto.leaderboard_[c] for c in ("params", "kind")), strict=True
        )
        if kind == "distilled"
    ]
    assert sorted(pairs) == [(1, 0.5), (1, 1), (2, 0.5), (2, 1)]
    trials = {name: len(s.cv_results_["params"]) for name, s in auto.results_.items()}
    assert trials.pop("tree, plain") == 8
    assert set(trials.values()) == {2}  # the family's 8, shared


def test_students_are_estimators_names_pairs_and_dictionaries():
    given = [
        LINEAR,
        "DecisionTreeClassifier",
        ("small", TREE),
        {"name": "hot", "student": TREE, "temperature": 4, "alpha": 1},
        {"student": make_pipeline(StandardScaler(), GaussianNB()), "alpha": 0.3},
    ]
    found = candidates(given, X, None, None)
    assert [c.family for c in found if c.kind == "plain"] == [
        "LogisticRegression", "DecisionTreeClassifier", "small", "hot", "GaussianNB",
    ]  # fmt: skip
    hot = next(c for c in found if c.name == "hot")
    assert (hot.temperature, hot.alpha) == (4, 1)
    assert next(c for c in found if c.name == "GaussianNB").temperature is None
    with pytest.raises(ValueError, match="two rows would be called 'LogisticRegression'"):
        candidates([LINEAR, LogisticRegression(C=2)], X, None, None)
    with pytest.raises(ValueError, match="'temp'"):
        candidates([{"student": TREE, "temp": 1}], X, None, None)
    for unknown in ("NoSuchClassifier", "Pipeline"):
        with pytest.raises(ValueError, match=f"'{unknown}'.*'network'.*'Logistic") as told:
            candidates([unknown], X, None, None)
        assert "'Pipeline'" not in str(told.value).partition(";")[2]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (([], None, None), "students is empty"),
        ((["tree"], [1, 0], None), "temperatures .* got 0 for 'tree'"),
        ((["tree"], None, [0.5, 1.5]), "alphas .* got 1.5 for 'tree'"),
        (([{"name": "a", "student": TREE, "alpha": -1}], None, None), "got -1 for 'a'"),
    ],
)
def test_no_student_and_a_temperature_or_alpha_out_of_range_are_refused(given, said):
    students, temperatures, alphas = given
    with pytest.raises(ValueError, match=said):
        candidates(students, X, temperatures, alphas)


def test_a_list_of_teachers_without_names_is_refused():
    with pytest.raises(ValueError, match="a list of teachers holds"):
        AutoDistiller([GaussianNB()], students=["tree"]).fit(X, Y)


def test_names_of_auto_stand_for_students_made_for_the_data():
    missing = np.where(X > 1, np.nan, X)
    given = ["logistic", ("deep", "tree"), {"student": "network", "alpha": 1}, "MLPClassifier"]
    found = candidates(given, missing, None, None)
    plain = {one.name: one.student for one in found if one.kind == "plain"}
    made = dict(auto_students(missing))
    assert str(plain.pop("MLPClassifier, plain")) == "MLPClassifier()"
    assert [str(one) for one in plain.values()] == [
        str(made[name]) for name in ("logistic", "tree", "network")
    ]
    assert set(explore(["tree", LINEAR], n_trials=1).results_) == {
        "tree", "tree, plain", "LogisticRegression", "LogisticRegression, plain",
    }  # fmt: skip
    with pytest.raises(ValueError, match="'boosting' takes no sparse X"):
        candidates(["boosting"], csr_matrix(X), None, None)


def test_the_first_trial_is_the_student_as_it_is_given():
    auto = explore([DecisionTreeClassifier(min_samples_leaf=7)], n_trials=1)
    for search in auto.results_.values():
        assert search.best_params_.get("student__ccp_alpha", 0) == 0
        assert "student__min_samples_leaf" not in search.best_params_


def test_the_students_that_were_given_stay_as_they_are():
    student = DecisionTreeClassifier()
    explore([student], n_trials=3)
    assert student.get_params() == DecisionTreeClassifier().get_params()


def test_a_student_without_a_search_space_is_tried_as_it_is():
    auto = explore([GaussianNB()], n_trials=5)
    assert len(auto.results_["GaussianNB, plain"].cv_results_["params"]) == 1
    assert len(auto.results_["GaussianNB"].cv_results_["params"]) == 5  # temperature, alpha


def data_of(kind):
    """The rows of X as users have them."""
    numbers = np.where(np.arange(len(X)) % 9 == 0, np.nan, X[:, 1])
    colour = np.array(["red", "green", None])[np.arange(len(X)) % 3]
    if kind == "missing":
        return np.column_stack([X[:, 0], numbers])
    if kind == "sparse":
        return csr_matrix(np.where(np.abs(X) < 1, 0, X))
    if kind == "polars":
        frame = pytest.importorskip("polars").DataFrame
        return frame({"a": X[:, 0], "b": numbers, "colour": colour.tolist()})
    if kind == "array":
        return X
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": X[:, 0], "b": numbers, "colour": colour})
    frame["category"], frame["text"] = colour.astype(str), colour
    frame = frame.astype({"category": "category", "text": "string"})
    return frame.convert_dtypes() if kind == "pandas.NA" else frame


KINDS = ["array", "missing", "sparse", "pandas", "pandas.NA", "polars"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_teacher_fits_itself_to_the_data(kind):
    data = data_of(kind)
    kd = DistilledClassifier(auto_teacher(data), DummyClassifier(), random_state=0)
    first, second = (kd.fit(data, Y).teacher_.predict_proba(data) for _ in range(2))
    assert_array_equal(first, second)
    assert accuracy_score(Y, np.array(["no", "yes"])[first.argmax(axis=1)]) > 0.9


@pytest.mark.filterwarnings("ignore:the teacher is almost sure")
def test_weights_reach_the_default_teacher_behind_its_encoders():
    frame, no = data_of("pandas"), np.where(Y == "no", 1.0, 1e-9)
    kd = DistilledClassifier(auto_teacher(frame), DummyClassifier(), random_state=0)
    assert (kd.fit(frame, Y, sample_weight=no).teacher_.predict(frame) == "no").all()


def test_without_a_teacher_the_default_one_stands_on_the_board():
    auto = AutoDistiller(students=["DecisionTreeClassifier"], n_trials=1, random_state=0)
    auto.fit(data_of("sparse"), Y)
    assert row_of(auto, "teacher")["n_parameters"] > 1000
    assert "RandomForestClassifier" in auto.provenance_["teacher"]
    assert auto.teacher is None


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_auto_students_fit_themselves_to_the_data(kind):
    data = data_of(kind)
    students = auto_students(data)
    families = ["tree", "logistic", "boosting", "network"]
    assert [name for name, _ in students] == [
        name for name in families if (kind, name) != ("sparse", "boosting")
    ]
    proba = GaussianNB().fit(X, Y).predict_proba(X)
    for _, student in students:
        kd = DistilledClassifier(student=student).fit(data, Y, teacher_proba=proba)
        assert np.isfinite(kd.predict_proba(data)).all()


def test_auto_students_are_fitted_where_a_class_has_one_row():
    rare = Y.copy().astype("U6")
    rare[0] = "rare"
    for _, student in auto_students(X):
        assert DistilledClassifier(GaussianNB(var_smoothing=0.1), student).fit(X, rare)


def test_limits_hold_and_name_the_nearest_where_nothing_meets_them(explored):
    sizes = {name: row_of(explored, name)["bytes"] for name in explored.results_}
    smallest = min(sizes.values())
    auto = explore(max_bytes=smallest)
    assert n_bytes(auto.best_student_) <= smallest
    nearest = min(sizes, key=sizes.get).removesuffix(", plain")
    with pytest.raises(ValueError, match=f"no student meets max_bytes=10; .*'{nearest}"):
        explore(max_bytes=10)


def test_a_latency_that_no_model_has_here_is_refused_before_any_fit():
    with pytest.raises(ValueError, match=r"max_latency_us=0\.001 is below the \d+ µs"):
        AutoDistiller(Broken(), [Broken()], max_latency_us=0.001).fit(X, Y)


def test_rules_choose_as_they_say():
    rows = board_of(
        search_score=[-0.10, -0.105, -0.2, -0.5],
        search_se=[0.15, 0.01, 0.01, 0.01],
        bytes=[1e6, 1e4, 1e3, 1e2],
        on_front=[True, True, True, True],
    )
    assert choose("best", rows, 0.01) == 0
    assert choose("smallest", rows, 0.01) == 1
    assert choose("smallest", rows, 0.0) == 0
    assert choose("one_se", rows, 0.01) == 2
    assert choose("knee", rows, 0.01) == 2
    assert choose(lambda board: board["bytes"].argmin(), rows, 0.01) == 3


def test_the_front_holds_what_nothing_surpasses():
    score, times = np.array([-0.1, -0.2, -0.2, -0.3, np.nan]), np.array([10.0] * 4 + [np.nan])

    def front(times, spread=0.0):
        ends = {"latency_us_low": times - spread, "latency_us_high": times + spread}
        size = [100.0, 50, 60, 200, np.nan]
        return pareto_front(score, board_of(bytes=size, latency_us=times, **ends)).tolist()

    assert front(times) == [True, True, False, False, False]
    times[3] = 7  # faster by a quarter than all that surpass it
    assert front(times) == [True, True, False, True, False]
    assert front(times, spread=2) == [True, True, False, False, False]  # not beyond doubt


def test_the_front_holds_rows_and_is_listed_by_size(explored):
    board, front = explored.leaderboard_, explored.pareto_front_
    assert set(front["name"]) == set(board["name"][board["on_front"]])
    assert (np.diff(front["bytes"]) >= 0).all()
    assert board["name"][np.nanargmax(board["search_score"])] in front["name"]
    assert "teacher" not in front["name"]
    assert set(front) == set(board)


def test_any_row_can_be_fitted_again(explored):
    for position, name in enumerate(explored.leaderboard_["name"]):
        by_position, by_name = (explored.fit_candidate(row, X, Y) for row in (position, name))
        assert_array_equal(by_position.predict_proba(X), by_name.predict_proba(X))
    params = row_of(explored, "linear")["params"]
    kept = explored.fit_candidate("linear", X, Y).get_params()
    assert {name: kept[name] for name in params} == params


class Ticking(GaussianNB):
    """A student each of whose fits takes a second of a clock that stands still otherwise."""

    now = 0

    def fit(self, X, y, sample_weight=None):
        Ticking.now += 1
        return super().fit(X, y, sample_weight)


BAD_ARGUMENTS = [
    ({"students": [{"student": 3}]}, "student 'int' is no classifier but 3"),
    ({"students": [{"name": "a"}]}, "needs the key 'student'"),
    ({"students": [("a", TREE, 1)]}, "a tuple of 3"),
    ({"students": [(3, TREE)]}, "the name of a student is text, got 3"),
    ({"students": [("teacher", TREE)]}, "no student can be called 'teacher'"),
    ({"students": [("a", TREE), ("a, plain", TREE)]}, "two rows would be called 'a, plain'"),
    ({"teacher": [("a", 3)]}, "the teacher called 'a' is no classifier but 3"),
    ({"cv": []}, r"cv=.* gives no split"),
    ({"cv": [([0, 1], [])]}, "a split without rows"),
    ({"scoring": lambda model, X, y: {"a": 1.0, "b": 2.0}}, "gives a dict and no number"),
]


@pytest.mark.parametrize(("given", "said"), BAD_ARGUMENTS, ids=[s for _, s in BAD_ARGUMENTS])
def test_what_has_no_meaning_is_refused_by_name_before_any_fit(tmp_path, given, said):
    options = {"teacher": Logged(str(tmp_path)), "students": [TREE]} | given
    with pytest.raises(ValueError, match=said):
        AutoDistiller(**options).fit(X, Y)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("weight", [["a"] * 240, [np.nan] * 240, [-1.0] * 240])
def test_weights_that_are_none_are_refused_by_name(tmp_path, weight):
    with pytest.raises(ValueError, match="sample_weight"):
        AutoDistiller(Logged(str(tmp_path)), [TREE]).fit(X, Y, sample_weight=weight)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("position", [7, -1, 0.5, None])
def test_a_selection_of_no_row_is_refused_and_the_leaderboard_kept(position):
    auto = AutoDistiller(GaussianNB(), [TREE], n_trials=1, selection=lambda board: position)
    with pytest.raises(ValueError, match=r"selection returned .* position among the 2 rows"):
        auto.fit(X, Y)
    assert len(auto.leaderboard_["name"]) == 3


@pytest.mark.parametrize("given", [{"temperatures": [1, 2]}, {"alphas": [0.2, 0.8]}])
def test_temperatures_or_alphas_alone_are_rows_too(given):
    auto = explore([("tree", TREE)], n_trials=2, **given)
    (values,) = given.values()
    mark = "T" if "temperatures" in given else "alpha"
    named = {f"tree, {mark}={value:g}" for value in values}
    assert named | {"tree, plain", "teacher"} == set(auto.leaderboard_["name"])
    assert set(auto.leaderboard_["plain_twin"]) == {"tree, plain", ""}


def test_a_plain_student_tries_what_was_best_for_it_distilled():
    auto = explore([("tree", TREE)], n_trials=6, temperatures=[1.0], alphas=[1.0])
    distilled, plain = (auto.results_[name] for name in ("tree", "tree, plain"))
    assert distilled.best_params_ in plain.cv_results_["params"]
    assert len(plain.cv_results_["params"]) == 6


def test_searches_can_be_cloned_and_fitted(explored):
    train = explored.held_out_.train
    for name, search in explored.results_.items():
        assert type(search) is DistillationSearchCV
        again = clone(search).fit(X[train], Y[train])
        assert again.best_score_ == search.best_score_, name
        assert again.best_params_ == search.best_params_


@pytest.fixture
def ticking(monkeypatch):
    """One distilled student and its plain twin, of five fits each: three folds, two refits."""
    monkeypatch.setattr(Ticking, "now", 0)
    monkeypatch.setattr("skdistill.auto._clock.monotonic", lambda: Ticking.now)

    def explore_until(timeout, **fit):
        students = [{"name": "slow", "student": Ticking(), "temperature": 1, "alpha": 0.5}]
        return explore(students, timeout=timeout, n_trials=1, fit=fit)

    return explore_until


@pytest.mark.parametrize("given", [False, True], ids=["teacher", "teacher_proba"])
@pytest.mark.parametrize("timeout", [5.5, 6.5, 7.5, 8.5])
def test_a_timeout_is_passed_by_one_fit_at_most(ticking, timeout, given):
    proba = GaussianNB().fit(X, CODES).predict_proba(X)
    auto = ticking(timeout, **({"teacher_proba": proba} if given else {}))
    assert Ticking.now == np.ceil(timeout)
    assert row_of(auto, "slow")["error"] == ""
    plain = row_of(auto, "slow, plain")
    assert plain["error"] == f"not finished: timeout={timeout} was over"
    assert np.isnan(plain["latency_us"])
    assert auto.leaderboard_["name"][auto.leaderboard_["chosen"]] == "slow"


@pytest.mark.parametrize("timeout", [0, 0.5, 3.5])
def test_a_timeout_before_any_student_is_refused_by_name(ticking, timeout):
    with pytest.raises(ValueError, match=f"timeout={timeout} was over before one student"):
        ticking(timeout)
    assert Ticking.now <= np.ceil(timeout) + 1


def test_the_end_of_time_travels_with_a_scorer_and_is_no_part_of_what_it_is():
    scorer = Until(get_scorer("accuracy"), deadline=0)
    assert set(vars(scorer)) == {"scorer"}  # what a study is known again by
    assert repr(scorer) == repr(get_scorer("accuracy"))
    with pytest.raises(OutOfTime):
        pickle.loads(pickle.dumps(scorer))(None, X, Y)
    model = GaussianNB().fit(X, Y)
    assert Until(get_scorer("accuracy"), np.inf)(model, X, Y) == model.score(X, Y)


def test_a_search_in_processes_ends_when_time_is_over():
    search = DistillationSearchCV(
        DistilledClassifier(GaussianNB(), TREE), n_trials=2, cv=2, n_jobs=2,
        scoring=Until(get_scorer("accuracy"), deadline=0),
    )  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)


def test_a_timeout_that_is_never_over_changes_nothing_in_the_rows(ticking):
    auto = ticking(100)
    assert Ticking.now == 10
    assert set(auto.leaderboard_["error"]) == {""}


def test_a_storage_is_gone_on_with(tmp_path):
    options = {"students": [("tree", TREE)], "storage": str(tmp_path / "journal.log")}
    first = explore(n_trials=2, **options)
    second = explore(n_trials=4, **options)
    for name, search in second.results_.items():
        scores = search.cv_results_["mean_test_score"]
        assert len(scores) == 4
        assert_array_equal(scores[:2], first.results_[name].cv_results_["mean_test_score"])


def test_several_splits_hold_every_row_out_once():
    auto = explore([("tree", TREE)], n_trials=2, cv=3)
    assert auto.results_["tree"].n_splits_ == 3
    narrow, wide = (
        np.subtract(*(row_of(a, "tree")[f"log_loss_{end}"] for end in ("high", "low")))
        for a in (auto, explore([("tree", TREE)], n_trials=2))
    )
    assert narrow < wide
    with pytest.raises(ValueError, match="more than once"):
        explore(cv=ShuffleSplit(5))


@pytest.mark.parametrize("given", [{}, {"teacher_proba": np.full((len(X), 4), 0.25)}])
def test_classes_of_one_row_or_two_are_explored_without_a_word(given):
    rare = Y.copy().astype("U6")
    rare[:3] = "single", "double", "double"
    auto = explore([("tree", TREE)], n_trials=3, y=rare, fit=given)
    board = auto.leaderboard_
    assert not any(board["error"])
    for search in auto.results_.values():
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert "no held-out row is of class 'single'" in "".join(auto.provenance_["warnings"])
    assert 0 not in auto.held_out_.test


@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.filterwarnings("ignore:.* ends at its upper bound")  # labels at random
def test_a_fold_without_a_class_is_scored_as_scikit_learn_does_with_labels():
    rare = Y.copy().astype("U6")
    rare[::60] = "rare"  # in one group each
    groups = np.where(rare == "rare", 0, np.arange(len(X)))
    train, test = np.arange(120), np.arange(120, len(X))
    auto = explore(
        [("tree", TREE)], n_trials=1, y=rare, cv=[(train, test)], fit={"groups": groups}
    )
    search = auto.results_["tree, plain"]
    lacking = [fold for fold, (own, _) in enumerate(search.cv) if "rare" not in rare[own]]
    assert lacking
    for fold, (own, other) in enumerate(search.cv):
        model = auto.fit_candidate("tree, plain", X[own], rare[own])
        proba = np.zeros((len(other), 3))
        proba[:, np.isin(auto.classes_, model.classes_)] = model.predict_proba(X[other])
        expected = -log_loss(rare[other], proba, labels=auto.classes_)
        score = search.cv_results_[f"split{fold}_test_score"][0]
        assert_allclose(score, expected)


def test_groups_are_held_out_and_resampled_together():
    groups = np.repeat(np.arange(40), 6)
    same = np.tile(X[::6], 6).reshape(-1, 5)
    auto = explore(
        [("tree", TREE)], X=same, fit={"groups": groups}, n_trials=1, cv=GroupKFold(2)
    )
    assert np.isfinite(row_of(auto, "tree")["log_loss"])
    y, proba = (
        np.repeat(Y[::6], 6),
        np.repeat(np.random.default_rng(0).dirichlet([1, 1], 40), 6, 0),
    )
    widths = {}
    for name, own in {"rows": None, "groups": groups}.items():
        held = HeldOut(
            X, y, np.array(["no", "yes"]), "accuracy", sample_weight=None, groups=own, seed=0
        )
        columns, _ = held.measure(proba, proba)
        widths[name] = columns["accuracy_high"] - columns["accuracy_low"]
    assert widths["groups"] > 1.8 * widths["rows"]  # sqrt(6), save for noise


@pytest.mark.parametrize(
    "scoring",
    [
        "accuracy",
        "roc_auc",
        make_scorer(accuracy_score),
        teacher_scorer("kl_to_teacher"),
        teacher_scorer("kl_to_teacher", teacher=GaussianNB().fit(X, Y)),
    ],
    ids=["accuracy", "roc_auc", "callable", "own teacher", "given teacher"],
)
def test_any_scoring_is_searched_chosen_and_measured_by(scoring):
    auto = explore([("tree", TREE)], n_trials=1, scoring=scoring)
    row = row_of(auto, "tree")
    low, value, high = (row[f"{auto.metric_}{end}"] for end in ("_low", "", "_high"))
    assert low <= value <= high
    if auto.metric_ == "score":
        assert_allclose(
            value,
            row["accuracy"] if "make" in repr(scoring) else -row["kl_to_teacher"],
            atol=0.2,
        )


def test_weights_are_repeated_rows_in_what_is_measured():
    rng = np.random.default_rng(0)
    proba, teacher = rng.dirichlet([1, 1], size=(2, 50))
    weight, y = rng.integers(1, 4, 50), Y[:50]
    rows = np.repeat(np.arange(50), weight)

    def whole(rows, weight):
        held = HeldOut(
            X[rows],
            y[rows],
            np.unique(Y),
            "roc_auc",
            sample_weight=weight,
            groups=None,
            seed=0,
        )
        columns, _ = held.measure(proba[rows], teacher[rows])
        return {k: v for k, v in columns.items() if not k.endswith(("low", "high"))}

    weighted, repeated = whole(np.arange(50), weight), whole(rows, None)
    for name, value in repeated.items():
        assert_allclose(weighted[name], value, err_msg=name)


def test_weights_decide_between_students():
    left = np.where(X[:, 0] < np.median(X[:, 0]), X[:, 0], 0)  # tells half the rows apart
    right = np.where(X[:, 0] < np.median(X[:, 0]), 0, X[:, 0])
    y = np.where(np.argsort(np.argsort(X[:, 0])) % 60 < 30, "no", "yes")
    students = [
        (name, make_pipeline(FunctionTransformer(_column, kw_args={"at": at}), TREE))
        for at, name in enumerate(("left", "right"))
    ]
    for heavy, column in {"left": left, "right": right}.items():
        auto = explore(
            students,
            X=np.column_stack([left, right]),
            y=y,
            n_trials=1,
            fit={"sample_weight": np.where(column != 0, 1.0, 1e-3)},
        )
        assert auto.leaderboard_["family"][auto.leaderboard_["chosen"]] == heavy


def test_a_teacher_that_is_worse_than_the_student_alone_is_told_at_the_fit():
    y = (X[:, 0] > 0).astype(int)
    with pytest.warns(UserWarning, match=r"teacher's neg_log_loss is worse .* the plain tree"):
        explore([("tree", TREE)], teacher=DummyClassifier(), y=y, n_trials=1)


def test_a_scorer_that_takes_no_weights_scores_without_them():
    fit = {"sample_weight": np.arange(len(X)) + 1.0}
    with pytest.warns(UserWarning, match="does not support sample_weight"):
        auto = explore([("tree", TREE)], n_trials=1, scoring=_share_of_no, fit=fit)
    kept = auto.held_out_
    expected = (kept.proba["tree"].argmax(axis=1) == 0).mean()
    assert_allclose(row_of(auto, "tree")["_share_of_no"], expected)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_bar_counts_the_trials_and_names_the_row(n_jobs, capfd):
    students = [("tree", TREE), ("broken", Broken())]
    auto = explore(students, n_jobs=n_jobs, verbose=1)
    told = capfd.readouterr()
    assert "8/8" in told.err
    assert all(f"{name}:" in told.err for name in ("tree", "tree, plain", "broken, plain"))
    assert told.out == ""
    pickle.dumps(auto)


def test_nothing_is_printed_unless_asked_for(capfd):
    explore(n_trials=1)
    assert capfd.readouterr() == ("", "")


def test_a_teacher_that_cannot_be_pickled_is_explored_too():
    teacher = make_pipeline(FunctionTransformer(lambda X: X), GaussianNB())
    with pytest.warns(UserWarning, match="must hold no lambda"):
        auto = explore([("tree", TREE)], teacher=teacher, n_trials=1)
    row = row_of(auto, "teacher")
    assert "PicklingError" in row["error"] or "pickle" in row["error"]
    assert np.isfinite(row["log_loss"])
    assert auto.provenance_["teacher_hash"] is None


def test_everything_passes_through_a_pipeline_a_cross_validation_and_a_pickle(explored):
    auto = AutoDistiller(GaussianNB(), [TREE], n_trials=1, random_state=0)
    pipeline = make_pipeline(StandardScaler(), auto)
    assert cross_val_score(pipeline, X, Y, cv=2).mean() > 0.6
    copied = pickle.loads(pickle.dumps(explored))
    assert_array_equal(copied.predict_proba(X), explored.predict_proba(X))
    with sklearn.config_context(enable_metadata_routing=True):
        routed = auto.set_fit_request(sample_weight=True).set_score_request(
            sample_weight=False
        )
        weights = {"sample_weight": np.ones(len(X))}
        assert cross_val_score(routed, X, Y, cv=2, params=weights).mean() > 0.6


def test_provenance_is_plain_and_tells_data_and_teachers_apart(explored):
    known = explored.provenance_
    assert json.loads(json.dumps(known)) == known
    assert datetime.fromisoformat(known["begun"]).tzinfo is not None
    assert known["teacher"] == "GaussianNB()"
    assert (known["classes"], known["n_samples"]) == (["no", "yes"], len(X))
    assert sum(known["class_counts"]) == len(X)
    assert known["versions"]["scikit-learn"] == sklearn.__version__
    assert known["held_out"] == "a quarter of the rows, at random within each class"
    assert known["warnings"] == []
    options = {"students": [("tree", TREE)], "n_trials": 1}
    same = explore(**options).provenance_
    other = explore(teacher=GaussianNB(var_smoothing=1e-3), X=X + 1, **options).provenance_
    for name in ("data_hash", "teacher_hash"):
        assert known[name] == same[name]
        assert known[name] != other[name]


def test_how_rows_were_held_out_is_told_in_words():
    groups, one = np.arange(9), [([0], [1])]
    assert held_out_in_words(None, groups, one) == "a quarter of the groups, at random"
    assert "each row once, in 3 folds" in held_out_in_words(3, None, one * 3)
    assert "each group once, in 3 folds" in held_out_in_words(3, groups, one * 3)
    assert held_out_in_words(one, None, one) == "as cv= gave them: 1 split"
    assert held_out_in_words(GroupKFold(2), groups, one * 2) == "as cv= gave them: 2 splits"


def test_provenance_warns_of_what_may_have_seen_the_held_out_rows():
    options = {"students": [("tree", TREE)], "n_trials": 1}
    frozen = FrozenEstimator(GaussianNB().fit(X, Y))
    frozen = explore(teacher=frozen, **options).provenance_
    assert "frozen" in frozen["warnings"][0]
    given = explore(fit={"teacher_proba": np.full((len(X), 2), 0.5)}, **options).provenance_
    assert given["teacher"] == "teacher_proba"
    assert "teacher_proba" in given["warnings"][0]


@pytest.mark.parametrize("kind", ["array", "text", "tokens", "sparse", "pandas", "polars"])
def test_held_out_rows_that_were_trained_on_are_counted(kind):
    rows = np.array([[1.0, np.nan], [0.0, 2.0], [3.0, 0.0], [1.0, np.nan]])
    if kind == "text":
        rows = ["one", "two", "three", "one"]
    elif kind == "tokens":
        rows = pytest.importorskip("pandas").DataFrame({"a": [["x"], ["x", "y"], [], ["x"]]})
    elif kind == "sparse":
        rows = csr_matrix(rows)
    elif kind != "array":
        rows = pytest.importorskip(kind).DataFrame({"a": rows[:, 0], "b": list("xyzx")})
    (warning,) = _warnings(rows, Y[:4], None, {}, [([0, 1], [2, 3])])
    assert warning.startswith("1 of 2 held-out rows")
    assert _warnings(rows, Y[:4], None, {}, [([1, 2], [0, 3])]) == []


def test_groups_on_both_sides_of_a_split_are_warned_of():
    rows, splits = np.arange(4.0)[:, None], [([0, 1], [2, 3])]
    (warning,) = _warnings(rows, np.zeros(4), None, {"groups": np.array([1, 2, 2, 3])}, splits)
    assert warning.startswith("1 groups have rows both held out and not")
    apart = {"groups": np.array([1, 1, 2, 2])}
    assert _warnings(rows, np.zeros(4), None, apart, splits) == []


def test_tags_are_what_teacher_and_students_share():
    def tags(*args):
        return sklearn.utils.get_tags(AutoDistiller(*args)).input_tags

    assert tags(HistGradientBoostingClassifier(), "auto").allow_nan
    assert not tags(HistGradientBoostingClassifier(), [LINEAR]).allow_nan
    assert tags(RandomForestClassifier(), [("tree", TREE), "LogisticRegression"]).sparse
    assert not tags(None, [GaussianNB()]).sparse
    assert tags(HistGradientBoostingClassifier(), ["tree"]).allow_nan
    assert not tags(HistGradientBoostingClassifier(), ["tree", LINEAR]).allow_nan
    assert tags(Texts(), [Texts()]).string
    assert not tags(Texts(), [Texts(), "tree"]).string
    own = tags()
    assert own.sparse
    assert own.allow_nan
    assert own.categorical
    assert not own.string


@pytest.mark.filterwarnings("ignore")  # the checks pass odd data on purpose
def test_the_contract_of_scikit_learn_holds(monkeypatch):
    monkeypatch.setattr("skdistill.auto._held_out.N_RESAMPLES", 10)
    auto = AutoDistiller(GaussianNB(), [LINEAR], n_trials=1)
    results = check_estimator(auto, on_skip=None, on_fail=None)
    failed = [
        f"{result['check_name']}: {result['exception']}"
        for result in results
        if result["status"] == "failed"
    ]
    assert not failed
    assert sum(result["status"] == "passed" for result in results) > 50


TRANSFER = make_classification(400, 5, n_informative=4, n_redundant=0, random_state=3)


def test_generated_rows_are_for_students_that_gain_from_them():
    X, y = TRANSFER
    students = [
        ("tree", DecisionTreeClassifier(max_depth=3)),
        ("linear", make_pipeline(StandardScaler(), LogisticRegression())),
    ]
    auto = AutoDistiller(
        GaussianNB(),
        students,
        transfer="munge",
        transfer_size=2.0,
        temperatures=[1.0],
        alphas=[0.9],
        n_trials=1,
        random_state=0,
    ).fit(X, y)
    rows = {name: search.estimator for name, search in auto.results_.items()}
    assert rows["tree"].transfer == "munge"
    assert rows["linear"].transfer is None
    fitted = {
        name: auto.fit_candidate(name, X, y).student_ for name in ("tree", "tree, plain")
    }
    n_rows = {name: tree.tree_.n_node_samples[0] for name, tree in fitted.items()}
    assert n_rows == {"tree": 1200, "tree, plain": 400}


@pytest.mark.parametrize("n_extra", [250, 300])  # 300 rows are searched on, as many
def test_unlabelled_rows_teach_each_distilled_student(n_extra):
    X, y = TRANSFER
    extra = np.random.RandomState(0).standard_normal((n_extra, 5))
    auto = AutoDistiller(
        GaussianNB(),
        [("tree", DecisionTreeClassifier(max_depth=3))],
        temperatures=[1.0],
        alphas=[0.9],
        n_trials=1,
        random_state=0,
    ).fit(X, y, X_unlabeled=extra)
    assert auto.results_["tree"].best_score_ > -0.7
    row = auto.fit_candidate("tree", X, y, X_unlabeled=extra)
    assert row.student_.tree_.n_node_samples[0] == 400 + n_extra
    name = auto.leaderboard_["name"].tolist()
    assert not any(auto.leaderboard_["error"])
    assert {"tree", "tree, plain", "teacher"} == set(name)


@pytest.mark.parametrize("more", ["X_unlabeled", "transfer"])
def test_rows_that_nobody_labels_are_refused_before_anything_is_searched(more):
    X, y = TRANSFER
    proba = GaussianNB().fit(X, y).predict_proba(X)
    auto = AutoDistiller(transfer="munge" if more == "transfer" else None)
    given = {"X_unlabeled": X[:9]} if more == "X_unlabeled" else {}
    with pytest.raises(ValueError, match=f"{more} needs a teacher"):
        auto.fit(X, y, teacher_proba=proba, **given)
