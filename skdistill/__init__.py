"""Knowledge distillation for scikit-learn: any student, the exact loss, a plain estimator."""

from skdistill.auto import AutoDistiller
from skdistill.classifier import DistilledClassifier
from skdistill.model_selection import DistillationSearchCV

__version__ = "0.1.0"

__all__ = ["AutoDistiller", "DistillationSearchCV", "DistilledClassifier"]
