"""Whether a scorer takes weights, as `BaseSearchCV` asks where routing is disabled.

There is no public way to ask. Checked on 1.7.2 and 1.9.1.
"""

from inspect import signature

__all__ = ["takes_weights"]


def takes_weights(scorer):
    """Whether `sample_weight` can be handed to it.

    Parameters
    ----------
    scorer : callable

    Returns
    -------
    bool
    """
    if hasattr(scorer, "_accept_sample_weight"):
        return scorer._accept_sample_weight()
    return "sample_weight" in signature(scorer).parameters
