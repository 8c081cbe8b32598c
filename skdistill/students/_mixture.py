r"""All leaves of an averaged ensemble together: a mixture of trees, by EM.

An averaged ensemble is a mixture: :math:`P_{ik} = \frac1M \sum_t V_t[l_t(i), k]`, one leaf
value :math:`V` a tree. For weights w and targets q of rows, the EM step

.. math::

    V_t[l, k] \leftarrow \mathrm{normalise}_k \Bigl( V_t[l, k]
    \sum_{i \in l} w_i \frac{q_{ik}}{P_{ik}} + m V^0_t[l, k] \Bigr)

keeps every leaf a distribution and never raises

.. math::

    \sum_i w_i \, \mathrm{CE}(q_i, P_i) + \frac mM \sum_{t, l} \mathrm{KL}(V^0_t[l] \| V_t[l]),

which is convex in V. The second sum holds each leaf to where it starts as m rows would that
say so: without it, leaves of few rows fit the labels of those rows.

At temperature 1 the first sum *is* the distillation loss, with targets that do not change. At
others, targets and weights are those whose cross-entropy touches the loss where the ensemble
stands (`tangent_targets`), found anew for each step; a step that would raise the objective is
halved. Its direction is one of descent, because the two losses have one gradient there.
"""

import numpy as np
from scipy.special import rel_entr

from skdistill.loss._soften import logits
from skdistill.students._reduction import tangent_targets
from skdistill.students._refine import mean_of_trees, sum_over_leaves

_HALVINGS = 8


def solve_mixture(values, reached, loss, *, prior=1.0, order=None, tol=1e-5, max_iter=50):
    """Fit all leaves of an averaged ensemble for one another.

    Parameters
    ----------
    values : ndarray of shape (n_leaves, n_classes)
        Class probabilities to start from. A probability of 0 stays 0.
    reached : ndarray of int of shape (n_samples, n_trees)
        Leaf of each row in each tree.
    loss : CombinedLoss
        Of the same rows.
    prior : float, default=1.0
        Rows that speak, in each leaf, for the value it starts with; m above.
    order : callable, default=None
        Maps leaf values to the nearest that are allowed, where not all are.
    tol : float, default=1e-5
        Ends the iteration once a step lowers the objective by less, in nats a row.
    max_iter : int, default=50

    Returns
    -------
    values : ndarray of shape (n_leaves, n_classes)
    curve : list of LossParts
        At the start and after each step.
    """
    start, pull = values, prior / reached.shape[1] / loss.total_weight

    def evaluate(values):
        proba = mean_of_trees(values, reached)
        parts = loss.parts(logits(proba))
        return proba, parts, parts.total + pull * rel_entr(start, values).sum()

    proba, parts, best = evaluate(values)
    curve, fixed = [parts], _fixed_targets(loss)
    for _ in range(max_iter):
        target, weight = fixed or tangent_targets(proba, loss)
        target = target * (weight * loss.row_weight)[:, None]
        aim = _step(values, proba, reached, target, prior * start)
        aim = aim if order is None else order(aim)
        trial = _descend(values, aim, evaluate, best)
        if trial is None:
            break
        fall = best - trial[-1]
        values, proba, parts, best = trial
        curve.append(parts)
        if fall < tol:
            break
    return values, curve


def _fixed_targets(loss):
    """Targets and factors of weights that do not change with what the ensemble says."""
    return (loss.blend(), 1.0) if loss.temperature == 1 else None


def _step(values, proba, reached, target, held):
    """The EM step for weighted targets, which are used up."""
    ratio = np.divide(target, proba, out=target, where=proba > 0)
    mass = values * sum_over_leaves(ratio, reached, len(values)) + held
    total = mass.sum(axis=1, keepdims=True)
    return np.divide(mass, total, out=values.copy(), where=total > 0)


def _descend(values, aim, evaluate, best):
    """The longest of the step and its halves that lowers the objective, or None."""
    for _ in range(_HALVINGS):
        proba, parts, value = evaluate(aim)
        if value < best:
            return aim, proba, parts, value
        aim = (values + aim) / 2
    return None
