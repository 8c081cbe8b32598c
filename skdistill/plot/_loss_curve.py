"""`LossCurveDisplay`: whether training has ended."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skdistill._typing import Axes
from skdistill.plot._style import ABOVE, BLACK, BLUE, VERMILION, axes


class LossCurveDisplay:
    """Soft, hard and total loss of the training rows after each iteration.

    Parameters
    ----------
    soft, hard, total : array-like of shape (n_iter,)
        In nats; NaN throughout for a term that no row carries.
    temperature, alpha : float, default=None
        Of the loss; named in the legend.

    Attributes
    ----------
    lines_ : dict of Line2D
        By "soft", "hard" and "total".
    legend_ : Legend
    ax_, figure_ : Axes, Figure
    """

    def __init__(
        self,
        soft: ArrayLike,
        hard: ArrayLike,
        total: ArrayLike,
        *,
        temperature: float | None = None,
        alpha: float | None = None,
    ) -> None:
        self.soft = soft
        self.hard = hard
        self.total = total
        self.temperature = temperature
        self.alpha = alpha

    @classmethod
    def from_estimator(cls, model: Any, *, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw the ``loss_curve_`` of a distilled model.

        Parameters
        ----------
        model : DistilledClassifier
            Fitted, with an iterative student.
        ax : Axes, default=None
            None: a new figure.
        **kwargs : dict
            For ``Axes.plot``.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ValueError
            If the student was not fitted by iterations on the combined loss.
        """
        check_is_fitted(model)
        if not hasattr(model, "loss_curve_"):
            student = type(getattr(model, "student_", model)).__name__
            raise ValueError(
                f"there is no loss_curve_: the student {student} was not fitted by iterations "
                f"on the combined loss (fit_path_={getattr(model, 'fit_path_', None)!r}); "
                "boosting and neural networks are"
            )
        return cls(**model.loss_curve_, temperature=model.temperature, alpha=model.alpha).plot(
            ax, **kwargs
        )

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            None: a new figure.
        **kwargs : dict
            For ``Axes.plot``.

        Returns
        -------
        LossCurveDisplay
        """
        from matplotlib.ticker import MaxNLocator

        self.ax_, self.figure_ = ax, _ = axes(self, ax)
        at = "" if self.temperature is None else f" at T = {self.temperature:g}"
        mix = "" if self.alpha is None else f", alpha = {self.alpha:g}"
        looks = {
            "soft": (f"soft: KL to the teacher{at}", BLUE, "--"),
            "hard": ("hard: cross-entropy", VERMILION, ":"),
            "total": (f"total{mix}", BLACK, "-"),
        }
        self.lines_ = {}
        for term, (label, colour, dashes) in looks.items():
            values = np.asarray(getattr(self, term), dtype=np.float64)
            style = {"label": label, "color": colour, "linestyle": dashes} | kwargs
            self.lines_[term] = ax.plot(np.arange(1, len(values) + 1), values, **style)[0]
        ax.set(xlabel="iteration", ylabel="training loss (nats)")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        self.legend_ = ax.legend(**ABOVE)
        return self
