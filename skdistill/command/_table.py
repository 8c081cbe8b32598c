"""Rows of a table on disk, with the part that each column plays; as the options name it.

What the user can mend is `Refused` with the option, the value and the remedy. Nothing is
left out and nothing turned into numbers by guess: text becomes categories, truth values
stay, and a date that is not the time column is refused.
"""

import logging
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.multiclass import type_of_target

from skdistill.command._refused import Refused, check_known, listed
from skdistill.teachers._given import check_teacher_proba

_log = logging.getLogger(__name__)

_LATE = 0.25  # share of rows held out by time
_FOLDS = 4  # one held out, and three to search on
_MOST_CLASSES = 100
_SEVERAL = 0.5  # share of different texts that names rows and no categories
_TEXT = ("string", "categorical", "boolean")
_DATES = ("date", "time", "period")  # kinds that begin so
_DATE = r"(\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{4})([T ].*)?"


class Rows(NamedTuple):
    """What `AutoDistiller` is given.

    Attributes
    ----------
    X : pandas.DataFrame
    y : ndarray of shape (n_samples,)
    fit_params : dict
        "sample_weight", "groups" and "teacher_proba", where an option names columns.
    cv : list of (ndarray, ndarray) or None
        Rows before the last quarter by time and the others; None: no time column.
    """

    X: Any
    y: Any
    fit_params: dict
    cv: Any


def read(options):
    """Read a table and check every column that an option names.

    Parameters
    ----------
    options : argparse.Namespace
        With ``data``, the path, and ``target``, ``group``, ``time_column``, ``weight``,
        ``drop`` and ``teacher_proba``.

    Returns
    -------
    Rows

    Raises
    ------
    Refused
        If the file, a column or its values will not do.
    """
    frame = _frame(Path(options.data))
    _check_roles(roles := _roles(options), frame)
    y = _labels(frame[options.target], f"--target {options.target}")
    fit_params, cv = {}, None
    if options.weight:
        fit_params["sample_weight"] = _weights(frame[options.weight], options.weight)
    if options.group:
        fit_params["groups"] = _groups(frame[options.group], options.group)
    if options.teacher_proba:
        fit_params["teacher_proba"] = _proba(frame[options.teacher_proba], np.unique(y))
    if options.time_column:
        cv = _latest(frame[options.time_column], options.time_column)
        _check_split(cv, y, fit_params.get("groups"), options.time_column)
    taken = [name for names in roles.values() for name in names]
    X = _features(frame.drop(columns=taken))
    return Rows(X, y, fit_params, cv)


def _frame(path):
    import pandas as pd

    readers = {
        ".csv": (_names_in_csv, partial(pd.read_csv, low_memory=False)),
        ".parquet": (_names_in_parquet, pd.read_parquet),
    }
    if path.suffix.lower() not in readers:
        raise Refused(f"{path} ends in {path.suffix!r}; give a .csv or a .parquet file")
    names_in, rows_in = readers[path.suffix.lower()]
    if twice := [name for name, n in Counter(_read(path, names_in)).items() if n > 1]:
        raise Refused(f"{path} has several columns called {listed(twice)}; rename all but one")
    frame = _read(path, rows_in)
    if frame.empty:
        raise Refused(f"{path} has no rows; give a table with a line of names and rows")
    if frame.shape[1] == 1:
        raise Refused(
            f"{path} has one column, {str(frame.columns[0])!r}; a target and a feature are "
            "needed, and in a .csv commas between them"
        )
    frame.columns = frame.columns.map(str)
    return frame.reset_index(drop=True)


def _read(path, reader):
    try:
        return reader(path)
    except (OSError, ValueError) as error:
        raise Refused(f"{path} cannot be read: {error}") from error


def _names_in_csv(path):
    """As they stand in the file: `pandas.read_csv` tells equal ones apart by numbers."""
    import pandas as pd

    return pd.read_csv(path, header=None, nrows=1, dtype=str).iloc[0].dropna()


def _names_in_parquet(path):
    from pyarrow.parquet import ParquetDataset

    return ParquetDataset(path).schema.names


def _roles(options):
    """Columns that are no features, by the option that names them."""
    single = {
        "--target": options.target,
        "--group": options.group,
        "--time-column": options.time_column,
        "--weight": options.weight,
    }
    roles = {option: [name] for option, name in single.items() if name is not None}
    return roles | {"--teacher-proba": options.teacher_proba, "--drop": options.drop}


def _check_roles(roles, frame):
    taken = {}
    for option, names in roles.items():
        check_known(option, names, frame.columns, "a column of the table")
        for name in names:
            if name in taken:
                raise Refused(f"{name!r} is given to {taken[name]} and {option}; keep one")
            taken[name] = option
    if len(taken) == frame.shape[1]:
        raise Refused(f"no feature is left: {', '.join(roles)} name every column")


def _labels(column, what):
    _check_complete(column, what)
    y = np.array(column.tolist())
    labels, counts = np.unique(y, return_counts=True)
    classes = labels.tolist()
    if len(classes) == 1:
        raise Refused(f"{what} has one class, {classes[0]!r}, in every row; two are needed")
    if len(classes) > _MOST_CLASSES or type_of_target(y) not in ("binary", "multiclass"):
        raise Refused(
            f"{what} has {len(classes):,} different values, from {classes[0]!r} to "
            f"{classes[-1]!r}; these are no classes, so bin them into a column of few"
        )
    if counts.max() < _FOLDS:
        raise Refused(
            f"{what} has {counts.max()} rows of a class at most; {_FOLDS} or more are due"
        )
    return y


def _check_complete(column, what):
    if missing := int(column.isna().sum()):
        raise Refused(
            f"{what} is missing in {missing:,} of {len(column):,} rows; fill it in, or remove "
            "these rows"
        )


def _weights(column, name):
    import pandas as pd

    weight = pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan)
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if bad.any():
        raise Refused(
            f"--weight {name} is missing, negative or no number in {bad.sum():,} of "
            f"{len(bad):,} rows, first {column.tolist()[bad.argmax()]!r}; give 0 or more"
        )
    if not weight.any():
        raise Refused(f"--weight {name} is 0 in every row; give some row a weight")
    return weight


def _groups(column, name):
    _check_complete(column, f"--group {name}")
    groups, values = column.factorize()
    if len(values) < _FOLDS:
        raise Refused(
            f"--group {name} has {len(values)} groups; {_FOLDS} are needed to hold one out "
            "and to search on the others"
        )
    return groups


def _proba(proba, classes):
    names, labels = list(proba), [str(label) for label in classes.tolist()]
    if len(names) != len(classes):
        raise Refused(
            f"--teacher-proba names {len(names)} columns, {names}; give one for each of the "
            f"{len(classes)} classes {labels}"
        )
    if set(names) == set(labels):
        names = labels
    else:
        pairs = ", ".join(
            f"{name} for {label!r}" for name, label in zip(names, labels, strict=True)
        )
        _log.warning("--teacher-proba is taken in the order of the sorted classes: %s", pairs)
    try:
        values = check_teacher_proba(proba[names].to_numpy(float), len(proba), classes)
    except ValueError as error:
        raise Refused(f"--teacher-proba {' '.join(names)}: {error}") from error
    return type(proba)(values, columns=classes)  # named, for folds that lack a class


def _latest(column, name):
    """Rows before some moment, and those from it on, about a quarter: no moment is split."""
    _check_complete(column, f"--time-column {name}")
    times = _times(column, name)
    moments, counts = np.unique(times, return_counts=True)
    if len(moments) == 1:
        raise Refused(f"--time-column {name} is the same in every row; leave the option out")
    share = counts[::-1].cumsum()[::-1] / len(times)  # of rows from each moment on
    late = times >= moments[1 + np.abs(share[1:] - _LATE).argmin()]
    return [(np.flatnonzero(~late), np.flatnonzero(late))]


def _times(column, name):
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(float)
    try:
        return pd.to_datetime(column, format="ISO8601", utc=True).astype("int64").to_numpy()
    except (ValueError, TypeError) as error:
        raise Refused(
            f"--time-column {name} holds {str(column[0])!r}; write dates as 2024-01-31, which "
            "leaves no doubt about day and month, or give numbers"
        ) from error


def _check_split(cv, y, groups, name):
    ((early, late),) = cv
    if len(np.unique(y[early])) == 1:
        raise Refused(
            f"--time-column {name}: before the last quarter every row is "
            f"{str(y[early][0])!r}; rows of two classes are needed to learn from"
        )
    if groups is not None and (both := np.intersect1d(groups[early], groups[late])).size:
        _log.warning(
            "--group: %d groups have rows both in the held-out quarter and before",
            len(both),
        )


def _features(frame):
    """Text as categories, and nullable numbers as plain ones."""
    features = frame.assign(**{name: _feature(column) for name, column in frame.items()})
    for name, column in features.items():
        different, most = column.nunique(), _most_different(column)
        if different <= 1 or different > most:
            why = "a constant" if different <= 1 else "an identifier, different in most rows"
            _log.warning(
                "column %r looks like %s; leave it out with --drop %s", name, why, name
            )
    return features


def _most_different(column):
    """How many values make no identifier: of numbers with a fraction, any number of them."""
    if column.dtype.kind == "f":
        return len(column)
    return len(column) - 1 if column.dtype.kind in "iu" else _SEVERAL * len(column)


def _feature(column):
    from pandas.api.types import infer_dtype, is_numeric_dtype

    name, kind = column.name, infer_dtype(column, skipna=True)
    if is_numeric_dtype(column) or kind in ("decimal", "empty"):
        return _number(column)
    if kind.startswith(_DATES) or (kind == "string" and _are_dates(column)):
        raise Refused(
            f"column {name!r} holds dates, such as {str(column.dropna().iloc[0])!r}: make a "
            f"number of it (an age in days), or give --time-column {name}, or --drop {name}"
        )
    if kind not in _TEXT:
        raise Refused(
            f"column {name!r} holds values of no one kind ({kind}); make text or numbers of "
            f"it, or --drop {name}"
        )
    return column.astype("category")


def _are_dates(text):
    return text.dropna().str.fullmatch(_DATE).all()


def _number(column):
    plain = isinstance(column.dtype, np.dtype) and column.dtype != object
    column = column if plain else column.astype(float)
    if infinite := int(np.isinf(column).sum()):
        raise Refused(
            f"column {column.name!r} is infinite in {infinite:,} rows; leave these values "
            f"empty, or --drop {column.name}"
        )
    return column
