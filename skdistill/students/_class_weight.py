"""A student's ``class_weight`` becomes row weights of the loss.

A row with a hard label y weighs ``cw[y]``; one with soft labels p only weighs
``sum_k p_k cw[k]``. Applied once, here, so that no path applies it again to copies of
a row, where it would bend the targets instead of weighing the row.
"""

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight

from skdistill._estimators._params import assign_params
from skdistill._sklearn.forest import weights_are_drawn


def absorb_class_weight(student, loss):
    """Move ``class_weight`` from an unfitted student into the loss.

    Parameters
    ----------
    student : classifier
        Its ``class_weight`` is set to None if it is a dict or "balanced".
    loss : CombinedLoss

    Returns
    -------
    student : classifier
        To be fitted in place of the one given.
    loss : CombinedLoss
    restore : callable or None
        Takes the fitted student and returns it with the parameters that it had.
    """
    class_weight = student.get_params(deep=False).get("class_weight")
    if not (isinstance(class_weight, dict) or class_weight == "balanced"):
        return student, loss, None
    labelled = loss.y >= 0
    # what "balanced" counts: rows nearly everywhere, these the weights of rows
    forest = isinstance(student, (RandomForestClassifier, ExtraTreesClassifier))
    weighted = isinstance(student, LogisticRegression) or (forest and weights_are_drawn())
    weight = compute_class_weight(
        class_weight,
        classes=loss.classes,
        y=loss.labels[labelled],
        sample_weight=loss.sample_weight[labelled] if weighted else None,
    )
    assign_params(student, {"class_weight": None})

    def restore(fitted):
        assign_params(fitted, {"class_weight": class_weight})
        return fitted

    return student, loss.reweight(class_factor(loss, weight)), restore


def class_factor(loss, weight):
    """Factor of each row under class weights: of its label, else expected over the soft.

    Parameters
    ----------
    loss : CombinedLoss
    weight : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    return np.where(loss.y >= 0, weight[loss.y], np.nan_to_num(loss.soft_labels) @ weight)
