"""The Optuna study behind a search: where it is kept, what it remembers, how it draws.

Everything that a later process needs lies in the study. A trial keeps what each split
gave, so that the results hold trials of earlier processes and of those that run beside
this one; the study keeps a fingerprint of what it was run on.
"""

import os
import random
import time
import warnings
from contextlib import contextmanager

import joblib
import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from sklearn.base import clone

_FINISHED = (TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED)
_SPLITS, _FINGERPRINT, _START, _LEFT_OUT = "splits", "fingerprint", "start", "left_out"
_KEPT = ("test_scores", "train_scores", "fit_time", "score_time")


@contextmanager
def quiet():
    """Optuna reports no trial: as many lines as there are candidates."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(before, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


class TPEByNumber(BaseSampler):
    """Tree-structured Parzen estimators, seeded anew for each trial by its number.

    Numbers are unique in a study, so no draw repeats: neither when a search is resumed
    nor when several processes share a study under one seed. Parameters are drawn jointly,
    in groups where a space is conditional, and trials still running count as bad, so that
    those of a batch differ.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed):
        self._seed = seed

    def before_trial(self, study, trial):
        """Make the sampler of this trial."""
        seed = np.random.SeedSequence([self._seed, trial.number]).generate_state(1)[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            self._own = TPESampler(
                seed=int(seed), multivariate=True, group=True, constant_liar=True
            )

    def infer_relative_search_space(self, study, trial):
        """See optuna.samplers.BaseSampler."""
        return self._own.infer_relative_search_space(study, trial)

    def sample_relative(self, study, trial, search_space):
        """See optuna.samplers.BaseSampler."""
        return self._own.sample_relative(study, trial, search_space)

    def sample_independent(self, study, trial, param_name, param_distribution):
        """See optuna.samplers.BaseSampler."""
        return self._own.sample_independent(study, trial, param_name, param_distribution)


def open_study(storage, study_name, sampler):
    """The study of a name, new unless it is there.

    Parameters
    ----------
    storage : str, path, optuna storage or None
        A URL, else the path of a journal file; None: memory.
    study_name : str or None
    sampler : optuna sampler

    Returns
    -------
    optuna.Study
    """
    if isinstance(storage, str) and "://" in storage:
        storage = _open_database(storage)
    elif isinstance(storage, str | os.PathLike):
        storage = JournalStorage(JournalFileBackend(os.fspath(storage)))
    return optuna.create_study(
        storage=storage,
        study_name=study_name,
        sampler=sampler,
        direction="maximize",
        load_if_exists=study_name is not None,
    )


def _open_database(url, attempts=5):
    """Of processes that make the tables at the same time all but one fail, and try again."""
    from sqlalchemy.exc import DBAPIError  # slow to import, and Optuna's own dependency

    try:
        return RDBStorage(url)
    except DBAPIError:
        if attempts == 1:
            raise
        time.sleep(random.uniform(0.5, 1.5))
    return _open_database(url, attempts - 1)


def in_memory(study):
    """A copy that needs no storage.

    Parameters
    ----------
    study : optuna.Study

    Returns
    -------
    optuna.Study
    """
    with quiet():
        copied = optuna.create_study(study_name=study.study_name, direction="maximize")
    for name, value in study.user_attrs.items():
        copied.set_user_attr(name, value)
    copied.add_trials(study.get_trials(deepcopy=False))
    return copied


def fingerprint(estimator, **parts):
    """Hashes of what a study is run on, by part.

    Parameters
    ----------
    estimator : estimator
        Parameters that change no result (`n_jobs`, `verbose`, `memory`) are left out.
    **parts : object

    Returns
    -------
    dict of str
    """
    own = clone(estimator)
    idle = [
        name
        for name in own.get_params()
        if name.rpartition("__")[2] in ("n_jobs", "verbose", "memory")
    ]
    parts["estimator"] = own.set_params(**dict.fromkeys(idle))
    return {name: joblib.hash(part) for name, part in parts.items()}


def check_same(study, mark):
    """Refuse to go on with a study of something else; mark a new one.

    Parameters
    ----------
    study : optuna.Study
    mark : dict of str
        See `fingerprint`.

    Raises
    ------
    ValueError
        If the study has another mark, or trials and none.
    """
    known = study.user_attrs.get(_FINGERPRINT)
    if known is None and not study.get_trials(deepcopy=False):
        study.set_user_attr(_FINGERPRINT, mark)
    elif known is None:
        raise ValueError(
            f"study {study.study_name!r} was not made by DistillationSearchCV; "
            "give another study_name"
        )
    elif other := sorted(name for name in mark if known.get(name) != mark[name]):
        raise ValueError(
            f"study {study.study_name!r} was run with other {', '.join(other)}; it goes on "
            "only with the same, so give another study_name or storage"
        )


def finished(study):
    """Trials that came to an end, failed ones too, by number.

    Parameters
    ----------
    study : optuna.Study

    Returns
    -------
    list of optuna.trial.FrozenTrial
    """
    return study.get_trials(deepcopy=False, states=_FINISHED)


def enqueue(study, start):
    """Let a candidate be tried next, unless it waits or was tried.

    Parameters
    ----------
    study : optuna.Study
    start : Start

    Returns
    -------
    bool
        Whether it is new. One that is running elsewhere is new: it may be of a process
        that was killed.
    """
    states = (*_FINISHED, TrialState.WAITING)
    tried = study.get_trials(deepcopy=False, states=states)
    if start.name in [trial.user_attrs.get(_START) for trial in tried]:
        return False
    attrs = {_START: start.name, _LEFT_OUT: start.left_out}
    study.enqueue_trial(start.values, user_attrs=attrs)
    return True


def ask(study, space):
    """A new trial, its values drawn.

    Parameters
    ----------
    study : optuna.Study
    space : Space

    Returns
    -------
    optuna.Trial
    """
    trial = study.ask()
    space.suggest(trial, trial.user_attrs.get(_LEFT_OUT, ()))
    return trial


def tell(study, trial, splits, value):
    """Finish a trial; without a finite value it has failed.

    Parameters
    ----------
    study : optuna.Study
    trial : optuna.Trial
    splits : list of dict or None
        What each split gave.
    value : float

    Returns
    -------
    optuna.trial.FrozenTrial
    """
    if splits is not None:
        kept = [{k: _plain(one[k]) for k in _KEPT if k in one} for one in splits]
        trial.set_user_attr(_SPLITS, kept)
    if np.isfinite(value):
        return study.tell(trial, float(value))
    return study.tell(trial, state=TrialState.FAIL)


def splits_of(trials, n_splits, error_score):
    """What each split of each trial gave; `error_score` and no time where a fit failed.

    Parameters
    ----------
    trials : list of optuna.trial.FrozenTrial
        One at least has been scored.
    n_splits : int
    error_score : float

    Returns
    -------
    list of list of dict
    """
    known = [trial.user_attrs.get(_SPLITS) for trial in trials]
    like = next(splits[0] for splits in known if splits)
    failed = {name: _filled(value, error_score) for name, value in like.items()}
    failed |= {"fit_time": np.nan, "score_time": np.nan}
    return [splits or [failed] * n_splits for splits in known]


def was_scored(trial):
    """Whether a fit of the trial succeeded."""
    return _SPLITS in trial.user_attrs


def call(callbacks, study, trial):
    """Call Optuna callbacks; whether one has asked to stop.

    `Study.stop` refuses outside `Study.optimize` and only raises a flag there. Checked on
    Optuna 4.0 and 5.0.

    Parameters
    ----------
    callbacks : iterable of callable
    study : optuna.Study
    trial : optuna.trial.FrozenTrial

    Returns
    -------
    bool
    """
    study._stop_flag, study._thread_local.in_optimize_loop = False, True
    try:
        for callback in callbacks:
            callback(study, trial)
    finally:
        study._thread_local.in_optimize_loop = False
    return study._stop_flag


def _plain(value):
    """Numbers that JSON takes."""
    if isinstance(value, dict):
        return {name: float(one) for name, one in value.items()}
    return float(value)


def _filled(value, error_score):
    return dict.fromkeys(value, error_score) if isinstance(value, dict) else error_score
