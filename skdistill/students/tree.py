r"""Decision trees: grown on soft targets, then every leaf solved for the loss itself.

Splits that are best for soft targets q are those of a Gini tree on rows repeated once
per class with weights q. No row need be repeated: the decrease of the Gini impurity is
that of the squared error of q, summed over classes, so a regression tree makes the same
splits. Its impurity is the mean over its outputs, K of them or, for two classes, one
whose decrease is half the Gini's: `min_impurity_decrease` and `ccp_alpha` are rescaled.

The targets are soft and hard labels mixed as they are in the loss's gradient
(`CombinedLoss.pull`), q itself at temperature 1. They only choose splits. The value of
every node then minimises the loss of its rows (`_leaves`). Soft targets leave no node pure:
a tree that nothing else bounds grows to single rows.

``criterion="entropy"`` has no such regression. The tree is grown on K weighted copies of
each row, at K times the cost; `min_samples_split` and `min_samples_leaf` count rows all
the same.
"""

import math
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import issparse
from scipy.special import entr
from sklearn.base import clone, is_classifier
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)
from sklearn.utils import check_array, check_random_state

from skdistill._sklearn.tree import nodes_of, tree_from_nodes, validate_params
from skdistill._sklearn.validation import take_rows
from skdistill._typing import Array, Floats, Rows, Seed
from skdistill.loss import BoundClassificationLoss
from skdistill.students._alternating import Limits, alternate
from skdistill.students._leaves import labels_alone, levels, node_values, plain_weight
from skdistill.students._lookahead import grow_ahead
from skdistill.students._registry import Fitted, Unsupported, register
from skdistill.students._rows import weighted_rows

_REGRESSOR = {
    DecisionTreeClassifier: DecisionTreeRegressor,
    ExtraTreeClassifier: ExtraTreeRegressor,
}
_BITS = 16  # of a growth target: sums of a million squares are then exact
_AHEAD_TO = 8  # levels of a tree that is grown looking ahead
_TRACE = 1e-300  # weight of a copy that has none, so that every row has K copies


def fit_tree(
    student: Any,
    X: Rows,
    loss: BoundClassificationLoss,
    *,
    random_state: Seed = None,
    check_input: bool = True,
) -> Fitted:
    """Grow a tree on soft targets and solve its leaves for the loss.

    Parameters
    ----------
    student : DecisionTreeClassifier or ExtraTreeClassifier
        Fitted in place.
    X : array-like, frame or sparse matrix of `loss.n_samples` rows
    loss : CombinedLoss
    random_state : int, default=None
        Not used: the student carries its own.
    check_input : bool, default=True
        As in ``student.fit``.

    Returns
    -------
    Fitted

    Raises
    ------
    Unsupported
        For a criterion object in place of a name, and a list as ``class_weight``.
    ValueError
        For ``monotonic_cst`` with more than two classes, as natively.
    """
    check_tree(student, loss)
    X, loss, _ = weighted_rows(X, loss, {})
    columns = labels_alone(loss)
    if columns is not None:
        y, weight = loss.classes[columns], plain_weight(loss.row_weight, loss)
        return Fitted(student.fit(X, y, sample_weight=weight, check_input=check_input))
    target, weight = loss.pull()
    weight = plain_weight(weight, loss)
    target = growth_target(student.criterion, target, weight)
    return Fitted(fit_soft(student, X, loss, target, weight, check_input=check_input))


def fit_soft(
    student: Any,
    X: Rows,
    loss: BoundClassificationLoss,
    target: Floats,
    weight: Floats | None,
    *,
    check_input: bool = True,
    **values: Any,
) -> Any:
    """Grow a tree on soft targets and carry it, its nodes solved, into the student.

    Parameters
    ----------
    student : DecisionTreeClassifier or ExtraTreeClassifier
        Fitted in place.
    X : array-like, frame or sparse matrix of `loss.n_samples` rows
    loss : CombinedLoss
    target : ndarray
        What the tree is grown on, as `growth_target` returns it.
    weight : ndarray of shape (n_samples,) or None
        Of the rows while the tree grows.
    check_input : bool, default=True
    **values : dict
        Handed to `node_values`.

    Returns
    -------
    student
    """
    grow = grow_by_regression if student.criterion == "gini" else _grow_on_copies
    grown = grow(student, X, loss.n_classes, target, weight, check_input)
    leaves, nodes = grown.apply(X, check_input=check_input), nodes_of(grown.tree_)
    proba, mean = node_values(
        nodes, leaves, loss, monotonic_cst=student.monotonic_cst, **values
    )
    if is_classifier(grown):
        nodes["n_node_samples"] //= loss.n_classes  # copies
    else:
        nodes["impurity"] = 1 - (mean**2).sum(axis=1)
    return carry(student, grown, nodes, proba, loss.classes)


def fit_alternating(
    student: Any,
    X: Rows,
    loss: BoundClassificationLoss,
    *,
    random_state: Seed = None,
    check_input: bool = True,
) -> Fitted:
    """Grow a tree as `fit_tree` does, then choose its splits anew, given one another.

    Parameters
    ----------
    student : DecisionTreeClassifier or ExtraTreeClassifier
        Fitted in place. ``max_features`` columns are drawn for each new choice, too.
    X : array-like, frame or sparse matrix of `loss.n_samples` rows
        Of a sparse one, all columns are made dense.
    loss : CombinedLoss
    random_state : int, default=None
        Not used: the student carries its own.
    check_input : bool, default=True

    Returns
    -------
    Fitted

    Notes
    -----
    ``ccp_alpha``, ``min_impurity_decrease`` and ``splitter`` shape the tree that is grown;
    the splits chosen anew keep its shape.
    """
    X, loss, _ = weighted_rows(X, loss, {})
    fitted = fit_tree(student, X, loss, check_input=check_input)
    X = check_array(X, accept_sparse="csr", dtype=np.float32, ensure_all_finite=False)
    limits, weight = _limits(student, loss), loss.pull()[1]
    if plain_weight(weight, loss) is None:
        weight = loss.sample_weight
    rows = np.flatnonzero(weight > 0)  # as in growing, the others count for nothing
    X = X[rows].toarray() if issparse(X) else X[rows]
    starts = [nodes_of(student.tree_)]
    if _may_look_ahead(student):
        starts.append(_ahead(student, X, loss.pull()[0][rows], weight[rows], limits))
    nodes, proba, mean, curve = alternate(
        starts,
        X,
        loss.take(rows),
        weight[rows],
        limits,
        monotonic_cst=student.monotonic_cst,
        random_state=student.random_state,
    )
    gini = student.criterion == "gini"
    nodes["impurity"] = 1 - (mean**2).sum(1) if gini else entr(mean).sum(1) / np.log(2)
    depth = len(levels(nodes)) - 1
    student.tree_ = tree_from_nodes(nodes, proba, student.n_features_in_, depth)
    return fitted._replace(path=f"{fitted.path}+alternating", curve=curve)


def _may_look_ahead(student):
    """Whether the depth and the rows of nodes alone bound a tree of exact splits."""
    unbounded = {
        "criterion": "gini",
        "splitter": "best",
        "max_leaf_nodes": None,
        "min_impurity_decrease": 0,
        "ccp_alpha": 0,
        "min_weight_fraction_leaf": 0,
        "monotonic_cst": None,
        "max_features_": student.n_features_in_,
    }
    free = all(getattr(student, name) == value for name, value in unbounded.items())
    return free and student.max_depth is not None and student.max_depth <= _AHEAD_TO


def _ahead(student, X, target, weight, limits):
    return grow_ahead(
        X,
        growth_target("gini", target, weight),
        weight,
        student.max_depth,
        check_random_state(student.random_state),
        min_samples_leaf=limits.leaf,
        min_samples_split=limits.split,
    )


def _limits(student, loss):
    """What the parameters of a fitted tree ask of its nodes."""
    leaf, split = (
        value if isinstance(value, Integral) else math.ceil(value * loss.n_samples)
        for value in (student.min_samples_leaf, student.min_samples_split)
    )
    weight = student.min_weight_fraction_leaf * loss.pull()[1].sum()
    return Limits(max(leaf, 1), max(split, 2), weight, student.max_features_)


def check_tree(student: Any, loss: BoundClassificationLoss) -> None:
    """Refuse by name what no tree can honour."""
    validate_params(student)
    if not isinstance(student.criterion, str):
        raise Unsupported(
            f"criterion={student.criterion!r} can grow a tree on labels only; use 'gini', "
            "'entropy' or 'log_loss'"
        )
    if student.class_weight is not None:
        raise Unsupported(
            f"class_weight={student.class_weight!r} must be a dict, 'balanced' or None"
        )
    if student.monotonic_cst is not None and loss.n_classes > 2:
        raise ValueError(
            "monotonic_cst is supported with two classes only, as in scikit-learn; there "
            f"are {loss.n_classes}"
        )


def growth_target(criterion: str, target: Floats, weight: Floats | None) -> Floats:
    """Targets as a tree takes them that is grown by regression, or on copies.

    Parameters
    ----------
    criterion : str
    target : ndarray of shape (n_samples, n_classes)
    weight : ndarray of shape (n_samples,) or None

    Returns
    -------
    ndarray of the shape of `target`, or (n_samples,)
        For a regression, of two classes the second alone, and in steps of a grid on which
        sums are exact: a node of equal targets then has an impurity of 0 and is not split
        on rounding errors.
    """
    if criterion != "gini":
        return target
    target = target[:, 1] if target.shape[1] == 2 else target
    seen = target if weight is None else target[weight > 0]
    low, high = seen.min(axis=0), seen.max(axis=0)
    grid = 2.0 ** (np.frexp(np.max(high - low))[1] - _BITS)
    target = (target - low) / grid
    np.round(target, out=target)
    target *= grid
    return target


def grow_by_regression(
    student: Any,
    X: Rows,
    n_classes: int,
    target: Floats,
    weight: Floats | None,
    check_input: bool,
) -> Any:
    """The splits of a Gini tree on rows repeated K times, by least squares.

    Parameters
    ----------
    student : DecisionTreeClassifier or ExtraTreeClassifier
        Gives the parameters.
    X : array-like, frame or sparse matrix of shape (n_samples, n_features)
    n_classes : int
    target : ndarray
        As `growth_target` returns it.
    weight : ndarray of shape (n_samples,) or None
    check_input : bool

    Returns
    -------
    DecisionTreeRegressor or ExtraTreeRegressor
    """
    params = student.get_params(deep=False)
    del params["class_weight"]
    params["criterion"] = "squared_error"
    for name in ("min_impurity_decrease", "ccp_alpha"):
        params[name] = params[name] / n_classes
    regressor = _REGRESSOR[type(student)](**params)
    return regressor.fit(X, target, sample_weight=weight, check_input=check_input)


def _grow_on_copies(student, X, n_classes, target, weight, check_input):
    """The tree on K weighted copies of each row; a copy of weight 0 keeps its place."""
    n_samples = len(target)
    weight = np.ones(n_samples) if weight is None else weight
    mass = np.where(weight > 0, np.maximum(target.T, _TRACE) * weight, 0).T.ravel()
    copies = clone(student).set_params(**_params_in_copies(student, n_samples, n_classes))
    return copies.fit(
        take_rows(X, np.repeat(np.arange(n_samples), n_classes)),
        np.tile(np.arange(n_classes), n_samples),
        sample_weight=mass,
        check_input=check_input,
    )


def _params_in_copies(student, n_samples, n_classes):
    """`min_samples_*` in rows, whole or as a fraction, as numbers of copies."""
    params = {"random_state": student.random_state}
    for name in ("min_samples_split", "min_samples_leaf"):
        value = getattr(student, name)
        rows = value if isinstance(value, Integral) else math.ceil(value * n_samples)
        least = 2 if name == "min_samples_split" else 1
        params[name] = int(max(rows, least)) * n_classes
    return params


def carry(student: Any, grown: Any, nodes: Array, proba: ArrayLike, classes: ArrayLike) -> Any:
    """Make a classifier of the splits of one tree and the values of another hand.

    Parameters
    ----------
    student : DecisionTreeClassifier or ExtraTreeClassifier
        Fitted in place.
    grown : fitted tree
        Its attributes about features are the student's.
    nodes : structured ndarray of shape (n_nodes,)
    proba : ndarray of shape (n_nodes, n_classes)
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    student
    """
    for name in ("n_features_in_", "feature_names_in_", "max_features_"):
        if hasattr(grown, name):
            setattr(student, name, getattr(grown, name))
    student.n_outputs_ = 1
    student.classes_, student.n_classes_ = classes, np.intp(len(classes))
    student.tree_ = tree_from_nodes(nodes, proba, grown.n_features_in_, grown.tree_.max_depth)
    return student


def tree_space(student: Any) -> dict[str, Any]:
    """Sizes at which a single tree stays readable, and how it is kept from overfitting."""
    return {
        "max_depth": IntDistribution(2, 10),
        "min_samples_leaf": IntDistribution(1, 100, log=True),
        "ccp_alpha": FloatDistribution(1e-6, 1e-2, log=True),
    }


for _tree in _REGRESSOR:  # "auto" leaves them as they are: a search fits hundreds of trees
    register(_tree, fit_tree, search_space=tree_space, refine=fit_alternating)
