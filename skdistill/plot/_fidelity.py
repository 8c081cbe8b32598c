"""`FidelityDisplay`: how near a student comes to its teacher."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from skdistill._estimators._classes import proba_in_order
from skdistill._typing import Axes, Rows
from skdistill.metrics import agreement, kl_divergence
from skdistill.plot._style import VERMILION, axes, shown_class, tick_decades
from skdistill.teachers._ask import ask_teacher, teacher_of


class FidelityDisplay:
    """The student's probability of a class against the teacher's, as a density of rows.

    Parameters
    ----------
    teacher_score, student_score : array-like of shape (n_samples,)
        Probabilities of one class in each row.
    agreement : float, default=None
        Share of rows where both put the same class first.
    kl : float, default=None
        Mean ``KL(teacher || student)``, in nats.
    pos_label : object, default=None
        The class; None: in each row the one that the teacher predicts.

    Attributes
    ----------
    density_ : PolyCollection
        Hexagons coloured by their number of rows.
    diagonal_ : Line2D
        Where student and teacher say the same.
    text_ : Text
        The title: which class, agreement and mean KL.
    ax_, figure_ : Axes, Figure
    """

    def __init__(
        self,
        teacher_score: ArrayLike,
        student_score: ArrayLike,
        *,
        agreement: float | None = None,
        kl: float | None = None,
        pos_label: Any = None,
    ) -> None:
        self.teacher_score = teacher_score
        self.student_score = student_score
        self.agreement = agreement
        self.kl = kl
        self.pos_label = pos_label

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Rows,
        *,
        teacher: Any = None,
        pos_label: Any = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Ask a distilled model and its teacher about rows; no outcome is needed.

        Parameters
        ----------
        model : classifier
            Fitted, with ``predict_proba``.
        X : array-like, frame, sparse matrix or list of n_samples rows
            Best rows that neither was fitted on.
        teacher : classifier, default=None
            Fitted. None: ``model.teacher_``. Asked as for soft labels: columns aligned,
            counts of a forest smoothed.
        pos_label : object, default=None
            The class shown. None: of two classes the second, of more the one that the
            teacher predicts.
        ax : Axes, default=None
            None: a new figure.
        **kwargs : dict
            For ``Axes.hexbin``.

        Returns
        -------
        FidelityDisplay

        Raises
        ------
        ValueError
            If there is no teacher to ask, or it lacks a class of the model.
        """
        check_is_fitted(model)
        classes = model.classes_
        teacher_proba = ask_teacher(teacher_of(model, teacher), X, classes)
        student_proba = proba_in_order(model, X, classes)
        return cls.from_predictions(
            teacher_proba, student_proba, classes=classes, pos_label=pos_label, ax=ax, **kwargs
        )

    @classmethod
    def from_predictions(
        cls,
        teacher_proba: ArrayLike,
        student_proba: ArrayLike,
        *,
        classes: ArrayLike | None = None,
        pos_label: Any = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw from probabilities.

        Parameters
        ----------
        teacher_proba, student_proba : array-like of shape (n_samples, n_classes)
        classes : array-like of shape (n_classes,), default=None
            Labels of the columns. None: their numbers.
        pos_label, ax, **kwargs
            As in `from_estimator`.

        Returns
        -------
        FidelityDisplay
        """
        same, kl = (f(teacher_proba, student_proba) for f in (agreement, kl_divergence))
        teacher_proba, student_proba = np.asarray(teacher_proba), np.asarray(student_proba)
        column, pos_label = shown_class(pos_label, classes, teacher_proba.shape[1])
        columns = teacher_proba.argmax(axis=1) if column is None else column
        rows = np.arange(len(teacher_proba))
        scores = (proba[rows, columns] for proba in (teacher_proba, student_proba))
        return cls(*scores, agreement=same, kl=kl, pos_label=pos_label).plot(ax, **kwargs)

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            None: a new figure.
        **kwargs : dict
            For ``Axes.hexbin``.

        Returns
        -------
        FidelityDisplay
        """
        self.ax_, self.figure_ = ax, figure = axes(self, ax)
        style = {"gridsize": 25, "cmap": "viridis_r", "mincnt": 1, "extent": (0, 1, 0, 1)}
        style |= {"linewidths": 0.2, "bins": "log"} | kwargs
        self.density_ = ax.hexbin(self.teacher_score, self.student_score, **style)
        self.diagonal_ = ax.plot([0, 1], [0, 1], color=VERMILION, linestyle="--", lw=1.2)[0]
        fewest, most = self.density_.get_clim()
        self.density_.set_clim(fewest, max(most, 2 * fewest))
        bar = figure.colorbar(self.density_, ax=ax, shrink=0.8)
        bar.set_label("rows, log scale", fontsize="small")
        tick_decades(bar.ax.yaxis, *self.density_.get_clim(), whole=True)
        span = {"xlim": (-0.04, 1.04), "ylim": (-0.04, 1.04), "aspect": "equal"}
        ax.set(xlabel="teacher's probability", ylabel="student's probability", **span)
        self.text_ = ax.set_title(self._title(), fontsize="small")
        return self

    def _title(self):
        of = (
            "the class that the teacher predicts" if self.pos_label is None else self.pos_label
        )
        shown = [] if self.agreement is None else [f"agreement {100 * self.agreement:.1f} %"]
        shown += [] if self.kl is None else [f"mean KL {self.kl:.3g} nats"]
        return "\n".join([f"probability of {of}", ", ".join(shown)]).rstrip()
