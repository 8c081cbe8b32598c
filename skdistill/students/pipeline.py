"""Pipelines: transformers fitted once, on the rows; the last step by its own family."""

from functools import partial
from typing import Any, Literal

import numpy as np
from sklearn import get_config
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object, process_routing

from skdistill._sklearn.validation import take_params, take_rows
from skdistill._typing import Rows, Seed
from skdistill.loss import BoundClassificationLoss
from skdistill.students._labels import hard_columns
from skdistill.students._registry import Fitted, fit_student, refine_pays, register
from skdistill.students._registry import search_space as space_of
from skdistill.students._routing import check_fit_params


def fit_pipeline(
    student: Any,
    X: Rows,
    loss: BoundClassificationLoss,
    *,
    refine: bool | Literal["auto"] = False,
    random_state: Seed = None,
    **fit_params: Any,
) -> Fitted:
    """Fit the transformers on the rows with a hard label, the last step on the loss.

    If no row has one, they are fitted on all rows and their most probable classes. Fit
    parameters reach the steps as `Pipeline.fit` would route them; `refine` reaches the last.
    """
    name, last = student.steps[-1]
    if last is None or last == "passthrough":
        raise ValueError(f"the last step of the student, {name!r}, must be a classifier")
    head = _without_classifier(student)
    head_params, last_params = _route(student, head, fit_params)
    X = _fit_transform(head, X, loss, head_params)
    for key in set(student.transform_input or ()) & set(last_params):
        last_params[key] = _transform_each(head, last_params[key])
    fitted = fit_student(
        last, X, loss, refine=refine, random_state=random_state, **last_params
    )
    student.steps = [*head.steps[:-1], (name, fitted.student)]
    return Fitted(student, fitted.path, fitted.curve)


def _without_classifier(student):
    """The same pipeline, nothing in the classifier's place.

    Without that place the last transformer would be out of reach of ``memory``.
    """
    steps = [*student.steps[:-1], (student.steps[-1][0], "passthrough")]
    return Pipeline(**{**student.get_params(deep=False), "steps": steps})


def _fit_transform(head, X, loss, params):
    y, rows = loss.classes[hard_columns(loss)], np.flatnonzero(loss.y >= 0)
    if len(rows) in (0, loss.n_samples):
        return head.fit_transform(X, y, **params)
    params = take_params(X, params, rows)
    return _transform(head.fit(take_rows(X, rows), y[rows], **params), X)


def _transform(head, X):
    """As ``head.transform``, which asks a stateless step whether it is fitted."""
    for _, step in head.steps:
        if step is not None and step != "passthrough":
            X = step.transform(X)
    return X


def _route(student, head, fit_params):
    """Parameters of the transformers and of the last step."""
    last = student.steps[-1][0]
    if get_config()["enable_metadata_routing"]:
        routed = process_routing(student, "fit", **fit_params)
        consumed = get_routing_for_object(head).consumes("fit_transform", fit_params)
        of_last = dict(routed[last].fit)
        if not isinstance(student.steps[-1][1], Pipeline):
            of_last.pop("sample_weight", None)  # part of the loss
        return {key: fit_params[key] for key in consumed}, of_last
    check_fit_params(student, fit_params)
    of_head, of_last = {}, {}
    for key, value in fit_params.items():
        step, _, parameter = key.partition("__")
        if step == last:
            of_last[parameter] = value
        else:
            of_head[key] = value
    return of_head, of_last


def _transform_each(head, value):
    """Validation data of the last step, seen through the transformers."""
    if isinstance(value, tuple):
        return tuple(_transform(head, part) for part in value)
    return _transform(head, value)


def pipeline_space(student: Any, *, refine: bool | Literal["auto"] = False) -> dict[str, Any]:
    """Search space of the last step, prefixed by its name."""
    name, last = student.steps[-1]
    return {f"{name}__{key}": value for key, value in space_of(last, refine=refine).items()}


register(
    Pipeline,
    fit_pipeline,
    search_space=pipeline_space,
    refine=partial(fit_pipeline, refine=True),
    refined_space=partial(pipeline_space, refine=True),
    delegates=True,
    refine_pays=lambda student, loss: refine_pays(student.steps[-1][1], loss),
)
