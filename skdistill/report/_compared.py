"""Several models on the same rows: their metrics, and paired differences."""

from typing import NamedTuple

import numpy as np

from skdistill.metrics._intervals import mean_intervals
from skdistill.metrics._loss import log_loss_by_row
from skdistill.metrics._quality import quality, quality_by_row
from skdistill.metrics._worth import retention


class Compared(NamedTuple):
    """Outcomes of rows, and the probabilities of each model for them.

    Attributes
    ----------
    y : ndarray of shape (n_samples,)
    probas : dict of ndarray of shape (n_samples, n_classes)
        By "teacher", "plain" (or without it) and "distilled".
    classes : ndarray of shape (n_classes,)
    scale : dict
        Temperature and alpha of the combined loss.
    weight : ndarray of shape (n_samples,) or None
    """

    y: np.ndarray
    probas: dict
    classes: np.ndarray
    scale: dict
    weight: np.ndarray | None = None

    def take(self, chosen):
        """Some of the rows."""
        probas = {name: proba[chosen] for name, proba in self.probas.items()}
        weight = None if self.weight is None else self.weight[chosen]
        return self._replace(y=self.y[chosen], probas=probas, weight=weight)

    def section(self, differences=True):
        """A part of the report."""
        known = {"teacher_proba": self.probas["teacher"], "classes": self.classes}
        known |= {"sample_weight": self.weight} | self.scale
        found = {"n_samples": len(self.y)} | {
            name: quality(self.y, proba, **known) for name, proba in self.probas.items()
        }
        others = [name for name in ("plain", "teacher") if name in self.probas and differences]
        return found | {f"distilled - {name}": self._difference(name) for name in others}

    def _difference(self, name):
        rows, other = (
            quality_by_row(
                self.y,
                self.probas[one],
                self.probas["teacher"],
                self.classes,
                sample_weight=self.weight,
            )
            for one in ("distilled", name)
        )
        differences = np.column_stack([rows[metric] - other[metric] for metric in rows])
        found = mean_intervals(differences, sample_weight=self.weight)
        return dict(zip(rows, found, strict=True))

    def retention(self):
        """Share of the teacher's lead in log-loss that the distilled student keeps."""
        return retention(
            *(
                log_loss_by_row(self.y, self.probas[name], classes=self.classes)
                for name in ("teacher", "distilled", "plain")
            ),
            sample_weight=self.weight,
        )
