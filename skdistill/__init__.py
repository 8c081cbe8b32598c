"""Knowledge distillation for scikit-learn: any student, the exact loss, a plain estimator."""

from skdistill.auto._distiller import AutoDistiller
from skdistill.classifier import DistilledClassifier
from skdistill.model_selection._search import DistillationSearchCV
from skdistill.shipping import plain_estimator

__version__ = "0.1.0"

__all__ = ["AutoDistiller", "DistillationSearchCV", "DistilledClassifier", "plain_estimator"]
