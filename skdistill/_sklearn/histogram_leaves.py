"""The leaves of a histogram gradient boosting: number, values, and who reaches them.

scikit-learn keeps its trees under a private name and has no public count of them.
Checked on 1.7.2 and 1.9.1.
"""

import numpy as np
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor


def n_histogram_leaves(boosting):
    """Leaves of all trees of a fitted `HistGradientBoostingClassifier`.

    Parameters
    ----------
    boosting : HistGradientBoostingClassifier

    Returns
    -------
    int

    Raises
    ------
    AttributeError
        If this scikit-learn keeps its trees elsewhere.
    """
    return sum(tree.get_n_leaf_nodes() for tree in histogram_trees(boosting))


def histogram_features(boosting):
    """Columns that some split reads, in the boosting's own order: categories come first.

    Parameters
    ----------
    boosting : HistGradientBoostingClassifier

    Returns
    -------
    set of int

    Raises
    ------
    AttributeError
        If this scikit-learn keeps its trees elsewhere.
    """
    nodes = (tree.nodes for tree in histogram_trees(boosting))
    return {int(i) for own in nodes for i in own["feature_idx"][own["is_leaf"] == 0]}


def leaf_values(tree):
    """Values of the leaves of one tree, learning rate included."""
    return tree.nodes["value"][leaf_places(tree)]


def leaf_places(tree):
    """Nodes of one tree that are leaves."""
    return np.flatnonzero(tree.nodes["is_leaf"])


def write_leaf_values(tree, values):
    """Put values into the leaves of one tree, in place."""
    tree.nodes["value"][leaf_places(tree)] = values


def reached_leaves(tree, X_binned, missing_bin, n_threads=1):
    """Leaf of each binned row in one tree, counted from 0.

    Parameters
    ----------
    tree : TreePredictor
    X_binned : ndarray of uint8 of shape (n_samples, n_features)
    missing_bin : int
        Bin of missing values.
    n_threads : int, default=1

    Returns
    -------
    ndarray of shape (n_samples,), float64
    """
    return _that_counts(tree).predict_binned(X_binned, missing_bin, n_threads)


def histogram_apply(boosting, X):
    """Leaf of each row in each tree, numbered through all trees.

    Parameters
    ----------
    boosting : HistGradientBoostingClassifier
    X : array-like or frame

    Returns
    -------
    ndarray of int32 of shape (n_samples, n_trees)
    """
    X, trees = boosting._preprocess_X(X, reset=False), histogram_trees(boosting)
    known_cat_bitsets, f_idx_map = boosting._bin_mapper.make_known_categories_bitsets()
    reached, start = np.empty((X.shape[0], len(trees)), dtype=np.int32, order="F"), 0
    for t, tree in enumerate(trees):
        own = _that_counts(tree, start)
        reached[:, t] = own.predict(X, known_cat_bitsets, f_idx_map, n_threads=1)
        start += tree.get_n_leaf_nodes()
    return reached


def histogram_baseline(boosting):
    """Raw prediction before the first tree, one number a column."""
    return boosting._baseline_prediction[0]


def _that_counts(tree, start=0):
    """A tree whose leaves have their numbers for values."""
    nodes, places = tree.nodes.copy(), leaf_places(tree)
    nodes["value"][places] = start + np.arange(len(places))
    return TreePredictor(nodes, tree.binned_left_cat_bitsets, tree.raw_left_cat_bitsets)


def histogram_trees(boosting):
    """All trees of a boosting, round by round and within it column by column."""
    try:
        rounds = boosting._predictors
    except AttributeError:
        raise AttributeError(
            "this scikit-learn keeps the trees of histogram boosting no longer in "
            "_predictors: skdistill needs a newer version of itself"
        ) from None
    return [tree for trees in rounds for tree in trees]
