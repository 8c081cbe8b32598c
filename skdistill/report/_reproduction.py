"""How to make the student again: code, versions, seeds, fingerprints, warnings."""

import ast
import re

from sklearn.base import BaseEstimator, clone
from sklearn.frozen import FrozenEstimator


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
    given = case.provenance["teacher"] == "teacher_proba"
    if given:
        model.set_params(teacher=None)
    fit = "model.fit(X, y, teacher_proba=teacher_proba)" if given else "model.fit(X, y)"
    text = model.__repr__(N_CHAR_MAX=10**9)
    lines = [f"from {module} import {name}" for module, name in sorted(_classes(model))]
    if re.search(r"\bnp\.", text):
        lines.insert(0, "import numpy as np")
    code = "\n".join([*lines, "", f"model = {text}", fit, "student = model.student_"])
    return "\n".join([*_notes(model, code), code])


def _notes(model, code):
    notes = []
    if any(isinstance(one, FrozenEstimator) for one in _estimators(model)):
        notes.append(
            "# the frozen teacher: load the fitted one in place of FrozenEstimator(...)"
        )
    try:
        ast.parse(code)
    except SyntaxError:
        notes.append("# a parameter below has no literal: put the object itself in its place")
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
