r"""The splits of a tree, each chosen anew given all the others.

A tree that is grown from the root down chooses each split blind to what follows. Here the
splits are chosen again from the bottom up (tree alternating optimisation). A row that
reaches a node has a loss :math:`l` if it goes left, with the leaf that the left subtree
then leads it to, and a loss :math:`r` if it goes right. The split that minimises the loss
of the whole tree, all else fixed, minimises

.. math::

    \sum_{i \text{ goes left}} (l_i - r_i)

over columns and thresholds, and over which of the two subtrees is the left one. A
cumulative sum over the rows, sorted by a column, finds it exactly. Nodes of one level share
no rows, so they are solved in one pass over each column. After each sweep over the levels
every leaf is solved for the loss (`_leaves`). Neither step can raise the loss.

The shape of the tree stays: a split is chosen such that every leaf below keeps the rows
that `min_samples_leaf` and `min_weight_fraction_leaf` ask for, one at least.

References
----------
Carreira-Perpinan, Tavallali (2018), "Alternating optimization of decision trees, with
application to learning sparse oblique trees", NeurIPS.
"""

from typing import NamedTuple

import numpy as np

from skdistill.loss import logits
from skdistill.students._leaves import add_up, levels, node_values

MAX_SWEEPS = 20
_TOL = 1e-4  # relative fall of the loss in a sweep at which to stop
_SAME = np.float32(1e-7)  # scikit-learn does not split values that lie closer
_ROUNDING = 1e-10  # of the loss, which no gain may be


class Limits(NamedTuple):
    """What every node must keep.

    Attributes
    ----------
    leaf, split : int
        Least rows of a leaf, and of a node that is split.
    weight : float
        Least weight of a leaf.
    max_features : int
        Columns that are drawn for each split.
    """

    leaf: int
    split: int
    weight: float
    max_features: int


class _Column(NamedTuple):
    """A column, its rows sorted; missing values first or last."""

    feature: int
    missing_left: bool
    values: np.ndarray
    order: np.ndarray


def alternate(nodes, X, loss, weight, limits, *, monotonic_cst=None, random_state=None):
    """Choose the splits and leaves of a tree in turn, until the loss stops falling.

    Parameters
    ----------
    nodes : structured ndarray of shape (n_nodes,)
        Of a grown tree.
    X : ndarray of shape (n_samples, n_features), float32
        NaN where a value is missing.
    loss : CombinedLoss
    weight : ndarray of shape (n_samples,)
        Of the rows, as the tree grew on them.
    limits : Limits
    monotonic_cst : array-like of shape (n_features,), default=None
        See `node_values`.
    random_state : int, default=None
        Draws the columns of each split where `limits` allow fewer than all.

    Returns
    -------
    nodes : structured ndarray of shape (n_nodes,)
        The records of children, rows and weights are those of the new splits.
    proba, mean : ndarray of shape (n_nodes, n_classes)
        As `node_values` returns them.
    curve : list of LossParts
        At the start and after each sweep.
    """
    rng = np.random.default_rng(random_state)
    columns = list(_sorted_columns(X))

    def solve(nodes):
        leaf = descend(nodes, X, np.zeros(len(X), dtype=np.intp))
        proba, mean = node_values(nodes, leaf, loss, monotonic_cst=monotonic_cst)
        raw = logits(proba)
        return (nodes, proba, mean), raw, loss.parts(raw[leaf])

    best, raw, parts = solve(nodes)
    curve = [parts]
    for _ in range(MAX_SWEEPS):
        moved = _sweep(best[0].copy(), columns, X, raw, loss, weight, limits, rng)
        found, raw, parts = solve(moved)
        if not parts.total < curve[-1].total:
            break
        best = found
        curve.append(parts)
        if curve[-2].total - parts.total < _TOL * abs(parts.total):
            break
    nodes, proba, mean = best
    return _count_rows(nodes, X, weight), proba, mean, curve


def descend(nodes, X, start):
    """The leaf that each row reaches from a node of its own.

    Parameters
    ----------
    nodes : structured ndarray of shape (n_nodes,)
    X : ndarray of shape (n_samples, n_features), float32
    start : ndarray of int of shape (n_samples,)

    Returns
    -------
    ndarray of int of shape (n_samples,)
    """
    at = start.copy()
    rows = np.flatnonzero(nodes["left_child"][at] >= 0)
    while rows.size:
        at[rows] = _child(nodes, X, rows, at[rows])
        rows = rows[nodes["left_child"][at[rows]] >= 0]
    return at


def _child(nodes, X, rows, at):
    record = nodes[at]
    value = X[rows, record["feature"]]
    left = np.where(
        np.isnan(value), record["missing_go_to_left"] == 1, value <= record["threshold"]
    )
    return np.where(left, record["left_child"], record["right_child"])


def _sorted_columns(X):
    for feature, values in enumerate(np.asfortranarray(X).T):
        order = np.argsort(values, kind="stable").astype(np.int32)  # NaN last
        yield _Column(feature, False, values, order)
        n_missing = np.count_nonzero(np.isnan(values))
        if n_missing:
            yield _Column(feature, True, values, np.roll(order, n_missing))


def _sweep(nodes, columns, X, raw, loss, weight, limits, rng):
    """Choose the splits of all nodes in place, level by level from the bottom up."""
    at, path = np.zeros(len(X), dtype=np.intp), []
    for _ in (inner_levels := levels(nodes)):
        path.append(at.copy())
        rows = np.flatnonzero(nodes["left_child"][at] >= 0)
        at[rows] = _child(nodes, X, rows, at[rows])
    need = _needs(nodes, at, weight, limits)
    for at, inner in zip(reversed(path), reversed(inner_levels), strict=True):
        inner = inner[np.bincount(at, minlength=len(nodes))[inner] > 1]
        if not inner.size:
            continue
        place = np.full(len(nodes), -1, dtype=np.int16 if len(inner) < 2**15 else np.int32)
        place[inner] = np.arange(len(inner))
        of_row = place[at]
        sides = [
            descend(nodes, X, np.where(of_row >= 0, nodes[side][at], at))
            for side in ("left_child", "right_child")
        ]
        gain = loss.by_row(raw[sides[0]]) - loss.by_row(raw[sides[1]])
        rows = np.flatnonzero(of_row >= 0)
        went = _child(nodes, X, rows, at[rows]) == nodes["left_child"][at[rows]]
        kept = np.bincount(of_row[rows], gain[rows] * went, len(inner))
        slack = _ROUNDING * np.abs(gain).sum()
        allowed = _drawn(rng, len(inner), X.shape[1], limits.max_features)
        groups = [_groups(nodes, side, of_row, need, inner, limits) for side in sides]
        best = _best_splits(columns, of_row, gain, weight, groups, kept - slack, allowed)
        _write(nodes, inner, best)
    return nodes


def _drawn(rng, n_nodes, n_features, max_features):
    """Which columns each node may split on."""
    if max_features >= n_features:
        return np.ones((n_nodes, n_features), dtype=bool)
    return rng.random((n_nodes, n_features)).argsort(axis=1) < max_features


def _needs(nodes, leaf, weight, limits):
    """Rows and weight that every node must keep: what is asked, or what it has if less."""
    sums = np.zeros((len(nodes), 2))
    sums[:, 0] = np.bincount(leaf, minlength=len(nodes))
    sums[:, 1] = np.bincount(leaf, weight, len(nodes))
    sums = add_up(nodes, sums)
    is_leaf = nodes["left_child"] < 0
    asked = np.where(is_leaf, limits.leaf, limits.split)
    return np.minimum(asked, sums[:, 0]).astype(np.intp), np.where(
        is_leaf, np.minimum(limits.weight, sums[:, 1]) * (1 - 1e-9), 0
    )


class _Groups(NamedTuple):
    """Rows by the node that they would reach below a side, and what it must keep."""

    of_row: np.ndarray
    ends: np.ndarray
    rows: np.ndarray
    weight: np.ndarray
    place: np.ndarray


def _groups(nodes, leaf, of_row, need, inner, limits):
    rows = np.flatnonzero(of_row >= 0)
    ids, first, counts = np.unique(leaf[rows], return_index=True, return_counts=True)
    number = np.full(len(nodes), -1, dtype=np.int16 if len(ids) < 2**15 else np.int32)
    number[ids] = np.arange(len(ids))
    return _Groups(
        number[leaf], np.cumsum(counts), need[0][ids], need[1][ids], of_row[rows[first]]
    )


def _best_splits(columns, of_row, gain, weight, groups, best, allowed):
    n_nodes = len(best)
    best = best.copy()
    chosen = {
        name: np.zeros(n_nodes, dtype=kind)
        for name, kind in [("feature", int), ("threshold", float), ("missing", bool),
                           ("swap", bool)]
    }
    chosen["feature"][:] = -1
    counts = np.bincount(of_row[of_row >= 0], minlength=n_nodes)
    ends = np.cumsum(counts)
    starts = ends - counts
    place = np.repeat(np.arange(n_nodes), counts)
    total = np.bincount(of_row[of_row >= 0], gain[of_row >= 0], n_nodes)
    position = np.arange(len(place))
    for column in columns:
        if not allowed[:, column.feature].any():
            continue
        rows = column.order[of_row[column.order] >= 0]
        rows = rows[np.argsort(of_row[rows], kind="stable")]
        values = column.values[rows]
        here, after = values[:-1], values[1:]
        between = (after > here + _SAME) | (np.isnan(after) & ~np.isnan(here))
        between &= place[:-1] == place[1:]
        between = np.append(between, False)
        sums = np.cumsum(gain[rows])
        sums -= (sums[starts] - gain[rows[starts]])[place]
        spans = None
        for swap in (False, True):
            cost = np.where(between, total[place] - sums if swap else sums, np.inf)
            low = np.minimum.reduceat(cost, starts)
            if not np.any((low < best) & allowed[:, column.feature]):
                continue
            if spans is None and groups is not None:
                spans = [_span(rows, weight, group, starts, ends) for group in groups]
            if groups is not None:
                prefix, suffix = spans if not swap else spans[::-1]
                outside = (position < prefix[0][place]) | (position > suffix[1][place])
                cost[outside] = np.inf
                low = np.minimum.reduceat(cost, starts)
            better = (low < best) & allowed[:, column.feature]
            if not better.any():
                continue
            hits = np.flatnonzero((cost == low[place]) & better[place])
            nodes, first = np.unique(place[hits], return_index=True)
            at = hits[first]
            best[nodes] = low[nodes]
            chosen["feature"][nodes] = column.feature
            chosen["threshold"][nodes] = _thresholds(values[at], values[at + 1])
            missing = np.bincount(place, np.isnan(values), n_nodes)[nodes] > 0
            most = 2 * (at + 1 - starts[nodes]) > counts[nodes]
            chosen["missing"][nodes] = np.where(missing, column.missing_left, most)
            chosen["swap"][nodes] = swap
    return chosen


def _thresholds(here, after):
    """Between two neighbours, in float64, as scikit-learn computes them."""
    middle = here.astype(np.float64) / 2 + after.astype(np.float64) / 2
    middle = np.where((middle == after) | np.isinf(middle), here, middle)
    return np.where(np.isnan(after), np.inf, middle)


def _span(rows, weight, group, starts, ends):
    """First position whose prefix has what each group needs, and last before a suffix."""
    grouped = np.argsort(group.of_row[rows], kind="stable")
    begins = np.append(0, group.ends[:-1])
    from_left = begins + np.maximum(group.rows, 1) - 1
    from_right = group.ends - np.maximum(group.rows, 1)
    if group.weight.any():
        sums = np.cumsum(weight[rows[grouped]])
        before = np.append(0, sums)[begins]
        enough = np.searchsorted(sums, before + group.weight)
        from_left = np.maximum(from_left, enough)
        enough = np.searchsorted(sums, sums[group.ends - 1] - group.weight, side="right")
        from_right = np.minimum(from_right, enough)
    first, last = starts.copy(), ends - 2
    np.maximum.at(first, group.place, grouped[from_left])
    np.minimum.at(last, group.place, grouped[from_right] - 1)
    return first, last


def _write(nodes, inner, chosen):
    moved = chosen["feature"] >= 0
    inner, chosen = inner[moved], {name: value[moved] for name, value in chosen.items()}
    nodes["feature"][inner] = chosen["feature"]
    nodes["threshold"][inner] = chosen["threshold"]
    nodes["missing_go_to_left"][inner] = chosen["missing"]
    swap = inner[chosen["swap"]]
    left = nodes["left_child"][swap].copy()
    nodes["left_child"][swap] = nodes["right_child"][swap]
    nodes["right_child"][swap] = left


def _count_rows(nodes, X, weight):
    leaf = descend(nodes, X, np.zeros(len(X), dtype=np.intp))
    sums = np.column_stack(
        [np.bincount(leaf, minlength=len(nodes)), np.bincount(leaf, weight, len(nodes))]
    )
    inner_levels = levels(nodes)
    for inner in reversed(inner_levels):
        sums[inner] = sums[nodes["left_child"][inner]] + sums[nodes["right_child"][inner]]
    nodes["n_node_samples"], nodes["weighted_n_node_samples"] = sums.T
    return nodes
