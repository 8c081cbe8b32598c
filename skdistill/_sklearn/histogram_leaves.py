"""How many leaves a histogram gradient boosting holds, and which columns it splits.

scikit-learn keeps its trees under a private name and has no public count of them.
Checked on 1.7.2 and 1.9.1.
"""


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
    return sum(tree.get_n_leaf_nodes() for tree in _trees(boosting))


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
    nodes = (tree.nodes for tree in _trees(boosting))
    return {int(i) for own in nodes for i in own["feature_idx"][own["is_leaf"] == 0]}


def _trees(boosting):
    try:
        rounds = boosting._predictors
    except AttributeError:
        raise AttributeError(
            "this scikit-learn keeps the trees of histogram boosting no longer in "
            "_predictors: skdistill needs a newer version of itself"
        ) from None
    return [tree for trees in rounds for tree in trees]
