"""What the metrics share: arrays that are checked, and means over classes."""

import numpy as np
from sklearn.utils import column_or_1d

EPS = np.finfo(np.float64).eps  # smallest probability scikit-learn's `log_loss` takes


def pair(teacher_proba, student_proba):
    teacher_proba = np.asarray(teacher_proba, dtype=np.float64)
    student_proba = np.asarray(student_proba, dtype=np.float64)
    if teacher_proba.shape != student_proba.shape or teacher_proba.ndim != 2:
        raise ValueError(
            "teacher_proba and student_proba must have one shape (n_samples, n_classes), "
            f"got {teacher_proba.shape} and {student_proba.shape}"
        )
    return teacher_proba, student_proba


def outcomes(y_true, proba, classes):
    """Whether each row is of each class, and its probabilities."""
    y_true, proba = column_or_1d(y_true), np.asarray(proba, dtype=np.float64)
    classes = np.unique(y_true) if classes is None else np.asarray(classes)
    if proba.shape != (len(y_true), len(classes)):
        raise ValueError(
            f"proba has shape {proba.shape}, expected ({len(y_true)}, {len(classes)}): "
            "a row for each of y_true, a column for each of the classes"
        )
    outcome = y_true[:, None] == classes
    if not outcome.any(axis=1).all():
        unknown = y_true[~outcome.any(axis=1)][0]
        raise ValueError(f"y_true holds {unknown!r}, which is not one of classes {classes}")
    return outcome, proba


def weights(sample_weight, n_samples):
    """Weight of each row; 1 where none is given."""
    if sample_weight is None:
        return np.ones(n_samples)
    sample_weight = np.asarray(sample_weight, dtype=np.float64)
    if sample_weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight has shape {sample_weight.shape}, expected ({n_samples},)"
        )
    return sample_weight


def over_classes(values, average):
    """The value of each class, or the mean of those that are not NaN."""
    values = np.asarray(values, dtype=np.float64)
    if average is None:
        return values
    if average != "macro":
        raise ValueError(f"average must be 'macro' or None, got {average!r}")
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else np.nan
