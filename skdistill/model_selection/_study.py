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
from optuna.storages import InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import TrialState
from sklearn.base import clone

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
    nor when several processes share a study under one seed, but for one draw when a
    process joins. Parameters are drawn jointly, in groups where a space is conditional,
    and trials still running count as bad, so that those of a batch differ.

    Parameters
    ----------
    seed : int

    Attributes
    ----------
    number : int
        To be set before each draw: what follows the last trial of this process.
    """

    def __init__(self, seed):
        self._seed = seed
        self.number = 0

    def before_trial(self, study, trial):
        """Make the sampler of this trial."""
        seed = np.random.SeedSequence([self._seed, self.number]).generate_state(1)[0]
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


def open_storage(given):
    """Where a study is kept.

    Parameters
    ----------
    given : str, path, optuna storage or None
        A URL, else the path of a journal file; None: memory.

    Returns
    -------
    optuna storage
    """
    if given is None:
        return InMemoryStorage()
    if isinstance(given, str) and "://" in given:
        return _open_database(given)
    if isinstance(given, str | os.PathLike):
        return JournalStorage(JournalFileBackend(os.fspath(given)))
    return given


def open_study(storage, study_name, sampler):
    """The study of a name, new unless it is there."""
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
        If the study has another mark, or none and trials or another direction.
    """
    known = study.user_attrs.get(_FINGERPRINT)
    maximised = study.directions == [StudyDirection.MAXIMIZE]
    if known is None and maximised and not study.get_trials(deepcopy=False):
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


class Trials:
    """The trials of a study.

    Optuna writes each value when it is drawn, its samplers read all trials for each draw,
    and a database takes milliseconds for either. So the default sampler draws in a copy in
    memory, and a trial is written with all its values. A user's sampler may keep its state
    in the study, and draws there; what others enqueue in the study is asked for there.

    Parameters
    ----------
    study : optuna.Study
    storage : optuna storage
        Of the study.
    sampler : TPEByNumber, default=None
        Draws in a copy. None: the study's own draws, in the study.

    Attributes
    ----------
    ended : list of optuna.trial.FrozenTrial
        When last read: failed ones and those of other processes too, by number.
    """

    def __init__(self, study, storage, sampler=None):
        self.study = study
        self._storage = storage
        self._study_id = storage.get_study_id_from_name(study.study_name)
        self._sampler = sampler
        self._copy = None if sampler is None else self._empty()
        self._queue = []
        self.read()
        begun = len(study.get_trials(deepcopy=False))
        if sampler is not None:
            sampler.number = begun
        elif begun:
            study.sampler.reseed_rng()  # else it draws what it has drawn before

    def _empty(self):
        return optuna.create_study(sampler=self._sampler, direction="maximize")

    def read(self):
        """Bring what has ended, and the copy, up to date."""
        trials = self.study.get_trials(deepcopy=False)
        stored = [trial for trial in trials if trial.state != TrialState.WAITING]
        self.ended = [trial for trial in stored if trial.state.is_finished()]
        self._waiting = len(stored) < len(trials)
        if self._copy is None:
            return
        copied = self._copy.get_trials(deepcopy=False)
        if any(a.params != b.params for a, b in zip(copied, stored, strict=False)):
            self._copy, copied = self._empty(), []  # another process wrote first
        for a, b in zip(copied, stored, strict=False):
            if a.state != b.state:
                self._copy.tell(a.number, b.values, b.state)
        self._copy.add_trials(stored[len(copied) :])

    def enqueue(self, start):
        """Let a `Start` be tried next, unless it is queued or was tried; whether it is new.

        One that is running elsewhere is new: it may be of a process that was killed.
        """
        tried = [trial.user_attrs.get(_START) for trial in self.ended]
        if start.name in [*tried, *(queued.name for queued in self._queue)]:
            return False
        self._queue.append(start)
        return True

    def ask(self, space):
        """A new trial, its values of a `Space` drawn."""
        self.read()
        study = self.study if self._copy is None or self._waiting else self._copy
        if self._queue:
            start = self._queue.pop(0)
            attrs = {_START: start.name, _LEFT_OUT: start.left_out}
            study.enqueue_trial(start.values, attrs)
        trial = study.ask()
        space.suggest(trial, trial.user_attrs.get(_LEFT_OUT, ()))
        return trial if study is self.study else self._written(trial)

    def _written(self, trial):
        drawn = self._copy.get_trials(deepcopy=False)[trial.number]
        trial_id = self._storage.create_new_trial(self._study_id, drawn)
        written = optuna.Trial(self.study, trial_id)
        self._sampler.number = written.number + 1
        return written

    def tell(self, trial, splits, value, callbacks=()):
        """Finish a trial; whether a callback or the sampler asks to stop.

        `Study.stop` refuses outside `Study.optimize` and only raises a flag there. Checked
        on Optuna 4.0 and 5.0.

        Parameters
        ----------
        trial : optuna.Trial
        splits : list of dict or None
            What each split gave.
        value : float
            Unless it is finite the trial has failed.
        callbacks : iterable of callable, default=()
        """
        if splits is not None:
            kept = [{k: _plain(one[k]) for k in _KEPT if k in one} for one in splits]
            trial.set_user_attr(_SPLITS, kept)
        told = {"values": float(value)} if np.isfinite(value) else {"state": TrialState.FAIL}
        study = self.study
        study._stop_flag, study._thread_local.in_optimize_loop = False, True
        try:
            ended = study.tell(trial, **told)
            for callback in callbacks:
                callback(study, ended)
        finally:
            study._thread_local.in_optimize_loop = False
        return study._stop_flag


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


def _plain(value):
    """Numbers that JSON takes."""
    if isinstance(value, dict):
        return {name: float(one) for name, one in value.items()}
    return float(value)


def _filled(value, error_score):
    return dict.fromkeys(value, error_score) if isinstance(value, dict) else error_score
