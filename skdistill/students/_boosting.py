"""What the three boosting libraries share: labels, baseline, derivatives, leaves together."""

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


class Growing:
    """Leaves solved together while a library of its own scores grows its trees.

    The library asks for derivatives at its scores and gets those at the raw predictions
    of the leaves as solved, so that its next trees answer what all leaves before them leave
    over. By its own scores it judges validation data: with these, leaves are solved at the
    end only.

    Parameters
    ----------
    make : callable
        Makes `skdistill.students._additive.Together` of a loss and an offset.
    loss : CombinedLoss
    read : callable
        ``read(booster, n_seen)``: leaf of each row, leaf values and column of each tree
        after the first `n_seen`.
    judged : bool
        Whether there are validation data.
    slope : float, default=1.0
        Logits per unit of the library's raw prediction.

    Attributes
    ----------
    booster : object
        Set by a callback of the library before each round.
    """

    def __init__(self, make, loss, read, *, judged=False, slope=1.0):
        self._make, self._loss, self._read = make, loss, read
        self._judged, self._slope = judged, slope
        self._together = self.booster = None

    def scores(self, raw):
        """Raw predictions at which the next trees grow, in the library's units."""
        if self._together is None:
            start = self._slope * raw.reshape(len(raw), -1)
            self._together = self._make(self._loss, start)
        elif not self._judged:
            self._end_round()
        if self._judged:
            return raw
        return self._together.raw.reshape(raw.shape) / self._slope

    def finish(self, booster):
        """Solve all leaves of the trees that predict.

        Returns
        -------
        values : list of ndarray of shape (n_leaves,)
            Of each tree, in the library's units; leaves after the last reached are left out.
        curve : list of LossParts
        """
        self.booster = booster
        self._end_round()
        self._together.finish()
        values = [value[:, 0] / self._slope for value in self._together.values]
        return values, self._together.curve[1:]

    def _end_round(self):
        seen = len(self._together.values)
        for leaf, values, column in self._read(self.booster, seen):
            self._together.append(leaf, self._slope * values, column)
        if len(self._together.values) > seen:
            self._together.end_round(solve=not self._judged)
