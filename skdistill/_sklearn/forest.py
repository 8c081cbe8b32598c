"""How forests and bagging draw their rows, and how they score the rows left out.

`weights_are_drawn`: later versions draw a bootstrap with probabilities proportional to
the weights, earlier ones multiply the weights of the drawn rows; only the signature of
the function that draws tells. `score_out_of_bag` is what ``fit`` calls when ``oob_score``
is set; nothing public calls it on trees that exist. Checked on 1.7.2 (multiplies) and
1.9.1 (draws).
"""

import inspect

from sklearn.ensemble import BaggingClassifier
from sklearn.ensemble._forest import _generate_sample_indices

__all__ = ["score_out_of_bag", "weights_are_drawn"]


def weights_are_drawn():
    """Whether a bootstrap spends the weights, so that the trees see counts only."""
    return "sample_weight" in inspect.signature(_generate_sample_indices).parameters


def score_out_of_bag(ensemble, X, columns):
    """Set ``oob_score_`` and ``oob_decision_function_`` of a fitted ensemble.

    Parameters
    ----------
    ensemble : RandomForestClassifier, ExtraTreesClassifier or BaggingClassifier
        Its ``oob_score`` is True, or a callable for a forest.
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    columns : ndarray of int of shape (n_samples,)
        Class column of each row.
    """
    if isinstance(ensemble, BaggingClassifier):
        ensemble._set_oob_score(X, columns)
        return
    scoring = ensemble.oob_score if callable(ensemble.oob_score) else None
    n_classes, ensemble.n_classes_ = ensemble.n_classes_, [ensemble.n_classes_]
    ensemble._set_oob_score_and_attributes(X, columns[:, None], scoring_function=scoring)
    ensemble.n_classes_ = n_classes
