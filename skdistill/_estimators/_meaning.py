"""What ``predict_proba`` and ``decision_function`` of an estimator mean.

Parameters can make them something else than probabilities and scores of the classes. What is
known is read for what it is, or refused by the name of the parameter.
"""

import numpy as np
from scipy.special import expit
from sklearn.svm import SVC, NuSVC

_ONE_AGAINST_ALL = {"multiclassova", "multiclass_ova", "ova", "ovr"}


def as_probabilities(model, proba):
    """Class probabilities from what ``predict_proba`` of a model returns.

    ``objective="binary:logitraw"`` of XGBoost makes it return logits, and one against all
    objectives of LightGBM a probability of each class against all others.

    Parameters
    ----------
    model : fitted classifier
        Itself, not a Pipeline or search around it.
    proba : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    objective = getattr(model, "objective", None)
    if not isinstance(objective, str):
        return proba
    if objective == "binary:logitraw":
        return np.column_stack([expit(-proba[:, 1]), expit(proba[:, 1])])
    if objective in _ONE_AGAINST_ALL and np.all(proba.sum(axis=1) > 0):
        return proba / proba.sum(axis=1, keepdims=True)
    return proba


def refuse_other_meaning(role, model, n_classes=None):
    """Refuse an estimator whose parameters make its answers no answers about classes.

    Parameters
    ----------
    role : {"teacher", "student"}
    model : classifier
        Itself, not a Pipeline or search around it.
    n_classes : int, default=None
        None: not known.

    Raises
    ------
    ValueError
        For a callable objective of LightGBM, and for scores of pairs of classes.
    """
    name = f"{role}={type(model).__name__}"
    objective = getattr(model, "objective", None)
    if callable(objective) and type(model).__module__.startswith("lightgbm"):
        raise ValueError(
            f"{name} with the callable objective={objective!r} predicts raw scores: LightGBM "
            "knows neither probabilities nor classes then; name a built-in objective, such "
            "as 'binary' or 'multiclass', or turn its scores into probabilities yourself and "
            "pass them as teacher_proba"
        )
    pairs = isinstance(model, SVC | NuSVC) and model.decision_function_shape == "ovo"
    if pairs and not hasattr(model, "predict_proba") and (n_classes or 0) > 2:
        raise ValueError(
            f"{name} has decision_function_shape='ovo': its scores are of pairs of classes, "
            f"and there are {n_classes} classes; use decision_function_shape='ovr', which "
            "set_params changes in a fitted one too"
        )
