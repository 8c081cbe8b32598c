r"""One raw prediction for a group of rows: the leaf value of the combined loss.

The loss of a group is the loss of its summed coefficients (see `skdistill.loss`), so a
leaf is solved from its sums alone, all leaves at once. Who calls it: `CombinedLoss.constant`.
"""

import numpy as np
from scipy.special import expit

_NEVER = -800.0  # exp(-800) is exactly 0 in float64


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
    inner equations, in log x, are convex with slopes between 1 and T: Newton's method
    started to the right of the root cannot fail, at any T and with classes of target 0.
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
    """``log x`` for ``a x_k + (b / Z) x_k^T = r_k``, ``Z = sum_k x_k^T``."""
    weight = a + b
    log_r = log_r - np.log(weight)[:, None]
    log_a, log_b = np.log(a / weight), np.log(b / weight)
    edge = log_b + (T - 1) * np.log(log_r.shape[1])
    low, high = np.minimum(log_b, edge), np.maximum(log_b, edge)
    level = log_b.copy()  # log(b / Z); exact for one-hot targets
    for _ in range(100):
        log_x, share = _solve_class(log_a[:, None], level[:, None], log_r, T)
        x = np.exp(log_x)
        excess = np.log(x.sum(axis=1))
        low, high = np.where(excess > 0, level, low), np.where(excess > 0, high, level)
        slope = -(x * share / (1 + (T - 1) * share)).sum(axis=1) / x.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = level - excess / slope
        inside = (step >= low) & (step <= high)
        level = np.where(inside, step, (low + high) / 2)
        if np.all((np.abs(excess) < 1e-13) | (high - low <= 1e-15 * np.abs(high))):
            break
    return log_x


def _solve_class(log_a, level, log_r, T):
    """Root y of ``exp(log_a + y) + exp(level + T y) = r``; share of the second term."""
    y = np.minimum(log_r - log_a, (log_r - level) / T)
    share = np.zeros_like(y)
    some = np.isfinite(log_r)
    for _ in range(60):
        gap = level + (T - 1) * y - log_a
        np.copyto(share, expit(gap), where=some)
        excess = log_a + y + np.logaddexp(0, gap) - log_r
        step = np.where(some, excess, 0) / (1 + (T - 1) * share)
        y = y - step
        if np.max(np.abs(step), initial=0) < 1e-15 * (
            1 + np.max(np.abs(y), where=some, initial=0)
        ):
            break
    return y, share
