r"""One raw prediction for a group of rows: the leaf value of the combined loss.

The loss of a group is the loss of its summed coefficients (see `skdistill.loss`), so a
leaf is solved from its sums alone, all leaves at once. Who calls it: `CombinedLoss.constant`.
"""

import numpy as np
from scipy.special import log_softmax, logsumexp

_NEVER = -800.0  # exp(-800) is exactly 0 in float64
_NOTHING = -1e4  # log of a target of 0, finite so that sums stay free of NaN


def minimise_groups(terms, pull):
    r"""Solve ``a * softmax(z / T) + b * softmax(z) = r`` for each group.

    Parameters
    ----------
    terms : list of (float, ndarray of shape (n_groups,))
        Temperature and weight of each of one or two cross-entropies.
    pull : ndarray of shape (n_groups,) or (n_groups, n_classes)
        Summed targets; with several columns they sum to the summed weights.

    Returns
    -------
    ndarray of the shape of `pull`

    Notes
    -----
    One term has the closed form ``z = T * log(r)``. With two, write
    :math:`x = \mathrm{softmax}(z / T)` and :math:`Z = \sum_k x_k^T`. Each class solves
    :math:`a x_k + (b / Z) x_k^T = r_k` on its own, and the sum of the solutions falls
    as :math:`b / Z` grows, so that one bracketed scalar root a group is left. The
    inner equations, in log x, rise convexly with slopes between 1 and T: Newton's method
    cannot fail from any start, at any T and with classes of target 0. Each starts where
    the last left off, and groups that are solved drop out.
    """
    (hot, soft), *rest = terms
    target = pull
    if pull.ndim == 1:
        weight = soft + sum(w for _, w in rest)
        target = np.column_stack([weight - pull, pull])
    target = np.maximum(target, 0)
    with np.errstate(divide="ignore"):
        log_r = np.log(target)
    logits = hot * log_r
    if rest:
        hard = rest[0][1]
        mixed = (soft > 0) & (hard > 0)
        logits[soft == 0] = log_r[soft == 0]
        logits[mixed] = hot * _solve_mixed(soft[mixed], hard[mixed], log_r[mixed], hot)
    logits -= np.where(target.any(axis=1), logits.max(axis=1), 0)[:, None]
    logits[np.isneginf(logits)] = _NEVER * max(hot, 1.0)
    logits[~target.any(axis=1)] = 0
    return logits[:, 1] - logits[:, 0] if pull.ndim == 1 else logits


def _solve_mixed(a, b, log_r, T):
    """``log x`` for ``a x_k + (b / Z) x_k^T = r_k``, ``Z = sum_k x_k^T``.

    Inside, classes are on the first axis: sums over few of them are fast there.
    """
    weight, nothing = a + b, np.isneginf(log_r)
    log_r = np.where(nothing, _NOTHING, log_r - np.log(weight)[:, None]).T.copy()
    a, b = a / weight, b / weight  # exact for one-hot r
    y = log_softmax(log_r / T**b, axis=0)  # between the solutions of either term alone
    log_a, log_b = np.log(a), np.log(b)
    level, edge = log_b - logsumexp(T * y, axis=0), log_b + (T - 1) * np.log(len(log_r))
    low, high = np.minimum(log_b, edge), np.maximum(log_b, edge)
    log_x, todo = np.empty_like(log_r), np.arange(len(weight))
    for _ in range(100):
        y, share = _solve_class(log_a, level, log_r, T, y)
        x, rate = np.exp(y), share / (1 + (T - 1) * share)  # rate = -dy / dlevel
        total = x.sum(axis=0)
        excess = np.log(total)
        low, high = np.where(excess > 0, level, low), np.where(excess > 0, high, level)
        done = (np.abs(excess) < 1e-13) | (high - low <= 1e-15 * np.abs(high))
        log_x[:, todo[done]] = y[:, done]
        if done.all():
            break
        with np.errstate(divide="ignore", over="ignore"):
            step = excess * total / (x * rate).sum(axis=0)
        inside = (level + step >= low) & (level + step <= high)
        step = np.where(inside, step, (low + high) / 2 - level)
        level, y = level + step, y - rate * step
        rest = np.flatnonzero(~done)
        todo, log_a, level, low, high, log_r, y = (
            of_group[..., rest] for of_group in (todo, log_a, level, low, high, log_r, y)
        )
    else:
        log_x[:, todo] = y
    log_x = log_x.T
    log_x[nothing] = -np.inf
    return log_x


def _solve_class(log_a, level, log_r, T, y):
    """Root y of ``exp(log_a + y) + exp(level + T y) = r``; share of the second term."""
    for _ in range(60):
        gap = level + (T - 1) * y - log_a
        small = np.exp(-np.abs(gap))
        share = np.where(gap > 0, 1, small) / (1 + small)
        excess = log_a + y + np.maximum(gap, 0) + np.log1p(small) - log_r
        step = excess / (1 + (T - 1) * share)
        y = y - step
        if np.all(np.abs(step) < 1e-8 * (1 + np.abs(y))):  # the next would be its square
            break
    return y, share
