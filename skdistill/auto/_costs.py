"""What the rows of a leaderboard cost to ship: bytes, parameters, time for a row."""

import numpy as np
from sklearn.datasets import make_classification
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from skdistill.footprint import latencies_us, latency_us, n_bytes, n_parameters


def sizes(estimator):
    """Columns of a fitted estimator that need no clock.

    Parameters
    ----------
    estimator : fitted classifier

    Returns
    -------
    dict of float
    """
    parameters = n_parameters(estimator)
    return {
        "bytes": float(n_bytes(estimator)),
        "n_parameters": np.nan if parameters is None else float(parameters),
    }


def latencies_of(estimators, X):
    """Columns of fitted estimators that need one: all are timed in turn, on the same rows.

    Parameters
    ----------
    estimators : dict of fitted classifier
    X : rows

    Returns
    -------
    dict of dict of float
        By name: microseconds of a call with one row, and of the steps before the last.
    """
    calls = {name: _predict(one) for name, one in estimators.items()}
    heads = {
        (name,): one[:-1].transform
        for name, one in estimators.items()
        if isinstance(one, Pipeline) and len(one) > 1
    }
    both = calls | heads
    found = dict(zip(both, latencies_us(list(both.values()), X), strict=True))
    return {
        name: {
            "latency_us": found[name].value,
            "latency_us_low": found[name].low,
            "latency_us_high": found[name].high,
            "encoding_us": min(found[name,].value, found[name].value)
            if (name,) in found
            else 0.0,
        }
        for name in estimators
    }


def check_latency_limit(limit):
    """Refuse a limit that no call of scikit-learn meets on this machine.

    Parameters
    ----------
    limit : float or None
        Microseconds.

    Raises
    ------
    ValueError
        If a stump, about the quickest model there is, takes longer for one row.
    """
    if limit is None:
        return
    X, y = make_classification(20, 4, random_state=0)
    least = latency_us(DecisionTreeClassifier(max_depth=1).fit(X, y), X, seconds=0.1).low
    if limit < least:
        raise ValueError(
            f"max_latency_us={limit:g} is below the {least:.0f} µs that the smallest "
            "scikit-learn model takes for a call with one row on this machine; raise it, or "
            "leave it out and run the student in another runtime"
        )


def _predict(estimator):
    return getattr(estimator, "predict_proba", None) or estimator.predict
