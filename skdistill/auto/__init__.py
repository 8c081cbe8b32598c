"""Exploration of students, temperatures and alphas: `AutoDistiller`."""

from skdistill.auto._distiller import AutoDistiller

__all__ = ["AutoDistiller"]
