"""Which labels an estimator knows, and in which order its columns stand.

Nothing says that ``classes_`` is sorted: CatBoost orders text that looks like numbers as
numbers, and other packages in their own way. Whoever reads what a fitted classifier says
reads it through the functions here, which put columns in the order of given classes.

XGBoost knows the classes 0 to K - 1 only. It is fitted to codes (`encoded`), and what it
says of code k is read as said of the class at place k of the sorted classes.
"""

import numpy as np
from sklearn.ensemble import BaggingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier

from skdistill._estimators._inside import answering, last_step
from skdistill._estimators._meaning import as_probabilities
from skdistill._sklearn.validation import column_names

_ENCODE = (BaggingClassifier, OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier)


def innermost(estimator):
    """What gets the user's labels: behind Pipelines, searches and calibrators.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    estimator
        Ensembles that encode labels themselves are not opened.
    """
    inner = answering(estimator)
    while hasattr(getattr(inner, "estimator", None), "fit") and not isinstance(inner, _ENCODE):
        inner = last_step(inner.estimator)
    return inner


def is_of(estimator, full_name):
    """Whether an estimator is of a class or of a subclass of it, by the full name."""
    names = {f"{one.__module__}.{one.__qualname__}" for one in type(estimator).__mro__}
    return full_name in names


def is_lightgbm(estimator):
    """Whether what gets the user's labels is LightGBM's classifier."""
    return is_of(innermost(estimator), "lightgbm.sklearn.LGBMClassifier")


def knows_codes_only(estimator):
    """Whether the labels of an estimator must be 0 to K - 1, as those of XGBoost."""
    return is_of(innermost(estimator), "xgboost.sklearn.XGBClassifier")


def encoded(estimator, y, classes, fit_params):
    """Labels, and those of validation data, as an estimator can be fitted to them.

    Parameters
    ----------
    estimator : classifier
    y : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
        Sorted; all of them are in y.
    fit_params : dict
        Of the estimator, or of a step; validation data among them hold labels.

    Returns
    -------
    y, fit_params
        As they are, unless `knows_codes_only`. LightGBM encodes y and ``eval_set`` itself
        and takes ``eval_y`` for codes.
    """
    if np.array_equal(classes, np.arange(len(classes))):
        return y, fit_params
    if knows_codes_only(estimator):
        return _positions(y, classes, "y"), _encode_each(
            fit_params, "eval_set", encoded_sets, classes
        )
    if is_lightgbm(estimator):
        fit_params = _encode_each(fit_params, "eval_y", _encoded_labels, classes)
    return y, fit_params


def _encode_each(fit_params, ending, encode, classes):
    return fit_params | {
        name: encode(value, classes, name)
        for name, value in fit_params.items()
        if value is not None and name.rpartition("__")[2] == ending
    }


def _encoded_labels(y, classes, name):
    """Codes of one validation set, or of each of a tuple."""
    if isinstance(y, tuple):
        return tuple(_positions(one, classes, name) for one in y)
    return _positions(y, classes, name)


def fit_labels(estimator, X, y, fit_params):
    """Fit an estimator in place, to codes where it knows no other labels; not a frozen one.

    Parameters
    ----------
    estimator : classifier
    X : array-like, frame, sparse matrix or list of n_samples rows
    y : ndarray of shape (n_samples,)
    fit_params : dict

    Returns
    -------
    classifier
    """
    if isinstance(estimator, FrozenEstimator):
        return estimator
    y, fit_params = encoded(estimator, y, np.unique(y), fit_params)
    return estimator.fit(X, y, **fit_params)


def encoded_sets(eval_set, classes, name="eval_set"):
    """Validation sets with columns in place of the user's labels.

    Parameters
    ----------
    eval_set : (X, y) or list of (X, y)
    classes : ndarray of shape (n_classes,)
    name : str, default="eval_set"
        Of the parameter.

    Returns
    -------
    list of (X, ndarray of int)

    Raises
    ------
    ValueError
        If a label is none of the classes.
    """
    pairs = [eval_set] if isinstance(eval_set, tuple) else eval_set
    return [(X, _positions(y, classes, name)) for X, y in pairs]


def _positions(y, classes, name):
    place = {label: column for column, label in enumerate(classes.tolist())}
    given = np.ravel(y).tolist()
    if unknown := set(given) - place.keys():
        raise ValueError(
            f"{name} holds the labels {sorted(unknown, key=str)}, which y of the rows that "
            f"are fitted does not hold; its classes are {classes.tolist()}"
        )
    return np.array([place[label] for label in given], dtype=np.intp)


# What a fitted model says -------------------------------------------------------------


def own_labels(model, known):
    """Labels of the columns of a fitted model, in its own order.

    Parameters
    ----------
    model : fitted classifier
    known : ndarray of shape (n_classes,)
        Sorted labels that it was fitted to: what codes stand for.

    Returns
    -------
    list
    """
    own = getattr(model, "classes_", None)
    own = known.tolist() if own is None else np.asarray(own).tolist()
    codes = knows_codes_only(model) and len(own) == len(known)
    return np.unique(known).tolist() if codes else own


def same_labels(model, classes):
    """Whether a fitted classifier knows these classes and no others, in any order."""
    return set(own_labels(model, classes)) == set(classes.tolist())


def columns_of(model, values, classes, known=None):
    """Which column of what a model says belongs to which class.

    Parameters
    ----------
    model : fitted classifier
    values : array-like or frame of shape (n_samples, n_columns)
        A frame whose columns are named by the classes is read by these names.
    classes : ndarray of shape (n_classes,)
    known : ndarray, default=None
        As in `own_labels`. None: `classes`.

    Returns
    -------
    list of int
        -1 where the model does not know the class.
    """
    known = classes if known is None else known
    labels = own_labels(model, known)
    names = names_of(values)
    if names and all(as_named(label, names) in names for label in labels):
        return [
            names.index(as_named(label, names)) if label in labels else -1
            for label in classes.tolist()
        ]
    place = {label: column for column, label in enumerate(labels)}
    return [place.get(label, -1) for label in classes.tolist()]


def in_order(values, columns):
    """Columns in an order, 0 where there is none.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_columns)
    columns : list of int
        As `columns_of` returns them.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    values, columns = np.asarray(values), np.asarray(columns)
    return np.where(columns >= 0, values[:, columns], 0)


def proba_in_order(model, X, classes):
    """Class probabilities of a fitted student, columns in the order of `classes`.

    Parameters
    ----------
    model : fitted classifier
    X : array-like, frame, sparse matrix or list of n_samples rows
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n_samples, n_classes)
    """
    proba = model.predict_proba(X)
    columns = columns_of(model, proba, classes)
    proba = as_probabilities(answering(model), np.asarray(proba))
    return proba if columns == [*range(len(classes))] else in_order(proba, columns)


def scores_in_order(model, X, classes):
    """Decision scores of a fitted student, columns in the order of `classes`.

    Parameters
    ----------
    model : fitted classifier
    X : array-like, frame, sparse matrix or list of n_samples rows
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n_samples,) for two classes, else (n_samples, n_scores)
        Scores that are not one for each class, such as those of pairs, as they are.
    """
    scores = model.decision_function(X)
    columns = columns_of(model, scores, classes)
    scores = np.asarray(scores)
    if columns == [*range(len(classes))]:
        return scores
    if scores.ndim == 1:
        return -scores
    return in_order(scores, columns) if scores.shape[1] == len(classes) else scores


def decode(model, y, classes):
    """The user's labels, one a row, from what ``predict`` of a fitted student returns.

    Parameters
    ----------
    model : fitted classifier
    y : array-like of shape (n_samples,) or (n_samples, 1)
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n_samples,), of the type of `classes`
    """
    y, own = np.ravel(y), getattr(model, "classes_", None)
    own = classes if own is None else np.asarray(own)
    labels = own_labels(model, classes)
    if labels == own.tolist():
        return y if y.dtype == classes.dtype else y.astype(classes.dtype)
    return classes[_positions(y, own, "predict")]


# Names of columns ----------------------------------------------------------------------


def names_of(frame):
    """Names of the columns, where somebody gave them.

    Parameters
    ----------
    frame : frame or array-like

    Returns
    -------
    list
        Empty for arrays, and for numbers from 0 upwards as pandas makes them.
    """
    columns = column_names(frame)
    nobodys = type(columns).__name__ == "RangeIndex" and columns.step == 1
    return [] if nobodys else list(columns)


def by_name(values, labels):
    """An array, its columns in the order of labels where names say which is which.

    Parameters
    ----------
    values : array-like or frame of shape (n_samples, n_columns)
    labels : sequence

    Returns
    -------
    ndarray, float64
        As it is where it names no columns, or not each of the labels.
    """
    names, array = names_of(values), np.asarray(values, dtype=np.float64)
    named = [as_named(label, names) for label in labels]
    if not names or set(named) - set(names):
        return array
    return array[:, [names.index(name) for name in named]]


def as_named(label, names):
    """The name of a class: itself, or as text; 1.0 is also 1."""
    whole = int(label) if isinstance(label, float) and label.is_integer() else label
    return next((name for name in (label, whole, str(whole)) if name in names), str(label))
