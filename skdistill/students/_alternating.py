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

The shape of the tree stays, no branch dies: a split is chosen such that every leaf below
keeps the rows that `min_samples_leaf`, `min_samples_split` and `min_weight_fraction_leaf`
ask for, one at least. Which rows a prefix of the sorted rows must hold for that is known
for each column, so the search stays exact.

References
----------
Carreira-Perpinan, Tavallali (2018), "Alternating optimization of decision trees, with
application to learning sparse oblique trees", NeurIPS.
"""

from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from skdistill.loss import logits
from skdistill.students._leaves import levels, node_values

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


def alternate(starts, X, loss, weight, limits, *, monotonic_cst=None, random_state=None):
    """Choose the splits and leaves of a tree in turn, until the loss stops falling.

    Parameters
    ----------
    starts : list of structured ndarray of shape (n_nodes,)
        Nodes of grown trees. The one of least loss is improved.
    X : ndarray of shape (n_samples, n_features), float32
        NaN where a value is missing.
    loss : CombinedLoss
    weight : ndarray of shape (n_samples,)
        Of the rows, as the tree grew on them.
    limits : Limits
    monotonic_cst : array-like of shape (n_features,), default=None
        See `node_values`.
    random_state : int or RandomState, default=None
        Draws the columns of each split where `limits` allow fewer than all.

    Returns
    -------
    nodes : structured ndarray of shape (n_nodes,)
        The records of children, rows and weights are those of the new splits.
    proba, mean : ndarray of shape (n_nodes, n_classes)
        As `node_values` returns them.
    curve : list of LossParts
        Of the first start, of the best one if it is another, and after each sweep.
    """
    rng = check_random_state(random_state)
    columns = list(_sorted_columns(X))

    def solve(nodes):
        leaf = descend(nodes, X, np.zeros(len(X), dtype=np.intp))
        proba, mean = node_values(nodes, leaf, loss, monotonic_cst=monotonic_cst)
        raw = logits(proba)
        return (nodes, proba, mean), raw, loss.parts(raw[leaf])

    solved = [solve(nodes) for nodes in starts]
    best, raw, parts = min(solved, key=lambda start: start[2].total)
    curve = [solved[0][2]] if parts is solved[0][2] else [solved[0][2], parts]
    for _ in range(MAX_SWEEPS):
        moved = best[0].copy()
        _sweep(moved, columns, X, raw, loss, weight, limits, rng)
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
    path, leaf = _path(nodes, X)
    need = _needs(nodes, leaf, weight, limits)
    for at in reversed(path):
        inner = np.flatnonzero(np.bincount(at, minlength=len(nodes)) > 1)
        inner = inner[nodes["left_child"][inner] >= 0]
        place = np.full(len(nodes), -1, dtype=_smallest_int(len(inner)))
        place[inner] = np.arange(len(inner))
        inside = place[at] >= 0
        sides = [
            descend(nodes, X, np.where(inside, nodes[side][at], at))
            for side in ("left_child", "right_child")
        ]
        gain = loss.by_row(raw[sides[0]]) - loss.by_row(raw[sides[1]])
        below = [_below(side, place[at], need) for side in sides]
        level = _level(place[at], len(inner), gain, weight, below)
        rows = np.flatnonzero(inside)
        left = _child(nodes, X, rows, at[rows]) == nodes["left_child"][at[rows]]
        now = np.bincount(place[at[rows]], gain[rows] * left, len(inner))
        now -= _ROUNDING * np.abs(gain).sum()
        allowed = _drawn(rng, len(inner), X.shape[1], limits.max_features)
        _write(nodes, inner, best_splits(columns, level, now, allowed))


def _path(nodes, X):
    """Node of every row on each level that has a split, and its leaf."""
    at, path = np.zeros(len(X), dtype=np.intp), []
    while len(rows := np.flatnonzero(nodes["left_child"][at] >= 0)):
        path.append(at.copy())
        at[rows] = _child(nodes, X, rows, at[rows])
    return path, at


def _drawn(rng, n_nodes, n_features, max_features):
    """Which columns each node may split on."""
    if max_features >= n_features:
        return np.ones((n_nodes, n_features), dtype=bool)
    return rng.uniform(size=(n_nodes, n_features)).argsort(axis=1) < max_features


def _needs(nodes, leaf, weight, limits):
    """Rows and weight that every leaf must keep: what is asked, or what it has if less.

    Two leaves of one node keep together what a split needs.
    """
    is_leaf = nodes["left_child"] < 0
    rows = np.bincount(leaf, minlength=len(nodes))
    mass = np.bincount(leaf, weight, len(nodes))
    beside = np.zeros(len(nodes), dtype=np.intp)
    left, right = nodes["left_child"][~is_leaf], nodes["right_child"][~is_leaf]
    beside[left], beside[right] = right, left
    together = np.maximum((limits.split + 1) // 2, limits.split - rows[beside])
    least = np.maximum(limits.leaf, np.where(is_leaf[beside], together, 0))
    return np.clip(rows, 1, least), np.minimum(limits.weight, mass) * (1 - 1e-9)


class _Below(NamedTuple):
    """Leaves below one side of a level's nodes, numbered, and what each must keep."""

    of_row: np.ndarray
    ends: np.ndarray
    rows: np.ndarray
    weight: np.ndarray
    place: np.ndarray


def _below(leaf, place, need):
    rows = np.flatnonzero(place >= 0)
    ids, first, counts = np.unique(leaf[rows], return_index=True, return_counts=True)
    number = np.full(leaf.max() + 1, -1, dtype=_smallest_int(len(ids)))
    number[ids] = np.arange(len(ids))
    least, mass = (of_node[ids] for of_node in need)
    return _Below(number[leaf], np.cumsum(counts), least, mass, place[rows[first]])


class _Level(NamedTuple):
    """The nodes of one level: their rows side by side, each node from start to end."""

    of_row: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    place: np.ndarray
    gain: np.ndarray
    total: np.ndarray
    weight: np.ndarray
    below: list


def _level(of_row, n_nodes, gain, weight, below):
    inside = of_row >= 0
    counts = np.bincount(of_row[inside], minlength=n_nodes)
    ends, place = np.cumsum(counts), np.repeat(np.arange(n_nodes), counts)
    total = np.bincount(of_row[inside], gain[inside], n_nodes)
    return _Level(of_row, ends - counts, ends, place, gain, total, weight, below)


_SPLIT = [("feature", np.intp), ("threshold", float), ("missing", bool), ("swap", bool)]


def best_splits(columns, level, now, allowed):
    """The split of each node of a level that lowers the loss most.

    Parameters
    ----------
    columns : list of _Column
    level : _Level
    now : ndarray of shape (n_nodes,)
        Summed gain of the rows that go left: what a split must get below.
    allowed : ndarray of bool of shape (n_nodes, n_features)

    Returns
    -------
    structured ndarray of shape (n_nodes,)
        Feature, threshold, whether missing values go left, whether the children change
        places. Feature -1: no split gets below.
    """
    best, chosen = now.copy(), np.zeros(len(now), dtype=_SPLIT)
    chosen["feature"] = -1
    for column in columns:
        if not (drawn := allowed[:, column.feature]).any():
            continue
        rows = column.order[level.of_row[column.order] >= 0]
        rows = rows[np.argsort(level.of_row[rows], kind="stable")]
        values = column.values[rows]
        for swap, cost in _costs(rows, values, level, np.where(drawn, best, -np.inf)):
            low = np.minimum.reduceat(cost, level.starts)
            better = drawn & (low < best)
            hits = np.flatnonzero((cost == low[level.place]) & better[level.place])
            nodes, first = np.unique(level.place[hits], return_index=True)
            best[nodes] = low[nodes]
            chosen[nodes] = _splits(column, values, hits[first], nodes, level, swap)
    return chosen


def _costs(rows, values, level, best):
    """Summed gain of a split after each sorted row; infinite where there may be none."""
    here, after = values[:-1], values[1:]
    between = (after > here + _SAME) | (np.isnan(after) & ~np.isnan(here))
    between = np.append(between & (level.place[:-1] == level.place[1:]), False)
    gain = level.gain[rows]
    sums = np.cumsum(gain)
    sums -= (sums - gain)[level.starts][level.place]
    spans = None
    for swap in (False, True):
        cost = level.total[level.place] - sums if swap else sums
        cost = np.where(between, cost, np.inf)
        if np.any(np.minimum.reduceat(cost, level.starts) < best):
            spans = spans or [_span(rows, level, side) for side in level.below]
            (first, _), (_, last) = spans[::-1] if swap else spans
            position = np.arange(len(rows))
            within = (position >= first[level.place]) & (position <= last[level.place])
            yield swap, np.where(within, cost, np.inf)


def _splits(column, values, at, nodes, level, swap):
    """Records of splits of one column after sorted rows `at`."""
    splits = np.zeros(len(nodes), dtype=_SPLIT)
    splits["feature"], splits["swap"] = column.feature, swap
    splits["threshold"] = between(values[at], values[at + 1])
    counts = level.ends - level.starts
    missing = np.bincount(level.place, np.isnan(values), len(counts))[nodes] > 0
    most = 2 * (at + 1 - level.starts[nodes]) > counts[nodes]
    splits["missing"] = np.where(missing, column.missing_left, most)
    return splits


def between(here, after):
    """Threshold between neighbours of float32, in float64 as scikit-learn computes it."""
    middle = here.astype(np.float64) / 2 + after.astype(np.float64) / 2
    middle = np.where((middle == after) | np.isinf(middle), here, middle)
    return np.where(np.isnan(after), np.inf, middle)


def _span(rows, level, side):
    """First sorted row whose prefix keeps every leaf of a side, and last before a suffix."""
    grouped = np.argsort(side.of_row[rows], kind="stable")
    begins = np.append(0, side.ends[:-1])
    from_left, from_right = begins + side.rows - 1, side.ends - side.rows
    if side.weight.any():
        sums = np.cumsum(level.weight[rows[grouped]])
        enough = np.append(0, sums)[begins] + side.weight
        from_left = np.maximum(from_left, np.searchsorted(sums, enough))
        enough = sums[side.ends - 1] - side.weight
        from_right = np.minimum(from_right, np.searchsorted(sums, enough, side="right"))
    first, last = level.starts.copy(), level.ends - 2
    np.maximum.at(first, side.place, grouped[from_left])
    np.minimum.at(last, side.place, grouped[from_right] - 1)
    return first, last


def _write(nodes, inner, splits):
    """Put splits into the records of nodes."""
    moved = splits["feature"] >= 0
    inner, splits = inner[moved], splits[moved]
    nodes["feature"][inner], nodes["threshold"][inner] = splits["feature"], splits["threshold"]
    nodes["missing_go_to_left"][inner] = splits["missing"]
    swap = inner[splits["swap"]]
    left = nodes["left_child"][swap]
    nodes["left_child"][swap] = nodes["right_child"][swap]
    nodes["right_child"][swap] = left


def _count_rows(nodes, X, weight):
    """Put the number and the weight of its rows into the record of each node."""
    leaf = descend(nodes, X, np.zeros(len(X), dtype=np.intp))
    counts = [np.bincount(leaf, mass, len(nodes)) for mass in (None, weight)]
    sums = np.column_stack(counts)
    for inner in reversed(levels(nodes)):
        sums[inner] = sums[nodes["left_child"][inner]] + sums[nodes["right_child"][inner]]
    nodes["n_node_samples"], nodes["weighted_n_node_samples"] = sums.T
    return nodes


def _smallest_int(n):
    """Sorting by 16 bits is a radix sort."""
    return np.int16 if n < 2**15 else np.int32
