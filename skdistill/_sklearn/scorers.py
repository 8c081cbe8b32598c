"""Whether a scorer takes weights, as scikit-learn asks where routing is disabled.

There is no public way to ask, nor to answer. Checked on 1.7.2 and 1.9.1.
"""

from inspect import signature

__all__ = ["TakesWeights", "TakesWeightsLike", "takes_weights"]


class TakesWeights:
    """A scorer that takes `sample_weight`, alone and among several metrics."""

    def _accept_sample_weight(self):
        return True


class TakesWeightsLike:
    """A scorer that takes `sample_weight` where its ``scorer`` does."""

    def _accept_sample_weight(self):
        return takes_weights(self.scorer)


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
