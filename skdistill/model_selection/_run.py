"""One search, from first trial to last: draws candidates, evaluates them, tells the study."""

import pickle
import time
from typing import Any, NamedTuple

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone

from skdistill._estimators._warnings import warn
from skdistill._sklearn.model_selection import all_fits_failed, check_refit
from skdistill.model_selection._spaces import Start, distilled_inside
from skdistill.model_selection._trials import was_scored
from skdistill.teachers import resolve_teacher

_OF_THE_STUDENT = ("temperature", "alpha", "refine", "scale_soft_loss", "student")


class _Candidate(NamedTuple):
    """A trial, its parameters with the shared cache, and what its teachers depend on."""

    trial: Any
    params: dict
    teacher_sees: frozenset | None


class Run:
    """The trials of one call of `fit`: asked for, evaluated, told."""

    def __init__(self, search, trials, space, folder, evaluate, progress):
        self.search = search
        self.trials = trials
        self.space = space
        self.folder = folder
        self.evaluate = evaluate
        self.progress = progress
        self.done = set()  # work of teachers, by what it depends on
        self.travels = {}
        self.failure = None

    def to_the_end(self):
        """Batches until there are `n_trials` or time is up; the last is of one.

        Wherever the search stands, the best candidate has been compared with the same one
        undistilled: the sampler alone would seldom draw an alpha of exactly 0.
        """
        search, begun = self.search, time.monotonic()
        for start in self.space.starts:
            self.trials.enqueue(start)
        over = False
        while not over and (left := self._left()) > 0:
            if not self._enqueue_undistilled() and left == 1:
                self._enqueue_last()
            before_last = left - bool(self.space.alphas)
            stopped = self._batch(max(1, min(search.batch_size, before_last)))
            late = search.timeout is not None and time.monotonic() - begun > search.timeout
            over = stopped or late
        if over and self._left() > 0 and self._enqueue_undistilled():
            self._batch(1)
        self.trials.read()
        if not any(was_scored(trial) for trial in self.trials.ended):
            raise self.failure or ValueError(
                f"no trial of study {self.trials.study.study_name!r} could be fitted"
            )

    def _left(self):
        self.trials.read()
        return self.search.n_trials - len(self.trials.ended)

    def _batch(self, size):
        """Ask, evaluate, tell; whether a callback or the sampler asks to stop."""
        asked = [self.trials.ask(self.space) for _ in range(size)]
        untold, stopped = dict.fromkeys(asked), False
        try:
            for wave in self._waves([self._candidate(trial) for trial in asked]):
                for candidate, splits in zip(wave, self._scored(wave), strict=True):
                    del untold[candidate.trial]
                    stopped |= self._tell(candidate.trial, splits)
        except Exception:
            for trial in untold:
                self.trials.tell(trial, None, np.nan)
            raise
        return stopped

    def _candidate(self, trial):
        params = self.space.params(trial.params)
        estimator = clone(self.search.estimator).set_params(**clone(params, safe=False))
        distilled = distilled_inside(estimator)
        unseen = tuple(f"{at}{name}__" for at, _ in distilled for name in _OF_THE_STUDENT)
        seen = [
            (name, trial.params[dimension.label])
            for name, dimension in self.space.dimensions(trial.params).items()
            if not f"{name}__".startswith(unseen)
        ]
        key = frozenset(seen)
        if key not in self.travels:
            self.travels[key] = all(
                self._travels(resolve_teacher(one.teacher), one.transfer)
                for _, one in distilled
            )
        if self.travels[key]:
            bare = [at for at, one in distilled if one.memory is None]
            params |= {f"{at}memory": self.folder for at in bare}
        return _Candidate(trial, params, key if distilled else None)

    def _travels(self, teacher, transfer):
        """Whether the teacher's work is shared; warns where it is not."""
        if not travels((teacher, transfer), self.search.n_jobs):
            warn(
                f"teacher={type(teacher).__name__} is fitted again for each candidate: to "
                "share its work, it and transfer must hold no lambda and, where n_jobs is not "
                "1, nothing defined in __main__; move classes and functions into a module",
            )
            return False
        return True

    def _waves(self, candidates):
        """First one candidate for each work of a teacher that nobody has done, then the rest.

        Those of a wave run at once, so that two of them might fit the same teacher.
        """
        first, rest = [], []
        for candidate in candidates:
            new = candidate.teacher_sees not in self.done
            (first if new or candidate.teacher_sees is None else rest).append(candidate)
            self.done.add(candidate.teacher_sees)
        return [wave for wave in (first, rest) if wave]

    def _scored(self, candidates):
        """What each split of each candidate gave; None for all if every fit failed."""
        try:
            return self.evaluate([candidate.params for candidate in candidates])
        except ValueError as error:
            if not all_fits_failed(error):
                raise
            self.failure = error
            return [None] * len(candidates)

    def _tell(self, trial, splits):
        """Whether a callback or the sampler asks to stop."""
        value = np.nan if splits is None else np.mean([self._objective(one) for one in splits])
        stop = self.trials.tell(trial, splits, value, self.search.callbacks or ())
        self.progress.told(value)
        return stop

    def _objective(self, split):
        """The score that the study maximises: of several that of `refit`, else the first."""
        scores = split["test_scores"]
        if not isinstance(scores, dict):
            return scores
        check_refit(self.search, scores)
        return scores[self.search._metric() or next(iter(scores))]

    def _enqueue_undistilled(self):
        """Let the best candidate's parameters be tried with alpha 0; whether that is new."""
        done = [t for t in self.trials.ended if t.state.name == "COMPLETE"]
        if not done or not self.space.alphas:
            return False
        best = max(done, key=lambda trial: trial.value)
        if not any(best.params.get(label) for label in self.space.alphas):
            return False
        undistilled = best.params | dict.fromkeys(self.space.alphas, 0.0)
        left_out = best.user_attrs.get("left_out", [])
        name = f"no distillation, else trial {best.number}"
        return self.trials.enqueue(Start(name, undistilled, left_out))

    def _enqueue_last(self):
        """Undistilled too, so that it cannot be a new best without a counterpart."""
        zeros = dict.fromkeys(self.space.alphas, 0.0)
        if zeros:
            name = f"no distillation, {self.search.n_trials} trials"
            self.trials.enqueue(Start(name, zeros, []))


def travels(teacher, n_jobs):
    """Whether each process can find the teacher's work in a cache.

    It is found by a pickle. Lambdas have none, and what was defined in
    ``__main__`` has one in this process only.

    Parameters
    ----------
    teacher : object
        The teacher, and what else its work depends on.
    n_jobs : int or None

    Returns
    -------
    bool
    """
    try:
        local = b"__main__" in pickle.dumps(teacher)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return not local or effective_n_jobs(n_jobs) == 1
