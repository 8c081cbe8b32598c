"""`DistillationSearchCV`: an Optuna search that reports like `GridSearchCV`.

A study draws candidates batch by batch, scikit-learn's own search loop evaluates them on
fixed splits, and each teacher is fitted once per split: the candidates share a cache of
its work. The batches are of a fixed size, so that the same candidates are drawn whatever
runs in parallel.
"""

import copy
import os
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from skdistill._estimators._warnings import warn
from skdistill._sklearn.model_selection import BatchSearchCV
from skdistill._sklearn.params import HasMethods, Interval, StrOptions
from skdistill._typing import Estimator, Rows, Seed, Splits
from skdistill.model_selection._fingerprint import fingerprint_by_part
from skdistill.model_selection._folder import owned_folder
from skdistill.model_selection._progress import Progress
from skdistill.model_selection._run import Run
from skdistill.model_selection._sampler import TPEByNumber
from skdistill.model_selection._spaces import (
    Space,
    check_no_search_inside,
    distilled_inside,
    space_of,
)
from skdistill.model_selection._storage import open_storage, open_study
from skdistill.model_selection._study import check_same, in_memory, quiet
from skdistill.model_selection._trials import Trials, splits_of, was_scored
from skdistill.model_selection._workers import one_thread_inside
from skdistill.scorers import NegLogLoss
from skdistill.teachers import resolve_teacher
from skdistill.teachers._check import is_frozen


class DistillationSearchCV(BatchSearchCV):
    """Hyper-parameter search by Optuna, with the interface and results of `GridSearchCV`.

    Made for :class:`DistilledClassifier`, bare or inside a Pipeline or another
    meta-estimator: its teacher is fitted once for each split and once for the refit,
    whatever the number of trials, and ``"auto"`` knows what to search. Any classifier will
    do where distributions are given.

    Parameters
    ----------
    estimator : classifier
        Cloned for each fit. Where a :class:`DistilledClassifier` in it has no `memory`,
        candidates share a temporary one.
    param_distributions : "auto", dict, list of dict or Space, default="auto"
        By parameter name an Optuna distribution, a list of values (estimators too) or a
        frozen scipy distribution; a list of dicts holds conditional spaces; a `Space` is
        what `AutoDistiller` makes of a student, and is searched as it is. "auto"
        searches of each :class:`DistilledClassifier` the temperature (.5 to 5), alpha (0
        to 1) and the student's own space. Parameters that differ from the default of
        their class stay as they are, and the teacher's always. Always tried are alpha 0 and
        temperature 1 with the estimator's parameters, and alpha 0 with those of the best
        candidate each time there is a new one.
    n_trials : int, default=50
        Candidates, in all: trials that the study of `study_name` already holds count.
    batch_size : int, default=4
        Candidates drawn at once and evaluated in parallel. Fixed, so that `n_jobs` has no
        influence on what is drawn; the larger, the less each draw knows.
    timeout : float, default=None
        Seconds after which no batch is begun. With "auto" one candidate follows, the best
        with alpha 0.
    scoring : str, callable, list, tuple or dict, default=None
        As in `GridSearchCV`, but None is ``"neg_log_loss"``, which is a number also where
        the rows fitted on or those scored lack a class. A candidate must not be
        judged by its own combined loss, since an easy one would win: see
        :func:`skdistill.scorers.combined_loss_scorer`.
    cv : int, splitter or iterable, default=None
        As in `GridSearchCV`; random splits are drawn once. ``ShuffleSplit(1,
        test_size=.2)`` is a single hold-out.
    refit : bool, str or callable, default=True
        As in `GridSearchCV`. Of several metrics the study maximises the one named here,
        the first if none is.
    n_jobs : int, default=None
        Fits in parallel, by joblib. Processes of its own backend use one thread each.
    sampler : optuna sampler, default=None
        Copied. None: tree-structured Parzen estimators, seeded by `random_state` and the
        number of each trial.
    storage : str, path or optuna storage, default=None
        Keeps the study: a URL (``"sqlite:///study.db"``), else the path of a journal file.
        None: memory. A last record that a full disk or a killed process cut short is
        dropped with a warning when the journal is opened.
    study_name : str, default=None
        A study of this name in `storage` is continued, by any number of processes at
        once, if X, y, the estimator, the splits, the scoring and the space are the same.
        None: a new study.
    callbacks : list of callable, default=None
        Optuna's, called as ``callback(study, trial)`` after each trial; ``study.stop()``
        ends the search as `timeout` does.
    random_state : int, RandomState or None, default=None
        Seeds the default sampler.
    error_score : "raise" or float, default=nan
        As in `GridSearchCV`. A trial whose score is not finite fails; the search goes on
        if any fit succeeds.
    return_train_score : bool, default=False
    pre_dispatch : int or str, default="2*n_jobs"
    verbose : int, default=0
        1: a progress bar on standard error, with the best score so far and the time left.
        Above 1 also the lines that `GridSearchCV` prints for ``verbose - 1``.

    Attributes
    ----------
    study_ : optuna.Study
        For Optuna's plots and dashboard. Its values are mean test scores.
    cv_results_ : dict of ndarray
        As in `GridSearchCV`; a row for each finished trial of the study, by number.
    best_estimator_ : estimator
        Refitted on all rows; also ``best_params_``, ``best_score_`` and ``best_index_``.
    scorer_, n_splits_, refit_time_, multimetric_, classes_, n_features_in_, \
feature_names_in_
        As in `GridSearchCV`.

    References
    ----------
    Akiba et al. (2019), "Optuna: A Next-generation Hyperparameter Optimization Framework".
    Bergstra et al. (2011), "Algorithms for Hyper-Parameter Optimization".

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import DistillationSearchCV, DistilledClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> distilled = DistilledClassifier(
    ...     RandomForestClassifier(20, random_state=0),
    ...     DecisionTreeClassifier(max_depth=3, random_state=0),
    ... )
    >>> search = DistillationSearchCV(distilled, n_trials=6, cv=3, random_state=0).fit(X, y)
    >>> sorted(search.best_params_)
    ['alpha', 'student__min_samples_leaf', 'temperature']
    """

    _doc_link_module = "skdistill"
    _doc_link_template = "https://skdistill.readthedocs.io/en/stable/search.html"

    _parameter_constraints = {  # noqa: RUF012 (scikit-learn's protocol)
        **BatchSearchCV._parameter_constraints,
        "param_distributions": [StrOptions({"auto"}), dict, list, Space],
        "n_trials": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "timeout": [Interval(Real, 0, None, closed="left"), None],
        "sampler": [HasMethods(["sample_independent"]), None],
        "storage": [str, os.PathLike, HasMethods(["create_new_study"]), None],
        "study_name": [str, None],
        "callbacks": [list, tuple, None],
        "random_state": ["random_state"],
    }

    study_: Any
    cv_results_: dict[str, Any]
    best_estimator_: Any
    best_params_: dict[str, Any]
    best_score_: float
    best_index_: int

    def __init__(
        self,
        estimator: Estimator,
        param_distributions: Any = "auto",
        *,
        n_trials: int = 50,
        batch_size: int = 4,
        timeout: float | None = None,
        scoring: Any = None,
        cv: Splits = None,
        refit: bool | str | Callable[..., int] = True,
        n_jobs: int | None = None,
        sampler: Any = None,
        storage: Any = None,
        study_name: str | None = None,
        callbacks: Sequence[Callable[..., Any]] | None = None,
        random_state: Seed = None,
        error_score: float | Literal["raise"] = np.nan,
        return_train_score: bool = False,
        pre_dispatch: int | str = "2*n_jobs",
        verbose: int = 0,
    ) -> None:
        super().__init__(
            estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_distributions = param_distributions
        self.n_trials = n_trials
        self.batch_size = batch_size
        self.timeout = timeout
        self.sampler = sampler
        self.storage = storage
        self.study_name = study_name
        self.callbacks = callbacks
        self.random_state = random_state

    def __getstate__(self):
        """Bring the study along: its storage may not be there where this is loaded.

        The processes that a fit sends a copy to need no study.
        """
        state = dict(super().__getstate__())
        study = state.pop("study_", None)
        if study is not None and "_current" not in state:
            state["study_"] = in_memory(study)
        return state

    def fit(self, X: Rows, y: ArrayLike | None = None, **params: Any) -> Self:
        """Search and, unless ``refit=False``, refit the best candidate on all rows.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        **params : dict
            Of the estimator's ``fit``, the splitter and the scorer, as in `GridSearchCV`.

        Returns
        -------
        self : DistillationSearchCV

        Raises
        ------
        ValueError
            If the storage cannot be opened, the study is of another search, the splits are
            empty, or no trial can be fitted.
        KeyboardInterrupt
            On an interrupt, when ``study_`` and, from the first finished trial on,
            ``cv_results_`` and what follows from it are set; nothing is refitted.
        """
        with one_thread_inside(self.n_jobs):
            return super().fit(X, y, **params)

    def _own_scorer(self):
        """Of `scoring=None`; nobody can ask for its weights where metadata is routed."""
        if self.scoring is not None:
            return None
        return NegLogLoss().set_score_request(sample_weight=True)

    def _search(self, X, y, routed, splits, evaluate):
        self.__dict__.pop("study_", None)
        check_no_search_inside(self.estimator)
        space, interrupt = self._space(), None
        with quiet(), owned_folder() as folder:
            storage = open_storage(self.storage)
            study = open_study(storage, self.study_name, copy.deepcopy(self.sampler))
            if self.storage is not None:
                check_same(study, self._fingerprint(X, y, routed, splits, space))
            self.study_ = study
            trials = Trials(study, storage, self._own_sampler())
            evaluate.expect(max(0, self.n_trials - len(trials.ended)))
            bar = Progress(
                trials.ended,
                self.n_trials,
                refits=self.refit is not False,
                shown=self._shows_progress(),
            )
            try:
                with bar:
                    Run(self, trials, space, folder, evaluate, bar).to_the_end()
            except KeyboardInterrupt as interrupted:
                interrupt = interrupted
                trials.read()
        if interrupt is not None and not any(map(was_scored, trials.ended)):
            raise interrupt
        candidates = [space.params(trial.params) for trial in trials.ended]
        return candidates, splits_of(trials.ended, len(splits), self.error_score), interrupt

    def _space(self):
        if any(
            is_frozen(resolve_teacher(kd.teacher))
            for _, kd in distilled_inside(self.estimator)
        ):
            warn(
                "the teacher is frozen: where it has seen the rows of this search, every "
                "score is too good, and its weight alpha with it; pass it unfrozen to have "
                "it fitted inside each split, or search on rows it has not seen",
            )
        return space_of(self.param_distributions, self.estimator)

    def _own_sampler(self):
        if self.sampler is not None:
            return None
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        return TPEByNumber(seed)

    def _metric(self):
        """Which of several is maximised; None: the first."""
        return self.refit if isinstance(self.refit, str) else None

    def _fingerprint(self, X, y, routed, splits, space):
        return fingerprint_by_part(
            self.estimator,
            X=X,
            y=y,
            splits=splits,
            fit_params=dict(routed.estimator.fit),
            scoring=self.scoring,
            return_train_score=self.return_train_score,
            refit=self._metric(),
            param_distributions=space.fingerprint(),
        )
