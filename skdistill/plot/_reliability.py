"""`ReliabilityDisplay`: whether probabilities may be taken at their word."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.calibration import CalibrationDisplay
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from skdistill._estimators._classes import proba_in_order, same_labels
from skdistill._typing import Axes, Rows
from skdistill.metrics._arrays import weights
from skdistill.plot._style import (
    ABOVE,
    BLACK,
    BLUE,
    COLOURS,
    VERMILION,
    pyplot,
    shown_class,
)
from skdistill.teachers._ask import ask_teacher, teacher_of

_ROLES = [
    {"color": colour, "marker": marker}
    for colour, marker in zip((BLACK, VERMILION, BLUE, *COLOURS[2:]), "*so^DvP", strict=True)
]  # teacher, plain, distilled, more
_RATIO = "observed / expected"
_NORMAL = 1.959964  # 95 %


class ReliabilityCurve(NamedTuple):
    """What was promised and what came, bin by bin.

    Attributes
    ----------
    prob_true, prob_pred : ndarray of shape (n_bins,)
        Share of rows where the event came, and its mean probability.
    low, high : ndarray of shape (n_bins,)
        95 % interval of that share (Wilson 1927), with weights of as many rows as say as
        much (Kish 1965).
    y_prob : ndarray of shape (n_samples,)
        Probability of the event in each row.
    observed_over_expected : float
        Events over the sum of their probabilities; 1 is calibrated in the large.
    """

    prob_true: np.ndarray
    prob_pred: np.ndarray
    low: np.ndarray
    high: np.ndarray
    y_prob: np.ndarray
    observed_over_expected: float


class ReliabilityDisplay:
    """Reliability diagrams of teacher, plain and distilled student, side by side.

    Parameters
    ----------
    curves : dict of ReliabilityCurve
        By name of the model.
    pos_label : object, default=None
        The class whose probability is judged; None: in each row the one that the model
        itself predicts, so that the share is that of correct predictions.

    Attributes
    ----------
    displays_ : dict of sklearn.calibration.CalibrationDisplay
    intervals_ : dict of LineCollection
    axes_ : ndarray of Axes
    figure_ : Figure
    """

    def __init__(
        self, curves: Mapping[str, ReliabilityCurve], *, pos_label: Any = None
    ) -> None:
        self.curves = curves
        self.pos_label = pos_label

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Rows,
        y: ArrayLike,
        *,
        plain: Any = None,
        teacher: Any = None,
        pos_label: Any = None,
        n_bins: int = 10,
        strategy: Literal["quantile", "uniform"] = "quantile",
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Judge a distilled model, its teacher and the plain student on held-out rows.

        Parameters
        ----------
        model : classifier
            Fitted, with ``predict_proba``.
        X : array-like, frame, sparse matrix or list of n_samples rows
        y : array-like of shape (n_samples,)
        plain : classifier, default=None
            The same student fitted on hard labels. None: it is left out.
        teacher : classifier, default=None
            Fitted. None: ``model.teacher_``. Asked as for soft labels.
        pos_label : object, default=None
            The class whose probability is judged. None: of two classes the second, of
            more the one that each model predicts.
        n_bins : int, default=10
        strategy : {"quantile", "uniform"}, default="quantile"
            Bins of equal numbers of rows, or of equal width.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights shares and probabilities within the bins.
        ax : Axes or array of Axes, default=None
            All curves in one, or one for each. None: a new figure with a panel for each.
        **kwargs : dict
            For ``Axes.plot``.

        Returns
        -------
        ReliabilityDisplay

        Raises
        ------
        ValueError
            If there is no teacher to ask, or the classes are not the same.
        """
        check_is_fitted(model)
        classes = model.classes_
        probas = {"teacher": ask_teacher(teacher_of(model, teacher), X, classes)}
        if plain is not None:
            if not same_labels(plain, classes):
                raise ValueError(
                    f"plain has the classes {np.asarray(plain.classes_).tolist()}, model has "
                    f"{np.asarray(classes).tolist()}; fit both on the same labels"
                )
            probas["plain"] = proba_in_order(plain, X, classes)
        probas["distilled"] = proba_in_order(model, X, classes)
        return cls.from_predictions(
            y, probas, classes=classes, pos_label=pos_label, n_bins=n_bins, strategy=strategy,
            sample_weight=sample_weight, ax=ax, **kwargs,
        )  # fmt: skip

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        probas: Mapping[str, ArrayLike],
        *,
        classes: ArrayLike | None = None,
        pos_label: Any = None,
        n_bins: int = 10,
        strategy: Literal["quantile", "uniform"] = "quantile",
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw from outcomes and probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
        probas : dict of array-like of shape (n_samples, n_classes)
            By name of the model.
        classes : array-like of shape (n_classes,), default=None
            Sorted labels of the columns. None: the labels of `y_true`.
        pos_label, n_bins, strategy, sample_weight, ax, **kwargs
            As in `from_estimator`.

        Returns
        -------
        ReliabilityDisplay
        """
        if strategy not in ("uniform", "quantile"):
            raise ValueError(f"strategy must be 'uniform' or 'quantile', got {strategy!r}")
        y_true = np.asarray(y_true)
        classes = np.unique(y_true) if classes is None else np.asarray(classes)
        if not np.isin(y_true, classes).all():
            unknown = y_true[~np.isin(y_true, classes)].tolist()[0]
            raise ValueError(
                f"y_true holds {unknown!r}, none of the classes {classes.tolist()}"
            )
        weight = weights(sample_weight, len(y_true))
        curves, shown = {}, pos_label
        for name, proba in probas.items():
            proba = np.asarray(proba, dtype=np.float64)
            check_consistent_length(y_true, proba)
            column, shown = shown_class(pos_label, classes, proba.shape[1])
            if column is None:
                outcome, score = y_true == classes[proba.argmax(axis=1)], proba.max(axis=1)
            else:
                outcome, score = y_true == classes[column], proba[:, column]
            curves[name] = _reliability(outcome, score, weight, n_bins, strategy)
        return cls(curves, pos_label=shown).plot(ax, **kwargs)

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes or array of Axes, default=None
            All curves in one, or one for each. None: a new figure with a panel for each.
        **kwargs : dict
            For ``Axes.plot``.

        Returns
        -------
        ReliabilityDisplay
        """
        n_curves = len(self.curves)
        if ax is None:
            size = {"figsize": (3 * n_curves + 0.4, 3.6), "layout": "constrained"}
            ax = pyplot(self).subplots(1, n_curves, sharex=True, sharey=True, **size)[1]
        self.axes_ = np.ravel(ax)
        self.figure_ = self.axes_[0].figure
        if len(self.axes_) not in (1, n_curves):
            raise ValueError(
                f"ax holds {len(self.axes_)} Axes for {n_curves} curves; pass 1 or {n_curves}"
            )
        self.displays_, self.intervals_ = {}, {}
        panels = np.broadcast_to(self.axes_, n_curves)
        for look, name, panel in zip(cycle(_ROLES), self.curves, panels, strict=False):
            self._draw(name, panel, look | kwargs)
        self._label()
        return self

    def _draw(self, name, ax, style):
        curve = self.curves[name]
        ratio = f"{curve.observed_over_expected:.3f}"
        display = CalibrationDisplay(curve.prob_true, curve.prob_pred, curve.y_prob)
        self.displays_[name] = display.plot(ax=ax, name=f"{name}: {ratio}", **style)
        self.intervals_[name] = ax.vlines(
            curve.prob_pred, curve.low, curve.high, colors=style["color"], alpha=0.5
        )
        ax.get_legend().remove()
        if len(self.axes_) > 1:
            ax.set_title(f"{name}\n{_RATIO} {ratio}", fontsize="medium")

    def _label(self):
        top = self.pos_label is None
        of = "the predicted class" if top else self.pos_label
        span = {"xlim": (-0.04, 1.04), "ylim": (-0.04, 1.04)}
        for ax in self.axes_:
            ax.set(xlabel=f"probability of {of}", ylabel="", **span)
        self.axes_[0].set_ylabel("share of correct predictions" if top else f"share of {of}")
        if len(self.axes_) == 1:
            self.axes_[0].legend(title=_RATIO, title_fontsize="small", ncols=2, **ABOVE)


def _reliability(outcome, score, weight, n_bins, strategy):
    """A `ReliabilityCurve`; bins as in `sklearn.calibration.calibration_curve`."""
    outcome, score, weight = (part[weight > 0] for part in (outcome, score, weight))
    edges = np.linspace(0, 1, n_bins + 1)
    if strategy == "quantile":
        edges = np.quantile(score, edges)
    _, bins = np.unique(np.searchsorted(edges[1:-1], score), return_inverse=True)
    mass = np.bincount(bins, weight)
    share, promised = (np.bincount(bins, weight * part) / mass for part in (outcome, score))
    low, high = _wilson(share, mass**2 / np.bincount(bins, weight**2))
    ratio = float(weight @ outcome / (weight @ score))
    return ReliabilityCurve(share, promised, low, high, score, ratio)


def _wilson(share, n_rows):
    """Ends of the interval of a share; with weights the rows are no whole number."""
    middle = share + _NORMAL**2 / n_rows / 2
    half = _NORMAL * np.sqrt((share * (1 - share) + _NORMAL**2 / n_rows / 4) / n_rows)
    low, high = np.array([middle - half, middle + half]) / (1 + _NORMAL**2 / n_rows)
    return np.minimum(low, share), np.maximum(high, share)  # but for rounding they are
