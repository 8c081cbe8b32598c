"""How many leaves a histogram gradient boosting holds.

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
    try:
        rounds = boosting._predictors
    except AttributeError:
        raise AttributeError(
            "this scikit-learn keeps the trees of histogram boosting no longer in "
            "_predictors: skdistill needs a newer version of itself"
        ) from None
    return sum(tree.get_n_leaf_nodes() for trees in rounds for tree in trees)
