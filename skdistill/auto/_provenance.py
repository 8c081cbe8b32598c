"""Where a result comes from: data, teacher, seed and versions, as plain JSON values.

Two results with equal hashes were made of the same rows and of teachers given alike; a
warning says what makes held-out estimates too good.
"""

import pickle
import platform
import sys
from datetime import UTC, datetime
from hashlib import blake2b
from numbers import Integral

import joblib
import numpy as np
import optuna
import scipy
import sklearn
from scipy.sparse import issparse

from skdistill.model_selection._fingerprint import fingerprint
from skdistill.teachers import resolve_teacher
from skdistill.teachers._check import is_frozen

_GIVEN = "teacher_proba"


def provenance(auto, X, y, teacher, given, splits, begun):
    """Where a fitted `AutoDistiller` comes from.

    Parameters
    ----------
    auto : AutoDistiller
        With ``classes_``.
    X, y : array-like
    teacher : classifier, list or None
        Unfitted, unless it is frozen.
    given : dict
        Other metadata of ``fit``, with "groups"; with "teacher_proba" there was no teacher.
    splits : list of (train, test)
    begun : datetime
        In UTC.

    Returns
    -------
    dict
    """
    _, counts = np.unique(y, return_counts=True)
    names = getattr(auto, "feature_names_in_", None)
    return {
        "begun": begun.isoformat(timespec="seconds"),
        "seconds": (datetime.now(UTC) - begun).total_seconds(),
        "n_samples": len(y),
        "n_features": getattr(auto, "n_features_in_", None),
        "feature_names": None if names is None else names.tolist(),
        "classes": [str(label) for label in auto.classes_],
        "class_counts": counts.tolist(),
        "data_hash": data_hash(X, y),
        **_of_teacher(teacher, given),
        "random_state": repr(auto.random_state),
        "versions": _versions(),
        "warnings": _warnings(X, y, teacher, given, splits),
    }


def data_hash(X, y):
    """A hash of column names, rows and labels, whatever their layout in memory.

    Parameters
    ----------
    X : array-like, frame, sparse matrix or list of n_samples rows
    y : ndarray of shape (n_samples,)

    Returns
    -------
    str
        The same in every process.
    """
    names, (classes, codes) = getattr(X, "columns", ()), np.unique(y, return_inverse=True)
    parts = [str(name) for name in names], classes.tolist(), codes, np.asarray(_row_hashes(X))
    return joblib.hash(parts)


def held_out_in_words(cv, groups, splits):
    """How an `AutoDistiller` held rows out.

    Parameters
    ----------
    cv : int, splitter, iterable or None
        As it was given.
    groups : ndarray of shape (n_samples,) or None
    splits : list of (train, test)

    Returns
    -------
    str
    """
    if cv is None:
        if groups is not None:
            return "a quarter of the groups, at random"
        return "a quarter of the rows, at random within each class"
    if isinstance(cv, Integral):
        if groups is not None:
            return f"each group once, in {cv} folds at random"
        return f"each row once, in {cv} folds at random within each class"
    n = len(splits)
    return f"as cv= gave them: {n} split{'s' * (n > 1)}"


def _of_teacher(teacher, given):
    if _GIVEN in given:
        return {"teacher": _GIVEN, "teacher_hash": joblib.hash(np.asarray(given[_GIVEN]))}
    teacher = resolve_teacher(teacher)
    try:
        found = fingerprint(teacher)["estimator"]
    except (pickle.PicklingError, AttributeError, TypeError):  # it holds a lambda
        found = None
    return {"teacher": repr(teacher), "teacher_hash": found}


def _versions():
    packages = {"scikit-learn": sklearn, "scipy": scipy, "numpy": np, "optuna": optuna}
    packages |= {"joblib": joblib, "skdistill": sys.modules["skdistill"]}
    versions = {name: package.__version__ for name, package in packages.items()}
    return {"python": platform.python_version(), **versions}


def _warnings(X, y, teacher, given, splits):
    """What makes held-out estimates too good, or says nothing of a class."""
    tested = np.concatenate([test for _, test in splits])
    unseen = [
        f"no held-out row is of class {label!r}: no estimate speaks of it"
        for label in np.setdiff1d(y, y[tested]).tolist()
    ]
    groups = given.get("groups")
    return (
        _of_labels(teacher, given) + _of_rows(X, splits) + _of_groups(groups, splits) + unseen
    )


def _of_labels(teacher, given):
    teachers = [one for _, one, *_ in teacher] if isinstance(teacher, list) else [teacher]
    if _GIVEN in given:
        return [
            "teacher_proba was given: where the models behind it had seen the row they "
            "label, the estimates are too good"
        ]
    if any(map(is_frozen, teachers)):
        return [
            "the teacher is frozen: where it had seen the held-out rows, its estimates and "
            "those of the students it taught are too good"
        ]
    return []


def _of_rows(X, splits):
    hashes, tested = np.asarray(_row_hashes(X)), sum(len(test) for _, test in splits)
    known = sum(np.isin(hashes[test], hashes[train]).sum() for train, test in splits)
    if not known:
        return []
    return [
        f"{known} of {tested} held-out rows equal a training row in every column: where that "
        "is no coincidence, the estimates are too good"
    ]


def _of_groups(groups, splits):
    if groups is None:
        return []
    both = [np.intersect1d(groups[train], groups[test]) for train, test in splits]
    split = len(np.unique(np.concatenate(both)))
    if not split:
        return []
    return [
        f"{split} groups have rows both held out and not: where rows of a group are alike, "
        "the estimates are too good"
    ]


def _row_hashes(X):
    """A hash of each row: equal rows have equal hashes, in every process."""
    if hasattr(X, "hash_rows"):  # polars
        return X.hash_rows().to_numpy()
    if hasattr(X, "iloc"):
        from pandas.util import hash_pandas_object

        try:
            return hash_pandas_object(X, index=False)
        except TypeError:  # cells without a hash, such as lists
            return hash_pandas_object(X.astype(str), index=False)
    if issparse(X):
        X = X.tocsr(copy=True)
        X.sum_duplicates()
        X.eliminate_zeros()
        places, ends = X.indices.astype(np.int64), zip(X.indptr, X.indptr[1:], strict=False)
        return [_hash(places[a:b].tobytes() + X.data[a:b].tobytes()) for a, b in ends]
    if isinstance(X, np.ndarray) and X.dtype.kind in "biuf":
        return [_hash(row.tobytes()) for row in X]
    return [joblib.hash(row) for row in (X.tolist() if hasattr(X, "tolist") else X)]


def _hash(row):
    return blake2b(row, digest_size=8).hexdigest()
