"""The interval of every estimate: a percentile bootstrap that resamples rows.

A resample says how many times each row was drawn, which is a weight for it. A mean in a
resample is then a ratio of two weighted sums, and so is a share of two means. Rows that come
in groups are drawn group by group, each whole. All that is measured with one seed is measured
on the same resamples, so that the difference of two models is paired.

Reference: Efron, Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13.
"""

from typing import NamedTuple

import numpy as np

N_RESAMPLES = 1000  # the ends of a 95 % interval are then known to a tenth of its width
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """An estimate and the ends of its interval.

    Attributes
    ----------
    value, low, high : float
        The ends are NaN where there is none, as for a single row.
    """

    value: float
    low: float
    high: float

    def columns(self, name):
        """As entries of a table: ``name``, ``name_low`` and ``name_high``."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


def resamples(n_samples, *, groups=None, n_resamples=N_RESAMPLES, random_state=0):
    """How many times each row is drawn, one resample after another.

    Parameters
    ----------
    n_samples : int
    groups : array-like of shape (n_samples,), default=None
        Rows of a group are drawn together. None: each row is a group.
    n_resamples : int, default=1000
    random_state : int, default=0
        The same seed gives the same resamples.

    Yields
    ------
    ndarray of int of shape (n_samples,)
        Nothing where there are fewer than two groups: all resamples would be the same.
    """
    group, n_groups = np.arange(n_samples), n_samples
    if groups is not None:
        names, group = np.unique(groups, return_inverse=True)
        n_groups = len(names)
    if n_groups < 2:
        return
    rng = np.random.default_rng(random_state)
    for _ in range(n_resamples):
        drawn = rng.integers(n_groups, size=n_groups)
        yield np.bincount(drawn, minlength=n_groups)[group]


def resampled_sums(columns, **how):
    """Sums of columns in each resample.

    Parameters
    ----------
    columns : ndarray or sparse matrix of shape (n_samples, n_columns)
    **how
        As `resamples` takes them.

    Returns
    -------
    ndarray of shape (n_resamples, n_columns)
    """
    sums = [times @ columns for times in resamples(columns.shape[0], **how)]
    return np.reshape(sums, (len(sums), columns.shape[1]))


def interval(value, draws, confidence=CONFIDENCE):
    """The percentile interval of an estimate.

    Parameters
    ----------
    value : float
    draws : array-like of shape (n_resamples,)
        The estimate in each resample. NaN, where it is not defined, is left out.
    confidence : float, default=0.95

    Returns
    -------
    Interval
    """
    draws, tail = np.asarray(draws, dtype=np.float64), (1 - confidence) / 2
    draws = draws[~np.isnan(draws)]
    if not draws.size or np.isnan(value):
        return Interval(float(value), np.nan, np.nan)
    low, high = np.quantile(draws, [tail, 1 - tail], method="inverted_cdf")
    return Interval(float(value), float(low), float(high))


def mean_intervals(values, *, sample_weight=None, **how):
    """Weighted means of columns, each with its interval.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_columns)
    sample_weight : array-like of shape (n_samples,), default=None
    **how
        As `resamples` takes them.

    Returns
    -------
    list of Interval
    """
    values = np.asarray(values, dtype=np.float64)
    weight = np.ones(len(values)) if sample_weight is None else np.asarray(sample_weight)
    sums = resampled_sums(np.column_stack([weight[:, None] * values, weight]), **how)
    means = np.average(values, axis=0, weights=weight)
    return [
        interval(*one) for one in zip(means, ratio(sums[:, :-1], sums[:, -1:]).T, strict=True)
    ]


def ratio(numerator, denominator):
    """Of sums; NaN where the denominator is 0."""
    shape = np.broadcast_shapes(np.shape(numerator), np.shape(denominator))
    out = np.full(shape, np.nan)
    return np.divide(numerator, denominator, out=out, where=np.asarray(denominator) != 0)[()]
