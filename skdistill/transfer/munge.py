"""MUNGE: rows between each row and its nearest neighbour (Bucila et al. 2006)."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state

from skdistill._sklearn.params import Interval, fit_context
from skdistill._typing import Rows, Seed
from skdistill.transfer._columns import check_draw, read_columns, spread_rows, take_any_value


class Munge(BaseEstimator):
    """Rows made by swapping values between a row and a neighbour of it.

    Each value of a row is replaced with probability `swap_probability`. A category, a
    text, a date, a truth value or a missing one is taken from the neighbour. A number `a`
    becomes a draw from a normal distribution around the neighbour's value `b`, of standard
    deviation ``|a - b| / local_variance``, brought back to the range of its column and,
    where the column holds whole numbers, to these.

    Neighbours are searched among ranks, scaled to [0, 1] in each column; two categories
    are at a distance of 1.

    Parameters
    ----------
    swap_probability : float, default=0.5
        In (0, 1].
    local_variance : float, default=1.0
        Greater than 0. Larger: numbers stay closer to the neighbour's.
    n_neighbors : int, default=1
        A neighbour is drawn among so many nearest ones; fewer where there are fewer rows.
    max_samples : int, default=10000
        More rows are split at random into equal parts of at most so many, at least 3, and
        neighbours are searched inside each part, so that the time grows with the number of
        rows and not with its square.
    random_state : int, RandomState or None, default=None
        Of these parts; of `sample` too, where it is given none.

    Attributes
    ----------
    neighbors_ : ndarray of int of shape (n_samples, n_neighbors)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where X has feature names that are all strings.

    References
    ----------
    Bucila, Caruana, Niculescu-Mizil (2006), "Model Compression", section 3.3. There a swap
    changes both rows of a pair, one after the other; here each new row is made from rows
    of X alone, so that all are made at once.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdistill.transfer import Munge
    >>> X, _ = load_iris(return_X_y=True)
    >>> Munge(random_state=0).fit(X).sample(1000).shape
    (1000, 4)
    """

    _parameter_constraints = {  # noqa: RUF012 (scikit-learn's protocol)
        "swap_probability": [Interval(Real, 0, 1, closed="right")],
        "local_variance": [Interval(Real, 0, None, closed="neither")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 3, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        swap_probability: float = 0.5,
        local_variance: float = 1.0,
        *,
        n_neighbors: int = 1,
        max_samples: int = 10_000,
        random_state: Seed = None,
    ) -> None:
        self.swap_probability = swap_probability
        self.local_variance = local_variance
        self.n_neighbors = n_neighbors
        self.max_samples = max_samples
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Rows, y: ArrayLike | None = None) -> Self:
        """Find the neighbours of each row.

        Parameters
        ----------
        X : array, frame (pandas, polars) or list of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        self : Munge

        Raises
        ------
        TypeError
            If X is sparse or holds values that cannot be compared.
        ValueError
            If X has no rows or no columns.
        """
        self._columns = read_columns(self, X)
        points = np.column_stack(
            [self._columns.coordinates(j) for j in range(self._columns.n_columns)]
        )
        order = check_random_state(self.random_state).permutation(len(points))
        parts = np.array_split(order, -(-len(points) // self.max_samples))
        n_neighbors = min(self.n_neighbors, len(parts[-1]) - 1)
        self.neighbors_ = np.arange(len(points), dtype=np.int32)[:, None]  # of a lone row
        if n_neighbors:
            self.neighbors_ = np.repeat(self.neighbors_, n_neighbors, axis=1)
            search = NearestNeighbors(n_neighbors=n_neighbors)
            for part in parts:
                found = search.fit(points[part]).kneighbors(return_distance=False)
                self.neighbors_[part] = part[found]
        return self

    def sample(self, n_samples: int, random_state: Seed = None) -> Any:
        """New rows.

        Parameters
        ----------
        n_samples : int
        random_state : int, RandomState or None, default=None
            None: that of the constructor.

        Returns
        -------
        Rows in the container of X, with its columns and types.
        """
        rng = check_draw(self, n_samples, random_state)
        own = spread_rows(self._columns.n_samples, n_samples, rng)
        choice = rng.randint(self.neighbors_.shape[1], size=n_samples)
        other = self.neighbors_[own, choice]
        donors = np.empty((n_samples, self._columns.n_columns), dtype=np.int32, order="F")
        moved = {}
        for j in range(self._columns.n_columns):
            swapped = rng.random_sample(n_samples) < self.swap_probability
            donors[:, j] = np.where(swapped, other, own)
            if j in self._columns.numbers:
                moved[j] = self._moved(j, own, other, np.flatnonzero(swapped), rng)
        return self._columns.take(donors, moved)

    def _moved(self, j, own, other, rows, rng):
        """The rows whose number is drawn anew, and that number."""
        values = self._columns.numbers[j]
        a, b = values[own[rows]], values[other[rows]]
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.abs(a - b)
        change = np.isfinite(apart) & (apart > 0)
        drawn = rng.normal(b[change], apart[change] / self.local_variance)
        return rows[change], self._columns.within(j, drawn)

    def __sklearn_tags__(self):
        """Missing values, categories and text are values like others."""
        return take_any_value(super().__sklearn_tags__())
