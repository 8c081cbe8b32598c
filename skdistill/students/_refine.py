r"""The leaves of a fitted ensemble, read and written: what refiners work over.

An ensemble of trees answers a row with the leaves that the row reaches. Two kinds exist:
*averaged* ones (forests, bagging), whose class probabilities are the mean over trees of
leaf values, and *additive* ones (boosting), whose raw prediction is an offset plus the sum
of leaf values. Either is linear in all leaf values at once.

A family registers a function from a fitted student to `Leaves`; who minimises a loss over
all leaves together needs nothing else of the student.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array


class Leaves(NamedTuple):
    """Leaves of a fitted ensemble, numbered through all of its trees.

    Attributes
    ----------
    apply : callable
        Maps X, as the student's own ``predict`` takes it, to an integer array of shape
        (n_samples, n_trees): the number of the leaf that each row reaches in each tree.
    values : ndarray of shape (n_leaves, n_outputs), float64
        A copy. Class probabilities of an averaged ensemble; raw predictions (learning
        rate included, on the scale of the bound loss) of an additive one.
    write : callable
        Puts an array like `values` into the student, in place.
    offset : ndarray of shape (n_columns,), default=None
        Raw prediction of an additive ensemble before its first tree, one column for two
        classes. None: the ensemble is averaged.
    columns : ndarray of int of shape (n_trees,), default=None
        Raw column that each tree of an additive ensemble adds to; its values then have
        one output. None: every tree has a value for each column.
    """

    apply: Any
    values: np.ndarray
    write: Any
    offset: Any = None
    columns: Any = None


def answers(leaves, reached):
    """What an ensemble says for rows, from its leaves alone.

    Parameters
    ----------
    leaves : Leaves
    reached : ndarray of int of shape (n_samples, n_trees)
        As ``leaves.apply(X)`` returns it.

    Returns
    -------
    ndarray of shape (n_samples, n_outputs)
        Class probabilities of an averaged ensemble, raw predictions of an additive one.
    """
    if leaves.offset is None:
        return mean_of_trees(leaves.values, reached)
    raw = np.tile(np.asarray(leaves.offset, dtype=np.float64), (len(reached), 1))
    for tree, leaf in enumerate(reached.T):
        column = slice(None) if leaves.columns is None else [leaves.columns[tree]]
        raw[:, column] += leaves.values[leaf]
    return raw


def mean_of_trees(values, reached):
    """Mean over trees of the values of the leaves that rows reach.

    Parameters
    ----------
    values : ndarray of shape (n_leaves, n_classes)
    reached : ndarray of int of shape (n_samples, n_trees)

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    total = np.zeros((len(reached), values.shape[1]))
    of_tree = np.empty_like(total)
    for leaf in reached.T:
        total += np.take(values, leaf, axis=0, out=of_tree, mode="clip")
    total /= reached.shape[1]
    return total


def sum_over_leaves(of_row, reached, n_leaves):
    """Add up what rows carry in every leaf that they reach.

    Parameters
    ----------
    of_row : ndarray of shape (n_samples, n_columns)
    reached : ndarray of int of shape (n_samples, n_trees)
    n_leaves : int

    Returns
    -------
    ndarray of shape (n_leaves, n_columns)

    Notes
    -----
    One sparse product a tree, over index arrays that all trees share.
    """
    n_samples = len(of_row)
    ones, starts = np.ones(n_samples), np.arange(n_samples + 1, dtype=reached.dtype)
    total = np.zeros((n_leaves, of_row.shape[1]))
    for leaf in reached.T:
        first, end = leaf.min(), leaf.max() + 1
        shape = (n_samples, end - first)
        total[first:end] += csr_array((ones, leaf - first, starts), shape=shape).T @ of_row
    return total
