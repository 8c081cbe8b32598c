r"""What trees and forests share: sums over the nodes of a tree, and their values.

Every node of a tree, not its leaves alone, holds the constant prediction that minimises
the loss of its rows. The loss of a node is a function of sums over its rows (see
`skdistill.loss._groups`), and these add up from the leaves to the root one level at a time.

`monotonic_cst` orders the values: at each split on a constrained feature the values
below one child stay under, those below the other above, a middle value of the two. The
loss of a node is convex in its one raw prediction, so clipping the minimiser to the
bounds gives the best value within them.
"""

import numpy as np
from scipy.special import expit, softmax

from skdistill.loss._groups import minimise_groups


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
    if not loss.is_cross_entropy:
        return None
    target = loss.blend()
    if not np.all((target.max(axis=1) == 1) | (loss.row_weight == 0)):
        return None
    columns = target.argmax(axis=1)
    return columns if len(np.unique(columns)) == loss.n_classes else None


def plain_weight(weight, loss):
    """Row weights as a tree takes them: None where all are 1.

    Parameters
    ----------
    weight : ndarray of shape (n_samples,)
        Replaced by the user's own where it equals them to rounding, so that integer
        weights are integers.
    loss : CombinedLoss

    Returns
    -------
    ndarray of shape (n_samples,) or None
    """
    if np.allclose(weight, loss.sample_weight, rtol=1e-12, atol=0):
        weight = loss.sample_weight
    return None if np.all(weight == 1) else weight


def node_values(nodes, leaves, loss, *, monotonic_cst=None, factor=None, of_row=None):
    """Class probabilities of every node, and the mean target of its rows.

    Parameters
    ----------
    nodes : structured ndarray of shape (n_nodes,)
    leaves : ndarray of int of shape (n_samples,)
        Leaf of each row.
    loss : CombinedLoss
        Of the same rows.
    monotonic_cst : array-like of shape (n_features,), default=None
        1, 0, -1: how the probability of the second of two classes follows a feature.
    factor : ndarray of shape (n_samples,), default=None
        Multiplies the loss of each row.
    of_row : callable, default=None
        Returns the probabilities that minimise the loss of each row, of shape (n_samples,
        n_classes), given for many trees on the same rows: a leaf of one row is then not
        solved again, and an internal node gets the mean over its leaves in place of a
        solution of its own.

    Returns
    -------
    proba : ndarray of shape (n_nodes, n_classes)
        A probability that is 0 at the minimum is exactly 0.
    mean : ndarray of shape (n_nodes, n_classes)
        Of the targets that `CombinedLoss.pull` returns.
    """
    terms, pull = loss.group_sums(leaves, len(nodes), factor)
    taus, weights = zip(*terms, strict=True)
    sums = add_up(nodes, np.column_stack([*weights, pull]))
    mean = sums[:, len(taus) :] / sums[:, : len(taus)].sum(axis=1, keepdims=True)
    mean = np.hstack([1 - mean, mean]) if loss.n_classes == 2 else mean
    if taus == (1,):
        proba = mean
    elif of_row is None:
        proba = _solve(taus, sums)
    else:
        rows = np.arange(len(leaves)) if factor is None else np.flatnonzero(factor)
        proba = _solve_shared(nodes, leaves, rows, taus, sums, of_row)
    if monotonic_cst is not None:
        second = in_order(nodes, proba[:, 1], np.asarray(monotonic_cst))
        proba = np.column_stack([1 - second, second])
    return proba, mean


def _solve(taus, sums):
    """Minimise the loss of every group of summed weights and pull."""
    weights, pull = sums[:, : len(taus)], sums[:, len(taus) :]
    terms = list(zip(taus, weights.T, strict=True))
    return probabilities(minimise_groups(terms, pull[:, 0] if pull.shape[1] == 1 else pull))


def _solve_shared(nodes, leaves, rows, taus, sums, of_row):
    """Minimise the loss of leaves of several rows; average over leaves above them."""
    is_leaf = nodes["left_child"] < 0
    shared = is_leaf & (np.bincount(leaves[rows], minlength=len(nodes)) != 1)
    solved = _solve(taus, sums[shared])
    proba = np.zeros((len(nodes), solved.shape[1]))
    proba[shared] = solved
    if len(alone := rows[~shared[leaves[rows]]]):
        proba[leaves[alone]] = of_row()[alone]
    weight = sums[:, : len(taus)].sum(axis=1, keepdims=True)
    mass = add_up(nodes, np.where(is_leaf[:, None], weight * proba, 0))
    return np.where(is_leaf[:, None], proba, mass / mass.sum(axis=1, keepdims=True))


def probabilities(raw):
    """Class probabilities of raw predictions, those of zero exactly so."""
    if raw.ndim == 1:
        return np.column_stack([expit(-raw), expit(raw)])
    return softmax(raw, axis=1)


def levels(nodes):
    """Internal nodes of a tree, one array of indices a level, from the root down."""
    level, inner_levels = np.zeros(1, dtype=np.intp), []
    while level.size:
        inner = level[nodes["left_child"][level] >= 0]
        inner_levels.append(inner)
        level = np.concatenate([nodes["left_child"][inner], nodes["right_child"][inner]])
    return inner_levels


def add_up(nodes, sums):
    """Sums over leaves added up to every node above them.

    Parameters
    ----------
    nodes : structured ndarray of shape (n_nodes,)
    sums : ndarray of shape (n_nodes, n_columns)
        Of the leaves, not negative; the other nodes are filled in place.

    Returns
    -------
    ndarray of shape (n_nodes, n_columns)
        A leaf that no row reaches has the sums of its parent: scikit-learn 1.7 makes
        such leaves where features have missing values.
    """
    inner_levels = levels(nodes)
    for inner in reversed(inner_levels):
        left, right = nodes["left_child"][inner], nodes["right_child"][inner]
        sums[inner] = sums[left] + sums[right]
    empty = ~sums.any(axis=1, keepdims=True)
    if empty.any():
        for inner in inner_levels:
            for child in (nodes["left_child"][inner], nodes["right_child"][inner]):
                sums[child] = np.where(empty[child], sums[inner], sums[child])
    return sums


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
