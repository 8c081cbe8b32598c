"""Hashes of what a study is run on, by part, so that a refusal can name the part that differs.

Each parameter of the estimator is a part of its own. A function counts by its code, its
defaults and what it closes over: the names of two lambdas are equal. Functions of the
libraries below count by name.
"""

from functools import partial
from pickle import PicklingError
from types import CodeType, FunctionType, MethodType

import joblib
from sklearn.base import BaseEstimator, clone

_LIBRARIES = ("numpy", "scipy", "sklearn", "skdistill")
_IDLE = ("n_jobs", "verbose", "memory")  # parameters that change no result


def fingerprint(estimator):
    """A hash of an estimator, in one part.

    Parameters
    ----------
    estimator : estimator
        Parameters that change no result (`n_jobs`, `verbose`, `memory`) are left out.

    Returns
    -------
    dict of str
    """
    return {"estimator": joblib.hash(_plain(estimator)[0])}


def fingerprint_by_part(estimator, **parts):
    """Hashes of what a study is run on, by part.

    Parameters
    ----------
    estimator : estimator
        Parameters that change no result (`n_jobs`, `verbose`, `memory`) are left out.
    **parts : object

    Returns
    -------
    dict of str

    Raises
    ------
    ValueError
        If a part holds something that another process could not know again.
    """
    return {name: _hash(name, part) for name, part in (parts | _params(estimator)).items()}


def differences(known, mark):
    """Names of the parts in which two fingerprints differ.

    A nested estimator that differs stands for its parameters.

    Parameters
    ----------
    known, mark : dict of str

    Returns
    -------
    list of str
    """
    other = sorted(name for name in known | mark if known.get(name) != mark.get(name))
    return [
        name for name in other if not any(name.startswith(f"{outer}__") for outer in other)
    ]


def _params(estimator):
    """Parameters by name; of an estimator that has its own ones listed the class alone."""
    plain, idle = _plain(estimator)
    params = plain.get_params()
    listed = {id(value) for name, value in params.items() if _is_listed(name, value, params)}
    return {"estimator": type(plain)} | {
        f"estimator.{name}": _without(value, listed)
        for name, value in params.items()
        if name not in idle
    }


def _plain(estimator):
    """A clone whose parameters that change no result are None, and the names of these."""
    plain = clone(estimator)
    idle = [name for name in plain.get_params() if name.rpartition("__")[2] in _IDLE]
    return plain.set_params(**dict.fromkeys(idle)), idle


def _is_listed(name, value, params):
    """Whether the parameters listed are all that a clone of the value would keep."""
    if isinstance(value, type) or not hasattr(value, "get_params"):
        return False
    by_params = type(value).__sklearn_clone__ is BaseEstimator.__sklearn_clone__
    return by_params and all(
        f"{name}__{own}" in params for own in value.get_params(deep=False)
    )


def _without(value, listed):
    if id(value) in listed:
        return type(value)
    if isinstance(value, list | tuple):
        return [_without(one, listed) for one in value]
    return value


def _hash(name, part):
    try:
        return joblib.hash(_meaning(part))
    except (PicklingError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{name.partition('.')[0]} holds what another process could not know again, so a "
            f"study with a name cannot go on with it ({error}); define it in a module, or "
            "leave storage out"
        ) from error


def _meaning(value):
    """What gives a value its meaning, in a form that can be pickled."""
    if isinstance(value, FunctionType):
        return _of_function(value)
    if isinstance(value, MethodType):
        return ["method", _meaning(value.__func__), _meaning(value.__self__)]
    if isinstance(value, partial):
        return ["partial", _meaning([value.func, value.args, value.keywords])]
    if isinstance(value, dict):
        return {name: _meaning(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_meaning(one) for one in value]
    if callable(value) and hasattr(value, "__dict__") and not isinstance(value, type):
        return [type(value), _meaning(vars(value))]
    return value


def _of_function(function):
    if (function.__module__ or "").partition(".")[0] in _LIBRARIES:
        return f"{function.__module__}.{function.__qualname__}"
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    kept = [function.__defaults__, function.__kwdefaults__, cells]
    return ["function", _of_code(function.__code__), *map(_meaning, kept)]


def _of_code(code):
    inner = [_of_code(one) if isinstance(one, CodeType) else one for one in code.co_consts]
    return [code.co_code, code.co_names, inner]
