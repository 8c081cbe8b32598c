"""The rows of a leaderboard: each candidate searched, measured on held-out rows, refitted.

All candidates share the splits and one cache of the teacher's work. What fails is a row
that says so.
"""

import time

import numpy as np
from sklearn.base import clone
from sklearn.utils import Bunch, check_random_state
from tqdm import tqdm

from skdistill._estimators._inside import is_linear
from skdistill._sklearn.validation import num_samples, take_params, take_rows
from skdistill.auto._candidates import candidates
from skdistill.auto._defaults import auto_teacher
from skdistill.auto._held_out import HeldOut, interval
from skdistill.auto._splits import inner_folds, outer_splits, quiet_about_rare_classes
from skdistill.classifier import DistilledClassifier
from skdistill.footprint import latency, n_bytes, n_parameters
from skdistill.model_selection._run import travels
from skdistill.model_selection._search import DistillationSearchCV
from skdistill.model_selection._spaces import family_space
from skdistill.scorers import NegLogLoss
from skdistill.teachers import resolve_teacher
from skdistill.teachers._ask import ask, ask_teacher
from skdistill.teachers._check import is_frozen
from skdistill.teachers._given import check_teacher_proba

_ENOUGH = 20  # rows of the largest class: then each of the teacher's folds has one
_TEACHER = "teacher"
_TEXT = ("name", "family", "kind", "error", "fit_path")


class _OutOfTimeError(Exception):
    """The timeout was over before the next search."""


class _Search(DistillationSearchCV):
    """A search of one row of the leaderboard."""

    space = None

    def __getstate__(self):
        """Leave the progress bar behind: the processes of a search get a copy."""
        return super().__getstate__() | {"callbacks": None}

    def _space(self):
        return self.space

    def _own_scorer(self):
        own = self.scoring in (None, "neg_log_loss")
        return NegLogLoss(of_scores=True) if own else None


class Exploration:
    """What one call of `AutoDistiller.fit` does before it chooses.

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
        self.teacher = _teacher(auto, X, given)
        sees = self.teacher, auto.transfer
        self.memory = folder if travels(sees, auto.n_jobs) else None
        seeds = check_random_state(auto.random_state).randint(np.iinfo(np.int32).max, size=3)
        self.seed, split_seed, bootstrap_seed = seeds.tolist()
        self.candidates = candidates(auto.students, X, auto.temperatures, auto.alphas)
        self.splits = outer_splits(auto.cv, X, y, groups, split_seed)
        self.tested = np.concatenate([test for _, test in self.splits])
        if len(np.unique(self.tested)) < len(self.tested):
            raise ValueError(
                f"cv={auto.cv!r} holds a row out more than once, and an interval would count "
                "it as several; use a splitter that tests each row once"
            )
        # what is searched on, with its folds: each training part, and all rows if several
        parts = [train for train, _ in self.splits]
        parts += [np.arange(len(y))] * (len(parts) > 1)
        self.parts = [(rows, inner_folds(y, groups, rows, split_seed)) for rows in parts]
        weight = given.get("sample_weight")
        self.held_out = HeldOut(
            take_rows(X, self.tested),
            y[self.tested],
            auto.classes_,
            auto.scoring or "neg_log_loss",
            sample_weight=None if weight is None else weight[self.tested],
            groups=None if groups is None else groups[self.tested],
            seed=bootstrap_seed,
        )
        self.labelling = _labelling(self.teacher, y, given)
        self.teacher_proba = {}
        self.estimators = {one.name: self._estimator(one) for one in self.candidates}
        self.rows, self.proba, self.draws = [], {}, {}
        self.searches, self.models, self.failures = {}, {}, []
        self.interrupt = None
        self.begun = time.monotonic()

    def explore(self):
        """Search, measure and refit each candidate, then measure the teacher.

        An interrupt leaves the rest out, once there is a student.
        """
        planned = [self._trials(candidate) * len(self.parts) for candidate in self.candidates]
        bar = tqdm(total=sum(planned), unit="trial", disable=not self.auto.verbose)
        with bar as self.progress, quiet_about_rare_classes():
            for number, candidate in enumerate(self.candidates):
                self.left = (len(self.candidates) - number) * len(self.parts)  # searches
                self.progress.set_description(candidate.name)
                self.rows.append(self._row(candidate))
                self.progress.update(sum(planned[: number + 1]) - self.progress.n)
            if not self.models:
                first = self.failures[0]
                first.add_note("no student could be fitted; this is the error of the first")
                raise first
            self._measure_teacher()

    def leaderboard(self):
        """Columns, the best row first."""
        metric = self.held_out.metric
        for row in self.rows:
            row |= self._compared(row)
        self.rows.sort(key=lambda row: np.nan_to_num(-row.get(metric, np.nan), nan=np.inf))
        names = dict.fromkeys(name for row in self.rows for name in row)
        for internal in ("student", "temperature", "alpha", "share"):
            del names[internal]
        board = {name: _column(name, self.rows) for name in names}
        return board | {"chosen": np.zeros(len(self.rows), dtype=bool)}

    def held_out_rows(self):
        """What the leaderboard was measured on, and what each row of it predicts there."""
        held_out = self.held_out
        return Bunch(
            train=self.splits[0][0],
            test=self.tested,
            y=held_out.y,
            sample_weight=held_out.weight,
            groups=held_out.groups,
            proba=self.proba,
        )

    def _estimator(self, candidate):
        fixed = {"temperature": candidate.temperature, "alpha": candidate.alpha}
        return DistilledClassifier(
            self.teacher,
            clone(candidate.student),
            transfer=None if is_linear(candidate.student) else self.auto.transfer,
            transfer_size=self.auto.transfer_size,
            random_state=self.seed,
            **self.labelling,
            **{name: value for name, value in fixed.items() if value is not None},
        )

    def _row(self, candidate):
        row = candidate._asdict() | {"error": "", "params": {}}
        try:
            if self.interrupt is None:
                row |= self._explore(candidate)
        except _OutOfTimeError as error:
            row["error"] = str(error)
        except Exception as error:
            self.failures.append(error)
            row["error"] = _told(error)
        except KeyboardInterrupt as interrupt:
            if not self.models:
                raise
            self.interrupt = interrupt
        if self.interrupt is not None:
            row["error"] = "interrupted before it was finished"
        return row

    def _explore(self, candidate):
        proba, searches = [], []
        for number, (_, test) in enumerate(self.splits):
            searches.append(self._search(candidate, number))
            model = self._fit(searches[-1], self.parts[number][0])
            proba.append(self._ask(model, test))
            self._ask_teacher(model, number, test)
        if len(self.parts) > 1:
            searches.append(self._search(candidate, len(self.splits)))
        search = searches[-1]
        model = self._fit(search, np.arange(len(self.y)))
        row = _searched(search) | {"params": self._params(candidate, search)}
        costs = _footprint(model.student_, self.X) | {"fit_path": model.fit_path_}
        row |= self._measured(candidate.name, np.concatenate(proba)) | costs
        search.set_params(estimator__memory=None, callbacks=None)
        self.searches[candidate.name], self.models[candidate.name] = search, model
        self.estimators[candidate.name].set_params(**row["params"])
        return row

    def _search(self, candidate, number):
        auto, (rows, folds) = self.auto, self.parts[number]
        left = self._time_left("not finished" if number else "not begun")
        pinned = [n for n in ("temperature", "alpha") if getattr(candidate, n) is not None]
        estimator = self.estimators[candidate.name]
        space = family_space(estimator, pinned)
        name = f"{candidate.name}, part {number}"
        search = _Search(
            clone(estimator).set_params(memory=self.memory),
            n_trials=self._trials(candidate) if space.branches[0] else 1,
            timeout=left,
            scoring=auto.scoring,
            cv=folds,
            refit=False,
            n_jobs=auto.n_jobs,
            storage=auto.storage,
            study_name=None if auto.storage is None else name,
            callbacks=[lambda study, trial: self.progress.update()],
            random_state=self.seed,
        )
        search.space = space
        search.fit(*self._take(rows), **self._metadata(rows))
        self.left -= 1
        return search

    def _trials(self, candidate):
        return -(-self.auto.n_trials // candidate.share)

    def _time_left(self, state):
        """A fair share of it for the next search of a row in this state."""
        if self.auto.timeout is None:
            return None
        left = self.begun + self.auto.timeout - time.monotonic()
        if left < 0 and self.models:
            raise _OutOfTimeError(f"{state}: timeout={self.auto.timeout:g} was over")
        return max(left, 0) / self.left

    def _fit(self, search, rows):
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

    def _ask(self, model, test, by=ask):
        return by(model, take_rows(self.X, test), self.auto.classes_, fill=True)

    def _ask_teacher(self, model, number, test):
        """Its probabilities for held-out rows; the first model that has it tells."""
        if number in self.teacher_proba:
            return
        if "teacher_proba" in self.given:
            n_samples, proba = len(self.y), self.given["teacher_proba"]
            self.teacher_proba[number] = check_teacher_proba(
                proba, n_samples, self.auto.classes_
            )[test]
        else:
            self.teacher_proba[number] = self._ask(model.teacher_, test, ask_teacher)

    def _measured(self, name, proba):
        teacher = np.concatenate([self.teacher_proba[i] for i in range(len(self.splits))])
        columns, self.draws[name] = self.held_out.measure(proba, teacher)
        self.proba[name] = proba
        return columns

    def _params(self, candidate, search):
        own = {"temperature": candidate.temperature, "alpha": candidate.alpha}
        return {name: v for name, v in own.items() if v is not None} | search.best_params_

    def _measure_teacher(self):
        proba = np.concatenate([self.teacher_proba[i] for i in range(len(self.splits))])
        row = {"name": _TEACHER, "family": _TEACHER, "kind": _TEACHER, "error": ""}
        row |= {"params": {}, "fit_path": ""} | self._measured(_TEACHER, proba)
        if "teacher_proba" not in self.given:
            model = next(iter(self.models.values()))
            self.estimators[_TEACHER] = resolve_teacher(model.teacher, model.n_jobs)
            try:
                row |= _footprint(model.teacher_, self.X)
            except Exception as error:  # one that cannot be pickled has no size
                row["error"] = _told(error)
        self.rows.append(row)

    def _compared(self, row):
        """Paired differences of the main metric, with their intervals."""
        metric, columns = self.held_out.metric, {}
        known = {other["name"]: other for other in self.rows if other["name"] in self.draws}
        for column, ours, theirs in (
            ("gain_over_plain", row["name"], f"{row['family']}, plain"),
            ("gap_to_teacher", _TEACHER, row["name"]),
        ):
            columns[column], draws = np.nan, np.empty(0)
            if ours != theirs and ours in known and theirs in known:
                columns[column] = known[ours][metric] - known[theirs][metric]
                draws = self.draws[ours] - self.draws[theirs]
            columns |= interval(column, draws)
        return columns


def _teacher(auto, X, given):
    """The one that was given, else one that fits itself to X, where any is asked."""
    if auto.teacher is None and "teacher_proba" not in given:
        return auto_teacher(X)
    return auto.teacher


def _labelling(teacher, y, given):
    """Out-of-fold, calibrated labels, where the teacher is fitted here and rows suffice."""
    _, counts = np.unique(y, return_counts=True)
    if is_frozen(teacher) or "teacher_proba" in given or counts.max() < _ENOUGH:
        return {}
    return {"cv": "auto", "calibrate_teacher": True}


def _footprint(estimator, X):
    method = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
    parameters = n_parameters(estimator)
    return {
        "bytes": float(n_bytes(estimator)),
        "n_parameters": np.nan if parameters is None else float(parameters),
        "latency_us": 1e6 * latency(estimator, X, method=method),
    }


def _told(error):
    return f"{type(error).__name__}: {error}"


def _searched(search):
    """Score of the best candidate, its standard error over the folds, number of trials."""
    spread = search.cv_results_["std_test_score"][search.best_index_]
    return {
        "search_score": float(search.best_score_),
        "search_se": float(spread / np.sqrt(search.n_splits_ - 1)),
        "n_trials": float(len(search.cv_results_["params"])),
    }


def _column(name, rows):
    """NaN, or an empty text, where a row has nothing."""
    if name == "params":
        column = np.empty(len(rows), dtype=object)
        column[:] = [row[name] for row in rows]
        return column
    empty = "" if name in _TEXT else np.nan
    return np.array([row.get(name, empty) for row in rows])
