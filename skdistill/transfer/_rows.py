"""The rows a student is fitted on: a sample of the user's, and rows without labels."""

from typing import Any

import numpy as np
from scipy.sparse import issparse
from scipy.sparse import vstack as stack_sparse
from sklearn.utils import resample

from skdistill._typing import Array, Floats, Rows, Seed


def draw_rows(
    codes: Array,
    max_samples: float | None,
    random_state: Seed = None,
    weight: Floats | None = None,
) -> Array:
    """Rows for the student, drawn in proportion to the classes.

    Parameters
    ----------
    codes : ndarray of int of shape (n_samples,)
        Class of each row.
    max_samples : int or float
        Number of rows, or their share in (0, 1].
    random_state : int, default=None
    weight : ndarray of shape (n_samples,), default=None
        Rows of weight 0 are as good as absent.

    Returns
    -------
    ndarray of int
        Sorted row numbers: all, if `max_samples` asks for no fewer; one more for each
        class that the draw would have lost.
    """
    if weight is not None and not weight.all():
        present = np.flatnonzero(weight)
        return present[draw_rows(codes[present], max_samples, random_state)]
    n_samples = len(codes)
    whole = isinstance(max_samples, (int, np.integer))
    n_drawn = int(max_samples) if whole else max(1, round(max_samples * n_samples))
    rows = np.arange(n_samples)
    if n_drawn >= n_samples:
        return rows
    drawn = resample(
        rows, replace=False, n_samples=n_drawn, stratify=codes, random_state=random_state
    )
    classes, first = np.unique(codes, return_index=True)
    return np.union1d(drawn, first[~np.isin(classes, codes[drawn])])


def stack_rows(X: Rows, more: Rows) -> Any:
    """Rows below rows, in the container of X.

    Parameters
    ----------
    X, more : arrays, frames (pandas, polars, pyarrow), sparse matrices or lists
        Of the same kind and columns. Categories become those of X, others missing,
        numbers the type that holds both.

    Returns
    -------
    Of the type of `X`.
    """
    if issparse(X) or issparse(more):
        return stack_sparse([X, more], format="csr")
    if type(X).__module__.startswith("polars"):
        import polars as pl

        how = "vertical_relaxed" if hasattr(X, "columns") else "vertical"
        more = more.select(X.columns) if hasattr(X, "columns") else more
        return pl.concat([X, more], how=how)
    if hasattr(X, "column_names"):
        import pyarrow as pa

        more = more.select(X.column_names)
        return pa.concat_tables([X, more], promote_options="permissive")
    if hasattr(X, "iloc"):
        import pandas as pd

        if hasattr(X, "columns"):
            more = more[X.columns].copy()
            for name, kind in X.select_dtypes("category").dtypes.items():
                own = more[name].astype("category").cat
                more[name] = own.set_categories(kind.categories, ordered=kind.ordered)
        more = more if hasattr(more, "iloc") else pd.Series(more, dtype=X.dtype)
        return pd.concat([X, more], ignore_index=True)
    if isinstance(X, list):
        return [*X, *more]
    return np.concatenate([X, np.asarray(more)])
