"""Warnings that point to the user's line, however deep in the package they arise."""

import sys
import warnings
from pathlib import Path

import joblib
import sklearn

_INNER = tuple(
    str(Path(module.__file__).parent) for module in (sys.modules["skdistill"], sklearn, joblib)
)


def warn(message, category=UserWarning):
    """Warn, naming the nearest line outside of skdistill, scikit-learn and joblib.

    Parameters
    ----------
    message : str
    category : type, default=UserWarning
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_INNER):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
