"""Exploration of students, temperatures and alphas: `AutoDistiller`."""

from skdistill.auto._distiller import AutoDistiller
from skdistill.auto._leaderboard import Leaderboard

__all__ = ["AutoDistiller", "Leaderboard"]
