r"""CatBoost: two classes by its own training, more of them by labels.

At temperature 1 the loss of two classes is cross-entropy against one probability a row,
which CatBoost minimises natively as ``CrossEntropy``: same derivatives, same leaf
estimation and same random numbers as ``Logloss``. At other temperatures CatBoost calls a
Python objective, once for every thousand rows and Newton step in the leaves; of these it
takes ten by default for ``Logloss``, here two. Either model then gets the class labels
and the name of a ``Logloss`` model. Neither objective chooses a learning rate by itself as
``Logloss`` does, so a fit of ``Logloss`` that stops after one tree is asked for it.

Several classes, validation sets at other temperatures and all that is not plain log-loss
take the general path, with class weights moved into the loss first: a Python objective of
several classes is called once for every single row.

Measured at T = 3 on 20,000 rows of 50 columns, two classes, 60 trees, one thread: time
against the fit to hard labels, which reaches a loss of .470, and loss reached. One Newton
step 1.3 and .1725, two 1.5 and .1719, three 1.75 and .1711, ten 3.3 and .1705; the general
path 4 and .1745.
"""

import json
import warnings

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution
from sklearn.preprocessing import LabelEncoder

from skdistill.students._boosting import class_factor, codes, weighted_rows
from skdistill.students._reduction import fit_by_labels
from skdistill.students._registry import Fitted, register

_WEIGHTS = {"class_weights", "auto_class_weights", "scale_pos_weight"}
_LOUD = {"verbose", "logging_level", "verbose_eval", "silent", "metric_period", "plot"}
_LOG_LOSS = {None, "Logloss", "CrossEntropy"}
_NEWTON_STEPS = 2
_MOST_ROWS = 2**24  # that a float32 can number


def fit_catboost(student, X, loss, *, random_state=None, **fit_params):
    """Fit a `CatBoostClassifier` in place; its parameters and `fit` keep their meaning.

    The path is "direct" for two classes with the default loss function on the CPU, and of
    validation data for log-loss at temperature 1 (or ``alpha=0``).
    """
    X, loss, fit_params = weighted_rows(X, loss, fit_params)
    given = student.get_params()
    params = {name: value for name, value in given.items() if name not in _WEIGHTS}
    loss = _weighted(loss, given)
    judged = fit_params.get("eval_set") is not None and not _is_cross_entropy(loss)
    if _is_log_loss(loss, params) and not judged:
        fitted = Fitted(_fit_two_classes(type(student), params, X, loss, fit_params))
    else:
        own = type(student)(**params)
        fitted = fit_by_labels(own, X, loss, random_state=random_state, **fit_params)
    _take_model(student, fitted.student)
    return fitted._replace(student=student)


def _weighted(loss, params):
    """The loss under the class weights that CatBoost has by three names."""
    weight = params.get("class_weights")
    if isinstance(weight, dict):
        weight = [weight.get(label, 1.0) for label in loss.classes.tolist()]
    if auto := params.get("auto_class_weights"):
        labelled = loss.y >= 0
        mass = np.bincount(loss.y[labelled], loss.sample_weight[labelled], loss.n_classes)
        weight = (mass.max() / mass) ** {"None": 0, "Balanced": 1, "SqrtBalanced": 0.5}[auto]
    if positive := params.get("scale_pos_weight"):
        weight = [1.0, positive]
    if weight is None:
        return loss
    return loss.reweight(class_factor(loss, np.asarray(weight, dtype=float)))


def _is_log_loss(loss, params):
    asked = [params.get(name) for name in ("loss_function", "objective", "eval_metric")]
    return (
        loss.n_classes == 2
        and loss.n_samples <= _MOST_ROWS
        and all(isinstance(name, str | None) and name in _LOG_LOSS for name in asked)
        and not params.get("custom_metric")
        and params.get("task_type") != "GPU"
    )


def _is_cross_entropy(loss):
    return loss.temperature == 1 or loss.alpha == 0


def _fit_two_classes(catboost_class, params, X, loss, fit_params):
    """Fit by an objective that takes soft targets; name the model a `Logloss` one."""
    if not np.all(loss.row_weight == 1):
        fit_params["sample_weight"] = loss.row_weight
    native = _first_tree(catboost_class, params, X, loss, fit_params)
    resolved, names = native.get_all_params(), native.get_metadata()["class_params"]
    params = {k: v for k, v in params.items() if k not in ("objective", "eval_metric", "eta")}
    params["learning_rate"] = resolved["learning_rate"]
    if _is_cross_entropy(loss):
        target, params["loss_function"] = loss.blend()[:, 1], "CrossEntropy"
    else:
        objective = params["loss_function"] = _Objective(loss)
        params.setdefault("leaf_estimation_iterations", _NEWTON_STEPS)
        params |= {"leaf_estimation_method": resolved["leaf_estimation_method"]}
        params |= {"eval_metric": "RMSE:hints=skip_train~true"}
        target = objective.target
    if fit_params.get("eval_set") is not None:
        fit_params["eval_set"] = _encoded(fit_params["eval_set"], loss.classes)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Failed to import numba")
        own = catboost_class(**params).fit(X, target, **fit_params)
    _name_log_loss(own.get_metadata(), names)
    return own


class _Objective:
    """Derivatives of a loss, found by a target that is the number of a row.

    Rows are numbered by their soft targets, so that what CatBoost itself does with
    targets, as to categories, it does with the order of the soft ones.
    """

    def __init__(self, loss):
        order = np.argsort(loss.blend()[:, 1], kind="stable")
        self.loss = loss.take(order)
        self.target = np.argsort(order) / _MOST_ROWS
        self.blocks = {}  # CatBoost asks for the same rows again and again

    def calc_ders_range(self, raw, targets, weights):
        targets = np.asarray(targets)
        key = targets.tobytes()
        if key not in self.blocks:
            rows = np.rint(targets * _MOST_ROWS).astype(np.intp)
            self.blocks[key] = self.loss.take(rows)
        gradient, hessian = self.blocks[key].gradient_and_hessian(raw)
        return list(zip((-gradient).tolist(), (-hessian).tolist(), strict=True))

    def __deepcopy__(self, memo):
        """CatBoost copies its parameters; the targets among them need no copy."""
        return self


def _name_log_loss(metadata, names):
    """Make a model say that it was trained on `Logloss`, with labels named as natively."""
    options = metadata["params"]
    for name in ("CrossEntropy", "PythonUserDefinedPerObject"):
        options = options.replace(f'"{name}"', '"Logloss"')
    options = json.loads(options)
    options["data_processing_options"]["class_names"] = json.loads(names)["class_names"]
    metadata["class_params"], metadata["params"] = names, json.dumps(options)


def _first_tree(catboost_class, params, X, loss, fit_params):
    """A silent native fit of one tree, for the learning rate and the names of classes.

    Features are cut in two at the middle of their range: to cut them well would take as
    long as several trees, and neither answer depends on it.
    """
    params = {k: v for k, v in params.items() if k not in _LOUD | {"max_bin"}}
    params |= {"logging_level": "Silent"}
    params |= {"border_count": 1, "feature_border_type": "Uniform"}
    fit_params = {k: v for k, v in fit_params.items() if k not in _LOUD}
    fit_params["callbacks"] = [_StopAtOnce()]
    return catboost_class(**params).fit(X, loss.classes[codes(loss)], **fit_params)


class _StopAtOnce:
    def after_iteration(self, info):
        return False


def _encoded(eval_set, classes):
    """Validation sets with 0 and 1 in place of the user's labels."""
    encoder = LabelEncoder().fit(classes)
    pairs = eval_set if isinstance(eval_set, list) else [eval_set]
    return [(X, encoder.transform(y).astype(float)) for X, y in pairs]


def _take_model(student, own):
    """Move the model of `own` into `student`, whose parameters stay."""
    state = own.__getstate__()
    student.__setstate__({key: state[key] for key in state if key.startswith("_")})


def catboost_space(student):
    """Search space: how many trees, how deep, how hard they are held back."""
    return {
        "iterations": IntDistribution(10, 500, log=True),
        "learning_rate": FloatDistribution(0.01, 0.5, log=True),
        "depth": IntDistribution(2, 8),
        "l2_leaf_reg": FloatDistribution(0.1, 30.0, log=True),
    }


register("catboost.core.CatBoostClassifier", fit_catboost, search_space=catboost_space)
