"""What a search shows while it runs, and what an interrupt leaves."""

import os
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted

from skdistill import DistillationSearchCV, DistilledClassifier

X, Y = load_iris(return_X_y=True)
KD = DistilledClassifier(GaussianNB(), DecisionTreeClassifier(max_depth=3, random_state=0))
LINEAR = LogisticRegression(max_iter=500)


def search(estimator=KD, distributions="auto", **options):
    options = {"cv": 3, "random_state": 0, "n_trials": 6, "batch_size": 2} | options
    return DistillationSearchCV(estimator, distributions, **options)


class Interrupt:
    """A callback of Optuna that stands for Ctrl-C after some trials."""

    def __init__(self, after):
        self.after = after

    def __call__(self, study, trial):
        if trial.number + 1 == self.after:
            raise KeyboardInterrupt


# --- interrupts


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_interrupt_keeps_what_was_found(n_jobs, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stopped = search(callbacks=[Interrupt(3)], n_jobs=n_jobs)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(X, Y)
    whole = search().fit(X, Y)
    assert len(stopped.cv_results_["params"]) == 3
    assert stopped.cv_results_["params"] == whole.cv_results_["params"][:3]
    assert_array_equal(
        stopped.cv_results_["mean_test_score"], whole.cv_results_["mean_test_score"][:3]
    )
    assert stopped.best_score_ == stopped.study_.best_value
    assert stopped.best_params_ == stopped.cv_results_["params"][stopped.best_index_]
    assert stopped.n_splits_ == 3
    assert not hasattr(stopped, "best_estimator_")
    assert not os.listdir(tmp_path)


def test_an_interrupt_before_the_first_trial_keeps_the_study():
    def score(estimator, X, y):
        raise KeyboardInterrupt

    stopped = search(scoring=score)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(X, Y)
    assert not hasattr(stopped, "cv_results_")
    assert len(stopped.study_.trials) == 2


def test_an_interrupt_of_the_refit_keeps_the_results():
    class OnAllRows(LogisticRegression):
        def fit(self, X, y):
            if len(y) == len(Y):
                raise KeyboardInterrupt
            return super().fit(X, y)

    stopped = search(OnAllRows(max_iter=500), {"C": [0.1, 1.0]})
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(X, Y)
    assert len(stopped.cv_results_["params"]) == 6
    assert stopped.best_score_ == stopped.cv_results_["mean_test_score"].max()


def test_an_interrupted_fit_does_not_pass_off_an_earlier_one_as_its_own():
    fitted = search(n_trials=3).fit(X, Y)
    fitted.callbacks = [Interrupt(1)]
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(X, Y)
    assert len(fitted.cv_results_["params"]) == 1
    assert not hasattr(fitted, "best_estimator_")


def test_a_search_goes_on_after_an_interrupt(tmp_path):
    options = {"storage": tmp_path / "s.log", "study_name": "s"}
    with pytest.raises(KeyboardInterrupt):
        search(callbacks=[Interrupt(3)], **options).fit(X, Y)
    fitted = search(**options).fit(X, Y)
    assert len(fitted.cv_results_["params"]) == 6
    check_is_fitted(fitted)


# --- refusals before any work


class Untouched(LogisticRegression):
    """Must not be fitted."""

    def fit(self, X, y):
        raise AssertionError("a fit began")


@pytest.mark.parametrize(
    ("cv", "said"),
    [
        ([], r"cv=\[\] gives no split"),
        (iter([]), r"cv=\[\] gives no split"),
        ([(np.arange(100), np.arange(0))], "leaves split 0 no rows to score"),
        ([(np.arange(9), np.arange(9)), ([], [1])], "leaves split 1 no rows to fit on"),
    ],
)
def test_splits_that_nothing_can_be_done_with_are_refused(cv, said):
    with pytest.raises(ValueError, match=said):
        search(Untouched(), {"C": [0.1]}, cv=cv, error_score="raise").fit(X, Y)


def test_a_storage_that_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"storage=.*no.* cannot be opened"):
        search(Untouched(), {"C": [0.1]}, storage=tmp_path / "no" / "s.log").fit(X, Y)


class OtherSearchCV(BaseEstimator):
    """A search of another library."""

    def __init__(self, estimator=None):
        self.estimator = estimator


@pytest.mark.parametrize("inner", [OtherSearchCV(LINEAR), GridSearchCV(LINEAR, {"C": [1.0]})])
@pytest.mark.parametrize("distributions", ["auto", {"kd__alpha": [0.5]}])
def test_a_student_that_is_a_search_is_refused(inner, distributions):
    model = Pipeline([("kd", DistilledClassifier(Untouched(), inner))])
    with pytest.raises(ValueError, match="kd__student=LogisticRegression and name its param"):
        search(model, distributions).fit(X, Y)


def test_scores_without_a_name_to_choose_by_are_refused_after_the_first_candidate():
    seen = []

    def scores(estimator, X, y):
        seen.append(1)
        return {"a": 1.0, "b": 2.0}

    with pytest.raises(ValueError, match="For multi-metric scoring"):
        search(scoring=scores, batch_size=4).fit(X, Y)
    assert len(seen) == 3


# --- progress


def test_one_bar_shows_total_best_score_and_the_refit(capsys):
    fitted = search(verbose=1).fit(X, Y)
    out, err = capsys.readouterr()
    assert out == ""
    assert f"best {fitted.best_score_:.6g}" in err
    assert "6/6" in err
    assert err.rstrip().endswith("search: the best candidate is fitted on all rows")
    assert fitted.verbose == 1


def test_the_bar_of_a_resumed_search_begins_where_it_was(tmp_path, capsys):
    options = {"storage": tmp_path / "s.log", "study_name": "s", "refit": False}
    search(n_trials=4, **options).fit(X, Y)
    search(n_trials=6, verbose=1, **options).fit(X, Y)
    err = capsys.readouterr().err
    assert " 4/6 " in err
    assert "6/6" in err
    assert "all rows" not in err


def test_lines_of_scikit_learn_begin_at_two(capsys):
    search(verbose=2).fit(X, Y)
    assert "Fitting 3 folds for each of 1 candidates" in capsys.readouterr().out


class Log:
    """A callback that follows each level of estimators, as scikit-learn's bar does."""

    max_propagation_depth = None

    def __init__(self):
        self.seen = []

    def setup(self, estimator, context):
        self.seen.append("setup")

    def on_fit_task_begin(self, estimator, context):
        self.seen.append((context.task_name, context.max_subtasks))

    def on_fit_task_end(self, estimator, context):
        self.seen.append(context.task_name)

    def teardown(self, estimator, context):
        self.seen.append("teardown")


@pytest.mark.parametrize("estimator", [KD, make_pipeline(StandardScaler(), KD)])
def test_callbacks_of_scikit_learn_see_each_candidate_once_without_a_warning(estimator):
    pytest.importorskip("sklearn.callback")
    log = Log()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search(estimator, n_trials=5).set_callbacks(log).fit(X, Y)
    assert not caught
    assert log.seen[:3] == ["setup", ("fit", 2), ("search", 5)]
    assert log.seen.count(("candidate", 0)) == log.seen.count("candidate") == 5
    assert log.seen.count("search") == 1
    assert log.seen[-2:] == ["fit", "teardown"]


def test_a_bar_of_scikit_learn_has_a_line_for_the_search_and_none_for_its_batches(capsys):
    callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    search().set_callbacks(callback.ProgressBar()).fit(X, Y)
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 2
    assert "search #0" in lines[1]


def test_callbacks_end_with_an_interrupted_search():
    pytest.importorskip("sklearn.callback")
    log = Log()
    with pytest.raises(KeyboardInterrupt):
        search(callbacks=[Interrupt(3)]).set_callbacks(log).fit(X, Y)
    assert log.seen[-1] == "teardown"
    assert log.seen.count("search") == 1
