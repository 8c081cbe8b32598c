"""DistillationSearchCV: an Optuna search with the interface and results of GridSearchCV."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
import types
import warnings
from pathlib import Path

import joblib
import numpy as np
import optuna
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import QMCSampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from scipy.stats import loguniform, randint
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import estimator_html_repr, get_tags
from sklearn.utils.estimator_checks import check_estimator

from skdistill import DistillationSearchCV, DistilledClassifier

# joblib times its writes, and a busy disk is no fault
pytestmark = pytest.mark.filterwarnings("ignore:Persisting input arguments")

X, CODES = load_iris(return_X_y=True)
X = X + np.random.default_rng(0).normal(scale=0.5, size=X.shape)
Y = np.array(["setosa", "versicolor", "virginica"])[CODES]
LINEAR = LogisticRegression(max_iter=1000)
TREE = DecisionTreeClassifier(max_depth=3, random_state=0)
KD = DistilledClassifier(GaussianNB(), TREE)
CV = StratifiedKFold(3, shuffle=True, random_state=0)


def search(estimator=KD, distributions="auto", *, n_trials=6, **options):
    options = {"cv": CV, "random_state": 0} | options
    return DistillationSearchCV(estimator, distributions, n_trials=n_trials, **options)


def tried(fitted):
    return fitted.cv_results_["params"]


class Logged(GaussianNB):
    """A teacher that logs each fit and each labelling, with a hash of its rows."""

    def __init__(self, log=None, var_smoothing=1e-9):
        super().__init__(var_smoothing=var_smoothing)
        self.log = log

    def fit(self, X, y, sample_weight=None):
        self._write("fit", X)
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):
        self._write("label", X)
        return super().predict_proba(X)

    def _write(self, verb, X):
        name = f"{verb} {joblib.hash(np.ascontiguousarray(X))} {time.monotonic_ns()}"
        Path(self.log, name).touch()


def work_done(log):
    return sorted(name.rsplit(" ", 1)[0] for name in os.listdir(log))


def work_expected(X, y, cv):
    rows = [X[train] for train, _ in cv.split(X, y)] + [X]
    return sorted(
        f"{verb} {joblib.hash(np.ascontiguousarray(part))}"
        for verb in ("fit", "label")
        for part in rows
    )


# --- results as scikit-learn's


def test_results_are_those_of_the_same_candidates_one_by_one():
    fitted = search(return_train_score=True).fit(X, Y)
    results = fitted.cv_results_
    assert len(tried(fitted)) == 6
    for i, params in enumerate(tried(fitted)):
        scores = cross_val_score(
            clone(KD).set_params(**params), X, Y, cv=CV, scoring="neg_log_loss"
        )
        assert_allclose([results[f"split{k}_test_score"][i] for k in range(3)], scores)
        assert_allclose(results["mean_test_score"][i], scores.mean())
    best = results["mean_test_score"].argmax()
    assert fitted.best_index_ == best
    assert results["rank_test_score"][best] == 1
    assert {"mean_train_score", "mean_fit_time", "std_score_time"} <= results.keys()
    assert fitted.best_params_ == tried(fitted)[best]
    again = clone(KD).set_params(**fitted.best_params_).fit(X, Y)
    assert_array_equal(fitted.predict_proba(X), again.predict_proba(X))
    assert_allclose(fitted.score(X, Y), -log_loss(Y, again.predict_proba(X)))


def test_the_study_holds_the_same_trials():
    fitted = search().fit(X, Y)
    values = [trial.value for trial in fitted.study_.trials]
    assert_allclose(values, fitted.cv_results_["mean_test_score"])
    assert fitted.study_.best_params == {
        name: value for name, value in fitted.best_params_.items() if name != "student"
    }
    assert optuna.importance.get_param_importances(
        fitted.study_, params=["alpha", "temperature"]
    )


def test_several_metrics_are_reported_and_the_named_one_decides():
    fitted = search(scoring=["accuracy", "neg_log_loss"], refit="neg_log_loss").fit(X, Y)
    assert "mean_test_accuracy" in fitted.cv_results_
    assert fitted.best_score_ == fitted.cv_results_["mean_test_neg_log_loss"].max()
    assert fitted.study_.best_value == fitted.best_score_
    assert fitted.multimetric_


def test_without_a_named_metric_the_first_is_searched_and_none_is_best():
    fitted = search(scoring=["accuracy", "neg_log_loss"], refit=False).fit(X, Y)
    assert fitted.study_.best_value == fitted.cv_results_["mean_test_accuracy"].max()
    assert not hasattr(fitted, "best_index_")


def test_a_callable_that_gives_several_metrics_needs_a_name():
    def scores(estimator, X, y):
        return {"accuracy": estimator.score(X, y), "depth": -estimator.student_.get_depth()}

    fitted = search(scoring=scores, refit="depth").fit(X, Y)
    assert fitted.best_score_ == fitted.cv_results_["mean_test_depth"].max()
    with pytest.raises(ValueError, match="multi-metric scoring"):
        search(scoring=scores).fit(X, Y)


def test_a_callable_refit_chooses():
    fitted = search(refit=lambda results: 2).fit(X, Y)
    assert fitted.best_index_ == 2
    assert fitted.best_params_ == tried(fitted)[2]
    assert not hasattr(fitted, "best_score_")


def test_it_is_a_classifier_to_everything_around_it():
    assert get_tags(search()).estimator_type == "classifier"
    assert "DistillationSearchCV" in estimator_html_repr(search())
    scores = cross_val_score(
        make_pipeline(StandardScaler(), search(n_trials=3)), X, Y, cv=3, scoring="accuracy"
    )
    assert scores.min() > 0.7
    fitted = search(n_trials=3).fit(X, Y)
    copied = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(copied.predict(X), fitted.predict(X))


def test_a_fitted_search_is_loaded_where_its_storage_is_not(tmp_path):
    journal = tmp_path / "study.log"
    fitted = search(n_trials=3, storage=str(journal)).fit(X, Y)
    pickled = pickle.dumps(fitted)
    journal.unlink()
    copied = pickle.loads(pickled)
    assert copied.study_.best_value == copied.best_score_
    assert_array_equal(copied.predict(X), fitted.predict(X))


@pytest.mark.filterwarnings("ignore")  # the checks pass odd data on purpose
@pytest.mark.parametrize(
    "checked",
    [
        search(LogisticRegression(), {"C": FloatDistribution(0.1, 1)}, n_trials=2, cv=2),
        search(
            DistilledClassifier(LogisticRegression(), LogisticRegression()),
            n_trials=2,
            cv=2,
        ),
    ],
    ids=["any classifier", "distilled"],
)
def test_the_contract_of_scikit_learn_holds(checked):
    results = check_estimator(checked, on_skip=None, on_fail=None)
    failed = [
        f"{result['check_name']}: {result['exception']}"
        for result in results
        if result["status"] == "failed"
    ]
    assert not failed
    assert sum(result["status"] == "passed" for result in results) > 50


def test_random_splits_are_drawn_once():
    fitted = search(
        LogisticRegression(), {"C": [1.0]}, n_trials=5, cv=ShuffleSplit(2), batch_size=2
    ).fit(X, Y)
    assert np.ptp(fitted.cv_results_["mean_test_score"]) == 0


def test_folds_that_lack_a_class_have_scores():
    """Sorted rows: each fold is scored on a class that it was not fitted on."""
    fitted = search(LogisticRegression(), {"C": [0.1, 1.0]}, n_trials=2, cv=KFold(3)).fit(X, Y)
    assert np.isfinite(fitted.cv_results_["mean_test_score"]).all()


def test_a_single_hold_out_is_a_shuffle_split_of_one():
    fitted = search(cv=ShuffleSplit(1, test_size=0.2, random_state=0)).fit(X, Y)
    assert fitted.n_splits_ == 1
    assert_array_equal(fitted.cv_results_["std_test_score"], 0)


def test_a_generator_of_splits_serves_all_batches():
    assert search(cv=CV.split(X, Y)).fit(X, Y).n_splits_ == 3


# --- failures


class Moody(LogisticRegression):
    """Cannot be fitted with C above 1."""

    def fit(self, X, y):
        if self.C > 1:
            raise RuntimeError("C is too large")
        return super().fit(X, y)


def test_a_batch_that_fails_as_a_whole_does_not_end_the_search():
    space = {"C": CategoricalDistribution([2.0, 0.5])}
    with pytest.warns(UserWarning, match="non-finite"):
        fitted = search(Moody(), space, n_trials=8, batch_size=1).fit(X, Y)
    states = [trial.state.name for trial in fitted.study_.trials]
    assert set(states) == {"COMPLETE", "FAIL"}
    assert_array_equal(
        np.isnan(fitted.cv_results_["mean_test_score"]), np.array(states) == "FAIL"
    )
    assert fitted.best_params_ == {"C": 0.5}


def test_a_search_where_nothing_succeeds_ends_as_scikit_learns():
    with pytest.raises(ValueError, match=r"All the 3 fits failed[\s\S]*C is too large"):
        search(Moody(), {"C": [2.0]}, n_trials=2, batch_size=1).fit(X, Y)
    with pytest.raises(RuntimeError, match="C is too large"):
        search(Moody(), {"C": [2.0]}, error_score="raise").fit(X, Y)


def test_an_error_score_stands_in_for_fits_that_fail():
    space = {"C": [2.0, 0.5]}
    with pytest.warns(FitFailedWarning):
        fitted = search(Moody(), space, n_trials=8, batch_size=8, error_score=-9.0).fit(X, Y)
    assert fitted.cv_results_["mean_test_score"].min() == -9


# --- candidates


def test_the_candidates_do_not_depend_on_what_runs_in_parallel():
    alone, together = (search(n_trials=8, n_jobs=n).fit(X, Y) for n in (1, 2))
    assert tried(alone) == tried(together)
    assert alone.best_params_ == together.best_params_
    assert_array_equal(
        alone.cv_results_["mean_test_score"], together.cv_results_["mean_test_score"]
    )
    assert tried(search(n_trials=8, random_state=1).fit(X, Y)) != tried(alone)


def test_a_random_state_repeats_a_search_and_a_sampler_is_not_used_up():
    sampler = optuna.samplers.RandomSampler(seed=0)
    own = search(sampler=sampler)
    assert tried(own.fit(X, Y)) == tried(clone(own).fit(X, Y))


@pytest.mark.parametrize("seed", range(3))
def test_no_distillation_is_tried_at_the_start_and_with_each_best(seed):
    fitted = search(n_trials=9, random_state=seed).fit(X, Y)
    first, second, *_, last = tried(fitted)
    assert first["alpha"] == 0
    assert first["student__min_samples_leaf"] == 1
    assert second["temperature"] == 1
    assert last["alpha"] == 0
    assert fitted.best_params_ | {"alpha": 0.0} in tried(fitted)


def test_auto_leaves_alone_what_the_user_set():
    constrained = DistilledClassifier(
        GaussianNB(),
        DecisionTreeClassifier(max_depth=3, min_samples_leaf=4),
        temperature=3.0,
    )
    fitted = search(constrained).fit(X, Y)
    drawn = {name for params in tried(fitted) for name in params}
    assert drawn == {"alpha", "student__ccp_alpha"}


@pytest.mark.parametrize(
    ("estimator", "prefix"),
    [
        (Pipeline([("scale", StandardScaler()), ("kd", KD)]), "kd__"),
        (
            DistilledClassifier(
                GaussianNB(), make_pipeline(StandardScaler(), LogisticRegression())
            ),
            "",
        ),
        (DistilledClassifier(GaussianNB()), ""),
        (make_pipeline(DistilledClassifier(KD, TREE)), "distilledclassifier__"),
    ],
    ids=["in a pipeline", "around a pipeline", "default student", "teacher distilled"],
)
def test_auto_finds_its_way(estimator, prefix):
    fitted = search(estimator).fit(X, Y)
    drawn = {name for params in tried(fitted) for name in params}
    assert {f"{prefix}alpha", f"{prefix}temperature"} <= drawn
    assert any(name.startswith(f"{prefix}student__") for name in drawn)
    assert not any("teacher__" in name for name in drawn)
    clone(estimator).set_params(**fitted.best_params_)


def test_auto_without_anything_to_search_is_refused():
    with pytest.raises(ValueError, match="needs a DistilledClassifier"):
        search(LogisticRegression()).fit(X, Y)


def test_distributions_of_all_kinds():
    space = {
        "max_depth": randint(2, 5),
        "ccp_alpha": loguniform(1e-4, 1e-2),
        "min_samples_leaf": IntDistribution(1, 10),
        "criterion": ["gini", "entropy"],
        "class_weight": [None, {"setosa": 2, "versicolor": 1, "virginica": 1}],
    }
    fitted = search(DecisionTreeClassifier(random_state=0), space, n_trials=15).fit(X, Y)
    drawn = {name: [params[name] for params in tried(fitted)] for name in space}
    assert set(drawn["max_depth"]) == {2, 3, 4}
    assert 1e-4 <= min(drawn["ccp_alpha"]) < 1e-3 < max(drawn["ccp_alpha"]) <= 1e-2
    assert {type(one) for one in drawn["class_weight"]} == {dict, type(None)}
    assert set(drawn["criterion"]) == {"gini", "entropy"}


def test_students_are_values_and_each_has_its_own_parameters():
    space = [
        {
            "student": [LINEAR],
            "student__C": FloatDistribution(0.01, 1, log=True),
        },
        {"student": [TREE, GaussianNB()], "temperature": [1.0, 3.0]},
        {"student": [LINEAR], "student__C": FloatDistribution(1, 100, log=True)},
    ]
    fitted = search(KD, space, n_trials=16).fit(X, Y)
    for params in tried(fitted):
        linear = isinstance(params["student"], LogisticRegression)
        assert ("student__C" in params) == linear
        assert ("temperature" in params) == (not linear)
    students = {type(params["student"]) for params in tried(fitted)}
    assert {LogisticRegression, DecisionTreeClassifier} <= students
    assert type(fitted.best_estimator_.student_) is type(fitted.best_params_["student"])


@pytest.mark.parametrize("given", ["gini", 3, np.float64(1.0)])
def test_a_value_that_is_no_distribution_is_refused(given):
    with pytest.raises(TypeError, match=r"param_distributions\['criterion'\]"):
        search(TREE, {"criterion": given}).fit(X, Y)


@pytest.mark.parametrize("given", [[], ["C"]])
def test_spaces_that_are_no_dicts_are_refused(given):
    with pytest.raises(TypeError, match="must be 'auto', a dict or a list of dicts"):
        search(LINEAR, given).fit(X, Y)


# --- the teacher's work


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_teacher_works_once_for_each_fold_and_once_for_the_refit(n_jobs, tmp_path):
    taught = DistilledClassifier(Logged(tmp_path), TREE)
    estimator = Pipeline([("kd", taught)])
    search(estimator, n_trials=9, n_jobs=n_jobs).fit(X, Y)
    assert work_done(tmp_path) == work_expected(X, Y, CV)


def test_options_of_the_teacher_cost_its_work_once_each(tmp_path):
    space = {"teacher__var_smoothing": [1e-9, 1e-3], "alpha": FloatDistribution(0, 1)}
    taught = DistilledClassifier(Logged(tmp_path), TREE)
    search(taught, space, n_trials=12, n_jobs=2, refit=False).fit(X, Y)
    folds = [line for line in work_expected(X, Y, CV) if joblib.hash(X) not in line]
    assert work_done(tmp_path) == sorted(2 * folds)


def test_the_shared_cache_leaves_no_trace(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fitted = search().fit(X, Y)
    assert not list(tmp_path.iterdir())
    assert fitted.best_estimator_.memory is None
    assert fitted.estimator.memory is None
    assert fitted.best_estimator_.teacher_.predict(X).shape == Y.shape
    assert not any("memory" in key for key in fitted.cv_results_)
    with pytest.raises(ValueError, match="Invalid parameter"):
        search(distributions={"nonsense": [1]}).fit(X, Y)
    assert not list(tmp_path.iterdir())


def test_a_cache_of_the_users_is_used(tmp_path):
    log, cache = tmp_path / "log", tmp_path / "cache"
    log.mkdir()
    taught = DistilledClassifier(Logged(log), TREE, memory=str(cache))
    first = search(taught).fit(X, Y)
    assert first.best_estimator_.memory == str(cache)
    done = work_done(log)
    search(taught, random_state=5).fit(X, Y)
    assert work_done(log) == done


@pytest.mark.parametrize("function", [lambda X: X + 1, "of __main__"])
def test_a_teacher_that_cannot_be_cached_is_fitted_for_each_candidate(function, monkeypatch):
    if function == "of __main__":
        function = types.FunctionType((lambda X: X + 1).__code__, {}, "shift")
        function.__module__, function.__qualname__ = "__main__", "shift"
        monkeypatch.setattr(sys.modules["__main__"], "shift", function, raising=False)
    teacher = make_pipeline(FunctionTransformer(function), GaussianNB())
    taught = DistilledClassifier(teacher, TREE)
    with pytest.warns(UserWarning, match="is fitted again for each candidate"):
        fitted = search(taught, n_trials=3, n_jobs=2).fit(X, Y)
    assert np.isfinite(fitted.cv_results_["mean_test_score"]).all()


def test_soft_labels_given_to_fit_are_sliced_and_no_teacher_works(tmp_path):
    proba = GaussianNB().fit(X, Y).predict_proba(X)
    taught = DistilledClassifier(Logged(tmp_path), TREE)
    fitted = search(taught, cv=GroupKFold(3)).fit(
        X, Y, teacher_proba=proba, groups=np.arange(len(Y)) % 30
    )
    assert not os.listdir(tmp_path)
    assert fitted.cv_results_["mean_test_score"].max() > -0.6


def test_routed_metadata_reach_estimator_splitter_and_scorer():
    with sklearn.config_context(enable_metadata_routing=True):
        taught = KD.set_fit_request(teacher_proba=True, sample_weight=False)
        proba = GaussianNB().fit(X, Y).predict_proba(X)
        groups = np.arange(len(Y)) % 30
        fitted = search(taught, cv=GroupKFold(3)).fit(X, Y, teacher_proba=proba, groups=groups)
    assert not hasattr(fitted.best_estimator_, "teacher_")


# --- going on


def test_a_finished_study_is_refitted_without_a_single_trial(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    taught = DistilledClassifier(Logged(log), TREE)
    options = {"storage": tmp_path / "study.log", "study_name": "iris"}
    first = search(taught, return_train_score=True, **options).fit(X, Y)
    done = len(work_done(log))
    second = search(taught, return_train_score=True, **options).fit(X, Y)
    assert len(work_done(log)) == done + 2
    assert second.cv_results_.keys() == first.cv_results_.keys()
    for name in first.cv_results_:
        assert_array_equal(second.cv_results_[name], first.cv_results_[name])
    assert second.best_score_ == first.best_score_
    assert_array_equal(second.predict_proba(X), first.predict_proba(X))
    assert second.score(X, Y) == first.score(X, Y)


def test_a_resumed_study_goes_on_to_the_total_and_draws_nothing_again(tmp_path):
    options = {"storage": f"sqlite:///{tmp_path}/study.db", "study_name": "iris"}
    first = search(n_trials=5, **options).fit(X, Y)
    second = search(n_trials=12, **options).fit(X, Y)
    assert len(tried(second)) == 12
    assert tried(second)[:5] == tried(first)
    drawn = [params["temperature"] for params in tried(second)[2:-1]]
    repeated = [t for t in set(drawn) if drawn.count(t) > 1]
    assert len(repeated) <= 1  # that of the best, with alpha 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"X": X[:, :3]}, "X"),
        ({"y": Y[::-1]}, "y"),
        ({"cv": KFold(3)}, "splits"),
        (
            {"estimator": DistilledClassifier(GaussianNB(), TREE, alpha=0.3)},
            "estimator.alpha",
        ),
        ({"scoring": "accuracy"}, "scoring"),
    ],
)
def test_a_study_of_something_else_is_refused(change, named, tmp_path):
    given = {"X": X, "y": Y, "cv": CV, "estimator": KD, "scoring": None}

    def run(X, y, estimator, **options):
        options = {"storage": str(tmp_path / "s.log"), "study_name": "s"} | options
        return search(estimator, n_trials=2, **options).fit(X, y)

    run(**given)
    with pytest.raises(ValueError, match=rf"study 's' was run with other .*{named}"):
        run(**given | change)


def test_a_study_maximises_one_metric(tmp_path):
    options = {"storage": tmp_path / "s.log", "study_name": "s", "n_trials": 2}
    options["scoring"] = ["accuracy", "neg_log_loss"]
    search(refit="accuracy", **options).fit(X, Y)
    with pytest.raises(ValueError, match="was run with other refit"):
        search(refit="neg_log_loss", **options).fit(X, Y)


def test_an_outer_cross_validation_does_not_reuse_the_trials_of_another_fold(tmp_path):
    named = search(n_trials=2, storage=str(tmp_path / "s.log"), study_name="s")
    with pytest.raises(ValueError, match="was run with other X"):
        cross_val_score(named, X, Y, error_score="raise")
    unnamed = search(n_trials=2, storage=str(tmp_path / "s.log"))
    assert len(cross_val_score(unnamed, X, Y, error_score="raise")) == 5


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_foreign_study_is_refused(direction, tmp_path):
    """One that minimises already when it is empty: the best would be the worst."""
    url = f"sqlite:///{tmp_path}/study.db"
    study = optuna.create_study(storage=url, study_name="foreign", direction=direction)
    if direction == "maximize":
        study.optimize(lambda trial: trial.suggest_float("alpha", 0, 1), n_trials=1)
    with pytest.raises(ValueError, match="not made by DistillationSearchCV"):
        search(storage=url, study_name="foreign").fit(X, Y)


class Counting(JournalFileBackend):
    """Counts what is written."""

    def __init__(self, path):
        super().__init__(path)
        self.written = 0

    def append_logs(self, logs):
        self.written += len(logs)
        super().append_logs(logs)


def test_a_trial_is_written_when_drawn_when_scored_and_when_told(tmp_path):
    counts = []
    for n_trials in (5, 12):
        journal = Counting(str(tmp_path / f"{n_trials}.log"))
        search(n_trials=n_trials, storage=JournalStorage(journal)).fit(X, Y)
        counts.append(journal.written)
    assert counts[1] - counts[0] == 3 * (12 - 5)


@pytest.mark.filterwarnings("ignore:QMCSampler is experimental")
def test_a_sampler_that_keeps_its_state_in_the_study_goes_on(tmp_path):
    options = {"sampler": QMCSampler(seed=0), "batch_size": 2}
    stored = options | {"storage": tmp_path / "study.log", "study_name": "s"}
    space = {"C": FloatDistribution(0.01, 1)}
    whole = search(LINEAR, space, n_trials=8, **options).fit(X, Y)
    search(LINEAR, space, n_trials=4, **stored).fit(X, Y)
    resumed = search(LINEAR, space, n_trials=8, **stored).fit(X, Y)
    assert tried(resumed)[2:] == tried(whole)[2:]
    assert len({params["C"] for params in tried(resumed)}) == 8


SCRIPT = """
    import sys, time
    import numpy as np
    from sklearn.datasets import load_iris
    from sklearn.naive_bayes import GaussianNB
    from sklearn.tree import DecisionTreeClassifier
    from skdistill import DistillationSearchCV, DistilledClassifier

    class Slow(DecisionTreeClassifier):
        def fit(self, X, y, sample_weight=None):
            time.sleep({nap})
            return super().fit(X, y, sample_weight)

    X, y = load_iris(return_X_y=True)
    search = DistillationSearchCV(
        DistilledClassifier(GaussianNB(), Slow(max_depth=2)), {{"alpha": [0.0, 0.5, 1.0]}},
        n_trials={n_trials}, batch_size=2, cv=3, storage={storage!r}, study_name="s",
        random_state=0,
    ).fit(X, y)
    print(len(search.cv_results_["params"]), np.isfinite(search.best_score_))
"""


def start(tmp_path, **values):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT.format(**values)))
    return subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)


def finished_trials(journal):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        storage = optuna.storages.JournalStorage(
            optuna.storages.journal.JournalFileBackend(journal)
        )
        if not storage.get_all_studies():
            return []
        study = optuna.load_study(study_name="s", storage=storage)
    return [t for t in study.trials if t.state.is_finished()]


def test_a_search_killed_in_the_middle_loses_no_finished_trial(tmp_path):
    journal = str(tmp_path / "study.log")
    values = {"storage": journal, "n_trials": 8}
    process = start(tmp_path, nap=0.1, **values)
    while len(before := finished_trials(journal)) < 3:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = finished_trials(journal)
    assert 3 <= len(before) < 8
    printed, _ = start(tmp_path, nap=0.1, **values).communicate()
    assert printed.split() == ["8", "True"]
    after = {trial.number: trial for trial in finished_trials(journal)}
    assert len(after) == 8
    for trial in before:
        assert after[trial.number].params == trial.params
        assert after[trial.number].value == trial.value


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_two_processes_share_the_trials_of_one_study(kind, tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    storage = url if kind == "sqlite" else str(tmp_path / "study.log")
    both = [start(tmp_path, nap=0.1, storage=storage, n_trials=12) for _ in range(2)]
    printed = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert max(int(line.split()[0]) for line in printed) in range(12, 12 + 2 + 1)


# --- stopping, watching


def test_a_timeout_lets_the_batch_end_and_tries_the_best_undistilled():
    fitted = search(n_trials=1000, timeout=0.0, batch_size=5).fit(X, Y)
    assert len(tried(fitted)) in (5, 6)
    assert tried(fitted)[-1]["alpha"] == 0 or fitted.best_params_["alpha"] == 0


def test_callbacks_see_every_trial_and_may_stop_the_search():
    seen = []
    search(callbacks=[lambda study, trial: seen.append(trial.number)]).fit(X, Y)
    assert seen == list(range(6))
    fitted = search(
        LogisticRegression(),
        {"C": FloatDistribution(0.1, 1)},
        n_trials=100,
        callbacks=[optuna.study.MaxTrialsCallback(5)],
    ).fit(X, Y)
    assert len(tried(fitted)) == 8


def test_what_a_callback_enqueues_is_tried():
    def enqueue(study, trial):
        if trial.number == 1:
            study.enqueue_trial({"C": 0.75})

    space = {"C": FloatDistribution(0.1, 1)}
    fitted = search(LINEAR, space, batch_size=2, callbacks=[enqueue]).fit(X, Y)
    assert tried(fitted)[2] == {"C": 0.75}
    assert len(tried(fitted)) == 6


def test_a_sampler_may_stop_the_search():
    sampler = optuna.samplers.GridSampler({"C": [0.1, 1.0, 10.0]})
    space = {"C": FloatDistribution(0.1, 10.0)}
    fitted = search(LINEAR, space, n_trials=20, batch_size=1, sampler=sampler).fit(X, Y)
    assert sorted(params["C"] for params in tried(fitted)) == [0.1, 1.0, 10.0]


def test_optuna_stays_quiet_and_keeps_its_verbosity(capfd):
    before = optuna.logging.get_verbosity()
    search(n_trials=3).fit(X, Y)
    assert optuna.logging.get_verbosity() == before
    out, err = capfd.readouterr()
    assert not out
    assert not err


def test_a_search_around_a_frozen_teacher_is_warned_of_once():
    X, y = load_iris(return_X_y=True)
    frozen = FrozenEstimator(GaussianNB().fit(X, y))
    model = DistilledClassifier(frozen, DecisionTreeClassifier(max_depth=2, random_state=0))
    search = DistillationSearchCV(model, n_trials=2, cv=2, random_state=0)
    with pytest.warns(UserWarning, match="the teacher is frozen") as caught:
        search.fit(X, y)
    assert len(caught) == 1
