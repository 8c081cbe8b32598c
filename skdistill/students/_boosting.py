"""What the three boosting libraries share: rows, labels and baseline of a bound loss."""

import numpy as np

from skdistill.students._labels import hard_columns, keep_classes

_BLOCK = 1 << 16  # numbers at a time


def codes(loss):
    """One class column for each row: its hard label, or its likeliest; no class is lost.

    The gradient knows the real targets. These tell a library which classes there are.

    Parameters
    ----------
    loss : CombinedLoss

    Returns
    -------
    ndarray of int of shape (n_samples,)
    """
    return keep_classes(hard_columns(loss), loss.blend())


def baseline(loss, floor=1e-15):
    """The constant raw prediction that minimises the loss, its probabilities floored.

    Parameters
    ----------
    loss : CombinedLoss
    floor : float, default=1e-15

    Returns
    -------
    ndarray of shape (1,) for two classes, else (n_classes,)
        Logit of the second class, or logarithms of the class probabilities.
    """
    raw = loss.constant()[0]
    if loss.n_classes == 2:
        limit = -np.log(floor)
        return np.clip([raw], -limit, limit)
    raw = raw - np.log(np.exp(raw - raw.max()).sum()) - raw.max()
    return np.maximum(raw, np.log(floor))


class Derivatives:
    """Gradient and Hessian of a loss in float32, by blocks of rows that stay in cache.

    Parameters
    ----------
    loss : CombinedLoss
    slope : float, default=1.0
        Logits per unit of raw prediction.
    hessian_factor : float, default=1.0
        By which the library multiplies the Hessian of its own log-loss.
    """

    def __init__(self, loss, *, slope=1.0, hessian_factor=1.0):
        self.slope = slope
        self.hessian_scale = slope**2 * hessian_factor
        step = max(1, _BLOCK // loss.n_classes)
        starts = range(0, loss.n_samples, step)
        self.blocks = [
            (rows, loss.take(rows)) for rows in (slice(s, s + step) for s in starts)
        ]

    def __call__(self, raw):
        """Evaluate at raw predictions.

        Parameters
        ----------
        raw : ndarray of shape `loss.raw_shape`

        Returns
        -------
        gradient, hessian : ndarray of the shape and memory layout of `raw`, float32
        """
        gradient, hessian = (np.empty_like(raw, dtype=np.float32) for _ in range(2))
        for rows, loss in self.blocks:
            g, h = loss.gradient_and_hessian(self.slope * raw[rows])
            np.multiply(g, self.slope, out=gradient[rows], casting="same_kind")
            np.multiply(h, self.hessian_scale, out=hessian[rows], casting="same_kind")
        return gradient, hessian
