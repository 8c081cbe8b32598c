"""Rows of any container as typed columns, and rows of that container back.

A generator works on two things only: the *ranks* of the values of each column, and
*donors*, the row of X that each new value is taken from. So every value that is taken
whole, be it text, a category, a date or a missing one, keeps its type and its place in
the observed range, whatever the container. Numbers may be moved as well, within the range
and on the step of their column.
"""

from datetime import date, timedelta
from decimal import Decimal
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skdistill._estimators._validation import check_shape

_ORDERED = (Real, Decimal, date, timedelta, np.datetime64, np.timedelta64)
_LARGEST = 2.0**53  # whole numbers up to here are exact as float64
_CORNERS = 16  # levels that have a dimension of their own
_DIMENSIONS = 8  # of more levels than that


class Columns:
    """The columns of X: their ranks, what may be done with them, and rows made of them.

    Parameters
    ----------
    X : array, frame (pandas, polars), series or list of n_samples rows
        A list or a series of texts is one column.

    Attributes
    ----------
    n_samples, n_columns : int
    ranks : ndarray of float32 of shape (n_samples, n_columns)
        Position of each value among the distinct ones of its column, -1 where it is
        missing.
    categorical : ndarray of bool of shape (n_columns,)
        Whether the order of the values means nothing.
    numbers : dict of int to ndarray of float64 of shape (n_samples,)
        The values of the columns whose numbers may be moved, NaN where missing.

    Raises
    ------
    TypeError
        If X is sparse, or a value cannot be compared with others.
    ValueError
        If X has no row, no column, more than two dimensions or complex numbers.
    """

    def __init__(self, X):
        self._X = X
        self._columns = _split(X)
        self.n_columns, self.n_samples = len(self._columns), len(self._columns[0])
        self.ranks = np.empty((self.n_samples, self.n_columns), dtype=np.float32, order="F")
        self.categorical = np.zeros(self.n_columns, dtype=bool)
        self.numbers, self._grids = {}, {}
        for j, column in enumerate(self._columns):
            self._read(j, column)

    def _read(self, j, column):
        if hasattr(column, "cat") and not _is_polars(column):
            self.ranks[:, j], self.categorical[j] = column.cat.codes, not column.cat.ordered
        elif _kind(column) not in "iuf":
            self.ranks[:, j], self.categorical[j] = _rank_objects(_objects(column), j)
        else:
            values = _floats(column)
            self.ranks[:, j] = _rank(values)
            if self.ranks[:, j].max() > 1 and _may_move(column, values):
                self.numbers[j], self._grids[j] = values, _grid(values)

    def within(self, j, values):
        """Bring numbers to the range and the step of a column.

        Parameters
        ----------
        j : int
            A key of `numbers`.
        values : ndarray of float64

        Returns
        -------
        ndarray of float64
            Whole where the column is; of its largest common step.
        """
        low, high, step = self._grids[j]
        if step:
            values = low + step * np.round((values - low) / step)
        return np.clip(values, low, high)

    def coordinates(self, j):
        """A column as points whose distances say how much its values differ.

        Ordered values stand at their scaled rank, categories of up to 16 levels at equal
        distance of 1, of more levels at random points of a sphere, missing ones apart.

        Parameters
        ----------
        j : int

        Returns
        -------
        ndarray of float32 of shape (n_samples, n_dimensions)
        """
        ranks = self.ranks[:, j].astype(np.intp)
        if self.categorical[j]:
            return _corners(ranks.max() + 2)[ranks + 1]
        missing = ranks < 0
        scaled = np.where(missing, 0.5, ranks / max(1, ranks.max())).astype(np.float32)
        if missing.any():
            return np.column_stack([scaled, missing]).astype(np.float32)
        return scaled[:, None]

    def take(self, donors, moved=None):
        """Rows in the container of X, each value from the row that its donor names.

        Parameters
        ----------
        donors : ndarray of int of shape (n_rows, n_columns)
        moved : dict of int to (rows, values), default=None
            Numbers that replace those of the donors, by column.

        Returns
        -------
        Of the type of X, `n_rows` rows, with the column names and types of X.
        """
        X, moved = self._X, moved or {}
        columns = (
            _replaced(_take(column, donors[:, j]), *moved.get(j, ([], [])))
            for j, column in enumerate(self._columns)
        )
        return _joined(X, columns, donors.shape)


def _split(X):
    """The columns of X."""
    if issparse(X):
        raise TypeError(
            f"X is sparse ({type(X).__name__}), and generated rows are dense; pass a dense X, "
            "or rows of your own as X_unlabeled"
        )
    if hasattr(X, "column_names"):
        raise TypeError(
            f"no rows are generated like those of a {type(X).__name__} of pyarrow; pass "
            "X.to_pandas() or polars.from_arrow(X), or rows of your own as X_unlabeled"
        )
    check_shape(X)
    if isinstance(X, list):
        X = np.array(X, dtype=object) if _is_texts(X) else np.asarray(X)
    if hasattr(X, "iloc") and hasattr(X, "columns"):
        columns = [X.iloc[:, j] for j in range(X.shape[1])]
    elif hasattr(X, "get_columns"):
        columns = X.get_columns()
    elif len(X.shape) == 2:
        columns = list(X.T)
    else:
        columns = [X]
    if len(X.shape) > 2 or any(_kind(column) == "c" for column in columns):
        raise ValueError(
            "Complex data not supported, nor more than two dimensions; got X of shape "
            f"{X.shape}; give a table of real numbers, categories, dates or texts"
        )
    return columns


def _is_polars(column):
    return type(column).__module__.startswith("polars")


def _kind(column):
    """The letter that NumPy has for the type of a column."""
    if not _is_polars(column):
        return getattr(column.dtype, "kind", "O")
    if column.dtype.is_integer():
        return "i"
    return "f" if column.dtype.is_float() else "O"


def _floats(column):
    if _is_polars(column):
        return column.cast(float).to_numpy().astype(np.float64)
    if hasattr(column, "iloc"):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return column.astype(np.float64)


def _may_move(column, values):
    """Whether new numbers can be put among those of a column without a loss."""
    exact = _kind(column) == "f" or np.nanmax(np.abs(values)) < _LARGEST
    return exact and "Sparse" not in str(column.dtype)


def _grid(values):
    """Least and largest value, and the largest number that all differences are multiples of.

    The last is 0 where values are not whole.
    """
    levels = np.unique(values[np.isfinite(values)])
    low, high = levels[0], levels[-1]
    if max(abs(low), abs(high)) >= _LARGEST or not np.array_equal(levels, np.round(levels)):
        return low, high, 0
    return low, high, int(np.gcd.reduce((levels - low).astype(np.int64)))


def _objects(column):
    """Values as objects, None where pandas or polars see a missing one."""
    if hasattr(column, "iloc"):
        return column.astype(object).where(column.notna(), None).tolist()
    return column.to_list() if _is_polars(column) else column.tolist()


def _rank(values):
    """Dense rank of numbers, -1 for NaN."""
    levels, ranks = np.unique(values, return_inverse=True)
    if np.isnan(levels[-1]):
        ranks[ranks == len(levels) - 1] = -1
    return ranks


def _rank_objects(values, j):
    """Dense rank of any values, -1 for missing ones; whether they are categories."""
    try:
        levels = {value for value in values if value is not None and value == value}
    except TypeError as error:
        raise TypeError(
            f"column {j} of X holds values that cannot be compared ({error}): an argument "
            "must be of string, number, date or another hashable type; drop the column, or "
            "turn it into text"
        ) from error
    categorical = not all(isinstance(v, _ORDERED) and not isinstance(v, bool) for v in levels)
    try:
        levels = sorted(levels)
    except TypeError:  # of several types
        levels = sorted(levels, key=lambda value: (str(type(value)), repr(value)))
    rank_of = {value: rank for rank, value in enumerate(levels)}
    return [rank_of.get(value, -1) for value in values], categorical


def _corners(n_levels):
    """Points at a distance of 1, or of about 1 on a sphere of few dimensions."""
    if n_levels <= _CORNERS:
        return np.eye(n_levels, dtype=np.float32) / np.float32(np.sqrt(2))
    points = np.random.RandomState(0).standard_normal((n_levels, _DIMENSIONS))
    points /= np.linalg.norm(points, axis=1, keepdims=True) * np.sqrt(2)
    return points.astype(np.float32)


def _take(column, rows):
    if hasattr(column, "iloc"):
        return column.take(rows).reset_index(drop=True)
    return column[rows]


def _replaced(column, where, values):
    if len(where) == 0:
        return column
    if _is_polars(column):
        import polars as pl

        return column.scatter(where, pl.Series(values).cast(column.dtype))
    values = values.astype(getattr(column.dtype, "numpy_dtype", column.dtype))
    if hasattr(column, "iloc"):
        column.iloc[where] = values
    else:
        column[where] = values
    return column


def _joined(X, columns, shape):
    """Columns in the container of X."""
    if hasattr(X, "iloc") and hasattr(X, "columns"):
        import pandas as pd

        rows = pd.concat(columns, axis=1)
        rows.columns = X.columns
        return rows
    if hasattr(X, "get_columns"):
        return type(X)(list(columns))
    if len(getattr(X, "shape", (0, 0))) == 1 or _is_texts(X):
        (rows,) = columns
        return rows.tolist() if isinstance(X, list) else rows
    rows = np.empty(shape, dtype=np.asarray(X).dtype)
    for j, column in enumerate(columns):
        rows[:, j] = column
    return rows.tolist() if isinstance(X, list) else rows


def _is_texts(X):
    return isinstance(X, list) and bool(X) and isinstance(X[0], (str, bytes))


def spread_rows(n_samples, n_drawn, rng):
    """Row numbers that name each row about as often as any other.

    Parameters
    ----------
    n_samples, n_drawn : int
    rng : RandomState

    Returns
    -------
    ndarray of int32 of shape (n_drawn,)
    """
    times = -(-n_drawn // n_samples)
    rounds = [rng.permutation(n_samples).astype(np.int32) for _ in range(times)]
    return np.concatenate(rounds)[:n_drawn]


def read_columns(estimator, X):
    """Check X for a generator and read its columns.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` and, where there are, feature names.
    X : array, frame, series or list

    Returns
    -------
    Columns
    """
    columns = Columns(X)
    validate_data(estimator, X, skip_check_array=True)
    return columns


def check_draw(estimator, n_samples, random_state):
    """Check what ``sample`` of a generator is given.

    Parameters
    ----------
    estimator : estimator
        Fitted; its ``random_state`` is used where `random_state` is None.
    n_samples : int
    random_state : int, RandomState or None

    Returns
    -------
    RandomState
    """
    check_is_fitted(estimator)
    if not isinstance(n_samples, Integral) or n_samples < 1:
        raise ValueError(f"n_samples must be an int of at least 1, got {n_samples!r}")
    return check_random_state(estimator.random_state if random_state is None else random_state)


def take_any_value(tags):
    """Say that missing values, categories and text are values like others.

    Parameters
    ----------
    tags : Tags
        Changed in place.

    Returns
    -------
    Tags
    """
    for name in ("allow_nan", "categorical", "string"):
        setattr(tags.input_tags, name, True)
    return tags
