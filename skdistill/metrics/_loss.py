"""What probabilities cost: the logarithm of outcomes, and the distillation loss."""

import numpy as np
from numpy.typing import ArrayLike

from skdistill._estimators._classes import by_name
from skdistill._typing import Floats
from skdistill.loss._combined import CombinedLoss, LossParts
from skdistill.loss._soften import logits
from skdistill.metrics._arrays import EPS, outcomes, pair


def log_loss_by_row(
    y_true: ArrayLike, proba: ArrayLike, *, classes: ArrayLike | None = None
) -> Floats:
    """Minus the logarithm of the probability of each row's outcome.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
    proba : array-like of shape (n_samples, n_classes)
        Zeros are raised to the spacing of float64, as scikit-learn's ``log_loss`` does.
    classes : array-like of shape (n_classes,), default=None
        Sorted labels of the columns. None: the labels of `y_true`.

    Returns
    -------
    ndarray of shape (n_samples,)
        Its weighted mean is ``sklearn.metrics.log_loss``.
    """
    outcome, proba, _ = outcomes(y_true, proba, classes)
    return cost_by_row(outcome, proba)


def cost_by_row(outcome, proba):
    """Minus the logarithm of the probability of each row's outcome, of checked arrays."""
    return -np.log(np.maximum(proba[outcome], EPS))


def combined_loss(
    teacher_proba: ArrayLike,
    student_proba: ArrayLike,
    y_true: ArrayLike,
    *,
    temperature: float = 2.0,
    alpha: float = 0.5,
    classes: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    scale_soft_loss: bool = True,
) -> LossParts:
    """Soft, hard and combined distillation loss of probabilities.

    ``alpha * c * KL(teacher_T || student_T) + (1 - alpha) * CE(y, student)``, what a
    :class:`skdistill.DistilledClassifier` minimises, with ``c = temperature**2`` unless
    `scale_soft_loss` is False. A student's logits are the logarithms of its
    probabilities, up to a constant that no loss sees.

    Parameters
    ----------
    teacher_proba : array-like of shape (n_samples, n_classes)
        A row of NaN has no soft label.
    student_proba : array-like of shape (n_samples, n_classes)
        Zeros are raised to the spacing of float64, as scikit-learn's ``log_loss`` does.
    y_true : array-like of shape (n_samples,)
    temperature : float, default=2.0
        Greater than 0.
    alpha : float, default=0.5
        Weight of the soft term, in [0, 1].
    classes : array-like of shape (n_classes,), default=None
        Sorted labels of the columns. None: the labels of `y_true`.
    sample_weight : array-like of shape (n_samples,), default=None
    scale_soft_loss : bool, default=True

    Returns
    -------
    LossParts
        ``soft`` (the divergence alone, at `temperature`), ``hard`` (the log-loss) and
        ``total``, weighted means per row, in nats.

    References
    ----------
    Hinton, Vinyals, Dean (2015), "Distilling the Knowledge in a Neural Network",
    section 2.
    """
    labels = np.unique(y_true) if classes is None else np.asarray(classes)
    teacher_proba, student_proba, weight = pair(
        by_name(teacher_proba, labels.tolist()),
        by_name(student_proba, labels.tolist()),
        sample_weight,
        unlabelled=True,
    )
    outcome, *_ = outcomes(y_true, student_proba, classes)
    scale = {"temperature": temperature, "alpha": alpha, "scale_soft_loss": scale_soft_loss}
    return loss_parts(teacher_proba, student_proba, outcome, weight, **scale)


def loss_parts(teacher_proba, student_proba, outcome, weight, **scale):
    """`LossParts` of arrays that are checked; `scale` is that of `CombinedLoss`."""
    codes = outcome.argmax(axis=1)
    loss = CombinedLoss(teacher_proba, codes, sample_weight=weight, **scale)
    return loss.parts(logits(student_proba))
