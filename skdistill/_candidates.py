"""What `AutoDistiller` explores: students, distilled in one or several ways, and plain."""

import re
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill.students import available

_NUMERIC = re.compile(r"u?int|float|double|bool|decimal")
_KEYS = ("name", "student", "temperature", "alpha")


class Candidate(NamedTuple):
    """A row of the leaderboard to be; a temperature or alpha of None is searched.

    Attributes
    ----------
    name, family : str
    kind : {"distilled", "plain"}
    student : classifier
    temperature, alpha : float or None
    share : int
        Candidates that share the trials of their family.
    """

    name: str
    family: str
    kind: str
    student: Any
    temperature: float | None
    alpha: float | None
    share: int = 1


def candidates(students, X, temperatures, alphas):
    """The full product for each student, and the student on hard labels.

    Parameters
    ----------
    students : "auto" or list
        As `AutoDistiller` takes them.
    X : array-like, frame or sparse matrix
        What "auto" fits its students to.
    temperatures, alphas : array-like or None
        None: one candidate, which searches them.

    Returns
    -------
    list of Candidate

    Raises
    ------
    ValueError
        If two students have one name, or a dictionary an unknown key.
    """
    found = []
    for family, student, own_temperature, own_alpha in _students(students, X):
        each = list(product(_given(own_temperature, temperatures), _given(own_alpha, alphas)))
        for temperature, alpha in each:
            told_apart = [family]
            if len(each) > 1:
                told_apart += [f"T={temperature:g}"] * (temperature is not None)
                told_apart += [f"alpha={alpha:g}"] * (alpha is not None)
            name = ", ".join(told_apart)
            share = len(each)
            found.append(
                Candidate(name, family, "distilled", student, temperature, alpha, share)
            )
        found.append(Candidate(f"{family}, plain", family, "plain", student, 1.0, 0.0))
    names = [candidate.name for candidate in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(
            f"two students are called {twice[0]!r}; give them names: [(name, student), ...]"
        )
    return found


def estimators(students):
    """The students of a list, as they are given.

    Parameters
    ----------
    students : list

    Returns
    -------
    list of classifier
    """
    return [student for _, student, _, _ in map(_named, students)]


def _given(own, common):
    if own is not None:
        return [float(own)]
    return [None] if common is None else [float(value) for value in common]


def _students(students, X):
    """Name, student, temperature and alpha of each."""
    if isinstance(students, str):
        return [(name, student, None, None) for name, student in auto_students(X)]
    return [_named(one) for one in students]


def _named(one):
    if isinstance(one, dict):
        if unknown := sorted(set(one) - set(_KEYS)):
            raise ValueError(f"a student has the keys {list(_KEYS)}, got {unknown[0]!r}")
        name, student, _, _ = _named(one["student"])
        return one.get("name", name), student, one.get("temperature"), one.get("alpha")
    if isinstance(one, str):
        return one, available()[one](), None, None
    if isinstance(one, tuple):
        name, student = one
        return name, _named(student)[1], None, None
    last = one[-1] if isinstance(one, Pipeline) else one
    return type(last).__name__, one, None, None


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
    head = []
    if categories := _categories(X):
        encoder = OneHotEncoder(
            max_categories=20, handle_unknown="infrequent_if_exist", sparse_output=False
        )
        impute = SimpleImputer(strategy="median", keep_empty_features=True)
        head = [make_column_transformer((encoder, categories), remainder=impute)]
    imputer = [SimpleImputer(strategy="median")] if not head and _misses(X) else []
    scaler = MaxAbsScaler() if issparse(X) else StandardScaler()
    boosting = HistGradientBoostingClassifier(
        max_iter=50, max_leaf_nodes=8, early_stopping=False
    )
    students = [
        ("tree", [*head, DecisionTreeClassifier(max_depth=6)]),
        ("logistic", [*head, *imputer, scaler, LogisticRegression(max_iter=1000)]),
        ("boosting", [*head, boosting]),
        ("network", [*head, *imputer, scaler, MLPClassifier(early_stopping=True)]),
    ]
    return [
        (name, make_pipeline(*steps) if len(steps) > 1 else steps[0])
        for name, steps in students
        if not (issparse(X) and name == "boosting")
    ]


def _categories(X):
    """Positions of a frame's columns that hold no numbers."""
    dtypes = [str(X[name].dtype).lower() for name in getattr(X, "columns", ())]
    return [i for i, dtype in enumerate(dtypes) if not _NUMERIC.match(dtype)]


def _misses(X):
    """Whether a number is missing."""
    if issparse(X):
        return bool(np.isnan(X.data).any())
    return bool(np.isnan(np.asarray(X, dtype=float)).any())
