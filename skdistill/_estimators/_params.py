"""Parameters set for the time of a fit: every nested ``random_state`` that is None."""

import numpy as np
from sklearn.base import clone


def unset_seeds(estimator, random_state):
    """Seed the nested ``random_state`` parameters that are None.

    Parameters
    ----------
    estimator : estimator
    random_state : int or None
        None leaves the estimator alone.

    Returns
    -------
    dict
        Parameters that restore the estimator.
    """
    if random_state is None:
        return {}
    names = [
        name
        for name, value in sorted(estimator.get_params(deep=True).items())
        if value is None and name.rpartition("__")[2] == "random_state"
    ]
    seeds = np.random.RandomState(random_state).randint(
        np.iinfo(np.int32).max, size=len(names)
    )
    assign_params(estimator, dict(zip(names, seeds.tolist(), strict=True)))
    return dict.fromkeys(names)


def assign_params(estimator, params):
    """Set parameters as attributes where they are attributes.

    ``set_params`` of a fitted XGBoost model configures its booster anew.

    Parameters
    ----------
    estimator : estimator
    params : dict
        Nested names as ``set_params`` takes them.
    """
    for name, value in params.items():
        owner, _, own_name = name.rpartition("__")
        owner = estimator.get_params()[owner] if owner else estimator
        if hasattr(owner, own_name):
            setattr(owner, own_name, value)
        else:
            owner.set_params(**{own_name: value})


def check_clonable(role, estimator):
    """Refuse an estimator that scikit-learn cannot clone, in words that help.

    Parameters
    ----------
    role : {"teacher", "student"}
    estimator : object

    Raises
    ------
    ValueError
        If its class is no scikit-learn estimator, or its constructor changes what it is
        given.
    """
    name = f"{role}={type(estimator).__name__}"
    if not (hasattr(estimator, "get_params") and hasattr(estimator, "__sklearn_tags__")):
        own = "" if role == "student" else (
            "; a fitted teacher can be wrapped in sklearn.frozen.FrozenEstimator as it is"
        )  # fmt: skip
        raise ValueError(
            f"{name} is no scikit-learn estimator and cannot be cloned: derive its class from "
            f"ClassifierMixin and BaseEstimator, in this order{own}"
        )
    try:
        clone(estimator)
    except RuntimeError as error:
        params = estimator.get_params()
        held = {key: one for key, one in params.items() if isinstance(one, list | dict)}
        remedy = "store parameters in __init__ as they are given"
        if "catboost" in str(error).lower():
            remedy = (
                "CatBoost hands out copies of lists and dicts. Give cat_features, "
                "text_features and embedding_features to fit, weights and names of classes as "
                "tuples in the order of the classes, and other lists as text, as in "
                "monotone_constraints='(1,0,-1)'"
            )
            remedy += "" if role == "student" else "; or fit it and wrap it in FrozenEstimator"
        raise ValueError(
            f"{name} cannot be cloned, which every fit and search must do, with {held}: "
            f"{remedy}"
        ) from error
