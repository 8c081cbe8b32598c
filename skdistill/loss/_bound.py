"""What a bound loss is: the members that fitters of students may use, and no others.

A loss that is bound to its targets is a function of raw predictions alone. A fitter that
keeps to `BoundLoss` minimises any such loss; one that needs class labels keeps to
`BoundClassificationLoss`. `skdistill.loss.CombinedLoss` is both.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class BoundLoss(Protocol):
    """A loss of raw predictions, a weighted mean over rows.

    Values are means. Gradients and Hessians are those of the sum, ``total_weight`` times
    the value.

    Attributes
    ----------
    n_samples : int
    raw_shape : tuple
        Shape of a raw prediction: ``(n_samples,)`` for one column, else ``(n_samples,
        n_columns)``.
    sample_weight : ndarray of shape (n_samples,)
        The weights that the user gave.
    row_weight : ndarray of shape (n_samples,)
        Weight of each row in the sum, of both terms together.
    total_weight : float
        Sum of `row_weight`.
    """

    n_samples: int
    raw_shape: tuple
    sample_weight: np.ndarray
    row_weight: np.ndarray
    total_weight: float

    def value_and_gradient(self, raw) -> tuple[float, np.ndarray]:
        """Loss at raw predictions, and its gradient."""

    def by_row(self, raw) -> np.ndarray:
        """Loss of each row, weighted: they add up to `total_weight` times the value."""

    def gradient_and_hessian(self, raw) -> tuple[np.ndarray, np.ndarray]:
        """Gradient, and diagonal of the Hessian of each row."""

    def hessian(self, raw) -> np.ndarray:
        """Diagonal of the Hessian of each row."""

    def hessian_product(self, raw) -> Any:
        """The map from a direction to the Hessian times it."""

    def parts(self, raw) -> Any:
        """The soft, hard and total loss."""

    def pull(self) -> tuple[np.ndarray, np.ndarray]:
        """One target and one weight for each row, by which trees choose their splits."""

    def constant(self, groups=None, n_groups=1) -> np.ndarray:
        """The best constant raw prediction of each group of rows."""

    def group_sums(self, groups, n_groups, factor=None) -> Any:
        """Sums over groups of rows of what `constant` needs."""

    def take(self, rows) -> "BoundLoss":
        """The loss of some rows, at the weights that they have in the whole."""

    def reweight(self, factor) -> "BoundLoss":
        """The loss with the weight of each row multiplied by a factor."""


@runtime_checkable
class BoundClassificationLoss(BoundLoss, Protocol):
    """A bound loss of logits, for fitters that need class labels.

    Attributes
    ----------
    n_classes : int
    classes : ndarray of shape (n_classes,)
        The user's sorted labels.
    y : ndarray of int of shape (n_samples,)
        Column of each row's hard label, -1 where it has none.
    labels : ndarray of shape (n_samples,)
        The user's label of each row.
    soft_labels : ndarray of shape (n_samples, n_classes)
        NaN in rows that have none.
    uses_soft_labels : bool
        Whether soft labels have any weight.
    is_cross_entropy : bool
        Whether the loss is cross-entropy of plain probabilities against `blend`.
    """

    n_classes: int
    classes: np.ndarray
    y: np.ndarray
    labels: np.ndarray
    soft_labels: np.ndarray
    uses_soft_labels: bool
    is_cross_entropy: bool

    def blend(self, temperature=1.0) -> np.ndarray:
        """Soft and hard labels mixed into one target for each row."""
