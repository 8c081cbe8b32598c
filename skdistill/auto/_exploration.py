"""The rows of a leaderboard: each candidate searched, measured on held-out rows, refitted.

All candidates share the splits and one cache of the teacher's work. What fails, or is not
finished in time, is a row that says so.
"""

import numpy as np
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.utils import Bunch, check_random_state

from skdistill._estimators._inside import is_linear
from skdistill._sklearn.validation import num_samples, take_params, take_rows
from skdistill.auto._candidates import candidates
from skdistill.auto._clock import Bar, Clock, OutOfTime, Until, interrupt_behind
from skdistill.auto._costs import latencies_of, sizes
from skdistill.auto._defaults import auto_teacher
from skdistill.auto._held_out import HeldOut
from skdistill.auto._leaderboard import TEACHER, leaderboard
from skdistill.auto._splits import inner_folds, outer_splits, quiet_about_what_is_told
from skdistill.classifier import DistilledClassifier
from skdistill.model_selection._run import travels
from skdistill.model_selection._search import DistillationSearchCV
from skdistill.model_selection._spaces import Start, family_space
from skdistill.scorers import NegLogLoss
from skdistill.teachers import ask, ask_teacher, is_frozen, resolve_teacher
from skdistill.teachers._given import check_teacher_proba

_ENOUGH = 20  # rows of the largest class: then each of the teacher's folds has one
_PROBA = "teacher_proba"
_INTERRUPTED = "interrupted before it was finished"


class Exploration:
    """Search, fit and measure all candidates: what `AutoDistiller.fit` does before it chooses.

    Parameters
    ----------
    auto : AutoDistiller
        With ``classes_``.
    X, y : array-like
    groups : ndarray of shape (n_samples,) or None
    given : dict
        "sample_weight", "teacher_proba" and "X_unlabeled", where there are.
    folder : str
        Of the shared cache.

    Attributes
    ----------
    searches, models, estimators : dict
        By name of the row: the search, the model fitted on all rows, and that model
        unfitted, which is there for rows that failed too.
    interrupt : KeyboardInterrupt or None
        What ended it early.
    """

    def __init__(self, auto, X, y, groups, given, folder):
        self.auto, self.X, self.y, self.given = auto, X, y, given
        self.clock = Clock(auto.timeout)
        self.teacher = _teacher(auto, X, given)
        sees = self.teacher, auto.transfer
        self.memory = folder if travels(sees, auto.n_jobs) else None
        seeds = check_random_state(auto.random_state).randint(np.iinfo(np.int32).max, size=3)
        self.seed, split_seed, bootstrap_seed = seeds.tolist()
        self.scorer = _scorer(auto.scoring)
        self.candidates = candidates(auto.students, X, auto.temperatures, auto.alphas)
        self.splits = outer_splits(auto.cv, X, y, groups, split_seed)
        self.tested = np.concatenate([test for _, test in self.splits])
        self.parts = _parts(self.splits, y, groups, split_seed)
        self.held_out = self._held_out(groups, bootstrap_seed)
        self.held_out.check_scoring()
        self.labelling = _labelling(self.teacher, y, given)
        self.estimators = {one.name: self._estimator(one) for one in self.candidates}
        self.teacher_proba, self.best_trials = {}, {}
        self.rows, self.proba, self.draws = [], {}, {}
        self.searches, self.models, self.failures = {}, {}, []
        self.interrupt = None

    def explore(self):
        """Search, measure and refit each candidate, then measure the teacher and the costs.

        An interrupt leaves the rest out, once there is a student.

        Raises
        ------
        Exception
            Of the first student, if none could be fitted.
        ValueError
            If time was over before one was.
        """
        planned = [self._trials(candidate) * len(self.parts) for candidate in self.candidates]
        with Bar(planned, self.auto.verbose > 0) as self.bar, quiet_about_what_is_told():
            for number, candidate in enumerate(self.candidates):
                self.left = (len(self.candidates) - number) * len(self.parts)  # searches
                self.bar.begin(candidate.name)
                self.rows.append(self._row(candidate))
                self.bar.end(number)
            if not self.models:
                self._raise_why()
            self._measure_teacher()
            self._measure_latencies()

    def leaderboard(self):
        """The rows, compared with their plain twins and the teacher; the best first.

        Returns
        -------
        Leaderboard
        """
        return leaderboard(self.rows, self.held_out.metric, self.draws)

    def held_out_rows(self):
        """The rows that the leaderboard was measured on, and the predictions of each row."""
        held_out = self.held_out
        return Bunch(
            train=self.splits[0][0],
            test=self.tested,
            y=held_out.y,
            sample_weight=held_out.weight,
            groups=held_out.groups,
            proba=self.proba,
        )

    def _held_out(self, groups, seed):
        weight = self.given.get("sample_weight")
        return HeldOut(
            take_rows(self.X, self.tested),
            self.y[self.tested],
            self.auto.classes_,
            self.auto.scoring or "neg_log_loss",
            sample_weight=None if weight is None else weight[self.tested],
            groups=None if groups is None else groups[self.tested],
            seed=seed,
        )

    def _estimator(self, candidate):
        return DistilledClassifier(
            self.teacher,
            clone(candidate.student),
            transfer=None if is_linear(candidate.student) else self.auto.transfer,
            transfer_size=self.auto.transfer_size,
            random_state=self.seed,
            **self.labelling,
            **_pinned(candidate),
        )

    # One row ---------------------------------------------------------------------------

    def _row(self, candidate):
        names = ("name", "family", "kind", "plain_twin")
        row = {name: getattr(candidate, name) for name in names}
        if self.interrupt is not None:
            return row | {"error": _INTERRUPTED}
        try:
            return row | self._explore(candidate)
        except (Exception, KeyboardInterrupt) as error:
            return row | {"error": self._reason(error)}

    def _reason(self, error):
        """Why a row is not finished; an interrupt before there is a student goes on."""
        interrupt = interrupt_behind(error)
        if interrupt is None:
            self.failures.append(error)
            return _in_words(error)
        if isinstance(interrupt, OutOfTime):
            return f"not finished: timeout={self.auto.timeout:g} was over"
        if not self.models:
            raise interrupt
        self.interrupt = interrupt
        return _INTERRUPTED

    def _raise_why(self):
        """Why there is no student."""
        if not self.failures:
            raise ValueError(
                f"timeout={self.auto.timeout:g} was over before one student was finished; "
                "raise it, or give quicker students or fewer rows"
            )
        first = self.failures[0]
        first.add_note("no student could be fitted; this is the error of the first")
        raise first

    def _explore(self, candidate):
        proba = []
        for number, (_, test) in enumerate(self.splits):
            search = self._search(candidate, number)
            model = self._fit(search, self.parts[number][0])
            proba.append(self._ask(model, test))
            self._ask_teacher(model, number, test)
        if len(self.parts) > 1:
            search = self._search(candidate, len(self.splits))
        model = self._fit(search, np.arange(len(self.y)))
        params = _pinned(candidate) | search.best_params_
        row = _searched(search) | {"params": params, "fit_path": model.fit_path_}
        row |= sizes(model.student_) | self._measured(candidate.name, np.concatenate(proba))
        search.set_params(estimator__memory=None, callbacks=None, scoring=self.scorer)
        self.searches[candidate.name], self.models[candidate.name] = search, model
        self.estimators[candidate.name].set_params(**params)
        return row

    def _search(self, candidate, number):
        self.clock.check()
        auto, (rows, folds) = self.auto, self.parts[number]
        space = self._space(candidate, number)
        search = DistillationSearchCV(
            clone(self.estimators[candidate.name]).set_params(memory=self.memory),
            space,
            n_trials=self._trials(candidate) if space.branches[0] else 1,
            # where time counts, none is given to a batch that the search may not finish
            **({} if auto.timeout is None else {"batch_size": 1}),
            timeout=self.clock.share(self.left),
            scoring=Until(self.scorer, self.clock.deadline),
            cv=folds,
            refit=False,
            n_jobs=auto.n_jobs,
            storage=auto.storage,
            study_name=None if auto.storage is None else f"{candidate.name}, part {number}",
            callbacks=[self.bar],
            random_state=self.seed,
        )
        search.fit(*self._take(rows), **self._metadata(rows))
        self.left -= 1
        self._keep_best_trial(candidate, number, search)
        return search

    def _space(self, candidate, number):
        """A plain student also tries what was best for it distilled."""
        space = family_space(self.estimators[candidate.name], _pinned(candidate))
        best = self.best_trials.get((candidate.name, number))
        if best is None or not space.branches[0]:
            return space
        return space._replace(starts=[*space.starts, best[1]])

    def _keep_best_trial(self, candidate, number, search):
        """The student's own parameters in the best trial, for its plain twin."""
        key, score = (candidate.plain_twin, number), search.best_score_
        if candidate.kind == "plain" or not score > self.best_trials.get(key, (-np.inf,))[0]:
            return  # a score of NaN too
        trial = search.study_.best_trial
        values = {k: v for k, v in trial.params.items() if k.startswith("student__")}
        left_out = [
            name
            for name in trial.user_attrs.get("left_out", [])
            if name.startswith("student__")
        ]
        self.best_trials[key] = score, Start("best of the distilled", values, left_out)

    def _trials(self, candidate):
        return -(-self.auto.n_trials // candidate.share)

    def _fit(self, search, rows):
        self.clock.check()
        model = clone(search.estimator).set_params(**clone(search.best_params_, safe=False))
        model.set_params(n_jobs=self.auto.n_jobs)  # no other fit beside this one
        return model.fit(*self._take(rows), **self._metadata(rows))

    def _take(self, rows):
        return take_rows(self.X, rows), self.y[rows]

    def _metadata(self, rows):
        """What else ``fit`` is given for some rows; unlabelled rows belong to none of X."""
        given = dict(self.given)
        extra = given.pop("X_unlabeled", None)
        given = take_params(self.X, given, rows)
        if extra is not None:
            n_extra = num_samples(extra)
            # of as many as there are rows, a cross-validation would take a part
            n_extra -= n_extra == len(rows)
            given["X_unlabeled"] = take_rows(extra, np.arange(n_extra))
        return given

    # Measures --------------------------------------------------------------------------

    def _ask(self, model, test, by=ask, **how):
        return by(model, take_rows(self.X, test), self.auto.classes_, fill=True, **how)

    def _ask_teacher(self, model, number, test):
        """The teacher's probabilities for held-out rows, once for each split."""
        if number in self.teacher_proba:
            return
        if _PROBA in self.given:
            proba = self.given[_PROBA]
            proba = check_teacher_proba(proba, len(self.y), self.auto.classes_)[test]
        else:
            proba = self._ask(model.teacher_, test, ask_teacher, known=model.classes_)
        self.teacher_proba[number] = proba

    def _measured(self, name, proba):
        teacher = np.concatenate([self.teacher_proba[i] for i in range(len(self.splits))])
        columns, self.draws[name] = self.held_out.measure(proba, teacher)
        self.proba[name] = proba
        return columns

    def _measure_teacher(self):
        proba = np.concatenate([self.teacher_proba[i] for i in range(len(self.splits))])
        row = dict.fromkeys(("name", "family", "kind"), TEACHER)
        row |= self._measured(TEACHER, proba)
        if _PROBA not in self.given:
            model = next(iter(self.models.values()))
            self.estimators[TEACHER] = resolve_teacher(model.teacher, model.n_jobs)
            try:
                row |= sizes(model.teacher_)
            except Exception as error:  # one that cannot be pickled has no size
                row["error"] = _in_words(error)
        self.rows.append(row)

    def _measure_latencies(self):
        """Time all fitted models in turn, so that a busy machine slows all of them."""
        fitted = {name: model.student_ for name, model in self.models.items()}
        if _PROBA not in self.given:
            fitted[TEACHER] = next(iter(self.models.values())).teacher_
        found = latencies_of(fitted, self.X)
        for row in self.rows:
            row |= found.get(row["name"], {})


def _teacher(auto, X, given):
    """The teacher that was given; else one made for X, unless soft labels were given."""
    if auto.teacher is None and _PROBA not in given:
        return auto_teacher(X)
    return auto.teacher


def _scorer(scoring):
    if scoring in (None, "neg_log_loss"):
        return NegLogLoss(of_scores=True)
    return get_scorer(scoring)


def _parts(splits, y, groups, seed):
    """Rows that are searched on, with their folds: each training part; of several, all too."""
    parts = [train for train, _ in splits]
    parts += [np.arange(len(y))] * (len(parts) > 1)
    return [(rows, inner_folds(y, groups, rows, seed)) for rows in parts]


def _labelling(teacher, y, given):
    """Out-of-fold, calibrated labels, where a teacher is fitted and each fold has rows."""
    _, counts = np.unique(y, return_counts=True)
    if is_frozen(teacher) or _PROBA in given or counts.max() < _ENOUGH:
        return {}
    return {"cv": "auto", "calibrate_teacher": True}


def _pinned(candidate):
    """Temperature and alpha, where they are not searched."""
    both = {"temperature": candidate.temperature, "alpha": candidate.alpha}
    return {name: value for name, value in both.items() if value is not None}


def _in_words(error):
    return f"{type(error).__name__}: {error}"


def _searched(search):
    """Score of the best candidate, its standard error over the folds, number of trials."""
    spread = search.cv_results_["std_test_score"][search.best_index_]
    return {
        "search_score": float(search.best_score_),
        "search_se": float(spread / np.sqrt(search.n_splits_ - 1)),
        "n_trials": float(len(search.cv_results_["params"])),
    }
