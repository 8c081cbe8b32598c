"""Which function fits which student: `fit_student`, `register`, `available`.

A family is a fitter and a search space, kept under the exact class of the student: a
subclass may mean something else by its parameters (`LogisticRegressionCV`), so it
registers itself or takes the general path, which is the family of `object`.

A fitter is called as ``fit(student, X, loss, *, random_state, **fit_params)``. It fits
`student` in place, a clone of its own whose unset seeds are set and whose
``class_weight`` has moved into the loss, and returns `Fitted`. What it cannot honour it
refuses with `Unsupported`; only `fit_student` then chooses the general path.

A family of trees may have two more pieces. Its refiner is called as its fitter is, in its
place, and fits the trees or their leaves for one another. Its reader of leaves returns the
`skdistill.students._refine.Leaves` of a fitted student, which refiners are written over.
"""

import importlib
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skdistill._estimators._params import assign_params, unset_seeds
from skdistill._typing import Rows, Seed
from skdistill.loss import BoundClassificationLoss
from skdistill.students._class_weight import absorb_class_weight
from skdistill.students._leaves import labels_alone


class Unsupported(ValueError):
    """A path cannot honour a parameter, which the message names."""


class Fitted(NamedTuple):
    """What a fitter returns.

    Attributes
    ----------
    student : estimator
        The student it was given, fitted.
    path : str, default="direct"
        "direct", "label-reduction" or "sampled-labels". A refiner appends "+" and the
        name of each stage of its own, as in "direct+complementary+together".
    curve : list of LossParts or None, default=None
        The loss after each iteration of an iterative student, and after each stage of a
        refiner.
    """

    student: Any
    path: str = "direct"
    curve: Any = None


class _Family(NamedTuple):
    fit: Any
    search_space: Any
    refine: Any
    refine_pays: Any
    refined_space: Any
    leaves: Any
    absorb: Any
    delegates: bool


_FAMILIES = {}
_EXTRAS = dict.fromkeys(("lightgbm", "xgboost", "catboost"), "skdistill[boost]")


def register(
    student_class: type | str,
    fit: Callable[..., Any],
    *,
    search_space: Callable[..., Any] | None = None,
    refine: Callable[..., Any] | None = None,
    refine_pays: Callable[..., Any] | None = None,
    refined_space: Callable[..., Any] | None = None,
    leaves: Callable[..., Any] | None = None,
    absorb: Callable[..., Any] = absorb_class_weight,
    delegates: bool = False,
) -> None:
    """Let students of exactly this class be fitted by a function of your own.

    Parameters
    ----------
    student_class : type or str
        A classifier class, or its full name ("lightgbm.sklearn.LGBMClassifier") so
        that an optional package need not be imported.
    fit : callable
        ``fit(student, X, loss, *, random_state, **fit_params)`` returning `Fitted`:
        minimises `loss`, a :class:`skdistill.loss.CombinedLoss`, in the raw predictions
        of `student`, and leaves nothing of skdistill in it. Raises `Unsupported` for a
        parameter it cannot honour.
    search_space : callable, default=None
        Maps a student to ``{parameter: optuna distribution}``.
    refine : callable, default=None
        Called as `fit` is, in its place, by ``fit_student(refine=True)``.
    refine_pays : callable, default=None
        Maps a student and a loss to whether ``fit_student(refine="auto")`` calls `refine`:
        where it was measured to pay. What it refuses is then fitted as without. None: never.
    refined_space : callable, default=None
        Maps a student to what another distribution suits where `refine` is called, as
        `search_space` does.
    leaves : callable, default=None
        Maps a fitted student to its `skdistill.students._refine.Leaves`.
    absorb : callable, default=absorb_class_weight
        Moves class weights from an unfitted student into the loss: see
        `skdistill.students._class_weight.absorb_class_weight`.
    delegates : bool, default=False
        Whether `fit` hands its work to `fit_student` for a student inside. The general
        path is then not for the outer one.
    """
    space = search_space or _no_space
    _FAMILIES[_full_name(student_class)] = _Family(
        fit, space, refine, refine_pays, refined_space or _no_space, leaves, absorb, delegates
    )


def available() -> dict[str, type]:
    """Registered student classes that can be imported here.

    Returns
    -------
    dict
        Class by class name, sorted. Asked for a class whose package is absent it raises
        `ImportError` and names the extra that brings it.
    """
    classes = _Available()
    for name in _FAMILIES:
        module, _, class_name = name.rpartition(".")
        try:
            classes[class_name] = getattr(importlib.import_module(module), class_name)
        except ModuleNotFoundError:
            continue
    classes.pop("object", None)
    return _Available(sorted(classes.items()))


class _Available(dict):
    def __missing__(self, class_name):
        packages = {full.rpartition(".")[2]: full.partition(".")[0] for full in _FAMILIES}
        if class_name not in packages:
            raise KeyError(f"no student is called {class_name!r}; there are {list(self)}")
        package = packages[class_name]
        raise ImportError(
            f"{class_name} needs {package}: pip install {_EXTRAS.get(package, package)!r}"
        )


def search_space(student: Any, *, refine: bool | Literal["auto"] = False) -> dict[str, Any]:
    """Default search space of a student, from its family's file.

    Parameters
    ----------
    student : classifier
    refine : bool, default=False
        Whether its trees or leaves will be fitted for one another: a high learning rate is
        then safe.

    Returns
    -------
    dict
        Optuna distribution by parameter name; empty for a class nobody registered.
    """
    family = _family(student)
    space = family.search_space(student)
    return space | family.refined_space(student) if refine else space


def refine_pays(student: Any, loss: BoundClassificationLoss) -> bool:
    """Whether ``refine="auto"`` refines a student for a loss.

    Parameters
    ----------
    student : classifier
    loss : CombinedLoss
        Its soft labels come from a teacher that did not learn the rows: labels in sample
        are too sure of themselves, and refined leaves follow them.

    Returns
    -------
    bool
    """
    pays = _family(student).refine_pays
    return pays is not None and pays(student, loss)


def leaves_of(student: Any) -> Any:
    """The leaves of a fitted student, to be read and written.

    Parameters
    ----------
    student : fitted classifier

    Returns
    -------
    Leaves or None
        None where its family has no leaves.
    """
    read = _family(student).leaves
    return None if read is None else read(student)


def fit_student(
    student: Any,
    X: Rows,
    loss: BoundClassificationLoss,
    *,
    refine: bool | Literal["auto"] = False,
    random_state: Seed = None,
    **fit_params: Any,
) -> Fitted:
    """Fit a clone of a student against a loss, by the function of its family.

    Parameters
    ----------
    student : classifier
    X : array-like, frame, sparse matrix or list of `loss.n_samples` rows
    loss : CombinedLoss
    refine : bool or "auto", default=False
        Whether the student's trees or leaves are fitted for one another, by the refiner
        of its family, rather than each on its own. "auto": where `refine_pays`.
    random_state : int, default=None
        Seed of sampled labels, and of every seed of the student that is None.
    **fit_params : dict
        Handed to the student's own ``fit``.

    Returns
    -------
    Fitted
        Its student is of the class of `student`, parameters unchanged.

    Raises
    ------
    Unsupported
        If no path honours a parameter of the student, or with `refine` its family has no
        refiner.
    TypeError
        If `fit_params` hold weights, which are part of the loss.
    """
    if not isinstance(student, Pipeline):
        refuse_weight(fit_params)
    if refine == "auto" and not refine_pays(student, loss):
        refine = False
    *others, last = _paths(student, loss, refine)
    for fit in others:
        try:
            return _fit_by(fit, student, X, loss, random_state, fit_params)
        except Unsupported:
            continue
    return _fit_by(last, student, X, loss, random_state, fit_params)


def _paths(student, loss, refine):
    """Fitters of a student, in the order in which they are tried."""
    family = _family(student)
    alone = family.delegates or family.fit is _general()
    paths = [family.fit] if alone else [family.fit, _general()]
    refiner = [_refiner(student)] if refine else []
    if not loss.uses_soft_labels or labels_alone(loss) is not None:
        return paths  # the plain student, whatever `refine`
    if refine == "auto":
        return refiner + paths
    return refiner or paths


def _fit_by(fit, student, X, loss, random_state, fit_params):
    """Fit a clone along one path, and give it back the parameters that the fit changed."""
    own, restore = clone(student), None
    # labels alone any student weighs by class itself, some by one class against the rest
    if fit is not _general() or loss.uses_soft_labels:
        own, loss, restore = _family(student).absorb(own, loss)
    seeds = unset_seeds(own, random_state)
    fitted = fit(own, X, loss, random_state=random_state, **fit_params)
    assign_params(fitted.student, seeds)
    return fitted if restore is None else fitted._replace(student=restore(fitted.student))


def refuse_weight(fit_params):
    """Raise `TypeError` for weights among the fit parameters of a student."""
    if "sample_weight" in fit_params:
        raise TypeError(
            "sample_weight belongs to the loss, not to the student: give it to "
            "DistilledClassifier.fit, or to CombinedLoss"
        )


def check_refine(student: Any) -> None:
    """Refuse ``refine=True`` for a student that has no refiner, without fitting anything.

    Parameters
    ----------
    student : classifier
        Of a Pipeline the last step is asked.

    Raises
    ------
    Unsupported
    """
    while isinstance(student, Pipeline):
        student = student.steps[-1][1]
    _refiner(student)


def _refiner(student):
    if (refine := _family(student).refine) is None:
        raise Unsupported(
            f"refine=True fits trees or leaves for one another, and the family of "
            f"{type(student).__name__} has no such step; use refine=False"
        )
    return refine


def _general():
    return _FAMILIES[_full_name(object)].fit


def _family(student):
    return _FAMILIES.get(_full_name(type(student))) or _FAMILIES[_full_name(object)]


def _full_name(student_class):
    if isinstance(student_class, str):
        return student_class
    return f"{student_class.__module__}.{student_class.__qualname__}"


def _no_space(student):
    return {}
