"""`DistilledClassifier`: a student fitted to a teacher, as one scikit-learn classifier.

One flow: teacher labels, bound loss, `fit_student`. Predicting calls ``student_`` and
nothing else.
"""

from collections.abc import Sequence
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted, validate_data

from skdistill._distillation import (
    assemble,
    bind,
    choose_splitters,
    draw_seeds,
    fit,
    label,
    label_as_given,
    may_refine,
)
from skdistill._estimators._classes import decode, proba_in_order, scores_in_order
from skdistill._estimators._delegation import share_tags, weight_name
from skdistill._estimators._params import check_clonable
from skdistill._estimators._validation import (
    check_extra_rows,
    check_finite,
    check_numbers,
    check_rows,
    check_shape,
)
from skdistill._estimators._warnings import warn
from skdistill._sklearn.params import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    fit_context,
    print_elapsed_time,
)
from skdistill._sklearn.validation import num_samples
from skdistill._typing import (
    Array,
    Cache,
    Estimator,
    Floats,
    Rows,
    Sampler,
    Seed,
    Splits,
    available_if,
)
from skdistill.loss import LossParts
from skdistill.students import check_refine, check_student, resolve_student
from skdistill.students._routing import check_fit_params, requested_weight
from skdistill.teachers import (
    ask_fitted,
    class_frequencies,
    forget_cache,
    is_frozen,
    resolve_teacher,
)
from skdistill.teachers._check import check_members, members_of
from skdistill.transfer import GENERATORS, resolve_generator

_SLICED = (
    "X_unlabeled has exactly as many rows as X: a cross-validation would slice it as if its "
    "rows belonged to those of X; leave one out"
)
_FITTED = (
    "student_", "fit_path_", "loss_", "loss_curve_", "teacher_temperature_",
    "_fitted_teacher",
)  # fmt: skip


class _Routed(NamedTuple):
    """Metadata by receiver; `weight` is what the loss is weighted by."""

    teacher: dict
    student: dict
    splitter: dict
    weight: Any


def _student_has(method):
    """Whether the student, fitted or not, has a method; for `available_if`."""

    def check(self):
        student = self.student_ if hasattr(self, "student_") else resolve_student(self.student)
        getattr(student, method)  # its AttributeError says more than False would
        return True

    return check


class DistilledClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """A student classifier fitted to the soft labels of a teacher and to the labels.

    Minimises ``alpha * T**2 * KL(teacher_T || student_T) + (1 - alpha) * CE(y, student)``
    over the parameters of any scikit-learn classifier, and hands back a plain estimator
    of its class in ``student_``, which predicts without this package or the teacher.

    Parameters
    ----------
    teacher : classifier or list, default=None
        Cloned and fitted inside ``fit``, so that cross-validation stays honest. Wrap a
        fitted one in :class:`sklearn.frozen.FrozenEstimator` to use it as it is: it
        must not have seen the rows that you will score. Needs ``predict_proba`` or
        ``decision_function``. A list of ``(name, teacher)`` or ``(name, teacher, weight)``
        stands for the mean of their probabilities. None: a random forest of 300 trees.
    student : classifier, default=None
        Cloned. None: a decision tree of depth 6.
    temperature : float, default=2.0
        Softens teacher and student in the first term; finite, greater than 0.
    alpha : float, default=0.5
        Weight of the first term, in [0, 1]. At 0 the student is fitted to the labels
        alone and is what ``student.fit(X, y)`` gives.
    cv : None, "auto", "oob", int, splitter or list of splits, default=None
        Which soft labels a teacher that is fitted here gives to its own training rows.
        None: those of the rows it was fitted on. An int, splitter or list of splits, as
        in :class:`sklearn.ensemble.StackingClassifier`: out-of-fold labels; rows that no
        split holds out keep their hard label only. "oob": out-of-bag labels of a
        bootstrap forest, at the price of one fit. "auto": "oob" where the teacher can,
        in-sample for a `FrozenEstimator`, else 5 folds.
    calibrate_teacher : bool or {"temperature", "sigmoid", "isotonic"}, default=False
        Calibrates the soft labels on their out-of-fold part; True is "temperature".
        Needs `cv`.
    max_samples : int or float, default=None
        Rows, or the share of the rows in (0, 1], that the student is fitted on, drawn by
        class. The teacher is fitted on all and scores those only.
    transfer : None, "conditional", "munge" or generator, default=None
        Makes rows like those the student is fitted on, inside ``fit``: the teacher labels
        them, and they have no hard label. A generator has ``fit(X)`` and
        ``sample(n_samples, random_state=...)``, as those of :mod:`skdistill.transfer`; a
        name is one with its defaults. Deep trees and forests gain most, linear students
        nothing. At `alpha` 0 none is made.
    transfer_size : int or float, default=5.0
        Number of rows made; a float is a multiple of the rows of positive weight that the
        student is fitted on, up to 100,000 rows. Each weighs as much as the mean of these.
    refine : bool or "auto", default="auto"
        Whether the trees of an ensemble, their leaves, or the splits of a single tree are
        fitted for one another rather than each on its own; size and latency stay as they
        are. True: where the student's family has no such step, an error names it. "auto":
        for ensembles, where it was measured to pay, if the soft labels are out of fold or
        out of bag, or if the student is fitted on at least as many unlabelled or generated
        rows as rows of X. Labels in sample, of a `FrozenEstimator` or in `teacher_proba`
        may be of rows that the teacher learned.
    scale_soft_loss : bool, default=True
        Whether the first term carries the factor ``T**2``, which keeps the meaning of
        `alpha` as the temperature changes.
    memory : str or joblib.Memory, default=None
        Caches the fitted teacher, its labels and the rows made, so that candidates of a
        search that differ in temperature, alpha or student share the teacher's work.
    n_jobs : int, default=None
        Folds of `cv` that are fitted at a time, and threads of the default teacher.
    random_state : int, RandomState or None, default=None
        Seeds every ``random_state`` of teacher, student and `transfer` that is None, drawn
        and generated rows, and labels that are sampled for a student which takes no
        ``sample_weight``.
    verbose : int, default=0
        Above 0 the steps of ``fit`` report their times, as in a Pipeline, and with `cv`
        each fold of the teacher reports when it is done and the time so far.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    class_prior_ : ndarray of shape (n_classes,)
        Share of each class in the weight of the rows.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where X has feature names that are all strings.
    teacher_ : classifier
        The fitted teacher; absent if `teacher_proba` was given.
    teacher_temperature_ : float
        T* of ``calibrate_teacher="temperature"``; below 1 the teacher was under-confident.
    student_ : classifier
        The fitted student, a plain instance of its class.
    fit_path_ : {"direct", "label-reduction", "sampled-labels"}
        How the loss was minimised: by the student's own family, by fitting weighted
        copies of the rows, or by fitting labels drawn from the targets. The stages of
        `refine` follow, as in "direct+complementary+together".
    loss_ : LossParts
        ``soft``, ``hard`` and ``total`` loss of the student on the training rows, in
        nats; present where the student has ``predict_proba``.
    loss_curve_ : dict of ndarray of shape (n_iter,)
        The same three after each iteration; present for iterative students, and where
        leaves were refined.

    References
    ----------
    Hinton, Vinyals, Dean (2015), "Distilling the Knowledge in a Neural Network".

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import DistilledClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> kd = DistilledClassifier(
    ...     RandomForestClassifier(100), DecisionTreeClassifier(max_depth=4), random_state=0
    ... ).fit(X, y)
    >>> type(kd.student_).__name__
    'DecisionTreeClassifier'
    """

    _doc_link_module = "skdistill"
    _doc_link_template = "https://skdistill.readthedocs.io/en/stable/user_guide.html"

    _parameter_constraints = {  # noqa: RUF012 (scikit-learn's protocol)
        "teacher": [HasMethods(["fit"]), list, None],
        "student": [HasMethods(["fit"]), None],
        "temperature": [Interval(Real, 0, np.inf, closed="neither")],
        "alpha": [Interval(Real, 0, 1, closed="both")],
        "cv": ["cv_object", StrOptions({"auto", "oob"})],
        "calibrate_teacher": ["boolean", StrOptions({"temperature", "sigmoid", "isotonic"})],
        "max_samples": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
            None,
        ],
        "transfer": [StrOptions(set(GENERATORS)), HasMethods(["fit", "sample"]), None],
        "transfer_size": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, None, closed="neither"),
        ],
        "refine": ["boolean", StrOptions({"auto"})],
        "scale_soft_loss": ["boolean"],
        "memory": [str, HasMethods(["cache"]), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    classes_: Array
    n_features_in_: int
    feature_names_in_: Array
    teacher_temperature_: float
    student_: Any
    fit_path_: str
    loss_: LossParts
    loss_curve_: dict[str, Floats]

    def __init__(
        self,
        teacher: Estimator | Sequence[tuple[Any, ...]] | None = None,
        student: Estimator | None = None,
        temperature: float = 2.0,
        alpha: float = 0.5,
        *,
        cv: Splits | Literal["auto", "oob"] | None = None,
        calibrate_teacher: bool | str = False,
        max_samples: float | None = None,
        transfer: str | Sampler | None = None,
        transfer_size: float = 5.0,
        refine: bool | Literal["auto"] = "auto",
        scale_soft_loss: bool = True,
        memory: Cache = None,
        n_jobs: int | None = None,
        random_state: Seed = None,
        verbose: int | bool = 0,
    ) -> None:
        self.teacher = teacher
        self.student = student
        self.temperature = temperature
        self.alpha = alpha
        self.cv = cv
        self.calibrate_teacher = calibrate_teacher
        self.max_samples = max_samples
        self.transfer = transfer
        self.transfer_size = transfer_size
        self.refine = refine
        self.scale_soft_loss = scale_soft_loss
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: Rows,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        teacher_proba: ArrayLike | None = None,
        X_unlabeled: Rows = None,
        **fit_params: Any,
    ) -> Self:
        """Fit the teacher, label the rows with it, and fit the student to both.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)
            Handed untouched to teacher and student.
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            Weights the loss, and the teacher's fit where it takes weights; the last step
            of a Pipeline.
        teacher_proba : array-like or frame of shape (n_samples, n_classes), default=None
            Soft labels made elsewhere; no teacher is fitted or asked. Columns in the
            order of the sorted classes, or named by them; rows by position. In a
            cross-validation they must come from models that did not see the held-out
            rows.
        X_unlabeled : rows like those of X, default=None
            Rows without a label, of weight 1: the student learns on them what the teacher
            says. The two terms of the loss are separate means, so that many of them do
            not drown the labels. A cross-validation hands them on whole, unless there are
            exactly as many as rows in X: then it would slice them.
        **fit_params : dict
            Handed to the student's ``fit``; to the teacher's and the splitter's too as
            metadata routing asks, if it is enabled.

        Returns
        -------
        self : DistilledClassifier

        Raises
        ------
        ValueError
            If a parameter is out of range, y holds one class, the teacher gives no
            probabilities or lacks a class of y, or `teacher_proba` does not fit.
        NotFittedError
            If the teacher is a FrozenEstimator that was never fitted.
        """
        for name in _FITTED:
            self.__dict__.pop(name, None)
        seeds = draw_seeds(self.random_state)
        transfer_set, labels = self._labelled(
            X, y, sample_weight, teacher_proba, X_unlabeled, fit_params, seeds
        )
        if labels is not None:
            self._fitted_teacher = labels.teacher
            if labels.temperature is not None:
                self.teacher_temperature_ = labels.temperature
        loss = bind(
            transfer_set,
            self.classes_,
            temperature=self.temperature,
            alpha=self.alpha,
            scale_soft_loss=self.scale_soft_loss,
        )
        may = self.refine != "auto" or may_refine(transfer_set, labels)
        with self._timed("student"):
            fitted, parts = fit(
                resolve_student(self.student),
                transfer_set,
                loss,
                refine=may and self.refine,
                random_state=seeds.student,
            )
        self.student_, self.fit_path_ = fitted.student, fitted.path
        if parts is not None:
            self.loss_ = parts
        if fitted.curve:
            curve = np.array(fitted.curve).T
            self.loss_curve_ = dict(zip(LossParts._fields, curve, strict=True))
        return self

    def soft_labels(
        self,
        X: Rows,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        teacher_proba: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Floats:
        """The soft labels that ``fit`` would teach, without fitting a student.

        Parameters
        ----------
        X, y, sample_weight, teacher_proba, **fit_params
            As ``fit`` takes them. With `memory` the teacher's work is shared with ``fit``.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Of all rows, whatever `max_samples` is; columns in the order of the sorted
            classes. A row that `cv` never holds out has no soft label and is NaN.
        """
        model, seeds = clone(self), draw_seeds(self.random_state)
        model.set_params(max_samples=None, transfer=None)
        given = (X, y, sample_weight, teacher_proba, None, fit_params)
        return model._labelled(*given, seeds)[0].soft_labels

    @available_if(_student_has("predict"))
    def predict(self, X: Rows) -> Array:
        """Class of each row, by the student alone.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        self._check_input(X)
        return decode(self.student_, self.student_.predict(X), self.classes_)

    @available_if(_student_has("predict_proba"))
    def predict_proba(self, X: Rows) -> Floats:
        """Class probabilities, by the student alone.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        self._check_input(X)
        return proba_in_order(self.student_, X, self.classes_)

    @available_if(_student_has("predict_proba"))
    def predict_log_proba(self, X: Rows) -> Floats:
        """Logarithm of the class probabilities, by the student alone.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return np.log(self.predict_proba(X))

    @available_if(_student_has("decision_function"))
    def decision_function(self, X: Rows) -> Floats:
        """Scores of the student, where it has a ``decision_function``.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
        """
        self._check_input(X)
        return scores_in_order(self.student_, X, self.classes_)

    @property
    def teacher_(self) -> Any:
        """The fitted teacher, loaded from the cache when it is first asked for."""
        if "_fitted_teacher" not in self.__dict__:
            raise AttributeError(
                "teacher_ is absent: not fitted yet, or fitted with teacher_proba"
            )
        try:
            teacher = self._fitted_teacher.get()
        except Exception as gone:  # whatever a pickle that is cut short may raise
            raise AttributeError(
                f"teacher_ was kept in memory={self.memory!r}, which is damaged or no longer "
                "there; fit again"
            ) from gone
        self._fitted_teacher = forget_cache(teacher)
        return teacher

    @available_if(lambda self: "_fitted_teacher" in vars(self))
    def teacher_predict_proba(self, X: Rows) -> Floats:
        """Class probabilities of the fitted teacher, before any calibration.

        Present where ``fit`` had a teacher; not after a fit with `teacher_proba`.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``. With `memory` the teacher is asked once
            for all models that it taught.
        """
        return ask_fitted(
            self._fitted_teacher, X, self.classes_, self.class_prior_, self.memory
        )

    def get_metadata_routing(self) -> MetadataRouter:
        """Metadata that ``fit`` takes itself and hands to teacher and student.

        Returns
        -------
        MetadataRouter
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router = (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(teacher=resolve_teacher(self.teacher, self.n_jobs), method_mapping=mapping)
            .add(student=resolve_student(self.student), method_mapping=mapping)
        )
        if self._splitter_is_routed():
            splits = MethodMapping().add(caller="fit", callee="split")
            router.add(splitter=self.cv, method_mapping=splits)
        return router

    def __sklearn_clone__(self):
        """Say which part it is that cannot be cloned."""
        try:
            return super().__sklearn_clone__()
        except (RuntimeError, TypeError):
            check_clonable("student", resolve_student(self.student))
            for teacher in members_of(self.teacher):
                check_clonable("teacher", teacher)
            raise

    def __getstate__(self):
        """Bring the teacher along: a cache may not be there where this is loaded."""
        state = super().__getstate__()
        if "_fitted_teacher" in state:
            if hasattr(self, "teacher_"):
                state["_fitted_teacher"] = self._fitted_teacher
            else:
                del state["_fitted_teacher"]
        return state

    def __sklearn_tags__(self):
        """Input that all parts take; what any demands."""
        parts = [
            resolve_teacher(self.teacher),
            resolve_student(self.student),
            resolve_generator(self.transfer),
        ]
        return share_tags(super().__sklearn_tags__(), parts)

    @contextmanager
    def _timed(self, step):
        message = f"Processing {step}" if self.verbose else None
        with print_elapsed_time("DistilledClassifier", message):
            yield

    def _labelled(self, X, y, sample_weight, teacher_proba, X_unlabeled, fit_params, seeds):
        """The transfer set with soft labels, and what a teacher that was asked gave."""
        if isinstance(self.teacher, list):
            check_members(self.teacher)
        X, y, codes, sample_weight = check_rows(self, X, y, sample_weight, teacher_proba)
        check_extra_rows(self, X, X_unlabeled, self.transfer, teacher_proba)
        if X_unlabeled is not None and num_samples(X_unlabeled) == len(codes):
            warn(_SLICED)
        self._check_parts(X, teacher_proba)
        splitters = self._splitters(y, seeds) if teacher_proba is None else {}
        routed = self._route(sample_weight, fit_params, teacher_proba)
        self.class_prior_ = class_frequencies(y, self.classes_, routed.weight)
        rows, transfer_set = assemble(
            X,
            codes,
            routed.weight,
            routed.student,
            max_samples=self.max_samples,
            # at alpha=0 the teacher has no say
            X_unlabeled=X_unlabeled if self.alpha > 0 else None,
            transfer=self.transfer if self.alpha > 0 else None,
            transfer_size=self.transfer_size,
            memory=self.memory,
            random_state=seeds.rows,
        )
        with self._timed("soft labels"):
            given = (transfer_set, rows, X, y)
            if teacher_proba is not None:
                return self._label_as_given(*given, teacher_proba), None
            return self._label(*given, splitters, routed, seeds.teacher)

    def _label_as_given(self, transfer_set, rows, X, y, teacher_proba):
        return label_as_given(
            transfer_set, rows, teacher_proba, X, y, self.classes_,
            calibrate=self.calibrate_teacher,
        )  # fmt: skip

    def _splitters(self, y, seeds):
        return choose_splitters(
            resolve_teacher(self.teacher, self.n_jobs),
            y,
            self.classes_,
            cv=self.cv,
            calibrate=self.calibrate_teacher,
            random_state=seeds.teacher,
        )

    def _label(self, transfer_set, rows, X, y, splitters, routed, random_state):
        return label(
            transfer_set,
            rows,
            resolve_teacher(self.teacher, self.n_jobs),
            X,
            y,
            self.classes_,
            **splitters,
            calibrate=self.calibrate_teacher,
            random_state=random_state,
            sample_weight=routed.weight,
            fit_params=routed.teacher,
            split_params=routed.splitter,
            memory=self.memory,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )

    def _check_parts(self, X, teacher_proba):
        """What can be wrong with student and teacher, before any long work."""
        student, teachers = resolve_student(self.student), members_of(self.teacher)
        check_clonable("student", student)
        check_student(student, self.temperature, self.alpha)
        if self.refine and self.refine != "auto":
            check_refine(student)
        check_numbers("student", student, X)
        for teacher in teachers if teacher_proba is None else []:
            if not is_frozen(teacher):
                check_clonable("teacher", teacher)
                check_numbers("teacher", teacher, X)

    def _splitter_is_routed(self):
        return hasattr(self.cv, "get_metadata_routing")

    def _route(self, sample_weight, fit_params, teacher_proba):
        """Fit parameters by receiver, and the weights of the loss."""
        if get_config()["enable_metadata_routing"]:
            if sample_weight is not None:
                fit_params = {**fit_params, "sample_weight": sample_weight}
            routed = process_routing(self, "fit", **fit_params)
            to_student = dict(routed.student.fit)
            weight = requested_weight(resolve_student(self.student), to_student)
            if not isinstance(resolve_student(self.student), Pipeline):
                to_student.pop("sample_weight", None)
            split = routed.splitter.split if self._splitter_is_routed() else {}
            return _Routed(routed.teacher.fit, to_student, split, weight)
        check_fit_params(resolve_student(self.student), fit_params)
        teacher = resolve_teacher(self.teacher, self.n_jobs)
        to_teacher, name = {}, weight_name(teacher)
        if sample_weight is not None and name is not None:
            to_teacher = {name: sample_weight}
        elif sample_weight is not None and teacher_proba is None and not is_frozen(teacher):
            warn(
                f"fit of teacher={type(teacher).__name__} names no sample_weight: the weights "
                "are used for the student only; metadata routing can hand them to the parts "
                "of a composed teacher"
            )
        return _Routed(to_teacher, fit_params, {}, sample_weight)

    def _check_input(self, X):
        check_is_fitted(self, "student_")
        check_shape(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        if "_fitted_teacher" in vars(self):
            check_finite(members_of(self.teacher), X)
