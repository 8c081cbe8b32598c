"""What a bound loss is: the members that fitters of students may use, and no others.

A loss that is bound to its targets is a function of raw predictions alone. A fitter that
keeps to `BoundLoss` minimises any such loss; one that needs class labels keeps to
`BoundClassificationLoss`. `skdistill.loss.CombinedLoss` is both.
"""

from typing import Any, Protocol, Self, runtime_checkable

from numpy.typing import ArrayLike

from skdistill._typing import Array, Floats


@runtime_checkable
class BoundLoss(Protocol):
    """A loss of raw predictions, a weighted mean over rows.

    Values are means. Gradients and Hessians are those of the sum, ``total_weight`` times
    the value.
    """

    @property
    def n_samples(self) -> int:
        """Number of rows."""

    @property
    def raw_shape(self) -> tuple[int, ...]:
        """Shape of a raw prediction: ``(n_samples,)`` or ``(n_samples, n_columns)``."""

    @property
    def sample_weight(self) -> Array:
        """The weights that the user gave."""

    @property
    def row_weight(self) -> Array:
        """Weight of each row in the sum, of both terms together."""

    @property
    def total_weight(self) -> float:
        """Sum of `row_weight`."""

    def value_and_gradient(self, raw: Floats) -> tuple[float, Floats]:
        """Loss at raw predictions, and its gradient."""

    def by_row(self, raw: Floats) -> Floats:
        """Loss of each row, weighted: they add up to `total_weight` times the value."""

    def gradient_and_hessian(self, raw: Floats) -> tuple[Floats, Floats]:
        """Gradient, and diagonal of the Hessian of each row."""

    def hessian(self, raw: Floats) -> Floats:
        """Diagonal of the Hessian of each row."""

    def hessian_product(self, raw: Floats) -> Any:
        """The map from a direction to the Hessian times it."""

    def parts(self, raw: Floats) -> Any:
        """The soft, hard and total loss."""

    def pull(self) -> tuple[Floats, Floats]:
        """One target and one weight for each row, by which trees choose their splits."""

    def constant(self, groups: ArrayLike | None = None, n_groups: int = 1) -> Floats:
        """The best constant raw prediction of each group of rows."""

    def group_sums(
        self, groups: ArrayLike, n_groups: int, factor: Floats | None = None
    ) -> Any:
        """Sums over groups of rows of what `constant` needs."""

    def take(self, rows: Array) -> Self:
        """The loss of some rows, at the weights that they have in the whole."""

    def reweight(self, factor: Floats) -> Self:
        """The loss with the weight of each row multiplied by a factor."""


@runtime_checkable
class BoundClassificationLoss(BoundLoss, Protocol):
    """A bound loss of logits, for fitters that need class labels."""

    @property
    def n_classes(self) -> int:
        """Number of classes."""

    @property
    def classes(self) -> Array:
        """The user's sorted labels, of shape (n_classes,)."""

    @property
    def y(self) -> Array:
        """Column of each row's hard label, -1 where it has none."""

    @property
    def labels(self) -> Array:
        """The user's label of each row."""

    @property
    def soft_labels(self) -> Array:
        """NaN in rows that have none."""

    @property
    def uses_soft_labels(self) -> bool:
        """Whether soft labels have any weight."""

    @property
    def is_cross_entropy(self) -> bool:
        """Whether the loss is cross-entropy of plain probabilities against `blend`."""

    def blend(self, temperature: float = 1.0) -> Floats:
        """Soft and hard labels mixed into one target for each row."""
