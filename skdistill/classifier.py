"""`DistilledClassifier`: a student fitted to a teacher, as one scikit-learn classifier.

One flow: teacher labels, bound loss, `fit_student`. Predicting calls ``student_`` and
nothing else.
"""

import warnings
from numbers import Real

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_random_state, get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_is_fitted,
    column_or_1d,
    has_fit_parameter,
    validate_data,
)

from skdistill._sklearn.params import HasMethods, Interval, fit_context, print_elapsed_time
from skdistill._sklearn.validation import check_sample_weight, num_samples
from skdistill.loss import CombinedLoss, LossParts, logits
from skdistill.students import fit_student
from skdistill.teachers import check_teacher, check_teacher_proba, forget_cache, label_rows


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
    teacher : classifier, default=None
        Cloned and fitted inside ``fit``, so that cross-validation stays honest. Wrap a
        fitted one in :class:`sklearn.frozen.FrozenEstimator` to use it as it is: it
        must not have seen the rows that you will score. Needs ``predict_proba`` or
        ``decision_function``. None: a random forest of 300 trees.
    student : classifier, default=None
        Cloned. None: a decision tree of depth 6.
    temperature : float, default=2.0
        Softens teacher and student in the first term; finite, greater than 0.
    alpha : float, default=0.5
        Weight of the first term, in [0, 1]. At 0 the student is fitted to the labels
        alone and is what ``student.fit(X, y)`` gives.
    scale_soft_loss : bool, default=True
        Whether the first term carries the factor ``T**2``, which keeps the meaning of
        `alpha` as the temperature changes.
    memory : str or joblib.Memory, default=None
        Caches the fitted teacher and its labels, so that candidates of a search that
        differ in temperature, alpha or student share the teacher's work.
    n_jobs : int, default=None
        Parallelism of the default teacher.
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
        "teacher": [HasMethods(["fit"]), None],
        "student": [HasMethods(["fit", "predict"]), None],
        "temperature": [Interval(Real, 0, np.inf, closed="neither")],
        "alpha": [Interval(Real, 0, 1, closed="both")],
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
        self.scale_soft_loss = scale_soft_loss
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, *, teacher_proba=None, **fit_params):
        """Fit the teacher, label the rows with it, and fit the student to both.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)
            Handed untouched to teacher and student.
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            Weights the loss, and the teacher's fit where it takes weights.
        teacher_proba : array-like or frame of shape (n_samples, n_classes), default=None
            Soft labels made elsewhere; no teacher is fitted or asked. Columns in the
            order of the sorted classes, or named by them. In a cross-validation they
            must come from models that did not see the held-out rows.
        **fit_params : dict
            Handed to the student's ``fit``; to the teacher's too as metadata routing
            asks, if it is enabled.

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
        X, y, codes, sample_weight = self._check_rows(X, y, sample_weight, teacher_proba)
        to_teacher, to_student, student_weight = self._route(sample_weight, fit_params)
        seeds = self._draw_seeds()
        with print_elapsed_time("DistilledClassifier", self._message("soft labels")):
            proba = self._soft_labels(X, y, teacher_proba, to_teacher, seeds[0])
        loss = CombinedLoss(
            proba,
            codes,
            temperature=self.temperature,
            alpha=self.alpha,
            sample_weight=student_weight,
            scale_soft_loss=self.scale_soft_loss,
            classes=self.classes_,
        )
        with print_elapsed_time("DistilledClassifier", self._message("student")):
            fitted = fit_student(self._student(), X, loss, random_state=seeds[1], **to_student)
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
        teacher = self._fitted_teacher.get()
        self._fitted_teacher = forget_cache(teacher)
        return teacher

    def get_metadata_routing(self):
        """Metadata that ``fit`` takes itself and hands to teacher and student.

        Returns
        -------
        MetadataRouter
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(teacher=self._teacher(), method_mapping=mapping)
            .add(student=self._student(), method_mapping=mapping)
        )

    def __getstate__(self):
        """Bring the teacher along: a cache may not be there where this is loaded."""
        if "_fitted_teacher" in self.__dict__:
            _ = self.teacher_
        return super().__getstate__()

    def __sklearn_tags__(self):
        """Input that both take; what either demands."""
        tags = super().__sklearn_tags__()
        both = [get_tags(self._teacher()), get_tags(self._student())]
        for name in ("sparse", "allow_nan", "categorical", "string"):
            held = all(getattr(other.input_tags, name) for other in both)
            setattr(tags.input_tags, name, held)
        tags.input_tags.positive_only = any(o.input_tags.positive_only for o in both)
        tags.non_deterministic = any(other.non_deterministic for other in both)
        tags.classifier_tags.multi_class = all(
            other.classifier_tags is None or other.classifier_tags.multi_class
            for other in both
        )
        return tags

    def _teacher(self):
        if self.teacher is None:
            return RandomForestClassifier(300, n_jobs=self.n_jobs)
        return self.teacher

    def _student(self):
        return DecisionTreeClassifier(max_depth=6) if self.student is None else self.student

    def _message(self, step):
        return f"Processing {step}" if self.verbose else None

    def _draw_seeds(self):
        if self.random_state is None:
            return None, None
        rng = check_random_state(self.random_state)
        return rng.randint(np.iinfo(np.int32).max, size=2).tolist()

    def _check_rows(self, X, y, sample_weight, teacher_proba):
        """Everything that can be wrong with the rows, before any long work."""
        X, y = validate_data(self, X, y, skip_check_array=True)
        X, y, sample_weight, teacher_proba = indexable(X, y, sample_weight, teacher_proba)
        _check_shape(X)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y holds one class only, {self.classes_.tolist()}; a classifier needs two "
                "classes or more"
            )
        if sample_weight is not None:
            if not np.any(sample_weight):
                raise ValueError("sample_weight is zero for every row; give some row a weight")
            sample_weight = check_sample_weight(sample_weight, X, ensure_non_negative=True)
        return X, y, codes, sample_weight

    def _route(self, sample_weight, fit_params):
        """Fit parameters of teacher and student, and the weights of the loss."""
        teacher = self._teacher()
        if get_config()["enable_metadata_routing"]:
            if sample_weight is not None:
                fit_params = {**fit_params, "sample_weight": sample_weight}
            routed = process_routing(self, "fit", **fit_params)
            to_student = dict(routed.student.fit)
            return dict(routed.teacher.fit), to_student, to_student.pop("sample_weight", None)
        if sample_weight is None or isinstance(teacher, FrozenEstimator):
            return {}, fit_params, sample_weight
        if has_fit_parameter(teacher, "sample_weight"):
            return {"sample_weight": sample_weight}, fit_params, sample_weight
        warnings.warn(
            f"teacher={type(teacher).__name__} takes no sample_weight: the weights are used "
            "for the student only",
            UserWarning,
            stacklevel=4,
        )
        return {}, fit_params, sample_weight

    def _soft_labels(self, X, y, teacher_proba, to_teacher, seed):
        """Probabilities for the rows of X, from whichever source there is."""
        self.__dict__.pop("_fitted_teacher", None)
        if teacher_proba is not None:
            return check_teacher_proba(teacher_proba, num_samples(X), self.classes_)
        teacher = self._teacher()
        if check_teacher(teacher):
            warnings.warn(
                f"teacher={type(teacher).__name__} is fitted already and is fitted again on "
                "the rows given to fit; wrap it in sklearn.frozen.FrozenEstimator to use it "
                "as it is",
                UserWarning,
                stacklevel=4,
            )
        labels = label_rows(
            teacher,
            X,
            y,
            self.classes_,
            fit_params=to_teacher,
            memory=self.memory,
            random_state=seed,
        )
        self._fitted_teacher = labels.teacher
        return labels.proba

    def _report_loss(self, X, loss, curve):
        for name in ("loss_", "loss_curve_"):
            self.__dict__.pop(name, None)
        if hasattr(self.student_, "predict_proba"):
            self.loss_ = loss.parts(logits(self.student_.predict_proba(X)))
        if curve:
            self.loss_curve_ = dict(zip(LossParts._fields, np.array(curve).T, strict=True))

    def _ask(self, method, X):
        check_is_fitted(self)
        _check_shape(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        return getattr(self.student_, method)(X)

    def _decode(self, y):
        """The user's labels, for a student whose class can only hold their codes."""
        own = self.student_.classes_
        if np.array_equal(own, self.classes_):
            return y
        return self.classes_[np.searchsorted(own, np.ravel(y))]


def _check_shape(X):
    """Refuse what no estimator takes; text is one column by nature."""
    shape, dtype = getattr(X, "shape", None), getattr(X, "dtype", np.dtype(object))
    if num_samples(X) == 0:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required."
        )
    if shape is None:
        return
    if len(shape) == 1 and getattr(dtype, "kind", "O") in "biufc":
        raise ValueError(
            f"Expected 2D array, got 1D array of shape {shape} instead. Reshape your data "
            "with X.reshape(-1, 1) if it has a single feature or X.reshape(1, -1) if it is a "
            "single sample."
        )
    if len(shape) == 2 and shape[1] == 0:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={shape}) while a minimum of 1 is required."
        )
