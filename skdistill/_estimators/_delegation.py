"""What an estimator hands on to others: its tags, weights and metadata requests."""

from sklearn import get_config
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from skdistill._estimators._inside import last_step


def weight_name(estimator):
    """What ``fit`` of a teacher calls the weights; None where it takes none."""
    if has_fit_parameter(estimator, "sample_weight"):
        return "sample_weight"
    if isinstance(estimator, Pipeline) and not get_config()["enable_metadata_routing"]:
        step, last = estimator.steps[-1]
        inner = weight_name(last)
        return None if inner is None else f"{step}__{inner}"
    return None


def share_tags(tags, estimators):
    """Tags of an estimator that hands its input to all of several others.

    Parameters
    ----------
    tags : Tags
        Changed in place.
    estimators : list of estimator
        One without tags, and None, has no say.

    Returns
    -------
    Tags
    """
    others = [
        get_tags(one) for one in estimators if hasattr(last_step(one), "__sklearn_tags__")
    ]
    for name in ("sparse", "allow_nan", "categorical", "string"):
        held = all(getattr(other.input_tags, name) for other in others)
        setattr(tags.input_tags, name, held)
    tags.input_tags.positive_only = any(other.input_tags.positive_only for other in others)
    tags.non_deterministic = any(other.non_deterministic for other in others)
    tags.classifier_tags.multi_class = all(
        getattr(other.classifier_tags, "multi_class", True) for other in others
    )
    return tags


def requesting_weights(estimator):
    """A part that the user did not name takes weights, if there are any, when routed."""
    if get_config()["enable_metadata_routing"]:
        estimator.set_fit_request(sample_weight=True)
    return estimator
