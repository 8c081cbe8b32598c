"""The student that is fitted where none is given."""

from typing import Any

from sklearn.tree import DecisionTreeClassifier

from skdistill._estimators._delegation import requesting_weights


def resolve_student(student: Any) -> Any:
    """The student that will be used: as given, or a decision tree of depth 6.

    Parameters
    ----------
    student : classifier or None

    Returns
    -------
    classifier
        Unfitted and not a clone, if it was given.
    """
    if student is None:
        return requesting_weights(DecisionTreeClassifier(max_depth=6))
    return student
