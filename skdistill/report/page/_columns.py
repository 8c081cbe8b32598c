"""The columns of a table, and parts of its rows by the values of a column."""

from numbers import Real

import numpy as np
from scipy.sparse import issparse

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
    lacking = np.array([_is_missing(value) for value in values.tolist()], dtype=bool)
    if lacking.any():
        yield "is missing", np.flatnonzero(lacking)
    rows, known = np.flatnonzero(~lacking), _numbers_or_text(values[~lacking])
    distinct, codes, counts = np.unique(known, return_inverse=True, return_counts=True)
    if known.dtype.kind == "f" and len(distinct) > 2 * _BINS:
        yield from _quantiles(known, rows)
        return
    for code in np.argsort(-counts, kind="stable")[:_VALUES]:
        yield f"= {shown(distinct[code])}", rows[codes == code]


def _is_missing(value):
    same = value == value  # of NaN and of the missing value of pandas it is not
    return value is None or not isinstance(same, bool | np.bool_) or not same


def _numbers_or_text(values):
    kinds = set(map(type, values.tolist()))
    numbers = all(issubclass(kind, Real) and kind is not bool for kind in kinds)
    return values.astype(float if numbers else str)


def _quantiles(values, rows):
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)))
    bins = np.searchsorted(edges[1:-1], values, side="left")
    for number in range(len(edges) - 1):
        inside = bins == number
        if inside.any():
            low, high = values[inside].min(), values[inside].max()
            text = f"= {shown(low)}" if low == high else f"{shown(low)} to {shown(high)}"
            yield text, rows[inside]


def shown(value):
    """A value as a reader wants it: four digits of a fraction, whole numbers whole."""
    value = value.item() if hasattr(value, "item") else value
    if not isinstance(value, float) or not 1e-4 <= abs(value) < 1e9:
        return f"{value:.4g}" if isinstance(value, float) else str(value)
    if value.is_integer():
        return f"{value:.0f}"
    return np.format_float_positional(value, 4, unique=False, fractional=False, trim="-")
