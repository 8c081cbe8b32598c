"""The arrays of a fitted tree, out of one tree and into another.

scikit-learn can build a tree from data only; the state that a `Tree` pickles is the one
way to make one from arrays. Checked on 1.7.2 and 1.9.1: a node is a record with the
fields ``left_child``, ``right_child``, ``feature``, ``threshold``, ``impurity``,
``n_node_samples``, ``weighted_n_node_samples``; a value is an array of shape
(n_nodes, n_outputs, n_classes). `_validate_params` names the class of its estimator in
what it raises; nothing public checks parameters without fitting.
"""

import numpy as np
from sklearn.tree._tree import Tree

__all__ = ["nodes_of", "tree_from_nodes", "validate_params"]


def nodes_of(tree):
    """A copy of the node records of a `Tree`, an array of shape (n_nodes,)."""
    return tree.__getstate__()["nodes"][: tree.node_count].copy()


def tree_from_nodes(nodes, values, n_features, max_depth):
    """A single-output `Tree` of node records and values.

    Parameters
    ----------
    nodes : structured ndarray of shape (n_nodes,)
    values : ndarray of shape (n_nodes, n_classes)
    n_features, max_depth : int

    Returns
    -------
    sklearn.tree._tree.Tree
    """
    n_nodes, n_classes = values.shape
    tree = Tree(n_features, np.array([n_classes], dtype=np.intp), 1)
    values = np.ascontiguousarray(values[:, None, :], dtype=np.float64)
    tree.__setstate__(
        {"max_depth": max_depth, "node_count": n_nodes, "nodes": nodes, "values": values}
    )
    return tree


def validate_params(estimator):
    """Raise for a parameter out of its range, naming the class of the estimator."""
    if hasattr(estimator, "_parameter_constraints"):
        estimator._validate_params()
