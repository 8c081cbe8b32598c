"""The distillation loss: softening, and the loss bound to its targets."""

from skdistill.loss._bound import BoundClassificationLoss, BoundLoss
from skdistill.loss._combined import CombinedLoss, LossParts
from skdistill.loss._soften import FLOOR, logits, soften, soften_logits

__all__ = [
    "FLOOR",
    "BoundClassificationLoss",
    "BoundLoss",
    "CombinedLoss",
    "LossParts",
    "logits",
    "soften",
    "soften_logits",
]
