"""Probabilities and logits, softened by a temperature."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from skdistill._typing import Floats

FLOOR = 1e-7  # smallest teacher probability whose logarithm is taken


def soften(proba: ArrayLike, temperature: float, *, floor: float = FLOOR) -> Floats:
    """Soften probabilities: ``softmax(log(proba) / temperature)``.

    Parameters
    ----------
    proba : array-like of shape (n_samples, n_classes)
        Probabilities; rows sum to 1.
    temperature : float
        Greater than 0. At 1 the probabilities come back as they are; towards infinity
        they become uniform, towards 0 one-hot. The argmax never changes.
    floor : float, default=1e-7
        Smaller probabilities are raised to it before the logarithm; unused at 1.

    Returns
    -------
    ndarray of shape (n_samples, n_classes), float64

    References
    ----------
    Hinton, Vinyals, Dean (2015), "Distilling the Knowledge in a Neural Network",
    equation 1.
    """
    proba = np.asarray(proba, dtype=np.float64)
    if temperature == 1:
        return proba
    return soften_logits(np.log(np.maximum(proba, floor)), temperature)


def soften_logits(logits: ArrayLike, temperature: float) -> Floats:
    """Soften logits: ``softmax(logits / temperature)``.

    Parameters
    ----------
    logits : array-like of shape (n_samples, n_classes)
    temperature : float
        Greater than 0.

    Returns
    -------
    ndarray of shape (n_samples, n_classes), float64
    """
    return softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=1)


def logits(proba: ArrayLike) -> Floats:
    """Raw prediction of probabilities, of the shape a `CombinedLoss` takes.

    Parameters
    ----------
    proba : array-like of shape (n_samples, n_classes)
        Zeros are raised to the spacing of float64, as scikit-learn's ``log_loss`` does.

    Returns
    -------
    ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
    """
    log_proba = np.log(np.maximum(np.asarray(proba, dtype=np.float64), np.finfo(float).eps))
    return log_proba[:, 1] - log_proba[:, 0] if log_proba.shape[1] == 2 else log_proba
