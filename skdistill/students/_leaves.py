r"""What trees and forests share: sums over the nodes of a tree, and their values.

Every node of a tree, not its leaves alone, holds the constant prediction that minimises
the loss of its rows. The loss of a node is a function of sums over its rows (see
`skdistill._groups`), and these add up from the leaves to the root one level at a time.

`monotonic_cst` orders the values: at each split on a constrained feature the values
below one child stay under, those below the other above, a middle value of the two. The
loss of a node is convex in its one raw prediction, so clipping the minimiser to the
bounds gives the best value within them.
"""

import numpy as np
from scipy.special import expit, softmax

from skdistill._groups import minimise_groups


def labels_alone(loss):
    """Class column of each row where the loss is that of a fit on labels.

    Parameters
    ----------
    loss : CombinedLoss

    Returns
    -------
    ndarray of int of shape (n_samples,) or None
        None where a target is not one-hot, the softened loss is not that of its
        targets, or a class has no row.
    """
    if loss.temperature != 1 and loss.alpha > 0:
        return None
    target = loss.blend()
    one_hot = (target.max(axis=1) == 1) | (loss.row_weight == 0)
    columns = target.argmax(axis=1)
    if not one_hot.all() or len(np.unique(columns)) < loss.n_classes:
        return None
    return columns


def growth_weight(loss):
    """Row weights as a tree takes them: None where all are 1.

    They equal the user's own to rounding unless the two terms of the loss speak for
    different rows; the user's own then keep integer weights integers.
    """
    weight = loss.row_weight
    if np.allclose(weight, loss.sample_weight, rtol=1e-12, atol=0):
        weight = loss.sample_weight
    return None if np.all(weight == 1) else weight


def levels(nodes):
    """Internal nodes of a tree, one array of indices a level, from the root down."""
    level, inner_levels = np.zeros(1, dtype=np.intp), []
    while level.size:
        inner = level[nodes["left_child"][level] >= 0]
        inner_levels.append(inner)
        level = np.concatenate([nodes["left_child"][inner], nodes["right_child"][inner]])
    return inner_levels


def add_up(nodes, sums, weight):
    """Sums over leaves added up to every node above them.

    Parameters
    ----------
    nodes : structured ndarray of shape (n_nodes,)
    sums : list of ndarray of shape (n_nodes,) or (n_nodes, n_columns)
        Of the leaves, changed in place.
    weight : ndarray of shape (n_nodes,)
        Summed weight of each leaf's rows.

    Returns
    -------
    list of ndarray
        A node that no row of positive weight reaches has the sums of its parent:
        scikit-learn 1.7 makes such leaves where features have missing values.
    """
    inner_levels, weight = levels(nodes), weight.copy()
    for inner in reversed(inner_levels):
        left, right = nodes["left_child"][inner], nodes["right_child"][inner]
        for of_node in (*sums, weight):
            of_node[inner] = of_node[left] + of_node[right]
    source = np.arange(len(nodes))
    for inner in inner_levels:
        for child in (nodes["left_child"][inner], nodes["right_child"][inner]):
            source[child] = np.where(weight[child] > 0, child, source[inner])
    return [of_node[source] for of_node in sums]


def node_means(nodes, leaves, values, weight=None):
    """Weighted mean of the rows' values in every node.

    Parameters
    ----------
    nodes : structured ndarray of shape (n_nodes,)
    leaves : ndarray of int of shape (n_samples,)
        Leaf of each row.
    values : ndarray of shape (n_samples, n_columns)
    weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    ndarray of shape (n_nodes, n_columns)
    """
    weight = np.ones(len(leaves)) if weight is None else weight
    total = np.bincount(leaves, weight, len(nodes))
    sums = [np.bincount(leaves, weight * column, len(nodes)) for column in values.T]
    total, *sums = add_up(nodes, [total, *sums], total)
    return np.column_stack(sums) / total[:, None]


def node_proba(nodes, leaves, loss, monotonic_cst=None):
    """Class probabilities that minimise the loss of the rows of every node.

    Parameters
    ----------
    nodes : structured ndarray of shape (n_nodes,)
    leaves : ndarray of int of shape (n_samples,)
        Leaf of each row.
    loss : CombinedLoss
        Of the same rows.
    monotonic_cst : array-like of shape (n_features,), default=None
        1, 0, -1: how the probability of the second of two classes follows a feature.

    Returns
    -------
    ndarray of shape (n_nodes, n_classes)
        A probability that is 0 at the minimum is exactly 0.
    """
    terms, pull = loss.group_sums(leaves, len(nodes))
    taus, weights = zip(*terms, strict=True)
    *weights, pull = add_up(nodes, [*weights, pull], np.sum(weights, axis=0))
    raw = minimise_groups(list(zip(taus, weights, strict=True)), pull)
    if raw.ndim == 2:
        return softmax(raw, axis=1)
    proba = np.column_stack([expit(-raw), expit(raw)])
    if monotonic_cst is not None:
        proba[:, 1] = in_order(nodes, proba[:, 1], np.asarray(monotonic_cst))
        proba[:, 0] = 1 - proba[:, 1]
    return proba


def in_order(nodes, value, monotonic_cst):
    """Clip one value per node to the order that the constraints ask.

    Parameters
    ----------
    nodes : structured ndarray of shape (n_nodes,)
    value : ndarray of shape (n_nodes,)
    monotonic_cst : ndarray of shape (n_features,)

    Returns
    -------
    ndarray of shape (n_nodes,)

    Notes
    -----
    The bound between two children is the mean of their values, as in scikit-learn.
    Where these stand in the wrong order it is the value of their parent, to which both
    are then clipped: the best they can do together.
    """
    low, high = np.full(len(nodes), -np.inf), np.full(len(nodes), np.inf)
    for inner in levels(nodes):
        left, right = nodes["left_child"][inner], nodes["right_child"][inner]
        for bound in (low, high):
            bound[left] = bound[right] = bound[inner]
        sign = monotonic_cst[nodes["feature"][inner]]
        own, of_left, of_right = (
            np.clip(value[node], low[inner], high[inner]) for node in (inner, left, right)
        )
        wrong = sign * (of_left - of_right) > 0
        middle = np.where(wrong, own, (of_left + of_right) / 2)
        rising, falling = sign > 0, sign < 0
        high[left[rising]] = low[right[rising]] = middle[rising]
        low[left[falling]] = high[right[falling]] = middle[falling]
    return np.clip(value, low, high)
