"""What `AutoDistiller` explores: students, distilled in one or several ways, and plain.

What is not given fits itself to X, the teacher too.
"""

import re
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_array

from skdistill.students import available

_NUMERIC = re.compile(r"u?int|float|double|bool|decimal")
_KEYS = ("name", "student", "temperature", "alpha")
_AUTO = ("tree", "logistic", "boosting", "network")


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
        What the students of "auto" fit themselves to.
    temperatures, alphas : array-like or None
        None: one candidate, which searches them.

    Returns
    -------
    list of Candidate

    Raises
    ------
    ValueError
        If there is no student, two have one name, a dictionary has an unknown key, a name
        is none of a student that takes X, or a temperature or alpha is out of its range.
    """
    if not len(students):
        raise ValueError("students is empty; give one or more, or 'auto'")
    found = []
    for family, student, own_temperature, own_alpha in _students(students, X):
        each = list(product(_given(own_temperature, temperatures), _given(own_alpha, alphas)))
        _check_ranges(family, each)
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
    list of classifier or None
        None for a name of "auto", which stands for one that is made for X.
    """
    return [_named(one, lambda name: None)[1] for one in students]


def _check_ranges(family, each):
    for temperature, alpha in each:
        if not (temperature is None or 0 < temperature < np.inf):
            raise ValueError(
                f"temperatures must be greater than 0, got {temperature:g} for {family!r}"
            )
        if not (alpha is None or 0 <= alpha <= 1):
            raise ValueError(f"alphas must lie in [0, 1], got {alpha:g} for {family!r}")


def _given(own, common):
    if own is not None:
        return [float(own)]
    return [None] if common is None else [float(value) for value in common]


def _students(students, X):
    """Name, student, temperature and alpha of each."""
    if isinstance(students, str):
        return [(name, student, None, None) for name, student in auto_students(X)]
    return [_named(one, partial(_auto_student, X)) for one in students]


def _named(one, auto_student):
    if isinstance(one, dict):
        if unknown := sorted(set(one) - set(_KEYS)):
            raise ValueError(f"a student has the keys {list(_KEYS)}, got {unknown[0]!r}")
        name, student, _, _ = _named(one["student"], auto_student)
        return one.get("name", name), student, one.get("temperature"), one.get("alpha")
    if isinstance(one, str):
        return one, auto_student(one) if one in _AUTO else _class(one)(), None, None
    if isinstance(one, tuple):
        name, student = one
        return name, _named(student, auto_student)[1], None, None
    last = one[-1] if isinstance(one, Pipeline) else one
    return type(last).__name__, one, None, None


def _auto_student(X, name):
    made = dict(auto_students(X))
    if name not in made:
        raise ValueError(f"the student {name!r} takes no sparse X; there are {list(made)}")
    return made[name]


def _class(name):
    """A registered class; one of a package that is absent says what to install."""
    classes = available()
    known = [one for one in classes if one != "Pipeline"]  # which needs steps
    unknown = ValueError(
        f"no student is called {name!r}; there are {list(_AUTO)}, made for X, and the classes "
        f"{known}"
    )
    if name == "Pipeline":
        raise unknown
    try:
        return classes[name]
    except KeyError:
        raise unknown from None


def auto_teacher(X):
    """A forest and boosted trees, whose probabilities are averaged; for sparse X a forest.

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
    """What makes numbers of a frame's categories, and no step where there are none."""
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
