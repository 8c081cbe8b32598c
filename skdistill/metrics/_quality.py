"""Every metric of one model on some rows: the lines of `skdistill.report`."""

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from skdistill.metrics._arrays import outcomes, over_classes
from skdistill.metrics._calibration import (
    calibration_error,
    event_of,
    line_of,
    observed_over,
)
from skdistill.metrics._fidelity import (
    agrees,
    kl_by_row,
    ks_by_class,
    r2_by_class,
    swap_by_class,
    variation_by_row,
)
from skdistill.metrics._loss import cost_by_row, loss_parts
from skdistill.metrics._worth import separation_by_class


def quality_by_row(y, proba, teacher_proba, classes, *, sample_weight=None):
    """Those metrics that are means over rows, row by row, and the area under the ROC curve.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    proba, teacher_proba : ndarray of shape (n_samples, n_classes)
    classes : ndarray of shape (n_classes,)
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    dict of ndarray of shape (n_samples,)
        Their weighted means are the metrics. The Brier score is half the sum over the classes
        where there are two. Of the area, row i holds ``A + (V_i - A) / share``, with its
        share of the other class that is ranked on the right side of it, V, and the share
        of its own class in the rows: the first-order effect of the row's weight.

    References
    ----------
    DeLong, DeLong, Clarke-Pearson (1988), "Comparing the Areas under Two or More
    Correlated Receiver Operating Characteristic Curves: A Nonparametric Approach".
    """
    outcome, proba, weight = outcomes(y, proba, classes, sample_weight)
    return _by_row(outcome, proba, teacher_proba, weight)


def _by_row(outcome, proba, teacher_proba, weight):
    return {
        "log_loss": cost_by_row(outcome, proba),
        "roc_auc": _area_by_row(outcome, proba, weight),
        "brier": ((outcome - proba) ** 2).sum(axis=1) / (1 + (proba.shape[1] == 2)),
        "accuracy": agrees(outcome, proba).astype(float),
        "kl_to_teacher": kl_by_row(teacher_proba, proba),
        "total_variation": variation_by_row(teacher_proba, proba),
        "agreement": agrees(teacher_proba, proba).astype(float),
    }


def quality(y, proba, teacher_proba, classes, *, temperature, alpha, sample_weight=None):
    """Every metric of a model's probabilities.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    proba, teacher_proba : ndarray of shape (n_samples, n_classes)
    classes : ndarray of shape (n_classes,)
    temperature, alpha : float
        Of the combined loss.
    sample_weight : ndarray of shape (n_samples,), default=None

    Returns
    -------
    dict of float
        Of two classes ranking and decisions are judged for the second; of more, the mean
        over the classes that are there. NaN where a metric is not defined on these rows.
    """
    outcome, proba, weight = outcomes(y, proba, classes, sample_weight)
    event, score = event_of(outcome, proba)
    slope, intercept = line_of(event, score, weight)
    scale = {"temperature": temperature, "alpha": alpha}
    loss = loss_parts(teacher_proba, proba, outcome, weight, **scale)
    both = teacher_proba, proba, weight
    rows = _by_row(outcome, proba, teacher_proba, weight)
    mean = {name: float(np.average(values, weights=weight)) for name, values in rows.items()}
    return {
        "log_loss": mean["log_loss"],
        "brier": mean["brier"],
        **_ranking(outcome, proba, weight),
        "separation_ks": over_classes(separation_by_class(outcome, proba, weight), "macro"),
        "accuracy": mean["accuracy"],
        **_decisions(outcome, proba, weight),
        "observed_over_expected": float(observed_over(weight @ event, weight @ score)),
        "expected_calibration_error": calibration_error(event, score, weight),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "kl_to_teacher": mean["kl_to_teacher"],
        "total_variation": mean["total_variation"],
        "agreement": mean["agreement"],
        "swap_share": over_classes(swap_by_class(*both), "macro"),
        "ks_to_teacher": over_classes(ks_by_class(*both), "macro"),
        "r2_sorted": over_classes(r2_by_class(*both), "macro") if len(y) > 1 else np.nan,
        "soft_loss": loss.soft,
        "combined_loss": loss.total,
    }


def _area_by_row(outcome, proba, weight):
    ranked = _ranked(outcome[weight > 0])
    areas = [_placements(outcome[:, k], proba[:, k], weight) for k in ranked]
    return np.mean(areas, axis=0) if areas else np.full(len(outcome), np.nan)


def _placements(event, score, weight):
    values, (_, level) = np.empty(len(score)), np.unique(score, return_inverse=True)
    for of_class in (event, ~event):
        other = np.bincount(level, np.where(of_class, 0, weight))
        below = (np.cumsum(other) - other / 2)[level[of_class]] / other.sum()
        values[of_class] = below if of_class is event else 1 - below
    area = np.average(values[event], weights=weight[event])
    share = np.average(event, weights=weight)
    return area + (values - area) / np.where(event, share, 1 - share)


def _ranking(outcome, proba, weight):
    metrics = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}
    found = {
        name: [
            metric(outcome[:, k], proba[:, k], sample_weight=weight)
            for k in _ranked(outcome[weight > 0])
        ]
        for name, metric in metrics.items()
    }
    return {name: over_classes(values, "macro") for name, values in found.items()}


def _decisions(outcome, proba, weight):
    precision, recall, f1, _ = precision_recall_fscore_support(
        outcome.argmax(axis=1),
        proba.argmax(axis=1),
        labels=_judged(outcome),
        average="macro",
        sample_weight=weight,
        zero_division=np.nan,
    )
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1)}


def _ranked(outcome):
    """Those of the judged classes that some rows have and others have not."""
    return [k for k in _judged(outcome) if 0 < outcome[:, k].sum() < len(outcome)]


def _judged(outcome):
    n_classes = outcome.shape[1]
    return [1] if n_classes == 2 else list(range(n_classes))
