"""`AutoDistiller`: which small model to ship, against the plain one and the teacher.

Three uses of data are kept apart. Each student is searched on inner folds, and what is
chosen is chosen by the scores of these searches. What the leaderboard says of quality is
measured on held-out rows, which no search and no choice has seen. What is shipped is
refitted on all rows. The searches of all students share folds and one cache, so that the
teacher is fitted once for each of them.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.validation import check_is_fitted

from skdistill._estimators._delegation import share_tags
from skdistill._estimators._validation import check_extra_rows, check_rows
from skdistill._estimators._warnings import warn
from skdistill._sklearn.display import side_by_side
from skdistill._sklearn.params import HasMethods, Interval, StrOptions, fit_context
from skdistill._typing import (
    Array,
    Estimator,
    Floats,
    Rows,
    Sampler,
    Scoring,
    Seed,
    Splits,
    available_if,
)
from skdistill.auto._candidates import AUTO, check_students, named_students
from skdistill.auto._costs import check_latency_limit
from skdistill.auto._exploration import Exploration
from skdistill.auto._held_out import scoring_name
from skdistill.auto._leaderboard import Leaderboard
from skdistill.auto._provenance import held_out_in_words, provenance
from skdistill.auto._selection import choose, pareto_front, within_limits
from skdistill.classifier import DistilledClassifier
from skdistill.model_selection._folder import owned_folder
from skdistill.teachers import resolve_teacher
from skdistill.teachers._check import check_members
from skdistill.transfer import resolve_generator


def _best_has(method):
    """Whether the chosen model has a method; for `available_if`."""

    def check(self):
        if hasattr(self, "best_estimator_"):
            getattr(self.best_estimator_, method)
        return True

    return check


class AutoDistiller(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Explore students, and choose the one to ship.

    Each student is searched twice with the same budget, distilled and on hard labels
    alone; the leaderboard holds both, and the teacher. The chosen one, which may be a
    plain one, predicts.

    Parameters
    ----------
    teacher : classifier or list, default=None
        As in :class:`DistilledClassifier`, but None: the mean of a forest and of boosted
        trees, which takes all that the students of "auto" take. One that is fitted here
        gives out-of-fold, calibrated labels; in-sample ones if no class has 20 rows. A
        `FrozenEstimator` must not have seen X.
    students : "auto" or list, default="auto"
        Classifiers, ``(name, classifier)``, names of registered classes or of "auto", or
        dictionaries with "student" and any of "name", "temperature" and "alpha". "auto": a
        "tree" of depth 6, a "logistic" regression, "boosting" of 50 trees of 8 leaves and a
        "network", with encoding, imputation and scaling as X needs them.
    transfer, transfer_size
        As in :class:`DistilledClassifier`: rows that are generated and labelled by the
        teacher, for distilled students other than linear ones, which gain nothing.
    temperatures, alphas : array-like of float, default=None
        Every pair is a row of the leaderboard. None: searched in .5 to 5 and 0 to 1.
    n_trials : int, default=20
        Candidates tried for each student distilled, and as many for it plain; the pairs
        of `temperatures` and `alphas` share them. A student without a search space is
        tried as it is.
    timeout : float, default=None
        Seconds, shared out among the searches that are left, with one share for refits.
        The fit that runs when it is over is finished, one in each process, and no other is
        begun; what was not finished is a row with an error.
    scoring : str or callable, default=None
        What is searched and chosen by; None is ``"neg_log_loss"``.
    cv : int, splitter or iterable, default=None
        Rows held out for the estimates. None: a quarter, by class. More than one split
        repeats the searches in each (nested cross-validation) and once on all rows. A
        row may be held out once at most.
    max_bytes, max_latency_us : float, default=None
        Hard limits on the refitted student: length of its pickle, microseconds for a row.
        They choose among rows of the leaderboard; no search knows them. A latency below
        what the smallest scikit-learn model takes on this machine is refused at once.
    selection : {"best", "smallest", "one_se", "knee"} or callable, default="best"
        By the scores of the searches: the best; of those within `tolerance` of the best,
        or within one standard error of its folds, the one of fewest bytes; the point of
        the front farthest above the line between its ends. A callable takes the rows
        within the limits, as ``leaderboard_`` has them, and returns a position in them.
    tolerance : float, default=0.01
        For "smallest", in units of the score.
    n_jobs : int, default=None
        Fits of a search, and of the teacher's folds, in parallel.
    storage : str, path or optuna storage, default=None
        Keeps the searches, as in :class:`DistillationSearchCV`: `fit` on the same data,
        with an integer as `random_state`, goes on where it was. One for each data set.
    random_state : int, RandomState or None, default=None
        An integer gives the same leaderboard, times apart.
    verbose : int, default=0
        Above 0 a progress bar on standard error: trials done of all, the best score so
        far, time left. A report of it then shows its refits likewise.

    Attributes
    ----------
    leaderboard_ : Leaderboard
        A mapping of arrays, see :class:`skdistill.auto.Leaderboard`: a row for each
        student, distilled and plain, and for the teacher; best first by ``metric_``. Quality
        is that on held-out rows, with bootstrap intervals of 95 % over them (of the area to
        first order); size and time are those of the refitted student alone. Of several
        classes "f1" and "roc_auc" are the mean of those that are there.
    metric_ : str
    pareto_front_ : Leaderboard
        The rows on the front of search score, bytes and latency, the smallest first.
    best_estimator_ : DistilledClassifier
        The chosen one, refitted on all rows.
    best_student_ : classifier
        Its ``student_``, which is what is shipped.
    best_params_ : dict
    results_ : dict of DistillationSearchCV
        The search behind each row, by name.
    held_out_ : Bunch
        What the leaderboard was measured on. "test": positions in X of the rows held out,
        of all splits; "y", "sample_weight" and "groups" of these rows, None where not
        given; "proba": by name of the row, "teacher" too, the probabilities for them, of
        shape (n_held_out, n_classes). "train": the rows of the first split's other part.
    provenance_ : dict
        Plain values for a record: "begun" (ISO, UTC), "seconds"; "n_samples", "n_features",
        "feature_names", "classes", "class_counts", "data_hash" of X and y; "teacher",
        "teacher_hash" (None if it cannot be pickled); "random_state"; "versions";
        "held_out", how rows were held out, in words; "warnings", sentences on what makes
        the estimates too good.
    classes_, n_features_in_, feature_names_in_
        As in other classifiers.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import AutoDistiller
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> auto = AutoDistiller(
    ...     RandomForestClassifier(30),
    ...     [("tree", DecisionTreeClassifier(max_depth=3))],
    ...     n_trials=4,
    ...     random_state=0,
    ... ).fit(X, y)
    >>> sorted(auto.leaderboard_["name"].tolist())
    ['teacher', 'tree', 'tree, plain']
    """

    _doc_link_module = "skdistill"
    _doc_link_template = "https://skdistill.readthedocs.io/en/stable/auto.html"

    _parameter_constraints = {  # noqa: RUF012 (scikit-learn's protocol)
        "teacher": [HasMethods(["fit"]), list, None],
        "students": [StrOptions({"auto"}), list, tuple],
        "transfer": DistilledClassifier._parameter_constraints["transfer"],
        "transfer_size": DistilledClassifier._parameter_constraints["transfer_size"],
        "temperatures": ["array-like", None],
        "alphas": ["array-like", None],
        "n_trials": [Interval(Integral, 1, None, closed="left")],
        "timeout": [Interval(Real, 0, None, closed="left"), None],
        "scoring": [str, callable, None],
        "cv": ["cv_object"],
        "max_bytes": [Interval(Real, 0, None, closed="neither"), None],
        "max_latency_us": [Interval(Real, 0, None, closed="neither"), None],
        "selection": [StrOptions({"best", "smallest", "one_se", "knee"}), callable],
        "tolerance": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [Integral, None],
        "storage": [str, os.PathLike, HasMethods(["create_new_study"]), None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    classes_: Array
    n_features_in_: int
    feature_names_in_: Array
    leaderboard_: Leaderboard
    metric_: str
    pareto_front_: Leaderboard
    best_estimator_: DistilledClassifier
    best_params_: dict[str, Any]
    results_: dict[str, Any]
    held_out_: Any
    provenance_: dict[str, Any]

    def __init__(
        self,
        teacher: Estimator | Sequence[tuple[Any, ...]] | None = None,
        students: Literal["auto"]
        | Sequence[Estimator | str | tuple[str, Any] | Mapping[str, Any]] = "auto",
        *,
        transfer: str | Sampler | None = None,
        transfer_size: float = 5.0,
        temperatures: Sequence[float] | None = None,
        alphas: Sequence[float] | None = None,
        n_trials: int = 20,
        timeout: float | None = None,
        scoring: Scoring = None,
        cv: Splits = None,
        max_bytes: float | None = None,
        max_latency_us: float | None = None,
        selection: str | Callable[..., Any] = "best",
        tolerance: float = 0.01,
        n_jobs: int | None = None,
        storage: Any = None,
        random_state: Seed = None,
        verbose: int | bool = 0,
    ) -> None:
        self.teacher = teacher
        self.students = students
        self.transfer = transfer
        self.transfer_size = transfer_size
        self.temperatures = temperatures
        self.alphas = alphas
        self.n_trials = n_trials
        self.timeout = timeout
        self.scoring = scoring
        self.cv = cv
        self.max_bytes = max_bytes
        self.max_latency_us = max_latency_us
        self.selection = selection
        self.tolerance = tolerance
        self.n_jobs = n_jobs
        self.storage = storage
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Rows,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        teacher_proba: ArrayLike | None = None,
        X_unlabeled: Rows = None,
    ) -> Self:
        """Explore, measure, choose and refit.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            Weights fits and, of scorers that take it, the scores.
        groups : array-like of shape (n_samples,), default=None
            Rows of a group are held out, and resampled, together.
        teacher_proba : array-like or frame of shape (n_samples, n_classes), default=None
            Soft labels, of models that did not see their row; no teacher is called.
        X_unlabeled : rows like those of X, default=None
            Rows without a label, which the teacher labels for each distilled student. None
            may be one that is scored.

        Returns
        -------
        self : AutoDistiller

        Raises
        ------
        ValueError
            If a parameter has no meaning, before anything is fitted. If none meets the
            limits, `selection` returns no position, or time was over before a student was
            finished. Where no student could be fitted, the error of the first.
        KeyboardInterrupt
            On an interrupt, when all attributes have been set from what is finished then;
            none if no student is.
        """
        self.__dict__.pop("best_estimator_", None)
        begun = datetime.now(UTC)
        given = {"teacher_proba": teacher_proba, "X_unlabeled": X_unlabeled}
        if isinstance(self.teacher, list):
            check_members(self.teacher)
        check_students(self.students)
        check_latency_limit(self.max_latency_us)
        X, y, groups, given = self._checked(X, y, sample_weight, groups, given)
        self.metric_ = scoring_name(self.scoring or "neg_log_loss")
        with (
            config_context(enable_metadata_routing=False),
            owned_folder() as folder,
        ):
            run = Exploration(self, X, y, groups, given, folder)
            run.explore()
            self.leaderboard_ = run.leaderboard()
            self.results_, self._rows = run.searches, run.estimators
            self.held_out_ = run.held_out_rows()
            known = given | {"groups": groups}
            self.provenance_ = provenance(self, X, y, run.teacher, known, run.splits, begun)
            self.provenance_["held_out"] = held_out_in_words(self.cv, groups, run.splits)
            try:
                self._choose(run.models)
            finally:
                if run.interrupt is not None:
                    raise run.interrupt
        self._warn_of_a_weak_teacher()
        return self

    def _checked(self, X, y, sample_weight, groups, given):
        """Rows and what was given with them, where it was."""
        X, y, _, weight = check_rows(self, X, y, sample_weight, given["teacher_proba"])
        check_extra_rows(self, X, given["X_unlabeled"], self.transfer, given["teacher_proba"])
        given = {"sample_weight": weight} | given
        given = {name: value for name, value in given.items() if value is not None}
        return X, y, None if groups is None else np.asarray(groups), given

    def fit_candidate(
        self, row: int, X: Rows, y: ArrayLike, **fit_params: Any
    ) -> DistilledClassifier:
        """Refit a row of the leaderboard.

        Parameters
        ----------
        row : int or str
            Its position or name.
        X, y : array-like
        **fit_params : dict
            As in `DistilledClassifier.fit`.

        Returns
        -------
        DistilledClassifier
            With the parameters of the row; those of a row that failed are the given ones.
            The teacher itself for its row.
        """
        check_is_fitted(self, "leaderboard_")
        name = row if isinstance(row, str) else str(self.leaderboard_["name"][row])
        if name not in self._rows:
            raise ValueError(f"no row can be fitted as {name!r}; there are {list(self._rows)}")
        return clone(self._rows[name]).fit(X, y, **fit_params)

    def predict(self, X: Rows) -> Array:
        """Class of each row, by the chosen student.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return self.best_estimator_.predict(X)

    @available_if(_best_has("predict_proba"))
    def predict_proba(self, X: Rows) -> Floats:
        """Class probabilities, by the chosen student.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        return self.best_estimator_.predict_proba(X)

    @property
    def best_student_(self) -> Any:
        """The student that is shipped."""
        return self.best_estimator_.student_

    def _sk_visual_block_(self):
        """Teacher and students for notebooks and, once fitted, the one that was chosen."""
        shown = {"teacher": "made for X"}
        if self.teacher is not None:
            shown["teacher"] = resolve_teacher(self.teacher)
        students = [(name, None) for name in AUTO]
        if not isinstance(self.students, str):
            students = named_students(self.students)
        shown |= {name: "made for X" if one is None else one for name, one in students}
        if hasattr(self, "best_estimator_"):
            (name,) = self.leaderboard_["name"][self.leaderboard_["chosen"]]
            shown[f"chosen: {name}"] = self.best_student_
        return side_by_side(shown)

    def _warn_of_a_weak_teacher(self):
        """Where the student that was chosen does better without it, beyond chance."""
        board = self.leaderboard_
        (chosen,) = board["name"][board["chosen"]]
        row = board.row(board.row(chosen)["plain_twin"] or chosen)
        if row["error"] == "" and row["gap_to_teacher_high"] < 0:
            warn(
                f"the teacher's {self.metric_} is worse than that of "
                f"{board.in_prose(row['name'])}, the same student on hard labels, by "
                f"{-row['gap_to_teacher']:.4f}: a student can hardly learn from it; give a "
                "stronger teacher"
            )

    def __sklearn_is_fitted__(self):
        """Whether a student was chosen."""
        return hasattr(self, "best_estimator_")

    def __sklearn_tags__(self):
        """Input that all given estimators take; those made for X take tables."""
        found = [None]
        if not isinstance(self.students, str):
            found = [student for _, student in named_students(self.students)]
        given = [one for one in found if one is not None]
        fits_itself = self.teacher is None or len(given) < len(found)
        if self.teacher is not None:
            given.append(resolve_teacher(self.teacher))
        given.append(resolve_generator(self.transfer))
        tags = share_tags(super().__sklearn_tags__(), given)
        tags.input_tags.string &= not fits_itself
        return tags

    def _choose(self, models):
        board = self.leaderboard_
        board["on_front"] = pareto_front(board["search_score"], board)
        front = board.take(board["on_front"])
        self.pareto_front_ = front.take(np.argsort(front["bytes"], kind="stable"))
        limits = {"bytes": self.max_bytes, "latency_us": self.max_latency_us}
        allowed = within_limits(board, limits)
        best = allowed[choose(self.selection, board.take(allowed), self.tolerance)]
        board["chosen"][best] = True
        self.best_params_ = board["params"][best]
        self.best_estimator_ = models[board["name"][best]]
        _ = getattr(self.best_estimator_, "teacher_", None)  # out of the cache
        self.best_estimator_.set_params(memory=None)
