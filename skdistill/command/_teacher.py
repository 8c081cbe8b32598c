"""The teacher of a ``.skops`` file: loaded if its types are trusted, and never refitted."""

import logging

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from skdistill.command._refused import Refused
from skdistill.teachers._ask import ask_teacher

_log = logging.getLogger(__name__)


def load_teacher(options, rows):
    """The teacher that an option names, and the rows as it takes them.

    Parameters
    ----------
    options : argparse.Namespace
        With ``teacher``, the path or None, and ``trust``, names of types.
    rows : Rows

    Returns
    -------
    teacher : FrozenEstimator or None
    rows : Rows
        Columns of ``X`` are in the order of the teacher.

    Raises
    ------
    Refused
        If it cannot be loaded, is not fitted or was fitted on other columns or classes.
    """
    if options.teacher is None:
        return None, rows
    teacher = _load(options.teacher, options.trust)
    X = _as_taught(teacher, rows.X)
    try:
        ask_teacher(teacher, X[:10], np.unique(rows.y))
    except Exception as error:  # each library has its own
        raise Refused(
            f"--teacher {options.teacher} does not fit the table: {error}"
        ) from error
    _log.warning(
        "--teacher is taken as it is: if it has seen rows of this table, the estimates are "
        "too good"
    )
    return FrozenEstimator(teacher), rows._replace(X=X)


def _load(path, trust):
    from skops.io import get_untrusted_types, load

    try:
        if unknown := sorted(set(get_untrusted_types(file=path)) - set(trust)):
            raise Refused(
                f"--teacher {path} holds types that are not trusted; if you trust where the "
                f"file comes from: --trust {' '.join(unknown)}"
            )
        teacher = load(path, trusted=trust)
        check_is_fitted(teacher)
    except (NotFittedError, TypeError) as error:
        raise Refused(f"--teacher {path} is no fitted classifier: {error}") from error
    except Refused:
        raise
    except Exception as error:  # a file may be damaged in any way
        raise Refused(f"--teacher {path} cannot be read as a skops file: {error}") from error
    return teacher


def _as_taught(teacher, X):
    """X with the columns in the order that the teacher was fitted on."""
    names = getattr(teacher, "feature_names_in_", None)
    if names is None:
        expected = getattr(teacher, "n_features_in_", X.shape[1])
        if expected != X.shape[1]:
            raise Refused(
                f"--teacher was fitted on {expected} columns without names and the table has "
                f"{X.shape[1]}: {', '.join(X)}; --drop what it did not see"
            )
        _log.warning("--teacher knows no column names; it gets %s in this order", list(X))
        return X
    if lacking := [name for name in names if name not in X]:
        raise Refused(f"--teacher was fitted on columns that are not features here: {lacking}")
    if unseen := [name for name in X if name not in names]:
        raise Refused(f"--teacher was not fitted on {unseen}; --drop {' '.join(unseen)}")
    return X[list(names)]
