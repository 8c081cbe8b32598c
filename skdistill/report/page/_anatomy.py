"""The model itself: the rules of a tree, coefficients, or importances.

Names are those that come out of the steps before the last. Importances by permutation
are of the columns of X, whatever the steps make of them, and of a student that has not
seen the rows: how much the loss rises when a column is shuffled among them.
"""

from functools import partial

import numpy as np
from scipy.sparse import hstack, issparse
from sklearn.compose import ColumnTransformer
from sklearn.inspection import permutation_importance
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import BaseDecisionTree, export_text
from sklearn.utils import resample

from skdistill._sklearn.validation import take_rows
from skdistill.footprint import n_parameters
from skdistill.report.page._columns import columns_of
from skdistill.scorers import NegLogLoss

_LINES, _TOP = 160, 20  # of the rules of a tree, and rows of a table: what one reads
_REPEATS, _ROWS, _MOST = 3, 2000, 200  # shuffles, rows, columns: a few seconds for a student


def anatomy(case, model):
    """Rules, coefficients or importances of the student that ships.

    Parameters
    ----------
    case : Case
    model : fitted classifier or None
        The same, fitted without the held-out rows.

    Returns
    -------
    dict
    """
    steps, last = split(case.student)
    names = feature_names(case.student, case.names)
    found = {
        "kind": type(last).__name__,
        "steps": [type(step).__name__ for step in steps],
        "n_parameters": n_parameters(case.student),
    }
    if isinstance(last, BaseDecisionTree):
        found |= _rules(last, names, case.classes)
        found |= {"depth": int(last.get_depth()), "leaves": int(last.get_n_leaves())}
    elif hasattr(last, "coef_"):
        found |= _coefficients(last, names, steps, case.classes)
    else:
        found |= _importances(last, names)
    return found | {"permutation": _permutation(case, model)}


def split(student):
    """The steps before the last, pipelines in pipelines too, and the last."""
    steps = []
    while isinstance(student, Pipeline):
        *before, (_, student) = student.steps
        steps += [step for _, step in before if step not in (None, "passthrough")]
    return steps, student


def feature_names(student, names):
    """Names of the columns that the last step gets; None where a step gives none."""
    for step in split(student)[0]:
        given = None if names is None else np.asarray(names, dtype=object)
        try:
            names = step.get_feature_names_out(given).tolist()
        except AttributeError:
            return None
        if isinstance(step, ColumnTransformer):
            names = _without_prefixes(step, names)
    return names if names is None else [str(name) for name in names]


def _without_prefixes(step, names):
    """Names without those of the transformers, unless two columns would have one name."""
    prefixes = tuple(f"{name}__" for name, *_ in step.transformers_)
    bare = [name.partition("__")[2] if name.startswith(prefixes) else name for name in names]
    return bare if len(set(bare)) == len(bare) else names


def feature_weights(student):
    """The weight of each feature in the last step; None where it has none.

    Returns
    -------
    ndarray of shape (n_features,) or None
    """
    _, last = split(student)
    if hasattr(last, "coef_"):
        coef = last.coef_.toarray() if issparse(last.coef_) else np.asarray(last.coef_)
        return np.abs(coef).mean(axis=0)
    found = getattr(last, "feature_importances_", None)
    return None if found is None else np.asarray(found, dtype=float)


def named(names, n_features):
    """Names, or x0, x1, ..."""
    return names or [f"x{i}" for i in range(n_features)]


def _rules(tree, names, classes):
    lines = export_text(
        tree,
        feature_names=named(names, tree.n_features_in_),
        class_names=[str(label) for label in classes],
        max_depth=max(tree.get_depth(), 1),
        decimals=4,
    ).splitlines()
    return {"rules": "\n".join(lines[:_LINES]), "rules_left_out": max(0, len(lines) - _LINES)}


def _coefficients(linear, names, steps, classes):
    coef = linear.coef_.toarray() if issparse(linear.coef_) else np.asarray(linear.coef_)
    names = named(names, coef.shape[1])
    top = np.argsort(-np.abs(coef).max(axis=0), kind="stable")[:_TOP]
    return {
        "coefficients": [_coefficient(names[i], coef[:, i], classes) for i in top],
        "n_coefficients": int(coef.shape[1]),
        "intercept": np.ravel(linear.intercept_).tolist(),
        "standardised": bool(steps) and isinstance(steps[-1], StandardScaler),
    }


def _coefficient(name, values, classes):
    """Its value; of more than two classes the largest and the smallest, with their classes."""
    if len(values) == 1:
        return {"feature": name, "value": float(values[0])}
    most, least = values.argmax(), values.argmin()
    return {
        "feature": name,
        "value": float(values[most]),
        "highest": str(classes[most]),
        "least": float(values[least]),
        "lowest": str(classes[least]),
    }


def _importances(last, names):
    weights = feature_weights(last)
    if weights is None:
        return {}
    names, total = named(names, len(weights)), weights.sum() or 1
    top = np.argsort(-weights, kind="stable")[:_TOP]
    return {
        "importances": [{"feature": names[i], "value": float(weights[i] / total)} for i in top]
    }


# Permutation ---------------------------------------------------------------------------


def _permutation(case, model):
    """Rise of the log-loss on held-out rows with a column shuffled, the largest first."""
    if model is None:
        return {"missing": case.no_refit or case.no_rows}
    unseen = np.flatnonzero(case.rows.unseen)
    chosen = resample(unseen, replace=False, n_samples=min(len(unseen), _ROWS), random_state=0)
    X, weight = case.rows.X_test, case.held_out.sample_weight
    names = list(columns_of(X, case.names))
    if not 0 < len(names) <= _MOST:
        return {"missing": f"X has no columns to shuffle, or more than {_MOST}."}
    X, score = take_rows(X, chosen), NegLogLoss(of_scores=True)
    if issparse(X) or hasattr(X, "with_columns"):  # scikit-learn shuffles arrays and pandas
        X, score = _places(X), partial(_score_of_places, X, score)
    found = permutation_importance(
        model,
        X,
        case.held_out.y[chosen],
        scoring=score,
        n_repeats=_REPEATS,
        random_state=0,
        sample_weight=None if weight is None else weight[chosen],
    )
    rows = _largest_first(names, found)
    return {"columns": rows, "n_rows": len(chosen), "n_repeats": _REPEATS, "missing": ""}


def _largest_first(names, found):
    """Columns that change what the model says when they are shuffled."""
    return [
        {
            "column": names[i],
            "value": float(found.importances_mean[i]),
            "sd": float(found.importances_std[i]),
        }
        for i in np.argsort(-found.importances_mean, kind="stable")
        if found.importances[i].any()
    ]


def _places(X):
    """An array of the shape of X that holds, for each value, its row in X."""
    return np.tile(np.arange(X.shape[0])[:, None], X.shape[1])


def _score_of_places(X, score, model, places, y, **weight):
    """The score of a model for X with its values in other places."""
    for i in np.flatnonzero((places != _places(X)).any(axis=0)):
        if issparse(X):
            moved = X[places[:, i]][:, [i]]
            X = hstack([X[:, :i], moved, X[:, i + 1 :]], format="csr")
        else:  # polars
            X = X.with_columns(X.to_series(i)[places[:, i]])
    return score(model, X, y, **weight)
