"""The rows of a transfer set that a fit needs."""

import numpy as np

from skdistill._sklearn.validation import take_params, take_rows


def weighted_rows(X, loss, fit_params):
    """Drop the rows that carry no term of the loss, such as unlabelled ones at alpha 0.

    Rows that the user weighed 0 stay: the libraries bin and count them.

    Parameters
    ----------
    X : array-like, frame or sparse matrix of `loss.n_samples` rows
    loss : CombinedLoss
    fit_params : dict
        Row-aligned values follow their rows.

    Returns
    -------
    X, loss, fit_params
    """
    rows = np.flatnonzero((loss.row_weight > 0) | (loss.sample_weight == 0))
    if len(rows) == loss.n_samples:
        return X, loss, fit_params
    return take_rows(X, rows), loss.take(rows), take_params(X, fit_params, rows)
