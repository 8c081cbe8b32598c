"""The trials of a study: asked for, told, and what they gave.

A trial keeps what each split gave, so that the results hold trials of earlier processes and
of those that run beside this one.
"""

import numpy as np
import optuna
from optuna.trial import TrialState

_SPLITS, _START, _LEFT_OUT = "splits", "start", "left_out"
_KEPT = ("test_scores", "train_scores", "fit_time", "score_time")


class Trials:
    """The trials of a study.

    Optuna writes each value when it is drawn, its samplers read all trials for each draw,
    and a database takes milliseconds for either. So the default sampler draws in a copy in
    memory, and a trial is written with all its values. A user's sampler may keep its state
    in the study, and draws there; what others enqueue in the study is asked for there.

    In the copy a running trial of another process counts as failed, which the sampler does
    not look at: if that process was killed, the trial runs for ever, and as a running one
    it would count as bad for ever.

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
        self._asked = set()  # numbers of the trials of this process
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
        seen = [self._seen(trial) for trial in stored]
        copied = self._copy.get_trials(deepcopy=False)
        if any(_no_longer(a, b) for a, b in zip(copied, seen, strict=False)):
            self._copy, copied = self._empty(), []
        for a, b in zip(copied, seen, strict=False):
            if a.state != b.state:
                self._copy.tell(a.number, b.values, b.state)
        self._copy.add_trials(seen[len(copied) :])

    def _seen(self, trial):
        """A trial as the copy holds it."""
        if trial.state.is_finished() or trial.number in self._asked:
            return trial
        return optuna.trial.create_trial(
            state=TrialState.FAIL, params=trial.params, distributions=trial.distributions
        )

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
        if study is not self.study:
            trial = self._written(trial)
        self._asked.add(trial.number)
        return trial

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


def _no_longer(copied, seen):
    """Whether a copy of a trial is wrong: another process wrote first, or has ended it."""
    ended_since = copied.state.is_finished() and copied.state != seen.state
    return ended_since or copied.params != seen.params


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
