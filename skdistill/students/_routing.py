"""Fit parameters of a student, and of the steps of a student that is a Pipeline."""

import inspect

from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import process_routing

from skdistill.students._registry import refuse_weight


def check_fit_params(student, fit_params):
    """Refuse fit parameters that a student, or the named step of it, does not take.

    Parameters
    ----------
    student : classifier
    fit_params : dict

    Raises
    ------
    TypeError
        Naming the parameter, and where else it may belong.
    """
    for name in fit_params:
        owner, own_name = student, name
        while isinstance(owner, Pipeline):
            step, _, own_name = own_name.partition("__")
            owner = dict(owner.steps).get(step)
        if not hasattr(owner, "fit") or not _takes(owner.fit, own_name):
            raise TypeError(
                f"fit of student={type(student).__name__} takes no {name!r}; a parameter of a "
                "Pipeline's step is named step__parameter, and what is meant for the teacher "
                "or for cv needs metadata routing"
            )
        if is_classifier(owner):
            refuse_weight({own_name})


def _takes(fit, name):
    known = inspect.signature(fit).parameters
    return name in known or any(p.kind is p.VAR_KEYWORD for p in known.values())


def requested_weight(student, routed):
    """The weights that a student asks for, of a Pipeline those of its last step.

    Parameters
    ----------
    student : classifier
    routed : dict
        Metadata that routing hands to its ``fit``.

    Returns
    -------
    array-like or None
    """
    while isinstance(student, Pipeline) and routed:
        name, last = student.steps[-1]
        routed, student = process_routing(student, "fit", **routed)[name].fit, last
    return routed.get("sample_weight")
