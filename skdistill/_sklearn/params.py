"""Parameter validation and the fit context, as every scikit-learn estimator has them.

scikit-learn's own messages and, from 1.9, its callbacks come with them; there is no
public way to either. Checked on 1.7.2 and 1.9.1.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from sklearn.base import _fit_context
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions
from sklearn.utils._user_interface import _print_elapsed_time as print_elapsed_time

__all__ = [
    "HasMethods",
    "Interval",
    "RealNotInt",
    "StrOptions",
    "fit_context",
    "print_elapsed_time",
]

Fit = TypeVar("Fit", bound=Callable[..., Any])


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Fit], Fit]:
    """scikit-learn's decorator, which keeps the type of what it decorates."""
    return _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)
