"""Validation metrics of LightGBM, which under a callable objective would read raw scores.

Those of probabilities are replaced by functions of the same name, a user's own are handed
probabilities, and results come in the order in which LightGBM would report them.
"""

import inspect

import numpy as np

from skdistill.students._registry import Unsupported

METRIC_ALIASES = ("metrics", "metric_types")
_LOG_LOSS = {"logloss", "binary_logloss", "binary", "multi_logloss", "multiclass", "softmax"}
_ERROR = {"error", "binary_error", "multi_error"}
_SAME_ON_RAW = {"auc", "auc_mu", "average_precision", "multi_error", "None"}


def metric_names(params, fit_params, objective):
    """Names of the built-in metrics, in the order in which LightGBM reports them."""
    asked = [m for m in _as_list(fit_params.get("eval_metric")) if isinstance(m, str)]
    given = _as_list(params.get("metric")) or [objective.name]
    names = [m for m in asked if m not in given] + given
    names = list(dict.fromkeys(_metric_name(m, objective.n_classes) for m in names))
    if unknown := set(names) - _SAME_ON_RAW - _COMPUTED.keys():
        raise Unsupported(
            f"metric={sorted(unknown)} would be computed on raw scores; use a log-loss, an "
            f"error rate, one of {sorted(_SAME_ON_RAW)}, or a callable"
        )
    return names


def computed(own, names, fit_params, objective):
    """Metrics to be handed probabilities; those that need none stay named in `own`."""
    aliases = {"metric", *METRIC_ALIASES} & own.get_params().keys()
    own.set_params(**dict.fromkeys(aliases))
    own.set_params(metric=[m for m in names if m not in _COMPUTED] or ["None"])
    callables = [_COMPUTED[m] for m in names if m in _COMPUTED]
    callables += [m for m in _as_list(fit_params.get("eval_metric")) if callable(m)]
    return [_OnProbabilities(m, objective) for m in callables]


def _as_list(value):
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def _metric_name(name, n_classes):
    kind = "binary" if n_classes == 2 else "multi"
    if name in _LOG_LOSS:
        return f"{kind}_logloss"
    return f"{kind}_error" if name in _ERROR else name


class _OnProbabilities:
    """A metric of LightGBM's, handed probabilities in place of raw scores."""

    def __init__(self, metric, objective):
        self.metric = metric
        self.proba = objective.proba

    def __call__(self, y_true, raw, weight, group):
        n_arguments = len(inspect.signature(self.metric).parameters)
        return self.metric(*(y_true, self.proba(raw), weight, group)[:n_arguments])


class InOrder:
    """Callback: results in the order in which LightGBM would have reported them.

    It reports callables last; which metric is first matters to early stopping.
    """

    order = -(10**6)

    def __init__(self, names):
        self.names = names

    def __call__(self, env):
        results = env.evaluation_result_list
        sets = [result[0] for result in results]
        results.sort(key=lambda result: (sets.index(result[0]), self._place(result[1])))

    def _place(self, metric):
        name = metric.partition("@")[0]
        return self.names.index(name) if name in self.names else len(self.names)


def _binary_logloss(y_true, proba, weight):
    return "binary_logloss", _nats(np.where(y_true > 0, proba, 1 - proba), weight), False


def _multi_logloss(y_true, proba, weight):
    own = proba[np.arange(len(proba)), y_true.astype(int)]
    return "multi_logloss", _nats(own, weight), False


def _binary_error(y_true, proba, weight):
    wrong = (proba > 0.5) != (y_true > 0)
    return "binary_error", np.average(wrong, weights=weight), False


def _nats(own, weight):
    return np.average(-np.log(np.maximum(own, 1e-15)), weights=weight)


_COMPUTED = {
    "binary_logloss": _binary_logloss,
    "binary_error": _binary_error,
    "multi_logloss": _multi_logloss,
}
