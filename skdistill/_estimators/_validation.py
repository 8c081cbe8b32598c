"""What can be wrong with the rows given to ``fit``, found before any long work."""

from collections import Counter

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import get_tags, indexable
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from skdistill._estimators._inside import unfrozen
from skdistill._estimators._warnings import warn
from skdistill._sklearn.validation import (
    check_sample_weight,
    column_names,
    is_per_row,
    num_samples,
)

_NUMBERS_ONLY = (
    "sklearn.linear_model", "sklearn.tree", "sklearn.naive_bayes", "sklearn.neural_network",
    "sklearn.svm", "sklearn.neighbors", "sklearn.discriminant_analysis",
    "sklearn.ensemble._forest", "sklearn.ensemble._gb",
)  # fmt: skip


def check_rows(estimator, X, y, sample_weight, teacher_proba):
    """Everything that can be wrong with the rows, before any long work.

    Parameters
    ----------
    estimator : classifier
        Gets ``classes_``, ``n_features_in_`` and, where there are, feature names.
    X, y, sample_weight, teacher_proba : array-like
        As given to ``fit``.

    Returns
    -------
    X, y, codes, sample_weight
        Fit for indexing; `codes` are positions in ``classes_``.
    """
    _check_names(X)
    _check_labels(y)
    X, y = validate_data(estimator, X, y, skip_check_array=True)
    X, y, sample_weight, teacher_proba = indexable(X, y, sample_weight, teacher_proba)
    check_shape(X)
    y = column_or_1d(y, warn=True)
    estimator.classes_, codes = _encoded(y)
    if len(estimator.classes_) < 2:
        raise ValueError(
            f"y holds one class only, {estimator.classes_.tolist()}; a classifier needs two "
            "classes or more"
        )
    _warn_of_unlabelled(estimator.classes_)
    if sample_weight is not None:
        sample_weight = _checked_weight(sample_weight, X)
        _warn_of_weightless(estimator.classes_, codes, sample_weight)
    return X, y, codes, sample_weight


def _encoded(y):
    """Sorted classes, and the place of each label in them."""
    try:
        check_classification_targets(y)
        return np.unique(y, return_inverse=True)
    except ValueError as error:
        if "Unknown label type" not in str(error):
            raise
        raise ValueError(
            f"{error} Classes are what is distilled here: cut a quantity into classes first. "
            "Soft labels are no y: give them as teacher_proba, beside the labels"
        ) from error
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in y.tolist()})
        raise ValueError(
            f"y holds labels of several types, {kinds}, which have no order; make them one "
            "type, as with y.astype(str)"
        ) from error


def _check_labels(y):
    """Refuse rows without a label, and a column for each class, in words that help."""
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] > 1:
        raise ValueError(
            f"y should be a 1d array, got an array of shape {labels.shape} instead. y holds "
            "one label for each row; give soft labels beside it, fit(X, y, teacher_proba=P), "
            "and one-hot columns as classes[columns.argmax(axis=1)]"
        )
    if labels.dtype.kind not in "Of" or labels.ndim != 1:
        return
    absent = np.isnan(labels) if labels.dtype.kind == "f" else [*map(_is_missing, labels)]
    missing = np.flatnonzero(absent)
    if missing.size:
        raise ValueError(
            f"Input y contains NaN or None in {missing.size} of {len(labels)} rows, the first "
            f"is row {missing[0]}; leave rows without a label out of X and y, and give them "
            "as X_unlabeled"
        )


def _is_missing(label):
    nothing = label is None or type(label).__name__ in ("NAType", "NaTType")
    return nothing or (isinstance(label, float) and np.isnan(label))


def check_numbers(role, estimator, X):
    """Refuse a frame of categories or text for an estimator that takes numbers only.

    Parameters
    ----------
    role : {"teacher", "student"}
    estimator : classifier
        Those of scikit-learn that are known to take no categories are looked at.
    X : array-like, frame, sparse matrix or list
    """
    if not hasattr(X, "iloc") or not type(estimator).__module__.startswith(_NUMBERS_ONLY):
        return
    for name in column_names(X):
        try:
            np.asarray(X[name], dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(
                f"{role}={type(estimator).__name__} takes numbers only, and column {name!r} "
                f"of X holds {X[name].dtype}; put an encoder in front of it, as in "
                "make_pipeline(make_column_transformer((OneHotEncoder(handle_unknown="
                "'ignore'), make_column_selector(dtype_exclude='number')), "
                f"remainder='passthrough'), {type(estimator).__name__}()); see 'Frames with "
                "categories and missing values' in the user guide"
            ) from None


def _warn_of_unlabelled(classes):
    """-1 beside 0, 1, ... marks rows without a label in semi-supervised estimators."""
    marked = np.array_equal(classes, np.arange(len(classes)) - 1)
    if classes.dtype.kind == "i" and marked and len(classes) > 2:
        warn(
            "y holds -1 beside 0, 1, ...: it is taken for a class of its own. If it marks "
            "rows without a label, leave them out of X and y and pass them as X_unlabeled"
        )


def _warn_of_weightless(classes, codes, weight):
    lost = classes[np.bincount(codes, weight, len(classes)) == 0].tolist()
    if lost:
        warn(
            f"sample_weight is 0 in every row of the classes {lost}: teacher and student "
            "do not learn them, and cannot be calibrated on them; give some of their rows a "
            "weight, or leave the classes out of y"
        )


def _checked_weight(sample_weight, X):
    try:
        weight = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"sample_weight must be numbers: {error}") from error
    if not weight.any():
        raise ValueError("sample_weight is zero for every row; give some row a weight")
    return check_sample_weight(sample_weight, X, ensure_non_negative=True)


def _check_names(X):
    """Refuse columns of one name, before scikit-learn 1.9 does in words of its own."""
    counts = Counter(column_names(X))
    if twice := [name for name, n in counts.items() if n > 1]:
        raise ValueError(f"X has several columns called {twice}; rename all but one")


def check_shape(X):
    """Refuse what no estimator takes; text is one column by nature.

    Parameters
    ----------
    X : array-like, frame, sparse matrix or list
    """
    shape, dtype = getattr(X, "shape", None), getattr(X, "dtype", np.dtype(object))
    if num_samples(X) == 0:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required."
        )
    if shape is None:
        return
    if len(shape) == 1 and getattr(dtype, "kind", "O") in "biufc":
        raise ValueError(
            f"Expected 2D array, got 1D array of shape {shape} instead. Reshape your data "
            "with X.reshape(-1, 1) if it has a single feature or X.reshape(1, -1) if it is a "
            "single sample."
        )
    if len(shape) == 2 and shape[1] == 0:
        raise ValueError(
            f"Found array with 0 feature(s) (shape={shape}) while a minimum of 1 is required."
        )


def check_finite(teachers, X):
    """Refuse NaN and infinity that a student was not taught, since its teacher takes none.

    Composite teachers, which may fill gaps inside, are not looked at: their tags do not
    know.

    Parameters
    ----------
    teachers : list of classifier
    X : array-like, frame, sparse matrix or list
    """
    refusing = [one for one in map(unfrozen, teachers) if _takes_no_nan(one)]
    if not refusing:
        return
    values = X.tocoo().data if issparse(X) else np.asarray(X)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(
            f"Input X contains NaN or infinity, which teacher={type(refusing[0]).__name__} "
            "does not take, so that no student was taught what to say of them; ask student_ "
            "itself if its answer is wanted, or use a teacher that takes them"
        )


def _takes_no_nan(teacher):
    if not type(teacher).__module__.startswith("sklearn."):
        return False
    composite = any(hasattr(part, "fit") for part in teacher.get_params().values())
    steps = hasattr(teacher, "steps") or hasattr(teacher, "transformers")
    return not (composite or steps or get_tags(teacher).input_tags.allow_nan)


def check_extra_rows(estimator, X, X_unlabeled, transfer, teacher_proba):
    """Refuse rows beside those of X that nobody labels or that are not like them.

    Parameters
    ----------
    estimator : estimator
        With ``n_features_in_`` and, where there are, feature names, as `check_rows` sets.
    X : array-like
    X_unlabeled : array-like or None
    transfer : generator, str or None
    teacher_proba : array-like or None
        Where it is given, there is no teacher.
    """
    for name, given in (("X_unlabeled", X_unlabeled), ("transfer", transfer)):
        if given is not None and teacher_proba is not None:
            raise ValueError(
                f"{name} needs a teacher to label its rows, and teacher_proba calls none; "
                f"pass a teacher, or leave {name} out"
            )
    if X_unlabeled is None:
        return
    check_shape(X_unlabeled)
    if frame_of(X) != frame_of(X_unlabeled):
        own, other = (f"{_library(one)}.{type(one).__name__}" for one in (X, X_unlabeled))
        raise ValueError(f"X_unlabeled must be of the kind of X, {own}, got {other}")
    validate_data(estimator, X_unlabeled, reset=False, skip_check_array=True)


def frame_of(rows):
    """The library of a frame, None for anything else."""
    return _library(rows) if hasattr(rows, "columns") else None


def _library(rows):
    return type(rows).__module__.partition(".")[0]


def check_not_aligned(fit_params, n_samples):
    """Refuse fit parameters that have a value per row: unlabelled rows have none.

    Parameters
    ----------
    fit_params : dict
    n_samples : int
    """
    for name, value in fit_params.items():
        if is_per_row(value, n_samples):
            raise ValueError(
                f"fit parameter {name!r} has a value per row of X and none for those that "
                "X_unlabeled or transfer adds; leave one of the two out"
            )
