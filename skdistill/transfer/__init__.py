"""The student's rows: those of X, drawn, unlabelled, generated."""

from skdistill.transfer._generated import (
    GENERATORS,
    count_rows,
    generate_rows,
    resolve_generator,
)
from skdistill.transfer._rows import draw_rows, stack_rows
from skdistill.transfer._set import TransferSet
from skdistill.transfer.conditional import ConditionalSampler
from skdistill.transfer.munge import Munge

__all__ = [
    "GENERATORS", "ConditionalSampler", "Munge", "TransferSet", "count_rows", "draw_rows",
    "generate_rows", "resolve_generator", "stack_rows",
]  # fmt: skip
