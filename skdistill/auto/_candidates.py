"""What `AutoDistiller` explores: students, distilled in one or several ways, and plain.

Students that are not given are made for X.
"""

from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

from skdistill.auto._defaults import auto_students
from skdistill.auto._leaderboard import TEACHER
from skdistill.students import available

_KEYS = ("name", "student", "temperature", "alpha")
AUTO = ("tree", "logistic", "boosting", "network")


class Candidate(NamedTuple):
    """A row of the leaderboard to be; a temperature or alpha of None is searched.

    Attributes
    ----------
    name, family : str
    kind : {"distilled", "plain"}
    plain_twin : str
        Name of the same student on hard labels; "" for a plain one.
    student : classifier
    temperature, alpha : float or None
    share : int
        Candidates that share the trials of their family.
    """

    name: str
    family: str
    kind: str
    plain_twin: str
    student: Any
    temperature: float | None
    alpha: float | None
    share: int = 1


def candidates(students, X, temperatures, alphas):
    """The full product for each student, and the student on hard labels.

    Parameters
    ----------
    students : "auto" or list
        As `AutoDistiller` takes them.
    X : array-like, frame or sparse matrix
        What the students of "auto" fit themselves to.
    temperatures, alphas : array-like or None
        None: one candidate, which searches them.

    Returns
    -------
    list of Candidate

    Raises
    ------
    ValueError
        If there is no student, one is no classifier, two have one name or one that of the
        teacher's row, a dictionary has an unknown key or no student, a name is none of a
        student that takes X, or a temperature or alpha is out of its range.
    """
    if not len(students):
        raise ValueError("students is empty; give one or more, or 'auto'")
    found = []
    for family, student, own_temperature, own_alpha in _students(students, X):
        each = list(product(_given(own_temperature, temperatures), _given(own_alpha, alphas)))
        _check_ranges(family, each)
        found += _of_family(family, student, each)
    _check_names([candidate.name for candidate in found])
    return found


def _of_family(family, student, each):
    """A student distilled at each temperature and alpha, and plain."""
    plain, share = f"{family}, plain", len(each)
    distilled = [
        Candidate(_name(family, *one, share), family, "distilled", plain, student, *one, share)
        for one in each
    ]
    return [*distilled, Candidate(plain, family, "plain", "", student, 1.0, 0.0)]


def _name(family, temperature, alpha, share):
    """The name of the family and, where it has several candidates, their parameters."""
    if share == 1:
        return family
    given = {"T": temperature, "alpha": alpha}
    return ", ".join(
        [family, *(f"{name}={value:g}" for name, value in given.items() if value is not None)]
    )


def _check_names(names):
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(
            f"two rows would be called {twice[0]!r}; give students other names: "
            "[(name, student), ...]"
        )
    if TEACHER in names:
        raise ValueError(
            f"no student can be called {TEACHER!r}, as the teacher's row of the leaderboard "
            "is; give it another name: [(name, student), ...]"
        )


def named_students(students):
    """Name and student of each entry of a list.

    Parameters
    ----------
    students : list

    Returns
    -------
    list of (str, classifier or None)
        None for a name of "auto", which stands for a student that is made for X.
    """
    return [_named(one, lambda name: None)[:2] for one in students]


def check_students(students):
    """Refuse a list that holds something else than students, before X is looked at.

    Parameters
    ----------
    students : "auto" or list

    Raises
    ------
    ValueError
        As in `candidates`.
    """
    if isinstance(students, str):
        return
    for name, student in named_students(students):
        if not isinstance(name, str):
            raise ValueError(f"the name of a student is text, got {name!r}")
        # one that is made for X is not there yet
        if student is not None and not hasattr(student, "fit"):
            raise ValueError(
                f"the student {name!r} is no classifier but {student!r}; give an estimator "
                "with fit, or the name of one"
            )


def _check_ranges(family, each):
    for temperature, alpha in each:
        if not (temperature is None or 0 < temperature < np.inf):
            raise ValueError(
                f"temperatures must be greater than 0, got {temperature:g} for {family!r}"
            )
        if not (alpha is None or 0 <= alpha <= 1):
            raise ValueError(f"alphas must lie in [0, 1], got {alpha:g} for {family!r}")


def _given(of_student, of_all):
    if of_student is not None:
        return [float(of_student)]
    return [None] if of_all is None else np.asarray(of_all, dtype=np.float64).tolist()


def _students(students, X):
    """Name, student, temperature and alpha of each."""
    if isinstance(students, str):
        return [(name, student, None, None) for name, student in auto_students(X)]
    return [_named(one, partial(_auto_student, X)) for one in students]


def _named(one, auto_student):
    if isinstance(one, dict):
        if unknown := sorted(set(one) - set(_KEYS)):
            raise ValueError(f"a student has the keys {list(_KEYS)}, got {unknown[0]!r}")
        if "student" not in one:
            raise ValueError(f"a dictionary of students needs the key 'student', got {one!r}")
        name, student, _, _ = _named(one["student"], auto_student)
        return one.get("name", name), student, one.get("temperature"), one.get("alpha")
    if isinstance(one, str):
        return one, auto_student(one) if one in AUTO else _class(one)(), None, None
    if isinstance(one, tuple):
        if len(one) != 2:
            raise ValueError(f"a student is (name, classifier), got a tuple of {len(one)}")
        name, student = one
        return name, _named(student, auto_student)[1], None, None
    last = one[-1] if isinstance(one, Pipeline) else one
    return type(last).__name__, one, None, None


def _auto_student(X, name):
    made = dict(auto_students(X))
    if name not in made:
        raise ValueError(f"the student {name!r} takes no sparse X; there are {list(made)}")
    return made[name]


def _class(name):
    """A registered class; one of a package that is absent says what to install."""
    classes = available()
    known = [one for one in classes if one != "Pipeline"]  # which needs steps
    unknown = ValueError(
        f"no student is called {name!r}; there are {list(AUTO)}, made for X, and the classes "
        f"{known}"
    )
    if name == "Pipeline":
        raise unknown
    try:
        return classes[name]
    except KeyError:
        raise unknown from None
