r"""XGBoost: its own training on the gradient and Hessian of the loss.

XGBoost's `fit` runs with a callable objective while its booster is configured for
``binary:logistic`` or ``multi:softprob``: validation metrics are computed natively, on the
user's hard labels, and the booster handed back is a genuine one. What remains to be done:

- *Hessian.* XGBoost doubles the diagonal of the multiclass Hessian and keeps all of it
  above 1e-16; ``min_child_weight`` and ``reg_lambda`` are measured on that scale.
- *Baseline.* ``base_score``, which is estimated from labels otherwise. XGBoost itself is
  asked for its estimate, of class frequencies whose best constant is that of the loss.
- *Weights* also weigh XGBoost's quantile bins, so they are handed on beside the loss.
- *Labels.* XGBoost knows the classes 0 to K - 1 only; validation labels are encoded.

``get_params()["objective"]`` of the student stays what the user gave. XGBoost's own `fit`
rewrites it for several classes; set it to "multi:softprob" together with any other
parameter that is changed in a student already fitted to three or more classes, since
``set_params`` then configures the booster anew.
"""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.special import expit, logit, softmax

from skdistill._estimators._classes import encoded_sets
from skdistill._typing import Rows, Seed
from skdistill.loss import BoundClassificationLoss
from skdistill.students._additive import (
    any_rate,
    leaves_together,
    most_leaves,
    pays_with,
    refuse_own_leaves,
)
from skdistill.students._boosting import Derivatives, Growing, baseline, codes
from skdistill.students._class_weight import class_factor
from skdistill.students._refine import Leaves
from skdistill.students._registry import Fitted, Unsupported, register
from skdistill.students._rows import weighted_rows

_SMALLEST = 1e-16  # Hessian
_OWN_LEAVES = ("monotone_constraints", "max_delta_step")
_OBJECTIVES = {None, "binary:logistic", "multi:softprob", "multi:softmax"}


def fit_xgboost(
    student: Any,
    X: Rows,
    loss: BoundClassificationLoss,
    *,
    together: Callable[..., Any] | None = None,
    random_state: Seed = None,
    **fit_params: Any,
) -> Fitted:
    """Fit an `XGBClassifier` in place; its parameters and `fit` keep their meaning.

    With `together` its leaves are solved together: while it grows, if no validation data
    judge the trees as XGBoost itself has grown them, and at the end.

    Refused, for the general path: objectives other than logistic and softmax.
    """
    params = student.get_params()
    if params["objective"] not in _OBJECTIVES:
        raise Unsupported(
            f"objective={params['objective']!r} is a loss of its own; leave objective at "
            "'binary:logistic'"
        )
    X, loss, fit_params = weighted_rows(X, loss, fit_params)
    positive = params["scale_pos_weight"] if loss.n_classes == 2 else None
    changed = {
        "objective": _Objective(loss, positive),
        "eval_metric": _on_probabilities(params["eval_metric"]),
    }
    if params["base_score"] is None and fit_params.get("xgb_model") is None:
        changed["base_score"] = _intercept(loss, positive)
    if fit_params.get("eval_set") is not None:
        fit_params["eval_set"] = encoded_sets(fit_params["eval_set"], loss.classes)
    if not np.all(loss.row_weight == 1):
        fit_params["sample_weight"] = loss.row_weight
    curve = growing = None
    if together is not None:
        _refuse_own_leaves(params, fit_params)
        growing = changed["objective"].grow(student, X, together, fit_params)
        changed["callbacks"] = [*(params["callbacks"] or []), _callback(growing)]
    vars(student).update(changed)
    student.fit(X, codes(loss), **fit_params)
    vars(student).update({name: params[name] for name in changed})
    if growing is not None:
        values, curve = growing.finish(student.get_booster())
        _write(student.get_booster(), values)
    return Fitted(student, curve=curve)


class _Objective:
    """Gradient and Hessian of a loss on XGBoost's scale."""

    def __init__(self, loss, positive):
        if positive is not None and positive != 1:
            loss = loss.reweight(class_factor(loss, np.array([1.0, positive])))
        factor = 1 if loss.n_classes == 2 else 2
        self.loss, self.growing = loss, None
        self.derivatives = Derivatives(loss, hessian_factor=factor)

    def grow(self, student, X, together, fit_params):
        """Derivatives from now on are those at leaves solved together."""
        judged = bool(fit_params.get("eval_set"))
        self.growing = Growing(together, self.loss, _grown_trees(student, X), judged=judged)
        return self.growing

    def __call__(self, y_true, raw, sample_weight=None):
        raw = raw.get() if hasattr(raw, "get") else raw  # from the GPU
        if self.growing is not None:
            raw = self.growing.scores(raw)
        gradient, hessian = self.derivatives(raw)
        return gradient, np.maximum(hessian, _SMALLEST, out=hessian)


# Leaves ------------------------------------------------------------------------------


def _refuse_own_leaves(params, fit_params):
    """Refuse, by name, what leaves that another hand solves cannot honour."""
    asked = {name: params[name] for name in _OWN_LEAVES}
    asked["booster"] = params["booster"] if params["booster"] != "gbtree" else None
    strategy = params.get("multi_strategy")
    asked["multi_strategy"] = strategy if strategy != "one_output_per_tree" else None
    refuse_own_leaves(asked | {"xgb_model": fit_params.get("xgb_model")}, "XGBClassifier")


def _grown_trees(student, X):
    """What `Growing` reads of the trees after the first: leaf of each row, values, column."""
    rows = _table(student, X)

    def read(booster, n_seen):
        per_round = max(student.n_classes_, 1) if student.n_classes_ > 2 else 1
        per_round *= student.num_parallel_tree or 1
        first, last = n_seen // per_round, _n_rounds(student, booster)
        if first == last:
            return
        new = booster[first:last]
        model = _model(new)["learner"]["gradient_booster"]["model"]
        reached = _reached(new, rows)
        for tree, node, column in zip(
            model["trees"], reached.T, model["tree_info"], strict=True
        ):
            number, values = _numbered(tree)
            yield number[node], values, column

    return read


def xgboost_leaves(student: Any) -> Any:
    """The leaves of the trees by which a fitted `XGBClassifier` predicts."""
    booster = student.get_booster()
    used = booster[: _n_rounds(student, booster)]
    model = _model(used)["learner"]
    trees = model["gradient_booster"]["model"]["trees"]
    numbers, values = zip(*map(_numbered, trees), strict=True)
    starts = np.cumsum([0, *map(len, values)])
    columns = np.array(model["gradient_booster"]["model"]["tree_info"])

    def apply(X):
        reached = _reached(used, _table(student, X))
        for node, number, start in zip(reached.T, numbers, starts, strict=False):
            node[:] = start + number[node]
        return reached

    def write(values):
        _write(booster, [values[first:last, 0] for first, last in pairwise(starts)])

    offset = _margin(student, model)
    return Leaves(apply, np.concatenate(values)[:, None], write, offset, columns)


def _numbered(tree):
    """Number of every leaf by node, and the values of leaves, of a tree in a model file."""
    is_leaf = np.array(tree["left_children"]) == -1
    return np.cumsum(is_leaf) - 1, np.array(tree["split_conditions"], dtype=float)[is_leaf]


def _margin(student, model):
    """Raw prediction before the first tree, from the `base_score` that a model keeps."""
    base = np.atleast_1d(json.loads(model["learner_model_param"]["base_score"]))
    if student.n_classes_ == 2:
        return logit(base)
    return np.broadcast_to(base, student.n_classes_).astype(np.float64)


def _n_rounds(student, booster):
    stopped = booster.attr("best_iteration")
    if student.early_stopping_rounds is None or stopped is None:
        return booster.num_boosted_rounds()
    return int(stopped) + 1


def _table(student, X):
    import xgboost

    return xgboost.DMatrix(
        X, missing=student.missing, feature_types=student.feature_types,
        nthread=student.n_jobs, enable_categorical=student.enable_categorical,
    )  # fmt: skip


def _reached(booster, table):
    """Node of each row in each tree."""
    reached = booster.predict(table, pred_leaf=True)
    return reached.reshape(table.num_row(), -1).astype(np.int32, order="F")


def _model(booster):
    return json.loads(bytes(booster.save_raw("json")))


def _write(booster, values):
    """Put leaf values into the first trees of a booster; its configuration stays."""
    model, configuration = _model(booster), booster.save_config()
    trees = model["learner"]["gradient_booster"]["model"]["trees"]
    for tree, own in zip(trees, values, strict=False):
        leaves = np.flatnonzero(np.array(tree["left_children"]) == -1)
        for node, value in zip(leaves.tolist(), own.tolist(), strict=True):
            tree["split_conditions"][node] = tree["base_weights"][node] = value
    booster.load_model(bytearray(json.dumps(model).encode()))
    booster.load_config(configuration)


def _callback(growing):
    """Let `Growing` see the trees so far."""
    from xgboost.callback import TrainingCallback

    class HandBooster(TrainingCallback):
        def before_iteration(self, model, epoch, evals_log):
            growing.booster = model
            return False

    return HandBooster()


# Baseline and metrics ----------------------------------------------------------------


def _intercept(loss, positive):
    """XGBoost's `base_score` for labels whose best constant is that of the loss."""
    import xgboost

    n_classes, raw = loss.n_classes, baseline(loss, floor=1e-7)
    if n_classes == 2:
        frequency = expit(np.append(-raw, raw))
        params = {"objective": "binary:logistic", "scale_pos_weight": positive or 1}
    else:
        frequency = softmax(raw)
        params = {"objective": "multi:softprob", "num_class": n_classes}
    labels = np.arange(n_classes)
    table = xgboost.DMatrix(np.zeros((n_classes, 1)), label=labels, weight=frequency)
    config = json.loads(xgboost.train(params, table, num_boost_round=1).save_config())
    found = np.atleast_1d(json.loads(config["learner"]["learner_model_param"]["base_score"]))
    return found.tolist() if len(found) > 1 else float(found[0])


def _on_probabilities(eval_metric):
    """`eval_metric` with its callables handed probabilities, not raw predictions."""
    if callable(eval_metric):
        return _OnProbabilities(eval_metric)
    if isinstance(eval_metric, list | tuple):
        return [_on_probabilities(metric) for metric in eval_metric]
    return eval_metric


class _OnProbabilities:
    def __init__(self, metric):
        self.metric = metric
        self.__name__ = metric.__name__

    def __call__(self, y_true, raw, **weight):
        proba = expit(raw) if raw.ndim == 1 else softmax(raw, axis=1)
        return self.metric(y_true, proba, **weight)


def _most_leaves(student):
    depth = 6 if student.max_depth is None else student.max_depth
    n_trees = (student.n_estimators or 100) * (student.num_parallel_tree or 1)
    return n_trees * most_leaves(depth, student.max_leaves)


def xgboost_space(student: Any) -> dict[str, Any]:
    """Search space: how many trees, how deep, how hard they are held back."""
    return {
        "n_estimators": IntDistribution(10, 500, log=True),
        "learning_rate": FloatDistribution(0.01, 0.5, log=True),
        "max_depth": IntDistribution(2, 10),
        "min_child_weight": FloatDistribution(0.1, 20.0, log=True),
        "reg_lambda": FloatDistribution(1e-3, 10.0, log=True),
    }


register(
    "xgboost.sklearn.XGBClassifier",
    fit_xgboost,
    search_space=xgboost_space,
    refine=leaves_together(fit_xgboost),
    refine_pays=pays_with(_most_leaves),
    refined_space=any_rate,
    leaves=xgboost_leaves,
)
