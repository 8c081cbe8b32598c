"""Histogram gradient boosting: its own training, on gradient and Hessian of the loss.

Each tree is a Newton step on the loss, as natively. Early stopping compares the loss of
rows held out by class, where a row without a hard label belongs to its teacher's most
probable class, which is also what a scorer sees; validation rows of the user's own have
labels only and are judged by log-loss. `train_score_` and `validation_score_` hold minus
the loss.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution
from sklearn.ensemble import HistGradientBoostingClassifier

from skdistill._sklearn.hist_gradient_boosting import train_hist_gradient_boosting
from skdistill._sklearn.histogram_leaves import (
    histogram_apply,
    histogram_baseline,
    histogram_trees,
    leaf_values,
    write_leaf_values,
)
from skdistill._typing import Rows, Seed
from skdistill.loss import BoundClassificationLoss
from skdistill.students._additive import (
    any_rate,
    leaves_together,
    most_leaves,
    pays_with,
    refuse_own_leaves,
)
from skdistill.students._labels import check_held_out, hard_columns
from skdistill.students._refine import Leaves
from skdistill.students._registry import Fitted, Unsupported, register
from skdistill.students._rows import weighted_rows

_MANY = 10_000  # rows above which early_stopping="auto" is True


def fit_hist_gradient_boosting(
    student: Any,
    X: Rows,
    loss: BoundClassificationLoss,
    *,
    together: Callable[..., Any] | None = None,
    random_state: Seed = None,
    **fit_params: Any,
) -> Fitted:
    """Fit by scikit-learn's own training; ``X_val``, ``y_val`` are taken as natively."""
    if student.loss != "log_loss":
        raise Unsupported(
            f"loss={student.loss!r} of HistGradientBoostingClassifier is replaced by the "
            "distillation loss; use loss='log_loss'"
        )
    if together is not None:
        asked = {"monotonic_cst": student.monotonic_cst}
        refuse_own_leaves(asked, "HistGradientBoostingClassifier")
    X, loss, _ = weighted_rows(X, loss, {})
    y = hard_columns(loss)
    asked = student.early_stopping is True or (
        student.early_stopping == "auto" and len(y) > _MANY
    )
    if asked and fit_params.get("X_val") is None and student.validation_fraction is not None:
        name = f"early_stopping={student.early_stopping!r}"
        check_held_out(y, loss, f"{name} of HistGradientBoostingClassifier")
    curve = train_hist_gradient_boosting(student, X, y, loss, together=together, **fit_params)
    return Fitted(student, curve=curve)


def hist_gradient_boosting_leaves(student: Any) -> Any:
    """The leaves of all trees of a fitted `HistGradientBoostingClassifier`."""
    trees = histogram_trees(student)
    values = [leaf_values(tree) for tree in trees]
    ends = np.cumsum([len(of_tree) for of_tree in values])[:-1]
    offset = histogram_baseline(student)

    def write(values):
        for tree, of_tree in zip(trees, np.split(values[:, 0], ends), strict=True):
            write_leaf_values(tree, of_tree)

    columns = np.arange(len(trees)) % len(offset)
    apply = partial(histogram_apply, student)
    return Leaves(apply, np.concatenate(values)[:, None], write, offset, columns)


def _most_leaves(student):
    return student.max_iter * most_leaves(student.max_depth, student.max_leaf_nodes)


def hist_gradient_boosting_space(student: Any) -> dict[str, Any]:
    """Size (trees, leaves), step and regularisation."""
    return {
        "max_iter": IntDistribution(10, 200, log=True),
        "max_leaf_nodes": IntDistribution(4, 64, log=True),
        "learning_rate": FloatDistribution(0.02, 0.5, log=True),
        "min_samples_leaf": IntDistribution(5, 100, log=True),
        "l2_regularization": FloatDistribution(1e-3, 10.0, log=True),
    }


register(
    HistGradientBoostingClassifier,
    fit_hist_gradient_boosting,
    search_space=hist_gradient_boosting_space,
    refine=leaves_together(fit_hist_gradient_boosting),
    refine_pays=pays_with(_most_leaves),
    refined_space=any_rate,
    leaves=hist_gradient_boosting_leaves,
)
