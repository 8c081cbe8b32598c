"""The teacher and the students that `AutoDistiller` makes for X where none are given."""

import re

import numpy as np
from scipy.sparse import issparse
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_array

_NUMERIC = re.compile(r"u?int|float|double|bool|decimal")


def auto_teacher(X):
    """The mean of a forest and of boosted trees; for sparse X a forest.

    Parameters
    ----------
    X : array-like, frame or sparse matrix

    Returns
    -------
    classifier or list of (str, classifier)
        As `DistilledClassifier` takes it.
    """
    if issparse(X):
        return RandomForestClassifier(300)
    members = {
        "forest": RandomForestClassifier(),
        "boosting": HistGradientBoostingClassifier(early_stopping=False),
    }
    return [(name, _behind(_head(X), one)) for name, one in members.items()]


def auto_students(X):
    """A readable tree, a logistic regression, a small boosting and a small network.

    Categories of a frame are one-hot encoded, and its numbers imputed beside them; other
    missing values are imputed where the student takes none. Sparse matrices are scaled
    without being centred, and not boosted.

    Parameters
    ----------
    X : array-like, frame or sparse matrix

    Returns
    -------
    list of (str, classifier)
    """
    head = _head(X)
    imputer = [SimpleImputer(strategy="median")] if not head and _misses(X) else []
    scaler = MaxAbsScaler() if issparse(X) else StandardScaler()
    boosting = HistGradientBoostingClassifier(
        max_iter=50, max_leaf_nodes=8, early_stopping=False
    )
    network = MLPClassifier(tol=3e-3)  # stopping early holds rows out, and stops too early
    scaled = [*head, *imputer, scaler]
    students = [
        ("tree", _behind(head, DecisionTreeClassifier(max_depth=6))),
        ("logistic", _behind(scaled, LogisticRegression(max_iter=1000))),
        ("boosting", _behind(head, boosting)),
        ("network", _behind(scaled, network)),
    ]
    return [one for one in students if not (issparse(X) and one[0] == "boosting")]


def _head(X):
    """The step that turns categories of a frame into numbers; no step where there are none."""
    categories = _categories(X)
    if not categories:
        return []
    encoder = OneHotEncoder(
        max_categories=20, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    texts = _texts_with_na(X)
    encoders = [(encoder, [i for i in categories if i not in texts])]
    if texts:
        na = X[X.columns[texts[0]]].dtype.na_value
        fill = SimpleImputer(missing_values=na, strategy="constant", fill_value="missing")
        encoders.append((make_pipeline(fill, encoder), texts))
    impute = SimpleImputer(strategy="median", keep_empty_features=True)
    return [make_column_transformer(*encoders, remainder=impute)]


def _behind(steps, classifier):
    return make_pipeline(*steps, classifier) if steps else classifier


def _categories(X):
    """Positions of a frame's columns that hold no numbers."""
    dtypes = [str(X[name].dtype).lower() for name in getattr(X, "columns", ())]
    return [i for i, dtype in enumerate(dtypes) if not _NUMERIC.match(dtype)]


def _texts_with_na(X):
    """Positions of columns of text with `pandas.NA`, which no encoder takes."""
    dtypes = [X[name].dtype for name in X.columns]
    values = [str(getattr(dtype, "na_value", "")) for dtype in dtypes]
    return [i for i, na in enumerate(values) if na == "<NA>" and "string" in str(dtypes[i])]


def _misses(X):
    """Whether a number is missing."""
    X = check_array(X, accept_sparse=True, ensure_all_finite=False)
    return bool(np.isnan(X.data if issparse(X) else X).any())
