"""What is inside an estimator: its last step, the best of a search, trees, a fit."""

from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from sklearn.utils.validation import check_is_fitted

_LINEAR = ("sklearn.linear_model", "sklearn.discriminant_analysis", "sklearn.naive_bayes")
FORESTS = (RandomForestClassifier, ExtraTreesClassifier, BaggingClassifier)


def last_step(estimator):
    """The estimator inside a FrozenEstimator and at the end of a Pipeline."""
    while isinstance(estimator, (Pipeline, FrozenEstimator)):
        frozen = isinstance(estimator, FrozenEstimator)
        estimator = estimator.estimator if frozen else estimator.steps[-1][1]
    return estimator


def unfrozen(estimator):
    """The estimator inside a FrozenEstimator; others as they are."""
    return estimator.estimator if isinstance(estimator, FrozenEstimator) else estimator


def best_of(model):
    """The model that a search has found; others as they are."""
    return getattr(model, "best_estimator_", model)


def answering(model):
    """Whose answers a model gives: behind all searches, pipelines and frozen wrappers."""
    while (inside := last_step(best_of(model))) is not model:
        model = inside
    return model


def part_of(model, attribute):
    """What a distilled model holds, behind the steps of its pipeline; others as they are."""
    model = best_of(model)
    if isinstance(model, FrozenEstimator):
        return part_of(model.estimator, attribute)
    if isinstance(model, Pipeline):
        *head, (name, last) = model.steps
        return Pipeline([*head, (name, part_of(last, attribute))])
    return getattr(model, attribute, model)


def is_tree(estimator):
    """Whether its probabilities are counts of rows in a leaf."""
    return isinstance(estimator, (DecisionTreeClassifier, ExtraTreeClassifier))


def is_linear(estimator):
    """Whether it has one weight for each column: more rows of the teacher's add little to it.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    bool
        Of the last step of a Pipeline.
    """
    return type(last_step(estimator)).__module__.startswith(_LINEAR)


def is_fitted(estimator):
    """Whether an estimator says that it is fitted.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    bool
    """
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    except AttributeError:  # a class without tags, which scikit-learn cannot ask
        return any(name.endswith("_") for name in vars(last_step(estimator)))
    return True
