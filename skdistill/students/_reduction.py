r"""The general path: any classifier, fitted on labels that stand for the loss.

At temperature 1 the loss is cross-entropy against one target q per row, and a learner
that takes ``sample_weight`` minimises it exactly when every row is given once per class,
weighted by q. At other temperatures the targets and weights are found by iteration: with
the student's probabilities s, gradient g and Hessian H of a row of weight 1,

.. math::

    w = \max\{\max_k g_k / s_k,\; \mathrm{tr} H / \mathrm{tr}(\mathrm{diag}(s) - ss')\},
    \qquad q = s - g / w

so that the weighted cross-entropy has the gradient of the loss where the student stands;
its fixed points are the stationary points of the loss. Nothing promises descent, so the
best iterate is kept and the iteration ends when the loss stops falling.

A learner without ``sample_weight``, or one that holds rows out by itself (copies of one
row would straddle its split), gets one label per row, drawn from q.
"""

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils.validation import has_fit_parameter

from skdistill._sklearn.validation import take_params, take_rows
from skdistill.loss import logits
from skdistill.students._registry import Fitted, Unsupported, register

MAX_REFITS = 12
_CAP = 1e4  # largest weight of a row, against the sample's own
_TRACE = 1e-9  # weight of a class that no target names, so that no class is lost


def fit_by_labels(student, X, loss, *, random_state=None, **fit_params):
    """Fit a student on labels, refitting at temperatures other than 1.

    Parameters
    ----------
    student : classifier
        Fitted in place.
    X : array-like, frame, sparse matrix or list of `loss.n_samples` rows
    loss : CombinedLoss
    random_state : int, default=None
        Seed of sampled labels.
    **fit_params : dict
        Handed to ``student.fit``; row-aligned values follow their rows.

    Returns
    -------
    Fitted
        Of path "label-reduction" or "sampled-labels".

    Raises
    ------
    Unsupported
        For a hyper-parameter search as student, and for a temperature other than 1
        where the student has no ``predict_proba``.
    """
    name = type(student).__name__
    if isinstance(student, BaseSearchCV):
        raise Unsupported(
            f"student={name} searches by cross-validation, and copies of one row would "
            "straddle its splits; put the search outside, around DistilledClassifier"
        )
    if loss.temperature != 1 and loss.alpha > 0 and not hasattr(student, "predict_proba"):
        raise Unsupported(
            f"temperature={loss.temperature} needs a student with predict_proba, which "
            f"{name} lacks; use temperature=1"
        )
    if has_fit_parameter(student, "sample_weight") and not _holds_out_rows(student):
        return Fitted(
            _iterate(student, X, loss, _weighted_copies, fit_params), "label-reduction"
        )
    draw = _Sampler(name, random_state)
    return Fitted(_iterate(student, X, loss, draw, fit_params), "sampled-labels")


def _iterate(student, X, loss, draw, fit_params):
    """Fit; reweight at the fitted probabilities and refit while the loss falls."""
    target, weight = loss.blend(), np.ones(loss.n_samples)
    best, best_value = None, np.inf
    for _ in range(MAX_REFITS + 1):
        candidate = clone(student)
        _fit(candidate, X, loss, *draw(target, weight * loss.row_weight, loss.y), fit_params)
        if loss.temperature == 1 or loss.alpha == 0:
            return candidate
        proba = np.asarray(candidate.predict_proba(X), dtype=float)
        raw = logits(proba)
        value = loss.parts(raw).total
        if not value < best_value:
            break
        best, best_value = candidate, value
        target, weight = _reweighted(proba, raw, loss)
    return best


def _reweighted(proba, raw, loss):
    """Targets and weights whose cross-entropy is tangent to the loss at `raw`."""
    row_weight = np.where(loss.row_weight > 0, loss.row_weight, 1)
    gradient, hessian = loss.gradient(raw), loss.hessian(raw)
    if raw.ndim == 1:
        gradient, trace = np.column_stack([-gradient, gradient]), 2 * hessian
    else:
        trace = hessian.sum(axis=1)
    gradient = gradient / row_weight[:, None]
    own_trace = np.maximum((proba * (1 - proba)).sum(axis=1), np.finfo(float).tiny)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        needed = np.nan_to_num(gradient / proba).max(axis=1)
        weight = np.maximum(needed, trace / row_weight / own_trace)
    weight = np.clip(weight, 1 / _CAP, _CAP)
    target = np.maximum(proba - gradient / weight[:, None], 0)
    return target / target.sum(axis=1, keepdims=True), weight


def _weighted_copies(target, weight, y):
    """Each row once per class of positive target; a lost class keeps a trace."""
    mass = target * weight[:, None]
    for lost in np.flatnonzero(~mass.any(axis=0)):
        bearer = np.argmax((y == lost) if np.any(y == lost) else target[:, lost])
        mass[bearer, lost] = _TRACE
    rows, columns = np.nonzero(mass)
    return rows, columns, mass[rows, columns]


class _Sampler:
    """One label per row, drawn from the targets; rows are resampled by their weight."""

    def __init__(self, student_name, random_state):
        self.student_name = student_name
        self.rng = np.random.RandomState(random_state)

    def __call__(self, target, weight, y):
        n_samples = len(target)
        rows = np.arange(n_samples)
        if not np.allclose(weight, weight[0], rtol=1e-12):
            levels = np.cumsum(weight) / weight.sum()
            rows = np.searchsorted(levels, (rows + self.rng.uniform()) / n_samples)
            rows = np.minimum(rows, np.flatnonzero(weight)[-1])
        target = target[rows]
        levels = np.cumsum(target, axis=1) / target.sum(axis=1, keepdims=True)
        columns = (levels[:, :-1] <= self.rng.uniform(size=(n_samples, 1))).sum(axis=1)
        if np.any(np.count_nonzero(target, axis=1) > 1):
            self._warn_once()
        return rows, _keep_classes(columns, target), np.ones(n_samples)

    def _warn_once(self):
        if self.student_name:
            warnings.warn(
                f"{self.student_name} takes no sample_weight, or holds rows out by "
                "itself: it is fitted on labels sampled from the soft labels, an "
                "approximation that varies with random_state",
                UserWarning,
                stacklevel=2,
            )
        self.student_name = None


def _keep_classes(columns, target):
    """Give each class that was never drawn the row that names it most."""
    counts = np.bincount(columns, minlength=target.shape[1])
    for lost in np.flatnonzero(counts == 0):
        bearer = np.argmax(np.where(counts[columns] > 1, target[:, lost], -1))
        counts[columns[bearer]] -= 1
        columns[bearer], counts[lost] = lost, 1
    return columns


def _fit(student, X, loss, rows, columns, weight, fit_params):
    """Fit on rows and labels; where rows are whole and of weight 1, just as natively."""
    own_cv = {}
    if not np.array_equal(rows, np.arange(loss.n_samples)):
        own_cv = _split_whole_rows(student, loss, rows)
        fit_params = take_params(X, fit_params, rows)
        X = take_rows(X, rows)
    if not np.all(weight == 1):
        fit_params = {**fit_params, "sample_weight": weight}
    student.fit(X, loss.classes[columns], **fit_params)
    student.set_params(**own_cv)


def _split_whole_rows(student, loss, rows):
    """Make ``cv`` of a student split rows, not copies; return what restores it."""
    cv = student.get_params(deep=False).get("cv", "none")
    if isinstance(cv, str):
        return {}
    labels = np.where(loss.y >= 0, loss.y, np.nan_to_num(loss.soft_labels).argmax(axis=1))
    splits = check_cv(cv, labels, classifier=True).split(np.zeros(loss.n_samples), labels)
    student.set_params(
        cv=[[np.flatnonzero(np.isin(rows, part)) for part in split] for split in splits]
    )
    return {"cv": cv}


def _holds_out_rows(student):
    """Whether ``fit`` splits rows off for early stopping."""
    params = student.get_params(deep=False)
    if "early_stopping" in params:
        return params["early_stopping"] not in (False, "auto")
    return "validation_fraction" in params and params.get("n_iter_no_change") is not None


register(object, fit_by_labels)
