"""Gradient boosting, the exact kind.

`GradientBoostingClassifier` with ``loss="log_loss"`` is fitted directly: its own trees on
the gradient of the combined loss, Newton steps in their leaves. ``train_score_`` holds
the loss of the in-bag rows, twice it for two classes as natively; so do the validation
losses that ``n_iter_no_change`` compares, of rows held out by class.

Two students take the general path, weighted copies of each row: ``loss="exponential"``,
an exponential loss whose minimiser over targets q is q too, and `AdaBoostClassifier`, which
minimises one by votes: its probabilities stay within bounds that no target moves.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.special import logit
from sklearn.ensemble import GradientBoostingClassifier

from skdistill._sklearn.gradient_boosting import (
    leaf_numbers,
    leaf_values,
    train_gradient_boosting,
    write_leaves,
)
from skdistill._typing import Rows, Seed
from skdistill.loss import BoundClassificationLoss
from skdistill.students._additive import any_rate, leaves_together, most_leaves, pays_with
from skdistill.students._labels import check_held_out, hard_columns
from skdistill.students._leaves import labels_alone, plain_weight
from skdistill.students._refine import Leaves
from skdistill.students._registry import Fitted, Unsupported, register
from skdistill.students._rows import weighted_rows


def fit_gradient_boosting(
    student: Any,
    X: Rows,
    loss: BoundClassificationLoss,
    *,
    together: Callable[..., Any] | None = None,
    random_state: Seed = None,
    **fit_params: Any,
) -> Fitted:
    """Fit by scikit-learn's own training; ``monitor`` is taken as natively."""
    name = type(student).__name__
    if student.loss != "log_loss":
        raise Unsupported(f"loss={student.loss!r} of {name} is no log-loss; use 'log_loss'")
    if student.init is not None and student.init != "zero":
        raise Unsupported(f"init={student.init!r} of {name} learns labels; use None or 'zero'")
    X, loss, _ = weighted_rows(X, loss, {})
    if student.n_iter_no_change is not None:
        asked = f"n_iter_no_change={student.n_iter_no_change} of {name}"
        check_held_out(hard_columns(loss), loss, asked)
    if together is not None:
        return _solved_together(student, X, loss, together, fit_params)
    columns = labels_alone(loss)
    if columns is not None:  # ties between splits then break as natively
        weight = plain_weight(loss.row_weight, loss)
        student.fit(X, loss.classes[columns], sample_weight=weight, **fit_params)
    else:
        train_gradient_boosting(student, X, hard_columns(loss), loss, **fit_params)
    return Fitted(student, curve=[loss.parts(r) for r in student.staged_decision_function(X)])


def _solved_together(student, X, loss, together, fit_params):
    if not student.learning_rate:
        raise Unsupported("learning_rate=0 leaves nothing to solve; give one above 0")
    columns = hard_columns(loss)
    curve = train_gradient_boosting(student, X, columns, loss, together=together, **fit_params)
    return Fitted(student, curve=curve)


def gradient_boosting_leaves(student: Any) -> Any:
    """The leaves of all trees of a fitted `GradientBoostingClassifier`."""
    trees, k = student.estimators_.ravel(), student.estimators_.shape[1]
    values = [leaf_values(student, tree) for tree in trees]
    starts = np.cumsum([0, *map(len, values)])

    def apply(X):
        reached = student.apply(X).reshape(-1, len(trees)).astype(np.int32, order="F")
        for node, tree, start in zip(reached.T, trees, starts, strict=False):
            node[:] = start + leaf_numbers(tree)[node]
        return reached

    def write(values):
        write_leaves(student, [values[i:j, 0] for i, j in pairwise(starts)])

    offset = np.zeros(k)
    if student.init_ != "zero":
        proba = student.init_.class_prior_
        offset = np.log(proba) if k > 1 else logit(proba[1:])
    return Leaves(
        apply, np.concatenate(values)[:, None], write, offset, np.arange(len(trees)) % k
    )


def _most_leaves(student):
    return student.n_estimators * most_leaves(student.max_depth, student.max_leaf_nodes)


def gradient_boosting_space(student: Any) -> dict[str, Any]:
    """Size (trees, depth), step and regularisation."""
    return {
        "n_estimators": IntDistribution(10, 200, log=True),
        "max_depth": IntDistribution(2, 6),
        "learning_rate": FloatDistribution(0.02, 0.5, log=True),
        "min_samples_leaf": IntDistribution(1, 50, log=True),
        "subsample": FloatDistribution(0.5, 1.0),
    }


register(
    GradientBoostingClassifier,
    fit_gradient_boosting,
    search_space=gradient_boosting_space,
    refine=leaves_together(fit_gradient_boosting),
    refine_pays=pays_with(_most_leaves),
    refined_space=any_rate,
    leaves=gradient_boosting_leaves,
)
