"""The columns of a table, and parts of its rows by the values of a column."""

import numpy as np
from scipy.sparse import issparse

from skdistill._sklearn.validation import num_samples

MANY = 500  # columns that are looked at
_BINS, _VALUES = 5, 20  # quantile bins of numbers, most frequent values of others


def columns_of(X, names=None):
    """Columns by name.

    Parameters
    ----------
    X : array-like, frame or sparse matrix
    names : list of str, default=None
        None: those of a frame, or x0, x1, ...

    Returns
    -------
    dict of ndarray of shape (n_samples,)
        Empty where X has no columns, as a list of texts, or more than 500.
    """
    if hasattr(X, "columns"):
        if len(X.columns) > MANY:
            return {}
        return {str(name): np.asarray(X[name]) for name in X.columns}
    if not issparse(X):
        X = np.asarray(X)
    if X.ndim != 2 or X.shape[1] > MANY:
        return {}
    X = X.toarray() if issparse(X) else X
    return dict(zip(names or [f"x{i}" for i in range(X.shape[1])], X.T, strict=True))


def parts(values):
    """Rows by value, or by quantile where there are many numbers.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)

    Yields
    ------
    text : str
        "= value", "17 to 25" or "is missing".
    rows : ndarray of int
    """
    lacking = missing(values)
    if lacking.any():
        yield "is missing", np.flatnonzero(lacking)
    known, kind = np.flatnonzero(~lacking), values[~lacking]
    distinct, codes, counts = np.unique(
        kind if kind.dtype.kind in "biuf" else kind.astype(str),
        return_inverse=True,
        return_counts=True,
    )
    if distinct.dtype.kind in "iuf" and len(distinct) > 2 * _BINS:
        yield from _quantiles(kind, known)
        return
    for code in np.argsort(-counts, kind="stable")[:_VALUES]:
        yield f"= {shown(distinct[code])}", known[codes == code]


def _quantiles(values, rows):
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)))
    bins = np.searchsorted(edges[1:-1], values, side="left")
    for number in range(len(edges) - 1):
        own = bins == number
        if own.any():
            low, high = values[own].min(), values[own].max()
            text = f"= {shown(low)}" if low == high else f"{shown(low)} to {shown(high)}"
            yield text, rows[own]


def missing(values):
    """Whether each value is missing."""
    if values.dtype.kind in "biuSU":
        return np.zeros(num_samples(values), dtype=bool)
    if values.dtype.kind == "f":
        return np.isnan(values)
    return np.array([value is None or value != value for value in values.tolist()], bool)


def shown(value):
    """A value as a reader wants it."""
    value = value.item() if hasattr(value, "item") else value
    return f"{value:.4g}" if isinstance(value, float) else str(value)
