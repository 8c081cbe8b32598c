"""Hyper-parameter search: `DistillationSearchCV`."""

from skdistill.model_selection._search import DistillationSearchCV

__all__ = ["DistillationSearchCV"]
