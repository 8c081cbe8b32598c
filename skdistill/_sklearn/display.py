"""The diagram of an estimator that holds others, as notebooks show it.

scikit-learn draws steps and parallel estimators from a block that an estimator describes
itself by; there is no public way. Checked on 1.7.2 and 1.9.1.
"""

from sklearn.utils._repr_html.estimator import _VisualBlock

__all__ = ["side_by_side"]


def side_by_side(estimators):
    """A block of named estimators beside each other.

    Parameters
    ----------
    estimators : dict
        By name; what is no estimator is shown as text.

    Returns
    -------
    _VisualBlock
    """
    return _VisualBlock(
        "parallel",
        list(estimators.values()),
        names=list(estimators),
        name_details=[repr(one) for one in estimators.values()],
    )
