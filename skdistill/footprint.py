"""What a fitted estimator costs to ship: bytes, numbers it holds, time to predict.

The other axis of distillation. Sizes are exact; times are medians of many calls after
a warm-up, on one thread, so that a small student is not charged for waking a pool. Estimators
that are compared are called in turn: what else the machine does then slows all of them.
"""

import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from threadpoolctl import threadpool_limits

from skdistill._sklearn.histogram_leaves import histogram_features, n_histogram_leaves
from skdistill._sklearn.validation import take_rows
from skdistill._typing import Rows

THOUSAND = 1000


class Footprint(NamedTuple):
    """Size and speed of a fitted estimator.

    Attributes
    ----------
    bytes : int
        Length of its pickle.
    n_parameters : int or None
        Fitted coefficients or leaves; see `n_parameters`.
    latency_us : float
        Median microseconds of a call with one row.
    latency_us_low, latency_us_high : float
        Their quartiles.
    latency_1000_rows_us : float
        Median microseconds of a call with a thousand rows.
    n_features_used : int or None
        Columns that have a say; see `n_features_used`.
    """

    bytes: int
    n_parameters: int | None
    latency_us: float
    latency_us_low: float
    latency_us_high: float
    latency_1000_rows_us: float
    n_features_used: int | None


class Latency(NamedTuple):
    """Microseconds of a call.

    Attributes
    ----------
    value : float
        The median.
    low, high : float
        The quartiles.
    """

    value: float
    low: float
    high: float


def footprint(estimator: Any, X: Rows, *, method: str = "predict_proba") -> Footprint:
    """Measure the size of a fitted estimator and its speed on rows like these.

    Parameters
    ----------
    estimator : fitted estimator
    X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)
        Rows are taken in turn, again and again where there are fewer than are needed.
    method : str, default="predict_proba"
        What is timed.

    Returns
    -------
    Footprint
    """
    return footprints({"": estimator}, X, method=lambda one: method)[""]


def footprints(
    estimators: Mapping[str, Any],
    X: Rows,
    *,
    method: Callable[[Any], str] = lambda estimator: "predict_proba",
) -> dict[str, Footprint]:
    """The same for several fitted estimators, which are timed in turn.

    Parameters
    ----------
    estimators : dict of fitted estimator
    X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)
    method : callable
        Of an estimator the name of what is timed.

    Returns
    -------
    dict of Footprint
    """
    predicts = [getattr(one, method(one)) for one in estimators.values()]
    rows = latencies_us(predicts, X)
    thousands = latencies_us(predicts, X, n_rows=THOUSAND)
    return {
        name: Footprint(
            n_bytes(one), n_parameters(one), *row, thousand.value, n_features_used(one)
        )
        for (name, one), row, thousand in zip(estimators.items(), rows, thousands, strict=True)
    }


def n_bytes(estimator: Any) -> int:
    """Length of the estimator's pickle: what joblib stores, uncompressed.

    Parameters
    ----------
    estimator : object

    Returns
    -------
    int
    """
    return len(pickle.dumps(estimator, protocol=pickle.HIGHEST_PROTOCOL))


def compression_ratio(teacher: Any, student: Any) -> float:
    """How many times smaller the student's pickle is than the teacher's.

    Parameters
    ----------
    teacher, student : fitted estimator
        Of a distilled classifier give its ``student_``: it holds its teacher.

    Returns
    -------
    float

    References
    ----------
    Bucila, Caruana, Niculescu-Mizil (2006), "Model Compression".
    """
    return n_bytes(teacher) / n_bytes(student)


def n_parameters(estimator: Any) -> int | None:
    """Number of coefficients of a linear model or network, of leaves of trees.

    Parameters
    ----------
    estimator : fitted estimator
        Of a pipeline, a search or a distilled classifier what predicts last counts.

    Returns
    -------
    int or None
        None where nothing is known about the estimator.
    """
    for attribute, count in _COUNTS.items():
        if hasattr(estimator, attribute):
            return count(estimator)
    return None


def _total(members):
    counts = [n_parameters(member) for member in members]
    return None if None in counts else sum(counts)


def _members(ensemble):
    """In a row; NumPy would take a list of forests for one of sequences."""
    members = ensemble.estimators_
    return members.ravel().tolist() if isinstance(members, np.ndarray) else members


def _final(attribute):
    return lambda estimator: n_parameters(getattr(estimator, attribute))


# By a fitted attribute that only such an estimator has; the first that is found decides.
_COUNTS = {
    "student_": _final("student_"),
    "best_estimator_": _final("best_estimator_"),
    "steps": lambda pipeline: n_parameters(pipeline[-1]),
    "tree_": lambda tree: int(tree.tree_.n_leaves),
    "coef_": lambda linear: linear.coef_.size + np.size(linear.intercept_),
    "coefs_": lambda network: sum(a.size for a in (*network.coefs_, *network.intercepts_)),
    "booster_": lambda boosting: _sum_of(
        r"num_leaves=(\d+)", boosting.booster_.model_to_string()
    ),
    "get_booster": lambda boosting: sum(
        tree.count("leaf=") for tree in boosting.get_booster().get_dump()
    ),
    "get_leaf_values": lambda boosting: len(boosting.get_leaf_values()),
    "final_estimator_": lambda stack: _total([*stack.estimators_, stack.final_estimator_]),
    "estimators_": lambda ensemble: _total(_members(ensemble)),
    "n_trees_per_iteration_": n_histogram_leaves,
}


def n_features_used(estimator: Any) -> int | None:
    """Number of columns of X that have a say in what is predicted.

    Columns that some split of a tree reads or that have a coefficient other than 0: those
    that must be collected to use the model.

    Parameters
    ----------
    estimator : fitted estimator
        Of a pipeline, a search or a distilled classifier what predicts last counts.

    Returns
    -------
    int or None
        None where nothing is known about the estimator, or a pipeline makes columns that
        are not one for one those of X.
    """
    used = _features(estimator)
    return None if used is None else len(used)


def _features(estimator):
    for attribute, find in _FEATURES.items():
        if hasattr(estimator, attribute):
            used = find(estimator)
            return None if used is None else {int(i) for i in used}
    return None


def _of_pipeline(pipeline):
    kept = (OneToOneFeatureMixin, str, type(None))  # "passthrough" or None: no step
    if all(isinstance(step, kept) for _, step in pipeline.steps[:-1]):
        return _features(pipeline[-1])
    return None


def _of_bagging(bagging):
    members = zip(bagging.estimators_, bagging.estimators_features_, strict=True)
    return _union(
        None if (used := _features(one)) is None else columns[sorted(used)]
        for one, columns in members
    )


def _of_stack(stack):
    if stack.passthrough:
        return range(stack.n_features_in_)
    return _union(map(_features, stack.estimators_))


def _union(sets):
    sets = list(sets)
    return None if any(one is None for one in sets) else set().union(*sets)


def _important(boosting):
    return np.flatnonzero(boosting.feature_importances_)


# As _COUNTS, for the columns in use.
_FEATURES = {
    "student_": lambda distilled: _features(distilled.student_),
    "best_estimator_": lambda search: _features(search.best_estimator_),
    "steps": _of_pipeline,
    "tree_": lambda tree: tree.tree_.feature[tree.tree_.feature >= 0],
    "coef_": lambda linear: linear.coef_.nonzero()[-1],
    "coefs_": lambda network: network.coefs_[0].nonzero()[0],
    "booster_": _important,
    "get_booster": _important,
    "get_leaf_values": _important,
    "estimators_features_": _of_bagging,
    "final_estimator_": _of_stack,
    "estimators_": lambda ensemble: _union(map(_features, _members(ensemble))),
    "n_trees_per_iteration_": histogram_features,
}


def _sum_of(pattern, text):
    return sum(map(int, re.findall(pattern, text)))


def latency_us(
    estimator: Any, X: Rows, *, method: str = "predict_proba", **how: Any
) -> Latency:
    """Time of one call, each call on other rows.

    Parameters
    ----------
    estimator : fitted estimator
    X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)
    method : str, default="predict_proba"
    **how
        As `latencies_us` takes it.

    Returns
    -------
    Latency
    """
    return latencies_us([getattr(estimator, method)], X, **how)[0]


def latencies_us(
    predicts: Sequence[Callable[[Any], Any]],
    X: Rows,
    *,
    n_rows: int = 1,
    n_calls: int = 50,
    seconds: float = 0.5,
    n_threads: int = 1,
) -> list[Latency]:
    """Time of a call of several functions, which are called in turn on the same rows.

    In each round the order is another. Of every ten rounds or more in a row, those count
    where the calls were the shortest: what else a machine does makes calls slower, and none
    faster.

    Parameters
    ----------
    predicts : list of callable
        Each takes rows of X.
    X : array-like, frame, sparse matrix or list of shape (n_samples, n_features)
    n_rows : int, default=1
        Rows in a call.
    n_calls : int, default=50
        Calls of each at most, after one that is not counted.
    seconds : float, default=0.5
        For each of them: no round begins when this time is over, so that slow teachers are
        measured too; three rounds are made in any case.
    n_threads : int or None, default=1
        Threads of the BLAS and OpenMP pools; None leaves them alone. Those of an
        estimator's own ``n_jobs`` are not touched.

    Returns
    -------
    list of Latency
    """
    batches, rounds, order = cycle(_batches(X, n_rows)), [], np.random.default_rng(0)
    with threadpool_limits(limits=n_threads):
        first = next(batches)
        for predict in predicts:
            predict(first)
        until = perf_counter() + seconds * len(predicts)
        while len(rounds) < 3 or (len(rounds) < n_calls and perf_counter() < until):
            batch, times = next(batches), np.empty(len(predicts))
            for i in order.permutation(len(predicts)):  # a slow one empties the caches
                times[i] = _seconds(predicts[i], batch)
            rounds.append(times)
    stretches = np.array_split(rounds, max(1, len(rounds) // 10))
    return [_calmest([stretch[:, i] for stretch in stretches]) for i in range(len(predicts))]


def _calmest(stretches):
    """Median and quartiles of the stretch with the smallest median, in microseconds."""
    calm = min(stretches, key=np.median)
    return Latency(*(1e6 * np.quantile(calm, [0.5, 0.25, 0.75])).tolist())


def _seconds(predict, batch):
    start = perf_counter()
    predict(batch)
    return perf_counter() - start


def _batches(X, n_rows, n_batches=8):
    """A few batches of rows in turn, made beforehand, in the container of `X`."""
    n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
    turn = cycle(range(n_samples))
    return [take_rows(X, list(islice(turn, n_rows))) for _ in range(n_batches)]
