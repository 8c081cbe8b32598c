"""Types of the public signatures, for type checkers: nothing is checked when code runs."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import numpy as np
from joblib import Memory
from numpy.typing import NDArray
from sklearn.utils.metaestimators import available_if as _available_if

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame as Frame
else:  # of packages that may be absent
    Axes = Frame = Any

Function = TypeVar("Function", bound=Callable[..., Any])


class Estimator(Protocol):
    """What has parameters and can be fitted, of whatever package."""

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Learn from rows; each package names its arguments as it likes."""

    def get_params(self, deep: bool = ...) -> Any:
        """Parameters by name."""


class Sampler(Protocol):
    """What makes rows like those that it was fitted on."""

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Learn from rows."""

    def sample(self, *args: Any, **kwargs: Any) -> Any:
        """Rows, as many as are asked for."""


class Splitter(Protocol):
    """What `sklearn.model_selection` calls a splitter."""

    def split(self, *args: Any, **kwargs: Any) -> Any:
        """Pairs of training and held-out row numbers."""

    def get_n_splits(self, *args: Any, **kwargs: Any) -> int:
        """How many pairs."""


# arrays, frames of three packages, sparse matrices, lists of text: no type is common
Rows: TypeAlias = Any
Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Splits: TypeAlias = int | Splitter | Iterable[tuple[Any, Any]] | None
Seed: TypeAlias = int | np.random.RandomState | None
Cache: TypeAlias = str | Memory | None
Scoring: TypeAlias = str | Callable[..., Any] | None


def available_if(check: Callable[[Any], bool]) -> Callable[[Function], Function]:
    """scikit-learn's decorator, which keeps the type of what it decorates."""
    return _available_if(check)
