"""Leaves of scikit-learn's classification trees, numbered through, read and written."""

import numpy as np
from scipy.special import entr
from sklearn.utils import check_array

from skdistill._sklearn.tree import nodes_of
from skdistill.students._leaves import add_up
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


def write_tree(tree, leaves, values):
    """Put class probabilities into the leaves of a tree, in place.

    Parameters
    ----------
    tree : DecisionTreeClassifier or ExtraTreeClassifier
    leaves : ndarray of int of shape (n_leaves,)
        Nodes that are leaves.
    values : ndarray of shape (n_leaves, n_classes)
    """
    grown = tree.tree_
    weight = np.zeros((grown.node_count, 1))
    weight[leaves, 0] = grown.weighted_n_node_samples[leaves]
    sums = np.hstack([weight, np.zeros((grown.node_count, values.shape[1]))])
    sums[leaves, 1:] = weight[leaves] * values
    sums = add_up(nodes_of(grown), sums)
    proba = sums[:, 1:] / sums[:, :1]
    proba[leaves] = values
    grown.value[:, 0, :] = proba
    gini = tree.criterion == "gini"
    grown.impurity[:] = 1 - (proba**2).sum(1) if gini else entr(proba).sum(1) / np.log(2)
