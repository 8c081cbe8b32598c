"""The student's rows: those of X, drawn, unlabelled, generated."""

from skdistill.transfer.conditional import ConditionalSampler
from skdistill.transfer.munge import Munge

__all__ = ["ConditionalSampler", "Munge"]
