"""What to ship of a fitted model: preprocessing and student, nothing of this package."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdistill._estimators._inside import best_of, part_of
from skdistill._estimators._warnings import warn


def plain_estimator(model: Any) -> Any:
    """The preprocessing and the student of a fitted model, as one plain estimator.

    It predicts what `model` predicts, without this package and without the teacher.

    Parameters
    ----------
    model : fitted estimator
        A `DistilledClassifier`, an `AutoDistiller`, a search over one, or a pipeline that
        ends in one of these; pipelines and searches may be nested.

    Returns
    -------
    estimator
        For a pipeline, a :class:`sklearn.pipeline.Pipeline` with the same names and fitted
        transformers, and the student in the place of the last step. Else ``student_``.
        Nothing is copied: to fit it again also changes `model`.

    Raises
    ------
    NotFittedError
        If `model` is not fitted.
    ValueError
        If a class of this package would stay in the result: a wrapper uses it, as
        :class:`sklearn.calibration.CalibratedClassifierCV` does, a transformer uses it, or a
        search was fitted with ``refit=False``.

    Warns
    -----
    UserWarning
        If the student predicts codes instead of labels, as XGBoost does.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import DistilledClassifier, plain_estimator
    >>> X, y = load_iris(return_X_y=True)
    >>> kd = DistilledClassifier(student=DecisionTreeClassifier(max_depth=2))
    >>> plain_estimator(make_pipeline(StandardScaler(), kd).fit(X, y))
    Pipeline(steps=[('standardscaler', StandardScaler()),
                    ('distilledclassifier', DecisionTreeClassifier(max_depth=2))])
    """
    check_is_fitted(model)
    plain = part_of(model, "student_")
    if left := sorted({type(part).__name__ for part in _parts(plain) if _is_ours(part)}):
        raise ValueError(
            f"model={type(model).__name__} still needs {', '.join(left)} after its student "
            "was taken out; give a DistilledClassifier, a search that was fitted with refit, "
            "or a pipeline that ends in one of them"
        )
    labels, own = best_of(model).classes_, plain.classes_
    if not np.array_equal(labels, own):
        warn(
            f"the student has the classes {own.tolist()} and not {labels.tolist()}; keep the "
            "classes_ of the model to translate its predictions"
        )
    return plain


def _parts(estimator):
    """The estimator, its parameters and those of its parts."""
    return [estimator, *estimator.get_params(deep=True).values()]


def _is_ours(part):
    return type(part).__module__.partition(".")[0] == __name__.partition(".")[0]
