"""What a teacher must be, and the default teacher."""

from typing import Any

from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skdistill._estimators._classes import innermost
from skdistill._estimators._delegation import requesting_weights
from skdistill._estimators._inside import is_fitted, last_step
from skdistill._estimators._meaning import refuse_other_meaning
from skdistill._sklearn.model_selection import BaseSearchCV
from skdistill.teachers._soft_vote import SoftVote


def resolve_teacher(teacher: Any, n_jobs: int | None = None) -> Any:
    """The teacher that will be used: as given, the mean of a list, or a random forest.

    Parameters
    ----------
    teacher : classifier, list or None
    n_jobs : int, default=None
        Threads of the random forest.

    Returns
    -------
    classifier
        Unfitted and not a clone, if it was given and is not a list.
    """
    if teacher is None:
        return requesting_weights(RandomForestClassifier(300, n_jobs=n_jobs))
    if isinstance(teacher, list):
        return requesting_weights(SoftVote(teacher))
    return teacher


def members_of(teacher: Any) -> list[Any]:
    """The teachers of a list, or the one that there is; a random forest for None.

    Parameters
    ----------
    teacher : classifier, list or None

    Returns
    -------
    list of classifier
    """
    if isinstance(teacher, list):
        return [one for _, one, *_ in teacher]
    return [resolve_teacher(teacher)]


def check_teacher(teacher: Any, n_classes: int | None = None) -> list[str]:
    """Refuse a teacher that cannot give soft labels, before anything is fitted.

    Parameters
    ----------
    teacher : classifier
    n_classes : int, default=None
        Of y.

    Returns
    -------
    list of str
        Its class name if it is fitted though not frozen, since it is fitted again; of a
        list of teachers each such name.

    Raises
    ------
    ValueError
        If it has neither ``predict_proba`` nor ``decision_function``, or its parameters
        make them no answers about classes.
    NotFittedError
        If it is frozen and was never fitted.
    """
    if isinstance(teacher, SoftVote):
        return [
            name for _, one, *_ in teacher.members for name in check_teacher(one, n_classes)
        ]
    name = type(teacher).__name__
    fitted = is_fitted(teacher)
    if is_frozen(teacher) and not fitted:
        raise NotFittedError(
            f"teacher=FrozenEstimator({type(last_step(teacher)).__name__}) was never fitted; "
            "fit the estimator before freezing it, or pass it unfrozen"
        )
    if not _gives_proba(teacher):
        raise ValueError(
            f"teacher={name} gives no probabilities: it has neither predict_proba nor "
            "decision_function; wrap it in CalibratedClassifierCV, or pass teacher_proba"
        )
    refuse_other_meaning("teacher", innermost(teacher), n_classes)
    return [name] if fitted and not is_frozen(teacher) else []


def _gives_proba(teacher):
    """Whether it will, once fitted; a default StackingClassifier cannot say so before."""
    last = last_step(teacher)
    while isinstance(last, BaseSearchCV):
        last = last_step(last.estimator)
    if isinstance(last, StackingClassifier) and last.final_estimator is None:
        return True
    return hasattr(teacher, "predict_proba") or hasattr(teacher, "decision_function")


def is_frozen(teacher: Any) -> bool:
    """Whether no fit changes it: frozen itself, at the end of a Pipeline, or all of a list."""
    while isinstance(teacher, Pipeline):
        teacher = teacher.steps[-1][1]
    if isinstance(teacher, list | SoftVote):
        return all(is_frozen(one) for one in voters(teacher))
    return isinstance(teacher, FrozenEstimator)


def voters(teacher: Any) -> list[Any]:
    """The teachers whose mean a teacher is; itself, if it is no mean of several."""
    return members_of(teacher.members if isinstance(teacher, SoftVote) else teacher)


def check_members(members):
    """Refuse a list that is not one of named teachers, before anything is fitted.

    Parameters
    ----------
    members : list

    Raises
    ------
    ValueError
        If an entry is no ``(name, teacher)`` or ``(name, teacher, weight)``, a teacher has
        no ``fit``, or a weight is negative or all are 0.
    """
    for member in members or [None]:
        if not (isinstance(member, tuple) and len(member) in (2, 3)):
            raise ValueError(
                "a list of teachers holds (name, teacher) or (name, teacher, weight), got "
                f"{member!r}"
            )
        if not hasattr(member[1], "fit"):
            raise ValueError(
                f"the teacher called {member[0]!r} is no classifier but {member[1]!r}; give "
                "an estimator with fit"
            )
    weights = [weight[0] if weight else 1.0 for _, _, *weight in members]
    if min(weights) < 0 or not any(weights):
        raise ValueError(
            f"the weights of a list of teachers must not be negative or all 0, got {weights}"
        )
