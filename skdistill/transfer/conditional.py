"""Rows whose values are drawn, column after column, given the other values of the row."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import check_random_state, resample
from sklearn.utils.parallel import Parallel, delayed

from skdistill._sklearn.params import Interval, fit_context
from skdistill._typing import Rows, Seed
from skdistill.transfer._columns import check_draw, read_columns, spread_rows, take_any_value

_BLOCK = 2**16  # rows that are worked on at a time
_FEATURES = 100  # columns that a split is chosen among, so that wide tables end in time


class ConditionalSampler(BaseEstimator):
    """Gibbs sampling with one tree for each column, given all others.

    A new row starts as a row of X. Then each column in turn, in random order, is drawn
    anew: the tree of the column finds the leaf of the row, by the values of all other
    columns, and one of the rows of X in this leaf gives its value. So each value is one
    that was seen in X, and the values of a row fit each other as far as the trees know.

    Parameters
    ----------
    n_rounds : int, default=1
        How often each column is drawn.
    resample_probability : float, default=1.0
        In (0, 1]. Probability that a value is drawn anew in a round; below 1 some values
        stay those of the row that a new one started from.
    min_samples_leaf : int, default=5
        Rows in a leaf. Fewer: closer to X, and more values that stay as they were.
    max_samples : int, default=10000
        Rows that a tree is grown on, at most; all rows fill its leaves.
    n_jobs : int, default=None
        Trees that are grown at a time. The result does not depend on it.
    random_state : int, RandomState or None, default=None
        Of the trees; of `sample` too, where it is given none.

    Attributes
    ----------
    trees_ : list of DecisionTreeRegressor
        One for each column. The columns are ranks, and categories are points in a space
        of few dimensions.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Where X has feature names that are all strings.

    References
    ----------
    Reiter (2005), "Using CART to generate partially synthetic public use microdata", draws
    from leaves, each column given those before it; here given all others.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdistill.transfer import ConditionalSampler
    >>> X, _ = load_iris(return_X_y=True)
    >>> ConditionalSampler(random_state=0).fit(X).sample(1000).shape
    (1000, 4)
    """

    _parameter_constraints = {  # noqa: RUF012 (scikit-learn's protocol)
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "resample_probability": [Interval(Real, 0, 1, closed="right")],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_rounds: int = 1,
        *,
        resample_probability: float = 1.0,
        min_samples_leaf: int = 5,
        max_samples: int = 10_000,
        n_jobs: int | None = None,
        random_state: Seed = None,
    ) -> None:
        self.n_rounds = n_rounds
        self.resample_probability = resample_probability
        self.min_samples_leaf = min_samples_leaf
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Rows, y: ArrayLike | None = None) -> Self:
        """Grow the tree of each column.

        Parameters
        ----------
        X : array, frame (pandas, polars) or list of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        self : ConditionalSampler

        Raises
        ------
        TypeError
            If X is sparse or holds values that cannot be compared.
        ValueError
            If X has no rows or no columns.
        """
        self._columns = read_columns(self, X)
        rng = check_random_state(self.random_state)
        rows = np.arange(self._columns.n_samples)
        if len(rows) > self.max_samples:
            rows = resample(rows, replace=False, n_samples=self.max_samples, random_state=rng)
        seeds = rng.randint(np.iinfo(np.int32).max, size=self._columns.n_columns)
        grown = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(self._grow)(j, rows, seed) for j, seed in enumerate(seeds)
        )
        self.trees_, self._leaves = map(list, zip(*grown, strict=True))
        return self

    def _grow(self, j, rows, seed):
        """The tree of a column, and the rows in each of its leaves."""
        others = self._columns.ranks.copy()
        others[:, j] = 0
        tree = DecisionTreeRegressor(
            min_samples_leaf=self.min_samples_leaf,
            max_features=min(_FEATURES, others.shape[1]),
            random_state=seed,
        ).fit(others[rows], self._columns.coordinates(j)[rows])
        return tree, _Leaves(tree.apply(others, check_input=False), tree.tree_.node_count)

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
        donors = np.empty((n_samples, self._columns.n_columns), dtype=np.int32, order="F")
        donors[:] = own[:, None]
        for start in range(0, n_samples, _BLOCK):
            self._resample(donors[start : start + _BLOCK], rng)
        return self._columns.take(donors)

    def _resample(self, donors, rng):
        """Draw new donors for the values of a block of rows, in place."""
        ranks = self._columns.ranks
        values = ranks[donors[:, 0]]
        for j in [j for _ in range(self.n_rounds) for j in rng.permutation(ranks.shape[1])]:
            values[:, j] = 0
            drawn = self._leaves[j].draw(self.trees_[j].apply(values, check_input=False), rng)
            if self.resample_probability < 1:
                stays = rng.random_sample(len(drawn)) >= self.resample_probability
                drawn = np.where(stays, donors[:, j], drawn)
            donors[:, j] = drawn
            values[:, j] = ranks[drawn, j]

    def __sklearn_tags__(self):
        """Missing values, categories and text are values like others."""
        return take_any_value(super().__sklearn_tags__())


class _Leaves:
    """The rows in each leaf of a tree."""

    def __init__(self, leaf, n_nodes):
        self._rows = np.argsort(leaf, kind="stable").astype(np.int32)
        self._count = np.bincount(leaf, minlength=n_nodes)
        self._start = np.cumsum(self._count) - self._count

    def draw(self, leaf, rng):
        """One row of each leaf that is named."""
        offset = (rng.random_sample(len(leaf)) * self._count[leaf]).astype(np.intp)
        return self._rows[self._start[leaf] + offset]
