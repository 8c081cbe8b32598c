"""What a search draws and what an estimator is given: spaces of parameters.

A study holds numbers, strings and booleans only. A `Dimension` is one parameter: its name
and Optuna distribution in the study, and how a drawn value becomes the parameter's. Of
values that a study cannot hold (estimators, tuples) it draws a label; a scipy distribution
is drawn as a quantile, so that the sampler learns in it as in any other.
"""

from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any, NamedTuple

import joblib
import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from skdistill._estimators._inside import last_step
from skdistill.classifier import DistilledClassifier
from skdistill.students import resolve_student, search_space

SPACE = "space"  # which of several spaces, in the study
TEMPERATURE = FloatDistribution(0.5, 5.0, log=True)
ALPHA = FloatDistribution(0.0, 1.0)
_QUANTILE = FloatDistribution(1e-9, 1 - 1e-9)  # a support may be unbounded


class Dimension(NamedTuple):
    """One parameter as the study knows it.

    Attributes
    ----------
    label : str
        Its name in the study.
    distribution : optuna distribution
    decode : callable, default=None
        The parameter's value of a drawn one; None where they are the same.
    meaning : object, default=None
        What `decode` depends on: a study goes on only where it is the same.
    """

    label: str
    distribution: BaseDistribution
    decode: Callable | None = None
    meaning: Any = None

    def value(self, drawn):
        """The parameter's value of a drawn one."""
        return drawn if self.decode is None else self.decode(drawn)


class Start(NamedTuple):
    """A candidate that is always tried: drawn values, and labels left to the estimator."""

    name: str
    values: dict
    left_out: list


class Space(NamedTuple):
    """Where candidates come from.

    Attributes
    ----------
    branches : list of dict
        `Dimension` by parameter name, one dictionary for each conditional space.
    starts : list of Start
    fixed : dict
        Parameters that every candidate sets.
    alphas : list of str
        Labels whose value 0 means that nothing is distilled.
    """

    branches: list
    starts: tuple = ()
    fixed: Any = {}  # noqa: RUF012 (never changed)
    alphas: tuple = ()

    def suggest(self, trial, left_out=()):
        """Draw the values of a trial.

        Parameters
        ----------
        trial : optuna Trial
        left_out : collection of str
            Labels that are not drawn: the estimator keeps its own.
        """
        branch = 0
        if len(self.branches) > 1:
            branch = trial.suggest_categorical(SPACE, range(len(self.branches)))
        for dimension in self.branches[branch].values():
            if dimension.label not in left_out:
                _suggest(trial, dimension.label, dimension.distribution)

    def dimensions(self, drawn):
        """Parameters that a trial has drawn.

        Parameters
        ----------
        drawn : dict
            Value by label.

        Returns
        -------
        dict
            `Dimension` by parameter name.
        """
        branch = self.branches[drawn.get(SPACE, 0)]
        return {name: d for name, d in branch.items() if d.label in drawn}

    def params(self, drawn):
        """Parameters of the estimator for the drawn values of a trial.

        Parameters
        ----------
        drawn : dict
            Value by label.

        Returns
        -------
        dict
        """
        own = {name: d.value(drawn[d.label]) for name, d in self.dimensions(drawn).items()}
        return {**self.fixed, **own}

    def fingerprint(self):
        """A hash of all that gives drawn values their meaning."""
        return joblib.hash(
            [
                (name, d.label, distribution_to_json(d.distribution), d.meaning)
                for branch in self.branches
                for name, d in sorted(branch.items())
            ]
        )


def space_of(param_distributions, estimator):
    """The space that a user asks for.

    Parameters
    ----------
    param_distributions : "auto", dict, list of dict or Space
    estimator : estimator

    Returns
    -------
    Space

    Raises
    ------
    ValueError
        If "auto" finds nothing to search.
    TypeError
        If a value is no distribution.
    """
    if isinstance(param_distributions, Space):
        return param_distributions
    if isinstance(param_distributions, str):
        return auto_space(estimator)
    several = param_distributions
    if isinstance(several, dict):
        several = [several]
    if not several or not all(isinstance(one, dict) for one in several):
        raise TypeError(
            "param_distributions must be 'auto', a dict or a list of dicts, got "
            f"{param_distributions!r}"
        )
    branches = [{name: _dimension(name, d) for name, d in one.items()} for one in several]
    return Space([_told_apart(branch, i, branches) for i, branch in enumerate(branches)])


def auto_space(estimator):
    """Temperature, alpha and the student's own space of each `DistilledClassifier` inside.

    A parameter that differs from its class's default is a constraint of the user's and
    stays. With nothing else drawn two candidates are always tried, both with the
    estimator's own parameters: alpha 0, which is the student on hard labels, and
    temperature 1.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    Space

    Raises
    ------
    ValueError
        If there is no `DistilledClassifier`, or all is constrained.
    """
    branch, current, fixed = _searched(estimator)
    if not branch:
        raise ValueError(
            "param_distributions='auto' needs a DistilledClassifier with parameters left at "
            "their defaults inside estimator; give a dict of distributions instead"
        )
    at_zero = {name: 0.0 for name in branch if branch[name].distribution is ALPHA}
    at_one = {name: 1.0 for name in branch if branch[name].distribution is TEMPERATURE}
    starts = [
        _start(name, branch, current | changed)
        for name, changed in (("no distillation", at_zero), ("temperature 1", at_one))
        if changed
    ]
    return Space([branch], starts, fixed, list(at_zero))


def family_space(estimator, pinned):
    """The same for a student that is searched twice, distilled and plain.

    It begins with the estimator as it is, at temperature 1 if that is searched, and leaves
    alpha 0 to the search of the plain student.

    Parameters
    ----------
    estimator : estimator
    pinned : collection of str
        Parameters that stay, whatever their value.

    Returns
    -------
    Space
        Of one candidate where nothing is left to search.
    """
    branch, current, fixed = _searched(estimator, pinned)
    current |= {name: 1.0 for name in branch if branch[name].distribution is TEMPERATURE}
    return Space([branch], [_start("as given", branch, current)], fixed)


def _searched(estimator, pinned=()):
    """Dimensions by parameter, values in the estimator, parameters to set."""
    branch, current, fixed = {}, {}, {}
    for prefix, distilled in distilled_inside(estimator):
        student = resolve_student(distilled.student)
        if distilled.student is None:
            fixed[f"{prefix}student"] = student
        own = {"temperature": TEMPERATURE, "alpha": ALPHA}
        own |= {f"student__{name}": d for name, d in _own_space(distilled, student)}
        params = distilled.get_params() | _prefixed("student__", student.get_params())
        for name, distribution in own.items():
            if prefix + name not in pinned and _is_default(distilled, student, name):
                branch[prefix + name] = _dimension(prefix + name, distribution)
                current[prefix + name] = params.get(name)
    return branch, current, fixed


def _own_space(distilled, student):
    """Search space of the student as it will be fitted."""
    refine = distilled.refine
    if refine == "auto":  # which looks at where the soft labels come from
        refine = distilled.cv is not None or distilled.transfer is not None
    return search_space(student, refine=refine).items()


def distilled_inside(estimator):
    """Each `DistilledClassifier` that is or lies inside an estimator, not inside another.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    list of (str, DistilledClassifier)
        With the prefix of its parameters.
    """
    found = []
    inside = {"": estimator} | {f"{k}__": v for k, v in estimator.get_params().items()}
    for prefix, value in sorted(inside.items(), key=lambda item: item[0]):
        if isinstance(value, DistilledClassifier) and not any(
            prefix.startswith(outer) for outer, _ in found
        ):
            found.append((prefix, value))
    return found


def check_no_search_inside(estimator):
    """Refuse a student that is a search: this one searches its parameters.

    Parameters
    ----------
    estimator : estimator

    Raises
    ------
    ValueError
        If a `DistilledClassifier` inside has such a student, of whatever library.
    """
    for prefix, distilled in distilled_inside(estimator):
        student = last_step(distilled.student)
        if "Search" in type(student).__name__ and hasattr(student, "estimator"):
            name, inner = type(student).__name__, type(student.estimator).__name__
            raise ValueError(
                f"{prefix}student={name} is a search inside this search: give "
                f"{prefix}student={inner} and name its parameters in param_distributions"
            )


def _is_default(distilled, student, name):
    owner = distilled
    if name.startswith("student__"):
        path, _, name = name.removeprefix("student__").rpartition("__")
        owner = student.get_params()[path] if path else student
    own, default = (e.get_params(deep=False).get(name) for e in (owner, type(owner)()))
    return np.array_equal(own, default)


def _prefixed(prefix, params):
    return {prefix + name: value for name, value in params.items()}


def _start(name, branch, current):
    """A candidate of current values; those outside their distribution are not drawn."""
    held = {label: v for label, v in current.items() if _holds(branch[label].distribution, v)}
    return Start(name, held, sorted(current.keys() - held.keys()))


def _holds(distribution, value):
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    return isinstance(value, Real) and distribution.low <= value <= distribution.high


def _dimension(name, given):
    if isinstance(given, CategoricalDistribution):
        return _choices(name, given.choices)
    if isinstance(given, BaseDistribution):
        return Dimension(name, given)
    if hasattr(given, "ppf"):
        return _quantiles(name, given)
    if isinstance(given, Iterable) and not isinstance(given, str):
        return _choices(name, list(given))
    raise TypeError(
        f"param_distributions[{name!r}] must be an Optuna distribution, a list of values or a "
        f"frozen scipy distribution, got {given!r}"
    )


def _choices(name, values):
    values = [v.item() if isinstance(v, np.generic) else v for v in values]
    if not values:
        raise ValueError(
            f"param_distributions[{name!r}] is empty; give it values to choose from"
        )
    if all(value is None or isinstance(value, str | Real) for value in values):
        return Dimension(name, CategoricalDistribution(values))
    labels = [f"{i}: {_describe(value)}" for i, value in enumerate(values)]
    decode = dict(zip(labels, values, strict=True)).__getitem__
    return Dimension(name, CategoricalDistribution(labels), decode, values)


def _describe(value):
    """Readable in a plot and the same in every process."""
    if value is None or isinstance(value, str | Real | tuple | list):
        return repr(value)
    return getattr(value, "__name__", type(value).__name__)


def _quantiles(name, given):
    discrete = hasattr(given, "pmf")

    def decode(quantile):
        value = given.ppf(quantile)
        return int(value) if discrete else float(value)

    meaning = (given.dist.name, given.args, given.kwds)
    return Dimension(f"{name} (quantile)", _QUANTILE, decode, meaning)


def _told_apart(branch, index, branches):
    """Labels of its own for a parameter that another branch draws otherwise."""

    def label(name, dimension):
        others = [other[name] for other in branches if name in other]
        same = all(other[1] == dimension[1] for other in others)
        return dimension.label if same else f"{dimension.label} [{index}]"

    return {name: d._replace(label=label(name, d)) for name, d in branch.items()}


def _suggest(trial, label, distribution):
    d = distribution
    if isinstance(d, FloatDistribution):
        trial.suggest_float(label, d.low, d.high, step=d.step, log=d.log)
    elif isinstance(d, IntDistribution):
        trial.suggest_int(label, d.low, d.high, step=d.step, log=d.log)
    else:
        trial.suggest_categorical(label, d.choices)
