r"""The general path: any classifier, fitted on labels that stand for the loss.

At temperature 1 the loss is cross-entropy against one target q per row, and a learner
that takes ``sample_weight`` and minimises log-loss minimises it exactly when every row is
given once per class, weighted by q. At other temperatures the targets and weights are
found by iteration: with the student's probabilities s, gradient g and Hessian H of a row
of weight 1,

.. math::

    w = \max\{\max_k g_k / s_k,\; \mathrm{tr} H / \mathrm{tr}(\mathrm{diag}(s) - ss')\},
    \qquad q = s - g / w

so that the weighted cross-entropy has the gradient of the loss where the student stands;
its fixed points are the stationary points of the loss. Nothing promises descent, so the
best iterate is kept and the iteration ends when the loss stops falling.

A learner that minimises something else (hinge, squared error, the likelihood of a
generative model) minimises *that* over the weighted labels; of its iterates the one of
smallest combined loss is kept.

A learner without ``sample_weight``, or one that holds rows out by itself (copies of one
row would straddle its split), gets one label per row, drawn from q. The ``cv`` of the
learners known to score held-out rows by their weights is made to split rows instead.
"""

from inspect import signature
from numbers import Integral
from typing import Any

import numpy as np
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegressionCV, Perceptron, SGDClassifier
from sklearn.model_selection import StratifiedShuffleSplit, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from skdistill._estimators._classes import encoded, proba_in_order
from skdistill._estimators._meaning import refuse_other_meaning
from skdistill._sklearn.bagging import forget_weights
from skdistill._sklearn.model_selection import BaseSearchCV
from skdistill._sklearn.tree import validate_params
from skdistill._sklearn.validation import take_params, take_rows
from skdistill.loss._soften import logits
from skdistill.students._labels import LabelSampler, hard_columns, weighted_copies
from skdistill.students._registry import Fitted, Unsupported, register

MAX_REFITS = 12
_CAP = 1e4  # largest weight of a row, against the sample's own
_CAP_OF_DRAWS = 3.0  # one label of a very heavy row would decide for its region

_WEIGHT_IN_FIT_PARAMS = (StackingClassifier, VotingClassifier)  # takes **fit_params only
_SPLITS_WEIGHTED_ROWS = (CalibratedClassifierCV, LogisticRegressionCV, StackingClassifier)
_PENALISED_BY_STEP = (SGDClassifier, Perceptron)  # whatever the row of the step weighs


def fit_by_labels(student, X, loss, *, random_state=None, **fit_params):
    """Fit a student on labels, refitting at temperatures other than 1.

    Parameters
    ----------
    student : classifier
    X : array-like, frame, sparse matrix or list of `loss.n_samples` rows
    loss : CombinedLoss
    random_state : int, default=None
        Seed of sampled labels.
    **fit_params : dict
        Handed to ``student.fit``; row-aligned values follow their rows.

    Returns
    -------
    Fitted
        Of path "label-reduction" or "sampled-labels".

    Raises
    ------
    Unsupported
        For a hyper-parameter search or a frozen estimator as student, and for a
        temperature other than 1 where the student has no ``predict_proba``.
    """
    check_student(student)
    if loss.uses_soft_labels:
        _refuse_nested_class_weight(student)
    weighted = _takes_weight(student)
    if weighted and not _splits_rows(student):
        student = _iterate(student, X, loss, weighted_copies, _CAP, fit_params)
        return Fitted(student, "label-reduction")
    sampler = LabelSampler(type(student).__name__, random_state, weighted)
    student = _iterate(student, X, loss, sampler, _CAP_OF_DRAWS, fit_params)
    return Fitted(student, "sampled-labels" if sampler.drawn else "label-reduction")


def check_student(student: Any, temperature: float = 1.0, alpha: float = 0.0) -> None:
    """Refuse what no path can fit, without fitting anything.

    Parameters
    ----------
    student : classifier
    temperature, alpha : float
        Of the loss to come.

    Raises
    ------
    Unsupported, ValueError
        Naming the student, or its parameter, and the remedy.
    """
    while isinstance(student, Pipeline) and isinstance(student.steps[-1][1], BaseEstimator):
        student = student.steps[-1][1]
    name = type(student).__name__
    if isinstance(student, BaseSearchCV):
        raise Unsupported(
            f"student={name} searches by cross-validation, and copies of one row would "
            "straddle its splits; put the search outside, around DistilledClassifier"
        )
    if isinstance(student, FrozenEstimator):
        raise Unsupported(f"student={name} is never fitted; pass the estimator inside it")
    refuse_other_meaning("student", student)
    if not is_classifier(student):
        raise ValueError(f"student={name} is not a classifier; pass one")
    validate_params(student)
    late = isinstance(student, StackingClassifier)  # knows its methods once fitted
    if temperature != 1 and alpha > 0 and not (late or hasattr(student, "predict_proba")):
        raise _needs_probabilities(student, f"temperature={temperature}")


def _needs_probabilities(student, what):
    return Unsupported(
        f"{what} needs a student with predict_proba, which "
        f"{type(student).__name__} lacks with these parameters; use temperature=1"
    )


def _refuse_nested_class_weight(student):
    """It would weigh the labels that the target of one row is split into."""
    for part in _parts(student)[1:]:
        class_weight = part.get_params(deep=False).get("class_weight")
        if class_weight is not None:
            raise Unsupported(
                f"class_weight={class_weight!r} of {type(part).__name__} inside the student "
                "would bend the soft labels of each row; give sample_weight to fit instead"
            )


def _iterate(student, X, loss, draw, cap, fit_params):
    """Fit; reweight at the fitted probabilities and refit while the loss falls."""
    target, weight = loss.blend(), np.ones(loss.n_samples)
    best, best_value = None, np.inf
    for _ in range(MAX_REFITS + 1):
        candidate = clone(student)
        _fit(candidate, X, loss, *draw(target, weight * loss.row_weight, loss.y), fit_params)
        if loss.is_cross_entropy:
            return candidate
        proba = _probabilities(candidate, X, loss)
        raw = logits(proba)
        value = loss.parts(raw).total
        if not value < best_value:  # nor a student whose probabilities are NaN
            return candidate if best is None else best
        best, best_value = candidate, value
        target, weight = tangent_targets(proba, loss, cap)
    return best


def _probabilities(student, X, loss):
    if not hasattr(student, "predict_proba"):
        raise _needs_probabilities(student, "a temperature other than 1")
    return np.asarray(proba_in_order(student, X, loss.classes), dtype=float)


def tangent_targets(proba, loss, cap=_CAP):
    """Targets and weights whose cross-entropy is tangent to the loss.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Class probabilities at which they touch.
    loss : CombinedLoss
    cap : float, default=1e4
        Largest weight, and the inverse of the smallest.

    Returns
    -------
    target : ndarray of shape (n_samples, n_classes)
        Rows sum to 1.
    weight : ndarray of shape (n_samples,)
        Multiplies `loss.row_weight`.
    """
    raw = logits(proba)
    row_weight = np.where(loss.row_weight > 0, loss.row_weight, 1)
    gradient, hessian = loss.gradient_and_hessian(raw)
    if raw.ndim == 1:
        gradient, trace = np.column_stack([-gradient, gradient]), 2 * hessian
    else:
        trace = hessian.sum(axis=1)
    gradient = gradient / row_weight[:, None]
    own_trace = np.maximum((proba * (1 - proba)).sum(axis=1), np.finfo(float).tiny)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        needed = np.nan_to_num(gradient / proba).max(axis=1)
        weight = np.maximum(needed, trace / row_weight / own_trace)
    weight = np.clip(weight, 1 / cap, cap)
    target = np.maximum(proba - gradient / weight[:, None], 0)
    return target / target.sum(axis=1, keepdims=True), weight


def _fit(student, X, loss, rows, columns, weight, fit_params):
    """Fit on rows and labels; where rows are whole and of weight 1, just as natively."""
    own_cv = {}
    if not np.array_equal(rows, np.arange(loss.n_samples)):
        own_cv, fit_params = _split_whole_rows(student, X, loss, rows, fit_params)
        fit_params = take_params(X, fit_params, rows)
        X = take_rows(X, rows)
    routed = get_config()["enable_metadata_routing"] and bool(fit_params)
    if not np.allclose(weight, 1, rtol=1e-12, atol=0):
        if any(isinstance(part, _PENALISED_BY_STEP) for part in _parts(student)):
            weight = weight * (len(rows) / len(np.unique(rows)))
        fit_params = {**fit_params, "sample_weight": weight}
    y, fit_params = encoded(student, loss.classes[columns], loss.classes, fit_params)
    with config_context(enable_metadata_routing=routed):  # our weights need no request
        student.fit(X, y, **fit_params)
    if len(rows) > loss.n_samples:
        forget_weights(student)
    if own_cv:  # CatBoost refuses even an empty change to a fitted model
        student.set_params(**own_cv)


def _split_whole_rows(student, X, loss, rows, fit_params):
    """Make ``cv`` of a student split rows, not copies.

    Returns what restores it, and the fit parameters that the splitter did not use up.
    """
    params = student.get_params(deep=False)
    if not _has_splitter(student):
        return {}, fit_params
    cv = params["cv"]
    if isinstance(cv, float):
        cv = StratifiedShuffleSplit(1, test_size=cv, random_state=params.get("random_state"))
    whole = np.unique(rows)
    labels = hard_columns(loss)[whole]
    groups = take_params(X, {"groups": fit_params.get("groups")}, whole)
    splitter = check_cv(cv, labels, classifier=True)
    splits = splitter.split(take_rows(X, whole), labels, **groups)
    student.set_params(
        cv=[[np.flatnonzero(np.isin(rows, whole[part])) for part in split] for split in splits]
    )
    rest = {name: value for name, value in fit_params.items() if name != "groups"}
    return {"cv": params["cv"]}, rest


def _takes_weight(student):
    """Whether the student and every estimator inside it take ``sample_weight``."""
    return all(
        has_fit_parameter(part, "sample_weight") or isinstance(part, _WEIGHT_IN_FIT_PARAMS)
        for part in _parts(student)
    )


def _splits_rows(student):
    """Whether ``fit`` holds rows out where `_split_whole_rows` cannot see to it."""
    own, *nested = _parts(student)
    seen_to = isinstance(own, _SPLITS_WEIGHTED_ROWS)
    if any(_has_splitter(part) for part in ([] if seen_to else [own]) + nested):
        return True
    return any(_holds_out(part.get_params(deep=False)) for part in [own, *nested])


def _has_splitter(student):
    """Whether a parameter called ``cv`` splits rows: by who defines it, and its type.

    In scikit-learn it does, unless it is text. Elsewhere a splitter or a list of splits does,
    and a whole number where the class is named after cross-validation; a flag or another
    number may be anything.
    """
    cv = student.get_params(deep=False).get("cv", "prefit")
    if isinstance(cv, str | bool):
        return False
    if _owner(student, "cv").__module__.startswith("sklearn."):
        return True
    if isinstance(cv, Integral):
        return "CV" in type(student).__name__
    return hasattr(cv, "split") or (isinstance(cv, list | tuple) and len(cv) > 0)


def _owner(student, parameter):
    """The class whose constructor names a parameter."""
    return next(
        (
            one
            for one in type(student).__mro__
            if "__init__" in vars(one) and parameter in signature(one.__init__).parameters
        ),
        type(student),
    )


def _holds_out(params):
    if "early_stopping" in params:
        return params["early_stopping"] not in (None, False)
    if "validation_fraction" in params and params.get("n_iter_no_change") is not None:
        return True
    # SVC calibrates by a cross-validation of its own
    return params.get("probability") is True or bool(params.get("oob_score"))


def _parts(student):
    """The student and every estimator inside it."""
    nested = student.get_params(deep=True).values()
    return [student, *(v for v in nested if hasattr(v, "fit") and not isinstance(v, type))]


register(object, fit_by_labels)
