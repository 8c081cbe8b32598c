"""The loop of every hyper-parameter search, for one that goes on from earlier results.

scikit-learn exports only children of `BaseSearchCV`, and none that takes candidates batch
after batch from elsewhere. Checked on 1.7.2 and 1.9.1: `fit` hands ``evaluate_candidates``
to `_run_search` (with a callback context from 1.9), formats what all candidates gave by
`_format_results` after each call of it, and goes on with the dictionary of the last call.
It sends a copy of the search to the workers from 1.9.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from joblib import effective_n_jobs, parallel_config
from joblib.parallel import get_active_backend
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import indexable

__all__ = ["BatchSearchCV", "all_fits_failed"]

_RELIED_ON = (
    "_run_search", "_format_results", "_get_routed_params_for_fit", "_get_scorers",
    "_select_best_index", "_check_refit_for_multimetric",
)  # fmt: skip


def all_fits_failed(error):
    """Whether scikit-learn raised this because each fit of a batch failed."""
    return isinstance(error, ValueError) and str(error).lstrip().startswith("All the ")


class _NothingEvaluated(Exception):
    """`BaseSearchCV.fit` cannot go on without a candidate of its own."""


class _Search:
    """What one call of `fit` knows. It stays in its process: a worker gets an empty one."""

    def __init__(self, X=None, y=None):
        self.X, self.y = indexable(X, y)
        self.routed = None
        self.out = []
        self.results = {}

    def __reduce__(self):
        return _Search, ()


@contextmanager
def _task(search, parent, name, n_subtasks, *, sequential):
    """A callback context for part of a search; None where there are no callbacks (1.7)."""
    if parent is None:
        yield None
        return
    context = parent.subcontext(
        task_name=name, max_subtasks=n_subtasks, sequential_subtasks=sequential
    )
    yield context.call_on_fit_task_begin(estimator=search)
    context.call_on_fit_task_end(estimator=search)


def _one_thread_inside(n_jobs):
    """Processes of joblib's own backend with one thread each; another backend as it is."""
    backend, _ = get_active_backend()
    if effective_n_jobs(n_jobs) == 1 or type(backend).__name__ != "LokyBackend":
        return nullcontext()
    return parallel_config("loky", inner_max_num_threads=1)


class BatchSearchCV(BaseSearchCV):
    """A search over batches of candidates, all on the same splits.

    A child implements ``_search(X, y, routed, splits, evaluate)``. There,
    ``evaluate(candidates)`` returns for each candidate a list with a dictionary for each
    split (``test_scores``, ``fit_time``, ...). `_search` returns two lists of the same
    form, the candidates that ``cv_results_`` is to hold and what their splits gave: these
    may be others than were evaluated. `_own_scorer` may return a scorer to use instead of
    what scikit-learn makes of ``scoring``.
    """

    def _own_scorer(self):
        return None

    def _get_scorers(self):
        own = self._own_scorer()
        return super()._get_scorers() if own is None else (own, "score")

    def fit(self, X, y=None, **params):
        """Search and, unless ``refit=False``, refit the best candidate on all rows."""
        if moved := [name for name in _RELIED_ON if not hasattr(BaseSearchCV, name)]:
            raise ImportError(
                f"this scikit-learn has no BaseSearchCV.{moved[0]} to search with"
            )
        if isinstance(self.cv, Iterator):
            self.cv = list(self.cv)  # read twice, here and by scikit-learn
        self._current = search = _Search(X, y)
        try:
            with _one_thread_inside(self.n_jobs):
                super().fit(X, y, **params)
        except _NothingEvaluated:
            self._finish(search)
        finally:
            del self._current
        return self

    def _get_routed_params_for_fit(self, params):
        self._current.routed = super()._get_routed_params_for_fit(params)
        return self._current.routed

    def _run_search(self, evaluate_candidates, callback_ctx=None):
        search = self._current
        X, y, routed = search.X, search.y, search.routed
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(cv.split(X, y, **routed.splitter.split))
        fixed = check_cv(splits)  # else random splitters differ from batch to batch

        def evaluate(candidates):
            n_fits = len(candidates) * len(splits)
            with _task(self, context, "batch", n_fits, sequential=False) as batch:
                options = {} if batch is None else {"callback_ctx": batch}
                evaluate_candidates(candidates, cv=fixed, **options)
            new = search.out[-n_fits:]
            return [new[i : i + len(splits)] for i in range(0, n_fits, len(splits))]

        with _task(self, callback_ctx, "search", None, sequential=True) as context:
            candidates, scored = self._search(X, y, routed, splits, evaluate)
        self.n_splits_ = len(splits)
        flat = [one for each in scored for one in each]
        search.results |= super()._format_results(candidates, len(splits), flat)
        if not search.out:
            raise _NothingEvaluated

    def _format_results(self, candidate_params, n_splits, out, more_results=None):
        """What `BaseSearchCV.fit` goes on with: filled when the search ends."""
        self._current.out = out
        return self._current.results

    def _finish(self, search):
        """What `BaseSearchCV.fit` does after a search, for results from elsewhere."""
        scorers, metric = self._get_scorers()
        results = search.results
        self.multimetric_ = "mean_test_score" not in results
        if self.multimetric_:
            metric = self.refit
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        self.cv_results_ = results
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, metric, results)
            self.best_params_ = results["params"][self.best_index_]
            if not callable(self.refit):
                self.best_score_ = results[f"mean_test_{metric}"][self.best_index_]
        if self.refit:
            best = clone(self.best_params_, safe=False)
            self.best_estimator_ = clone(self.estimator).set_params(**best)
            start = time.time()
            target = () if search.y is None else (search.y,)
            self.best_estimator_.fit(search.X, *target, **search.routed.estimator.fit)
            self.refit_time_ = time.time() - start
            if hasattr(self.best_estimator_, "feature_names_in_"):
                self.feature_names_in_ = self.best_estimator_.feature_names_in_


def check_refit(search, scores):
    """Refuse a `refit` that names none of several metrics, as `GridSearchCV` does.

    Parameters
    ----------
    search : BatchSearchCV
    scores : dict
        Score by metric.
    """
    search._check_refit_for_multimetric(scores)
