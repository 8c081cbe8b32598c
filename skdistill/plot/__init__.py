"""Pictures of a distillation, as scikit-learn's Displays: what to look at before shipping.

`ParetoDisplay` shows what quality costs, `FidelityDisplay` how near the student comes to
its teacher, `ReliabilityDisplay` whether probabilities may be taken at their word,
`LossCurveDisplay` whether training has ended, `TemperatureAlphaDisplay` what a search has
seen. The constructors only store; ``from_estimator``, ``from_predictions`` and the like
compute and draw; ``plot`` draws again, elsewhere or otherwise, and sets the attributes
that end in an underscore.

Colours are those of Okabe and Ito (2008) or matplotlib's viridis, which colour-blind
readers can tell apart; shape, fill or dashes say the same once more. Legends stand beside
or above the axes, never on points: on axes of your own give them room by
``plt.subplots(layout="constrained")``. Matplotlib is imported when something is drawn.
"""

from skdistill.plot._fidelity import FidelityDisplay
from skdistill.plot._loss_curve import LossCurveDisplay
from skdistill.plot._pareto import ParetoDisplay
from skdistill.plot._reliability import ReliabilityCurve, ReliabilityDisplay
from skdistill.plot._temperature_alpha import TemperatureAlphaDisplay

__all__ = [
    "FidelityDisplay",
    "LossCurveDisplay",
    "ParetoDisplay",
    "ReliabilityCurve",
    "ReliabilityDisplay",
    "TemperatureAlphaDisplay",
]
