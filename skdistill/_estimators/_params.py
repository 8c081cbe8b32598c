"""Parameters set for the time of a fit: every nested ``random_state`` that is None."""

import numpy as np


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
