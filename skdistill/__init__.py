"""Knowledge distillation for scikit-learn: any student, the exact loss, a plain estimator."""

from skdistill.classifier import DistilledClassifier

__version__ = "0.1.0"

__all__ = ["DistilledClassifier"]
