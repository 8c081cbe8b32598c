"""The student's rows: those of X, drawn, unlabelled, generated."""

from skdistill.transfer._rows import draw_rows, stack_rows
from skdistill.transfer._set import TransferSet

__all__ = ["TransferSet", "draw_rows", "stack_rows"]
