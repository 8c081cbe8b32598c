"""Leaves of scikit-learn's classification trees, numbered through, read and written."""

import numpy as np
from scipy.special import entr
from sklearn.utils import check_array

from skdistill._sklearn.tree import nodes_of
from skdistill.students._leaves import add_up, in_order
from skdistill.students._refine import Leaves


def leaves_of_trees(trees, features=None):
    """The leaves of trees whose class probabilities are averaged.

    Parameters
    ----------
    trees : list of DecisionTreeClassifier or ExtraTreeClassifier
        Fitted.
    features : list of ndarray of int, default=None
        Columns of X that each tree sees, in its order. None: all.

    Returns
    -------
    Leaves
        Writing gives a node above the leaves the mean of their values, weighted as the
        rows that grew the tree, and every node the impurity of its values.
    """
    number, places = numbering(trees)

    def apply(X):
        X = check_array(X, accept_sparse="csr", dtype=np.float32, ensure_all_finite=False)
        reached = np.empty((X.shape[0], len(trees)), dtype=np.int32, order="F")
        for t, tree in enumerate(trees):
            own_X = X if features is None else X[:, features[t]]
            reached[:, t] = number[t][tree.tree_.apply(own_X)]
        return reached

    def write(values):
        for tree, leaves, numbers in zip(trees, places, number, strict=True):
            write_tree(tree, leaves, values[numbers[leaves]])

    values = [tree.tree_.value[leaves, 0] for tree, leaves in zip(trees, places, strict=True)]
    return Leaves(apply, np.concatenate(values), write)


def numbering(trees):
    """Number of every leaf by tree and node, and the leaves among each tree's nodes.

    Parameters
    ----------
    trees : list of fitted trees

    Returns
    -------
    number : list of ndarray of int32 of shape (n_nodes,)
        -1 for nodes that are no leaves.
    places : list of ndarray of int of shape (n_leaves_of_tree,)
    """
    number, places, start = [], [], 0
    for tree in trees:
        leaves = np.flatnonzero(tree.tree_.children_left < 0)
        numbers = np.full(tree.tree_.node_count, -1, dtype=np.int32)
        numbers[leaves] = start + np.arange(len(leaves))
        number.append(numbers)
        places.append(leaves)
        start += len(leaves)
    return number, places


def order_of_trees(trees, monotonic_cst):
    """What brings leaf values into the order that constraints on features ask.

    Parameters
    ----------
    trees : list of fitted trees
    monotonic_cst : array-like of shape (n_features,) or None

    Returns
    -------
    callable or None
        Maps leaf values of two classes, numbered through the trees, to ordered ones.
    """
    if monotonic_cst is None:
        return None
    number, places = numbering(trees)
    nodes = [nodes_of(tree.tree_) for tree in trees]

    def order(values):
        ordered = np.empty_like(values)
        for of_tree, leaves, numbers in zip(nodes, places, number, strict=True):
            proba = spread(of_tree, leaves, values[numbers[leaves]])
            second = in_order(of_tree, proba[:, 1], np.asarray(monotonic_cst))[leaves]
            ordered[numbers[leaves]] = np.column_stack([1 - second, second])
        return ordered

    return order


def spread(nodes, leaves, values):
    """Values of all nodes: of one above the leaves, their mean by weight of rows.

    Parameters
    ----------
    nodes : structured ndarray of shape (n_nodes,)
    leaves : ndarray of int of shape (n_leaves,)
        Nodes that are leaves.
    values : ndarray of shape (n_leaves, n_classes)

    Returns
    -------
    ndarray of shape (n_nodes, n_classes)
    """
    weight = nodes["weighted_n_node_samples"][leaves, None]
    sums = np.zeros((len(nodes), 1 + values.shape[1]))
    sums[leaves] = np.hstack([weight, weight * values])
    sums = add_up(nodes, sums)
    proba = sums[:, 1:] / sums[:, :1]
    proba[leaves] = values
    return proba


def write_tree(tree, leaves, values):
    """Put class probabilities into the leaves of a tree, in place.

    Parameters
    ----------
    tree : DecisionTreeClassifier or ExtraTreeClassifier
    leaves : ndarray of int of shape (n_leaves,)
        Nodes that are leaves.
    values : ndarray of shape (n_leaves, n_classes)
    """
    proba = spread(nodes_of(tree.tree_), leaves, values)
    gini = tree.criterion == "gini"
    tree.tree_.value[:, 0] = proba
    tree.tree_.impurity[:] = 1 - (proba**2).sum(1) if gini else entr(proba).sum(1) / np.log(2)
