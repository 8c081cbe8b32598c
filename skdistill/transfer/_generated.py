"""Rows that a generator makes of the training rows, for a teacher to label."""

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_memory

from skdistill._estimators._params import unset_seeds
from skdistill._estimators._validation import frame_of
from skdistill._typing import Cache, Rows, Sampler, Seed
from skdistill.transfer.conditional import ConditionalSampler
from skdistill.transfer.munge import Munge

GENERATORS = {"conditional": ConditionalSampler, "munge": Munge}
LARGEST = 100_000  # rows that a multiple of the training rows stands for, at most


def resolve_generator(transfer: str | Sampler | None) -> Any:
    """The generator that a name stands for; others as they are.

    Parameters
    ----------
    transfer : {"conditional", "munge"} or generator

    Returns
    -------
    generator
    """
    return GENERATORS[transfer]() if isinstance(transfer, str) else transfer


def count_rows(transfer_size: float, n_samples: int) -> int:
    """Number of rows that `transfer_size` stands for.

    Parameters
    ----------
    transfer_size : int or float
        A number of rows; a float is a multiple of `n_samples`, up to 100,000 rows.
    n_samples : int

    Returns
    -------
    int
        At least 1.
    """
    if isinstance(transfer_size, Integral):
        return int(transfer_size)
    return min(LARGEST, max(1, round(transfer_size * n_samples)))


def generate_rows(
    transfer: str | Sampler,
    X: Rows,
    n_rows: int,
    *,
    memory: Cache = None,
    random_state: Seed = None,
) -> Any:
    """Fit a clone of a generator to rows and draw new ones.

    Parameters
    ----------
    transfer : {"conditional", "munge"} or generator
        Any object with ``fit(X)`` and ``sample(n_samples, random_state=...)``; one in a
        `FrozenEstimator` is not fitted again.
    X : array, frame (pandas, polars) or list of n_samples rows
    n_rows : int
    memory : str or joblib.Memory, default=None
        Caches the new rows.
    random_state : int, default=None
        Of the draw, and of the generator where it has none.

    Returns
    -------
    Rows like those of X.

    Raises
    ------
    TypeError
        If X is sparse, or the new rows are of another container than X.
    ValueError
        If their shape is not that which was asked for.
    """
    generator = clone(resolve_generator(transfer), safe=False)
    if hasattr(generator, "get_params"):
        unset_seeds(generator, random_state)
    rows = check_memory(memory).cache(_draw)(generator, X, n_rows, random_state)
    _check_drawn(rows, X, n_rows, type(generator).__name__)
    return rows


def _draw(generator, X, n_rows, random_state):
    generator = clone(generator, safe=False)
    if not isinstance(generator, FrozenEstimator):
        generator.fit(X)
    return generator.sample(n_rows, random_state=random_state)


def _check_drawn(rows, X, n_rows, name):
    """Refuse what cannot stand below the rows of X."""
    if frame_of(rows) != frame_of(X):
        raise TypeError(
            f"transfer={name} made rows of type {type(rows).__name__}, and X is "
            f"{type(X).__name__}; let its sample return rows like those it was fitted to"
        )
    shape, expected = np.shape(rows), (n_rows, *np.shape(X)[1:])
    if shape != expected:
        raise ValueError(
            f"transfer={name} made rows of shape {shape}, expected {expected}; its "
            "sample must return n_samples rows with the columns of X"
        )
