"""Growing a tree that looks ahead: a split is worth what a tree grown below it reaches.

A greedy tree takes the split that is best at once. Here a few thresholds of each column are
tried, a small greedy tree is grown on either side, and the split is taken whose two trees
leave the least squared error. So a split that pays only with those below it is found
(Esmeir and Markovitch 2007; Babbar et al. 2025).

References
----------
Esmeir, Markovitch (2007), "Anytime learning of decision trees", JMLR 8.
Babbar, McTavish, Rudin, Seltzer (2025), "Near-optimal decision trees in a SPLIT second".
"""

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from skdistill._sklearn.tree import nodes_of
from skdistill.students._alternating import between

THRESHOLDS = 8  # tried of each column
COLUMNS = 8  # tried at each node, and used below: those that a greedy tree uses most
ROWS = 2000  # on which splits are tried
AHEAD = 2  # levels of the trees below a split


def grow_ahead(X, target, weight, depth, rng, **limits):
    """Records of the nodes of a tree, each split chosen with what it allows below.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32
    target : ndarray of shape (n_samples,) or (n_samples, n_classes)
    weight : ndarray of shape (n_samples,)
    depth : int
    rng : RandomState
        Draws the rows on which splits are tried, where a node has more than `ROWS`.
    **limits : dict
        ``min_samples_leaf`` and ``min_samples_split``, as numbers of rows.

    Returns
    -------
    structured ndarray of shape (n_nodes,)
    """
    split = _best_split(*_some(X, target, weight, limits, rng), depth) if depth > 1 else None
    left = None if split is None else _goes_left(X, split)
    if left is None or min(left.sum(), (~left).sum()) < limits["min_samples_leaf"]:
        return nodes_of(_grown(X, target, weight, depth, limits))
    _centre(X, left, split)
    sides = [
        grow_ahead(X[side], target[side], weight[side], depth - 1, rng, **limits)
        for side in (left, ~left)
    ]
    return _joined(split, *sides)


def _some(X, target, weight, limits, rng):
    """At most `ROWS` rows, and the limits that are theirs."""
    if len(X) <= ROWS:
        return X, target, weight, limits
    rows = rng.choice(len(X), ROWS, replace=False)
    share = ROWS / len(X)
    least = {"min_samples_leaf": 1, "min_samples_split": 2}
    limits = {name: max(int(limits[name] * share), least[name]) for name in least}
    return X[rows], target[rows], weight[rows], limits


def _grown(X, target, weight, depth, limits):
    tree = DecisionTreeRegressor(max_depth=depth, random_state=0, **limits)
    return tree.fit(X, target, sample_weight=weight, check_input=False).tree_


def _best_split(X, target, weight, limits, depth):
    """Record of the split whose two trees leave the least squared error; None for no split."""
    ahead = min(depth - 1, AHEAD)
    greedy = _grown(X, target, weight, ahead + 1, limits)
    if greedy.node_count == 1:
        return None
    used = np.argsort(-greedy.compute_feature_importances(), kind="stable")[:COLUMNS]
    below, best, chosen = X[:, used], _error(greedy), nodes_of(greedy)[:1]
    for feature, values in zip(used, below.T, strict=True):
        for threshold in _tried(values, weight):
            split = chosen.copy()
            split["feature"], split["threshold"] = feature, threshold
            split["missing_go_to_left"] = 2 * np.sum(values <= threshold) > len(X)
            left = _goes_left(X, split)
            if min(left.sum(), (~left).sum()) < limits["min_samples_leaf"]:
                continue
            error = sum(
                _error(_grown(below[side], target[side], weight[side], ahead, limits))
                for side in (left, ~left)
            )
            if error < best:
                best, chosen = error, split
    return chosen


def _error(tree):
    """Summed squared error of the rows of a regression tree."""
    leaves = tree.children_left < 0
    return tree.weighted_n_node_samples[leaves] @ tree.impurity[leaves]


def _tried(values, weight):
    """Thresholds between neighbouring values, thinned to quantiles where there are many."""
    known = ~np.isnan(values)
    unique, place = np.unique(values[known], return_inverse=True)
    mass = np.cumsum(np.bincount(place, weight[known], len(unique)))
    after = np.arange(len(unique) - 1)
    if len(after) > THRESHOLDS:
        shares = np.arange(1, THRESHOLDS + 1) / (THRESHOLDS + 1)
        after = np.unique(np.searchsorted(mass, shares * mass[-1]))
        after = after[after < len(unique) - 1]
    return between(unique[after], unique[after + 1])


def _goes_left(X, split):
    value = X[:, split["feature"][0]]
    missing = split["missing_go_to_left"][0] == 1
    return np.where(np.isnan(value), missing, value <= split["threshold"][0])


def _centre(X, left, split):
    """Put the threshold between the nearest values of all rows of the node."""
    values = X[:, split["feature"][0]]
    below, above = values[left & ~np.isnan(values)], values[~left & ~np.isnan(values)]
    if len(below) and len(above):
        split["threshold"] = between(below.max(), above.min())


def _joined(split, left, right):
    """Records of a node and of the trees on its two sides."""
    root = split.copy()
    root["left_child"], root["right_child"] = 1, 1 + len(left)
    nodes = np.concatenate([root, left, right])
    for start, end in ((1, 1 + len(left)), (1 + len(left), len(nodes))):
        below = nodes[start:end]
        inner = below["left_child"] >= 0
        for child in ("left_child", "right_child"):
            below[child][inner] += start
    return nodes
