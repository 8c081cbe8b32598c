"""The steps of a distillation, in order, as functions of plain arguments.

`choose_splitters` refuses a teacher that cannot do what is asked, `assemble` puts the
student's rows together, `label` or `label_as_given` gives them soft labels, `bind` makes the
loss of them, and `fit` fits a student to it. An estimator is their scikit-learn face.
"""

from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from skdistill._estimators._classes import proba_in_order
from skdistill._estimators._errors import named_in_errors
from skdistill._estimators._validation import check_not_aligned
from skdistill._estimators._warnings import warn
from skdistill._sklearn.validation import num_samples, take_rows
from skdistill.loss import CombinedLoss, logits
from skdistill.students import fit_student
from skdistill.teachers import check_teacher, label_rows
from skdistill.teachers._cv import resolve_cv, seeded
from skdistill.teachers._given import (
    check_row_order,
    check_teacher_proba,
    warn_of_column_order,
)
from skdistill.transfer import TransferSet, count_rows, draw_rows, generate_rows


class Seeds(NamedTuple):
    """Seeds of the teacher, the student and the choice of rows; None where nobody asked."""

    teacher: int | None
    student: int | None
    rows: int | None


def draw_seeds(random_state):
    """Seeds of the parts of a distillation.

    Parameters
    ----------
    random_state : int, RandomState or None

    Returns
    -------
    Seeds
    """
    if random_state is None:
        return Seeds(None, None, None)
    rng = check_random_state(random_state)
    return Seeds(*rng.randint(np.iinfo(np.int32).max, size=3).tolist())


def choose_splitters(teacher, y, classes, *, cv, calibrate, random_state=None):
    """What ``cv`` means for a teacher; refuses what the teacher cannot give.

    Parameters
    ----------
    teacher : classifier
    y : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
    cv : None, "auto", "oob", int, splitter or list of splits
    calibrate : bool or {"temperature", "sigmoid", "isotonic"}
    random_state : int, default=None

    Returns
    -------
    dict
        ``cv`` and ``otherwise`` as `label_rows` takes them.

    Raises
    ------
    ValueError
        If the teacher can give no probabilities, or no labels that can be calibrated.
    """
    if fitted := check_teacher(teacher, len(classes)):
        warn(
            f"teacher={', '.join(fitted)} is fitted already and is fitted again on "
            "the rows given to fit; wrap it in sklearn.frozen.FrozenEstimator to use it "
            "as it is"
        )
    splitter, otherwise = seeded(resolve_cv(cv, teacher, y), random_state), None
    if calibrate and splitter is None:
        raise ValueError(
            f"calibrate_teacher={calibrate!r} needs out-of-fold labels, and cv={cv!r} makes "
            "none for this teacher; set cv=5"
        )
    if isinstance(cv, str) and cv == "auto" and splitter == "oob":
        otherwise = seeded(resolve_cv(5, teacher, y), random_state)
    return {"cv": splitter, "otherwise": otherwise}


def assemble(
    X,
    codes,
    weight,
    fit_params,
    *,
    max_samples=None,
    X_unlabeled=None,
    transfer=None,
    transfer_size=1.0,
    memory=None,
    random_state=None,
):
    """The rows that the student will be fitted on.

    Parameters
    ----------
    X : array-like, frame, sparse matrix or list of n_samples rows
    codes : ndarray of int of shape (n_samples,)
        Class column of each row.
    weight : ndarray of shape (n_samples,) or None
    fit_params : dict
        Of the student.
    max_samples : int, float or None
        Number or share of the rows that are drawn.
    X_unlabeled : rows like those of X, default=None
        Appended without a hard label.
    transfer : {"conditional", "munge"} or generator, default=None
        Makes rows like the drawn ones of positive weight, which are appended without a
        hard label, each with the mean weight of those.
    transfer_size : int or float, default=1.0
        How many, in all or as a multiple of those.
    memory : str or joblib.Memory, default=None
        Caches the generated rows.
    random_state : int, default=None
        Seed of the drawn and the generated rows.

    Returns
    -------
    rows : ndarray of int
        Which rows of X the set begins with.
    transfer_set : TransferSet
        Without soft labels.
    """
    transfer_set, rows = TransferSet(X, codes, None, weight, fit_params), np.arange(len(codes))
    if max_samples is not None:
        rows = draw_rows(codes, max_samples, random_state, weight)
        transfer_set = transfer_set.take(rows)
    drawn = transfer_set
    if X_unlabeled is not None:
        transfer_set = transfer_set.append(X_unlabeled)
    if transfer is not None:
        check_not_aligned(fit_params, len(codes))
        present = drawn if weight is None else drawn.take(np.flatnonzero(drawn.weight))
        size = count_rows(transfer_size, len(present))
        made = generate_rows(
            transfer, present.X, size, memory=memory, random_state=random_state
        )
        mean = 1.0 if weight is None else present.weight.mean()
        transfer_set = transfer_set.append(made, mean)
    return rows, transfer_set


def label(transfer_set, rows, teacher, X, y, classes, *, calibrate, **how):
    """Let a teacher, fitted to X and y, label a transfer set.

    Parameters
    ----------
    transfer_set : TransferSet
    rows : ndarray of int
        Which rows of X the set begins with; those after them are not in X.
    teacher : classifier
    X : array-like, frame, sparse matrix or list of n_samples rows
    y : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
    calibrate : bool or {"temperature", "sigmoid", "isotonic"}
    **how : dict
        Handed to `label_rows`.

    Returns
    -------
    transfer_set : TransferSet
    labels : TeacherLabels
    """
    extra = np.arange(len(rows), len(transfer_set))
    with named_in_errors(f"teacher={type(teacher).__name__}"):
        labels = label_rows(
            teacher,
            X,
            y,
            classes,
            rows=rows,
            extra=take_rows(transfer_set.X, extra) if len(extra) else None,
            calibrate="temperature" if calibrate is True else calibrate,
            **how,
        )
    proba = labels.proba
    if labels.extra is not None:
        proba = np.concatenate([proba, labels.extra])
    return transfer_set.labelled(proba), labels


def label_as_given(transfer_set, rows, teacher_proba, X, y, classes, *, calibrate):
    """Label a transfer set with probabilities that were made elsewhere.

    Parameters
    ----------
    transfer_set : TransferSet
        Of rows of X only.
    rows : ndarray of int
        Which rows of X.
    teacher_proba : array-like or frame of shape (n_samples, n_classes)
    X : array-like, frame, sparse matrix or list of n_samples rows
    y : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
    calibrate : bool or str
        Must be False.

    Returns
    -------
    TransferSet

    Raises
    ------
    ValueError
        If the labels shall be calibrated, or `teacher_proba` does not fit X and y.
    """
    if calibrate:
        raise ValueError(
            f"calibrate_teacher={calibrate!r} needs the teacher's out-of-fold labels, and "
            "teacher_proba calls no teacher; calibrate them before, or pass a teacher"
        )
    check_row_order(teacher_proba, X)
    proba = check_teacher_proba(teacher_proba, num_samples(X), classes)
    warn_of_column_order(proba, y, classes)
    return transfer_set.labelled(proba[rows])


def bind(transfer_set, classes, *, temperature, alpha, scale_soft_loss):
    """The loss of a labelled transfer set.

    Parameters
    ----------
    transfer_set : TransferSet
    classes : ndarray of shape (n_classes,)
    temperature, alpha : float
    scale_soft_loss : bool

    Returns
    -------
    CombinedLoss
    """
    return CombinedLoss(
        transfer_set.soft_labels,
        transfer_set.target,
        temperature=temperature,
        alpha=alpha,
        sample_weight=transfer_set.weight,
        scale_soft_loss=scale_soft_loss,
        classes=classes,
    )


def may_refine(transfer_set, labels):
    """Whether soft labels are such that ``refine="auto"`` may refine a student.

    Parameters
    ----------
    transfer_set : TransferSet
        Labelled.
    labels : TeacherLabels or None
        None where they were made elsewhere.

    Returns
    -------
    bool
        Whether the teacher is known not to have learned the rows of X, or at least as
        many rows are not of X.
    """
    if labels is not None and not labels.in_sample:
        return True
    return 2 * np.count_nonzero(transfer_set.target < 0) >= len(transfer_set)


def fit(student, transfer_set, loss, *, refine=False, random_state=None):
    """Fit a student to a loss, and measure it.

    Parameters
    ----------
    student : classifier
        A clone of it is fitted.
    transfer_set : TransferSet
    loss : CombinedLoss
        Of the set.
    refine : bool or "auto", default=False
        As `fit_student` takes it.
    random_state : int, default=None

    Returns
    -------
    fitted : Fitted
    parts : LossParts or None
        Of the fitted student on the set; None where it has no ``predict_proba``.
    """
    with named_in_errors(f"student={type(student).__name__}"):
        fitted = fit_student(
            student,
            transfer_set.X,
            loss,
            refine=refine,
            random_state=random_state,
            **transfer_set.fit_params,
        )
        parts = None
        if hasattr(fitted.student, "predict_proba"):
            proba = proba_in_order(fitted.student, transfer_set.X, loss.classes)
            parts = loss.parts(logits(proba))
    return fitted, parts
