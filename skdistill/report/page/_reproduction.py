"""How to make the student again: code, versions, seeds, fingerprints, warnings."""

import ast
import inspect

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator

from skdistill._distillation import draw_seeds
from skdistill._estimators._params import unset_seeds
from skdistill.students import resolve_student

_WIDTH = 72


def reproduction(case):
    """Provenance, and a snippet that fits the student again.

    Parameters
    ----------
    case : Case

    Returns
    -------
    dict
    """
    return case.provenance | {"code": snippet(case)}


def snippet(case):
    """Code that fits the chosen student to X and y; "" where nobody knows how.

    Parameters
    ----------
    case : Case

    Returns
    -------
    str
    """
    if case.model is None:
        return ""
    model = clone(case.model).set_params(memory=None)
    if "teacher_proba" in case.fit_names:
        model.set_params(teacher=None)
    if _fits_itself(case):
        model = _seeded_student(model)
        fit = [f"student = {source(model)}", "student.fit(X, y)"]
    else:
        given = "".join(f", {name}={name}" for name in case.fit_names)
        fit = [
            f"model = {source(model)}",
            f"model.fit(X, y{given})",
            "student = model.student_",
        ]
    imports = [f"from {module} import {name}" for module, name in sorted(_classes(model))]
    code = [*imports, "", *fit]
    return "\n".join([*_notes(model, "\n".join(code)), *code])


def _fits_itself(case):
    """Whether the student's own ``fit`` gives what ships: on hard labels it does.

    Weights have names of their own in a pipeline, and XGBoost takes no labels but codes.
    """
    model = case.model
    simple = model.alpha == 0 and model.max_samples is None and not case.fit_names
    return simple and np.array_equal(case.student.classes_, case.classes)


def _seeded_student(model):
    """The student, with the seeds that the model gives it."""
    student = clone(resolve_student(model.student))
    unset_seeds(student, draw_seeds(model.random_state).student)
    return student


def source(value, indent=0):
    """An expression that makes a parameter again, a line for each argument if it is long.

    Parameters
    ----------
    value : object
    indent : int, default=0

    Returns
    -------
    str
    """
    if isinstance(value, BaseEstimator):
        name, *brackets = type(value).__name__, "(", ")"
        items = [(f"{key}=", one) for key, one in _changed(value).items()]
    elif type(value) in (list, tuple):
        name, *brackets = "", *("[]" if isinstance(value, list) else "()")
        items = [("", one) for one in value]
    else:
        return _literal(value)
    flat = ", ".join(key + source(one) for key, one in items)
    flat += "," * (isinstance(value, tuple) and len(value) == 1)
    if indent + len(flat) < _WIDTH and "\n" not in flat:
        return f"{name}{brackets[0]}{flat}{brackets[1]}"
    pad = " " * (indent + 4)
    lines = [f"{pad}{key}{source(one, indent + 4)},\n" for key, one in items]
    return f"{name}{brackets[0]}\n{''.join(lines)}{' ' * indent}{brackets[1]}"


def _changed(model):
    """Parameters that are not at their defaults: None, where a class takes ``**kwargs``."""
    known = inspect.signature(type(model)).parameters
    defaults = {name: one.default for name, one in known.items()}
    params = model.get_params(deep=False)
    return {k: v for k, v in params.items() if repr(v) != repr(defaults.get(k))}


def _literal(value):
    if isinstance(value, np.ndarray):
        return source(value.tolist())
    if isinstance(value, np.generic):
        return _literal(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def _notes(model, code):
    notes = []
    if any(isinstance(one, FrozenEstimator) for one in _estimators(model)):
        notes.append("# FrozenEstimator: put the fitted teacher in it")
    try:
        ast.parse(code)
    except SyntaxError:
        notes.append("# a parameter below has no literal: put the object in its place")
    return notes


def _classes(model):
    """Public module and name of every class in the parameters."""
    return {(_module(type(one)), type(one).__name__) for one in _estimators(model)}


def _module(kind):
    """Where a class is imported from: the modules before the first private one."""
    names = kind.__module__.split(".")
    private = next((i for i, name in enumerate(names) if name.startswith("_")), len(names))
    return ".".join(names[:private]) or kind.__module__


def _estimators(model):
    """The model and those among its parameters, in lists too."""
    if isinstance(model, list | tuple):
        for one in model:
            yield from _estimators(one)
    elif isinstance(model, BaseEstimator):
        yield model
        for value in model.get_params(deep=False).values():
            yield from _estimators(value)
