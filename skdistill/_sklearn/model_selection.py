"""The loop of every hyper-parameter search, for one that goes on from earlier results.

scikit-learn exports only children of `BaseSearchCV`, and none that takes candidates batch
after batch from elsewhere. Checked on 1.7.2 and 1.9.1: `fit` hands ``evaluate_candidates``
to `_run_search` (with a callback context from 1.9), formats what all candidates gave by
`_format_results` after each call of it, and goes on with the dictionary of the last call.
It sends a copy of the search to the workers from 1.9.
"""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

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

    def __init__(self, X=None, y=None, verbose=0):
        self.X, self.y = indexable(X, y)
        self.verbose = verbose
        self.routed = None
        self.out = []
        self.results = {}

    def __reduce__(self):
        return _Search, ()


class _Splits:
    """A splitter of splits that are known, whatever metadata it is handed."""

    def __init__(self, splits):
        self._splits = splits

    def split(self, X=None, y=None, **metadata):
        return iter(self._splits)

    def get_n_splits(self, X=None, y=None, **metadata):
        return len(self._splits)


class _Evaluation:
    """Scores candidates on the splits of a search, and tells callbacks of each (1.9).

    The callbacks get no fit of a candidate, of which there are many: an estimator that has
    no callbacks would warn in each of them.

    Parameters
    ----------
    search : BatchSearchCV
    evaluate_candidates : callable
        scikit-learn's.
    splits : list of (ndarray, ndarray)
    callbacks : callback context or None
        None where there are no callbacks (1.7).
    """

    def __init__(self, search, evaluate_candidates, splits, callbacks):
        self._search = search
        self._evaluate = evaluate_candidates
        self._splits = splits
        self._callbacks = callbacks
        self._open = []  # contexts that have begun

    def expect(self, n_candidates):
        """Say how many candidates there will be at most."""
        if self._callbacks is not None:
            self._begin(self._callbacks, "search", max_subtasks=n_candidates)

    def __call__(self, candidates):
        """A list with a dictionary for each split, for each candidate."""
        begun = [self._begin(self._open[0], "candidate") for _ in candidates if self._open]
        n_splits = len(self._splits)
        try:
            self._evaluate(candidates, cv=_Splits(self._splits))
        finally:
            for _ in begun:
                self._end()
        new = self._search._current.out[-len(candidates) * n_splits :]
        return [new[i : i + n_splits] for i in range(0, len(new), n_splits)]

    def close(self):
        """Tell the callbacks that the search has ended."""
        while self._open:
            self._end()

    def _begin(self, parent, name, max_subtasks=0):
        context = parent.subcontext(task_name=name, max_subtasks=max_subtasks)
        self._open.append(context.call_on_fit_task_begin(estimator=self._search))

    def _end(self):
        self._open.pop().call_on_fit_task_end(estimator=self._search)


@contextmanager
def _quiet_about_callbacks():
    """The refitted estimator need not have any."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The estimator .* does not support callbacks")
        yield


def _check_splits(splits, cv):
    """Refuse splits that nothing can be fitted on or scored with."""
    if not splits:
        raise ValueError(f"cv={cv!r} gives no split; give a number of folds or a splitter")
    for number, parts in enumerate(splits):
        for part, use in zip(parts, ("fit on", "score"), strict=True):
            if not len(part):
                raise ValueError(f"cv={cv!r} leaves split {number} no rows to {use}")


class BatchSearchCV(BaseSearchCV):
    """A search over batches of candidates, all on the same splits.

    A child implements ``_search(X, y, routed, splits, evaluate)``. There,
    ``evaluate.expect(n)`` says how many candidates there will be at most, and then
    ``evaluate(candidates)`` returns for each candidate a list with a dictionary for each
    split (``test_scores``, ``fit_time``, ...). `_search` returns three things: the
    candidates that ``cv_results_`` is to hold, what their splits gave in the same form
    (these may be others than were evaluated), and the `KeyboardInterrupt` that ended the
    search, or None. After an interrupt all results are set and nothing is refitted.
    `_own_scorer` may return a scorer to use instead of what scikit-learn makes of
    ``scoring``. scikit-learn prints its lines from ``verbose=2`` on; while a fit runs,
    `_shows_progress` tells whether 1 or more was given.
    """

    def _own_scorer(self):
        return None

    def _shows_progress(self):
        return self._current.verbose > 0

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
        for name in ("best_estimator_", "refit_time_", "cv_results_"):
            self.__dict__.pop(name, None)  # of an earlier fit, if this one is interrupted
        self._current = search = _Search(X, y, self.verbose)
        self.verbose = max(0, search.verbose - 1)
        try:
            with _quiet_about_callbacks():
                super().fit(X, y, **params)
        except _NothingEvaluated:
            self._set_results(search)
            self._refit(search)
        except KeyboardInterrupt:
            if search.results:
                self._set_results(search)
            raise
        finally:
            self.verbose = search.verbose
            del self._current
        return self

    def _get_routed_params_for_fit(self, params):
        self._current.routed = super()._get_routed_params_for_fit(params)
        return self._current.routed

    def _run_search(self, evaluate_candidates, callback_ctx=None):
        search = self._current
        X, y, routed = search.X, search.y, search.routed
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        # random splitters differ from call to call
        splits = list(cv.split(X, y, **routed.splitter.split))
        _check_splits(splits, self.cv)
        evaluate = _Evaluation(self, evaluate_candidates, splits, callback_ctx)
        candidates, scored, interrupt = self._search(X, y, routed, splits, evaluate)
        evaluate.close()
        self.n_splits_ = len(splits)
        flat = [one for each in scored for one in each]
        search.results |= super()._format_results(candidates, len(splits), flat)
        if interrupt is not None:
            raise interrupt
        if not search.out:
            raise _NothingEvaluated

    def _format_results(self, candidate_params, n_splits, out, more_results=None):
        """What `BaseSearchCV.fit` goes on with: filled when the search ends."""
        self._current.out = out
        return self._current.results

    def _set_results(self, search):
        """What `BaseSearchCV.fit` sets after a search, for results from elsewhere."""
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

    def _refit(self, search):
        """The best candidate on all rows, as `BaseSearchCV.fit` does it."""
        if not self.refit:
            return
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
