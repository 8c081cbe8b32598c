r"""CatBoost: trees of its own training, and leaves that are solved for the loss.

At temperature 1 the loss of two classes is cross-entropy against one probability a row,
which CatBoost minimises natively as ``CrossEntropy``: same derivatives, same leaf
estimation and same random numbers as ``Logloss``.

Elsewhere CatBoost would call a Python objective: of two classes once for a few rows and
every Newton step, of more once for every row. Its trees are grown natively instead, with
no row repeated, on the targets on which trees of all families grow (`CombinedLoss.pull`):
by ``CrossEntropy``, or by ``MultiRMSE`` where there are several classes. Then their leaves
are solved for the loss, tree after tree, as boosting takes its steps: Newton steps in each
leaf, shrunk by the learning rate. A second pass, with all other trees there, makes up for
trees that were grown by another loss (docs/decisions/0006-leaves-of-catboost.md).

The model then gets the class labels and the name of a ``Logloss`` or ``MultiClass`` one.
The objectives that grow it choose no learning rate by themselves as these do, so that a
fit of theirs that stops after one tree is asked for it.

Labels alone and all that is not plain log-loss on the CPU take the general path, with class
weights moved into the loss first. So does, where leaves are solved here, what asks for a say
in them: validation data, ``init_model``, ``baseline``, monotonic constraints,
``leaf_estimation_method="Gradient"``, shrunk and noisy models.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution

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
from skdistill.students._boosting import baseline, codes
from skdistill.students._class_weight import class_factor
from skdistill.students._leaves import labels_alone
from skdistill.students._refine import Leaves
from skdistill.students._registry import Fitted, Unsupported, register
from skdistill.students._rows import weighted_rows

_WEIGHTS = {"class_weights", "auto_class_weights", "scale_pos_weight"}
_LOUD = {"verbose", "logging_level", "verbose_eval", "silent", "metric_period", "plot"}
_LOG_LOSS, _SEVERAL = {None, "Logloss", "CrossEntropy"}, {None, "MultiClass"}
_NAMES = {"class_names", "classes_count"}  # an order of classes of the user's own
_OWN_LEAVES = {  # what leaves that another hand solves cannot honour
    "monotone_constraints", "model_shrink_rate", "langevin", "posterior_sampling",
    "leaf_estimation_backtracking", "eval_fraction",
}  # fmt: skip
_PASSES, _NEWTON_STEPS = 2, 3
_TREES = 64  # whose leaves are held at a time
_EPS = np.finfo(np.float64).eps  # penalty by which an empty leaf keeps to 0


def fit_catboost(
    student: Any,
    X: Rows,
    loss: BoundClassificationLoss,
    *,
    together: Callable[..., Any] | None = None,
    random_state: Seed = None,
    **fit_params: Any,
) -> Fitted:
    """Fit a `CatBoostClassifier` in place; its parameters and `fit` keep their meaning.

    The path is "direct" for the default loss function on the CPU; with validation data, for
    two classes where the loss is cross-entropy (at temperature 1 or ``alpha=0``). Where
    leaves are solved here, `leaf_estimation_iterations` counts the Newton steps of a pass.
    With `together` all leaves are solved together at the end.
    """
    params = student.get_params()
    loss = loss.in_order(_own_order(type(student), params, loss.classes))
    X, loss, fit_params = weighted_rows(X, loss, fit_params)
    is_direct = _is_direct(loss, params, fit_params)
    if together is not None:
        _refuse_own_leaves(params, fit_params, is_direct)
    if not is_direct:
        raise Unsupported("CatBoost grows no trees on soft targets with these parameters")
    grown, curve = _fit_directly(type(student), params, X, loss, fit_params), None
    if together is not None:
        curve = _solve_together(grown, X, loss, together)
    _take_model(student, grown)
    return Fitted(student, curve=curve)


def _is_direct(loss, params, fit_params):
    """Whether CatBoost can grow the trees on soft targets and nothing asked for is lost."""
    asked = [params.get(name) for name in ("loss_function", "objective", "eval_metric")]
    known = _LOG_LOSS if loss.n_classes == 2 else _SEVERAL
    plain = (
        all(isinstance(name, str | None) and name in known for name in asked)
        and not params.get("custom_metric")
        and params.get("task_type") != "GPU"
        and not any(params.get(name) for name in _NAMES)
        and _is_of_pairs(fit_params.get("eval_set"))
    )
    if not plain or _is_cross_entropy(loss):
        return plain
    judged_or_begun = ("eval_set", "init_model", "baseline")
    return (
        labels_alone(loss) is None
        and params.get("leaf_estimation_method") in (None, "Newton")
        and not any(params.get(name) for name in _OWN_LEAVES)
        and all(fit_params.get(name) is None for name in judged_or_begun)
    )


def _is_of_pairs(eval_set):
    """Whether labels of validation data can be encoded: those of a Pool or file cannot."""
    sets = eval_set if isinstance(eval_set, list) else [eval_set]
    return all(one is None or isinstance(one, tuple | list) for one in sets)


def absorb_class_weights(student: Any, loss: BoundClassificationLoss) -> Any:
    """Move class weights, which CatBoost has by three names, from a student into the loss.

    A fitted CatBoost model refuses other parameters: its model is moved, not its weights.
    """
    params = student.get_params()
    if not _WEIGHTS & params.keys():
        return student, loss, None

    def restore(fitted):
        _take_model(student, fitted)
        return student

    own = type(student)(**{k: v for k, v in params.items() if k not in _WEIGHTS})
    order = _own_order(type(student), params, loss.classes)
    return own, _weighted(loss, params, order), restore


def _refuse_own_leaves(params, fit_params, is_direct):
    """Refuse, by name, what leaves that are solved together cannot honour."""
    asked = {name: params.get(name) for name in sorted(_OWN_LEAVES)}
    asked |= {name: fit_params.get(name) for name in ("init_model", "baseline")}
    refuse_own_leaves(asked, "CatBoostClassifier")
    if not is_direct:
        raise Unsupported(
            "refine=True needs the default loss function of CatBoostClassifier on the CPU, "
            "without metrics, class names or, at this loss, eval_set; use refine=False"
        )


def _solve_together(model, X, loss, make):
    """Solve all leaves of all trees together; returns the curve."""
    leaves = catboost_leaves(model)
    together = make(loss, leaves.offset)
    column = None if loss.n_classes > 2 else 0
    ends = np.cumsum(model.get_tree_leaf_counts())[:-1]
    each = zip(_leaves_by_tree(model, X, -1), np.split(leaves.values, ends), strict=True)
    for leaf, value in each:
        together.append(leaf, value, column)
    together.end_round(solve=False)
    together.finish()
    model.set_leaf_values(np.concatenate(together.values).ravel())
    return together.curve[1:]


def catboost_leaves(student: Any) -> Any:
    """The leaves of all trees of a fitted `CatBoostClassifier`."""
    counts = student.get_tree_leaf_counts()
    starts, offset = np.cumsum([0, *counts[:-1]]), student.get_scale_and_bias()[1]
    offset = np.atleast_1d(np.asarray(offset, dtype=np.float64))
    values = student.get_leaf_values().reshape(int(counts.sum()), -1)
    columns = np.zeros(len(counts), dtype=np.intp) if values.shape[1] == 1 else None

    def apply(X):
        reached = student.calc_leaf_indexes(X).astype(np.int32) + starts.astype(np.int32)
        return np.asfortranarray(reached)

    return Leaves(apply, values, partial(_write_leaves, student), offset, columns)


def _write_leaves(student, values):
    """Put leaf values into a model, by a copy: one that was loaded cannot be modified."""
    from catboost import sum_models

    copied, metadata = sum_models([student], [1.0]), dict(student.get_metadata())
    copied.set_leaf_values(values.ravel())
    own = copied.get_metadata()
    for name in dict(own).keys() - metadata.keys():
        del own[name]
    for name, value in metadata.items():
        own[name] = value
    _take_model(student, copied)


def _own_order(catboost_class, params, classes):
    """Which class stands at each place of CatBoost's ``classes_``.

    That of ``class_names``, if they are given. Text that looks like numbers is ordered by
    number; CatBoost itself is asked which does.
    """
    own = params.get("class_names")
    if own is None and classes.dtype.kind in "OUS":
        silent = {"logging_level": "Silent", "allow_writing_files": False, "thread_count": 1}
        twice = np.tile(classes, 2)
        table = np.arange(len(twice))[:, None]
        own = catboost_class(iterations=1, depth=1, **silent).fit(table, twice).classes_
    places = {label: place for place, label in enumerate(classes.tolist())}
    own = classes.tolist() if own is None else np.asarray(own).tolist()
    order = [places[label] for label in own if label in places]
    return np.array(order) if len(order) == len(classes) else np.arange(len(classes))


def _weighted(loss, params, order):
    """The loss under CatBoost's class weights; lists are in the order of its classes."""
    given = params.get("class_weights")
    if params.get("scale_pos_weight"):
        given = [1.0, params["scale_pos_weight"]]
    if isinstance(given, dict):
        weight = np.array([given.get(label, 1.0) for label in loss.classes.tolist()], float)
    elif auto := params.get("auto_class_weights"):
        labelled = loss.y >= 0
        mass = np.bincount(loss.y[labelled], loss.sample_weight[labelled], loss.n_classes)
        rarity = np.divide(mass.max(), mass, np.ones(loss.n_classes), where=mass > 0)
        weight = rarity ** {"None": 0, "Balanced": 1, "SqrtBalanced": 0.5}[auto]
    elif given is None:
        return loss
    else:
        weight = np.asarray(given, dtype=float)[np.argsort(order)]
    return loss.reweight(class_factor(loss, weight))


def _is_cross_entropy(loss):
    return loss.n_classes == 2 and loss.is_cross_entropy


def _fit_directly(catboost_class, params, X, loss, fit_params):
    """Fit by an objective that takes soft targets; name the model as natively."""
    from catboost import CatBoost

    target, weight = loss.pull()
    if not np.all(weight == 1):
        fit_params["sample_weight"] = weight
    native = _first_tree(catboost_class, params, X, loss, fit_params)
    resolved, names = native.get_all_params(), native.get_metadata()["class_params"]
    own = {k: v for k, v in params.items() if k not in ("objective", "eval_metric", "eta")}
    own |= {"learning_rate": resolved["learning_rate"], "allow_const_label": True}
    if loss.n_classes == 2:
        if fit_params.get("eval_set") is not None:
            fit_params["eval_set"] = encoded_sets(fit_params["eval_set"], loss.classes)
        own["loss_function"], target = "CrossEntropy", target[:, 1]
        grown = catboost_class(**own).fit(X, target, **fit_params)
    else:
        grown = CatBoost(own | {"loss_function": "MultiRMSE"}).fit(X, target, **fit_params)
    if not _is_cross_entropy(loss):
        resolved["leaf_estimation_iterations"] = _NEWTON_STEPS
        _solve_leaves(grown, X, loss, resolved | own)
    _rename(grown.get_metadata(), ("Logloss", "MultiClass")[loss.n_classes > 2], names)
    return grown


def _solve_leaves(model, X, loss, params):
    """Newton steps in the leaves of one tree after the other, shrunk by the learning rate."""
    shape = loss.raw_shape[1:]
    start = baseline(loss) if params.get("boost_from_average") else np.zeros(shape)
    raw = np.zeros(loss.raw_shape, order="F") + start.reshape(shape)
    values = [np.zeros((count, *shape)) for count in model.get_tree_leaf_counts()]
    penalty = max(params["l2_leaf_reg"], _EPS) * loss.total_weight / loss.n_samples
    n_steps, threads = params["leaf_estimation_iterations"], params.get("thread_count", -1)
    for _ in range(_PASSES):
        for value, leaf in zip(values, _leaves_by_tree(model, X, threads), strict=True):
            move = np.zeros_like(value)
            for step in range(n_steps):
                at = raw + move[leaf] if step else raw
                move += _newton_step(loss, at, leaf, len(value), penalty)
            move *= params["learning_rate"]
            value += move
            raw += move[leaf]
    values = np.concatenate(values)
    if shape:  # which no probability tells apart, but CatBoost's SHAP values do
        values -= values.mean(axis=1, keepdims=True)
    model.set_leaf_values(values.ravel())
    model.set_scale_and_bias(1, start.tolist() if shape else start.item())


def _leaves_by_tree(model, X, thread_count):
    """Leaf of each row, tree by tree."""
    for first in range(0, model.tree_count_, _TREES):
        last = min(first + _TREES, model.tree_count_)
        yield from model.calc_leaf_indexes(X, first, last, thread_count).T.astype(np.intp)


def _newton_step(loss, raw, leaf, n_leaves, penalty):
    """Step of each leaf by the diagonal of its Hessian (Friedman 2001, algorithm 6)."""

    def total(per_row):
        columns = np.atleast_2d(per_row.T)
        sums = np.stack([np.bincount(leaf, one, n_leaves) for one in columns], axis=1)
        return sums.reshape(n_leaves, *raw.shape[1:])

    gradient, hessian = map(total, loss.gradient_and_hessian(raw))
    share = 1 if raw.ndim == 1 else 1 - 1 / loss.n_classes
    return -share * gradient / (hessian + penalty)


def _rename(metadata, loss_function, names):
    """Make a model say that it was trained on `loss_function`, classes named as natively."""
    options = metadata["params"]
    for name in ("CrossEntropy", "MultiRMSE"):
        options = options.replace(f'"{name}"', f'"{loss_function}"')
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


def _take_model(student, own):
    """Move the model of `own` into `student`, whose parameters stay."""
    state = own.__getstate__()
    student.__setstate__({key: state[key] for key in state if key.startswith("_")})


def _most_leaves(student):
    params = student.get_params()

    def first(*names, default):
        given = [params[name] for name in names if params.get(name) is not None]
        return given[0] if given else default

    n_trees = first("iterations", "n_estimators", "num_trees", "num_boost_round", default=1000)
    grows_leaves = params.get("grow_policy") == "Lossguide"
    leaves = first("max_leaves", "num_leaves", default=31) if grows_leaves else None
    return n_trees * most_leaves(first("depth", "max_depth", default=6), leaves)


def catboost_space(student: Any) -> dict[str, Any]:
    """Search space: how many trees, how deep, how hard they are held back."""
    return {
        "iterations": IntDistribution(10, 500, log=True),
        "learning_rate": FloatDistribution(0.01, 0.5, log=True),
        "depth": IntDistribution(2, 8),
        "l2_leaf_reg": FloatDistribution(0.1, 30.0, log=True),
    }


register(
    "catboost.core.CatBoostClassifier",
    fit_catboost,
    search_space=catboost_space,
    refine=leaves_together(fit_catboost),
    refine_pays=pays_with(_most_leaves),
    refined_space=any_rate,
    leaves=catboost_leaves,
    absorb=absorb_class_weights,
)
