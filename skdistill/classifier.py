"""`DistilledClassifier`: a student fitted to a teacher, as one scikit-learn classifier.

One flow: teacher labels, bound loss, `fit_student`. Predicting calls ``student_`` and
nothing else.
"""

import warnings
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from skdistill._distillation import named_in_errors
from skdistill._estimators._delegation import requesting_weights, share_tags, weight_name
from skdistill._estimators._validation import check_not_aligned, check_rows, check_shape
from skdistill._sklearn.params import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    fit_context,
    print_elapsed_time,
)
from skdistill._sklearn.validation import (
    num_samples,
    take_params,
    take_rows,
)
from skdistill.loss._combined import CombinedLoss, LossParts
from skdistill.loss._soften import logits
from skdistill.students import check_student, fit_student
from skdistill.students._routing import check_fit_params, requested_weight
from skdistill.teachers._check import check_members, check_teacher, is_frozen
from skdistill.teachers._cv import resolve_cv, seeded
from skdistill.teachers._given import (
    check_row_order,
    check_teacher_proba,
    warn_of_column_order,
)
from skdistill.teachers._labels import TeacherLabels, forget_cache, label_rows
from skdistill.teachers._soft_vote import SoftVote
from skdistill.transfer._rows import draw_rows, stack_rows


class _Routed(NamedTuple):
    """Metadata by receiver; `weight` is what the loss is weighted by."""

    teacher: dict
    student: dict
    splitter: dict
    weight: Any


def _student_has(method):
    """Whether the student, fitted or not, has a method; for `available_if`."""

    def check(self):
        student = self.student_ if hasattr(self, "student_") else self._student()
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
    scale_soft_loss : bool, default=True
        Whether the first term carries the factor ``T**2``, which keeps the meaning of
        `alpha` as the temperature changes.
    memory : str or joblib.Memory, default=None
        Caches the fitted teacher and its labels, so that candidates of a search that
        differ in temperature, alpha or student share the teacher's work.
    n_jobs : int, default=None
        Folds of `cv` that are fitted at a time, and threads of the default teacher.
    random_state : int, RandomState or None, default=None
        Seeds every ``random_state`` of teacher and student that is None, and labels
        that are sampled for a student which takes no ``sample_weight``.
    verbose : int, default=0
        Above 0 the steps of ``fit`` report their times, as in a Pipeline.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
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
        copies of the rows, or by fitting labels drawn from the targets.
    loss_ : LossParts
        ``soft``, ``hard`` and ``total`` loss of the student on the training rows, in
        nats; present where the student has ``predict_proba``.
    loss_curve_ : dict of ndarray of shape (n_iter,)
        The same three after each iteration; present for iterative students.

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
        "scale_soft_loss": ["boolean"],
        "memory": [str, HasMethods(["cache"]), None],
        "n_jobs": [int, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        teacher=None,
        student=None,
        temperature=2.0,
        alpha=0.5,
        *,
        cv=None,
        calibrate_teacher=False,
        max_samples=None,
        scale_soft_loss=True,
        memory=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.teacher = teacher
        self.student = student
        self.temperature = temperature
        self.alpha = alpha
        self.cv = cv
        self.calibrate_teacher = calibrate_teacher
        self.max_samples = max_samples
        self.scale_soft_loss = scale_soft_loss
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X, y, sample_weight=None, *, teacher_proba=None, X_unlabeled=None, **fit_params
    ):
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
        self.__dict__.pop("student_", None)
        if isinstance(self.teacher, list):
            check_members(self.teacher)
        X, y, codes, sample_weight = check_rows(self, X, y, sample_weight, teacher_proba)
        self._check_unlabeled(X, X_unlabeled, teacher_proba)
        check_student(self._student(), self.temperature, self.alpha)
        routed = self._route(sample_weight, fit_params)
        if X_unlabeled is not None:
            check_not_aligned(routed.student, len(codes))
        seeds = self._draw_seeds()
        rows = np.arange(len(codes))
        if self.max_samples is not None:
            rows = draw_rows(codes, self.max_samples, seeds[2], routed.weight)
        with print_elapsed_time("DistilledClassifier", self._message("soft labels")):
            labels = self._soft_labels(
                X, y, rows, teacher_proba, X_unlabeled, routed, seeds[0]
            )
        X, loss, to_student = self._bind(X, codes, rows, labels, X_unlabeled, routed)
        student = self._student()
        with (
            print_elapsed_time("DistilledClassifier", self._message("student")),
            named_in_errors("student", student),
        ):
            fitted = fit_student(student, X, loss, random_state=seeds[1], **to_student)
        self.student_, self.fit_path_ = fitted.student, fitted.path
        self._report_loss(X, loss, fitted.curve)
        return self

    def predict(self, X):
        """Class of each row, by the student alone.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self._decode(self._ask("predict", X))

    @available_if(_student_has("predict_proba"))
    def predict_proba(self, X):
        """Class probabilities, by the student alone.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        return self._ask("predict_proba", X)

    @available_if(_student_has("predict_proba"))
    def predict_log_proba(self, X):
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
    def decision_function(self, X):
        """Scores of the student, where it has a ``decision_function``.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
        """
        return self._ask("decision_function", X)

    @property
    def teacher_(self):
        """The fitted teacher, loaded from the cache when it is first asked for."""
        if "_fitted_teacher" not in self.__dict__:
            raise AttributeError(
                "teacher_ is absent: not fitted yet, or fitted with teacher_proba"
            )
        try:
            teacher = self._fitted_teacher.get()
        except KeyError as gone:
            raise AttributeError(
                f"teacher_ was kept in memory={self.memory!r}, which is no longer there"
            ) from gone
        self._fitted_teacher = forget_cache(teacher)
        return teacher

    def get_metadata_routing(self):
        """Metadata that ``fit`` takes itself and hands to teacher and student.

        Returns
        -------
        MetadataRouter
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router = (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(teacher=self._teacher(), method_mapping=mapping)
            .add(student=self._student(), method_mapping=mapping)
        )
        if self._splitter_is_routed():
            splits = MethodMapping().add(caller="fit", callee="split")
            router.add(splitter=self.cv, method_mapping=splits)
        return router

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
        """Input that both take; what either demands."""
        return share_tags(super().__sklearn_tags__(), [self._teacher(), self._student()])

    def _teacher(self):
        if self.teacher is None:
            return requesting_weights(RandomForestClassifier(300, n_jobs=self.n_jobs))
        if isinstance(self.teacher, list):
            return requesting_weights(SoftVote(self.teacher))
        return self.teacher

    def _student(self):
        if self.student is None:
            return requesting_weights(DecisionTreeClassifier(max_depth=6))
        return self.student

    def _message(self, step):
        return f"Processing {step}" if self.verbose else None

    def _splitter_is_routed(self):
        return hasattr(self.cv, "get_metadata_routing")

    def _draw_seeds(self):
        """Seeds of the teacher, the student and the drawn rows."""
        if self.random_state is None:
            return None, None, None
        rng = check_random_state(self.random_state)
        return rng.randint(np.iinfo(np.int32).max, size=3).tolist()

    def _check_unlabeled(self, X, X_unlabeled, teacher_proba):
        if X_unlabeled is None:
            return
        if teacher_proba is not None:
            raise ValueError(
                "X_unlabeled needs a teacher to label it, and teacher_proba calls none; "
                "pass a teacher instead"
            )
        check_shape(X_unlabeled)
        if hasattr(X, "columns") != hasattr(X_unlabeled, "columns"):
            raise ValueError(
                f"X_unlabeled must be of the kind of X, {type(X).__name__}, got "
                f"{type(X_unlabeled).__name__}"
            )
        validate_data(self, X_unlabeled, reset=False, skip_check_array=True)
        if num_samples(X_unlabeled) == num_samples(X):
            warnings.warn(
                "X_unlabeled has exactly as many rows as X: a cross-validation would slice "
                "it as if its rows belonged to those of X; leave one out",
                UserWarning,
                stacklevel=4,
            )

    def _route(self, sample_weight, fit_params):
        """Fit parameters by receiver, and the weights of the loss."""
        if get_config()["enable_metadata_routing"]:
            if sample_weight is not None:
                fit_params = {**fit_params, "sample_weight": sample_weight}
            routed = process_routing(self, "fit", **fit_params)
            to_student = dict(routed.student.fit)
            weight = requested_weight(self._student(), to_student)
            if not isinstance(self._student(), Pipeline):
                to_student.pop("sample_weight", None)
            split = routed.splitter.split if self._splitter_is_routed() else {}
            return _Routed(routed.teacher.fit, to_student, split, weight)
        check_fit_params(self._student(), fit_params)
        teacher = self._teacher()
        to_teacher, name = {}, weight_name(teacher)
        if sample_weight is not None and name is not None:
            to_teacher = {name: sample_weight}
        elif sample_weight is not None and not is_frozen(teacher):
            warnings.warn(
                f"fit of teacher={type(teacher).__name__} names no sample_weight: the weights "
                "are used for the student only; metadata routing can hand them to the parts "
                "of a composed teacher",
                UserWarning,
                stacklevel=4,
            )
        return _Routed(to_teacher, fit_params, {}, sample_weight)

    def _soft_labels(self, X, y, rows, teacher_proba, X_unlabeled, routed, seed):
        """Labels of the student's rows, from whichever source there is."""
        for name in ("_fitted_teacher", "teacher_temperature_"):
            self.__dict__.pop(name, None)
        if teacher_proba is not None:
            return self._given_labels(teacher_proba, X, y, rows)
        teacher = self._teacher()
        if fitted := check_teacher(teacher):
            warnings.warn(
                f"teacher={', '.join(fitted)} is fitted already and is fitted again on "
                "the rows given to fit; wrap it in sklearn.frozen.FrozenEstimator to use it "
                "as it is",
                UserWarning,
                stacklevel=4,
            )
        cv = seeded(resolve_cv(self.cv, teacher, y), seed)
        if self.calibrate_teacher and cv is None:
            raise ValueError(
                f"calibrate_teacher={self.calibrate_teacher!r} needs out-of-fold labels, and "
                f"cv={self.cv!r} makes none for this teacher; set cv=5"
            )
        with named_in_errors("teacher", teacher):
            labels = label_rows(
                teacher,
                X,
                y,
                self.classes_,
                rows=rows,
                # at alpha=0 the teacher has no say
                extra=X_unlabeled if self.alpha > 0 else None,
                cv=cv,
                calibrate=self._calibration(),
                sample_weight=routed.weight,
                fit_params=routed.teacher,
                split_params=routed.splitter,
                memory=self.memory,
                n_jobs=self.n_jobs,
                random_state=seed,
            )
        self._fitted_teacher = labels.teacher
        if labels.temperature is not None:
            self.teacher_temperature_ = labels.temperature
        return labels

    def _given_labels(self, teacher_proba, X, y, rows):
        if self.calibrate_teacher:
            raise ValueError(
                f"calibrate_teacher={self.calibrate_teacher!r} needs the teacher's "
                "out-of-fold labels, and teacher_proba calls no teacher; calibrate them "
                "before, or pass a teacher"
            )
        check_row_order(teacher_proba, X)
        proba = check_teacher_proba(teacher_proba, num_samples(X), self.classes_)
        warn_of_column_order(proba, y, self.classes_)
        return TeacherLabels(proba[rows], None, None, None)

    def _calibration(self):
        method = self.calibrate_teacher
        return method if isinstance(method, str) else "temperature" if method else False

    def _bind(self, X, codes, rows, labels, X_unlabeled, routed):
        """The student's rows, the loss bound to their labels, its fit parameters."""
        weight, to_student = routed.weight, routed.student
        if len(rows) < len(codes):
            to_student = take_params(X, to_student, rows)
            X, codes = take_rows(X, rows), codes[rows]
            weight = None if weight is None else weight[rows]
        proba = labels.proba
        if labels.extra is not None:
            more = len(labels.extra)
            X, proba = stack_rows(X, X_unlabeled), np.concatenate([proba, labels.extra])
            weight = None if weight is None else np.concatenate([weight, np.ones(more)])
            codes = np.concatenate([codes, np.full(more, -1)])
        loss = CombinedLoss(
            proba,
            codes,
            temperature=self.temperature,
            alpha=self.alpha,
            sample_weight=weight,
            scale_soft_loss=self.scale_soft_loss,
            classes=self.classes_,
        )
        return X, loss, to_student

    def _report_loss(self, X, loss, curve):
        for name in ("loss_", "loss_curve_"):
            self.__dict__.pop(name, None)
        if hasattr(self.student_, "predict_proba"):
            self.loss_ = loss.parts(logits(self.student_.predict_proba(X)))
        if curve:
            self.loss_curve_ = dict(zip(LossParts._fields, np.array(curve).T, strict=True))

    def _ask(self, method, X):
        check_is_fitted(self, "student_")
        check_shape(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        return getattr(self.student_, method)(X)

    def _decode(self, y):
        """The user's labels, one a row: XGBoost predicts codes, CatBoost a column."""
        own, y = self.student_.classes_, np.ravel(y)
        if own.dtype == self.classes_.dtype and np.array_equal(own, self.classes_):
            return y
        return self.classes_[np.searchsorted(own, y)]
