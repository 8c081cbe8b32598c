"""Every metric of one model on some rows: the lines of `skdistill.report`."""

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from skdistill.metrics._arrays import outcomes, over_classes, weights
from skdistill.metrics._calibration import (
    calibration_event,
    calibration_line,
    expected_calibration_error,
)
from skdistill.metrics._fidelity import (
    agrees,
    kl_by_row,
    ks_distance,
    r2_sorted,
    swap_share,
    variation_by_row,
)
from skdistill.metrics._loss import combined_loss, log_loss_by_row
from skdistill.metrics._worth import separation_ks


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
    outcome, proba = outcomes(y, proba, classes)
    weight = weights(sample_weight, len(outcome))
    return {
        "log_loss": log_loss_by_row(y, proba, classes=classes),
        "roc_auc": _area_by_row(outcome, proba, weight),
        "brier": ((outcome - proba) ** 2).sum(axis=1) / (1 + (len(classes) == 2)),
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
    weighted = {"sample_weight": sample_weight}
    known = {"classes": classes} | weighted
    rows = quality_by_row(y, proba, teacher_proba, classes, **weighted)
    mean = {name: float(np.average(own, weights=sample_weight)) for name, own in rows.items()}
    outcome, weight = outcomes(y, proba, classes)[0], weights(sample_weight, len(y))
    event, score = calibration_event(y, proba, classes=classes)
    slope, intercept = calibration_line(y, proba, **known)
    scale = {"temperature": temperature, "alpha": alpha}
    loss = combined_loss(teacher_proba, proba, y, **scale, **known)
    return {
        "log_loss": mean["log_loss"],
        "brier": mean["brier"],
        **_ranking(outcome, proba, weight),
        "separation_ks": separation_ks(y, proba, **known),
        "accuracy": mean["accuracy"],
        **_decisions(outcome, proba, weight),
        "observed_over_expected": _ratio(weight @ event, weight @ score),
        "expected_calibration_error": expected_calibration_error(y, proba, **known),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "kl_to_teacher": mean["kl_to_teacher"],
        "total_variation": mean["total_variation"],
        "agreement": mean["agreement"],
        "swap_share": swap_share(teacher_proba, proba, **weighted),
        "ks_to_teacher": ks_distance(teacher_proba, proba, **weighted),
        "r2_sorted": r2_sorted(teacher_proba, proba, **weighted) if len(y) > 1 else np.nan,
        "soft_loss": loss.soft,
        "combined_loss": loss.total,
    }


def _area_by_row(outcome, proba, weight):
    ranked = _ranked(outcome[weight > 0])
    areas = [_placements(outcome[:, k], proba[:, k], weight) for k in ranked]
    return np.mean(areas, axis=0) if areas else np.full(len(outcome), np.nan)


def _placements(event, score, weight):
    values, (_, level) = np.empty(len(score)), np.unique(score, return_inverse=True)
    for own in (event, ~event):
        other = np.bincount(level, np.where(own, 0, weight))
        below = (np.cumsum(other) - other / 2)[level[own]] / other.sum()
        values[own] = below if own is event else 1 - below
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


def _ratio(observed, expected):
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.float64(observed) / expected)
