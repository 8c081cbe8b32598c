r"""The distillation loss, bound to its targets: a function of raw predictions alone.

For one row with teacher probabilities :math:`p`, one-hot label :math:`y`, student
logits :math:`z`, temperature :math:`T > 0` and :math:`0 \le \alpha \le 1`:

.. math::

    p_T = \mathrm{softmax}(\log p / T), \quad s_T = \mathrm{softmax}(z / T), \quad
    L = \alpha c \, \mathrm{KL}(p_T \| s_T) + (1 - \alpha) \, \mathrm{CE}(y, s_1)

with :math:`c = T^2` (Hinton et al. 2015, section 2) or :math:`c = 1`. Each of the two
terms is a weighted mean of its own: over the rows that carry soft labels and over the
rows that carry a hard label.

Both terms are *tempered cross-entropies*. With :math:`a = \alpha c w / T` and
:math:`b = (1 - \alpha) w` the loss of a row is, up to a constant,

.. math::

    a T \, \mathrm{lse}(z / T) + b \, \mathrm{lse}(z) - r \cdot z,
    \qquad r = a p_T + b y

so that its gradient is :math:`a s_T + b s_1 - r`, its Hessian
:math:`(a / T)(\mathrm{diag}(s_T) - s_T s_T') + b (\mathrm{diag}(s_1) - s_1 s_1')`, and
the loss of a group of rows that share one :math:`z` is the same function of the summed
:math:`(a, b, r)`. Two classes have one raw column, :math:`z = (0, r)`.

`CombinedLoss` is what every fitter in `skdistill.students` minimises; all arithmetic is
float64.
"""

import copy
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlogy

from skdistill._typing import Array, Floats
from skdistill.loss._groups import minimise_groups
from skdistill.loss._soften import soften

_LARGEST = 709  # whose exponential is a number


class LossParts(NamedTuple):
    """The soft, hard and total loss: weighted means per row, in nats."""

    soft: float
    hard: float
    total: float


class CombinedLoss:
    """``alpha * c * KL(p_T || s_T) + (1 - alpha) * CE(y, s)``, bound to its targets.

    Values are weighted means over rows. Gradients and Hessians are those of the *sum*
    ``total_weight * value``, the scale on which scikit-learn and the boosting libraries
    define their regularisation: a row of weight 1 contributes ``s - y`` at ``alpha=0``.

    Parameters
    ----------
    soft_labels : array-like of shape (n_samples, n_classes)
        Teacher probabilities; a row of NaN has no soft label.
    y : array-like of int of shape (n_samples,), default=None
        Column of the hard label, -1 where there is none. None: no row has one.
    temperature : float, default=1.0
        Softens teacher and student in the soft term; finite, greater than 0.
    alpha : float, default=0.5
        Weight of the soft term, in [0, 1].
    sample_weight : array-like of shape (n_samples,), default=None
        Not negative, not all 0. None: 1 for each row.
    scale_soft_loss : bool, default=True
        Whether ``c`` is ``temperature ** 2``; otherwise it is 1.
    classes : array-like of shape (n_classes,), default=None
        The user's sorted class labels, for students that are fitted on labels. None:
        0, 1, ...

    Attributes
    ----------
    n_samples, n_classes : int
    raw_shape : tuple
        Shape of a raw prediction: ``(n_samples,)`` for two classes, the logit of the
        second against the first, else ``(n_samples, n_classes)``.
    row_weight : ndarray of shape (n_samples,)
        Weight of each row in the sum. Sums to `total_weight`.
    total_weight : float
        ``alpha`` times the weight of the rows with soft labels plus ``1 - alpha`` times
        that of the rows with hard labels: the sample size that the loss speaks for.

    Raises
    ------
    ValueError
        If a parameter is out of range, shapes disagree, or a term with non-zero weight
        has no row.

    References
    ----------
    Hinton, Vinyals, Dean (2015), "Distilling the Knowledge in a Neural Network".
    """

    def __init__(
        self,
        soft_labels: ArrayLike | None,
        y: ArrayLike | None = None,
        *,
        temperature: float = 1.0,
        alpha: float = 0.5,
        sample_weight: ArrayLike | None = None,
        scale_soft_loss: bool = True,
        classes: ArrayLike | None = None,
    ) -> None:
        soft_labels = np.asarray(soft_labels, dtype=np.float64)
        n_samples, n_classes = soft_labels.shape
        self.soft_labels = soft_labels
        self.y = np.full(n_samples, -1) if y is None else np.asarray(y, dtype=np.intp)
        self.temperature = float(temperature)
        self.alpha = float(alpha)
        self.scale_soft_loss = scale_soft_loss
        self.classes = np.arange(n_classes) if classes is None else np.asarray(classes)
        self.sample_weight = (
            np.ones(n_samples)
            if sample_weight is None
            else np.asarray(sample_weight, dtype=np.float64)
        )
        self._validate()
        self._bind()

    def _validate(self):
        n_samples, n_classes = self.soft_labels.shape
        if not 0 < self.temperature < np.inf:
            raise ValueError(
                f"temperature must be finite and greater than 0, got {self.temperature}"
            )
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha must be in [0, 1], got {self.alpha}")
        if n_classes < 2:
            raise ValueError(f"soft_labels must have 2 columns or more, got {n_classes}")
        for name in ("y", "sample_weight"):
            if (shape := getattr(self, name).shape) != (n_samples,):
                raise ValueError(f"{name} has shape {shape}, expected ({n_samples},)")
        if self.classes.shape != (n_classes,):
            raise ValueError(
                f"classes has shape {self.classes.shape}, expected ({n_classes},)"
            )
        if self.y.size and not (self.y.min() >= -1 and self.y.max() < n_classes):
            raise ValueError(f"y must hold columns in [0, {n_classes}), or -1 for none")
        if not np.all(self.sample_weight >= 0):
            raise ValueError("sample_weight must not be negative or NaN")

    def _bind(self):
        """Derive the weight of each row in each term, and the terms themselves."""
        self._has_soft = ~np.isnan(self.soft_labels[:, 0])
        soft_weight = self.sample_weight * self._has_soft
        hard_weight = self.sample_weight * (self.y >= 0)
        soft_sum, hard_sum = soft_weight.sum(), hard_weight.sum()
        if self.alpha > 0 and soft_sum == 0:
            raise ValueError(
                f"alpha={self.alpha} weighs soft labels, but no row of positive weight "
                "has one; use alpha=0"
            )
        if self.alpha < 1 and hard_sum == 0:
            raise ValueError(
                f"alpha={self.alpha} weighs hard labels, but no row of positive weight "
                "has one; use alpha=1"
            )
        total = self.alpha * soft_sum + (1 - self.alpha) * hard_sum
        self._soft_weight = soft_weight * (total / soft_sum if soft_sum else 0)
        self._hard_weight = hard_weight * (total / hard_sum if hard_sum else 0)
        self._softened = self._soften()
        self.row_weight = self.alpha * self._soft_weight + (1 - self.alpha) * self._hard_weight
        self._terms, self._pull = self._tempered_terms()

    def _soften(self):
        """Softened labels, 0 where there are none; no copy where nothing changes."""
        softened = soften(self.soft_labels, self.temperature)
        if not self._has_soft.all():
            softened = np.where(self._has_soft[:, None], softened, 0)
        return softened if self.n_classes == 2 else np.asfortranarray(softened)

    @cached_property
    def _negentropy(self):
        """Negative entropy of the softened labels of each row."""
        return xlogy(self._softened, self._softened).sum(axis=1)

    def _tempered_terms(self):
        """``[(tau, weight)]`` of the cross-entropies, and their targets' sum ``r``."""
        soft = self._soft_scale / self.temperature * self._soft_weight
        hard = (1 - self.alpha) * self._hard_weight
        if self.temperature == 1:
            terms = [(1.0, soft + hard)]
        else:
            terms = [(self.temperature, soft)] if self.alpha > 0 else []
            terms += [(1.0, hard)] if self.alpha < 1 else []
        if self.n_classes == 2:
            return terms, soft * self._softened[:, 1] + hard * (self.y == 1)
        pull = soft[:, None] * self._softened
        labelled = np.flatnonzero(self.y >= 0)
        pull[labelled, self.y[labelled]] += hard[labelled]
        return terms, pull

    @property
    def _soft_scale(self):
        return self.alpha * (self.temperature**2 if self.scale_soft_loss else 1.0)

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return self._pull.shape[0]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return self.classes.shape[0]

    @property
    def raw_shape(self) -> tuple[int, ...]:
        """Shape of a raw prediction."""
        return self._pull.shape

    @property
    def total_weight(self) -> float:
        """Sum of `row_weight`."""
        return self._weight_sum  # type checkers take no cached_property for a property

    @cached_property
    def _weight_sum(self):
        return float(self.row_weight.sum())

    @cached_property
    def _offset_sum(self):
        """The teacher's negative entropy: what makes the soft term a divergence."""
        return self._soft_scale * np.vdot(self._soft_weight, self._negentropy)

    @property
    def uses_soft_labels(self) -> bool:
        """Whether soft labels have any weight: ``alpha > 0``."""
        return self.alpha > 0

    @property
    def is_cross_entropy(self) -> bool:
        """Whether the loss is cross-entropy against `blend`, with no temperature in it."""
        return self.temperature == 1 or not self.uses_soft_labels

    @property
    def labels(self) -> Array:
        """The user's label of each row; meaningful where ``y >= 0``."""
        return self.classes[self.y]

    # The function of raw predictions ---------------------------------------------

    def value_and_gradient(self, raw: Floats) -> tuple[float, Floats]:
        """Total loss (a mean) and the gradient of the sum.

        Parameters
        ----------
        raw : array-like of shape `raw_shape`
            Logits of the student; (n_samples, 1) is taken for two classes too.

        Returns
        -------
        value : float
        gradient : ndarray of the shape of `raw`
        """
        shape, raw = np.shape(raw), self._as_raw(raw)
        gradient = -self._pull
        value = self._offset_sum + np.vdot(gradient.T, raw.T)
        for tau, weight in self._terms:
            log_partition, proba = _log_partition(raw, tau)
            value += tau * np.vdot(weight, log_partition)
            proba *= _rows(weight, raw)
            gradient += proba
        return value / self.total_weight, gradient.reshape(shape)

    def by_row(self, raw: Floats) -> Floats:
        """Loss of each row, weighted: they add up to ``total_weight * value``.

        Parameters
        ----------
        raw : array-like of shape `raw_shape`

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        raw = self._as_raw(raw)
        pulled = self._pull * raw
        value = self._soft_scale * self._soft_weight * self._negentropy
        value -= pulled if raw.ndim == 1 else pulled.sum(axis=1)
        for tau, weight in self._terms:
            value += tau * weight * _log_partition(raw, tau)[0]
        return value

    def gradient(self, raw: Floats) -> Floats:
        """Gradient of ``total_weight * value``; see `value_and_gradient`."""
        return self.value_and_gradient(raw)[1]

    def hessian(self, raw: Floats) -> Floats:
        """Diagonal of the Hessian of ``total_weight * value`` in each row's logits.

        Parameters
        ----------
        raw : array-like of shape `raw_shape`

        Returns
        -------
        ndarray of the shape of `raw`
        """
        return self.gradient_and_hessian(raw)[1]

    def gradient_and_hessian(self, raw: Floats) -> tuple[Floats, Floats]:
        """`gradient` and `hessian` at little more than the price of one of them.

        Parameters
        ----------
        raw : array-like of shape `raw_shape`

        Returns
        -------
        gradient, hessian : ndarray of the shape of `raw`
        """
        shape, raw = np.shape(raw), self._as_raw(raw)
        gradient, hessian = -self._pull, np.zeros_like(raw)
        for tau, weight in self._terms:
            proba = _proba(raw, tau)
            mass = _rows(weight, raw) * proba
            gradient += mass
            hessian += mass * (1 - proba) / tau
        return gradient.reshape(shape), hessian.reshape(shape)

    def hessian_product(self, raw: Floats) -> Callable[..., Any]:
        """The map ``v -> H v`` at `raw`, for Newton methods.

        Parameters
        ----------
        raw : array-like of shape `raw_shape`

        Returns
        -------
        callable
            Takes and returns arrays of shape `raw_shape`.
        """
        raw = self._as_raw(raw)
        at = [(_rows(w / tau, raw), _proba(raw, tau)) for tau, w in self._terms]

        def product(v):
            if raw.ndim == 1:
                return sum(w * p * (1 - p) for w, p in at) * v
            return sum(w * p * (v - (p * v).sum(axis=1, keepdims=True)) for w, p in at)

        return product

    def parts(self, raw: Floats) -> LossParts:
        """The soft, hard and total loss at raw predictions.

        Parameters
        ----------
        raw : array-like of shape `raw_shape`

        Returns
        -------
        LossParts
            A part that no row carries is NaN.
        """
        raw, T = self._as_raw(raw), self.temperature
        hot = cold = _log_partition(raw, T)[0]
        if T != 1:
            cold = _log_partition(raw, 1.0)[0]
        if raw.ndim == 1:
            soft_logit, hard_logit = self._softened[:, 1] * raw, (self.y == 1) * raw
        else:
            soft_logit = (self._softened * raw).sum(axis=1)
            hard_logit = raw[np.arange(self.n_samples), self.y]
        soft = np.vdot(self._soft_weight, self._negentropy + hot - soft_logit / T)
        hard = np.vdot(self._hard_weight, cold - hard_logit)
        total = self._soft_scale * soft + (1 - self.alpha) * hard
        return LossParts(
            _mean(soft, self._soft_weight), _mean(hard, self._hard_weight),
            float(total / self.total_weight),
        )  # fmt: skip

    # Rows and groups of rows -----------------------------------------------------

    def take(self, rows: Array) -> Self:
        """The loss of some of the rows, at the weights they have in the whole.

        Gradients of disjoint subsets therefore add up to the gradient of the whole,
        for mini-batches, leaves and validation splits alike.

        Parameters
        ----------
        rows : array-like of int or bool, or slice
            Kept, and read whenever the part first needs one of its arrays.

        Returns
        -------
        CombinedLoss
        """
        part = copy.copy(self)
        for name in (*_PER_ROW, *_SUMS):
            part.__dict__.pop(name, None)
        part._part_of = self, rows
        part._terms = [(tau, weight[rows]) for tau, weight in self._terms]
        return part

    def __getattr__(self, name):
        """Take an array of a part from the whole once it is asked for: few ever are."""
        if name not in _PER_ROW:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        whole, rows = self._part_of
        self.__dict__[name] = getattr(whole, name)[rows]
        return self.__dict__[name]

    def in_order(self, order: Array) -> Self:
        """The same loss with its classes, and the columns of all arrays, in another order.

        Parameters
        ----------
        order : ndarray of int of shape (n_classes,)
            Which column of this loss each column of the new one is.

        Returns
        -------
        CombinedLoss
        """
        if np.array_equal(order, np.arange(self.n_classes)):
            return self
        if "_part_of" in self.__dict__:
            whole, rows = self._part_of
            return whole.in_order(order).take(rows)
        return CombinedLoss(
            self.soft_labels[:, order],
            np.where(self.y >= 0, np.argsort(order)[self.y], -1),
            temperature=self.temperature,
            alpha=self.alpha,
            sample_weight=self.sample_weight,
            scale_soft_loss=self.scale_soft_loss,
            classes=self.classes[order],
        )

    def reweight(self, factor: Floats) -> Self:
        """The loss with every row's sample weight multiplied by a factor.

        Of a whole loss the means of both terms follow the new weights. A part that `take`
        returned keeps the means of its whole.

        Parameters
        ----------
        factor : array-like of shape (n_samples,)

        Returns
        -------
        CombinedLoss
        """
        factor = np.asarray(factor, dtype=np.float64)
        if "_part_of" in self.__dict__:
            return self._scaled(factor)
        return type(self)(
            self.soft_labels,
            self.y,
            temperature=self.temperature,
            alpha=self.alpha,
            sample_weight=self.sample_weight * factor,
            scale_soft_loss=self.scale_soft_loss,
            classes=self.classes,
        )

    def _scaled(self, factor):
        """A part, each row's weight in each term multiplied: the whole sets the means."""
        part = copy.copy(self)
        for name in _SUMS:
            part.__dict__.pop(name, None)
        for name in _WEIGHTS:
            weight = getattr(self, name)
            setattr(part, name, weight * _rows(factor, weight))
        part._terms = [(tau, weight * factor) for tau, weight in self._terms]
        return part

    def blend(self, temperature: float = 1.0) -> Floats:
        """Soft and hard labels mixed into one target per row.

        At temperature 1 cross-entropy against these targets *is* the loss at
        ``temperature=1``. At others it is not: the targets then serve to grow a tree or
        to start an iteration, never as the loss.

        Parameters
        ----------
        temperature : float, default=1.0
            Softens the soft labels.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Rows sum to 1; a row of weight 0 keeps whichever label it has.
        """
        proba = self._softened
        if temperature != self.temperature:
            proba = soften(np.where(self._has_soft[:, None], self.soft_labels, 0), temperature)
        return self._mix(self.alpha, proba)

    def pull(self) -> tuple[Floats, Floats]:
        """Soft and hard labels mixed as the gradient mixes them: ``r / (a + b)``.

        At one prediction common to all rows the gradient is that prediction's own term
        less these targets, so they are what tells rows apart: a tree grows on them.

        Returns
        -------
        target : ndarray of shape (n_samples, n_classes)
            Rows sum to 1; a row of weight 0 keeps whichever label it has. At
            temperature 1 it is `blend`.
        weight : ndarray of shape (n_samples,)
            ``a + b``, scaled to sum to `total_weight`: `row_weight` where temperature
            is 1 or all rows carry both labels.
        """
        weight = np.sum([weight for _, weight in self._terms], axis=0)
        weight *= self.total_weight / weight.sum()
        return self._mix(self._soft_scale / self.temperature, self._softened), weight

    def _mix(self, soft_scale, proba):
        soft, hard = soft_scale * self._soft_weight, (1 - self.alpha) * self._hard_weight
        idle = soft + hard == 0
        soft, hard = soft + (idle & self._has_soft), hard + (idle & ~self._has_soft)
        target = soft[:, None] * proba
        target[np.arange(self.n_samples), self.y] += hard
        return target / (soft + hard)[:, None]

    def constant(self, groups: ArrayLike | None = None, n_groups: int = 1) -> Floats:
        """The raw prediction, constant over a group, that minimises each group's loss.

        Parameters
        ----------
        groups : array-like of int of shape (n_samples,), default=None
            Group of each row, in ``[0, n_groups)``. None: one group of all rows.
        n_groups : int, default=1

        Returns
        -------
        ndarray of shape (n_groups,) for two classes, else (n_groups, n_classes)
            Class probabilities that are 0 at the minimum get a logit so low that their
            exponential is exactly 0. A group without weight gets zeros.

        Notes
        -----
        See `skdistill.loss._groups` for the equation and its solution.
        """
        if groups is None:
            groups = np.zeros(self.n_samples, dtype=np.intp)
        return minimise_groups(*self.group_sums(groups, n_groups))

    def group_sums(
        self, groups: ArrayLike, n_groups: int, factor: Floats | None = None
    ) -> Any:
        """Sums of the row coefficients over groups: what `minimise_groups` takes.

        Parameters
        ----------
        groups : array-like of int of shape (n_samples,)
        n_groups : int
        factor : array-like of shape (n_samples,), default=None
            Multiplies every row, as often as a bootstrap drew it. None: 1.

        Returns
        -------
        terms : list of (float, ndarray of shape (n_groups,))
            Temperature and summed weight of each cross-entropy.
        pull : ndarray of shape (n_groups,) or (n_groups, n_classes)
            Summed targets.
        """

        def total(values):
            values = values if factor is None else values * factor
            return np.bincount(groups, weights=values, minlength=n_groups)

        terms = [(tau, total(weight)) for tau, weight in self._terms]
        if self._pull.ndim == 1:
            return terms, total(self._pull)
        return terms, np.column_stack([total(column) for column in self._pull.T])

    def _as_raw(self, raw):
        """Columns contiguous, as all sums over few classes want it; the largest is 0."""
        raw = np.asarray(raw, dtype=np.float64, order="F").reshape(self.raw_shape)
        return raw if raw.ndim == 1 else raw - raw.max(axis=1, keepdims=True)


_PER_ROW = (
    "soft_labels", "y", "sample_weight", "row_weight", "_has_soft", "_soft_weight",
    "_hard_weight", "_softened", "_pull",
)  # fmt: skip
_WEIGHTS = (
    "sample_weight", "row_weight", "_soft_weight", "_hard_weight", "_pull",
)  # fmt: skip
_SUMS = ("_weight_sum", "_offset_sum", "_negentropy")


def _rows(weight, raw):
    return weight if raw.ndim == 1 else weight[:, None]


def _mean(total, weight):
    return float(total / weight.sum()) if weight.any() else np.nan


def _proba(raw, tau):
    """``softmax(z / tau)``; of several columns the largest is 0."""
    if raw.ndim == 1:
        odds = np.minimum(raw / -tau, _LARGEST)
        np.exp(odds, out=odds)
        odds += 1
        return np.divide(1, odds, out=odds)
    proba = raw / tau
    np.exp(proba, out=proba)
    proba /= proba.sum(axis=1)[:, None]
    return proba


def _log_partition(raw, tau):
    """``lse(z / tau)`` and ``softmax(z / tau)``; of several columns the largest is 0."""
    proba = raw / tau
    if raw.ndim == 1:
        small = np.exp(-np.abs(proba))
        positive = np.maximum(proba, 0)
        np.exp(proba - positive, out=proba)
        proba /= 1 + small
        return positive + np.log1p(small), proba
    np.exp(proba, out=proba)
    partition = proba.sum(axis=1)
    proba /= partition[:, None]
    return np.log(partition), proba
