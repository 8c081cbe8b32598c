"""Rows of any container (frames, polars, sparse, lists of text), and their weights.

scikit-learn has no public function for these. Checked on 1.7.2 and 1.9.1.
"""

from collections.abc import Mapping, Set

import numpy as np
from sklearn.utils import _safe_indexing as take_rows
from sklearn.utils.validation import _check_method_params
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _num_features as num_features
from sklearn.utils.validation import _num_samples as num_samples

__all__ = [
    "check_sample_weight", "column_names", "is_per_row", "labels_of", "num_features",
    "num_samples", "take_params", "take_rows",
]  # fmt: skip


def column_names(X):
    """Names of the columns of a frame, pyarrow's too; empty for what has none.

    Parameters
    ----------
    X : frame or array-like

    Returns
    -------
    sequence
    """
    names = getattr(X, "column_names", None)
    return getattr(X, "columns", ()) if names is None else names


def is_per_row(value, n_samples):
    """Whether a fit parameter has a value for each row.

    Parameters
    ----------
    value : object
    n_samples : int

    Returns
    -------
    bool
        False for text and mappings, however long they are.
    """
    if isinstance(value, str | bytes | Mapping | Set) or not hasattr(value, "__len__"):
        return hasattr(value, "shape") and num_samples(value) == n_samples
    return num_samples(value) == n_samples


def take_params(X, params, rows=None):
    """Fit parameters of some rows: those that have a value for each follow.

    Parameters
    ----------
    X : array-like, frame, sparse matrix or list of n_samples rows
    params : dict
    rows : ndarray of int, default=None
        None: all.

    Returns
    -------
    dict
    """
    n_samples = num_samples(X)
    of_rows = {name: one for name, one in params.items() if is_per_row(one, n_samples)}
    return params | _check_method_params(X, of_rows, rows)


def labels_of(classes):
    """Labels that have each class twice, for fits that need to know no more than these.

    Where classes outnumber half the labels, scikit-learn 1.9 warns of a regression.
    """
    return np.repeat(classes, 2)
