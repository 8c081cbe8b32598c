"""One seed for a whole estimator: every nested ``random_state`` that is None."""

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
    estimator.set_params(**dict(zip(names, seeds.tolist(), strict=True)))
    return dict.fromkeys(names)
