r"""Trees of an averaged ensemble, each grown on what the mean of the earlier ones leaves over.

Let q be what a row's answer should be and :math:`\bar P_t` the mean of the first t trees. For
the mean of t + 1 trees to be q, tree t + 1 must say :math:`q + t (q - \bar P_t)`. It is grown
on that by least squares, on its own bootstrap. The first tree is one of a usual forest.

The second part holds t times what the mean is short of, and t times its noise. In a leaf of
weight n it counts :math:`n / (n + \lambda)`: the posterior mean of a correction whose variance
over leaves is :math:`1 / \lambda` of that over rows. Many rows, as a teacher can label, bring
it near 1. The value of a node is the distribution nearest to what it should say, with a trace
of the mean target, so that no leaf excludes a class for good.

Growth is sequential: trees are not grown in parallel. Who calls it:
`skdistill.students.forest`.
"""

import numpy as np

from skdistill._sklearn.tree import nodes_of
from skdistill.students._leaves import add_up, in_order
from skdistill.students.tree import carry, grow_by_regression, growth_target

_ROWS_AGAINST = 80.0  # lambda; from 40 to 200 as much of the lead is kept
_TRACE = 1e-3


def grow_complementary(trees, X, target, classes, *, weights, features, check_input):
    """Grow and solve trees in turn, each for those before it.

    Parameters
    ----------
    trees : list of DecisionTreeClassifier or ExtraTreeClassifier
        Fitted in place. Of criterion "gini".
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    target : ndarray of shape (n_samples, n_classes)
        Class probabilities that each row should get.
    classes : ndarray of shape (n_classes,)
    weights : iterable of ndarray of shape (n_samples,)
        Of the rows, for each tree.
    features : iterable of ndarray of int
        Columns of X that each tree sees.
    check_input : bool
        As in the fit of a tree.
    """
    total = np.zeros_like(target)
    for t, (tree, weight, seen) in enumerate(zip(trees, weights, features, strict=True)):
        own_X = X if np.array_equal(seen, np.arange(X.shape[1])) else X[:, seen]
        excess = t * target - total
        asked = growth_target(tree.criterion, target + excess, weight)
        grown = grow_by_regression(tree, own_X, len(classes), asked, weight, check_input)
        nodes, leaves = nodes_of(grown.tree_), grown.apply(own_X, check_input=check_input)
        proba = _node_values(nodes, leaves, weight, target, excess, tree.monotonic_cst)
        nodes["impurity"] = 1 - (proba**2).sum(axis=1)
        carry(tree, grown, nodes, proba, classes)
        total += proba[leaves]


def _node_values(nodes, leaves, weight, target, excess, monotonic_cst):
    """Mean target plus the shrunken mean excess of each node, as a distribution."""
    sums = [np.bincount(leaves, weight, len(nodes))]
    for of_class in (*target.T, *excess.T):
        sums.append(np.bincount(leaves, weight * of_class, len(nodes)))
    sums = add_up(nodes, np.column_stack(sums))
    total, of_target, of_excess = np.split(sums, [1, 1 + target.shape[1]], axis=1)
    proba = nearest_distribution(of_target / total + of_excess / (total + _ROWS_AGAINST))
    proba = (1 - _TRACE) * proba + _TRACE * (weight @ target / weight.sum())
    if monotonic_cst is not None:
        second = in_order(nodes, proba[:, 1], np.asarray(monotonic_cst))
        proba = np.column_stack([1 - second, second])
    return proba


def nearest_distribution(values):
    """Euclidean projection of each row onto the probability simplex.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_classes)

    Returns
    -------
    ndarray of shape (n_rows, n_classes)

    References
    ----------
    Held, Wolfe, Crowder (1974), "Validation of subgradient optimization".
    """
    falling = -np.sort(-values, axis=1)
    ranks = np.arange(1, values.shape[1] + 1)
    shifts = (np.cumsum(falling, axis=1) - 1) / ranks
    last = np.count_nonzero(falling > shifts, axis=1) - 1
    return np.maximum(values - shifts[np.arange(len(values)), last][:, None], 0)
