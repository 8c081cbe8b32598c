r"""LightGBM: its own training on the gradient and Hessian of the loss.

LightGBM's `fit` runs with a callable objective, and what a callable objective takes away
is given back:

- *Hessian.* LightGBM multiplies the diagonal of the multiclass Hessian by
  :math:`K / (K - 1)`; ``min_child_weight`` and ``reg_lambda`` are measured on that scale.
- *Baseline.* Boosting starts at the constant that minimises the loss, as an
  ``init_score``, which LightGBM does not save: it is added to the leaves of the first
  trees, where LightGBM keeps its own.
- *Metrics* would read raw scores. Those of probabilities are replaced by functions of
  the same name and a user's own are handed probabilities. Validation data keep the
  user's hard labels.
- *Name.* The model string names ``multiclass`` or ``binary`` again, so that the model
  returns probabilities wherever it is loaded.

DART is refused: under a callable objective LightGBM 4 reads whether trees were dropped
before it first writes it, so that equal seeds draw different trees.
"""

import inspect
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.special import expit, softmax
from sklearn.base import clone

from skdistill._estimators._classes import encoded
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

_ALIASES = {
    "boosting_type": ("boosting", "boost"),
    "device_type": ("device",),
    "is_unbalance": ("unbalance", "unbalanced_sets"),
    "linear_tree": ("linear_trees",),
    "metric": ("metrics", "metric_types"),
    "neg_bagging_fraction": ("neg_bagging", "neg_sub_row", "neg_subsample"),
    "pos_bagging_fraction": ("pos_bagging", "pos_sub_row", "pos_subsample"),
    "objective": ("objective_type", "app", "application", "loss"),
}
_LOG_LOSS = {"logloss", "binary_logloss", "binary", "multi_logloss", "multiclass", "softmax"}
_ERROR = {"error", "binary_error", "multi_error"}
_OWN_LEAVES = ("monotone_constraints", "max_delta_step", "path_smooth", "linear_tree")
_SAME_ON_RAW = {"auc", "auc_mu", "average_precision", "multi_error", "None"}


def fit_lightgbm(
    student: Any,
    X: Rows,
    loss: BoundClassificationLoss,
    *,
    together: Callable[..., Any] | None = None,
    random_state: Seed = None,
    **fit_params: Any,
) -> Fitted:
    """Fit an `LGBMClassifier` in place; its parameters and `fit` keep their meaning.

    With `together` its leaves are solved together: while it grows, if no validation data
    judge the trees as LightGBM itself has grown them, and at the end.

    Refused, for the general path: objectives other than softmax and logistic,
    ``boosting_type`` "rf" and "dart", ``linear_tree``, ``device_type="cuda"``, bagging by
    class, and validation metrics other than log-loss, error rate, rankings and callables.
    """
    params = _canonical(student.get_params())
    _refuse(params, fit_params, loss.n_classes)
    X, loss, fit_params = weighted_rows(X, loss, fit_params)
    y = codes(loss)
    objective = _Objective(_balanced(params, loss, y), params)
    own = clone(student).set_params(objective=objective)
    callbacks = [_keep_random_state, *(fit_params.pop("callbacks", None) or [])]
    if together is not None:
        _refuse_own_leaves(params, fit_params)
        objective.growing = growing = Growing(
            together, objective.loss, _grown_trees(X),
            judged=bool(_eval_lengths(fit_params)), slope=objective.slope,
        )  # fmt: skip
        callbacks.append(_hand_booster(growing))
    if _eval_lengths(fit_params):
        metrics = _metric_names(params, fit_params, objective)
        callbacks.append(_InOrder(metrics))
        fit_params["eval_metric"] = _computed(own, metrics, fit_params, objective)
    init = None
    if _starts_at_average(params, fit_params):
        init = baseline(loss) / objective.slope
        fit_params |= _init_scores(init, loss.n_samples, fit_params)
    labels, fit_params = encoded(own, loss.classes[y], loss.classes, fit_params)
    own.fit(X, labels, callbacks=callbacks, **fit_params)
    curve = None
    if together is not None:
        values, curve = growing.finish(own.booster_)
        for tree, of_tree in enumerate(values):
            _write(own.booster_, tree, of_tree)
    _name_objective(own.booster_, objective)
    if init is not None:
        _add_to_trees(own.booster_, init)
    return Fitted(_with_state_of(own, student, objective), curve=curve)


class _Objective:
    """Gradient and Hessian of a loss on LightGBM's scale; ``slope * raw`` are logits."""

    growing = None

    def __init__(self, loss, params):
        self.loss = loss
        self.n_classes = k = loss.n_classes
        self.slope = params.get("sigmoid", 1.0) if k == 2 else 1.0
        self.derivatives = Derivatives(
            loss, slope=self.slope, hessian_factor=1 if k == 2 else k / (k - 1)
        )

    def __call__(self, y_true, raw):
        if self.growing is not None:
            raw = self.growing.scores(raw)
        return self.derivatives(raw)

    def __deepcopy__(self, memo):
        """LightGBM copies its parameters; the targets among them need no copy."""
        return self

    def proba(self, raw):
        """Probabilities, as a metric of LightGBM is handed them."""
        return expit(self.slope * raw) if raw.ndim == 1 else softmax(raw, axis=1)

    @property
    def name(self):
        """The native objective of this shape."""
        return "binary" if self.n_classes == 2 else "multiclass"


def _canonical(params):
    """Parameters under one name each."""
    for name, aliases in _ALIASES.items():
        for alias in aliases:
            if alias in params:
                params[name] = params.pop(alias)
    return params


def _refuse(params, fit_params, n_classes):
    native = {None, "binary"} if n_classes == 2 else {None, "multiclass", "softmax"}
    for name, honoured in {
        "objective": params["objective"] in native,
        "boosting_type": params["boosting_type"] in ("gbdt", "gbrt", "goss"),
        "linear_tree": not params.get("linear_tree"),
        "device_type": params.get("device_type") != "cuda",
        "neg_bagging_fraction": n_classes > 2 or params.get("neg_bagging_fraction", 1) == 1,
        "pos_bagging_fraction": n_classes > 2 or params.get("pos_bagging_fraction", 1) == 1,
    }.items():
        if not honoured:
            raise Unsupported(
                f"{name}={params[name]!r} cannot be trained on a loss of its own with "
                f"{n_classes} classes; leave {name} at its default"
            )
    if "eval_init_score" in fit_params and "init_score" not in fit_params:
        raise Unsupported("eval_init_score needs the init_score it belongs to")


def _balanced(params, loss, y):
    """The loss under ``is_unbalance`` or ``scale_pos_weight``, which leave the baseline."""
    positive, weight = params.get("scale_pos_weight", 1.0), np.ones(2)
    if loss.n_classes > 2:
        return loss
    if params.get("is_unbalance"):
        counts = np.bincount(y)
        weight = counts.max() / counts
    weight[1] *= positive
    return loss if np.all(weight == 1) else loss.reweight(class_factor(loss, weight))


# Leaves ------------------------------------------------------------------------------


def _refuse_own_leaves(params, fit_params):
    """Refuse, by name, what leaves that another hand solves cannot honour."""
    asked = {name: params.get(name) for name in _OWN_LEAVES}
    refuse_own_leaves(asked | {"init_model": fit_params.get("init_model")}, "LGBMClassifier")


def _grown_trees(X):
    """What `Growing` reads of the trees after the first: leaf of each row, values, column."""
    X = X if hasattr(X, "shape") else np.asarray(X)

    def read(booster, n_seen):
        k, n_rounds = booster.num_model_per_iteration(), booster.best_iteration
        n_rounds = n_rounds if n_rounds > 0 else booster.current_iteration()
        if n_rounds * k == n_seen:
            return
        span = {"start_iteration": n_seen // k, "num_iteration": n_rounds - n_seen // k}
        reached = booster.predict(X, pred_leaf=True, **span)
        for tree, leaf in enumerate(reached.reshape(len(reached), -1).T, n_seen):
            yield leaf, _read(booster, tree, leaf.max() + 1), tree % k

    return read


def _hand_booster(growing):
    """Callback: let `Growing` see the trees so far."""

    def hand(env):
        growing.booster = env.model

    hand.before_iteration = True
    return hand


def lightgbm_leaves(student: Any) -> Any:
    """The leaves of the trees by which a fitted `LGBMClassifier` predicts."""
    booster = student.booster_
    k = booster.num_model_per_iteration()
    span = {"num_iteration": booster.best_iteration}
    sizes = [tree["num_leaves"] for tree in booster.dump_model(**span)["tree_info"]]
    starts = np.cumsum([0, *sizes])
    slope = _slope(booster)

    def apply(X):
        reached = booster.predict(X, pred_leaf=True, **span)
        return reached.reshape(len(reached), -1) + starts[:-1].astype(np.int32)

    def write(values):
        for tree, (first, last) in enumerate(pairwise(starts)):
            _write(booster, tree, values[first:last, 0] / slope)

    values = [slope * _read(booster, tree, size) for tree, size in enumerate(sizes)]
    columns = np.arange(len(sizes)) % k
    return Leaves(apply, np.concatenate(values)[:, None], write, np.zeros(k), columns)


def _slope(booster):
    """Logits per unit of raw score of a loaded model."""
    objective = booster.dump_model(num_iteration=1)["objective"]
    found = re.search(r"sigmoid:(\S+)", objective)
    return float(found[1]) if found else 1.0


def _read(booster, tree, n_leaves):
    return np.array([booster.get_leaf_output(tree, leaf) for leaf in range(n_leaves)])


def _write(booster, tree, values):
    for leaf, value in enumerate(values):
        booster.set_leaf_output(tree, leaf, value)


# Baseline ----------------------------------------------------------------------------


def _starts_at_average(params, fit_params):
    own = fit_params.get("init_model") is None and fit_params.get("init_score") is None
    return own and params.get("boost_from_average", True)


def _init_scores(init, n_samples, fit_params):
    """Fit parameters that start training and validation scores at `init`."""

    def rows(n):
        return np.full(n, init[0]) if len(init) == 1 else np.tile(init, (n, 1))

    scores = {"init_score": rows(n_samples)}
    if lengths := _eval_lengths(fit_params):
        scores["eval_init_score"] = [rows(n) for n in lengths]
    return scores


def _eval_lengths(fit_params):
    """Number of rows of each validation set."""
    pairs = fit_params.get("eval_set") or []
    parts = [X for X, _ in ([pairs] if isinstance(pairs, tuple) else pairs)]
    if (more := fit_params.get("eval_X")) is not None:
        parts += more if isinstance(more, tuple) else [more]
    return [X.shape[0] if hasattr(X, "shape") else len(X) for X in parts]


def _add_to_trees(booster, init):
    """Add the baseline of each class to the leaves of its first tree."""
    trees = booster.dump_model(num_iteration=1)["tree_info"]
    for k, tree in enumerate(trees):
        _write(booster, k, _read(booster, k, tree["num_leaves"]) + init[k])


def _keep_random_state(env):
    """Callback: no reset at the first update, which would advance column sampling."""
    env.model._Booster__set_objective_to_none = True


_keep_random_state.before_iteration = True


# Metrics -----------------------------------------------------------------------------


def _metric_names(params, fit_params, objective):
    """Names of the built-in metrics, in the order in which LightGBM reports them."""
    asked = [m for m in _as_list(fit_params.get("eval_metric")) if isinstance(m, str)]
    given = _as_list(params.get("metric")) or [objective.name]
    names = [m for m in asked if m not in given] + given
    names = list(dict.fromkeys(_metric_name(m, objective.n_classes) for m in names))
    if unknown := set(names) - _SAME_ON_RAW - _COMPUTED.keys():
        raise Unsupported(
            f"metric={sorted(unknown)} would be computed on raw scores; use a log-loss, an "
            f"error rate, one of {sorted(_SAME_ON_RAW)}, or a callable"
        )
    return names


def _computed(own, names, fit_params, objective):
    """Metrics to be handed probabilities; those that need none stay named in `own`."""
    aliases = {"metric", *_ALIASES["metric"]} & own.get_params().keys()
    own.set_params(**dict.fromkeys(aliases))
    own.set_params(metric=[m for m in names if m not in _COMPUTED] or ["None"])
    callables = [_COMPUTED[m] for m in names if m in _COMPUTED]
    callables += [m for m in _as_list(fit_params.get("eval_metric")) if callable(m)]
    return [_OnProbabilities(m, objective) for m in callables]


def _as_list(value):
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def _metric_name(name, n_classes):
    kind = "binary" if n_classes == 2 else "multi"
    if name in _LOG_LOSS:
        return f"{kind}_logloss"
    return f"{kind}_error" if name in _ERROR else name


class _OnProbabilities:
    """A metric of LightGBM's, handed probabilities in place of raw scores."""

    def __init__(self, metric, objective):
        self.metric = metric
        self.proba = objective.proba

    def __call__(self, y_true, raw, weight, group):
        n_arguments = len(inspect.signature(self.metric).parameters)
        return self.metric(*(y_true, self.proba(raw), weight, group)[:n_arguments])


class _InOrder:
    """Callback: results in the order in which LightGBM would have reported them.

    It reports callables last; which metric is first matters to early stopping.
    """

    order = -(10**6)

    def __init__(self, names):
        self.names = names

    def __call__(self, env):
        results = env.evaluation_result_list
        sets = [result[0] for result in results]
        results.sort(key=lambda result: (sets.index(result[0]), self._place(result[1])))

    def _place(self, metric):
        name = metric.partition("@")[0]
        return self.names.index(name) if name in self.names else len(self.names)


def _binary_logloss(y_true, proba, weight):
    return "binary_logloss", _nats(np.where(y_true > 0, proba, 1 - proba), weight), False


def _multi_logloss(y_true, proba, weight):
    own = proba[np.arange(len(proba)), y_true.astype(int)]
    return "multi_logloss", _nats(own, weight), False


def _binary_error(y_true, proba, weight):
    wrong = (proba > 0.5) != (y_true > 0)
    return "binary_error", np.average(wrong, weights=weight), False


def _nats(own, weight):
    return np.average(-np.log(np.maximum(own, 1e-15)), weights=weight)


_COMPUTED = {
    "binary_logloss": _binary_logloss,
    "binary_error": _binary_error,
    "multi_logloss": _multi_logloss,
}


# The model handed back ---------------------------------------------------------------


def _with_state_of(own, student, objective):
    """`student`, its parameters untouched, with all that `own` learnt."""
    learnt = vars(own).keys() - own.get_params().keys() - {"_other_params"}
    vars(student).update({key: vars(own)[key] for key in learnt})
    student._objective = student.objective or objective.name
    return student


def _name_objective(booster, objective):
    line = f"multiclass num_class:{objective.n_classes}"
    if objective.n_classes == 2:
        line = f"binary sigmoid:{objective.slope:g}"
    text = booster.model_to_string(num_iteration=-1)
    text = text.replace("\nfeature_names=", f"\nobjective={line}\nfeature_names=", 1)
    text = text.replace("\n[objective: custom]", f"\n[objective: {objective.name}]", 1)
    booster.params["objective"] = objective.name
    booster._Booster__set_objective_to_none = False
    booster.model_from_string(text)


def _most_leaves(student):
    return student.n_estimators * most_leaves(student.max_depth, student.num_leaves)


def lightgbm_space(student: Any) -> dict[str, Any]:
    """Search space: how many trees, how large, how hard they are held back."""
    return {
        "n_estimators": IntDistribution(10, 500, log=True),
        "learning_rate": FloatDistribution(0.01, 0.5, log=True),
        "num_leaves": IntDistribution(4, 128, log=True),
        "min_child_samples": IntDistribution(5, 100, log=True),
        "reg_lambda": FloatDistribution(1e-3, 10.0, log=True),
    }


register(
    "lightgbm.sklearn.LGBMClassifier",
    fit_lightgbm,
    search_space=lightgbm_space,
    refine=leaves_together(fit_lightgbm),
    refine_pays=pays_with(_most_leaves),
    refined_space=any_rate,
    leaves=lightgbm_leaves,
)
